import { describe, expect, it } from 'vitest';
import { byteTableParams } from '../../lib/kernels/table.js';
import { callKernel, mulberry32, rowsOf } from './harness.js';

const random = mulberry32(3);
const bytes = (n: number) => Uint8Array.from({ length: n }, () => random() * 256);

describe.each(rowsOf('byte_table', 'any'))('$name', (row) => {
  it('looks every byte up', () => {
    const x = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let round = 0; round < 20; round++) {
      const [table, y] = [bytes(256), new Uint8Array(256)];
      callKernel(row, byteTableParams, { count: 256 }, [y], [x, table]);
      expect(y).toEqual(table);
    }
  });

  it.each([0, 1, 7, 31, 32, 33, 63, 64, 65, 127, 128, 255, 257, 1023, 1024, 1025, 5000])('%i elements', (count) => {
    const [x, table] = [bytes(count), bytes(256)];
    const want = x.map((v) => table[v] as number);
    for (const threads of [1, 2, 3]) {
      const y = new Uint8Array(count);
      callKernel(row, byteTableParams, { count }, [y], [x, table], { threads });
      expect(y).toEqual(want);
    }
  });

  it('refuses what reaches outside its operands', () => {
    const call =
      (count: number, table = 256) =>
      () =>
        callKernel(row, byteTableParams, { count }, [new Uint8Array(8)], [bytes(8), bytes(table)]);
    expect(call(8)).not.toThrow();
    expect(call(9)).toThrow(/count bytes/);
    expect(call(-1)).toThrow(/count/);
    expect(call(8, 255)).toThrow(/table/);
  });
});
