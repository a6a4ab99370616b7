/** Sums of quantized tensors, for the tests and the bench. */
import { byteSumParams } from '../../lib/kernels/integer.js';
import type { KernelCase } from './case.js';
import { unsigned } from './integer.js';

const plain = { aZero: 120, bZero: 131, zero: 125, low: 0, high: 255, aRatio: 0.5, bRatio: 0.83, reserved: 0 };
export type ByteSum = typeof plain & { readonly count: number };

export function byteSumCase(changed: Partial<ByteSum>, bench = false): KernelCase {
  const params = { count: 1000, ...plain, ...changed };
  return {
    name: `sum of bytes ${JSON.stringify(changed)}`,
    op: 'sum_i8',
    dtypes: 'u8',
    schema: byteSumParams,
    params,
    outputs: () => [new Uint8Array(params.count)],
    inputs: () => [unsigned(params.count, 3), unsigned(params.count, 4)],
    bench,
  };
}

export const byteSumCases: readonly KernelCase[] = [
  ...[0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025, 5000].map((count) => ({ count })),
  { aRatio: 1, bRatio: 0.5 }, // ties
  { low: 125, high: 255 }, // a relu
  { low: 30, high: 180, zero: 0 },
  { low: 77, high: 77 },
  { aZero: 0, bZero: 255, zero: 255 },
  { aRatio: 1e30, bRatio: -1e30 },
  { aRatio: 3e38, bRatio: 3e38 },
  { aRatio: 1e-42, bRatio: 1e-42 },
].map((c) => byteSumCase(c));

export const byteSumBenchCases: readonly KernelCase[] = [56 * 56 * 256, 14 * 14 * 1024].map((count) => byteSumCase({ count }, true));
