import { kernelParams } from './params.js';

/** y[o, i, :] = x[o, index[i], :] in blocks of bytes. Negative indices count from the end. Operands: y, x, index. */
export const gatherParams = kernelParams('GatherParams', {
  outer: 'i64',
  axis: 'i64',
  count: 'i64',
  blockBytes: 'i64',
  /** 4 or 8. */
  indexBytes: 'i32',
  reserved: 'i32',
});

/**
 * y[i0, …] = x[i0, …, index[i0, …] in place of i(axis), …]. `dims` are those of y and index, `strides` those of x, in
 * elements. Operands: y, x, index.
 */
export const gatherElementsParams = kernelParams('GatherElementsParams', {
  elementBytes: 'i32',
  indexBytes: 'i32',
  rank: 'i32',
  axis: 'i32',
  /** Elements of x along the axis. */
  axisSize: 'i64',
  dims: 'i64[8]',
  strides: 'i64[8]',
});

/**
 * y[b, i, :] = x[b, index[b, i, 0], index[b, i, 1], …, :] in blocks of bytes; `dims` are the `depth` dimensions that are
 * indexed. Operands: y, x, index.
 */
export const gatherNdParams = kernelParams('GatherNdParams', {
  outer: 'i64',
  count: 'i64',
  blockBytes: 'i64',
  indexBytes: 'i32',
  depth: 'i32',
  dims: 'i64[8]',
});
