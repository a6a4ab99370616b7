import type { DType } from '../dtype.js';
import { kernelEnum, kernelParams } from './params.js';

export const scatterReduction = kernelEnum('ScatterReduction', ['none', 'add', 'mul', 'max', 'min']);

/** Element types that a reduction computes with; `none` moves bytes of any type. */
export const scatterType = kernelEnum('ScatterType', ['f32', 'f64', 'i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64']);

export const scatterTypeOf: Partial<Record<DType, (typeof scatterType.members)[number]>> = {
  float32: 'f32',
  float64: 'f64',
  int8: 'i8',
  uint8: 'u8',
  bool: 'u8',
  int16: 'i16',
  uint16: 'u16',
  int32: 'i32',
  uint32: 'u32',
  int64: 'i64',
  uint64: 'u64',
};

/**
 * y = x, then y[i0, …, index[i0, …] in place of i(axis), …] ⊕= updates[i0, …], in the order of the updates. Operands: y,
 * x, index, updates.
 */
export const scatterElementsParams = kernelParams('ScatterElementsParams', {
  elementBytes: 'i32',
  indexBytes: 'i32',
  reduction: 'i32',
  type: 'i32',
  rank: 'i32',
  axis: 'i32',
  /** Of x and y. */
  dims: 'i64[8]',
  /** Of index and updates. */
  indexDims: 'i64[8]',
});

/**
 * y = x, then y[index[i, 0], index[i, 1], …, :] ⊕= updates[i, :], in the order of the updates; `dims` are the `depth`
 * dimensions that are indexed, a block the rest. Operands: y, x, index, updates.
 */
export const scatterNdParams = kernelParams('ScatterNdParams', {
  elementBytes: 'i32',
  indexBytes: 'i32',
  reduction: 'i32',
  type: 'i32',
  depth: 'i32',
  reserved: 'i32',
  count: 'i64',
  /** Elements. */
  block: 'i64',
  dims: 'i64[8]',
});

/**
 * y = x, then y[o, at[o / perBatch] + i, :] = updates[o, i, :] in blocks of bytes; past the end of the axis it goes on
 * at its start where `circular`. Operands: y, x, updates, at (int64; left out = zero).
 */
export const tensorScatterParams = kernelParams('TensorScatterParams', {
  outer: 'i64',
  perBatch: 'i64',
  axis: 'i64',
  count: 'i64',
  blockBytes: 'i64',
  circular: 'i32',
  /** Whether the operand `at` is there. */
  hasPositions: 'i32',
});

/**
 * The first n = count[0] + extra rows of each of `outer` blocks, between blocks of n rows and blocks of `capacity`: with `dense` from the latter to
 * the former, else the other way, with zeros behind them. Operands: y, x, count (int64); both hold outer·capacity rows.
 */
export const spreadRowsParams = kernelParams('SpreadRowsParams', {
  outer: 'i64',
  capacity: 'i64',
  rowBytes: 'i64',
  extra: 'i64',
  dense: 'i32',
  reserved: 'i32',
});
