import { kernelEnum, kernelParams } from './params.js';

/** The element types of quantized tensors and of their scales. */
export const quantType = kernelEnum('QuantType', [
  'f32',
  'f16',
  'bf16',
  'u8',
  'i8',
  'u16',
  'i16',
  'i32',
  'u4',
  'i4',
  'u2',
  'i2',
  'f8e4m3fn',
  'f8e4m3fnuz',
  'f8e5m2',
  'f8e5m2fnuz',
  'f4e2m1',
]);

/** Which scale and zero point an element has: one for all, one per position on the axis, or one per block along it. */
export const scaleLayout = kernelEnum('ScaleLayout', ['tensor', 'axis', 'blocked']);

/**
 * Both directions, over x[outer, axis, inner]. Operands y, x, scale, zero?; scale and zero have 1, `axis` or
 * [outer, ceil(axis/block), inner] elements. `from`, `to` and `scale` are QuantTypes; the zero points have the quantized one.
 * `precision` is the type in which a quotient is rounded before it becomes an integer.
 */
export const quantizeParams = kernelParams('QuantizeParams', {
  outer: 'i64',
  axis: 'i64',
  inner: 'i64',
  block: 'i64',
  layout: 'i32',
  from: 'i32',
  to: 'i32',
  scale: 'i32',
  precision: 'i32',
  saturate: 'i32', // f8: what is too large becomes the largest number instead of infinity or NaN
});

/** Operands y u8, scale f32 [1], zero u8 [1], x f32. */
export const dynamicQuantizeParams = kernelParams('DynamicQuantizeParams', { count: 'i64' });

/**
 * y[…batch, m, n] = Σk (a[…, m, k] - aZero) · (b[…, k, n] - bZero), int32, wrapping. Operands y, a, b, aZero? (1 or m
 * numbers), bZero? (1 or n numbers), then for `qlinear_matmul` aScale (1 or m), bScale (1 or n), yScale, yZero?.
 * Batches count through `batch`; strides are in matrices.
 */
export const integerMatmulParams = kernelParams('IntegerMatmulParams', {
  m: 'i64',
  n: 'i64',
  k: 'i64',
  batch: 'i64[6]',
  aStride: 'i64[6]',
  bStride: 'i64[6]',
  aZeros: 'i64',
  bZeros: 'i64',
  aScales: 'i64',
  bScales: 'i64',
  scale: 'i32', // QuantType of the scales
  unused: 'i32',
});

/**
 * y[n, m, …out] = Σ (x - xZero) · (w - wZero), int32, wrapping; three image axes, ones in front. Operands y, x, w, xZero?,
 * wZero? (1 or outC numbers), then for `qlinear_conv` xScale, wScale (1 or outC), yScale, yZero?, bias? i32.
 */
export const integerConvParams = kernelParams('IntegerConvParams', {
  batches: 'i64',
  channels: 'i64',
  outC: 'i64',
  groups: 'i64',
  image: 'i64[3]',
  out: 'i64[3]',
  kernel: 'i64[3]',
  strides: 'i64[3]',
  pads: 'i64[3]',
  dilations: 'i64[3]',
  wZeros: 'i64',
  wScales: 'i64',
});
