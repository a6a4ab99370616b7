import { kernelEnum, kernelParams } from './params.js';

export const rowNorm = kernelEnum('RowNorm', [
  'layer', // (x - mean) / √(variance + epsilon)
  'rms', // x / √(mean of x² + epsilon)
]);

/**
 * Normalises rows of n, then scales and shifts. Operands: y, mean?, inverseDeviation? (float32, one per row), sum?
 * (x + skip + skipBias); x, skip?, skipBias?, scale?, bias?.
 * Scale k = (row mod period)·(n / segment) + i / segment belongs to element i of a row; skip repeats after skipRows rows.
 */
export const normRowsParams = kernelParams('NormRowsParams', {
  kind: 'i32',
  epsilon: 'f32',
  rows: 'i64',
  n: 'i64',
  segment: 'i64',
  period: 'i64',
  skipRows: 'i64',
});

/**
 * Mean and variance of each channel of [outer, channels, inner]. Operands: mean, variance, runningMean?,
 * runningVariance?; x, oldMean?, oldVariance?. running = old·momentum + batch·(1 - momentum).
 */
export const momentsParams = kernelParams('MomentsParams', { momentum: 'f32', spare: 'i32', outer: 'i64', channels: 'i64', inner: 'i64' });

export const channelNorm = kernelEnum('ChannelNorm', [
  'batch', // (x - mean) / √(variance + epsilon)
  'deviation', // (x - mean) / (√variance + epsilon)
]);

/** y = norm(x)·scale + bias per channel of [outer, channels, inner]. Operands: y; x, mean, variance, scale?, bias?. */
export const channelNormParams = kernelParams('ChannelNormParams', { kind: 'i32', epsilon: 'f32', outer: 'i64', channels: 'i64', inner: 'i64' });

/** y = x / (Σ|x|^p)^(1/p) along n of [outer, n, inner], p 1 or 2; 0 where the sum is 0. Operands: y, x. */
export const lpNormParams = kernelParams('LpNormParams', { p: 'i32', spare: 'i32', outer: 'i64', n: 'i64', inner: 'i64' });

/**
 * y = x·(bias + alpha/size·Σ x²)^-beta, the sum over `size` channels about each of [outer, channels, inner]: those from
 * c - ⌊(size-1)/2⌋ to c + ⌈(size-1)/2⌉. Operands: y, x.
 */
export const lrnParams = kernelParams('LrnParams', { alpha: 'f32', beta: 'f32', bias: 'f32', size: 'i32', outer: 'i64', channels: 'i64', inner: 'i64' });
