/** Caches of keys and values: shapes and contents of attention over them, shared by test/kernels/cache.test.ts and the bench. */
import type { TypedArray } from '../../lib/dtype.js';
import { attentionEmpty } from '../../lib/kernels/attention.js';
import { CACHE_PAGE, CACHE_SPLIT, cachedAttentionParams, cacheRecord } from '../../lib/kernels/cache.js';
import type { ParamsOf } from '../../lib/kernels/params.js';
import { floats, type KernelCase, mulberry32 } from './case.js';

export const cacheTypes = ['f32', 'f16', 'bf16', 'i8'] as const;
export type CacheType = (typeof cacheTypes)[number];

export interface CachedCase {
  readonly name: string;
  readonly heads: number;
  readonly keyHeads: number;
  /** Queries. */
  readonly rows: number;
  /** Tokens before them, one number for each row of the batch. */
  readonly lengths: readonly number[];
  /** Default: rows. */
  readonly fresh?: number;
  readonly capacity: number;
  readonly width: number;
  /** Default: width. */
  readonly depth?: number;
  /** Pages of 64 tokens in any order instead of one piece a head. */
  readonly paged?: boolean;
  readonly scale?: number;
  readonly causal?: boolean;
  readonly window?: number;
  readonly softcap?: number;
  readonly bias?: { readonly perBatch?: boolean; readonly perHead?: boolean; readonly perRow?: boolean; readonly perToken?: boolean };
  readonly slopes?: boolean;
  readonly sinks?: boolean;
  readonly empty?: (typeof attentionEmpty.members)[number];
}

const plain = { heads: 4, keyHeads: 2, rows: 1, capacity: 192, width: 16, causal: true };
const many = { heads: 2, keyHeads: 1, rows: 33, capacity: 320, width: 24, causal: true };

/** Enough queries for matrix units: blocks of 128 of a group, steps of 64 tokens, heads of up to 64, 96, 128 and 256. */
const manyCases: readonly CachedCase[] = [
  ...[0, 30, 31, 32, 95, 96, 287].map((n) => ({ ...many, name: `33 queries after ${n} tokens`, lengths: [n] })),
  ...[5, 17, 40, 64, 72, 80, 96, 100, 128, 136, 256, 264].map((width) => ({ ...many, name: `33 queries, width ${width}`, width, lengths: [70] })),
  ...[1, 66, 97, 130].map((depth) => ({ ...many, name: `33 queries, depth ${depth}`, depth, lengths: [70] })),
  ...[1, 4, 8].map((group) => ({ ...many, name: `40 queries, ${group} heads share keys`, heads: 2 * group, keyHeads: 2, rows: 40, lengths: [9, 70] })),
  ...[1, 40, 64, 65, 100].map((window) => ({ ...many, name: `90 queries, window ${window}`, rows: 90, window, lengths: [0, 101] })),
  ...(['nan', 'zero', 'zeroNan'] as const).map((empty) => ({
    ...many,
    name: `40 queries, some see nothing, ${empty}`,
    rows: 40,
    fresh: 3,
    lengths: [0, 30],
    empty,
  })),
  { ...many, name: '65 queries, not causal', rows: 65, causal: false, lengths: [0, 64] },
  { ...many, name: '65 queries, window without causal', rows: 65, causal: false, window: 70, lengths: [0, 200] },
  { ...many, name: '140 queries, pages', rows: 140, paged: true, lengths: [0, 100] },
  { ...many, name: '33 queries, pages, window, sinks', paged: true, window: 20, sinks: true, width: 72, lengths: [3, 250] },
  { ...many, name: '33 queries, softcap, width 100', softcap: 2, width: 100, lengths: [70] },
  { ...many, name: '33 queries, softcap, width 136, sinks', softcap: 2, width: 136, sinks: true, lengths: [70] },
];

