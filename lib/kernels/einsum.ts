/** Sums of products over strided views: the part of Einsum that is no matrix product. */
import { kernelParams } from './params.js';

/** Most different subscripts of one call. */
export const EINSUM_RANK = 12;

/**
 * y[o…] = Σ_r… a[o·sa + r·sa]·b[o·sb + r·sb], y dense over the first `outRank` of `dims`, summed over the rest. Strides count
 * elements; 0 where an operand does not have the subscript. Operands: y, a, b?.
 */
export const einsumParams = kernelParams('EinsumParams', {
  outRank: 'i32',
  rank: 'i32',
  dims: 'i64[12]',
  strideA: 'i64[12]',
  strideB: 'i64[12]',
});
