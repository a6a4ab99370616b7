/** Keys and values kept between calls: appended to, attended to, and the rotation of their positions. */
import { kernelEnum, kernelParams } from './params.js';

/** Tokens of a page, and of a block of scores. */
export const CACHE_PAGE = 64;

/** Tokens that attention takes together before sums are merged: the same however the work is split. */
export const CACHE_SPLIT = 512;

/** Floats of the sums of one query, head and split. */
export const cacheRecord = (depth: number) => Math.ceil((depth + 2) / 16) * 16;

/**
 * A cache is [batch, keyHeads, capacity, width] in the type of the row: f32, f16 and bf16 (as uint16), or i8 with one float scale for each
 * [batch, keyHeads, capacity] beside it. With `pages` > 0 it is [pages, keyHeads, 64, width], and the operand `pages` holds the number
 * of the page for each [batch, capacity/64]. `lengths` are int32 [batch]: tokens that each row of the batch held before this call.
 *
 * cache_append. Operands: k, v?, kScales?, vScales?, newK, newV?, lengths, pages?; the first four are modified in place. Rows of newK (width
 * elements) and newV (depth), by their strides [batch, row, head], become tokens lengths[b] … lengths[b] + rows - 1.
 */
export const cacheAppendParams = kernelParams('CacheAppendParams', {
  batch: 'i64',
  keyHeads: 'i64',
  rows: 'i64',
  capacity: 'i64',
  pages: 'i64',
  width: 'i64',
  depth: 'i64',
  strideK: 'i64[3]',
  strideV: 'i64[3]',
});

/**
 * attention_cached. Operands: y, q, k, v, kScales?, vScales?, lengths, pages?, bias?, slopes?, sinks?.
 * attention_merge. Operands: y, partials, lengths, sinks?.
 *
 * Tokens of a row of the batch: total = lengths[b] + fresh, of which the cache already holds the fresh ones. Query i stands at total - rows
 * + i; with `causal` it sees no later token, and with `window` > 0 none earlier than window - 1 before it. Strides of q and y:
 * [batch, row, head], of bias: [batch, head, row], and columnBias, 0 or 1, by token. A score is scale·q·k, then softcap·tanh(score/softcap)
 * where softcap > 0, then plus bias, then plus slopes[head]·(token - position of the query). sinks[head] takes part in the softmax as one
 * more score, of a token without a value.
 *
 * With `split`, y is the operand `partials` of attention_merge: [batch, rows, heads, splits, record] floats, splits = ⌈capacity/512⌉,
 * record = depth + 2 rounded up to 16. Both calls have the same parameters, and their result is that of one call without `split`,
 * to the bit on rows of one ISA.
 */
export const cachedAttentionParams = kernelParams('CachedAttentionParams', {
  batch: 'i64',
  heads: 'i64',
  keyHeads: 'i64',
  rows: 'i64',
  fresh: 'i64',
  capacity: 'i64',
  pages: 'i64',
  width: 'i64',
  depth: 'i64',
  window: 'i64',
  strideQ: 'i64[3]',
  strideY: 'i64[3]',
  strideBias: 'i64[3]',
  scale: 'f32',
  softcap: 'f32',
  columnBias: 'i32',
  causal: 'i32',
  split: 'i32',
  /** A member of AttentionEmpty: rows that no token takes part in. */
  empty: 'i32',
});

/** Where the row of the tables stands: `lengths`, int32 [batch]: lengths[b] + row; `each`, int64 [batch, rows]; `rows`: b·rows + row. */
export const ropePositions = kernelEnum('RopePositions', ['lengths', 'each', 'rows']);

/**
 * rope. Operands: y, x, cos, sin, positions?. Tables are [tableRows, tableWidth], tableWidth ≥ rotary/2. Of each head of width elements the
 * first `rotary` are turned: pairs (i, i + rotary/2), or with `interleaved` (2i, 2i + 1); the others are copied. Strides: [batch, row, head].
 */
export const ropeParams = kernelParams('RopeParams', {
  batch: 'i64',
  rows: 'i64',
  heads: 'i64',
  width: 'i64',
  rotary: 'i64',
  tableRows: 'i64',
  tableWidth: 'i64',
  strideX: 'i64[3]',
  strideY: 'i64[3]',
  interleaved: 'i32',
  positions: 'i32',
});
