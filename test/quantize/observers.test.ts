/** Every observer beside a search that looks at each element, or at each bin of each threshold. */
import { describe, expect, it } from 'vitest';
import { affineOver, rounded } from '../../lib/quantize/affine.js';
import { Histogram } from '../../lib/quantize/histogram.js';
import { observedRange, PERCENTILE } from '../../lib/quantize/observers.js';
import { mulberry32 } from '../kernels/harness.js';

const BINS = 1024;

function gaussian(n: number, seed: number, spread = 1): Float32Array {
  const next = mulberry32(seed);
  return Float32Array.from({ length: n }, () => spread * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}

const samples: Readonly<Record<string, Float32Array>> = {
  'two sides': gaussian(20_000, 1),
  'after a ReLU': gaussian(20_000, 2).map((v) => Math.max(v, 0)),
  'far tail': gaussian(20_000, 3).map((v, i) => (i % 4000 === 0 ? v * 12 : Math.abs(v))),
  'few negatives': gaussian(20_000, 4).map((v) => (v < 0 ? v * 0.05 : v * v)),
};

/** As the kernel counts. */
function countInto(h: Histogram, x: Float32Array): void {
  h.cover(x.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
  const counts = new Uint32Array(h.bins + 1);
  for (const v of x) {
    const bin = v === 0 ? h.bins : Math.trunc(Math.min(Math.max((v * h.bins) / 2 / h.range + h.bins / 2, 0), h.bins - 1));
    counts[bin] = (counts[bin] as number) + 1;
  }
  h.add(counts, Math.min(...x), Math.max(...x));
}

function histogramOf(x: Float32Array): Histogram {
  const h = new Histogram(BINS);
  countInto(h, x);
  return h;
}

describe('histograms', () => {
  it('double by merging: the same as counting everything with the last range', () => {
    const [a, b] = [gaussian(5000, 7), gaussian(5000, 8, 5)];
    const h = new Histogram(BINS);
    countInto(h, a);
    const before = h.range;
    countInto(h, b);
    expect(Math.log2(h.range / before)).toBeGreaterThanOrEqual(1);
    expect(Number.isInteger(Math.log2(h.range / before))).toBe(true);
    const whole = new Histogram(BINS);
    whole.range = h.range;
    countInto(whole, a);
    countInto(whole, b);
    // Elements that rounding puts beside an edge may be in either bin.
    const moved = h.counts.reduce((sum, n, i) => sum + Math.abs(n - (whole.counts[i] as number)), 0);
    expect(moved).toBeLessThanOrEqual(20);
    expect(h.total).toBe(10_000);
  });

  it('of zeros have no range', () => {
    const h = histogramOf(new Float32Array(100));
    expect([h.range, h.zeros, h.total]).toEqual([0, 100, 100]);
    for (const o of ['minmax', 'percentile', 'mse', 'entropy'] as const) expect(observedRange(h, o, 'u8')).toEqual({ low: 0, high: 0 });
  });
});

/** KL(P‖Q) of one threshold, with P and Q written out bin by bin. */
function naiveDivergence(h: Histogram, a: number, b: number, levels: number): number {
  const p = [...h.counts.slice(a, b)];
  const raw = [...p];
  h.counts.forEach((n, i) => {
    if (i < a) p[0] = (p[0] as number) + n;
    if (i >= b) p[p.length - 1] = (p[p.length - 1] as number) + n;
  });
  const q = new Array<number>(p.length).fill(0);
  for (let g = 0; g < levels; g++) {
    const [from, to] = [Math.floor((g * p.length) / levels), Math.floor(((g + 1) * p.length) / levels)];
    const held = p.slice(from, to).filter((v) => v > 0).length;
    const sum = raw.slice(from, to).reduce((x, y) => x + y, 0);
    for (let i = from; i < to; i++) if ((p[i] as number) > 0) q[i] = sum / held;
  }
  const [n, s] = [p.reduce((x, y) => x + y, 0), q.reduce((x, y) => x + y, 0)];
  return p.reduce((kl, v, i) => (v === 0 ? kl : (q[i] as number) === 0 ? Infinity : kl + (v / n) * Math.log(v / n / ((q[i] as number) / s))), 0);
}

describe.each(Object.entries(samples))('observers on a sample: %s', (_, x) => {
  const h = histogramOf(x);
  const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];

  it('minmax is the least and the largest', () => expect(observedRange(h, 'minmax', 'u8')).toEqual({ low, high }));

  it('percentile is that of the sorted elements, within a bin', () => {
    const sorted = [...x].sort((a, b) => a - b);
    const cut = Math.floor((1 - PERCENTILE) * x.length);
    const range = observedRange(h, 'percentile', 'u8');
    expect(Math.abs(range.low - Math.min(sorted[cut] as number, 0))).toBeLessThanOrEqual(h.width);
    expect(Math.abs(range.high - Math.max(sorted[sorted.length - 1 - cut] as number, 0))).toBeLessThanOrEqual(h.width);
  });

  it.each(['u8', 's8'] as const)('mse in %s is as good as any pair of thresholds, on the elements', (type) => {
    const error = (l: number, u: number) => {
      const map = affineOver({ low: l, high: u }, type);
      return x.reduce((sum, v) => sum + (v - rounded(v, map)) ** 2, 0);
    };
    let best = Infinity;
    for (let i = 1; i <= 24; i++)
      for (let k = low === 0 || type === 's8' ? 24 : 1; k <= 24; k++) best = Math.min(best, error((low * (type === 's8' ? i : k)) / 24, (high * i) / 24));
    const range = observedRange(h, 'mse', type);
    // The search sees bins, a quarter to a half of a step wide: their middles stand for elements, which adds a few percent.
    expect(error(range.low, range.high)).toBeLessThanOrEqual(best * 1.05);
  });

  it.each(['u8', 's8'] as const)('entropy in %s is the exhaustive search, within a bin', (type) => {
    const half = BINS / 2;
    const levels = type === 'u8' ? 256 : 255;
    const held = [...h.counts.keys()].filter((i) => (h.counts[i] as number) > 0);
    const [from, to] = [Math.min(half, ...held), Math.max(half, ...held.map((i) => i + 1))];
    let [best, least] = [Math.max(half - from, to - half), Infinity];
    for (let t = best; t >= 1; t--) {
      const [a, b] = type === 's8' ? [half - t, half + t] : [Math.max(half - t, from), Math.min(half + t, to)];
      if (b - a < levels) break;
      const kl = naiveDivergence(h, a, b, levels);
      if (kl < least) [best, least] = [t, kl];
    }
    const range = observedRange(h, 'entropy', type);
    const want = best * h.width;
    expect(Math.abs(Math.max(-range.low, range.high) - Math.min(want, Math.max(-low, high)))).toBeLessThanOrEqual(h.width);
  });
});
