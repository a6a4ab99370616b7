/** Elementwise functions, with WebNN names. Shapes broadcast as in ONNX; results have the broadcast shape. */
import type { DType } from '../dtype.js';
import { dtypes, isDType } from '../dtype.js';
import { dsnkError, spelled } from '../errors.js';
import { type Arg, emit, type Result, typeOf } from './operand.js';

export interface Labelled {
  /** Names the node in messages and reports. */
  readonly label?: string;
}

const one = <A extends Arg>(
  op: string,
  inputs: readonly (Arg | undefined)[],
  attrs: Record<string, number | string | undefined> = {},
  options: Labelled = {},
): Result<A> => emit({ op, inputs, attrs, label: options.label })[0] as Result<A>;

type Unary = <A extends Exclude<Arg, number>>(x: A, options?: Labelled) => Result<A>;
type Binary = <A extends Arg, B extends Arg>(a: A, b: B, options?: Labelled) => Result<A | B>;

const unary =
  (op: string): Unary =>
  (x, options = {}) =>
    one(op, [x], {}, options);
const binary =
  (op: string): Binary =>
  (a, b, options = {}) =>
    one(op, [a, b], {}, options);

export const abs = unary('Abs');
export const ceil = unary('Ceil');
export const cos = unary('Cos');
export const erf = unary('Erf');
export const exp = unary('Exp');
export const floor = unary('Floor');
export const hardSwish = unary('HardSwish');
export const identity = unary('Identity');
// biome-ignore lint/suspicious/noShadowRestrictedNames: WebNN's name
export const isNaN = unary('IsNaN');
export const isInfinite = unary('IsInf');
export const log = unary('Log');
export const logicalNot = unary('Not');
export const neg = unary('Neg');
export const reciprocal = unary('Reciprocal');
export const relu = unary('Relu');
export const roundEven = unary('Round');
export const sigmoid = unary('Sigmoid');
export const sign = unary('Sign');
export const sin = unary('Sin');
export const softplus = unary('Softplus');
export const softsign = unary('Softsign');
export const sqrt = unary('Sqrt');
export const tan = unary('Tan');
export const tanh = unary('Tanh');

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
export const max = binary('Max');
export const min = binary('Min');
export const pow = binary('Pow');
export const prelu = binary('PRelu');
export const equal = binary('Equal');
export const greater = binary('Greater');
export const greaterOrEqual = binary('GreaterOrEqual');
export const lesser = binary('Less');
export const lesserOrEqual = binary('LessOrEqual');
export const logicalAnd = binary('And');
export const logicalOr = binary('Or');
export const logicalXor = binary('Xor');

/** a ≠ b, elementwise. */
export function notEqual<A extends Arg, B extends Arg>(a: A, b: B, options: Labelled = {}): Result<A | B> {
  return one('Not', [equal(a, b) as Arg], {}, options);
}

/** condition (bool) ? a : b. A number takes the type of the other choice; two numbers are float32. */
export function where<C extends Exclude<Arg, number>, A extends Arg, B extends Arg>(condition: C, a: A, b: B, options: Labelled = {}): Result<C | A | B> {
  return emit({ op: 'Where', inputs: [condition, a, b], scalarType: typeOf(a) ?? typeOf(b) ?? 'float32', label: options.label })[0] as Result<C | A | B>;
}

/** min(max(x, minValue), maxValue); a bound left out does not bind. */
export function clamp<A extends Exclude<Arg, number>>(x: A, options: Labelled & { minValue?: number; maxValue?: number } = {}): Result<A> {
  return one('Clip', [x, options.minValue, options.maxValue], {}, options);
}

/** x < 0 ? alpha·(eˣ-1) : x */
export function elu<A extends Exclude<Arg, number>>(x: A, options: Labelled & { alpha?: number } = {}): Result<A> {
  return one('Elu', [x], { alpha: options.alpha ?? 1 }, options);
}

/** x < 0 ? alpha·x : x */
export function leakyRelu<A extends Exclude<Arg, number>>(x: A, options: Labelled & { alpha?: number } = {}): Result<A> {
  return one('LeakyRelu', [x], { alpha: options.alpha ?? 0.01 }, options);
}

/** clip(alpha·x + beta, 0, 1) */
export function hardSigmoid<A extends Exclude<Arg, number>>(x: A, options: Labelled & { alpha?: number; beta?: number } = {}): Result<A> {
  return one('HardSigmoid', [x], { alpha: options.alpha ?? 0.2, beta: options.beta ?? 0.5 }, options);
}

/** x·Φ(x); `approximate: 'tanh'` (ours) takes the tanh form. */
export function gelu<A extends Exclude<Arg, number>>(x: A, options: Labelled & { approximate?: 'none' | 'tanh' } = {}): Result<A> {
  return one('Gelu', [x], { approximate: options.approximate ?? 'none' }, options);
}

/** x·sigmoid(x) (ours). */
export function silu<A extends Exclude<Arg, number>>(x: A, options: Labelled = {}): Result<A> {
  return mul(x, sigmoid(x) as Arg, options) as Result<A>;
}

/** alpha·x + beta */
export function linear<A extends Exclude<Arg, number>>(x: A, options: Labelled & { alpha?: number; beta?: number } = {}): Result<A> {
  return add(mul(x, options.alpha ?? 1) as Arg, options.beta ?? 0, options) as Result<A>;
}

/** The same numbers in another element type. */
export function cast<A extends Exclude<Arg, number>>(x: A, dataType: DType, options: Labelled = {}): Result<A> {
  if (!isDType(dataType)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'cast', 'dataType must be an ONNX element type', `${spelled(dataType)} came`);
  return one('Cast', [x], { to: dtypes[dataType].onnx }, options);
}
