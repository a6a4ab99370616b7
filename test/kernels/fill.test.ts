import { describe, expect, it } from 'vitest';
import type { TypedArray } from '../../lib/dtype.js';
import { eyeParams, fillParams, oneHotParams, oneHotType, rangeParams, rangeType, reverseSequenceParams, triluParams } from '../../lib/kernels/fill.js';
import { callKernel, rowsOf } from './harness.js';

const faultCode = expect.objectContaining({ code: 'ERR_DSNK_RUNTIME_FAULT' });
const pattern = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c];

describe.each(rowsOf('fill', 'any'))('$name', (row) => {
  it.each([0, 1, 15, 16, 17, 64, 1000, 600_001])('%i bytes', (bytes) => {
    for (const threads of [1, 2, 3]) {
      const y = new Uint8Array(bytes + 2);
      callKernel(row, fillParams, { bytes, pattern }, [y], [], { threads });
      const want = Uint8Array.from({ length: bytes + 2 }, (_, i) => (i < bytes ? i % 16 : 0));
      expect(Buffer.compare(y, want)).toBe(0);
    }
  });
  it('refuses more bytes than the output holds', () => {
    expect(() => callKernel(row, fillParams, { bytes: 9, pattern }, [new Uint8Array(8)], [])).toThrow(/output must hold/);
    expect(() => callKernel(row, fillParams, { bytes: -1, pattern }, [new Uint8Array(8)], [])).toThrow(/output must hold/);
  });
});

describe.each(rowsOf('range', 'any'))('$name', (row) => {
  const arrays = { f32: Float32Array, f64: Float64Array, i16: Int16Array, i32: Int32Array, i64: BigInt64Array } as const;
  it.each(rangeType.members)('%s', (type) => {
    for (const count of [0, 1, 5, 70_000]) {
      const Typed = arrays[type];
      const of = (v: number) => (type === 'i64' ? BigInt64Array.of(BigInt(v)) : new (Typed as Float64ArrayConstructor)([v])) as TypedArray;
      const [start, delta] = type[0] === 'f' ? [of(-1.5), of(0.3)] : [of(-700), of(3)];
      const y = new Typed(count);
      callKernel(row, rangeParams, { count, type: rangeType.value(type), reserved: 0 }, [y], [start, delta], { threads: 3 });
      const want = new Typed(count);
      for (let i = 0; i < count; i++)
        want[i] = type === 'i64' ? (start[0] as bigint) + BigInt(i) * (delta[0] as bigint) : (start[0] as number) + i * (delta[0] as number);
      expect(y).toEqual(want);
    }
  });
  it('refuses', () => {
    const call =
      (change: object, y = 8) =>
      () =>
        callKernel(row, rangeParams, { count: 4, type: 3, reserved: 0, ...change }, [new Int32Array(y)], [Int32Array.of(0), Int32Array.of(1)]);
    expect(call({})).not.toThrow();
    expect(call({ count: 9 })).toThrow(/output must hold/);
    expect(call({ count: -1 })).toThrow(/output must hold/);
    expect(call({ type: 5 })).toThrow(/RangeType/);
    expect(call({ type: 4 })).toThrow(/one element each/);
  });
});

describe.each(rowsOf('trilu', 'any'))('$name', (row) => {
  it.each([1, 2, 4, 8])('%i-byte elements', (elementBytes) => {
    for (const [batch, rows, columns] of [
      [1, 1, 1],
      [2, 5, 3],
      [3, 4, 9],
      [1, 200, 300],
      [0, 4, 4],
      [2, 3, 0],
    ] as const) {
      const x = Uint8Array.from({ length: batch * rows * columns * elementBytes }, (_, i) => 1 + (i % 255));
      for (const upper of [0, 1]) {
        for (const diagonal of [0, 1, -1, 4, -9, 2 ** 52, -(2 ** 52)]) {
          const want = x.map((v, i) => {
            const [r, c] = [Math.floor(i / elementBytes / columns) % rows, Math.floor(i / elementBytes) % columns];
            return (upper ? c >= r + diagonal : c <= r + diagonal) ? v : 0;
          });
          const y = new Uint8Array(x.length);
          callKernel(row, triluParams, { elementBytes, upper, batch, rows, columns, diagonal }, [y], [x], { threads: 3 });
          expect(Buffer.compare(y, want)).toBe(0);
        }
      }
    }
  });
  it('refuses', () => {
    const good = { elementBytes: 4, upper: 1, batch: 1, rows: 2, columns: 3, diagonal: 0 };
    const call = (change: object) => () => callKernel(row, triluParams, { ...good, ...change }, [new Float32Array(6)], [new Float32Array(6)]);
    expect(call({})).not.toThrow();
    expect(call({ rows: 3 })).toThrow(/must hold the dimensions/);
    expect(call({ rows: -2, columns: -3 })).toThrow(/must hold the dimensions/);
    expect(call({ elementBytes: 3 })).toThrow(/elements must have/);
  });
});

