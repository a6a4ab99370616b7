import { describe, expect, it } from 'vitest';
import { cases, reduceCase } from '../../bench/cases/reduce.js';
import { type ReductionName, reduceParams, reduction } from '../../lib/kernels/reduce.js';
import { callKernel, excess, rowNamed, rowsOf } from './harness.js';

/** The definition, in float64, with Σ|map(x)| beside it for the bound. */
function reference(
  kind: ReductionName,
  x: ArrayLike<number>,
  dims: readonly number[],
  axes: readonly number[],
): { y: number[]; scale: number[]; count: number } {
  const kept = dims.map((n, d) => (axes.includes(d) ? 1 : n));
  const lists: number[][] = Array.from({ length: kept.reduce((a, b) => a * b, 1) }, () => []);
  for (let i = 0; i < x.length; i++) {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let d = dims.length - 1; d >= 0; d--) {
      const n = dims[d] as number;
      if (!axes.includes(d)) at += (rest % n) * stride;
      stride *= kept[d] as number;
      rest = Math.floor(rest / n);
    }
    (lists[at] as number[]).push(x[i] as number);
  }
  const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
  const define: Record<ReductionName, (l: number[]) => number> = {
    sum,
    mean: (l) => sum(l) / l.length,
    max: (l) => l.reduce((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : Math.max(a, b)), -Infinity),
    min: (l) => l.reduce((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : Math.min(a, b)), Infinity),
    prod: (l) => l.reduce((a, b) => a * b, 1),
    l1: (l) => sum(l.map(Math.abs)),
    l2: (l) => Math.sqrt(sum(l.map((v) => v * v))),
    logSum: (l) => Math.log(sum(l)),
    logSumExp: (l) => {
      const peak = l.reduce((a, b) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : Math.max(a, b)), -Infinity);
      return Number.isFinite(peak) ? peak + Math.log(sum(l.map((v) => Math.exp(v - peak)))) : peak;
    },
    sumSquare: (l) => sum(l.map((v) => v * v)),
  };
  return { y: lists.map(define[kind]), scale: lists.map((l) => sum(l.map(Math.abs))), count: lists[0]?.length ?? 0 };
}

const u = 2 ** -24;

/**
 * What a float32 row may err by. Sums: at most 32 additions a lane and block, 6 to join lanes, one rounding at the end and
 * for squares one of the product: 40 u Σ|map x|, divided by the count for a mean, through the derivative for root and
 * logarithm. Products: one rounding a factor. Maxima: none.
 */
function tolerance(kind: ReductionName, y: number, scale: number, count: number): number {
  switch (kind) {
    case 'max':
    case 'min':
      return 0;
    case 'prod':
      return 1.1 * count * u * Math.abs(y);
    case 'mean':
      return (40 * u * scale) / Math.max(count, 1) + u * Math.abs(y);
    case 'sum':
    case 'l1':
      return 40 * u * scale;
    case 'logSum':
      return 40 * u + u * Math.abs(y); // d ln s = ds/s, all terms positive
    case 'logSumExp':
      return 44 * u + u * Math.abs(y) + 6 * u; // 4 u more for an exp of 2 ulp; 6 u for x - shift ≤ 6 rounded
    case 'l2':
      return 21 * u * Math.abs(y);
    case 'sumSquare':
      return 41 * u * Math.abs(y);
  }
}