/** Blocks of 64, splits of 512, rows in fours, widths around every vector, everything that changes a score. */
export const edgeCases: readonly CachedCase[] = [
  ...[0, 1, 2, 3, 4, 5, 62, 63, 64, 65, 127, 128, 129, 190, 191].map((n) => ({ ...plain, name: `after ${n} tokens`, lengths: [n] })),
  ...[1, 3, 7, 8, 15, 16, 17, 24, 31, 33, 40, 64, 72, 100, 130].map((width) => ({ ...plain, name: `width ${width}`, width, lengths: [70] })),
  ...[1, 5, 12, 31, 32, 33, 80, 129].map((depth) => ({ ...plain, name: `depth ${depth}`, depth, lengths: [70] })),
  ...[1, 2, 3, 5, 6, 7, 8, 14].map((group) => ({ ...plain, name: `${group} heads share keys`, heads: 2 * group, lengths: [70], width: 32 })),
  ...[2, 3, 4, 5, 6, 14, 15, 31, 100].map((rows) => ({ ...plain, name: `${rows} queries`, rows, capacity: 320, lengths: [0, 150], width: 20 })),
  ...[100, 511, 512, 513, 1023, 1300].map((n) => ({ ...plain, name: `splits, ${n} tokens`, capacity: 1400, lengths: [n, n >> 1], width: 8 })),
  ...manyCases,
  { ...plain, name: 'batch of any lengths', lengths: [0, 191, 64, 5, 63] },
  { ...plain, name: 'not causal', rows: 6, causal: false, lengths: [60, 2] },
  { ...plain, name: 'nothing fresh', rows: 3, fresh: 0, causal: false, lengths: [60, 2] },
  { ...plain, name: 'some see nothing', rows: 3, fresh: 1, lengths: [0, 1] },
  { ...plain, name: 'some see nothing, zeros', rows: 3, fresh: 1, lengths: [0, 1], empty: 'zero' as const },
  { ...plain, name: 'nothing there', rows: 2, fresh: 0, lengths: [0], empty: 'zeroNan' as const },
  ...[1, 4, 20].flatMap((rows) => {
    const some = { ...plain, rows, capacity: 768, lengths: [600, 70], width: 24 };
    return [
      ...[1, 30, 64, 500, 5000].map((window) => ({ ...some, name: `window ${window}, ${rows} queries`, window })),
      { ...some, name: `window without causal, ${rows} queries`, window: 40, causal: false },
      { ...some, name: `softcap, ${rows} queries`, softcap: 3 },
      { ...some, name: `bias of everything, ${rows} queries`, bias: { perBatch: true, perHead: true, perRow: true, perToken: true } },
      { ...some, name: `bias by token, ${rows} queries`, bias: { perToken: true } },
      { ...some, name: `bias by row and batch, ${rows} queries`, bias: { perBatch: true, perRow: true } },
      { ...some, name: `slopes, ${rows} queries`, slopes: true },
      { ...some, name: `sinks, ${rows} queries`, sinks: true },
      { ...some, name: `pages, ${rows} queries`, paged: true },
      {
        ...some,
        name: `pages and everything, ${rows} queries`,
        paged: true,
        softcap: 5,
        slopes: true,
        sinks: true,
        window: 300,
        bias: { perHead: true, perToken: true },
      },
    ];
  }),
];

export const benchCases: readonly CachedCase[] = [
  ...[4096, 16384].map((n) => ({ ...plain, heads: 32, keyHeads: 8, capacity: n, width: 128, lengths: [n - 1], name: `decode 32/8x128, ${n} tokens` })),
  { ...plain, heads: 32, keyHeads: 8, capacity: 8192, width: 128, lengths: [8191], name: 'decode 32/8x128, 8192 tokens' },
  { ...plain, heads: 12, keyHeads: 12, capacity: 1024, width: 64, lengths: [1023], name: 'decode 12/12x64, 1024 tokens' },
  { ...plain, heads: 32, keyHeads: 8, capacity: 8192, width: 128, lengths: [8191], name: 'decode 32/8x128, 8192 tokens, pages', paged: true },
  { ...plain, heads: 32, keyHeads: 8, capacity: 1024, width: 128, rows: 512, lengths: [0], name: 'prefill 32/8x128, 512 tokens' },
];

/** What is asked of a GPU: long prompts, and one more token behind many. */
export const gpuCases: readonly { readonly c: CachedCase; readonly types: readonly CacheType[] }[] = [
  ...[2048, 8192].map((rows) => ({
    c: { ...plain, heads: 32, keyHeads: 8, capacity: rows, width: 128, rows, lengths: [0], name: `prefill 32/8x128, ${rows} tokens` },
    types: ['f16', 'bf16'] as const,
  })),
  { c: { ...plain, heads: 16, keyHeads: 16, capacity: 8192, width: 64, rows: 8192, lengths: [0], name: 'prefill 16/16x64, 8192 tokens' }, types: ['f16'] },
  ...[8192, 65536].map((n) => ({
    c: { ...plain, heads: 32, keyHeads: 8, capacity: n, width: 128, lengths: [n - 1], name: `decode 32/8x128, ${n} tokens` },
    types: ['f16', 'i8'] as const,
  })),
];

const product = (...sizes: number[]) => sizes.reduce((a, b) => a * b, 1);

export interface CachedLayout {
  readonly params: ParamsOf<typeof cachedAttentionParams>;
  readonly sizes: { readonly y: number; readonly q: number; readonly tokens: number; readonly bias: number };
  /** Floats of the partial sums. */
  readonly partials: number;
}

