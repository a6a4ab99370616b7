/** What every step computes, in float64 with the functions of JavaScript: independent of the kernels. */
import type { PointwiseOpName } from '../../lib/kernels/pointwise.js';

type Definition = (a: number, b: number, c: number) => number;

/** erf by its series below 3, and by the continued fraction of erfc above. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = 0;
  for (let k = 60; k > 0; k--) f = k / 2 / (a + f);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + f)));
}

const bool = (b: boolean) => (b ? 1 : 0);
const half = (x: number) => {
  const r = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};
const sigmoid = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const elu = (x: number, a: number) => (x < 0 ? a * Math.expm1(x) : x);
/** A bound that is NaN is no bound, so Math.min and Math.max will not do. */
const clip = (x: number, low: number, high: number) => {
  let y = x;
  if (y < low) y = low;
  if (y > high) y = high;
  return y;
};
const unit = (x: number) => (Number.isNaN(x) ? x : Math.min(1, Math.max(0, x)));
/** Steps read float32 operands, so multiplications by float32 constants are part of the definition. */
const third = (x: number) => x / 6 + 0.5;

export const definitions: Record<PointwiseOpName, Definition> = {
  copy: (a) => a,
  abs: (a) => Math.abs(a),
  neg: (a) => -a,
  sign: (a) => Math.sign(a),
  floor: (a) => Math.floor(a),
  ceil: (a) => Math.ceil(a),
  round: (a) => half(a),
  reciprocal: (a) => 1 / a,
  sqrt: (a) => Math.sqrt(a),
  exp: (a) => Math.exp(a),
  log: (a) => Math.log(a),
  sin: (a) => Math.sin(a),
  cos: (a) => Math.cos(a),
  tan: (a) => Math.tan(a),
  asin: (a) => Math.asin(a),
  acos: (a) => Math.acos(a),
  atan: (a) => Math.atan(a),
  sinh: (a) => Math.sinh(a),
  cosh: (a) => Math.cosh(a),
  tanh: (a) => Math.tanh(a),
  asinh: (a) => Math.asinh(a),
  acosh: (a) => Math.acosh(a),
  atanh: (a) => Math.atanh(a),
  erf: (a) => erf(a),
  sigmoid: (a) => sigmoid(a),
  softplus: (a) => softplus(a),
  softsign: (a) => a / (1 + Math.abs(a)),
  relu: (a) => (Number.isNaN(a) ? a : Math.max(a, 0)),
  gelu: (a) => 0.5 * a * (1 + erf(a * Math.SQRT1_2)),
  geluTanh: (a) => 0.5 * a * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (a + 0.044715 * a * a * a))),
  mish: (a) => (a === -Infinity ? NaN : a * Math.tanh(softplus(a))),
  hardSwish: (a) => a * unit(third(a)),
  logicalNot: (a) => bool(a === 0),
  isNaN: (a) => bool(Number.isNaN(a)),
  bitwiseNot: (a) => ~a,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  // IEEE 754: 1 to any power, and -1 to an infinite one, is 1
  pow: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  mod: (a, b) => {
    const r = a % b;
    return r !== 0 && r < 0 !== b < 0 ? Math.fround(r + b) : r;
  },
  fmod: (a, b) => a % b,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  leakyRelu: (a, b) => (a < 0 ? b * a : a),
  elu: (a, b) => elu(a, b),
  celu: (a, b) => Math.max(a, 0) + Math.min(0, b * Math.expm1(a / b)),
  thresholdedRelu: (a, b) => (a <= b ? 0 : a),
  swish: (a, b) => a * sigmoid(b * a),
  equal: (a, b) => bool(a === b),
  less: (a, b) => bool(a < b),
  lessOrEqual: (a, b) => bool(a <= b),
  logicalAnd: (a, b) => bool(a !== 0 && b !== 0),
  logicalOr: (a, b) => bool(a !== 0 || b !== 0),
  logicalXor: (a, b) => bool((a !== 0) !== (b !== 0)),
  bitwiseAnd: (a, b) => a & b,
  bitwiseOr: (a, b) => a | b,
  bitwiseXor: (a, b) => a ^ b,
  shiftLeft: (a, b) => a << b,
  shiftRight: (a, b) => a >> b,
  clip: (a, b, c) => clip(a, b, c),
  selu: (a, b, c) => c * elu(a, b),
  shrink: (a, b, c) => (a < -b ? a + c : a > b ? a - c : Number.isNaN(a) ? a : 0),
  hardSigmoid: (a, b, c) => unit(b * a + c),
  isInf: (a, b, c) => bool((a === -Infinity && b !== 0) || (a === Infinity && c !== 0)),
  where: (a, b, c) => (a !== 0 ? b : c),
  mulAdd: (a, b, c) => a * b + c,
};
