import { describe, expect, it } from 'vitest';
import { nearestCall, nearestCases, type ResizeCase, tablesOf, weightedCall, weightedCases } from '../../bench/cases/resize.js';
import { axisTable, type Interpolation, tableSize } from '../../lib/ops/resize-axis.js';
import { callKernel, excess, rowNamed, rowsOf } from './harness.js';

/** The definition in float64: every output is a weighted sum over both axes, written without separating them. */
function reference(c: ResizeCase, x: ArrayLike<number>, value: number): Float64Array {
  const { h, w } = tablesOf(c);
  const [outer, inH, inW, inner] = c.from;
  const [outH, outW] = c.to;
  const y = new Float64Array(outer * outH * outW * inner);
  const around = (t: ReturnType<typeof axisTable>, out: number, i: number): [at: number, weight: number][] | undefined => {
    if (t === undefined) return [[i, 1]];
    const start = t.start[i] as number;
    return start < 0 ? undefined : Array.from({ length: t.taps }, (_, k) => [start + k, t.weights[k * out + i] as number]);
  };
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (let j = 0; j < outH; j++)
      for (let l = 0; l < outW; l++)
        for (let k = 0; k < inner; k++, at++) {
          const rows = around(h, outH, j);
          const columns = around(w, outW, l);
          if (rows === undefined || columns === undefined) y[at] = value;
          else
            for (const [r, a] of rows) for (const [q, b] of columns) y[at] = (y[at] as number) + a * b * (x[((o * inH + r) * inW + q) * inner + k] as number);
        }
  return y;
}

describe.each(rowsOf('resize', 'f32'))('$name', (row) => {
  it.each(weightedCases.filter((c) => !c.bench))('$name', (c) => {
    const call = weightedCall(c, -3);
    const want = reference(c, call.x, -3);
    // Each output is Σ w·x with Σ|w| ≤ 2.6 for two cubic axes and |x| ≤ 4; weights are rounded once and every one of at
    // most tapsH + tapsW + 2 steps rounds once: (taps + 4) · 2^-24 · 2.6 · 4.
    const tolerance = (call.params.tapsH + call.params.tapsW + 4) * 2 ** -24 * 2.6 * 4;
    for (const threads of [1, 2, 3]) {
      const y = new Float32Array(call.outputLength);
      callKernel(row, call.schema, call.params, [y], [call.x, ...call.tables], { threads });
      expect(excess(y, want, tolerance, 0)).toBeLessThanOrEqual(0);
    }
  });

  it('refuses what it could not run safely', () => {
    const call = weightedCall(weightedCases[1] as ResizeCase);
    const y = new Float32Array(call.outputLength);
    const run =
      (params: Partial<typeof call.params>, tables = call.tables) =>
      () =>
        callKernel(row, call.schema, { ...call.params, ...params }, [y], [call.x, ...tables]);
    expect(run({ outW: 18 })).toThrow(/output must hold/);
    expect(run({ inH: 6 })).toThrow(/input must hold/);
    expect(run({ inH: 0 })).toThrow(/input lengths/);
    expect(run({ inner: -1 })).toThrow(/must hold/);
    expect(run({ outer: 2 ** 52, inner: 0 })).not.toThrow();
    expect(run({ tapsW: 3 })).toThrow(/weight must hold/);
    expect(run({ tapsW: 8 })).toThrow(/taps must be/);
    expect(run({ tapsH: 0 })).toThrow(/no tables/);
    expect(run({ tapsW: 2 }, [call.tables[0], call.tables[1], undefined, undefined])).toThrow(/start must hold/);
    for (const bad of [-1, 6, -(2 ** 31), 2 ** 31 - 1]) {
      const start = Int32Array.from(call.tables[2] as Int32Array);
      start[3] = bad;
      expect(run({}, [call.tables[0], call.tables[1], start, call.tables[3]])).toThrow(/inside their axis/);
      const rows = Int32Array.from(call.tables[0] as Int32Array);
      rows[10] = bad;
      expect(run({}, [rows, call.tables[1], call.tables[2], call.tables[3]])).toThrow(/inside their axis/);
    }
  });
});

describe('resize of other element types', () => {
  const c = weightedCases.find((k) => k.name === 'rgb') as ResizeCase;
  it.each([
    ['resize_u8_scalar', Uint8Array, Float32Array, 0, 255],
    ['resize_i8_scalar', Int8Array, Float32Array, -128, 127],
    ['resize_u16_scalar', Uint16Array, Float32Array, 0, 65535],
    ['resize_i16_scalar', Int16Array, Float32Array, -32768, 32767],
    ['resize_i32_scalar', Int32Array, Float64Array, -(2 ** 31), 2 ** 31 - 1],
    ['resize_u32_scalar', Uint32Array, Float64Array, 0, 2 ** 32 - 1],
    ['resize_f64_scalar', Float64Array, Float64Array, -Infinity, Infinity],
  ] as const)('%s', (name, Type, Weights, low, high) => {
    const call = weightedCall(c, 0, Weights);
    const x = Type.from((call.x as Float32Array).map((v) => (low === 0 ? (v + 4) * 30 : v * 30)));
    const want = reference(c, x, 0);
    const y = new Type(call.outputLength);
    callKernel(rowNamed(name), call.schema, call.params, [y], [x, ...call.tables]);
    for (let i = 0; i < y.length; i++) {
      const clipped = Math.min(high, Math.max(low, want[i] as number));
      if (Type === Float64Array) expect(y[i]).toBeCloseTo(clipped, 10);
      else expect([clipped - 1e-3, clipped, clipped + 1e-3].map(Math.trunc)).toContain(y[i]);
    }
  });
});

