/** The bounds that native/simd/math.inl states, over the whole range of float32. */
import { describe, expect, it } from 'vitest';
import { type PointwiseOpName, pointwiseParams } from '../../lib/kernels/pointwise.js';
import { encodeInputs, input } from '../../lib/ops/expression.js';
import { alikeFlushed, callKernel, operandsOf, rowsOf } from './harness.js';
import { definitions } from './pointwise-definitions.js';

const bounds: Partial<Record<PointwiseOpName, number>> = {
  exp: 1,
  log: 1,
  tanh: 3,
  sigmoid: 3,
  erf: 1,
  softplus: 2,
  sin: 2,
  cos: 2,
  tan: 4,
  asin: 3,
  acos: 2,
  atan: 2,
  sinh: 2,
  cosh: 2,
  asinh: 2,
  acosh: 2,
  atanh: 2,
};
/** Absolute, in units of max(1, |x|). */
const cancelling: readonly PointwiseOpName[] = ['gelu', 'geluTanh', 'mish'];

// Every 8191st bit pattern (a prime: all exponents, ever-changing mantissas), and all integers and halves up to 200.
const sweep = (() => {
  const bits = new Uint32Array(Math.ceil(2 ** 32 / 8191) + 801);
  let n = 0;
  for (let b = 0; b < 2 ** 32; b += 8191) bits[n++] = b;
  const x = new Float32Array(bits.buffer);
  for (let i = -400; i <= 400; i++) x[n++] = i / 2;
  return x;
})();

function evaluate(row: ReturnType<typeof rowsOf>[number], op: PointwiseOpName): Float32Array {
  const dims = [sweep.length];
  const { params, tail } = encodeInputs([{ op, terms: [input(0)] }], dims, 0, [{ shape: dims, type: 0 }]);
  const y = new Float32Array(sweep.length);
  callKernel(row, pointwiseParams, params, [y], [sweep], { tail });
  return y;
}

describe.each(rowsOf('pointwise', 'f32'))('$name', (row) => {
  it.each(Object.entries(bounds) as [PointwiseOpName, number][])('%s stays within %d ulp', (op, bound) => {
    const y = evaluate(row, op);
    const define = definitions[op] as (x: number) => number;
    const ulpsFor = (x: number, got: number): number => {
      const exact = define(x);
      const rounded = Math.fround(exact);
      if (Object.is(got, rounded) || (Number.isNaN(got) && Number.isNaN(rounded))) return 0;
      if (alikeFlushed(row, got, exact)) return 0;
      const spacing = Math.max(2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23), 2 ** -149);
      // a pole, a NaN or a zero's sign that differs is no rounding error
      const kind = Number.isFinite(got) && Number.isFinite(rounded) && (got !== 0 || rounded !== 0);
      return kind ? Math.abs(got - exact) / spacing : Infinity;
    };
    let worst = 0;
    let at = 0;
    for (let i = 0; i < y.length; i++) {
      const ulps = Math.min(...operandsOf(row, [sweep[i] as number]).map(([x]) => ulpsFor(x as number, y[i] as number)));
      if (ulps > worst) [worst, at] = [ulps, i];
    }
    expect(worst, `${op}(${sweep[at]}) = ${y[at]}`).toBeLessThanOrEqual(bound);
  });

  it.each(cancelling)('%s stays within 2e-7 of max(1, |x|)', (op) => {
    const y = evaluate(row, op);
    const define = definitions[op] as (x: number) => number;
    for (let i = 0; i < y.length; i++) {
      const x = sweep[i] as number;
      const exact = Math.fround(define(x));
      if (Object.is(y[i], exact) || y[i] === exact || !Number.isFinite(x)) continue;
      if (!(Math.abs((y[i] as number) - exact) <= 2e-7 * Math.max(1, Math.abs(x)))) expect.fail(`${op}(${x}) = ${y[i]}, not ${exact}`);
    }
  });
});
