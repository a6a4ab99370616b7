import { scanKind, scanParams } from '../../lib/kernels/scan.js';
import { floats, type KernelCase } from './case.js';

export function scanCase(
  kind: (typeof scanKind.members)[number],
  outer: number,
  n: number,
  inner: number,
  exclusive: number,
  reverse: number,
  bench = false,
): KernelCase {
  return {
    name: `${kind} [${outer},${n},${inner}] exclusive ${exclusive} reverse ${reverse}`,
    op: 'scan',
    dtypes: 'f32',
    schema: scanParams,
    params: { kind: scanKind.value(kind), exclusive, reverse, spare: 0, outer, n, inner },
    outputs: () => [new Float32Array(outer * n * inner)],
    inputs: () => [kind === 'sum' ? floats(outer * n * inner, 3, -5, 5) : floats(outer * n * inner, 3, 0.8, 1.2)],
    bench,
  };
}

const shapes: readonly [number, number, number][] = [
  [1, 1, 1],
  [3, 100, 1],
  [2, 0, 3],
  [0, 3, 3],
  ...[2, 7, 8, 9, 15, 16, 17, 64, 65, 80, 511, 513].map((inner): [number, number, number] => [2, 9, inner]),
];

export const cases: readonly KernelCase[] = [
  ...scanKind.members.flatMap((kind) => shapes.flatMap(([o, n, i]) => [0, 1].flatMap((e) => [0, 1].map((r) => scanCase(kind, o, n, i, e, r))))),
  scanCase('sum', 1, 100_000, 1, 0, 0, true),
  scanCase('sum', 16, 1000, 512, 0, 0, true),
];