describe.each(rowsOf('resize_nearest', 'f32'))('$name', (row) => {
  it.each(nearestCases.filter((c) => !c.bench))('$name', (c) => {
    const call = nearestCall(c, 5);
    const want = Float32Array.from(reference(c, call.x, 5));
    for (const threads of [1, 3]) {
      const y = new Float32Array(call.outputLength);
      callKernel(row, call.schema, call.params, [y], [call.x, ...call.tables], { threads });
      expect(y).toEqual(want);
    }
  });
  it('moves runs of 1, 2 and 8 bytes', () => {
    for (const Type of [Uint8Array, Uint16Array, BigUint64Array] as const) {
      const x = Type === BigUint64Array ? BigUint64Array.of(1n, 2n, 3n) : (Type as typeof Uint8Array).of(1, 2, 3);
      const y = new Type(5);
      const params = { outer: 1, inH: 1, outH: 1, inW: 3, outW: 5, innerBytes: Type.BYTES_PER_ELEMENT };
      callKernel(row, nearestCall(nearestCases[0] as ResizeCase).schema, params, [y], [x, undefined, Int32Array.of(2, 2, 0, 1, 0), undefined]);
      expect([...y].map(Number)).toEqual([3, 3, 1, 2, 1]);
    }
  });
  it('refuses and faults', () => {
    const call = nearestCall(nearestCases[1] as ResizeCase);
    const y = new Float32Array(call.outputLength);
    const run =
      (params: Partial<typeof call.params>, tables = call.tables) =>
      () =>
        callKernel(row, call.schema, { ...call.params, ...params }, [y], [call.x, ...tables]);
    expect(run({ innerBytes: 5 })).toThrow(/must hold/);
    expect(run({}, [undefined, call.tables[1], undefined])).toThrow(/startH/);
    expect(run({}, [call.tables[0], undefined, undefined])).toThrow(/startW/);
    expect(run({}, [call.tables[0], new Int32Array(17).fill(-1), undefined])).toThrow(/inside their axis/);
    expect(run({}, [call.tables[0], new Int32Array(17).fill(7), undefined])).toThrow(/inside their axis/);
  });
});

describe('axis tables', () => {
  const linear: Interpolation = { mode: 'linear', nearest: 'floor', cubicA: -0.75, excludeOutside: false, antialias: false };
  const axis = { input: 4, output: 4, scale: 1, coordinates: 'half_pixel', roi: [0, 1] } as const;
  it('are left out where nothing moves', () => {
    expect(axisTable(axis, linear)).toBeUndefined();
    expect(axisTable(axis, { ...linear, mode: 'cubic' })).toBeUndefined();
    expect(axisTable(axis, { ...linear, mode: 'nearest' })).toBeUndefined();
  });
  it('hold neighbours tap by tap, edges folded', () => {
    expect(axisTable({ ...axis, output: 8, scale: 2, input: 4 }, linear)).toEqual({
      taps: 2,
      start: Int32Array.of(0, 0, 0, 1, 1, 2, 2, 2),
      weights: Float64Array.of(1, 0.75, 0.25, 0.75, 0.25, 0.75, 0.25, 0, 0, 0.25, 0.75, 0.25, 0.75, 0.25, 0.75, 1),
    });
  });
  it('mark positions outside a crop', () => {
    expect(axisTable({ ...axis, coordinates: 'tf_crop_and_resize', roi: [-0.5, 1.5] }, { ...linear, mode: 'nearest' })?.start).toEqual(
      Int32Array.of(-1, 0, 2, -1),
    );
  });
  it('have a size that is known before they are made', () => {
    // Every fourth position; the cubic kernel, 2 positions to either side, is stretched by 4.
    const shrunk = { ...axis, input: 1000, output: 250, scale: 0.25 };
    const cubic: Interpolation = { ...linear, mode: 'cubic', antialias: true };
    expect(tableSize(shrunk, cubic)).toBe(16 * 250);
    expect(axisTable(shrunk, cubic)?.taps).toBe(16);
    expect(tableSize({ ...shrunk, output: 1, scale: 1e-9 }, cubic)).toBe(1000);
  });
});
