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
      callKernel(row, concatParams, { outer, rowBytes: all, stride: all }, [y], inputs, { threads, tail: concatTail(rowBytes) });
      expect(Buffer.compare(y.subarray(0, outer * all), want)).toBe(0);
      expect([...y.subarray(outer * all)]).toEqual([0, 0, 0]);
    }
  });

  it('leaves what lies between its rows', () => {
    const inputs = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6)];
    for (const threads of [1, 2]) {
      const y = new Uint8Array(8);
      callKernel(row, concatParams, { outer: 2, rowBytes: 3, stride: 5 }, [y], inputs, { threads, tail: concatTail([2, 1]) });
      expect([...y]).toEqual([1, 2, 5, 0, 0, 3, 4, 6]);
    }
    const long = Uint8Array.from({ length: 600_000 }, (_, k) => k * 7 + (k >> 8));
    const y = new Uint8Array(3 * 200_100);
    callKernel(row, concatParams, { outer: 3, rowBytes: 200_000, stride: 200_100 }, [y], [long], { threads: 3, tail: concatTail([200_000]) });
    for (let o = 0; o < 3; o++) {
      expect(Buffer.compare(y.subarray(o * 200_100, o * 200_100 + 200_000), long.subarray(o * 200_000, (o + 1) * 200_000))).toBe(0);
      expect(y.subarray(o * 200_100 + 200_000, (o + 1) * 200_100).every((b) => b === 0)).toBe(true);
    }
  });

  it('refuses rows that its operands do not hold', () => {
    const call = (params: { outer: number; rowBytes: number; stride?: number }, tail: readonly number[], y = 24) => {
      const inputs = [new Uint8Array(8), new Uint8Array(16)];
      return () => callKernel(row, concatParams, { stride: params.rowBytes, ...params }, [new Uint8Array(y)], inputs, { tail });
    };
    expect(call({ outer: 2, rowBytes: 12 }, concatTail([4, 8]))).not.toThrow();
    expect(call({ outer: 2, rowBytes: 12 }, concatTail([4, 8]), 23)).toThrow(/output must hold/);
    expect(call({ outer: 2, rowBytes: 13 }, concatTail([5, 8]))).toThrow(/inputs must hold/);
    expect(call({ outer: 2, rowBytes: 11 }, concatTail([4, 8]))).toThrow(/row bytes must be the sum/);
    expect(call({ outer: -2, rowBytes: 12 }, concatTail([4, 8]))).toThrow(/inputs must hold/);
    expect(call({ outer: 2, rowBytes: 12, stride: 11 }, concatTail([4, 8]))).toThrow(/must not overlap/);
    expect(call({ outer: 2, rowBytes: 12, stride: 13 }, concatTail([4, 8]))).toThrow(/output must hold/);
    expect(call({ outer: 2, rowBytes: 12, stride: 13 }, concatTail([4, 8]), 25)).not.toThrow();
    expect(call({ outer: 2, rowBytes: 12, stride: 2 ** 52 }, concatTail([4, 8]))).toThrow(/output must hold/);
    expect(call({ outer: 2, rowBytes: 12 }, concatTail([4]))).toThrow(/tail must name/);
    expect(call({ outer: 2, rowBytes: 12 }, [4, 2 ** 31, 8, 0])).toThrow(/inputs must hold/);
  });
});
