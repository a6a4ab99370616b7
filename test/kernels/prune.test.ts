/** Weights with zeros: each way to judge them against one written out naively. */
import { describe, expect, it } from 'vitest';
import { pruneWeightsParams } from '../../lib/kernels/fit.js';
import { damped, factor, inverse, unevenGram, weights } from './fit-reference.js';
import { callKernel, rowNamed } from './harness.js';

const row = rowNamed('prune_weights_scalar');

interface Asked {
  readonly n: number;
  readonly k: number;
  readonly block: number;
  readonly ratio: number;
  readonly factors?: number;
  readonly damping?: number;
  readonly sweeps?: number;
  readonly steps?: number;
}

interface Inputs {
  readonly factors?: Float64Array;
  readonly importance?: Float32Array;
  readonly gram?: Float32Array;
}

function pruned(a: Asked, w: Float32Array, { factors, importance, gram }: Inputs = {}, threads = 1): Float32Array {
  const v = new Float32Array(a.n * a.k).fill(Number.NaN);
  const params = { factors: 1, damping: 0, sweeps: 0, steps: 0, ...a };
  callKernel(row, pruneWeightsParams, params, [v], [w, factors as never, importance, gram], { threads });
  return v;
}

/** Places of the least scores in each block, so many that the share is met up to its end. */
function zerosOf(a: Asked, begin: number, end: number, score: (k: number) => number): number[] {
  const upTo = (k: number) => Math.floor(a.ratio * k + 0.5);
  const places = Array.from({ length: end - begin }, (_, i) => begin + i).sort((p, q) => score(p) - score(q) || p - q);
  return places.slice(0, upTo(end) - upTo(begin)).sort((p, q) => p - q);
}

const patterns = [
  { block: 4, ratio: 0.5 },
  { block: 40, ratio: 0.3 },
  { block: 16, ratio: 0.7 },
  { block: 40, ratio: 0.01 },
];

describe('without inputs, or with their sizes', () => {
  it.each(patterns)('$ratio of every $block', ({ block, ratio }) => {
    const a = { n: 6, k: 40, block, ratio: Math.fround(ratio), factors: 2 };
    const w = weights(240, 3);
    w[5] = w[6] as number; // of equal ones the first goes
    const importance = Float32Array.from({ length: 80 }, (_, i) => 2 ** (3 * Math.sin(i)));
    for (const seen of [undefined, importance]) {
      const want = w.slice();
      for (let i = 0; i < 6; i++) {
        const score = (k: number) => (w[i * 40 + k] as number) ** 2 * (seen?.[Math.floor(i / 3) * 40 + k] ?? 1);
        for (let b = 0; b < 40; b += block) for (const k of zerosOf(a, b, Math.min(b + block, 40), score)) want[i * 40 + k] = 0;
      }
      const given = seen && { importance: seen };
      expect(pruned(a, w, given)).toEqual(want);
      expect(pruned(a, w, given, 3)).toEqual(want);
    }
  });

  it('keeps what is not a number, and takes all or nothing', () => {
    const w = Float32Array.of(1, Number.NaN, 2, Number.POSITIVE_INFINITY);
    expect(Array.from(pruned({ n: 1, k: 4, block: 4, ratio: 0.5 }, w))).toEqual([0, Number.NaN, 0, Number.POSITIVE_INFINITY]);
    expect(Array.from(pruned({ n: 1, k: 4, block: 4, ratio: 1 }, w))).toEqual([0, 0, 0, 0]);
    expect(pruned({ n: 1, k: 4, block: 3, ratio: 0 }, w)).toEqual(w);
  });
});

describe('sparsegpt', () => {
  it.each(patterns)('is optimal brain surgery, column by column with an inverse that shrinks: $ratio of every $block', ({ block, ratio }) => {
    const a = { n: 4, k: 40, block, ratio: Math.fround(ratio), factors: 2 };
    const grams = [unevenGram(40, 4), unevenGram(40, 5)] as const;
    const w = weights(160, 6);
    const got = pruned(a, w, { factors: factor(Float32Array.of(...grams[0], ...grams[1]), 40, 0.01, 2) });
    for (let i = 0; i < 4; i++) {
      const v = Array.from(w.subarray(i * 40, i * 40 + 40));
      const h = damped(grams[i < 2 ? 0 : 1], 40, Math.fround(0.01));
      // The inverse of what is left of H when each column comes.
      const inverses = v.map((_, k) => {
        const rest = v.slice(k).map((_, p) => k + p);
        return inverse(
          rest.flatMap((p) => rest.map((q) => h[p * 40 + q] as number)),
          rest.length,
        );
      });
      for (let b = 0; b < 40; b += block) {
        const end = Math.min(b + block, 40);
        for (const k of zerosOf(a, b, end, (p) => (v[p] as number) ** 2 / (inverses[p]?.[0] as number))) {
          const inv = inverses[k] as number[];
          const error = (v[k] as number) / (inv[0] as number);
          for (let j = k + 1; j < 40; j++) v[j] = (v[j] as number) - error * (inv[j - k] as number);
          v[k] = 0;
        }
      }
      // Pivots of Gauss and Jordan cost digits, the result is float32.
      v.forEach((want, k) => {
        expect(Math.abs((got[i * 40 + k] as number) - want)).toBeLessThan(1e-6 * (1 + Math.abs(want)));
      });
    }
  });
});