export function cachedLayout(c: CachedCase): CachedLayout {
  const { heads, keyHeads, rows, capacity, width } = c;
  const depth = c.depth ?? width;
  const batch = c.lengths.length;
  const blocks = Math.ceil(capacity / CACHE_PAGE);
  // some pages more than are needed
  const pages = c.paged ? batch * blocks + 2 : 0;
  const [token, row] = [c.bias?.perToken ? capacity : 1, c.bias?.perRow ? rows : 1];
  const head = c.bias?.perHead ? heads : 1;
  return {
    params: {
      batch,
      heads,
      keyHeads,
      rows,
      fresh: c.fresh ?? rows,
      capacity,
      pages,
      width,
      depth,
      window: c.window ?? 0,
      strideQ: [rows * heads * width, heads * width, width],
      strideY: [rows * heads * depth, heads * depth, depth],
      strideBias: [c.bias?.perBatch ? head * row * token : 0, c.bias?.perHead ? row * token : 0, c.bias?.perRow ? token : 0],
      scale: c.scale ?? 1 / Math.sqrt(width),
      softcap: c.softcap ?? 0,
      columnBias: c.bias?.perToken ? 1 : 0,
      causal: c.causal ? 1 : 0,
      split: 0,
      empty: attentionEmpty.value(c.empty ?? 'nan'),
    },
    sizes: {
      y: product(batch, rows, heads, depth),
      q: product(batch, rows, heads, width),
      tokens: pages > 0 ? pages * keyHeads * CACHE_PAGE : batch * keyHeads * capacity,
      bias: c.bias === undefined ? 0 : product(c.bias.perBatch ? batch : 1, head, row, token),
    },
    partials: product(batch, rows, heads, Math.ceil(capacity / CACHE_SPLIT), cacheRecord(depth)),
  };
}

/** Contents of a cache, numbers between -2 and 2 in its own type, and the scales of tokens. */
function cacheContents(type: CacheType, tokens: number, width: number, seed: number): { data: TypedArray; scales?: Float32Array } {
  const next = mulberry32(seed);
  if (type === 'f32') return { data: floats(tokens * width, seed, -2, 2) };
  if (type === 'i8') {
    const data = new Int8Array(tokens * width).map(() => Math.floor(next() * 255) - 127);
    return { data, scales: floats(tokens, seed + 1, 0.005, 0.015) };
  }
  // sign, an exponent of -3 … 0, any fraction
  const [fraction, bias] = type === 'f16' ? [10, 15] : [7, 127];
  const data = new Uint16Array(tokens * width).map(() => {
    const r = Math.floor(next() * 2 ** 20);
    return ((r & 1) << 15) | ((bias - ((r >> 1) & 3)) << fraction) | ((r >> 3) % (1 << fraction));
  });
  return { data };
}

/** The number that an element of a cache stands for, without its scale. */
export function cacheNumber(type: CacheType, stored: number): number {
  if (type === 'f32' || type === 'i8') return stored;
  const [fraction, bias] = type === 'f16' ? [10, 15] : [7, 127];
  const exponent = (stored >> fraction) & (2 * bias + 1);
  const part = (stored & (2 ** fraction - 1)) / 2 ** fraction;
  const size = exponent === 0 ? part * 2 ** (1 - bias) : exponent > 2 * bias ? (part === 0 ? Infinity : Number.NaN) : (1 + part) * 2 ** (exponent - bias);
  return stored & 0x8000 ? -size : size;
}

/** A table of pages in no order, page numbers from 1. */
export function pageTable(batch: number, blocks: number): Int32Array {
  const order = Int32Array.from({ length: batch * blocks }, (_, i) => i + 1);
  const next = mulberry32(9);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** q, k, v, kScales, vScales, lengths, pages, bias, slopes, sinks. */
export function cachedInputs(c: CachedCase, type: CacheType): (TypedArray | undefined)[] {
  const { params: p, sizes } = cachedLayout(c);
  const k = cacheContents(type, sizes.tokens, p.width, 2);
  const v = cacheContents(type, sizes.tokens, p.depth, 3);
  const next = mulberry32(5);
  return [
    floats(sizes.q, 1, -2, 2),
    k.data,
    v.data,
    k.scales,
    v.scales,
    Int32Array.from(c.lengths),
    c.paged ? pageTable(p.batch, p.capacity / CACHE_PAGE) : undefined,
    c.bias && Float32Array.from({ length: sizes.bias }, () => (next() < 0.2 ? -Infinity : next() * 4 - 2)),
    c.slopes ? floats(c.heads, 6, 0, 0.1) : undefined,
    c.sinks ? floats(c.heads, 7, -1, 3) : undefined,
  ];
}

export function cachedKernelCase(c: CachedCase, type: CacheType): KernelCase {
  const { params, sizes } = cachedLayout(c);
  const tokens = c.lengths.reduce((n, length) => n + length + params.fresh, 0);
  const element = type === 'f32' ? 4 : type === 'i8' ? 1 : 2;
  const { width, depth, keyHeads, rows, heads } = params;
  return {
    name: `${type} ${c.name}`,
    op: 'attention_cached',
    dtypes: type,
    schema: cachedAttentionParams,
    params,
    outputs: () => [new Float32Array(sizes.y)],
    inputs: () => cachedInputs(c, type),
    bench: true,
    bytes: tokens * keyHeads * ((width + depth) * element + (type === 'i8' ? 8 : 0)),
    ...(rows > 16 && { flops: 2 * tokens * heads * rows * (width + depth) * 0.5 }),
  };
}

export const cachedKernelCases: readonly KernelCase[] = benchCases.flatMap((c) => cacheTypes.map((type) => cachedKernelCase(c, type)));
