/**
 * Products of numbers of 16 bits: float32 operands that are rounded to bfloat16 or float16, float32 results. The rows of
 * `gemm` and `conv` for these element types have the parameters of the float32 ones and take weights packed by the type's
 * own kernel.
 */
import { kernelParams } from './params.js';

export type NarrowPrecision = 'bf16' | 'f16';

export interface NarrowType {
  /** What selects the rows: float32 activations and results, narrow weights. */
  readonly dtypes: string;
  readonly pack: string;
  /** Bytes in front of each panel for one of its columns. */
  readonly headBytes: number;
  /** In reasons. */
  readonly title: string;
}

/** The faster one first where a processor has both. */
export const narrowTypes: Readonly<Record<NarrowPrecision, NarrowType>> = {
  bf16: { dtypes: 'f32bf16', pack: 'bfloat_pack', headBytes: 0, title: 'bfloat16' },
  f16: { dtypes: 'f32f16', pack: 'half_pack', headBytes: 4, title: 'float16' },
};

export const narrowPrecisions = Object.keys(narrowTypes) as readonly NarrowPrecision[];

/** The precision whose rows have these element types. */
export const narrowOf = (dtypes: string): NarrowPrecision | undefined => narrowPrecisions.find((p) => narrowTypes[p].dtypes === dtypes);

/**
 * Packs `count` matrices b[k, n] into panels of nr columns, zeros up to multiples of nr and kr. k is two dimensions (the
 * taps and channels of a filter; 1 and k for a matrix). Strides count elements. Operands: packed, b.
 */
export const narrowPackParams = kernelParams('NarrowPackParams', {
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
});

/** 16-bit numbers that one packed matrix takes, heads of panels among them. */
export function packedNumbers(type: NarrowType, k: number, n: number, nr: number, kr: number): number {
  return k === 0 ? 0 : Math.ceil(n / nr) * nr * (Math.ceil(k / kr) * kr + type.headBytes / 2);
}
