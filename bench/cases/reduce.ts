import { type ReductionName, reduceParams, reduction } from '../../lib/kernels/reduce.js';
import { floats, type KernelCase } from './case.js';

export function reduceCase(kind: ReductionName, dims: readonly number[], axes: readonly number[], bench = false): KernelCase {
  const elements = dims.reduce((a, b) => a * b, 1);
  const kept = dims.filter((_, d) => !axes.includes(d)).reduce((a, b) => a * b, 1);
  return {
    name: `${kind} [${dims}] over [${axes}]`,
    op: 'reduce',
    dtypes: 'f32',
    schema: reduceParams,
    params: { kind: reduction.value(kind), rank: dims.length, reduced: axes.reduce((m, d) => m | (1 << d), 0), spare: 0, dims },
    outputs: () => [new Float32Array(kept)],
    // positive where a logarithm is taken; near 1 where a product must stay finite
    inputs: () => [kind === 'logSum' ? floats(elements, 7, 0, 2) : kind === 'prod' ? floats(elements, 7, 0.9, 1.1) : floats(elements, 7, -3, 3)],
    bench,
  };
}

const shapes: readonly [dims: number[], axes: number[]][] = [
  [[1], [0]],
  [[1], []],
  [[5], []],
  ...[2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 2047, 2048, 2049, 5000].map((n): [number[], number[]] => [[3, n], [1]]),
  ...[1, 7, 8, 15, 17, 63, 64, 65, 130].map((m): [number[], number[]] => [[37, m], [0]]),
  [[5, 31, 9], [1]],
  [[5, 33, 70], [1]],
  [
    [4, 6, 5, 7],
    [0, 2],
  ],
  [
    [4, 6, 5, 7],
    [1, 3],
  ],
  [
    [2, 3, 2, 3, 2, 3, 2, 70],
    [0, 2, 4, 6],
  ],
  [[0, 3], [0]],
  [[3, 0], [1]],
  [[3, 0], [0]],
  [
    [2, 0, 3, 5],
    [0, 1],
  ],
  [
    [2, 0, 3, 0, 5],
    [1, 3],
  ],
];

export const cases: readonly KernelCase[] = [
  ...reduction.members.flatMap((kind) => shapes.map(([dims, axes]) => reduceCase(kind, dims, axes))),
  reduceCase('mean', [1, 1280, 49], [2], true), // global pooling, NCHW
  reduceCase('mean', [1, 49, 1280], [1], true), // global pooling, NHWC
  reduceCase('sum', [197, 768], [1], true),
  reduceCase('max', [64, 256, 256], [1], true),
  reduceCase('logSumExp', [64, 32000], [1], true),
];
