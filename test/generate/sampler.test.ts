/** The choice of the next token: which ones can come, how often, and that a seed decides. */
import { describe, expect, it } from 'vitest';
import { randomNumbers, Sampler, type SamplingOptions } from '../../lib/generate/sampler.js';

/** Log-probabilities of 0.4, 0.3, 0.2, 0.07, 0.03, not in that order. */
const shares = [0.07, 0.4, 0.2, 0.03, 0.3];
const scores = () => Float32Array.from(shares, Math.log);

function counts(options: SamplingOptions, draws = 20_000): number[] {
  const sampler = new Sampler({ seed: 1, ...options });
  const seen = new Array<number>(shares.length).fill(0);
  for (let i = 0; i < draws; i++) (seen[sampler.next(scores(), [])] as number)++;
  return seen.map((n) => n / draws);
}

/** Five standard deviations of a share over 20,000 draws. */
const near = (p: number) => 5 * Math.sqrt((p * (1 - p)) / 20_000) + 1e-9;

function expectShares(options: SamplingOptions, expected: readonly number[]): void {
  const total = expected.reduce((a, b) => a + b, 0);
  counts(options).forEach((share, i) => {
    const p = (expected[i] as number) / total;
    expect(Math.abs(share - p), `token ${i} of ${JSON.stringify(options)}: ${share} for ${p}`).toBeLessThanOrEqual(near(p));
  });
}

describe('the next token', () => {
  it('is the most likely one at temperature 0, of equal ones the first', () => {
    expect(new Sampler().next(scores(), [])).toBe(1);
    expect(new Sampler().next(Float32Array.of(1, 3, 3, 2), [])).toBe(1);
    expect(new Sampler().next(Float32Array.of(Number.NaN, -5, Number.NaN), [])).toBe(1);
  });

  it('comes as often as it is likely', () => {
    expectShares({ temperature: 1 }, shares);
    expectShares(
      { temperature: 0.5 },
      shares.map((p) => p ** 2),
    );
    expectShares({ temperature: 2 }, shares.map(Math.sqrt));
  });

  it('is one of the most likely with topK, topP and minP', () => {
    expectShares({ temperature: 1, topK: 2 }, [0, 0.4, 0, 0, 0.3]);
    expectShares({ temperature: 1, topK: 99 }, shares);
    expectShares({ temperature: 1, topP: 0.65 }, [0, 0.4, 0, 0, 0.3]);
    expectShares({ temperature: 1, topP: 0.75 }, [0, 0.4, 0.2, 0, 0.3]);
    expectShares({ temperature: 1, topP: 1e-9 }, [0, 1, 0, 0, 0]);
    expectShares({ temperature: 1, minP: 0.45 }, [0, 0.4, 0.2, 0, 0.3]);
    expectShares({ temperature: 1, topK: 4, topP: 0.9, minP: 0.6 }, [0, 0.4, 0, 0, 0.3]);
  });

  it('takes the topK of any scores', () => {
    const random = randomNumbers(3);
    for (let round = 0; round < 200; round++) {
      const n = 1 + Math.floor(random() * 40);
      const k = 1 + Math.floor(random() * n);
      const values = Float32Array.from({ length: n }, () => Math.floor(random() * 20));
      const best = [...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b).slice(0, k);
      const sampler = new Sampler({ temperature: 1e6, topK: k, seed: round });
      const seen = new Set(Array.from({ length: 60 }, () => sampler.next(values.slice(), [])));
      for (const token of seen) expect(best).toContain(token);
    }
  });

  it('is chosen from a large vocabulary as from a sorted list', () => {
    const n = 3000;
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed);
      const scores = Float32Array.from({ length: n }, () => 8 * (random() + random() + random()) + (random() < 0.01 ? 6 : 0));
      if (seed % 4 === 0) scores.fill(Number.NaN, 100, 700);
      const order = [...scores.keys()].filter((i) => !Number.isNaN(scores[i])).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
      for (const options of [
        { topK: 7 },
        { topK: 500 },
        { topP: 0.6 },
        { minP: 0.2 },
        { topK: 20, topP: 0.7 },
        { topP: 0.8, minP: 0.3 },
        { topK: 9, topP: 0.9, minP: 0.1 },
      ]) {
        const { topK = n, topP = 1, minP = 0 } = options as SamplingOptions;
        const weight = (i: number) => Math.exp((scores[i] as number) - (scores[order[0] as number] as number));
        let kept = order.slice(0, topK);
        const share = topP * kept.reduce((sum, i) => sum + weight(i), 0);
        let sum = 0;
        kept = kept.filter((i) => {
          const before = sum;
          sum += weight(i);
          return topP === 1 || before < share;
        });
        kept = kept.filter((i) => weight(i) >= minP);
        const token = new Sampler({ temperature: 1, seed, ...options }).next(scores.slice(), []);
        const at = kept.indexOf(token);
        expect(at, `seed ${seed}, ${JSON.stringify(options)}`).toBeGreaterThanOrEqual(0);
        // The heaviest first. Shares are of float32 weights: 3,000 roundings of 2^-24.
        const total = kept.reduce((s, i) => s + weight(i), 0);
        const begin = kept.slice(0, at).reduce((s, i) => s + weight(i), 0) / total;
        const drawn = randomNumbers(seed)();
        expect(drawn).toBeGreaterThan(begin - 2e-4);
        expect(drawn).toBeLessThan(begin + weight(token) / total + 2e-4);
      }
    }
  });

  it('is less likely when it came before', () => {
    const sampler = new Sampler({ repetitionPenalty: 2 });
    expect(sampler.next(Float32Array.of(1, 3, 2), [1, 1])).toBe(2);
    expect(sampler.next(Float32Array.of(-3, -1, -1.5), [1])).toBe(2);
  });

  it('is the same for the same seed', () => {
    const draw = (seed: number) => {
      const sampler = new Sampler({ temperature: 1, seed });
      return Array.from({ length: 50 }, () => sampler.next(scores(), [])).join();
    };
    expect(draw(5)).toBe(draw(5));
    expect(draw(5)).not.toBe(draw(6));
  });

  it('survives scores that are no numbers', () => {
    for (const bad of [
      Float32Array.of(Number.NaN, Number.NaN),
      Float32Array.of(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY),
      Float32Array.of(1, Number.POSITIVE_INFINITY),
    ]) {
      for (const options of [{}, { temperature: 1 }, { temperature: 1, topK: 1 }, { temperature: 1, topP: 0.5 }, { temperature: 1, minP: 0.5 }]) {
        expect([0, 1]).toContain(new Sampler({ seed: 1, ...options }).next(bad.slice(), []));
      }
    }
  });

  it('has options of the right kind', () => {
    for (const options of [
      { temperature: -1 },
      { topK: 1.5 },
      { topP: 0 },
      { topP: 1.1 },
      { minP: -1 },
      { repetitionPenalty: 0 },
      { seed: 0.5 },
      { temperature: Number.NaN },
    ])
      expect(() => new Sampler(options), JSON.stringify(options)).toThrow(/generation options: \w+ must be/);
  });
});
