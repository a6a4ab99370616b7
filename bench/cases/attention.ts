/** Shapes of attention, shared by test/kernels/attention.test.ts and the bench. */
import { attentionEmpty, attentionMask, attentionParams } from '../../lib/kernels/attention.js';
import type { ParamsOf } from '../../lib/kernels/params.js';
import { floats, type KernelCase, mulberry32 } from './case.js';

export interface AttentionCase {
  readonly name: string;
  readonly batch?: number;
  readonly heads?: number;
  /** Heads of k and v; each serves heads/keyHeads of q. */
  readonly keyHeads?: number;
  readonly rows: number;
  readonly keys: number;
  readonly width: number;
  /** Default: width. */
  readonly depth?: number;
  readonly scale?: number;
  /** Dimensions that the mask really has: `rows` by `keys`, one of them, for every head, … */
  readonly mask?: { readonly kind: 'add' | 'keepTrue' | 'keepFalse'; readonly perHead?: boolean; readonly perRow?: boolean; readonly perKey?: boolean };
  readonly fill?: number;
  readonly empty?: (typeof attentionEmpty.members)[number];
  /** Offset of the last key that query 0 sees. */
  readonly causal?: number;
  /** q, k and v are parts of one [batch, rows, 3, heads, width]; needs rows = keys and depth = width. */
  readonly packed?: boolean;
  readonly bench?: boolean;
}

