import { describe, expect, it } from 'vitest';
import { cases } from '../../bench/cases/concat.js';
import { concatParams, concatTail } from '../../lib/kernels/concat.js';
import { callKernel, rowsOf } from './harness.js';

describe.each(rowsOf('concat', 'any'))('$name', (row) => {
  it.each(cases)('$name', ({ outer, rowBytes }) => {
    const inputs = rowBytes.map((n, i) => Uint8Array.from({ length: outer * n }, (_, k) => k * 7 + i * 101 + (k >> 8)));
    const all = rowBytes.reduce((a, b) => a + b, 0);
    const parts: Uint8Array[] = [];
    for (let o = 0; o < outer; o++) {
      for (const [i, x] of inputs.entries()) parts.push(x.subarray(o * (rowBytes[i] as number), (o + 1) * (rowBytes[i] as number)));
    }
    const want = Buffer.concat(parts);
    for (const threads of [1, 2, 3]) {
      const y = new Uint8Array(outer * all + 3);
      callKernel(row, concatParams, { outer, rowBytes: all }, [y], inputs, { threads, tail: concatTail(rowBytes) });
      expect(Buffer.compare(y.subarray(0, outer * all), want)).toBe(0);
      expect([...y.subarray(outer * all)]).toEqual([0, 0, 0]);
    }
  });

  it('refuses rows that its operands do not hold', () => {
    const call = (params: { outer: number; rowBytes: number }, tail: readonly number[], y = 24) => {
      const inputs = [new Uint8Array(8), new Uint8Array(16)];
      return () => callKernel(row, concatParams, params, [new Uint8Array(y)], inputs, { tail });
    };
    expect(call({ outer: 2, rowBytes: 12 }, concatTail([4, 8]))).not.toThrow();
    expect(call({ outer: 2, rowBytes: 12 }, concatTail([4, 8]), 23)).toThrow(/output must hold/);
    expect(call({ outer: 2, rowBytes: 13 }, concatTail([5, 8]))).toThrow(/inputs must hold/);
    expect(call({ outer: 2, rowBytes: 11 }, concatTail([4, 8]))).toThrow(/row bytes must be the sum/);
    expect(call({ outer: -2, rowBytes: 12 }, concatTail([4, 8]))).toThrow(/inputs must hold/);
    expect(call({ outer: 2, rowBytes: 12 }, concatTail([4]))).toThrow(/tail must name/);
    expect(call({ outer: 2, rowBytes: 12 }, [4, 2 ** 31, 8, 0])).toThrow(/inputs must hold/);
  });
});
