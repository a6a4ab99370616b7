import { describe, expect, it } from 'vitest';
import type { TypedArray } from '../../lib/dtype.js';
import { scatterElementsParams, scatterNdParams, scatterReduction, scatterType, spreadRowsParams, tensorScatterParams } from '../../lib/kernels/scatter.js';
import { callKernel, mulberry32, rowsOf } from './harness.js';

const faultCode = expect.objectContaining({ code: 'ERR_DSNK_RUNTIME_FAULT' });
const arrays = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
type Type = keyof typeof arrays;
const isBig = (type: Type) => type === 'i64' || type === 'u64';

function randomArray(type: Type, length: number, seed: number): TypedArray {
  const next = mulberry32(seed);
  const out = new arrays[type](length);
  for (let i = 0; i < length; i++) {
    const v = type[0] === 'f' ? next() * 4 - 2 : Math.floor(next() * 2 ** 32);
    out[i] = isBig(type) ? BigInt(v) * 3_000_000_019n : v;
  }
  return out;
}

/** One update in JavaScript; storing into the typed array wraps integers and rounds floats as the kernel does. */
function combine(reduction: string, type: Type, a: number | bigint, b: number | bigint): number | bigint {
  if (reduction === 'max') return a < b || Number.isNaN(Number(b)) ? b : a;
  if (reduction === 'min') return b < a || Number.isNaN(Number(b)) ? b : a;
  if (reduction === 'none') return b;
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const wide = reduction === 'add' ? a + b : a * b;
    return type === 'i64' ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide);
  }
  const [x, y] = [a as number, b as number];
  if (reduction === 'add') return x + y;
  return type[0] === 'f' ? x * y : Math.imul(x, y);
}

const stridesOf = (dims: readonly number[]) => dims.map((_, d) => dims.slice(d + 1).reduce((a, b) => a * b, 1));
const bytes = (a: TypedArray) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

describe.each(rowsOf('scatter_elements', 'any'))('$name', (row) => {
  const cases = [
    { dims: [5], indexDims: [9], axis: 0 },
    { dims: [3, 4], indexDims: [3, 11], axis: 1 },
    { dims: [4, 3], indexDims: [8, 2], axis: 0 },
    { dims: [3, 4, 5], indexDims: [2, 6, 4], axis: 1 },
    { dims: [3, 4, 5], indexDims: [0, 6, 4], axis: 1 },
    { dims: [40, 30, 20], indexDims: [39, 45, 20], axis: 1 },
  ];
  const reductions = scatterReduction.members;
  it.each(cases.flatMap((c) => reductions.map((reduction) => ({ ...c, reduction }))))('$reduction: $indexDims into $dims along $axis', (c) => {
    const { dims, indexDims, axis, reduction } = c;
    const size = dims[axis] as number;
    const count = indexDims.reduce((a, b) => a * b, 1);
    const next = mulberry32(3);
    const list = Array.from({ length: count }, () => Math.floor(next() * 2 * size) - size);
    for (const type of scatterType.members) {
      const x = randomArray(
        type,
        dims.reduce((a, b) => a * b, 1),
        1,
      );
      const updates = randomArray(type, count, 2);
      const want = x.slice();
      const [ys, us] = [stridesOf(dims), stridesOf(indexDims)];
      for (let k = 0; k < count; k++) {
        const named = list[k] as number;
        const at = dims.reduce((sum, _, d) => {
          const i = d === axis ? (named < 0 ? named + size : named) : Math.floor(k / (us[d] as number)) % (indexDims[d] as number);
          return sum + i * (ys[d] as number);
        }, 0);
        want[at] = combine(reduction, type, want[at] as number, updates[k] as number);
      }
      const index = type === 'f32' ? Int32Array.from(list) : BigInt64Array.from(list, BigInt);
      const params = {
        elementBytes: x.BYTES_PER_ELEMENT,
        indexBytes: index.BYTES_PER_ELEMENT,
        reduction: scatterReduction.value(reduction),
        type: scatterType.value(type),
        rank: dims.length,
        axis,
        dims,
        indexDims,
      };
      for (const threads of [1, 2, 3]) {
        const y = new arrays[type](x.length);
        callKernel(row, scatterElementsParams, params, [y], [x, index, updates], { threads });
        expect(Buffer.compare(bytes(y), bytes(want))).toBe(0);
      }
    }
  });

  it('faults and refuses', () => {
    const good = { elementBytes: 4, indexBytes: 4, reduction: 1, type: 0, rank: 2, axis: 1, dims: [2, 3], indexDims: [2, 2] };
    const call = (change: object, index = 0) => {
      const inputs = [new Float32Array(6), Int32Array.of(0, 1, 2, index), new Float32Array(4)];
      return () => callKernel(row, scatterElementsParams, { ...good, ...change }, [new Float32Array(6)], inputs);
    };
    expect(call({})).not.toThrow();
    expect(call({}, 3)).toThrow(faultCode);
    expect(call({}, -4)).toThrow(faultCode);
    expect(call({ rank: 9 })).toThrow(/rank/);
    expect(call({ axis: 2 })).toThrow(/axis/);
    expect(call({ type: 1 })).toThrow(/reduction and type/);
    expect(call({ type: 10 })).toThrow(/reduction and type/);
    expect(call({ reduction: 5 })).toThrow(/reduction and type/);
    expect(call({ reduction: 0, elementBytes: 3 })).toThrow(/reduction and type/);
    expect(call({ dims: [2, 4] })).toThrow(/input and output must hold/);
    expect(call({ dims: [-2, -3] })).toThrow(/input and output must hold/);
    expect(call({ dims: [1, 6] })).toThrow(/inside the other dimensions/);
    expect(call({ indexDims: [2, 3] })).toThrow(/indices must hold/);
    expect(call({ indexBytes: 8 })).toThrow(/indices must hold/);
  });
});

