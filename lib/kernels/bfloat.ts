/**
 * Products in bfloats: float32 operands that are rounded to bfloat16, float32 sums. The rows of `gemm` and `conv` for the
 * element type `f32bf16` have the parameters of the float32 ones and take weights packed by this kernel.
 */
import { kernelParams } from './params.js';

/** What selects the rows: float32 activations and results, bfloat16 weights. */
export const BFLOAT_WEIGHTS = 'f32bf16';

/**
 * Packs `count` matrices b[k, n] into panels of nr columns and pairs of k, zeros up to multiples of nr and kr. k is two
 * dimensions (the taps and channels of a filter; 1 and k for a matrix). Strides count elements. Operands: packed, b.
 */
export const bfloatPackParams = kernelParams('BfloatPackParams', {
  count: 'i64',
  stride: 'i64',
  n: 'i64',
  strideN: 'i64',
  outer: 'i64',
  strideOuter: 'i64',
  inner: 'i64',
  strideInner: 'i64',
  nr: 'i32',
  kr: 'i32',
});

/** Elements of one packed matrix. */
export function packedBfloats(k: number, n: number, nr: number, kr: number): number {
  return Math.ceil(n / nr) * nr * Math.ceil(k / kr) * kr;
}
