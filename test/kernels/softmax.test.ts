import { describe, expect, it } from 'vitest';
import { cases, softmaxCase } from '../../bench/cases/softmax.js';
import { softmaxKind, softmaxParams } from '../../lib/kernels/softmax.js';
import { callKernel, rowNamed, rowsOf } from './harness.js';

type Axis = { kind: number; outer: number; n: number; inner: number };

function reference(x: Float32Array, { kind, outer, n, inner }: Axis): number[] {
  const y = new Array<number>(x.length).fill(0);
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < inner; c++) {
      const at = (i: number) => (o * n + i) * inner + c;
      const column = Array.from({ length: n }, (_, i) => x[at(i)] as number);
      const nan = column.findIndex(Number.isNaN);
      const peak = nan >= 0 ? NaN : Math.max(...column);
      const total = column.reduce((s, v) => s + Math.exp(v - peak), 0);
      const first = nan >= 0 ? nan : column.indexOf(peak);
      column.forEach((v, i) => {
        if (kind === softmaxKind.value('softmax')) y[at(i)] = Math.exp(v - peak) / total;
        else if (kind === softmaxKind.value('logSoftmax')) y[at(i)] = v - peak - Math.log(total);
        else y[at(i)] = i === first ? 1 : 0;
      });
    }
  }
  return y;
}

const u = 2 ** -24;
/**
 * x - m is at most 16 here and rounds by 16 u: a relative error of the exponential, which adds 2 u of its own; the sum of
 * positive terms then carries 18 u of its terms + 40 u of its additions, division or logarithm and the last operations 3 u.
 */
const tolerance = (kind: number, y: number) => (kind === 0 ? 80 * u * y : kind === 1 ? 80 * u + 2 * u * Math.abs(y) : 0);

describe.each(rowsOf('softmax', 'f32'))('$name', (row) => {
  it('is within its bound of the float64 definition, the same for any thread count', () => {
    for (const c of cases) {
      if (c.bench) continue;
      const p = c.params as unknown as Axis;
      const inputs = c.inputs() as [Float32Array];
      const want = reference(inputs[0], p);
      let first: Float32Array | undefined;
      for (const threads of [1, 2, 3]) {
        const [y] = c.outputs() as [Float32Array];
        callKernel(row, softmaxParams, c.params as never, [y], inputs, { threads });
        first ??= y;
        expect(Buffer.compare(Buffer.from(y.buffer), Buffer.from(first.buffer)), c.name).toBe(0);
        for (let i = 0; i < y.length; i++) {
          const e = Math.abs((y[i] as number) - (want[i] as number));
          if (!(e <= tolerance(p.kind, want[i] as number) + 2 ** -148)) expect.fail(`${c.name} at ${i}: ${y[i]} for ${want[i]}`);
        }
      }
    }
  });
  it('agrees with the scalar row', () => {
    const scalar = rowNamed('softmax_f32_scalar');
    for (const c of cases) {
      if (c.bench) continue;
      const [y] = c.outputs() as [Float32Array];
      const [z] = c.outputs() as [Float32Array];
      callKernel(row, softmaxParams, c.params as never, [y], c.inputs());
      callKernel(scalar, softmaxParams, c.params as never, [z], c.inputs());
      const kind = c.params['kind'] as number;
      // both are within the bound of the truth
      for (let i = 0; i < y.length; i++)
        if (!(Math.abs((y[i] as number) - (z[i] as number)) <= 2 * tolerance(kind, Math.abs(z[i] as number)) + 2 ** -147)) expect.fail(`${c.name} at ${i}`);
    }
  });
  it.each([
    [20, 1],
    [20, 5],
  ])('says NaN where there is no answer, n %i inner %i', (n, inner) => {
    for (const kind of softmaxKind.members) {
      for (const [put, at] of [
        [NaN, 3],
        [Infinity, 19],
        [-Infinity, 0],
      ] as const) {
        const c = softmaxCase(kind, 1, n, inner);
        const [x] = c.inputs() as [Float32Array];
        x[at * inner] = put;
        const [y] = c.outputs() as [Float32Array];
        callKernel(row, softmaxParams, c.params as never, [y], [x]);
        const want = reference(x, c.params as unknown as Axis);
        want.forEach((w, i) => {
          if (Number.isNaN(w)) expect(y[i]).toBeNaN();
          else if (Math.abs(w) === Infinity) expect(y[i]).toBe(w);
          else expect(y[i]).toBeCloseTo(w, 4);
        });
      }
      const c = softmaxCase(kind, 1, n, inner);
      const [y] = c.outputs() as [Float32Array];
      callKernel(row, softmaxParams, c.params as never, [y], [new Float32Array(n * inner).fill(-Infinity)]);
      expect(y[0]).toBe(kind === 'hardmax' ? 1 : NaN);
    }
  });
  it('refuses sizes that its operands do not hold', () => {
    const call = (params: Partial<Axis>) => () =>
      callKernel(row, softmaxParams, { kind: 0, spare: 0, outer: 1, n: 4, inner: 1, ...params }, [new Float32Array(4)], [new Float32Array(4)]);
    call({})();
    expect(call({ n: 5 })).toThrow(/must hold/);
    expect(call({ kind: 3 })).toThrow(/kind/);
    expect(call({ outer: -1 })).toThrow(/must hold/);
    expect(call({ outer: 2 ** 40, n: 2 ** 40 })).toThrow(/must hold/);
  });
});

it('computes the other types in double', () => {
  const f64 = rowNamed('softmax_f64_scalar');
  const y = new Float64Array(6);
  const x = Float64Array.from([1, 2, 3, 4, 0, -2]);
  callKernel(f64, softmaxParams, { kind: 0, spare: 0, outer: 1, n: 2, inner: 3 }, [y], [x]);
  for (const c of [0, 1, 2]) expect(y[c]).toBeCloseTo(1 / (1 + Math.exp((x[c + 3] as number) - (x[c] as number))), 14);
  const [f16] = rowsOf('softmax', 'f16');
  const h = new Uint16Array(2);
  callKernel(f16 as never, softmaxParams, { kind: 0, spare: 0, outer: 1, n: 2, inner: 1 }, [h], [Uint16Array.from([0x3c00, 0x3c00])]);
  expect([...h]).toEqual([0x3800, 0x3800]);
});