/** Every edge: rows 4|5 (packing), 6 12 14 (strips), keys 16 32 256 (vectors, panels, blocks), widths and depths of odd sizes. */
export const edgeCases: readonly AttentionCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 27, 28, 29, 43].map((rows) => ({ name: `rows ${rows}`, rows, keys: 37, width: 20 })),
  ...[1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 197, 255, 256, 257, 300, 600].map((keys) => ({ name: `keys ${keys}`, rows: 15, keys, width: 9 })),
  ...[1, 3, 4, 5, 257, 511].map((keys) => ({ name: `few rows, keys ${keys}`, rows: 3, keys, width: 24, heads: 2 })),
  ...[1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 64, 80].map((width) => ({ name: `width ${width}`, rows: 13, keys: 40, width })),
  ...[1, 5, 16, 17, 31, 32, 33, 48, 65, 129].flatMap((depth) =>
    [2, 18].map((rows) => ({ name: `depth ${depth}, rows ${rows}`, rows, keys: 40, width: 8, depth })),
  ),
  { name: 'packed heads', batch: 2, heads: 3, rows: 29, keys: 29, width: 16, packed: true },
  { name: 'packed heads, odd', batch: 1, heads: 3, rows: 31, keys: 31, width: 7, packed: true },
  { name: 'grouped heads', batch: 2, heads: 6, keyHeads: 2, rows: 17, keys: 21, width: 8 },
  { name: 'grouped heads, one row', batch: 2, heads: 6, keyHeads: 2, rows: 1, keys: 33, width: 8 },
  { name: 'wide', rows: 15, keys: 300, width: 600, depth: 5 },
  { name: 'deep', rows: 15, keys: 300, width: 5, depth: 600 },
  { name: 'scale', rows: 15, keys: 40, width: 64, scale: 0.125 },
  ...[3, 17].flatMap((rows) => [
    {
      name: `mask of everything, rows ${rows}`,
      rows,
      keys: 300,
      width: 8,
      heads: 2,
      mask: { kind: 'add' as const, perHead: true, perRow: true, perKey: true },
    },
    { name: `mask per key, rows ${rows}`, rows, keys: 45, width: 8, heads: 2, mask: { kind: 'add' as const, perKey: true } },
    { name: `mask per row, rows ${rows}`, rows, keys: 45, width: 8, mask: { kind: 'add' as const, perRow: true } },
    { name: `keep where true, rows ${rows}`, rows, keys: 300, width: 8, mask: { kind: 'keepTrue' as const, perRow: true, perKey: true }, fill: -1e9 },
    {
      name: `keep where false, rows ${rows}`,
      rows,
      keys: 45,
      width: 8,
      mask: { kind: 'keepFalse' as const, perKey: true },
      fill: -Infinity,
      empty: 'zero' as const,
    },
    { name: `keep rows, rows ${rows}`, rows, keys: 45, width: 8, mask: { kind: 'keepTrue' as const, perRow: true }, fill: -Infinity, empty: 'zero' as const },
    { name: `keep rows or NaN, rows ${rows}`, rows, keys: 45, width: 8, mask: { kind: 'keepTrue' as const, perRow: true }, fill: -Infinity },
    // what exporters write where nothing is to be seen, as numbers: such rows have equal weights
    ...[-(2 - 2 ** -23) * 2 ** 127, -1e8, -1.3e7].flatMap((fill) => [
      { name: `keep rows or ${fill}, rows ${rows}`, rows, keys: 45, width: 8, mask: { kind: 'keepTrue' as const, perRow: true }, fill },
    ]),
    { name: `causal, rows ${rows}`, rows, keys: 300, width: 8, causal: 0 },
    { name: `causal with past, rows ${rows}`, rows, keys: rows + 270, width: 8, causal: 270, mask: { kind: 'add' as const, perKey: true } },
    { name: `causal, some see nothing, rows ${rows}`, rows, keys: 20, width: 8, causal: -2, empty: 'zero' as const },
    { name: `causal, some see nothing and are NaN, rows ${rows}`, rows, keys: 20, width: 8, causal: -16 },
  ]),
  // matrix units: blocks of 128 or 64 queries, steps of 64 keys, heads of up to 64 and 128
  ...[17, 64, 65, 130].map((rows) => ({ name: `many rows ${rows}`, rows, keys: 129, width: 24 })),
  ...[1, 63, 64, 65, 128].map((keys) => ({ name: `many rows, keys ${keys}`, rows: 33, keys, width: 12, depth: 20 })),
  ...[5, 64, 68, 128, 136].map((width) => ({ name: `many rows, width ${width}`, rows: 33, keys: 70, width, scale: 0.125 })),
  { name: 'many rows, packed heads', batch: 2, heads: 3, rows: 70, keys: 70, width: 20, packed: true },
  { name: 'many rows, grouped heads', batch: 2, heads: 6, keyHeads: 2, rows: 33, keys: 66, width: 8 },
  ...([undefined, -3, 31] as const).flatMap((causal) =>
    (['add', 'keepTrue', 'keepFalse'] as const).map((kind) => ({
      name: `many rows, ${kind}, causal ${causal}`,
      heads: 2,
      rows: 70,
      keys: 101,
      width: 72,
      scale: 0.1,
      ...(causal !== undefined && { causal }),
      mask: { kind, perHead: true, perRow: true, perKey: true },
      fill: -Infinity,
      empty: 'zero' as const,
    })),
  ),
  { name: 'causal, long', rows: 530, keys: 530, width: 4, causal: 0 },
  { name: 'no keys', rows: 5, keys: 0, width: 8 },
  { name: 'no rows', rows: 0, keys: 5, width: 8 },
  { name: 'no width', rows: 6, keys: 5, width: 0, depth: 3 },
  { name: 'no depth', rows: 6, keys: 5, width: 3, depth: 0 },
];

export const benchCases: readonly AttentionCase[] = [
  { name: 'ViT-Tiny 3x197x64', heads: 3, rows: 197, keys: 197, width: 64, scale: 0.125, packed: true },
  { name: 'BERT 12x128x64', heads: 12, rows: 128, keys: 128, width: 64, scale: 0.125, packed: true },
  { name: 'causal 8x512x64', heads: 8, rows: 512, keys: 512, width: 64, scale: 0.125, causal: 0, packed: true },
  { name: 'long 1x4096x64', heads: 1, rows: 4096, keys: 4096, width: 64, scale: 0.125, packed: true },
  { name: 'wide 4x256x128', heads: 4, rows: 256, keys: 256, width: 128, scale: 0.088, packed: true },
  { name: 'one row 32x1x1024x128', heads: 32, keyHeads: 8, rows: 1, keys: 1024, width: 128, scale: 0.088 },
];

const product = (...sizes: number[]) => sizes.reduce((a, b) => a * b, 1);

