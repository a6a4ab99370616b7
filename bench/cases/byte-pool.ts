/** Average pooling of quantized tensors, for the tests and the bench. */
import { bytePoolParams } from '../../lib/kernels/pool.js';
import type { KernelCase } from './case.js';
import { unsigned } from './integer.js';
import { type PoolCase, poolBenchCases, poolCases, poolOutput, poolParamsOf } from './pool.js';

export interface BytePoolCase extends PoolCase {
  readonly xZero?: number;
  readonly zero?: number;
  readonly low?: number;
  readonly high?: number;
  readonly ratio?: number;
}

export function bytePoolParamsOf(c: BytePoolCase) {
  const { kind: _, p: __, ...geometry } = poolParamsOf(c);
  const { xZero = 0, zero = 0, low = 0, high = 255, ratio = 1 } = c;
  return { ...geometry, padded: c.kind === 'averagePadded' ? 1 : 0, xZero, zero, low, high, ratio };
}

const plain: BytePoolCase = { name: 'plain', kind: 'average', batch: 1, size: [6, 7], channels: 19, kernel: [3, 3] };

export const bytePoolCases: readonly BytePoolCase[] = [
  ...poolCases
    .filter((c) => c.kind === 'average' || c.kind === 'averagePadded')
    .map((c, i): BytePoolCase => ({ ...c, name: c.name, xZero: (i * 37) % 256, zero: (i * 53) % 256, ratio: 0.8 })),
  ...[15, 16, 17, 18].map((n): BytePoolCase => ({ ...plain, name: `global of ${n * n}`, size: [n, n], kernel: [n, n], channels: 70, xZero: 100, zero: 100 })),
  { ...plain, name: 'bounds', low: 30, high: 180, zero: 77 },
  { ...plain, name: 'ties', size: [4, 4], kernel: [2, 2], channels: 64, ratio: 2 },
  { ...plain, name: 'a huge ratio', ratio: 1e30, xZero: 128, zero: 5 },
  { ...plain, name: 'an infinite ratio', ratio: 3.4e38, size: [2, 2], kernel: [1, 1], xZero: 128, zero: 5 },
  { ...plain, name: 'a tiny ratio', ratio: 1e-42, xZero: 128, zero: 5 },
];

/** The layers of the float kernel that are averages. */
export const bytePoolBenchCases: readonly KernelCase[] = poolBenchCases
  .filter((c) => c.kind === 'average')
  .map((c) => {
    const elements = (size: readonly number[]) => size.reduce((a, b) => a * b, c.batch * c.channels);
    return {
      name: `pool_average_i8 ${c.name}`,
      op: 'pool_average_i8',
      dtypes: 'u8',
      schema: bytePoolParams,
      params: bytePoolParamsOf(c),
      outputs: () => [new Uint8Array(elements(poolOutput(c)))],
      inputs: () => [unsigned(elements(c.size), 1)],
      bench: true,
    };
  });
