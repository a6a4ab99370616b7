import { describe, expect, it } from 'vitest';
import { gatherElementsParams, gatherNdParams, gatherParams } from '../../lib/kernels/gather.js';
import { callKernel, mulberry32, rowsOf } from './harness.js';

const randomBytes = (length: number, seed: number) => {
  const next = mulberry32(seed);
  return Uint8Array.from({ length }, () => next() * 256);
};
/** Indices in [-axis, axis). */
function randomIndices(length: number, axis: number | ((i: number) => number), bytes: number, seed: number): Int32Array | BigInt64Array {
  const next = mulberry32(seed);
  const list = Array.from({ length }, (_, i) => {
    const n = typeof axis === 'number' ? axis : axis(i);
    return Math.floor(next() * 2 * n) - n;
  });
  return bytes === 4 ? Int32Array.from(list) : BigInt64Array.from(list, BigInt);
}
const position = (index: number | bigint | undefined, axis: number) => (Number(index) < 0 ? Number(index) + axis : Number(index));
const faultCode = expect.objectContaining({ code: 'ERR_DSNK_RUNTIME_FAULT' });

describe.each(rowsOf('gather', 'any'))('$name', (row) => {
  const shapes = [
    [1, 5, 3, 3],
    [4, 7, 9, 12],
    [2, 3, 1, 64],
    [3, 1, 4, 1],
    [1, 1000, 2048, 256],
    [700, 3, 2, 2],
    [5, 4, 3, 8],
    [2, 9, 5, 16],
    [0, 4, 3, 8],
    [3, 4, 0, 8],
  ] as const;
  it.each(shapes.flatMap((s) => [4, 8].map((indexBytes) => [...s, indexBytes] as const)))('%i x %i[%i] blocks of %i bytes, %i-byte indices', (...c) => {
    const [outer, axis, count, blockBytes, indexBytes] = c;
    const x = randomBytes(outer * axis * blockBytes, 1);
    const index = randomIndices(count, axis, indexBytes, 2);
    const want = new Uint8Array(outer * count * blockBytes);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        const at = (o * axis + position(index[i], axis)) * blockBytes;
        want.set(x.subarray(at, at + blockBytes), (o * count + i) * blockBytes);
      }
    }
    for (const threads of [1, 2, 3]) {
      const y = new Uint8Array(want.length);
      callKernel(row, gatherParams, { outer, axis, count, blockBytes, indexBytes, reserved: 0 }, [y], [x, index], { threads });
      expect(Buffer.compare(y, want)).toBe(0);
    }
  });

  it('faults on indices outside the axis', () => {
    const params = { outer: 1, axis: 4, count: 2, blockBytes: 4, indexBytes: 8, reserved: 0 };
    for (const bad of [4n, -5n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      for (const blockBytes of [4, 12]) {
        const call = () => callKernel(row, gatherParams, { ...params, blockBytes }, [new Uint8Array(24)], [new Uint8Array(48), BigInt64Array.of(0n, bad)]);
        expect(call).toThrow(faultCode);
      }
    }
  });

  it('refuses parameters that leave the operands', () => {
    const good = { outer: 2, axis: 4, count: 3, blockBytes: 4, indexBytes: 4, reserved: 0 };
    const call = (change: object) => () => callKernel(row, gatherParams, { ...good, ...change }, [new Uint8Array(24)], [new Uint8Array(32), new Int32Array(3)]);
    expect(call({})).not.toThrow();
    expect(call({ outer: 3 })).toThrow(/output must hold/);
    expect(call({ axis: 5 })).toThrow(/input must hold/);
    expect(call({ indexBytes: 8 })).toThrow(/indices must hold/);
    expect(call({ indexBytes: 2 })).toThrow(/4 or 8 bytes/);
    expect(call({ blockBytes: 0 })).toThrow(/blocks not empty/);
    expect(call({ outer: -1 })).toThrow(/must not be negative/);
    expect(call({ axis: 2 ** 52, outer: 2 ** 52, count: 0 })).toThrow(/must hold/);
  });
});

