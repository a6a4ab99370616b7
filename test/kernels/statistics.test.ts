import { describe, expect, it } from 'vitest';
import { floats, histogramCases, histogramParams } from '../../bench/cases/statistics.js';
import { callKernel, rowsOf } from './harness.js';

/** The definition, an element at a time. */
function reference(x: Float32Array, parts: number, bins: number, range: number) {
  const counts = new Uint32Array(parts * (bins + 1));
  const extremes = new Float32Array(parts * 3);
  const factor = Math.fround(bins / 2 / range);
  const usable = range > 0 && factor < Infinity ? factor : 0;
  const [each, extra] = [Math.floor(x.length / parts), x.length % parts];
  for (let p = 0; p < parts; p++) {
    const begin = p * each + Math.min(p, extra);
    const piece = [...x.subarray(begin, begin + each + (p < extra ? 1 : 0))];
    const finite = piece.filter(Number.isFinite);
    extremes.set([Math.min(Infinity, ...finite), Math.max(-Infinity, ...finite), piece.length - finite.length], p * 3);
    for (const v of finite) {
      const t = Math.fround(Math.fround(v * usable) + bins / 2);
      const bin = v === 0 ? bins : Math.trunc(Math.min(Math.max(t, 0), bins - 1));
      counts[p * (bins + 1) + bin] = (counts[p * (bins + 1) + bin] as number) + 1;
    }
  }
  return { counts, extremes };
}

describe.each(rowsOf('histogram', 'f32'))('$name', (row) => {
  const run = (x: Float32Array, parts: number, bins: number, ranges: Float32Array, index: number, threads = 1) => {
    const counts = new Uint32Array(parts * (bins + 1));
    const extremes = new Float32Array(parts * 3);
    callKernel(row, histogramParams, { count: x.length, parts, bins, index }, [counts, extremes], [x, ranges], { threads });
    return { counts, extremes };
  };

  it.each(histogramCases)('counts: $name', ({ count, parts, bins, range }) => {
    const x = floats(count, count + 1).map((v, i) => (i % 5 === 0 ? 0 : v));
    const ranges = Float32Array.of(7, range);
    for (const threads of [1, 3]) {
      const got = run(x, parts, bins, ranges, 1, threads);
      const want = reference(x, parts, bins, ranges[1] as number);
      expect(got.extremes).toEqual(want.extremes);
      expect(got.counts).toEqual(want.counts);
    }
  });

  it('puts edges into the bin above, the range itself into the last, and zeros aside', () => {
    const { counts } = run(Float32Array.of(-1, -0.5, 0, -0, 0.5, 1, 1e-30, -1e-30), 1, 4, Float32Array.of(1), 0);
    // ±1e-30 · 2 + 2 rounds to 2: the bin above zero
    expect([...counts]).toEqual([1, 1, 2, 2, 2]);
  });

  it('counts what is not finite apart', () => {
    const { counts, extremes } = run(Float32Array.of(Number.NaN, 2, Infinity, -3, -Infinity), 1, 4, Float32Array.of(4), 0);
    expect([...extremes]).toEqual([-3, 2, 3]);
    expect([...counts]).toEqual([1, 0, 0, 1, 0]);
  });

  it('refuses operands that are too small', () => {
    const call =
      (p: object, counts = 5, extremes = 3, ranges = 1) =>
      () =>
        callKernel(
          row,
          histogramParams,
          { count: 8, parts: 1, bins: 4, index: 0, ...p },
          [new Uint32Array(counts), new Float32Array(extremes)],
          [new Float32Array(8), new Float32Array(ranges)],
        );
    expect(call({})).not.toThrow();
    expect(call({}, 4)).toThrow(/bins \+ 1/);
    expect(call({}, 5, 2)).toThrow(/three numbers/);
    expect(call({ count: 9 })).toThrow(/input must hold/);
    expect(call({ count: -1 })).toThrow(/2\^31/);
    expect(call({ index: 1 })).toThrow(/ranges/);
    expect(call({ index: -1 })).toThrow(/negative/);
    expect(call({ bins: 0 })).toThrow(/bins/);
    expect(call({ parts: 0 })).toThrow(/parts/);
  });
});
