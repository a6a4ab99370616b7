/** Sums of quantized tensors: every row against the definition, bit for bit. */
import { describe, expect, it } from 'vitest';
import { type ByteSum, byteSumCase, byteSumCases } from '../../bench/cases/byte-sum.js';
import { roundHalfEven } from '../../lib/dtype.js';
import { byteSumParams } from '../../lib/kernels/integer.js';
import { callKernel, rowsOf } from './harness.js';

const f = Math.fround;
const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));

function definition(p: ByteSum, a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((x, i) => {
    const sum = f(f((x - p.aZero) * f(p.aRatio)) + f(((b[i] as number) - p.bZero) * f(p.bRatio)));
    if (Number.isNaN(sum)) return p.low;
    return clamp((Number.isFinite(sum) ? roundHalfEven(sum) : sum) + p.zero, p.low, p.high);
  });
}

describe.each(rowsOf('sum_i8', 'u8'))('$name', (row) => {
  it.each(byteSumCases)('$name', ({ params, inputs, outputs }) => {
    const [a, b] = inputs() as [Uint8Array, Uint8Array];
    const want = definition(params as unknown as ByteSum, a, b);
    for (const threads of [1, 2, 3]) {
      const [y] = outputs() as [Uint8Array];
      callKernel(row, byteSumParams, params as never, [y], [a, b], { threads });
      expect(y).toEqual(want);
    }
  });

  it('refuses what reaches outside its operands', () => {
    const { params, inputs } = byteSumCase({ count: 8 });
    const call = (changed: Partial<ByteSum>) => () =>
      callKernel(row, byteSumParams, { ...(params as unknown as ByteSum), ...changed }, [new Uint8Array(8)], inputs());
    expect(call({})).not.toThrow();
    expect(call({ count: 9 })).toThrow(/must hold/);
    expect(call({ count: -1 })).toThrow(/count/);
    for (const field of ['aZero', 'bZero', 'zero', 'low', 'high'] as const) expect(call({ [field]: 256 })).toThrow(/bytes/);
    expect(call({ low: 9, high: 8 })).toThrow(/bound/);
  });
});
