/** Affine quantization, WebNN names: x ≈ (q - zeroPoint) · scale. */
import type { Labelled } from './elementwise.js';
import { type Arg, emit, type Result } from './operand.js';

type Dense = Exclude<Arg, number>;

export interface QuantizeOptions extends Labelled {
  /** The axis that scales of rank 1 run along (ours); default 1. */
  readonly axis?: number;
  /** Elements along `axis` that share a scale, where scales have the rank of x (ours). */
  readonly blockSize?: number;
}

const affine = (op: string, inputs: readonly Dense[], { axis, blockSize, label }: QuantizeOptions) =>
  emit({ op, inputs, attrs: { axis: axis ?? 1, ...(blockSize !== undefined && { block_size: blockSize }) }, label })[0];

/** clamp(roundEven(x / scale) + zeroPoint) in the type of zeroPoint. */
export function quantizeLinear<X extends Dense, S extends Dense, Z extends Dense>(
  x: X,
  scale: S,
  zeroPoint: Z,
  options: QuantizeOptions = {},
): Result<X | S | Z> {
  return affine('QuantizeLinear', [x, scale, zeroPoint], options) as Result<X | S | Z>;
}

/** (q - zeroPoint) · scale in the type of scale. */
export function dequantizeLinear<X extends Dense, S extends Dense, Z extends Dense>(
  q: X,
  scale: S,
  zeroPoint: Z,
  options: QuantizeOptions = {},
): Result<X | S | Z> {
  return affine('DequantizeLinear', [q, scale, zeroPoint], options) as Result<X | S | Z>;
}
