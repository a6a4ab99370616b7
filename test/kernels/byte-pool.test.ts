/** Average pooling of bytes: every row against its definition, bit for bit. */
import { describe, expect, it } from 'vitest';
import { type BytePoolCase, bytePoolCases, bytePoolParamsOf } from '../../bench/cases/byte-pool.js';
import { unsigned } from '../../bench/cases/integer.js';
import { roundHalfEven } from '../../lib/dtype.js';
import { bytePoolParams } from '../../lib/kernels/pool.js';
import { callKernel, rowsOf } from './harness.js';

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

function reference(c: BytePoolCase, x: Uint8Array): Uint8Array {
  const p = bytePoolParamsOf(c);
  const y = new Uint8Array(c.batch * product(p.outSize) * p.ldc);
  const split = (i: number) => [Math.floor(i / p.outSize[2] / p.outSize[1]), Math.floor(i / p.outSize[2]) % p.outSize[1], i % p.outSize[2]];
  for (let pixel = 0; pixel < c.batch * product(p.outSize); pixel++) {
    const image = Math.floor(pixel / product(p.outSize));
    const at = split(pixel % product(p.outSize));
    for (let ch = 0; ch < c.channels; ch++) {
      let [sum, inside, padded] = [0, 0, 0];
      for (let tap = 0; tap < product(p.kernel); tap++) {
        const k = [Math.floor(tap / p.kernel[2] / p.kernel[1]), Math.floor(tap / p.kernel[2]) % p.kernel[1], tap % p.kernel[2]];
        const i = k.map((n, a) => at[a] * p.strides[a] - p.padsBegin[a] + n * p.dilations[a]);
        if (i.every((v, a) => v >= -p.padsBegin[a] && v < p.inSize[a] + p.padsEnd[a])) padded++;
        if (!i.every((v, a) => v >= 0 && v < p.inSize[a])) continue;
        inside++;
        sum += x[(((image * p.inSize[0] + i[0]) * p.inSize[1] + i[1]) * p.inSize[2] + i[2]) * c.channels + ch] - p.xZero;
      }
      const m = Math.fround(Math.fround(p.ratio) / Math.max(p.padded === 1 ? padded : inside, 1));
      const v = Math.fround(sum * m);
      y[pixel * p.ldc + ch] = Math.min(Math.max((Number.isFinite(v) ? roundHalfEven(v) : v) + p.zero, p.low), p.high);
    }
  }
  return y;
}

const known = new Map<BytePoolCase, Uint8Array>();

describe.each(rowsOf('pool_average_i8', 'u8'))('$name', (row) => {
  it.each(bytePoolCases)('$name', (c) => {
    const x = unsigned(c.batch * product(c.size) * c.channels, 3);
    const want = known.get(c) ?? reference(c, x);
    known.set(c, want);
    for (const threads of [1, 2, 3]) {
      const y = new Uint8Array(want.length);
      callKernel(row, bytePoolParams, bytePoolParamsOf(c), [y], [x], { threads });
      expect(y).toEqual(want);
    }
  });

  it.each([0, 255])('averages %i exactly, whatever its zero point', (value) => {
    for (const xZero of [0, 1, 128, 255]) {
      const c: BytePoolCase = { name: '', kind: 'average', batch: 1, size: [40, 41], channels: 65, kernel: [40, 41], xZero, zero: xZero };
      const y = new Uint8Array(65);
      callKernel(row, bytePoolParams, bytePoolParamsOf(c), [y], [new Uint8Array(40 * 41 * 65).fill(value)]);
      expect(y.every((v) => v === value)).toBe(true);
    }
  });

  it('refuses parameters that reach outside its operands', () => {
    const good = bytePoolParamsOf(bytePoolCases[0] as BytePoolCase);
    const [inputs, outputs] = [good.batch * product(good.inSize) * good.channels, good.batch * product(good.outSize) * good.ldc];
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, bytePoolParams, { ...good, ...changed }, [new Uint8Array(outputs)], [new Uint8Array(inputs)]);
    expect(call({})).not.toThrow();
    expect(call({ batch: 2 })).toThrow(/must hold/);
    expect(call({ batch: -1 })).toThrow(/negative/);
    expect(call({ channels: 2 })).toThrow(/must hold|ldc/);
    expect(call({ kernel: [1, 0, 1] })).toThrow(/positive/);
    expect(call({ strides: [1, 0, 1] })).toThrow(/positive/);
    expect(call({ padsBegin: [0, -1, 0] })).toThrow(/negative/);
    expect(call({ padsEnd: [0, -1, 0] })).toThrow(/negative/);
    expect(call({ outSize: [1, 9, 9] })).toThrow(/y must hold/);
    expect(call({ padded: 2 })).toThrow(/flags/);
    for (const field of ['xZero', 'zero', 'low', 'high'] as const) expect(call({ [field]: 256 })).toThrow(/bytes/);
    expect(call({ low: 9, high: 8 })).toThrow(/bound/);
  });
});