describe.each(rowsOf('reduce', 'f32'))('$name', (row) => {
  it('is within its bound of the float64 definition, the same for any thread count', () => {
    for (const c of cases) {
      if (c.bench) continue;
      const { dims, reduced, kind } = c.params as { dims: number[]; reduced: number; kind: number };
      const axes = dims.map((_, d) => d).filter((d) => (reduced >> d) & 1);
      const name = reduction.members[kind] as ReductionName;
      const inputs = c.inputs();
      const want = reference(name, inputs[0] as Float32Array, dims, axes);
      let first: Float32Array | undefined;
      for (const threads of [1, 2, 3]) {
        const [y] = c.outputs() as [Float32Array];
        callKernel(row, reduceParams, c.params as never, [y], inputs, { threads });
        if (first === undefined) first = y;
        else expect(Buffer.compare(Buffer.from(y.buffer), Buffer.from(first.buffer)), c.name).toBe(0);
        for (let i = 0; i < y.length; i++) {
          const w = Math.fround(want.y[i] as number);
          if (Object.is(y[i], w) || y[i] === w) continue;
          expect(Math.abs((y[i] as number) - (want.y[i] as number)), `${c.name} at ${i}: ${y[i]} for ${w}`).toBeLessThanOrEqual(
            tolerance(name, want.y[i] as number, want.scale[i] as number, want.count),
          );
        }
      }
    }
  });
  it('equals the scalar row bit for bit, but for the exponential', () => {
    const scalar = rowNamed('reduce_f32_scalar');
    for (const c of cases) {
      if (c.bench || c.params['kind'] === reduction.value('logSumExp')) continue;
      const [y] = c.outputs() as [Float32Array];
      const [z] = c.outputs() as [Float32Array];
      callKernel(row, reduceParams, c.params as never, [y], c.inputs());
      callKernel(scalar, reduceParams, c.params as never, [z], c.inputs());
      expect(Buffer.compare(Buffer.from(y.buffer), Buffer.from(z.buffer)), c.name).toBe(0);
    }
  });
  it('lets NaN and infinities pass wherever they stand', () => {
    for (const kind of reduction.members) {
      for (const [dims, axes] of [
        [[70], [0]],
        [[70, 1], [0]],
        [[40, 70], [0]],
      ] as const) {
        for (const at of [0, 15, 64, 69]) {
          for (const v of [NaN, Infinity, -Infinity]) {
            const c = reduceCase(kind, dims, axes);
            const x = c.inputs()[0] as Float32Array;
            const where = dims.length === 2 && dims[1] === 70 ? 33 * 70 + at : at;
            x[where] = v;
            const [y] = c.outputs() as [Float32Array];
            callKernel(row, reduceParams, c.params as never, [y], [x]);
            const want = reference(kind, x, dims, axes).y;
            const col = y.length > 1 ? at : 0;
            const expected = want[col] as number;
            if (Number.isFinite(expected)) expect(y[col]).toBeCloseTo(expected, 4);
            else expect(y[col], `${c.name} with ${v} at ${at}`).toBe(expected);
            if (Math.abs(v) === Infinity && kind === 'sum') {
              x[where > 0 ? where - (dims.length === 2 && dims[1] === 70 ? 70 : 1) : where + 1] = -v;
              callKernel(row, reduceParams, c.params as never, [y], [x]);
              if (at > 0 || y.length > 1) expect(y[col]).toBeNaN();
            }
          }
        }
      }
    }
  });
  it('keeps its bound over a million terms', () => {
    const n = 1_000_000;
    const x = new Float32Array(n).fill(0.1);
    for (const params of [
      { dims: [n], reduced: 1, rank: 1 },
      { dims: [n / 8, 8], reduced: 1, rank: 2 },
    ]) {
      const y = new Float32Array(n / (params.dims[0] as number));
      callKernel(row, reduceParams, { kind: 0, spare: 0, ...params }, [y], [x]);
      const want = Math.fround(0.1) * (params.dims[0] as number);
      expect(excess(y, new Array<number>(y.length).fill(want), 0, 40 * u)).toBeLessThanOrEqual(0);
    }
  });
  it('refuses parameters that do not fit its operands', () => {
    const bad = (params: Partial<{ kind: number; rank: number; reduced: number; dims: number[] }>) => () =>
      callKernel(row, reduceParams, { kind: 0, rank: 1, reduced: 1, spare: 0, dims: [4], ...params }, [new Float32Array(1)], [new Float32Array(4)]);
    bad({})();
    expect(bad({ kind: 10 })).toThrow(/kind/);
    expect(bad({ kind: -1 })).toThrow(/kind/);
    expect(bad({ rank: 0 })).toThrow(/rank/);
    expect(bad({ rank: 9 })).toThrow(/rank/);
    expect(bad({ dims: [-1] })).toThrow(/non-negative/);
    expect(bad({ dims: [5] })).toThrow(/input must hold/);
    expect(bad({ reduced: 0 })).toThrow(/output must hold/);
    expect(bad({ rank: 3, dims: [0, 2 ** 40, 2 ** 40], reduced: 7 })).toThrow(/overflow/);
  });
});

