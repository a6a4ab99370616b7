import { argReduceParams, topkParams } from '../../lib/kernels/select.js';
import { type KernelCase, mulberry32 } from './case.js';

/** Small whole numbers: every row has equal elements, so that the rule for ties shows. */
function coarse(length: number, seed: number): Float32Array {
  const next = mulberry32(seed);
  return Float32Array.from({ length }, () => Math.floor(next() * 40) - 20);
}

export function argCase(outer: number, n: number, inner: number, smallest: number, last: number, bench = false): KernelCase {
  return {
    name: `arg_reduce [${outer},${n},${inner}] smallest ${smallest} last ${last}`,
    op: 'arg_reduce',
    dtypes: 'f32',
    schema: argReduceParams,
    params: { smallest, last, outer, n, inner },
    outputs: () => [new BigInt64Array(outer * inner)],
    inputs: () => [coarse(outer * n * inner, n)],
    bench,
  };
}

export function topkCase(outer: number, n: number, inner: number, k: number, smallest: number, bench = false): KernelCase {
  return {
    name: `topk [${outer},${n},${inner}] k ${k} smallest ${smallest}`,
    op: 'topk',
    dtypes: 'f32',
    schema: topkParams,
    params: { smallest, spare: 0, outer, n, inner, k },
    outputs: () => [new Float32Array(outer * k * inner), new BigInt64Array(outer * k * inner)],
    inputs: () => [coarse(outer * n * inner, n + k)],
    bench,
  };
}

const shapes: readonly [number, number, number][] = [
  ...[1, 2, 15, 16, 17, 63, 64, 65, 128, 129, 1000, 2049].map((n): [number, number, number] => [3, n, 1]),
  ...[2, 7, 8, 9, 16, 17, 64, 65, 70].map((inner): [number, number, number] => [2, 11, inner]),
  [0, 5, 3],
  [3, 5, 0],
];

export const cases: readonly KernelCase[] = [
  ...[0, 1].flatMap((smallest) => [0, 1].flatMap((last) => shapes.map(([o, n, i]) => argCase(o, n, i, smallest, last)))),
  ...[0, 1].flatMap((smallest) =>
    shapes.flatMap(([o, n, i]) => [...new Set([0, 1, Math.min(5, n), Math.floor(n / 2), n])].map((k) => topkCase(o, n, i, k, smallest))),
  ),
  argCase(64, 32000, 1, 0, 0, true), // greedy decoding
  argCase(1, 21, 513 * 513, 0, 0, true), // segmentation
  topkCase(1, 1000, 1, 5, 0, true),
  topkCase(1, 128000, 1, 50, 0, true), // sampling
  topkCase(1, 8400, 1, 300, 0, true), // detection
];