describe.each(rowsOf('eye', 'any'))('$name', (row) => {
  it('sets one diagonal', () => {
    for (const [rows, columns, diagonal] of [
      [3, 3, 0],
      [2, 5, 2],
      [5, 2, -1],
      [3, 3, 7],
      [0, 3, 0],
      [300, 200, -50],
    ] as const) {
      const y = new Int32Array(rows * columns);
      callKernel(row, eyeParams, { elementBytes: 4, reserved: 0, rows, columns, diagonal, pattern: [7, 7, 7, 7] }, [y], [], { threads: 2 });
      expect(y).toEqual(Int32Array.from({ length: rows * columns }, (_, i) => (i % columns === Math.floor(i / columns) + diagonal ? 7 : 0)));
    }
  });
  it('refuses', () => {
    const call = (change: object) => () =>
      callKernel(row, eyeParams, { elementBytes: 4, reserved: 0, rows: 2, columns: 2, diagonal: 0, pattern, ...change }, [new Int32Array(4)], []);
    expect(call({ rows: 3 })).toThrow(/output must hold/);
    expect(call({ elementBytes: 32 })).toThrow(/elements must have/);
  });
});

describe.each(rowsOf('one_hot', 'any'))('$name', (row) => {
  it('names positions from both ends, and nothing outside', () => {
    const [outer, depth, inner] = [2, 4, 3];
    const list = [0, -1, 3, 4, -4, -5];
    const on = (o: number, d: number, i: number) => {
      const v = list[o * inner + i] as number;
      return v === d || v === d - depth;
    };
    const want = Float32Array.from({ length: 24 }, (_, k) => (on(Math.floor(k / 12), Math.floor(k / 3) % 4, k % 3) ? 5 : -2));
    const indices = { f32: Float32Array.from(list), f64: Float64Array.from(list), i8: Int8Array.from(list), i32: Int32Array.from(list) } as const;
    for (const [type, index] of Object.entries(indices)) {
      const y = new Float32Array(24);
      const params = { elementBytes: 4, type: oneHotType.value(type as keyof typeof indices), outer, depth, inner };
      callKernel(row, oneHotParams, params, [y], [index, Float32Array.of(-2, 5)], { threads: 2 });
      expect(y).toEqual(want);
    }
  });
  it('survives any index', () => {
    const y = new Uint8Array(5 * 3);
    const index = Float64Array.of(Number.NaN, Infinity, -Infinity, 1e300, 1);
    callKernel(row, oneHotParams, { elementBytes: 1, type: oneHotType.value('f64'), outer: 5, depth: 3, inner: 1 }, [y], [index, Uint8Array.of(0, 1)]);
    expect([...y]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
  });
  it('refuses', () => {
    const good = { elementBytes: 4, type: 6, outer: 1, depth: 2, inner: 3 };
    const call = (change: object) => () => callKernel(row, oneHotParams, { ...good, ...change }, [new Int32Array(6)], [new Int32Array(3), new Int32Array(2)]);
    expect(call({})).not.toThrow();
    expect(call({ depth: 3 })).toThrow(/output must hold/);
    expect(call({ type: 8 })).toThrow(/indices must hold/);
    expect(call({ type: 10 })).toThrow(/OneHotType/);
    expect(call({ depth: 0, inner: 4 })).toThrow(/indices must hold/);
    expect(call({ outer: -1 })).toThrow(/output must hold/);
  });
});

describe.each(rowsOf('reverse_sequence', 'any'))('$name', (row) => {
  it.each([0, 1])('batchMajor %i', (batchMajor) => {
    const [time, batch, blockBytes] = [5, 3, 6];
    const lengths = [0n, 5n, 3n];
    const at = (t: number, b: number) => (batchMajor ? b * time + t : t * batch + b) * blockBytes;
    const x = Uint8Array.from({ length: time * batch * blockBytes }, (_, i) => i);
    const want = new Uint8Array(x.length);
    for (let b = 0; b < batch; b++) {
      const n = Number(lengths[b]);
      for (let t = 0; t < time; t++) want.set(x.subarray(at(t < n ? n - 1 - t : t, b)).subarray(0, blockBytes), at(t, b));
    }
    for (const threads of [1, 3]) {
      const y = new Uint8Array(x.length);
      callKernel(row, reverseSequenceParams, { time, batch, blockBytes, batchMajor, reserved: 0 }, [y], [x, BigInt64Array.from(lengths)], { threads });
      expect(y).toEqual(want);
    }
  });
  it('faults and refuses', () => {
    const good = { time: 2, batch: 2, blockBytes: 1, batchMajor: 0, reserved: 0 };
    const call = (change: object, length = 2n) => {
      return () => callKernel(row, reverseSequenceParams, { ...good, ...change }, [new Uint8Array(4)], [new Uint8Array(4), BigInt64Array.of(0n, length)]);
    };
    expect(call({})).not.toThrow();
    expect(call({}, 3n)).toThrow(faultCode);
    expect(call({}, -1n)).toThrow(faultCode);
    expect(call({ time: 3 })).toThrow(/must hold time/);
    expect(call({ batch: -1 })).toThrow(/must not be negative/);
    expect(call({ blockBytes: 0 })).toThrow(/blocks not empty/);
    expect(call({ time: 1, batch: 4 })).toThrow(/lengths must hold/);
  });
});