describe('repair', () => {
  const damping = Math.fround(0.01);
  const cost = (h: readonly number[], w: ArrayLike<number>, v: ArrayLike<number>) => {
    const k = w.length;
    const e = Array.from(w, (x, i) => x - (v[i] as number));
    let sum = 0;
    for (let p = 0; p < k; p++) for (let q = 0; q < k; q++) sum += (e[p] as number) * (h[p * k + q] as number) * (e[q] as number);
    return sum;
  };
  /** The least cost with these weights kept: H of the kept, solved for (H·w) of the kept. */
  const solved = (h: readonly number[], w: ArrayLike<number>, keptPlaces: readonly number[]) => {
    const k = w.length;
    const inv = inverse(
      keptPlaces.flatMap((p) => keptPlaces.map((q) => h[p * k + q] as number)),
      keptPlaces.length,
    );
    const right = keptPlaces.map((p) => Array.from(w, (x, q) => (h[p * k + q] as number) * x).reduce((s, x) => s + x, 0));
    const v = Array.from(w, () => 0);
    keptPlaces.forEach((p, i) => {
      v[p] = right.reduce((s, x, j) => s + (inv[i * keptPlaces.length + j] as number) * x, 0);
    });
    return v;
  };
  const keptOf = (v: ArrayLike<number>) => Array.from(v, (x, k) => (x === 0 ? -1 : k)).filter((k) => k >= 0);

  it.each([
    { block: 4, ratio: 0.5 },
    { block: 32, ratio: 0.6 },
  ])('what is left of $ratio of every $block is the least squares solution', ({ block, ratio }) => {
    const a = { n: 5, k: 32, block, ratio, damping: 0.01, steps: 200 };
    const gram = unevenGram(32, 8);
    const h = damped(gram, 32, damping);
    const w = weights(160, 9);
    const u = factor(gram, 32, 0.01);
    const start = pruned(a, w, { factors: u });
    const got = pruned(a, w, { factors: u, gram });
    expect(pruned(a, w, { factors: u, gram }, 4)).toEqual(got);
    for (let i = 0; i < 5; i++) {
      const own = w.subarray(i * 32, i * 32 + 32);
      const v = got.subarray(i * 32, i * 32 + 32);
      expect(keptOf(v)).toEqual(keptOf(start.subarray(i * 32, i * 32 + 32)));
      const want = solved(h, own, keptOf(v));
      // Steps end when 1e-10 of what they could still gain is left; around the least cost is flat.
      expect(cost(h, own, v)).toBeLessThan(cost(h, own, want) * (1 + 1e-5));
      want.forEach((x, k) => {
        expect(Math.abs((v[k] as number) - x)).toBeLessThan(1e-3 * (0.1 + Math.abs(x)));
      });
    }
  });

  it('keeps the best two of four, all other fours as they are', () => {
    const a = { n: 8, k: 32, block: 4, ratio: 0.5, damping: 0.01, steps: 200 };
    const gram = unevenGram(32, 18);
    const h = damped(gram, 32, damping);
    const w = weights(256, 19);
    const u = factor(gram, 32, 0.01);
    const [start, got] = [pruned(a, w, { factors: u, gram }), pruned({ ...a, sweeps: 64 }, w, { factors: u, gram })];
    let better = 0;
    for (let i = 0; i < 8; i++) {
      const own = w.subarray(i * 32, i * 32 + 32);
      const v = Array.from(got.subarray(i * 32, i * 32 + 32));
      const least = cost(h, own, v);
      if (least < 0.999 * cost(h, own, start.subarray(i * 32, i * 32 + 32))) better++;
      expect(least).toBeLessThan(1.00001 * cost(h, own, start.subarray(i * 32, i * 32 + 32)));
      for (let b = 0; b < 32; b += 4) {
        expect(v.slice(b, b + 4).filter((x) => x === 0)).toHaveLength(2);
        for (let p = b; p < b + 4; p++) {
          for (let q = p + 1; q < b + 4; q++) {
            // The values of two that are best while all others stay: a step of Newton from zero.
            const other = v.slice();
            other.fill(0, b, b + 4);
            const pull = (k: number) => Array.from(own, (x, j) => (h[k * 32 + j] as number) * (x - (other[j] as number))).reduce((s, x) => s + x, 0);
            const [pp, qq, pq, x, y] = [h[p * 33] as number, h[q * 33] as number, h[p * 32 + q] as number, pull(p), pull(q)];
            [other[p], other[q]] = [(qq * x - pq * y) / (pp * qq - pq * pq), (pp * y - pq * x) / (pp * qq - pq * pq)];
            expect(least).toBeLessThan(cost(h, own, other) * (1 + 1e-5));
          }
        }
      }
    }
    expect(better).toBeGreaterThan(0);
  });
});

it('refuses parameters that do not fit their operands', () => {
  const w = weights(64, 1);
  const a = { n: 2, k: 32, block: 4, ratio: 0.5 };
  pruned(a, w);
  for (const bad of [
    { k: 33 },
    { block: 0 },
    { ratio: -0.1 },
    { ratio: 1.1 },
    { ratio: Number.NaN },
    { factors: 3 },
    { factors: 0 },
    { sweeps: 65 },
    { steps: -1 },
  ])
    expect(() => {
      const params = { factors: 1, damping: 0, sweeps: 0, steps: 0, ...a, ...bad };
      callKernel(row, pruneWeightsParams, params, [new Float32Array(64)], [w, undefined, undefined, undefined], {});
    }, JSON.stringify(bad)).toThrow();
  expect(() => pruned(a, w, { gram: new Float32Array(1023) })).toThrow();
  expect(() => pruned(a, w, { factors: new Float64Array(1023) })).toThrow();
  expect(() => pruned(a, w, { importance: new Float32Array(31) })).toThrow();
});
