import { byteSoftmaxParams, softmaxCurve, softmaxKind, softmaxParams } from '../../lib/kernels/softmax.js';
import { floats, type KernelCase } from './case.js';
import { unsigned } from './integer.js';

export function softmaxCase(kind: (typeof softmaxKind.members)[number], outer: number, n: number, inner: number, bench = false): KernelCase {
  return {
    name: `${kind} [${outer},${n},${inner}]`,
    op: 'softmax',
    dtypes: 'f32',
    schema: softmaxParams,
    params: { kind: softmaxKind.value(kind), spare: 0, outer, n, inner },
    outputs: () => [new Float32Array(outer * n * inner)],
    inputs: () => [floats(outer * n * inner, 5, -8, 8)],
    bench,
  };
}

const shapes: readonly [number, number, number][] = [
  [1, 1, 1],
  [0, 4, 1],
  [4, 0, 3],
  [4, 3, 0],
  ...[2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000, 2048, 2049, 4500].map((n): [number, number, number] => [3, n, 1]),
  ...[2, 7, 8, 9, 16, 17, 63, 64, 65, 130].map((inner): [number, number, number] => [2, 9, inner]),
  [1, 100, 20],
];

export const cases: readonly KernelCase[] = [
  ...softmaxKind.members.flatMap((kind) => shapes.map(([o, n, i]) => softmaxCase(kind, o, n, i))),
  softmaxCase('softmax', 12 * 197, 197, 1, true), // ViT-Base attention
  softmaxCase('softmax', 1, 1000, 1, true),
  softmaxCase('logSoftmax', 64, 32000, 1, true),
  softmaxCase('softmax', 8, 80, 6400, true), // detector classes, NCHW
];

export interface ByteSoftmax {
  readonly rows: number;
  readonly n: number;
  readonly scale: number;
  /** Of the result. */
  readonly ratio: number;
  readonly zero: number;
}

export function byteSoftmaxCase(c: ByteSoftmax, bench = false): KernelCase {
  const { scale, ...params } = c;
  return {
    name: `softmax of bytes [${c.rows},${c.n}] scale ${scale}`,
    op: 'softmax_i8',
    dtypes: 'u8',
    schema: byteSoftmaxParams,
    params,
    outputs: () => [new Uint8Array(c.rows * c.n)],
    inputs: () => [unsigned(c.rows * c.n, 5), Int32Array.from(softmaxCurve(scale))],
    bench,
  };
}

const usual = { scale: 0.07, ratio: 256, zero: 0 };
export const byteSoftmaxes: readonly ByteSoftmax[] = [
  { rows: 0, n: 4, ...usual },
  { rows: 4, n: 0, ...usual },
  ...[1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 47, 48, 63, 64, 65, 95, 96, 127, 128, 129, 255, 256, 257, 1000, 2049, 4500].map((n) => ({ rows: 3, n, ...usual })),
  { rows: 50, n: 10, ...usual },
  { rows: 2, n: 70, scale: 0.01, ratio: 2000, zero: 17 },
  { rows: 3, n: 300, scale: 0.01, ratio: 30000, zero: 40 },
  { rows: 3, n: 300, scale: 40, ratio: 255, zero: 0 },
  { rows: 3, n: 300, scale: 1e-7, ratio: 300, zero: 255 },
  { rows: 2, n: 40, scale: 0.2, ratio: 3e38, zero: 1 },
  { rows: 2, n: 40, scale: 0.2, ratio: 1e-42, zero: 3 },
];

export const byteSoftmaxBenchCases: readonly KernelCase[] = [
  { rows: 12 * 197, n: 197, ...usual }, // ViT-Base attention
  { rows: 1, n: 1000, ...usual },
  { rows: 4096, n: 16, ...usual }, // bins of a box
].map((c) => byteSoftmaxCase(c, true));
