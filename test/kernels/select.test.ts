import { describe, expect, it } from 'vitest';
import { argCase, cases, topkCase } from '../../bench/cases/select.js';
import { argReduceParams, topkParams } from '../../lib/kernels/select.js';
import { callKernel, rowOf, rowsOf } from './harness.js';

type Axis = Record<'smallest' | 'last' | 'outer' | 'n' | 'inner' | 'k', number>;

/** NaN is the extreme for arg_reduce; for topk it is the largest number. */
const compare = (smallest: boolean, nanFirst: boolean) => (a: number, b: number) => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.isNaN(a) === nanFirst ? -1 : 1;
  return a === b ? 0 : a < b === smallest ? -1 : 1;
};

function ranked(x: ArrayLike<number>, p: Axis, o: number, c: number, nanFirst: boolean): { v: number; i: number }[] {
  const order = compare(p.smallest === 1, nanFirst);
  const list = Array.from({ length: p.n }, (_, i) => ({ v: x[(o * p.n + i) * p.inner + c] as number, i }));
  return list.sort((a, b) => order(a.v, b.v) || (p.last === 1 ? b.i - a.i : a.i - b.i));
}

describe.each(rowsOf('arg_reduce', 'f32'))('$name', (row) => {
  const check = (p: Axis, x: Float32Array, name: string) => {
    for (const threads of [1, 3]) {
      const y = new BigInt64Array(p.outer * p.inner);
      callKernel(row, argReduceParams, p, [y], [x], { threads });
      for (let o = 0; o < p.outer; o++) {
        for (let c = 0; c < p.inner; c++) expect(Number(y[o * p.inner + c]), `${name} at ${o},${c}`).toBe(ranked(x, p, o, c, true)[0]?.i);
      }
    }
  };
  it('finds the first or last extreme', () => {
    for (const c of cases) if (!c.bench && c.op === 'arg_reduce') check(c.params as Axis, c.inputs()[0] as Float32Array, c.name);
  });
  it('takes NaN for the extreme, and finds infinities', () => {
    for (const inner of [1, 3]) {
      for (const smallest of [0, 1]) {
        for (const last of [0, 1]) {
          const c = argCase(1, 200, inner, smallest, last);
          for (const value of [NaN, Infinity, -Infinity]) {
            const [x] = c.inputs() as [Float32Array];
            x[70 * inner] = value;
            x[140 * inner] = value;
            check(c.params as Axis, x, `${c.name} with ${value}`);
          }
          check(c.params as Axis, new Float32Array(200 * inner).fill(-Infinity), 'all -∞');
          check(c.params as Axis, new Float32Array(200 * inner).fill(NaN), 'all NaN');
        }
      }
    }
  });
  it('refuses an empty axis and sizes that do not fit', () => {
    const call = (change: Partial<Axis>) => () =>
      callKernel(row, argReduceParams, { smallest: 0, last: 0, outer: 1, n: 4, inner: 1, ...change }, [new BigInt64Array(1)], [new Float32Array(4)]);
    call({})();
    expect(call({ n: 0 })).toThrow(/n must/);
    expect(call({ n: 2 ** 31 })).toThrow(/n must/);
    expect(call({ n: 5 })).toThrow(/input must hold/);
    expect(call({ outer: 2 })).toThrow(/output must hold/);
    expect(call({ last: 2 })).toThrow(/flags/);
  });
});

describe.each(rowsOf('topk', 'f32'))('$name', (row) => {
  const check = (p: Axis, x: Float32Array, name: string) => {
    for (const threads of [1, 3]) {
      const values = new Float32Array(p.outer * p.k * p.inner);
      const indices = new BigInt64Array(values.length);
      callKernel(row, topkParams, { ...p, spare: 0 }, [values, indices], [x], { threads });
      for (let o = 0; o < p.outer; o++) {
        for (let c = 0; c < p.inner; c++) {
          const want = ranked(x, p, o, c, p.smallest === 0).slice(0, p.k);
          const at = (j: number) => (o * p.k + j) * p.inner + c;
          expect(
            want.map((_, j) => Number(indices[at(j)])),
            name,
          ).toEqual(want.map((e) => e.i));
          expect(
            want.map((_, j) => values[at(j)]),
            name,
          ).toEqual(want.map((e) => e.v));
        }
      }
    }
  };
  it('gives the best in order, the lower index first among equals', () => {
    for (const c of cases) if (!c.bench && c.op === 'topk') check(c.params as Axis, c.inputs()[0] as Float32Array, c.name);
  });
  it('counts NaN as the largest number', () => {
    for (const inner of [1, 3]) {
      for (const smallest of [0, 1]) {
        const c = topkCase(1, 300, inner, 7, smallest);
        const [x] = c.inputs() as [Float32Array];
        for (const i of [0, 90, 91, 250]) x[i * inner] = NaN;
        x[100 * inner] = Infinity;
        x[200 * inner] = -Infinity;
        check(c.params as Axis, x, c.name);
        check({ ...(c.params as Axis), k: 298 }, x, c.name);
        check(c.params as Axis, new Float32Array(300 * inner).fill(NaN), 'all NaN');
      }
    }
  });
  it('refuses sizes that do not fit', () => {
    const call = (change: Partial<Axis>) => () =>
      callKernel(
        row,
        topkParams,
        { smallest: 0, spare: 0, outer: 1, n: 4, inner: 1, k: 2, ...change },
        [new Float32Array(2), new BigInt64Array(2)],
        [new Float32Array(4)],
      );
    call({})();
    expect(call({ k: 5 })).toThrow(/k must/);
    expect(call({ k: -1 })).toThrow(/k must/);
    expect(call({ k: 3 })).toThrow(/must hold/);
    expect(call({ n: 5 })).toThrow(/input must hold/);
    expect(call({ outer: 0, n: 2 ** 50, k: 2 ** 50 })).toThrow(/k must/);
  });
});

describe('portable rows', () => {
  it('compare 64-bit integers exactly', () => {
    const x = BigUint64Array.from([2n ** 63n, 2n ** 63n + 1n, 1n]);
    const top = rowOf('topk', 'u64');
    const values = new BigUint64Array(2);
    const indices = new BigInt64Array(2);
    callKernel(top, topkParams, { smallest: 0, spare: 0, outer: 1, n: 3, inner: 1, k: 2 }, [values, indices], [x]);
    expect([...values, ...indices]).toEqual([2n ** 63n + 1n, 2n ** 63n, 1n, 0n]);
    const arg = rowOf('arg_reduce', 'i8');
    const y = new BigInt64Array(1);
    callKernel(arg, argReduceParams, { smallest: 1, last: 1, outer: 1, n: 4, inner: 1 }, [y], [Int8Array.from([3, -5, -5, 0])]);
    expect(y[0]).toBe(2n);
  });
  it('order half precision by value', () => {
    const x = Uint16Array.from([0x3c00, 0xc000, 0x7e00, 0x4000]); // 1, -2, NaN, 2
    const row = rowOf('topk', 'f16');
    const values = new Uint16Array(4);
    const indices = new BigInt64Array(4);
    callKernel(row, topkParams, { smallest: 0, spare: 0, outer: 1, n: 4, inner: 1, k: 4 }, [values, indices], [x]);
    expect([...indices]).toEqual([2n, 3n, 0n, 1n]);
  });
});
