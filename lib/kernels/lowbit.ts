/**
 * Products of floats with weights of 8, 4, 3 or 2 bits that share a scale in groups along k, straight from the packed bits. See
 * native/kernels/lowbit/.
 */
import { kernelEnum, kernelParams } from './params.js';

export const lowBits = [8, 4, 3, 2] as const;
export type LowBits = (typeof lowBits)[number];

/** Consecutive k of one column that are packed together: groups are whole units. */
export const LOWBIT_UNIT = 16;
/** The largest packed group: larger groups of a model, and whole columns, are several that have the same scale. */
export const LOWBIT_GROUP = 256;

/** What a code means: less a constant, less packed integers, or less floats, one for every group of a column. */
export const lowBitZeros = kernelEnum('LowBitZeros', ['constant', 'packed', 'floats']);

const shapeFields = {
  m: 'i64',
  n: 'i64',
  k: 'i64',
  ldc: 'i64',
  group: 'i32', // a multiple of 16, at most 256
  bits: 'i32',
  zeros: 'i32', // 1: the panels hold zero points
  zero: 'i32', // of all codes, where they do not
} as const;

/**
 * y[m, n] (rows `ldc` apart) from rows that lowbit_quantize wrote. Operands: y, integers i8 [m, ⌈k/16⌉·16], their scales f32 and sums
 * i32 [m, ⌈k/group⌉], packed weights, bias? f32 [n].
 */
export const lowBitGemmParams = kernelParams('LowBitGemmParams', shapeFields);

/** The same from floats. Operands: y, x f32 [m, k], packed weights, bias? f32 [n]. */
export const lowBitFloatParams = kernelParams('LowBitFloatParams', shapeFields);

/** Rows of floats as integers with one scale per group. Operands: integers, scales, sums (as above), x f32 [m, k]. */
export const lowBitQuantizeParams = kernelParams('LowBitQuantizeParams', { m: 'i64', k: 'i64', group: 'i32', reserved: 'i32' });

/**
 * Packs the codes of w[n, k]. Code (n, k) is the bits at (n·strideN + k·strideK)·bits of the source, lowest bit first; its scale is
 * element n·scaleN + ⌊k/block⌋·scaleBlock. Zero points likewise, by zeroN and zeroBlock: in bits where packed, in elements where floats.
 * Operands: packed, codes, scales f32, zeros?.
 */
export const lowBitPackParams = kernelParams('LowBitPackParams', {
  n: 'i64',
  k: 'i64',
  strideN: 'i64',
  strideK: 'i64',
  block: 'i64',
  scaleN: 'i64',
  scaleBlock: 'i64',
  zeroN: 'i64',
  zeroBlock: 'i64',
  group: 'i32',
  bits: 'i32',
  nr: 'i32',
  /** Bits of each code and packed zero point to turn over: the sign bit makes signed codes unsigned ones around it. */
  flip: 'i32',
  zeros: 'i32', // LowBitZeros
  reserved: 'i32',
});

/** Bytes of the packed weights: the mirror of LowBitShape in native/kernels/lowbit/lowbit.h. */
export function lowBitPackedBytes(shape: { n: number; k: number; group: number; bits: number; zeros: number }, nr: number): number {
  const { n, k, group, bits, zeros } = shape;
  if (n === 0 || k === 0) return 0;
  const groups = Math.ceil(k / group);
  const units = Math.ceil(k / LOWBIT_UNIT);
  const panel = groups * nr * 4 * (1 + zeros) + units * bits * nr * 2;
  return Math.ceil(n / nr) * Math.ceil(panel / 64) * 64;
}