describe('portable rows', () => {
  const run = (dtypes: string, kind: ReductionName, y: never, x: never, dims: number[], reduced: number) => {
    const row = rowsOf('reduce', dtypes)[0] ?? rowNamed(`reduce_${dtypes}_scalar`);
    callKernel(row, reduceParams, { kind: reduction.value(kind), rank: dims.length, reduced, spare: 0, dims }, [y], [x]);
    return Array.from(y as ArrayLike<number | bigint>);
  };
  it('folds integers exactly', () => {
    const x = BigInt64Array.from([1n, -2n, 3n, 4n, 5n, -6n]);
    expect(run('i64', 'sum', new BigInt64Array(2) as never, x as never, [2, 3], 2)).toEqual([2n, 3n]);
    expect(run('i64', 'max', new BigInt64Array(3) as never, x as never, [2, 3], 1)).toEqual([4n, 5n, 3n]);
    expect(run('i64', 'prod', new BigInt64Array(1) as never, x as never, [6], 1)).toEqual([720n]);
    expect(run('i32', 'l1', new Int32Array(1) as never, Int32Array.from([-3, 4]) as never, [2], 1)).toEqual([7]);
    expect(run('i32', 'l2', new Int32Array(1) as never, Int32Array.from([-3, 4]) as never, [2], 1)).toEqual([5]);
    expect(run('i32', 'sum', new Int32Array(1) as never, Int32Array.from([2 ** 31 - 1, 1]) as never, [2], 1)).toEqual([-(2 ** 31)]);
    expect(run('u32', 'mean', new Uint32Array(1) as never, Uint32Array.from([4, 7]) as never, [2], 1)).toEqual([5]);
    expect(run('u64', 'min', new BigUint64Array(1) as never, BigUint64Array.from([4n, 2n ** 63n]) as never, [2], 1)).toEqual([4n]);
    expect(run('i8', 'min', new Int8Array(2) as never, Int8Array.from([4, -7, 2, 100]) as never, [2, 2], 1)).toEqual([2, -7]);
    expect(run('u8', 'max', new Uint8Array(1) as never, Uint8Array.from([4, 200]) as never, [2], 1)).toEqual([200]);
    expect(run('bool', 'min', new Uint8Array(2) as never, Uint8Array.from([1, 0, 1, 1]) as never, [2, 2], 2)).toEqual([0, 1]);
  });
  it('gives the identity of an empty set', () => {
    expect(run('i32', 'max', new Int32Array(1) as never, new Int32Array(0) as never, [1, 0], 2)).toEqual([-(2 ** 31)]);
    expect(run('f64', 'min', new Float64Array(1) as never, new Float64Array(0) as never, [1, 0], 2)).toEqual([Infinity]);
    expect(run('f64', 'logSumExp', new Float64Array(1) as never, new Float64Array(0) as never, [1, 0], 2)).toEqual([-Infinity]);
    expect(run('u8', 'prod', new Uint8Array(1) as never, new Uint8Array(0) as never, [1, 0], 2)).toEqual([1]);
  });
  it('rounds half precision once', () => {
    // 1, 2, 3 · mean 2; 0x3c00 0x4000 0x4200
    expect(run('f16', 'mean', new Uint16Array(1) as never, Uint16Array.from([0x3c00, 0x4000, 0x4200]) as never, [3], 1)).toEqual([0x4000]);
    expect(run('bf16', 'sum', new Uint16Array(1) as never, Uint16Array.from([0x3f80, 0x4000, 0x4040]) as never, [3], 1)).toEqual([0x40c0]);
    // 2048 + 1 ties to even at 2048; the smallest subnormal survives
    expect(run('f16', 'sum', new Uint16Array(1) as never, Uint16Array.from([0x6800, 0x3c00]) as never, [2], 1)).toEqual([0x6800]);
    expect(run('f16', 'max', new Uint16Array(1) as never, Uint16Array.from([0x0001, 0x8001]) as never, [2], 1)).toEqual([0x0001]);
  });
});
