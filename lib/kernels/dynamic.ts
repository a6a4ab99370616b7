/**
 * Kernels whose result has a length that only its contents tell. The result buffer is made for the longest one; the
 * tensor itself, contiguous in its final shape, is the beginning of it (zeroes follow), and `count` i64 [1] says how
 * long the open dimension came out.
 */
import { kernelParams } from './params.js';

/**
 * Coordinates of the elements that are not zero, [rank, count]. Operands: y i64 [rank · elements], count, x.
 * `dims` holds the shape, `floating` says that the top bit is a sign (so that -0 is zero).
 */
export const nonZeroParams = kernelParams('NonZeroParams', { elementBytes: 'i32', floating: 'i32', rank: 'i32', unused: 'i32', dims: 'i64[8]' });

/** Slices of x[outer, length, innerBytes] whose condition holds: operands y, count, x, condition bool [conditions]. */
export const compressParams = kernelParams('CompressParams', { outer: 'i64', length: 'i64', innerBytes: 'i64', conditions: 'i64' });

/**
 * Different slices of x[outer, length, inner] along its middle axis: operands y, count, firstIndex? i64 [length],
 * inverse? i64 [length], counts? i64 [length], x. `sorted` 0 keeps the order of first appearance.
 */
export const uniqueParams = kernelParams('UniqueParams', { outer: 'i64', length: 'i64', inner: 'i64', sorted: 'i32', unused: 'i32' });

/**
 * Boxes kept by non-maximum suppression: operands y i64 [limit, 3], count, boxes f32 [batches, boxes, 4],
 * scores f32 [batches, classes, boxes], maxPerClass? i64 [1], iouThreshold? f32 [1], scoreThreshold? f32 [1].
 */
export const nonMaxSuppressionParams = kernelParams('NonMaxSuppressionParams', {
  batches: 'i64',
  classes: 'i64',
  boxes: 'i64',
  limit: 'i64',
  centerPoint: 'i32',
  unused: 'i32',
});
