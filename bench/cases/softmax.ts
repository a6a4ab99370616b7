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
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly scale: number;
  /** Of the result. */
  readonly ratio: number;
  readonly zero: number;
}

export function byteSoftmaxCase(c: ByteSoftmax, bench = false): KernelCase {
  const { scale, ...params } = c;
  return {
    name: `softmax of bytes [${c.outer},${c.n},${c.inner}] scale ${scale}`,
    op: 'softmax_i8',
    dtypes: 'u8',
    schema: byteSoftmaxParams,
    params,
    outputs: () => [new Uint8Array(c.outer * c.n * c.inner)],
    inputs: () => [unsigned(c.outer * c.n * c.inner, 5), Int32Array.from(softmaxCurve(scale))],
    bench,
  };
}

const usual = { scale: 0.07, ratio: 256, zero: 0 };
export const byteSoftmaxes: readonly ByteSoftmax[] = [
  ...shapes.map(([outer, n, inner]) => ({ outer, n, inner, ...usual })),
  ...[47, 48, 95, 96, 127, 128, 255, 256, 257].map((n) => ({ outer: 2, n, inner: 1, ...usual })),
  { outer: 2, n: 70, inner: 3, scale: 0.01, ratio: 2000, zero: 17 },
  { outer: 3, n: 300, inner: 1, scale: 0.01, ratio: 30000, zero: 40 },
  { outer: 3, n: 300, inner: 1, scale: 40, ratio: 255, zero: 0 },
  { outer: 3, n: 300, inner: 1, scale: 1e-7, ratio: 300, zero: 255 },
  { outer: 2, n: 40, inner: 2, scale: 0.2, ratio: 3e38, zero: 1 },
  { outer: 2, n: 40, inner: 1, scale: 0.2, ratio: 1e-42, zero: 3 },
];

export const byteSoftmaxBenchCases: readonly KernelCase[] = [
  { outer: 12 * 197, n: 197, inner: 1, ...usual }, // ViT-Base attention
  { outer: 1, n: 1000, inner: 1, ...usual },
  { outer: 4096, n: 16, inner: 1, ...usual }, // bins of a box
  { outer: 8, n: 80, inner: 6400, ...usual }, // detector classes, channels first
].map((c) => byteSoftmaxCase(c, true));
