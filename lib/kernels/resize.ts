import { kernelParams } from './params.js';

/**
 * y[outer, outH, outW, inner] from x[outer, inH, inW, inner], both axes at once. Along each axis an output position is
 * a weighted sum of `taps` neighbours: operands y, x, startH?, weightH?, startW?, weightW?; start[out] i32, weight
 * [taps, out]. An axis without tables (taps 0) keeps its length. Where `extrapolate` is 1, a start of -1 gives `value`.
 */
export const resizeParams = kernelParams('ResizeParams', {
  outer: 'i64',
  inH: 'i64',
  outH: 'i64',
  inW: 'i64',
  outW: 'i64',
  inner: 'i64',
  tapsH: 'i32',
  tapsW: 'i32',
  extrapolate: 'i32',
  value: 'f32',
});

/**
 * The same with one neighbour and no arithmetic, so for every element type: operands y, x, startH?, startW?. A start
 * of -1 gives the operand `fill` (innerBytes of it), where there is one: y, x, startH?, startW?, fill?.
 */
export const resizeNearestParams = kernelParams('ResizeNearestParams', {
  outer: 'i64',
  inH: 'i64',
  outH: 'i64',
  inW: 'i64',
  outW: 'i64',
  innerBytes: 'i64',
});
