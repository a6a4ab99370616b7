import { kernelParams } from './params.js';

/** Most dimensions of a strided view, after collapsing. Tiling a tensor of rank 6 along every axis takes 12. */
export const STRIDED_RANK = 12;

/**
 * y[i0, i1, …] = x[offset + i0·strides[0] + i1·strides[1] + …], y dense. Counted in elements of `elementBytes` (1, 2, 4,
 * 8 or 16). Strides may be 0 (broadcast) or negative (reversal). Operands: y, x.
 */
export const stridedCopyParams = kernelParams('StridedCopyParams', {
  elementBytes: 'i32',
  rank: 'i32',
  offset: 'i64',
  dims: 'i64[12]',
  strides: 'i64[12]',
});
