/**
 * Weights of which two of every four along k are kept (2:4), and what multiplies them: native/kernels/sparse/.
 *
 * One form serves every device, NVIDIA's: the kept values of a row, and two bits for each that say where in its four it stands; sixteen of
 * those, for 32 k, are a word. On a GPU a row stands by itself (nr 1, `apart`); CPUs read nr rows side by side, the word of a block in front of its
 * values. Where all channels of a panel keep the same k (the vector-wise form), they share one list.
 */
import { kernelParams } from './params.js';

/** k of one word of positions. */
export const SPARSE_BLOCK = 32;

/** Channels that may share a mask: whole panels of every row of the table. */
export const SHARED_CHANNELS = [16, 32] as const;

/** Where element (i, outer, inner, column) of dense weights stands: k is two dimensions, the inner one in whole fours. */
const weightFields = {
  count: 'i64',
  stride: 'i64',
  n: 'i64',
  strideN: 'i64',
  outer: 'i64',
  strideOuter: 'i64',
  inner: 'i64',
  strideInner: 'i64',
} as const;

/** Operands: flags u32 [1], weights. What the flags say stands in native/kernels/sparse/pattern.cc. */
export const sparsePatternParams = kernelParams('SparsePatternParams', {
  ...weightFields,
  /** Of bytes: what stands for zero. */
  zero: 'i32',
  reserved: 'i32',
});

/** The bits of what sparse_pattern finds. */
export const SPARSE_PLAIN = 1;
export const SPARSE_SHARED_16 = 2;
export const SPARSE_SHARED_32 = 4;

/**
 * Weights in the form above. Operands: packed, folded? i32 [count, n] (of bytes: bias - zero·Σ_k), weights, bias? i32 [count, n]. Faults where more
 * than two of four are not zero.
 */
export const sparseCompressParams = kernelParams('SparseCompressParams', {
  ...weightFields,
  /** Rows that stand side by side. */
  nr: 'i32',
  /** 1: all values first, then all positions. */
  apart: 'i32',
  /** Of bytes: the zero point of what they will be multiplied by, and bits to turn over (see integerPackParams). */
  zero: 'i32',
  flip: 'i32',
});

/** Bytes of one compressed matrix. */
export function compressedBytes(k: number, n: number, nr: number, elementBytes: number): number {
  return Math.ceil(n / nr) * nr * Math.ceil(k / SPARSE_BLOCK) * (4 + (SPARSE_BLOCK / 2) * elementBytes);
}

/** Columns and k of what the sparse matrix units of a GPU read together: native/kernels/sparse/fragments.h. */
const FRAGMENT_COLUMNS = 64;
const FRAGMENT_DEPTH = 64;

/**
 * Bytes of one matrix that sparse_fragments packs (parameters and operands as sparse_compress; `nr` is 64, `apart` 0) for a row of that kr: weights
 * of one byte, or of two with `headBytes` in front of a panel for each column.
 */
export function fragmentBytes(k: number, n: number, kr: number, elementBytes: number, headBytes: number): number {
  const unit = (FRAGMENT_COLUMNS * FRAGMENT_DEPTH) / 8 + (FRAGMENT_COLUMNS * FRAGMENT_DEPTH * elementBytes) / 2;
  const units = (Math.ceil(k / kr) * kr) / FRAGMENT_DEPTH;
  return Math.ceil(n / FRAGMENT_COLUMNS) * (units === 0 ? 0 : FRAGMENT_COLUMNS * headBytes + units * unit);
}

/**
 * Weights whose panels share a mask, for sparse_conv and sparse_conv_i8: see native/kernels/sparse/shared.h. Operands as above; faults where a panel
 * keeps more than two of four.
 */
export const sparseSharedParams = kernelParams('SparseSharedParams', {
  ...weightFields,
  nr: 'i32',
  /** Of bytes: numbers of k in a word, and bytes of the vectors that pick them. */
  kr: 'i32',
  vectorBytes: 'i32',
  zero: 'i32',
  flip: 'i32',
  reserved: 'i32',
});

/** Bytes of the vectors with which a row of that ISA picks. */
export const pickBytes = (isa: string) => (isa.startsWith('avx512') ? 64 : isa.startsWith('avx') ? 32 : 16);

const wordsOfPositions = (k: number) => Math.ceil(Math.ceil(k / SPARSE_BLOCK) / 16) * 16;

/** Bytes of weights of floats [k, n] that share masks, in panels of nr columns or fewer, whole vectors of kr. */
export function sharedBytes(k: number, n: number, nr: number, kr: number): number {
  return 4 * Math.ceil(n / nr) * wordsOfPositions(k) + 2 * k * Math.ceil(n / kr) * kr;
}

/** Kept numbers of a row of bytes: whole picks of vectors. */
export const sharedDepth = (k: number) => (Math.ceil(k / SPARSE_BLOCK) * SPARSE_BLOCK) / 2;

/** Bytes of weights of bytes [k, n] that share masks. */
export function sharedByteBytes(k: number, n: number, nr: number, kr: number): number {
  const keptBytes = sharedDepth(k) * (kr === 2 ? 2 : 1);
  return Math.ceil(n / nr) * (Math.ceil(keptBytes / 64) * 64 + keptBytes * nr);
}
