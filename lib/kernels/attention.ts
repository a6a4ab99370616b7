/** Softmax attention on strided float32 operands: y[i] = Σ_j softmax_j(scale·q[i]·k[j] + mask[i, j])·v[j]. */
import { kernelEnum, kernelParams } from './params.js';

/** Outer dimensions of one call (batch, heads, groups); fewer are padded with 1 in front. */
export const ATTENTION_BATCH_DIMS = 4;

/** What the mask does to a score: `add` adds a float; the other two keep it where a bool is so, and put `fill` elsewhere. */
export const attentionMask = kernelEnum('AttentionMask', ['none', 'add', 'keepTrue', 'keepFalse']);

/**
 * The result of a row that no key takes part in (every score is -∞): NaN as Softmax gives it, or zeros. `zeroNan` gives
 * zeros wherever the weights would be NaN, whatever the reason.
 */
export const attentionEmpty = kernelEnum('AttentionEmpty', ['nan', 'zero', 'zeroNan']);

/**
 * Operands: y, q, k, v, mask?. Strides and offsets count elements; the last dimension of q, k, v and y is dense. For outer
 * index b, query i and key j: q[offsetQ + Σ b·strideQ + i·rowQ + 0…width), k with rowK, v and y with 0…depth, mask[offsetMask
 * + Σ b·strideMask + i·rowMask + j·columnMask]. With `causal`, query i sees the keys j ≤ i + causalOffset; the others are not
 * read.
 */
export const attentionParams = kernelParams('AttentionParams', {
  rows: 'i64',
  keys: 'i64',
  width: 'i64',
  depth: 'i64',
  batch: 'i64[4]',
  strideQ: 'i64[4]',
  strideK: 'i64[4]',
  strideV: 'i64[4]',
  strideY: 'i64[4]',
  strideMask: 'i64[4]',
  offsetQ: 'i64',
  offsetK: 'i64',
  offsetV: 'i64',
  offsetMask: 'i64',
  rowQ: 'i64',
  rowK: 'i64',
  rowV: 'i64',
  rowY: 'i64',
  rowMask: 'i64',
  columnMask: 'i64',
  causalOffset: 'i64',
  scale: 'f32',
  fill: 'f32',
  mask: 'i32',
  empty: 'i32',
  causal: 'i32',
  reserved: 'i32',
});
