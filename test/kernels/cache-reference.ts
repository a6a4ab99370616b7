/** Attention over a cache by its definition, in double, and how far a float32 result may be from it. */
import { type CachedCase, type CacheType, type cachedInputs, cachedLayout, cacheNumber } from '../../bench/cases/cache.js';
import { CACHE_PAGE, CACHE_SPLIT } from '../../lib/kernels/cache.js';

const U = 2 ** -24;

export interface Reference {
  readonly y: Float64Array;
  readonly bound: Float64Array;
}

/**
 * What queries and weights are rounded to before they are multiplied.
 * - integers of 16 bits: a query is off by 2⁻¹⁶ of its largest element, a weight by 2⁻¹⁶ of the largest of its block.
 * - the type of the cache: all elements of a query and all weights are off by its unit roundoff, halves (which are multiplied by
 *   powers of two before) at least by 2⁻³⁸ of the largest one. 2^x of such rows is off by 2⁻²².
 */
export type Rounding = 'none' | 'integers' | 'type';

export function cachedReference(c: CachedCase, type: CacheType, inputs: ReturnType<typeof cachedInputs>, rounding: Rounding = 'none'): Reference {
  const integers = rounding === 'integers';
  const unit = rounding !== 'type' ? 0 : type === 'f16' ? 2 ** -11 : 2 ** -8;
  const least = unit > 0 && type === 'f16' ? 2 ** -38 : 0;
  const { params: p, sizes } = cachedLayout(c);
  const [q, k, v, kScales, vScales, , pages, bias, slopes, sinks] = inputs as unknown as Float32Array[];
  const y = new Float64Array(sizes.y);
  const bound = new Float64Array(sizes.y);
  const scale = Math.fround(p.scale);
  const cap = Math.fround(p.softcap);
  const group = p.heads / p.keyHeads;
  c.lengths.forEach((length, b) => {
    const total = length + p.fresh;
    const rowOf = (h: number, t: number) =>
      pages === undefined
        ? (b * p.keyHeads + h) * p.capacity + t
        : ((pages[(b * p.capacity) / CACHE_PAGE + Math.floor(t / CACHE_PAGE)] as number) * p.keyHeads + h) * CACHE_PAGE + (t % CACHE_PAGE);
    for (let i = 0; i < p.rows; i++) {
      const position = total - p.rows + i;
      const end = p.causal ? Math.max(0, position + 1) : total;
      const begin = p.window > 0 ? Math.max(0, position - p.window + 1) : 0;
      for (let head = 0; head < p.heads; head++) {
        const h = Math.floor(head / group);
        const scores: number[] = [];
        let off = 0;
        const from = b * (p.strideQ[0] as number) + i * (p.strideQ[1] as number) + head * (p.strideQ[2] as number);
        const largest = Math.max(...Array.from({ length: p.width }, (_, d) => Math.abs(q?.[from + d] as number)));
        for (let t = begin; t < end; t++) {
          const row = rowOf(h, t);
          const step = kScales?.[row] ?? 1;
          let [s, size, keys] = [0, 0, 0];
          for (let d = 0; d < p.width; d++) {
            const x = cacheNumber(type, k?.[row * p.width + d] as number) * step;
            const term = (q?.[from + d] as number) * x * scale;
            s += term;
            size += Math.abs(term);
            keys += Math.abs(x);
          }
          // products and sums, query times scale, scale of the token
          let error = ((p.width + 4) * U + unit) * size + ((integers ? 1.1 * 2 ** -16 : 0) + least) * largest * scale * keys;
          if (cap > 0) {
            s = cap * Math.tanh(s / cap);
            error += 8 * U * cap;
          }
          const add = bias?.[b * (p.strideBias[0] as number) + head * (p.strideBias[1] as number) + i * (p.strideBias[2] as number) + t * p.columnBias] ?? 0;
          const slope = (slopes?.[head] ?? 0) * (t - position);
          s += add + slope;
          if (Number.isFinite(s)) off = Math.max(off, error + 2 * U * (Math.abs(s) + Math.abs(add) + Math.abs(slope)));
          scores.push(s);
        }
        const sink = sinks?.[head] ?? -Infinity;
        const top = Math.max(...scores, sink);
        const bottom = Math.min(...[...scores, sink].filter(Number.isFinite), top);
        const e = scores.map((s) => Math.exp(s - top));
        const sum = e.reduce((a, w) => a + w, Math.exp(sink - top));
        const to = b * (p.strideY[0] as number) + i * (p.strideY[1] as number) + head * (p.strideY[2] as number);
        for (let d = 0; d < p.depth; d++) {
          let [all, size, lost] = [0, 0, 0];
          e.forEach((w, j) => {
            const row = rowOf(h, begin + j);
            const x = cacheNumber(type, v?.[row * p.depth + d] as number) * (vScales?.[row] ?? 1);
            all += w * x;
            size += w * Math.abs(x);
            lost = Math.max(lost, Math.abs(x));
          });
          if (top === -Infinity) {
            y[to + d] = c.empty === 'zero' || c.empty === 'zeroNan' ? 0 : Number.NaN;
            continue;
          }
          y[to + d] = all / sum;
          // A weight is off by the errors of its score and of the largest one, by the subtraction (|s-m| above 104 gives zero), by exp, by a
          // factor for each block and for each merged split (whose differences of maxima add up to no more than the range of the scores,
          // in each split and once more over all); sums of so many terms twice; the quotient.
          const parts = scores.length / CACHE_PAGE + 2 + 2 * (scores.length / CACHE_SPLIT + 2);
          const relative = 2 * off + unit * (1 + 2 ** -10) + U * (3 * Math.min(104, top - bottom) + 2 * scores.length + 6 * parts + (unit > 0 ? 16 : 12));
          // a weight in units of 2⁻¹⁶ of the largest of its block, scales of tokens within a factor of three of each other
          const integral = ((integers ? 3 * 2 ** -16 : 0) + least) * e.length * lost;
          bound[to + d] = (1.01 * (relative * size + integral)) / sum + 1e-37;
        }
      }
    }
  });
  return { y, bound };
}
