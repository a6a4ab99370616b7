/** Keys and values that are kept between runs: dsnk.CacheAppend and dsnk.CachedAttention, on states of the graph. */
import { shortName } from '../dtype.js';
import type { Dim } from '../graph/dim.js';
import { attentionEmpty } from '../kernels/attention.js';
import { CACHE_SPLIT, cacheAppendParams, cachedAttentionParams, cacheRecord } from '../kernels/cache.js';
import type { Inference, Operator } from './operator.js';

const cacheTypes: ReadonlySet<string> = new Set(['float32', 'float16', 'bfloat16', 'int8']);

/** [batch, keyHeads, capacity, width] of the caches at inputs `k` and `v`, with their scales behind them where they are int8. */
function checkCaches(q: Inference, k: number, v: number, scales: number): readonly Dim[] {
  const dtype = q.dtype(k);
  if (!cacheTypes.has(dtype) || q.dtype(v) !== dtype) q.failDtype(`caches must both be ${[...cacheTypes].join(', ')}`);
  const [shape, values] = [q.shape(k), q.shape(v)];
  if (shape.length !== 4 || values.length !== 4 || shape.slice(0, 3).join() !== values.slice(0, 3).join())
    q.fail('caches must be [batch, keyHeads, capacity, width], alike but for the width', q.inputTexts());
  for (const i of [scales, scales + 1]) {
    if (q.has(i) !== (dtype === 'int8')) q.fail('scales must be there where caches are int8, and nowhere else');
    if (q.has(i) && (q.dtype(i) !== 'float32' || q.shape(i).join() !== shape.slice(0, 3).join()))
      q.fail('scales must be float32 [batch, keyHeads, capacity]', q.inputTexts());
  }
  return shape;
}

/** Rows of heads side by side: [batch, rows, heads·width]. */
function checkRows(q: Inference, i: number, batch: Dim, width: number): Dim {
  const shape = q.shape(i);
  if (q.dtype(i) !== 'float32') q.failDtype('rows must be float32', q.dtype(i));
  const [rows] = shape.slice(1);
  if (shape.length !== 3 || rows === undefined || !same(shape[0], batch) || !same(shape[2], width))
    q.fail(`rows must be [${batch}, rows, ${width}]`, q.inputTexts());
  return rows;
}

const same = (a: Dim | undefined, b: Dim) => a === b || typeof a === 'string' || typeof b === 'string';

function checkLengths(q: Inference, i: number, batch: Dim): void {
  if (q.dtype(i) !== 'int32') q.failDtype('lengths must be int32', q.dtype(i));
  const [size, ...more] = q.shape(i);
  if (more.length > 0 || !same(size, batch)) q.fail(`lengths must be [${batch}]`, q.inputTexts());
}

const heads = (shape: readonly Dim[], axis: number) => Number(shape[axis]);

/** Element strides of [batch, row, head] in dense rows of heads. */
const rowStrides = (rows: number, count: number, width: number) => [rows * count * width, count * width, width];

/**
 * New keys and values become tokens lengths[b] … of the caches. Inputs: k, v, newK, newV, lengths, kScales?, vScales?; outputs: the
 * caches (and scales) with them, in the same memory where the caches are states.
 */
const cacheAppend: Operator = {
  name: 'CacheAppend',
  domain: 'dsnk',
  infer(q) {
    const shape = checkCaches(q, 0, 1, 5);
    const [batch, , capacity] = shape as [Dim, Dim, Dim];
    const rows = checkRows(q, 2, batch, heads(shape, 1) * heads(shape, 3));
    if (!same(rows, checkRows(q, 3, batch, heads(shape, 1) * heads(q.shape(1), 3)))) q.fail('new keys and values must be as many', q.inputTexts());
    if (typeof rows === 'number' && typeof capacity === 'number' && rows > capacity) q.fail('new rows must fit the capacity', q.inputTexts());
    checkLengths(q, 4, batch);
    const caches = [0, 1, 5, 6].filter((i) => q.has(i));
    return caches.map((i) => ({ dtype: q.dtype(i), shape: q.shape(i) }));
  },
  lower(low) {
    const [batch, keyHeads, capacity, width] = low.dims(0) as [number, number, number, number];
    const depth = low.dims(1)[3] as number;
    const rows = low.dims(2)[1] as number;
    const caches = [0, 1, 5, 6].map((i) => (low.has(i) ? low.change(i, i < 2 ? i : i - 3) : undefined));
    const params = {
      batch,
      keyHeads,
      rows,
      capacity,
      pages: 0,
      width,
      depth,
      strideK: rowStrides(rows, keyHeads, width),
      strideV: rowStrides(rows, keyHeads, depth),
    };
    low.emit(low.select('cache_append', low.dtype(0)), cacheAppendParams, params, caches, [low.in(2), low.in(3), low.in(4), undefined]);
  },
};

