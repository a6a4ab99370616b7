import { describe, expect, it } from 'vitest';
import { copyParams } from '../../lib/kernels/copy.js';
import { callKernel, rowsOf } from './harness.js';

describe.each(rowsOf('copy', 'any'))('$name', (row) => {
  it.each([0, 1, 7, 63, 64, 65, 4096, 300_001])('moves %i bytes and nothing else', (bytes) => {
    for (const threads of [1, 2, 3]) {
      const x = Uint8Array.from({ length: bytes }, (_, i) => i * 31 + 7);
      const y = new Uint8Array(bytes + 3).fill(9);
      callKernel(row, copyParams, { bytes }, [y], [x], { threads });
      expect(Buffer.compare(y.subarray(0, bytes), x)).toBe(0);
      // bytes past the end come back as the zeroes of fresh memory: the kernel did not write them
      expect([...y.subarray(bytes)]).toEqual([0, 0, 0]);
    }
  });
  it('refuses more bytes than its operands hold', () => {
    expect(() => callKernel(row, copyParams, { bytes: 9 }, [new Uint8Array(8)], [new Uint8Array(9)])).toThrow(/output must hold/);
    expect(() => callKernel(row, copyParams, { bytes: -1 }, [new Uint8Array(8)], [new Uint8Array(9)])).toThrow(/output must hold/);
  });
});