describe.each(rowsOf('scatter_nd', 'any'))('$name', (row) => {
  const cases = [
    { dims: [4], count: 6, block: 3 },
    { dims: [4, 5], count: 50, block: 1 },
    { dims: [100, 30], count: 500, block: 40 },
    { dims: [3], count: 0, block: 2 },
  ];
  it.each(cases.flatMap((c) => scatterReduction.members.map((reduction) => ({ ...c, reduction }))))('$reduction: $count blocks of $block into $dims', (c) => {
    const { dims, count, block, reduction } = c;
    const next = mulberry32(5);
    const list = Array.from({ length: count * dims.length }, (_, i) => {
      const n = dims[i % dims.length] as number;
      return Math.floor(next() * 2 * n) - n;
    });
    for (const type of ['f32', 'i8', 'i64'] as const) {
      const x = randomArray(
        type,
        dims.reduce((a, b) => a * b, block),
        1,
      );
      const updates = randomArray(type, count * block, 2);
      const want = x.slice();
      for (let i = 0; i < count; i++) {
        const at = dims.reduce((sum, n, d) => {
          const named = list[i * dims.length + d] as number;
          return sum * n + (named < 0 ? named + n : named);
        }, 0);
        for (let j = 0; j < block; j++) want[at * block + j] = combine(reduction, type, want[at * block + j] as number, updates[i * block + j] as number);
      }
      const params = {
        elementBytes: x.BYTES_PER_ELEMENT,
        indexBytes: 8,
        reduction: scatterReduction.value(reduction),
        type: scatterType.value(type),
        depth: dims.length,
        reserved: 0,
        count,
        block,
        dims,
      };
      for (const threads of [1, 2, 3]) {
        const y = new arrays[type](x.length);
        callKernel(row, scatterNdParams, params, [y], [x, BigInt64Array.from(list, BigInt), updates], { threads });
        expect(Buffer.compare(bytes(y), bytes(want))).toBe(0);
      }
    }
  });

  it('faults and refuses', () => {
    const good = { elementBytes: 4, indexBytes: 4, reduction: 1, type: 0, depth: 1, reserved: 0, count: 2, block: 3, dims: [4] };
    const call = (change: object, index = 0) => {
      const inputs = [new Float32Array(12), Int32Array.of(1, index), new Float32Array(6)];
      return () => callKernel(row, scatterNdParams, { ...good, ...change }, [new Float32Array(12)], inputs);
    };
    expect(call({})).not.toThrow();
    expect(call({}, 4)).toThrow(faultCode);
    expect(call({}, -5)).toThrow(faultCode);
    expect(call({ depth: 0 })).toThrow(/depth/);
    expect(call({ dims: [5] })).toThrow(/input and output must hold/);
    expect(call({ dims: [-4] })).toThrow(/must not be negative/);
    expect(call({ block: 0 })).toThrow(/blocks not empty/);
    expect(call({ count: 3 })).toThrow(/indices must hold/);
    expect(call({ indexBytes: 8 })).toThrow(/indices must hold/);
    expect(call({ type: 1 })).toThrow(/reduction and type/);
  });
});

