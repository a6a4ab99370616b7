import { describe, expect, it } from 'vitest';
import { cases, scanCase } from '../../bench/cases/scan.js';
import { scanParams } from '../../lib/kernels/scan.js';
import { callKernel, rowNamed, rowOf, rowsOf } from './harness.js';

type Axis = Record<'kind' | 'exclusive' | 'reverse' | 'outer' | 'n' | 'inner', number>;

function reference(x: ArrayLike<number>, p: Axis): number[] {
  const y = new Array<number>(x.length);
  for (let o = 0; o < p.outer; o++) {
    for (let c = 0; c < p.inner; c++) {
      let total = p.kind;
      for (let i = 0; i < p.n; i++) {
        const at = (o * p.n + (p.reverse ? p.n - 1 - i : i)) * p.inner + c;
        const next = p.kind === 0 ? total + (x[at] as number) : total * (x[at] as number);
        y[at] = p.exclusive ? total : next;
        total = next;
      }
    }
  }
  return y;
}

const u = 2 ** -24;
/** Sums: one rounding, and the corrections' own, n²u² of at most 5 each. Products: one rounding a factor. */
const tolerance = (p: Axis, y: number) => (p.kind === 0 ? 1.01 * u * Math.abs(y) + 5 * p.n ** 3 * u * u : 1.01 * p.n * u * Math.abs(y));

describe.each(rowsOf('scan', 'f32'))('$name', (row) => {
  it('is within its bound of the float64 definition, and equal to the scalar row', () => {
    const scalar = rowNamed('scan_f32_scalar');
    for (const c of cases) {
      if (c.bench) continue;
      const p = c.params as Axis;
      const inputs = c.inputs() as [Float32Array];
      const want = reference(inputs[0], p);
      const [z] = c.outputs() as [Float32Array];
      callKernel(scalar, scanParams, c.params as never, [z], inputs);
      for (const threads of [1, 2, 3]) {
        const [y] = c.outputs() as [Float32Array];
        callKernel(row, scanParams, c.params as never, [y], inputs, { threads });
        expect(y, c.name).toEqual(z);
        y.forEach((v, i) => {
          if (!(Math.abs(v - (want[i] as number)) <= tolerance(p, want[i] as number))) expect.fail(`${c.name} at ${i}: ${v} for ${want[i]}`);
        });
      }
    }
  });
  it('keeps infinities and NaN from where they stand', () => {
    for (const inner of [1, 9]) {
      const c = scanCase('sum', 1, 6, inner, 0, 0);
      const [x] = c.inputs() as [Float32Array];
      x[2 * inner] = Infinity;
      const [y] = c.outputs() as [Float32Array];
      callKernel(row, scanParams, c.params as never, [y], [x]);
      expect([0, 1, 2, 3, 5].map((i) => Number.isFinite(y[i * inner]))).toEqual([true, true, false, false, false]);
      expect(y[5 * inner]).toBe(Infinity);
      x[4 * inner] = -Infinity;
      callKernel(row, scanParams, c.params as never, [y], [x]);
      expect([y[3 * inner], y[4 * inner]]).toEqual([Infinity, NaN]);
    }
  });
  it('refuses sizes and flags that do not fit', () => {
    const c = scanCase('sum', 1, 4, 1, 0, 0);
    const call = (change: Partial<Axis>) => () => callKernel(row, scanParams, { ...c.params, ...change } as never, c.outputs(), c.inputs());
    call({})();
    expect(call({ n: 5 })).toThrow(/must hold/);
    expect(call({ kind: 2 })).toThrow(/kind/);
    expect(call({ reverse: 2 })).toThrow(/flags/);
    expect(call({ exclusive: -1 })).toThrow(/flags/);
  });
});

it('wraps integers and keeps float64', () => {
  const params = { kind: 0, exclusive: 0, reverse: 0, spare: 0, outer: 1, n: 3, inner: 1 };
  const i32 = new Int32Array(3);
  callKernel(rowOf('scan', 'i32'), scanParams, params, [i32], [Int32Array.from([2 ** 31 - 1, 1, 5])]);
  expect([...i32]).toEqual([2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 5]);
  const f64 = new Float64Array(3);
  callKernel(rowOf('scan', 'f64'), scanParams, { ...params, kind: 1, reverse: 1, exclusive: 1 }, [f64], [Float64Array.from([2, 3, 5])]);
  expect([...f64]).toEqual([15, 5, 1]);
});
