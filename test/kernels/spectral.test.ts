import { describe, expect, it } from 'vitest';
import { dftParams } from '../../lib/kernels/spectral.js';
import { callKernel, excess, randomFloats, rowNamed } from './harness.js';

interface Case {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly frames: number;
  readonly step: number;
  readonly taken: number;
  readonly n: number;
  readonly bins: number;
  readonly inParts: number;
  readonly outParts: number;
  readonly inverse: number;
  readonly mirrored: number;
}

const plain = { outer: 2, inner: 3, frames: 1, step: 0, inverse: 0, mirrored: 0, inParts: 2, outParts: 2 };
const cases: readonly (readonly [string, Case])[] = [
  ['one point', { ...plain, length: 1, taken: 1, n: 1, bins: 1 }],
  ['a power of two', { ...plain, length: 16, taken: 16, n: 16, bins: 16 }],
  ['another length', { ...plain, length: 15, taken: 15, n: 15, bins: 15 }],
  ['filled with zeroes', { ...plain, length: 10, taken: 10, n: 16, bins: 16 }],
  ['cut', { ...plain, length: 20, taken: 7, n: 7, bins: 7 }],
  ['real, one side', { ...plain, length: 12, taken: 12, n: 12, bins: 7, inParts: 1 }],
  ['inverse', { ...plain, length: 32, taken: 32, n: 32, bins: 32, inverse: 1 }],
  ['inverse of one side, even', { ...plain, length: 9, taken: 9, n: 16, bins: 16, inverse: 1, mirrored: 1, outParts: 1 }],
  ['inverse of one side, odd', { ...plain, length: 8, taken: 8, n: 15, bins: 15, inverse: 1, mirrored: 1, outParts: 1 }],
  ['frames', { ...plain, inner: 1, length: 50, frames: 5, step: 8, taken: 16, n: 16, bins: 9, inParts: 1 }],
];

/** The definition, in float64. */
function reference(c: Case, x: ArrayLike<number>, window: ArrayLike<number> | undefined): Float64Array {
  const y = new Float64Array(c.outer * c.frames * c.bins * c.inner * c.outParts);
  for (let o = 0; o < c.outer; o++)
    for (let f = 0; f < c.frames; f++)
      for (let i = 0; i < c.inner; i++) {
        const re = new Float64Array(c.n);
        const im = new Float64Array(c.n);
        for (let j = 0; j < c.taken; j++) {
          const at = ((o * c.length + f * c.step + j) * c.inner + i) * c.inParts;
          re[j] = (x[at] as number) * (window?.[j] ?? 1);
          im[j] = c.inParts === 2 ? (x[at + 1] as number) * (window?.[j] ?? 1) : 0;
        }
        if (c.mirrored)
          for (let j = c.taken; j < c.n; j++) {
            re[j] = re[c.n - j] as number;
            im[j] = -(im[c.n - j] as number);
          }
        for (let k = 0; k < c.bins; k++) {
          const sum = [0, 0] as [number, number];
          for (let j = 0; j < c.n; j++) {
            const angle = ((c.inverse ? 2 : -2) * Math.PI * j * k) / c.n;
            sum[0] += (re[j] as number) * Math.cos(angle) - (im[j] as number) * Math.sin(angle);
            sum[1] += (re[j] as number) * Math.sin(angle) + (im[j] as number) * Math.cos(angle);
          }
          const at = (((o * c.frames + f) * c.bins + k) * c.inner + i) * c.outParts;
          for (let part = 0; part < c.outParts; part++) y[at + part] = (sum[part] as number) / (c.inverse ? c.n : 1);
        }
      }
  return y;
}

describe.each([
  ['dft_f32_scalar', Float32Array, 2 ** -23],
  ['dft_f64_scalar', Float64Array, 2 ** -46],
] as const)('%s', (name, Type, eps) => {
  it.each(cases)('%s', (_, c) => {
    const x = Type.from(randomFloats(c.outer * c.length * c.inner * c.inParts, 3));
    for (const window of [undefined, Type.from(randomFloats(c.taken, 4, 0, 1))])
      for (const threads of [1, 3]) {
        const y = new Type(c.outer * c.frames * c.bins * c.inner * c.outParts);
        callKernel(rowNamed(name), dftParams, { ...c }, [y], [x, window], { threads });
        // sums in float64 of at most n numbers below 2; the last step rounds to the type
        expect(excess(y, reference(c, x, window), eps * c.n * 2, eps)).toBeLessThanOrEqual(0);
      }
  });

  it('refuses what does not fit', () => {
    const c = (cases.find(([n]) => n === 'frames') as (typeof cases)[number])[1];
    const run =
      (change: Partial<Case>, window = c.taken) =>
      () =>
        callKernel(rowNamed(name), dftParams, { ...c, ...change }, [new Type(2 * 5 * 9 * 2)], [new Type(100), new Type(window)]);
    expect(run({})).not.toThrow();
    expect(run({ step: 9 })).toThrow(/last frame/);
    expect(run({ frames: 6 })).toThrow(/must hold/);
    expect(run({ n: 0 })).toThrow(/n must/);
    expect(run({ taken: 17 })).toThrow(/no more than/);
    expect(run({ mirrored: 1 })).toThrow(/mirrored/);
    expect(run({}, 15)).toThrow(/window/);
    expect(run({ inParts: 3 })).toThrow(/parts/);
  });
});