describe.each(rowsOf('tensor_scatter', 'any'))('$name', (row) => {
  it.each([0, 1])('circular %i', (circular) => {
    const [batch, perBatch, axis, count, blockBytes] = [3, 2, 7, 3, 5];
    const outer = batch * perBatch;
    const x = Uint8Array.from({ length: outer * axis * blockBytes }, (_, i) => i);
    const updates = Uint8Array.from({ length: outer * count * blockBytes }, (_, i) => 255 - i);
    const at = circular ? [0, 6, 7] : [0, 4, 2];
    const want = x.slice();
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        const to = o * axis + (((at[Math.floor(o / perBatch)] as number) + i) % axis);
        want.set(updates.subarray((o * count + i) * blockBytes, (o * count + i + 1) * blockBytes), to * blockBytes);
      }
    }
    const params = { outer, perBatch, axis, count, blockBytes, circular, hasPositions: 1 };
    for (const threads of [1, 3]) {
      const y = new Uint8Array(x.length);
      callKernel(row, tensorScatterParams, params, [y], [x, updates, BigInt64Array.from(at, BigInt)], { threads });
      expect(y).toEqual(want);
    }
  });
  it('faults and refuses', () => {
    const good = { outer: 2, perBatch: 1, axis: 3, count: 2, blockBytes: 1, circular: 0, hasPositions: 1 };
    const call = (change: object, at = 0n) => {
      const inputs = [new Uint8Array(6), new Uint8Array(4), BigInt64Array.of(0n, at)];
      return () => callKernel(row, tensorScatterParams, { ...good, ...change }, [new Uint8Array(6)], inputs);
    };
    expect(call({}, 1n)).not.toThrow();
    expect(call({ hasPositions: 0 }, 5n)).not.toThrow();
    for (const at of [2n, -1n, 2n ** 62n]) expect(call({}, at)).toThrow(faultCode);
    for (const at of [4n, -1n]) expect(call({ circular: 1 }, at)).toThrow(faultCode);
    expect(call({ outer: 3 })).toThrow(/must hold/);
    expect(call({ count: 4 })).toThrow(/longer than the axis/);
    expect(call({ count: 3 })).toThrow(/updates must hold/);
    expect(call({ perBatch: 0 })).toThrow(/batch must not be empty/);
    expect(call({ blockBytes: 0 })).toThrow(/blocks not empty/);
    expect(call({ axis: -1, count: -2 })).toThrow(/must not be negative/);
  });
});

describe.each(rowsOf('spread_rows', 'any'))('$name', (row) => {
  const params = { outer: 3, capacity: 5, rowBytes: 2, extra: 1, dense: 0, reserved: 0 };
  const count = (n: number) => BigInt64Array.of(BigInt(n));
  const dense = (n: number) => Uint8Array.from({ length: 30 }, (_, i) => (i < 6 * n ? i + 1 : 0));
  /** Blocks of n rows of 2 bytes with room for 5. */
  const wide = (n: number) => Uint8Array.from({ length: 30 }, (_, i) => (i % 10 < 2 * n ? Math.floor(i / 10) * 2 * n + (i % 10) + 1 : 0));

  it.each([0, 1, 3, 4])('gives blocks of %i rows and one their room, and takes it away', (n) => {
    const y = new Uint8Array(30).fill(99);
    callKernel(row, spreadRowsParams, params, [y], [dense(n + 1), count(n)]);
    expect(y).toEqual(wide(n + 1));
    const back = new Uint8Array(30);
    callKernel(row, spreadRowsParams, { ...params, dense: 1 }, [back], [y, count(n)], { threads: 2 });
    expect(back).toEqual(dense(n + 1));
  });

  it.each([-1, 5, 2 ** 40])('refuses %i rows', (n) => {
    expect(() => callKernel(row, spreadRowsParams, params, [new Uint8Array(30)], [new Uint8Array(30), count(n)])).toThrow(faultCode);
  });

  it('checks its sizes', () => {
    const call =
      (change: object, bytes = 30) =>
      () =>
        callKernel(row, spreadRowsParams, { ...params, ...change }, [new Uint8Array(30)], [new Uint8Array(bytes), count(1)]);
    expect(call({ extra: 6 })).toThrow(/extra must be from 0 to capacity/);
    expect(call({ extra: -1 })).toThrow(/extra must be from 0 to capacity/);
    expect(call({}, 29)).toThrow(/must hold outer x capacity rows/);
    expect(call({ outer: 2 ** 40, rowBytes: 2 ** 40 })).toThrow(/must hold outer x capacity rows/);
    expect(call({ rowBytes: 0, outer: 2 ** 40 })).toThrow(/blocks must not be empty/);
  });
});
