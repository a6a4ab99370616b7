import { describe, expect, it } from 'vitest';
import { type PoolCase, poolCases, poolOutput, poolParamsOf } from '../../bench/cases/pool.js';
import { poolIndicesParams, poolParams } from '../../lib/kernels/pool.js';
import { callKernel, mulberry32, randomFloats, rowsOf } from './harness.js';

/** Pooling by its definition, in float64: values, and the first largest position in [N,C,D,H,W]. */
function reference(c: PoolCase, x: ArrayLike<number>, columnMajor = false) {
  const p = poolParamsOf(c);
  const [D, H, W] = p.inSize as [number, number, number];
  const [OD, OH, OW] = p.outSize as [number, number, number];
  const y: number[] = [];
  const indices: number[] = [];
  for (let n = 0; n < c.batch; n++)
    for (let od = 0; od < OD; od++)
      for (let oh = 0; oh < OH; oh++)
        for (let ow = 0; ow < OW; ow++)
          for (let ch = 0; ch < c.channels; ch++) {
            let [best, at, sum, inside, padded] = [-Infinity, -1, 0, 0, 0];
            for (let kd = 0; kd < (p.kernel[0] as number); kd++)
              for (let kh = 0; kh < (p.kernel[1] as number); kh++)
                for (let kw = 0; kw < (p.kernel[2] as number); kw++) {
                  const i = [kd, kh, kw].map(
                    (k, a) => ([od, oh, ow][a] as number) * (p.strides[a] as number) - (p.padsBegin[a] as number) + k * (p.dilations[a] as number),
                  ) as [number, number, number];
                  if (i.every((v, a) => v >= -(p.padsBegin[a] as number) && v < (p.inSize[a] as number) + (p.padsEnd[a] as number))) padded++;
                  if (!i.every((v, a) => v >= 0 && v < (p.inSize[a] as number))) continue;
                  inside++;
                  const v = x[(((n * D + i[0]) * H + i[1]) * W + i[2]) * c.channels + ch] as number;
                  const position = (n * c.channels + ch) * D * H * W + (columnMajor ? (i[2] * H + i[1]) * D + i[0] : (i[0] * H + i[1]) * W + i[2]);
                  if (v > best || at < 0) [best, at] = [v, position];
                  sum += c.kind === 'lp' ? Math.abs(v) ** (c.p ?? 2) : v;
                }
            if (c.kind === 'max') y.push(best);
            else if (c.kind === 'lp') y.push(sum ** (1 / (c.p ?? 2)));
            else y.push(sum / Math.max(c.kind === 'average' ? inside : padded, 1));
            indices.push(at);
          }
  return { y, indices };
}

/** The pixels without what lies between them, which must be untouched. */
function dense(y: ArrayLike<number>, channels: number, ldc: number): number[] {
  const kept: number[] = [];
  for (let i = 0; i < y.length; i++) {
    if (i % ldc < channels) kept.push(y[i] as number);
    else if (y[i] !== 0) expect.fail(`wrote ${y[i]} between pixels at ${i}`);
  }
  return kept;
}

const elements = (c: PoolCase) => c.size.reduce((a, b) => a * b, c.batch) * c.channels;

describe.each(rowsOf('pool', 'f32'))('$name', (row) => {
  it.each(poolCases)('$name', (c) => {
    const x = randomFloats(elements(c), 5);
    const params = poolParamsOf(c);
    const want = reference(c, x).y;
    const taps = c.kernel.reduce((a, b) => a * b, 1);
    for (const threads of [1, 2, 3, 4]) {
      const apart = new Float32Array((want.length / c.channels) * params.ldc);
      callKernel(row, poolParams, params, [apart], [x], { threads });
      const y = dense(apart, c.channels, params.ldc);
      for (let i = 0; i < want.length; i++) {
        // |x| ≤ 1: taps sums and one division, each rounding at most 2^-24 of a partial sum ≤ taps, over a divisor ≥ 1;
        // pow adds a few ulp. Maxima are exact.
        const allowed = c.kind === 'max' ? 0 : (taps + 8) * 2 ** -24 * Math.max(Math.abs(want[i] as number), 1);
        if (!(Math.abs((y[i] as number) - (want[i] as number)) <= allowed) && y[i] !== want[i]) expect.fail(`element ${i}: ${y[i]}, expected ${want[i]}`);
      }
    }
  });

  it('refuses what its operands do not hold', () => {
    const c = poolCases[0] as PoolCase;
    const params = poolParamsOf(c);
    const outputs = poolOutput(c).reduce((a, b) => a * b, c.batch) * c.channels;
    const call = (change: Partial<typeof params>, y = outputs, x = elements(c)) =>
      callKernel(row, poolParams, { ...params, ...change }, [new Float32Array(y)], [new Float32Array(x)]);
    call({});
    expect(() => call({}, outputs - 1)).toThrow(/y must hold/);
    expect(() => call({}, outputs, elements(c) - 1)).toThrow(/x must hold/);
    expect(() => call({ kind: 9 })).toThrow(/kind/);
    expect(() => call({ strides: [1, 0, 1] })).toThrow(/strides/);
    expect(() => call({ padsEnd: [0, -1, 0] })).toThrow(/pads/);
    expect(() => call({ outSize: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1] })).toThrow(/must/);
  });
});

describe.each([
  ['u8', Uint8Array, 0],
  ['i8', Int8Array, -128],
] as const)('pool %s', (dtype, array, low) => {
  it.each(poolCases.filter((c) => c.kind === 'max'))('$name', (c) => {
    const next = mulberry32(6);
    const x = new array(Array.from({ length: elements(c) }, () => low + Math.floor(256 * next())));
    for (const row of rowsOf('pool', dtype)) {
      const want = reference(c, x).y.map((v) => Math.max(v, low));
      const params = poolParamsOf(c);
      const y = new array((want.length / c.channels) * params.ldc);
      callKernel(row, poolParams, params, [y], [x], { threads: 2 });
      expect(dense(y, c.channels, params.ldc)).toEqual(want);
    }
  });
});

describe.each(rowsOf('pool_indices', 'f32'))('$name', (row) => {
  it.each(poolCases.filter((c) => c.kind === 'max'))('$name', (c) => {
    const next = mulberry32(7);
    const x = Float32Array.from({ length: elements(c) }, () => Math.floor(6 * next())); // ties: the first one counts
    const { kind: _kind, p: _p, padsEnd: _padsEnd, ldc: _ldc, ...params } = poolParamsOf(c);
    for (const columnMajor of [0, 1]) {
      const want = reference(c, x, columnMajor === 1);
      const y = new Float32Array(want.y.length);
      const indices = new BigInt64Array(want.y.length);
      callKernel(row, poolIndicesParams, { ...params, columnMajor }, [y, indices], [x], { threads: 2 });
      expect([...y]).toEqual(want.y);
      expect([...indices].map(Number)).toEqual(want.indices);
    }
  });
});
