/** Products and convolutions with two of four weights kept: small ones around every edge for the tests, shapes of decoders and of ResNet for the bench. */
import type { TypedArray } from '../../lib/dtype.js';
import { mulberry32 } from './case.js';
import { type ConvCase, benchCases as realConvolutions } from './conv.js';
import type { GemmCase } from './gemm.js';
import { type IntegerConvCase, type IntegerGemmCase, smallConvCase } from './integer.js';

/** Weights [n, inner, outer] with zeros: of every four of inner, two stay, the same ones in `shared` rows. */
export function thinned<T extends Float32Array | Int8Array>(w: T, n: number, outer: number, inner: number, shared = 1): T {
  const next = mulberry32(n + 31 * inner);
  const v = w.slice() as T;
  for (let first = 0; first < n; first += shared) {
    for (let o = 0; o < outer; o++) {
      for (let at = 0; at < inner; at += 4) {
        const gone = new Set<number>();
        while (gone.size < 2) gone.add(Math.floor(next() * 4));
        for (let j = first; j < Math.min(first + shared, n); j++) {
          for (const e of gone) if (at + e < inner) v[(j * inner + at + e) * outer + o] = 0;
        }
      }
    }
  }
  return v;
}

/** Layout of such weights: what every kernel on them takes. */
export const weightLayout = (count: number, n: number, outer: number, inner: number) => ({
  count,
  stride: n * outer * inner,
  n,
  strideN: outer * inner,
  outer,
  strideOuter: 1,
  inner,
  strideInner: outer,
});

/** Panels of 4, 8, 16 and 32, tiles of 1 to 4 rows in groups of 8, blocks of 32 k. */
export const sparseGemmCases: readonly GemmCase[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 9, 17].map((m) => ({ name: `m ${m}`, m, n: 33, k: 20 })),
  ...[1, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 65, 100].map((n) => ({ name: `n ${n}`, m: 3, n, k: 8 })),
  ...[4, 28, 32, 36, 64, 100, 516].map((k) => ({ name: `k ${k}`, m: 2, n: 35, k })),
  { name: 'no rows', m: 0, n: 5, k: 4 },
  { name: 'no columns', m: 5, n: 0, k: 4 },
  { name: 'no k', m: 3, n: 37, k: 0, bias: 'column', activation: 'relu' },
  { name: 'ldc', m: 5, n: 37, k: 24, ldc: 64, residual: true, bias: 'column' },
  { name: 'bias row', m: 5, n: 40, k: 12, bias: 'row' },
  { name: 'scale', m: 3, n: 41, k: 12, bias: 'column', scale: 0.125, addScale: -2 },
  { name: 'silu', m: 3, n: 41, k: 12, bias: 'column', residual: true, activation: 'silu' },
  { name: 'clip', m: 6, n: 41, k: 12, bias: 'column', activation: 'clip', alpha: -0.5, beta: 0.75 },
];

export const sparseIntegerCases: readonly IntegerGemmCase[] = [
  ...[1, 2, 3, 4, 5, 8, 9].map((m) => ({ name: `m ${m}`, m, n: 37, k: 20, zero: 7, aZero: 11 })),
  ...[1, 4, 7, 8, 9, 16, 17, 31, 32, 33, 65].map((n) => ({ name: `n ${n}`, m: 3, n, k: 12, zero: 128, aZero: 200 })),
  ...[4, 8, 28, 32, 36, 64, 100, 516].map((k) => ({ name: `k ${k}`, m: 2, n: 35, k, zero: 3, aZero: 128 })),
  { name: 'gaps', m: 3, n: 35, k: 40, gapA: 3, gap: 5 },
  { name: 'residual', m: 5, n: 67, k: 40, residual: true, zero: 90, low: 10, high: 240 },
  { name: 'floats with addend', m: 3, n: 65, k: 40, output: 'f32', addend: true, gap: 1, aZero: 3 },
  { name: 'integers', m: 3, n: 37, k: 40, output: 'i32', aZero: 200 },
  { name: 'no rows', m: 0, n: 5, k: 4 },
  { name: 'no k', m: 5, n: 37, k: 0, zero: 9, residual: true },
];

/** Every tile of the rows for GPUs, whole and in part, and sums over k in parts. */
export const sparseTileCases: readonly { readonly name: string; readonly m: number; readonly n: number; readonly k: number }[] = [
  { name: 'few rows, k in parts', m: 16, n: 64, k: 2048 },
  { name: 'few rows and columns, k in parts', m: 33, n: 70, k: 1100 },
  { name: 'one large tile', m: 128, n: 128, k: 64 },
  { name: 'large tiles in part', m: 300, n: 330, k: 196 },
  { name: 'rows of large tiles', m: 1100, n: 140, k: 68 },
];

/** Columns in whole panels of what shares a mask, and parts of them; depth in picks of 16, 32 and 64 bytes and what is left of them. */
export const sparseConvCases: readonly (ConvCase & IntegerConvCase)[] = [
  ...[16, 32, 48, 64, 96, 160].map((m) => smallConvCase('by columns', 16, m, { aZero: 130, zero: 12 })),
  ...[4, 8, 12, 16, 20, 32, 36, 60, 64, 96, 128, 132, 516].map((c) => smallConvCase('by depth', c, 32, { size: [3, 4], aZero: 5 })),
  ...[1, 3, 6, 13, 14, 15, 33].map((w) => smallConvCase(`row of ${w}`, 20, 32, { size: [1, w], kernel: [1, 1], pads: [0, 0, 0, 0], aZero: 7 })),
  ...[32, 64, 96, 192].map((c) => smallConvCase('1x1 in place', c, 64, { kernel: [1, 1], pads: [0, 0, 0, 0] })),
  smallConvCase('1x1 deep', 1700, 64, { size: [2, 3], kernel: [1, 1], pads: [0, 0, 0, 0], residual: true }),
  smallConvCase('1x1 stride 2', 16, 32, { kernel: [1, 1], pads: [0, 0, 0, 0], strides: [2, 2], aZero: 9 }),
  smallConvCase('deep, through partial sums', 400, 32, { size: [4, 4], residual: true, aZero: 77, zero: 100 }),
  smallConvCase('asymmetric pads', 20, 16, { pads: [0, 1, 2, 3], aZero: 3 }),
  smallConvCase('dilated', 20, 32, { size: [9, 10], pads: [2, 3, 2, 3], dilations: [2, 3], aZero: 1 }),
  smallConvCase('groups', 24, 64, { group: 2, residual: true, aZero: 10 }),
  smallConvCase('gap between pixels', 16, 32, { gap: 7, residual: true }),
  smallConvCase('empty batch', 16, 16, { batch: 0 }),
  smallConvCase('three dimensions', 8, 16, { size: [4, 5, 6], kernel: [3, 2, 3], pads: [1, 0, 1, 1, 1, 1], strides: [2, 1, 1], aZero: 128 }),
];

/** Rows of decoders, from memory and from L2. */
export const sparseRowCases: readonly GemmCase[] = [
  ...[1, 4].map((m) => ({ name: `${m}x4096x11008, from memory`, m, k: 4096, n: 11008 })),
  { name: '1x4096x4096, from memory', m: 1, k: 4096, n: 4096 },
  { name: '1x768x512, in L2', m: 1, k: 768, n: 512 },
];

export const sparseLayers: readonly ConvCase[] = realConvolutions.filter((c) => c.channels >= 64 && c.outChannels % 32 === 0);

export const same = (a: TypedArray, b: TypedArray) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;
