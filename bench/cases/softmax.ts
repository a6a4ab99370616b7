import { softmaxKind, softmaxParams } from '../../lib/kernels/softmax.js';
import { floats, type KernelCase } from './case.js';

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