/** Parameters and elements of each operand. */
export function attentionLayout(c: AttentionCase): {
  params: ParamsOf<typeof attentionParams>;
  sizes: { y: number; q: number; k: number; v: number; mask: number };
} {
  const { batch = 1, heads = 1, rows, keys, width } = c;
  const keyHeads = c.keyHeads ?? heads;
  const depth = c.depth ?? width;
  const group = heads / keyHeads;
  const rowQ = c.packed ? 3 * heads * width : width;
  const rowV = c.packed ? rowQ : depth;
  const q = c.packed ? [rows * rowQ, group * width, width] : [heads * rows * width, group * rows * width, rows * width];
  const k = c.packed ? [keys * rowQ, width, 0] : [keyHeads * keys * width, keys * width, 0];
  const v = c.packed ? k : [keyHeads * keys * depth, keys * depth, 0];
  const m = c.mask;
  const maskRow = m?.perRow ? (m.perKey ? keys : 1) : 0;
  const maskHead = m?.perHead ? (m.perRow ? rows : 1) * (m.perKey ? keys : 1) : 0;
  const all = product(batch, rows, 3, heads, width);
  return {
    params: {
      rows,
      keys,
      width,
      depth,
      batch: [1, batch, keyHeads, group],
      strideQ: [0, ...q],
      strideK: [0, ...k],
      strideV: [0, ...v],
      // [batch, rows, heads, depth]: what a projection reads
      strideY: [0, rows * heads * depth, group * depth, depth],
      strideMask: [0, 0, group * maskHead, maskHead],
      offsetQ: 0,
      offsetK: c.packed ? heads * width : 0,
      offsetV: c.packed ? 2 * heads * width : 0,
      offsetMask: 0,
      rowQ,
      rowK: c.packed ? rowQ : width,
      rowV,
      rowY: heads * depth,
      rowMask: maskRow,
      columnMask: m?.perKey ? 1 : 0,
      causalOffset: c.causal ?? 0,
      scale: c.scale ?? 1,
      fill: c.fill ?? 0,
      mask: attentionMask.value(m?.kind ?? 'none'),
      empty: attentionEmpty.value(c.empty ?? 'nan'),
      causal: c.causal === undefined ? 0 : 1,
      reserved: 0,
    },
    sizes: {
      y: product(batch, rows, heads, depth),
      q: c.packed ? all : product(batch, heads, rows, width),
      k: c.packed ? all : product(batch, keyHeads, keys, width),
      v: c.packed ? all : product(batch, keyHeads, keys, depth),
      mask: m === undefined ? 0 : product(m.perHead ? heads : 1, m.perRow ? rows : 1, m.perKey ? keys : 1),
    },
  };
}

/** y is left to the caller; of packed projections q, k and v are one array. */
export function attentionInputs(c: AttentionCase): [Float32Array, Float32Array, Float32Array, Float32Array | Uint8Array | undefined] {
  const { sizes } = attentionLayout(c);
  const q = floats(sizes.q, 1, -2, 2);
  const next = mulberry32(4);
  const mask =
    c.mask === undefined
      ? undefined
      : c.mask.kind === 'add'
        ? Float32Array.from({ length: sizes.mask }, () => (next() < 0.2 ? -Infinity : next() * 4 - 2))
        : Uint8Array.from({ length: sizes.mask }, () => (next() < 0.6 ? 1 : 0));
  return [q, c.packed ? q : floats(sizes.k, 2, -2, 2), c.packed ? q : floats(sizes.v, 3), mask];
}

export function attentionKernelCase(c: AttentionCase): KernelCase {
  const { params, sizes } = attentionLayout(c);
  const { heads = 1, batch = 1, rows, keys, width } = c;
  return {
    name: c.name,
    op: 'attention',
    dtypes: 'f32',
    schema: attentionParams,
    params,
    outputs: () => [new Float32Array(sizes.y)],
    inputs: () => attentionInputs(c),
    bench: true,
    flops: 2 * batch * heads * rows * keys * (width + (c.depth ?? width)) * (c.causal === undefined ? 1 : 0.5),
  };
}
