/**
 * Observers: which range of a tensor's numbers the integers should cover. Each reads a histogram and answers within the
 * least and the largest number seen.
 *
 * - `minmax` covers everything.
 * - `percentile` leaves out the outermost 0.01 % on each side.
 * - `mse` makes the expected squared error least: finer steps against a clipped tail.
 * - `entropy` loses least information: of all thresholds, the one whose clipped and quantized distribution is nearest to the
 *   true one in the Kullback-Leibler sense.
 */
import { type ActivationType, affineOver, type Range, rounded } from './affine.js';
import type { Histogram } from './histogram.js';

export const observers = ['minmax', 'percentile', 'mse', 'entropy'] as const;
export type Observer = (typeof observers)[number];

export const PERCENTILE = 0.9999;

export function observedRange(h: Histogram, observer: Observer, type: ActivationType): Range {
  const all = { low: Math.min(h.low, 0), high: Math.max(h.high, 0) };
  if (!(all.high - all.low > 0) || observer === 'minmax') return h.low > h.high ? { low: 0, high: 0 } : all;
  const found = observer === 'percentile' ? percentileRange(h) : observer === 'mse' ? mseRange(h, type) : entropyRange(h, type);
  return { low: Math.max(found.low, all.low), high: Math.min(found.high, all.high) };
}

/** The edges behind which less than 1 - PERCENTILE of the elements lie. */
function percentileRange(h: Histogram): Range {
  const { bins, counts } = h;
  const outside = (1 - PERCENTILE) * h.total;
  let [first, below] = [0, 0];
  for (; first < bins / 2; first++) {
    below += counts[first] as number;
    if (below > outside) break;
  }
  let [last, above] = [bins - 1, 0];
  for (; last >= bins / 2; last--) {
    above += counts[last] as number;
    if (above > outside) break;
  }
  return { low: first * h.width - h.range, high: (last + 1) * h.width - h.range };
}

/** The squared error over all elements, each taken as the middle of its bin. */
export function squaredError(h: Histogram, range: Range, type: ActivationType): number {
  const map = affineOver(range, type);
  let sum = 0;
  for (let i = 0; i < h.bins; i++) {
    const n = h.counts[i] as number;
    if (n === 0) continue;
    const x = h.centre(i);
    sum += n * (x - rounded(x, map)) ** 2;
  }
  return sum;
}

/** Thresholds tried a side. */
const STEPS = 100;

/** Both sides shrink together first, then each alone: a grid of both would be a hundred times the work for the same answer in practice. */
function mseRange(h: Histogram, type: ActivationType): Range {
  const all = { low: Math.min(h.low, 0), high: Math.max(h.high, 0) };
  const search = (candidate: (part: number) => Range) => {
    let best = candidate(1);
    let least = squaredError(h, best, type);
    for (let k = STEPS - 1; k > 0; k--) {
      const range = candidate(k / STEPS);
      const error = squaredError(h, range, type);
      if (error < least) [best, least] = [range, error];
    }
    return best;
  };
  let best = search((part) => ({ low: all.low * part, high: all.high * part }));
  if (type === 's8' || all.low === 0 || all.high === 0) return best;
  const { low } = best;
  best = search((part) => ({ low, high: all.high * part }));
  const { high } = best;
  return search((part) => ({ low: all.low * part, high }));
}

/**
 * For every threshold: P is the histogram with what lies outside added to the outermost bins, Q the same bins without the
 * outside, quantized: each group of bins that one integer stands for is spread evenly over those of its bins that hold
 * anything. The threshold with the least KL(P‖Q) wins. Prefix sums make a threshold cost one step per integer, not per bin:
 *
 *     KL = (Σ p·log p)/N - log N - (Σ_g P_g·log(Q_g/n_g))/N + log S,   N = ΣP, S = ΣQ, n_g = bins of group g that hold anything
 */
function entropyRange(h: Histogram, type: ActivationType): Range {
  const { bins, counts } = h;
  const half = bins / 2;
  const levels = type === 'u8' ? 256 : 255;
  let [from, to] = [half, half];
  for (let i = 0; i < bins; i++) {
    if ((counts[i] as number) === 0) continue;
    from = Math.min(from, i);
    to = Math.max(to, i + 1);
  }
  const mass = prefixSums(bins, (i) => counts[i] as number);
  const held = prefixSums(bins, (i) => ((counts[i] as number) > 0 ? 1 : 0));
  const entropy = prefixSums(bins, (i) => xLogX(counts[i] as number));
  const n = mass[bins] as number;
  let best = Math.max(half - from, to - half);
  let least = Number.POSITIVE_INFINITY;
  for (let t = best; t >= 1; t--) {
    // Signed and symmetric integers are spent on both sides, whatever is there.
    const a = type === 's8' ? half - t : Math.max(half - t, from);
    const b = type === 's8' ? half + t : Math.min(half + t, to);
    if (b - a < levels) break;
    const kl = divergence(a, b, levels, n, counts, mass, held, entropy);
    if (kl < least) [best, least] = [t, kl];
  }
  return { low: -best * h.width, high: best * h.width };
}

function divergence(
  a: number,
  b: number,
  levels: number,
  n: number,
  counts: Float64Array,
  mass: Float64Array,
  held: Float64Array,
  entropy: Float64Array,
): number {
  const at = (sums: Float64Array, i: number) => sums[i] as number;
  const inside = at(mass, b) - at(mass, a);
  if (inside === 0) return Number.POSITIVE_INFINITY;
  const [below, above] = [at(mass, a), n - at(mass, b)];
  const [first, last] = [counts[a] as number, counts[b - 1] as number];
  let sum = at(entropy, b) - at(entropy, a) + xLogX(first + below) - xLogX(first) + xLogX(last + above) - xLogX(last);
  for (let g = 0, begin = a; g < levels; g++) {
    const end = a + Math.floor(((g + 1) * (b - a)) / levels);
    const q = at(mass, end) - at(mass, begin);
    const clipped = (g === 0 ? below : 0) + (g === levels - 1 ? above : 0);
    if (q + clipped > 0) {
      // An outermost bin that is empty but for what was clipped holds something in P.
      const extra = (g === 0 && below > 0 && first === 0 ? 1 : 0) + (g === levels - 1 && above > 0 && last === 0 ? 1 : 0);
      if (q === 0) return Number.POSITIVE_INFINITY;
      sum -= (q + clipped) * Math.log(q / (at(held, end) - at(held, begin) + extra));
    }
    begin = end;
  }
  return sum / n - Math.log(n) + Math.log(inside);
}

function prefixSums(count: number, term: (i: number) => number): Float64Array {
  const sums = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) sums[i + 1] = (sums[i] as number) + term(i);
  return sums;
}

const xLogX = (x: number) => (x > 0 ? x * Math.log(x) : 0);
