import type { DType } from '../dtype.js';
import { kernelEnum, kernelParams } from './params.js';

/** y = the 16 bytes of `pattern` over and over. Operands: y. */
export const fillParams = kernelParams('FillParams', { bytes: 'i64', pattern: 'i32[4]' });

export const rangeType = kernelEnum('RangeType', ['f32', 'f64', 'i16', 'i32', 'i64']);

export const rangeTypeOf: Partial<Record<DType, (typeof rangeType.members)[number]>> = {
  float32: 'f32',
  float64: 'f64',
  int16: 'i16',
  int32: 'i32',
  int64: 'i64',
};

/** y[i] = start + i·delta. Operands: y, start, delta. */
export const rangeParams = kernelParams('RangeParams', { count: 'i64', type: 'i32', reserved: 'i32' });

/** y[b, r, c] = x[b, r, c] on one side of the diagonal c = r + k, which belongs to both sides; else 0. Operands: y, x. */
export const triluParams = kernelParams('TriluParams', {
  elementBytes: 'i32',
  upper: 'i32',
  batch: 'i64',
  rows: 'i64',
  columns: 'i64',
  diagonal: 'i64',
});

/** y[r, c] = the element of `pattern` where c = r + k, else 0. Operands: y. */
export const eyeParams = kernelParams('EyeParams', { elementBytes: 'i32', reserved: 'i32', rows: 'i64', columns: 'i64', diagonal: 'i64', pattern: 'i32[4]' });

export const oneHotType = kernelEnum('OneHotType', ['f32', 'f64', 'i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64']);

/**
 * y[o, d, i] = values[1] where index[o, i] names d, else values[0]. Indices in [-depth, depth) name something.
 * Operands: y, index, values.
 */
export const oneHotParams = kernelParams('OneHotParams', { elementBytes: 'i32', type: 'i32', outer: 'i64', depth: 'i64', inner: 'i64' });

/**
 * y[t, b, :] = x[lengths[b] - 1 - t, b, :] for t < lengths[b], else x[t, b, :], in blocks of bytes; batch-major tensors
 * have b first. Operands: y, x, lengths (int64).
 */
export const reverseSequenceParams = kernelParams('ReverseSequenceParams', {
  time: 'i64',
  batch: 'i64',
  blockBytes: 'i64',
  batchMajor: 'i32',
  reserved: 'i32',
});
