/** Softmax of bytes: every row against its definition bit for bit, and that against float64. */
import { describe, expect, it } from 'vitest';
import { type ByteSoftmax, byteSoftmaxCase, byteSoftmaxes } from '../../bench/cases/softmax.js';
import { roundHalfEven } from '../../lib/dtype.js';
import { byteSoftmaxParams, softmaxCurve } from '../../lib/kernels/softmax.js';
import { callKernel, rowNamed, rowsOf } from './harness.js';

const f = Math.fround;
const saturated = (v: number) => Math.min(255, Math.max(0, Number.isNaN(v) ? 0 : v));

/** Calls see(start, depths) for each row: how far each x lies below the largest. */
function eachRow(c: ByteSoftmax, x: Uint8Array, see: (start: number, depths: readonly number[]) => void): void {
  for (let start = 0; start < x.length; start += c.n) {
    const row = Array.from(x.subarray(start, start + c.n));
    const most = Math.max(...row);
    see(
      start,
      row.map((v) => most - v),
    );
  }
}

/** The arithmetic of the kernel. */
function definition(c: ByteSoftmax, x: Uint8Array, curve: Int32Array): Uint8Array {
  const y = new Uint8Array(x.length);
  eachRow(c, x, (start, depths) => {
    const numbers = depths.map((d) => curve[d] as number);
    const m = f(f(c.ratio) / f(numbers.reduce((a, b) => a + b, 0)));
    numbers.forEach((number, k) => {
      const v = f(number * m);
      y[start + k] = saturated(f((Number.isFinite(v) ? roundHalfEven(v) : v) + c.zero));
    });
  });
  return y;
}

const wanted = byteSoftmaxes.map((c) => {
  const kernelCase = byteSoftmaxCase(c);
  const [x, curve] = kernelCase.inputs() as [Uint8Array, Int32Array];
  return { ...kernelCase, x, curve, want: definition(c, x, curve) };
});

describe.each(rowsOf('softmax_i8', 'u8'))('$name', (row) => {
  it.each(wanted)('$name', ({ params, outputs, x, curve, want }) => {
    for (const threads of [1, 2, 3]) {
      const [y] = outputs() as [Uint8Array];
      callKernel(row, byteSoftmaxParams, params as never, [y], [x, curve], { threads });
      expect(Buffer.compare(y, want)).toBe(0);
    }
  });

  it.each([0, 1, 200, 255])('takes rows of one number, %i', (value) => {
    const c: ByteSoftmax = { rows: 1, n: 300, scale: 0.1, ratio: 300 * 7, zero: 9 };
    const y = new Uint8Array(300);
    callKernel(row, byteSoftmaxParams, byteSoftmaxCase(c).params as never, [y], [new Uint8Array(300).fill(value), Int32Array.from(softmaxCurve(0.1))]);
    expect(y.every((v) => v === 16)).toBe(true);
  });

  it('adds long rows exactly', () => {
    const c: ByteSoftmax = { rows: 1, n: 70000, scale: 1e-9, ratio: 70000 * 3, zero: 0 };
    const { params, inputs } = byteSoftmaxCase(c);
    const y = new Uint8Array(70000);
    callKernel(row, byteSoftmaxParams, params as never, [y], inputs());
    expect(y.every((v) => v === 3)).toBe(true);
  });

  it('refuses what reaches outside its operands', () => {
    const call =
      (changed: object, curve = 256) =>
      () =>
        callKernel(row, byteSoftmaxParams, { ratio: 256, zero: 0, rows: 1, n: 4, ...changed }, [new Uint8Array(4)], [new Uint8Array(4), new Int32Array(curve)]);
    expect(call({})).not.toThrow();
    expect(call({ n: 5 })).toThrow(/must hold/);
    expect(call({ rows: -1 })).toThrow(/rows/);
    expect(call({ rows: 2 ** 40, n: 2 ** 40 })).toThrow(/must hold/);
    expect(call({ zero: 256 })).toThrow(/byte/);
    expect(call({}, 255)).toThrow(/curve/);
  });
});

it('is within its bound of float64', () => {
  const row = rowNamed('softmax_i8_scalar');
  for (const c of byteSoftmaxes) {
    if (!(c.ratio < 1e6 && c.ratio > 1)) continue;
    const { params, inputs } = byteSoftmaxCase(c);
    const [x, curve] = inputs() as [Uint8Array, Int32Array];
    const y = new Uint8Array(x.length);
    callKernel(row, byteSoftmaxParams, params as never, [y], [x, curve]);
    /**
     * In units of the largest exponential, u = 2^-24: each number of the curve is off by u, their sum, which is at least 1,
     * by n·u. Quotients of both, at most 1, are then off by (n + 1)·u, and three roundings of float32 add u each. The result
     * of that rounds by a half.
     */
    const bound = 0.5 + (c.n + 4) * 2 ** -24 * c.ratio;
    eachRow(c, x, (start, depths) => {
      const e = depths.map((d) => Math.exp(-c.scale * d));
      const total = e.reduce((a, b) => a + b, 0);
      e.forEach((number, k) => {
        const v = saturated((number / total) * c.ratio + c.zero);
        const got = y[start + k] as number;
        if (!(Math.abs(got - v) <= bound)) expect.fail(`n ${c.n} at ${k}: ${got} for ${v}`);
      });
    });
  }
});