describe.each(rowsOf('gather_elements', 'any'))('$name', (row) => {
  const cases = [
    { data: [5], index: [3], axis: 0 },
    { data: [4, 6], index: [4, 9], axis: 1 },
    { data: [4, 6], index: [11, 5], axis: 0 },
    { data: [3, 4, 5], index: [2, 4, 3], axis: 1 },
    { data: [3, 4, 5], index: [3, 0, 5], axis: 1 },
    { data: [2, 3, 2, 3, 2], index: [1, 3, 2, 2, 2], axis: 4 },
    { data: [30, 40, 20], index: [30, 60, 20], axis: 1 },
  ];
  const strides = (dims: readonly number[]) => dims.map((_, d) => dims.slice(d + 1).reduce((a, b) => a * b, 1));
  it.each(cases.flatMap((c) => [1, 2, 4, 8, 16].map((elementBytes) => ({ ...c, elementBytes }))))('$data[$index] along $axis, $elementBytes bytes', (c) => {
    const { data, index: dims, axis, elementBytes } = c;
    const axisSize = data[axis] as number;
    const x = randomBytes(
      data.reduce((a, b) => a * b, elementBytes),
      3,
    );
    const count = dims.reduce((a, b) => a * b, 1);
    const xs = strides(data);
    const ys = strides(dims);
    for (const indexBytes of [4, 8]) {
      const index = randomIndices(count, axisSize, indexBytes, 4);
      const want = new Uint8Array(count * elementBytes);
      for (let k = 0; k < count; k++) {
        const at = dims.reduce((sum, n, d) => {
          const i = d === axis ? position(index[k], axisSize) : Math.floor(k / (ys[d] as number)) % n;
          return sum + i * (xs[d] as number);
        }, 0);
        want.set(x.subarray(at * elementBytes, (at + 1) * elementBytes), k * elementBytes);
      }
      for (const threads of [1, 3]) {
        const y = new Uint8Array(want.length);
        const params = { elementBytes, indexBytes, rank: dims.length, axis, axisSize, dims, strides: xs };
        callKernel(row, gatherElementsParams, params, [y], [x, index], { threads });
        expect(Buffer.compare(y, want)).toBe(0);
      }
    }
  });

  it('faults and refuses', () => {
    const good = { elementBytes: 4, indexBytes: 4, rank: 2, axis: 1, axisSize: 3, dims: [2, 2], strides: [3, 1] };
    const call = (change: object, index = 0) => {
      return () => callKernel(row, gatherElementsParams, { ...good, ...change }, [new Uint8Array(16)], [new Uint8Array(24), Int32Array.of(0, 1, 2, index)]);
    };
    expect(call({})).not.toThrow();
    expect(call({}, 3)).toThrow(faultCode);
    expect(call({}, -4)).toThrow(faultCode);
    expect(call({ rank: 0 })).toThrow(/rank/);
    expect(call({ rank: 9 })).toThrow(/rank/);
    expect(call({ axis: 2 })).toThrow(/axis must be/);
    expect(call({ axisSize: 4 })).toThrow(/input must hold/);
    expect(call({ axisSize: -1 })).toThrow(/must not be negative/);
    expect(call({ strides: [-3, 1] })).toThrow(/input must hold/);
    expect(call({ axisSize: 0, strides: [2 ** 52, 2 ** 52] })).toThrow(/input must hold/);
    expect(call({ dims: [3, 2] })).toThrow(/output must hold/);
    expect(call({ indexBytes: 8 })).toThrow(/indices must hold/);
    expect(call({ elementBytes: 0 })).toThrow(/elements must have/);
  });
});

describe.each(rowsOf('gather_nd', 'any'))('$name', (row) => {
  const cases = [
    { outer: 1, dims: [4], count: 3, blockBytes: 12 },
    { outer: 3, dims: [4, 5], count: 7, blockBytes: 4 },
    { outer: 2, dims: [2, 3, 4], count: 1, blockBytes: 1 },
    { outer: 4, dims: [50, 20], count: 1000, blockBytes: 40 },
    { outer: 0, dims: [4], count: 3, blockBytes: 4 },
    { outer: 2, dims: [4], count: 0, blockBytes: 4 },
  ];
  it.each(cases)('$outer x $dims[$count], $blockBytes bytes', ({ outer, dims, count, blockBytes }) => {
    const depth = dims.length;
    const blocks = dims.reduce((a, b) => a * b, 1);
    const x = randomBytes(outer * blocks * blockBytes, 5);
    const index = randomIndices(outer * count * depth, (i) => dims[i % depth] as number, 8, 6);
    const want = new Uint8Array(outer * count * blockBytes);
    for (let k = 0; k < outer * count; k++) {
      const at = dims.reduce((a, n, d) => a * n + position(index[k * depth + d], n), 0);
      const from = (Math.floor(k / count) * blocks + at) * blockBytes;
      want.set(x.subarray(from, from + blockBytes), k * blockBytes);
    }
    for (const threads of [1, 2, 3]) {
      const y = new Uint8Array(want.length);
      callKernel(row, gatherNdParams, { outer, count, blockBytes, indexBytes: 8, depth, dims }, [y], [x, index], { threads });
      expect(Buffer.compare(y, want)).toBe(0);
    }
  });

  it('faults and refuses', () => {
    const good = { outer: 1, count: 2, blockBytes: 4, indexBytes: 4, depth: 2, dims: [2, 3] };
    const call = (change: object, index = 0) => {
      return () => callKernel(row, gatherNdParams, { ...good, ...change }, [new Uint8Array(8)], [new Uint8Array(24), Int32Array.of(0, 1, -1, index)]);
    };
    expect(call({})).not.toThrow();
    expect(call({}, 3)).toThrow(faultCode);
    expect(call({}, -4)).toThrow(faultCode);
    expect(call({ depth: 0 })).toThrow(/depth/);
    expect(call({ depth: 9 })).toThrow(/depth/);
    expect(call({ dims: [2, 4] })).toThrow(/input must hold/);
    expect(call({ dims: [-2, -3] })).toThrow(/must not be negative/);
    expect(call({ dims: [2 ** 40, 2 ** 40] })).toThrow(/input must hold/);
    expect(call({ count: 3 })).toThrow(/output must hold/);
    expect(call({ indexBytes: 8 })).toThrow(/indices must hold/);
  });
});