/**
 * Attention over caches that hold the rows of this call already. Inputs: q, k, v, lengths (tokens before this call), kScales?, vScales?.
 * Attributes: scale, causal, window (0: none), softcap (0: none).
 */
const cachedAttention: Operator = {
  name: 'CachedAttention',
  domain: 'dsnk',
  infer(q) {
    const shape = checkCaches(q, 1, 2, 4);
    const [batch] = shape as [Dim];
    const own = q.shape(0);
    const [rows, width] = [own[1] as Dim, own[2]];
    const group = heads(shape, 1) * heads(shape, 3);
    if (q.dtype(0) !== 'float32') q.failDtype('queries must be float32', q.dtype(0));
    if (own.length !== 3 || !same(own[0], batch) || typeof width !== 'number' || width % group !== 0)
      q.fail(`queries must be [${batch}, rows, a multiple of ${group}]`, q.inputTexts());
    checkLengths(q, 3, batch);
    const window = q.node.int('window', 0);
    if (window < 0 || window >= 2 ** 31) q.fail('window must be from 0 to 2^31 - 1', `${window} came`);
    return [{ dtype: 'float32', shape: [own[0] as Dim, rows, ((width as number) / heads(shape, 3)) * heads(q.shape(2), 3)] }];
  },
  lower(low) {
    const { node } = low;
    const [batch, keyHeads, capacity, width] = low.dims(1) as [number, number, number, number];
    const depth = low.dims(2)[3] as number;
    const [, rows, all] = low.dims(0) as [number, number, number];
    const count = all / width;
    // A step of few queries is split over the tokens; many queries keep all threads at work by themselves.
    const splits = Math.ceil(capacity / CACHE_SPLIT);
    const split = splits > 1 && rows * (count / keyHeads) <= SPLIT_QUERIES;
    const params = {
      batch,
      heads: count,
      keyHeads,
      rows,
      fresh: rows,
      capacity,
      pages: 0,
      width,
      depth,
      window: node.int('window', 0),
      strideQ: rowStrides(rows, count, width),
      strideY: rowStrides(rows, count, depth),
      strideBias: [0, 0, 0],
      scale: node.float('scale', 1 / Math.sqrt(width)),
      softcap: node.float('softcap', 0),
      columnBias: 0,
      causal: node.int('causal', 1),
      split: split ? 1 : 0,
      empty: attentionEmpty.value('zero'),
    };
    // Pages, bias, slopes and sinks are left out.
    const operands = [low.in(0), low.in(1), low.in(2), low.input(4), low.input(5), low.in(3), undefined, undefined, undefined, undefined];
    const attend = low.select('attention_cached', shortName(node.input(1).type));
    if (!split) {
      low.emit(attend, cachedAttentionParams, params, [low.out()], operands);
      return;
    }
    const partials = low.temp(4 * batch * rows * count * splits * cacheRecord(depth), 'partials');
    low.emit(attend, cachedAttentionParams, params, [partials], operands, { reason: 'tokens over threads' });
    low.emit(low.select('attention_merge', 'f32'), cachedAttentionParams, params, [low.out()], [partials, low.in(3), undefined]);
  },
};

/** So many queries of one group of heads, at most, are split over the tokens. */
const SPLIT_QUERIES = 64;

export const cacheOperators: readonly Operator[] = [cacheAppend, cachedAttention];
