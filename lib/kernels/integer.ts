/**
 * Products of quantized tensors: unsigned activations times signed weights, exact sums in 32-bit integers, and one
 * requantization that is the same on every ISA. See native/kernels/integer/.
 */
import { convolutionFields } from './conv.js';
import { depthwiseFields } from './depthwise.js';
import { kernelEnum, kernelParams } from './params.js';

/** What selects the rows: unsigned 8-bit activations, signed 8-bit weights. */
export const BYTE_WEIGHTS = 'u8s8';

/** What becomes of the sums: bytes; floats, dequantized; or the sums themselves. */
export const integerOutput = kernelEnum('IntegerOutput', ['u8', 'f32', 'i32']);

/** With acc the sum and bias: see native/kernels/integer/ending.inl. */
const endingFields = {
  output: 'i32', // IntegerOutput
  perColumn: 'i32', // 1: a multiplier for every column; 0: one for all
  zero: 'i32',
  low: 'i32',
  high: 'i32',
  /** What the sum is rounded to before the residual is added. */
  sumZero: 'i32',
  sumLow: 'i32',
  sumHigh: 'i32',
  residualZero: 'i32',
  sumRatio: 'f32', // 0: the sum is not rounded before
  residualRatio: 'f32',
} as const;

/**
 * y[m, n] from a[m, k] (rows `lda` apart) times packed b. Operands: y (rows `ldc` apart), a u8, packed b, bias i32 [n] (a's
 * zero point is folded in), multipliers? f32 [n] or [1], residual? u8 [m, n] (rows `residualRow` apart), addend? f32 [n].
 */
export const integerGemmParams = kernelParams('IntegerGemmParams', {
  m: 'i64',
  n: 'i64',
  k: 'i64',
  lda: 'i64',
  ldc: 'i64',
  residualRow: 'i64',
  ...endingFields,
  reserved: 'i32',
});

/** Channels-last convolution. Operands as above, x instead of a, residual dense. */
export const integerConvolutionParams = kernelParams('IntegerConvolutionParams', {
  ...convolutionFields,
  /** What x has around the image: its zero point. */
  padding: 'i32',
  ...endingFields,
});

/**
 * Packs `count` matrices b[k, n] into panels of nr columns, zeros up to multiples of nr and kr: words of four bytes of k,
 * of two 16-bit numbers where kr is 2, or 8 or 16 bytes of a column together where kr says so. k is two dimensions, strides count elements. Operands: packed, folded i32
 * [count, n] = bias - zero·Σ_k b, b, bias? i32 [count, n].
 */
export const integerPackParams = kernelParams('IntegerPackParams', {
  count: 'i64',
  stride: 'i64',
  n: 'i64',
  strideN: 'i64',
  outer: 'i64',
  strideOuter: 'i64',
  inner: 'i64',
  strideInner: 'i64',
  nr: 'i32',
  kr: 'i32',
  /** Of the numbers that b will be multiplied by. */
  zero: 'i32',
  /** Bits of each byte of b to turn over: 0x80 makes unsigned weights of zero point 128 signed ones. */
  flip: 'i32',
  /** So many of outer k are a row that is filled up to whole quads, or sixteens; 0: there are no rows. */
  rowTaps: 'i32',
  reserved: 'i32',
});

/**
 * What rows of this ISA take off activations before they multiply: NEON has products of signed bytes only. The zero point that is
 * folded into the bias is less by it.
 */
export const activationOffset = (isa: string) => (isa === 'neon' || isa === 'neona53' || isa === 'dotprod' ? 128 : 0);

/**
 * In which order a row of depthwise_i8 takes the taps: groups of them one after the other, or column by column of the window:
 * for 3x3 and 5x5 of stride 1 or 2, in rows of 64 channels and groups of four taps.
 */
export const depthwisePattern = kernelEnum('DepthwisePattern', ['flat', 'columns']);

/**
 * Channels-last depthwise convolution, one filter a channel. Operands: y [N,OH,OW,C] (pixels `ldc` apart), x u8
 * [N,H,W,C], packed weights, bias i32 [C] (x's zero point is folded in), multipliers? f32 [C] or [1], residual? u8
 * [N,OH,OW,C], addend? f32 [C].
 */
export const depthwiseBytesParams = kernelParams('DepthwiseBytesParams', {
  ...depthwiseFields,
  /** What x has around the image: its zero point. */
  padding: 'i32',
  pattern: 'i32', // DepthwisePattern
  ...endingFields,
});

/**
 * Packs filters w [C, taps], one a channel, in blocks of nr channels (native/kernels/integer/depthwise.h). Operands:
 * packed, folded i32 [C] = bias - zero·Σ w, w, bias? i32 [C], multipliers? f32 [C] or [1].
 */
export const depthwisePackParams = kernelParams('DepthwisePackParams', {
  channels: 'i32',
  kernel: 'i32[2]',
  nr: 'i32',
  kr: 'i32',
  pattern: 'i32', // DepthwisePattern
  zero: 'i32',
  flip: 'i32',
  perColumn: 'i32',
});

type Pattern = (typeof depthwisePattern.members)[number];

/** Bytes of the packed filters of a depthwise convolution. */
export function depthwisePackedBytes(channels: number, kernel: readonly number[], nr: number, kr: number, pattern: Pattern): number {
  const [height, width] = kernel as [number, number];
  const groups = { flat: Math.ceil((height * width) / kr), columns: width * Math.ceil(height / kr) }[pattern];
  return Math.ceil(channels / nr) * nr * (8 + groups * kr * (kr === 2 ? 2 : 1));
}

/** The pattern of a depthwise convolution on a row of the table. */
export function depthwisePatternFor(
  row: { readonly nr: number; readonly kr: number },
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): Pattern {
  const [size, stride] = [kernel[0] as number, strides[0] as number];
  const regular = kernel[1] === size && strides[1] === stride && dilations.every((d) => d === 1) && stride <= 2 && (size === 3 || size === 5);
  return row.nr === 64 && row.kr === 4 && regular ? 'columns' : 'flat';
}

/** Bytes of one packed number. */
export const packedWidth = (kr: number) => (kr === 2 ? 2 : 1);

/** Bytes in front of each panel. */
export const packedHead = (kr: number) => (kr === 16 ? 16 : 0);

/** How long a run of k is, filled up to whole quads, or sixteens where kr is 16. */
export const paddedRun = (run: number, kr: number) => (kr === 16 ? Math.ceil(run / 16) * 16 : Math.ceil(run / 4) * 4);

/** How long k is where rows of so many taps are filled up. */
export function paddedRows(outer: number, inner: number, rowTaps: number, kr: number): number {
  return rowTaps === 0 ? outer * inner : Math.ceil(outer / rowTaps) * paddedRun(rowTaps * inner, kr);
}

/** Bytes of one packed matrix. */
export function packedBytes(k: number, n: number, nr: number, kr: number): number {
  return k === 0 ? 0 : Math.ceil(n / nr) * (packedHead(kr) + nr * Math.ceil(k / kr) * kr * packedWidth(kr));
}

/**
 * The sum of two quantized tensors of one shape; ratios are their scales divided by that of y. Operands: y, a, b, all u8.
 */
export const byteSumParams = kernelParams('ByteSumParams', {
  count: 'i64',
  aZero: 'i32',
  bZero: 'i32',
  zero: 'i32',
  low: 'i32',
  high: 'i32',
  aRatio: 'f32',
  bRatio: 'f32',
  reserved: 'i32',
});
