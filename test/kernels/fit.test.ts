/** Weights as codes of few bits: each algorithm against one written out naively. */
import { describe, expect, it } from 'vitest';
import { fitAlgorithm, fitWeightsParams, packBitsParams } from '../../lib/kernels/fit.js';
import { damped, factor, factorSorted, gram, inverse, unevenGram, weights } from './fit-reference.js';
import { callKernel, rowNamed } from './harness.js';

const row = rowNamed('fit_weights_scalar');

interface Fit {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly zeros: Uint8Array;
}

interface Asked {
  readonly n: number;
  readonly k: number;
  readonly group: number;
  readonly bits: number;
  readonly symmetric?: boolean;
  readonly algorithm?: 'rtn' | 'mse' | 'hqq';
  readonly factors?: number;
  readonly sweeps?: number;
  readonly damping?: number;
}

interface Inputs {
  readonly order?: Int32Array;
  readonly gram?: Float32Array;
}

function fitted(a: Asked, w: Float32Array, factors?: Float64Array, importance?: Float32Array, threads = 1, { order, gram }: Inputs = {}): Fit {
  const groups = Math.ceil(a.k / a.group);
  const out = { codes: new Uint8Array(a.n * a.k), scales: new Float32Array(a.n * groups), zeros: new Uint8Array(a.n * groups) };
  const { n, k, group, bits } = a;
  const params = {
    n,
    k,
    group,
    factors: a.factors ?? 1,
    bits,
    symmetric: a.symmetric ? 1 : 0,
    algorithm: fitAlgorithm.value(a.algorithm ?? 'rtn'),
    sweeps: a.sweeps ?? 0,
    damping: a.damping ?? 0,
    reserved: 0,
  };
  callKernel(row, fitWeightsParams, params, [out.codes, out.scales, out.zeros], [w, factors as never, order, importance, gram], { threads });
  return out;
}

const restored = (a: Asked, f: Fit) => {
  const groups = Math.ceil(a.k / a.group);
  return Array.from(f.codes, (c, i) => {
    const g = Math.floor(i / a.k) * groups + Math.floor((i % a.k) / a.group);
    return (c - (f.zeros[g] as number)) * (f.scales[g] as number);
  });
};
const cost = (w: ArrayLike<number>, y: readonly number[], power = 2, weight: (i: number) => number = () => 1) =>
  y.reduce((sum, v, i) => sum + weight(i) * Math.abs((w[i] as number) - v) ** power, 0);

describe('rtn', () => {
  it.each([
    { bits: 8, symmetric: true },
    { bits: 4, symmetric: false },
    { bits: 3, symmetric: true },
    { bits: 2, symmetric: false },
  ])('$bits bits, symmetric $symmetric', ({ bits, symmetric }) => {
    const a = { n: 5, k: 50, group: 16, bits, symmetric };
    const w = weights(250, bits, 0.03);
    w.fill(0, 50, 66); // a group of zeros
    const got = fitted(a, w);
    for (let i = 0; i < 5; i++) {
      for (let g = 0; g < 4; g++) {
        const part = w.subarray(i * 50 + g * 16, Math.min(i * 50 + g * 16 + 16, i * 50 + 50));
        const [low, high] = [Math.min(0, ...part), Math.max(0, ...part)];
        const most = 2 ** bits - 1;
        let [scale, zero] = [1, symmetric ? 2 ** (bits - 1) : 0];
        if (high > low) {
          scale = Math.fround(symmetric ? Math.max(-low, high) / (2 ** (bits - 1) - 1) : (high - low) / most);
          if (!symmetric) zero = Math.round(-low / scale) + 0;
        }
        expect(got.scales[i * 4 + g]).toBe(scale);
        expect(got.zeros[i * 4 + g]).toBe(zero);
        part.forEach((v, j) => {
          expect(Math.abs((got.codes[i * 50 + g * 16 + j] as number) - Math.min(Math.max(v / scale + zero, 0), most))).toBeLessThanOrEqual(0.5 + 1e-9);
        });
      }
    }
  });
});

describe('mse', () => {
  it.each([4, 3, 2])('%i bits: within 3 %% of every scale and zero point there is', (bits) => {
    const a = { n: 8, k: 32, group: 32, bits, algorithm: 'mse' as const };
    const w = weights(256, 20 + bits, 0.02);
    const got = restored(a, fitted(a, w));
    const most = 2 ** bits - 1;
    let [total, exhaustive] = [0, 0];
    for (let i = 0; i < 8; i++) {
      const part = w.subarray(i * 32, i * 32 + 32);
      const span = Math.max(...part) - Math.min(...part);
      let best = Infinity;
      for (let zero = 0; zero <= most; zero++) {
        for (let step = 1; step <= 400; step++) {
          const scale = ((span / most) * step) / 330;
          let e = 0;
          for (const v of part) e += (v - (Math.min(Math.max(Math.round(v / scale) + zero, 0), most) - zero) * scale) ** 2;
          best = Math.min(best, e);
        }
      }
      total += cost(part, got.slice(i * 32, i * 32 + 32));
      exhaustive += best;
    }
    expect(total).toBeLessThanOrEqual(1.03 * exhaustive);
  });

  it('spends the error where it matters least', () => {
    const a = { n: 4, k: 64, group: 64, bits: 3, algorithm: 'mse' as const };
    const w = weights(256, 5);
    const importance = Float32Array.from({ length: 64 }, (_, i) => (i < 8 ? 100 : 0.01));
    const weigh = (i: number) => importance[i % 64] as number;
    const plain = cost(w, restored(a, fitted(a, w)), 2, weigh);
    expect(cost(w, restored(a, fitted(a, w, undefined, importance)), 2, weigh)).toBeLessThan(0.7 * plain);
  });
});

it('hqq: a smaller sum of errors to the power 0.7 than the range that covers everything', () => {
  for (const symmetric of [false, true]) {
    const a = { n: 16, k: 64, group: 64, bits: 3, symmetric };
    const w = weights(1024, 9);
    expect(cost(w, restored(a, fitted({ ...a, algorithm: 'hqq' }, w)), 0.7)).toBeLessThan(0.97 * cost(w, restored(a, fitted(a, w)), 0.7));
  }
});

describe('factor_hessian', () => {
  it('gives U with UᵀU = H⁻¹, for each matrix', () => {
    const k = 23;
    const [a, b] = [gram(k, 1), gram(k, 2)];
    const u = factor(Float32Array.of(...a, ...b), k, 0.01, 2);
    for (const [at, h] of [a, b].entries()) {
      const want = inverse(damped(h, k, Math.fround(0.01)), k);
      const largest = Math.max(...want.map(Math.abs));
      for (let i = 0; i < k; i++) {
        for (let j = 0; j < k; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) sum += (u[at * k * k + p * k + i] as number) * (u[at * k * k + p * k + j] as number);
          expect(Math.abs(sum - (want[i * k + j] as number))).toBeLessThan(1e-9 * largest);
          if (j < i) expect(u[at * k * k + i * k + j]).toBe(0);
        }
      }
    }
  });

  it('takes inputs that are always zero, and refuses what is not positive definite', () => {
    const h = gram(8, 3);
    for (let j = 0; j < 8; j++) h[3 * 8 + j] = h[j * 8 + 3] = 0;
    expect(factor(h, 8, 0.01).every(Number.isFinite)).toBe(true);
    expect(() =>
      factor(
        h.map((v) => -v),
        8,
        0,
      ),
    ).toThrow(/excludes|value/);
    expect(() => factor(h.fill(Number.NaN), 8, 0.01)).toThrow();
  });
});

describe('gptq', () => {
  it('is what optimal brain surgery does, column by column with an inverse that shrinks', () => {
    const a = { n: 3, k: 24, group: 8, bits: 3 };
    const h = gram(24, 4);
    const w = weights(72, 6);
    const got = fitted(a, w, factor(h, 24, 0.01));
    for (let i = 0; i < 3; i++) {
      const v = Array.from(w.subarray(i * 24, i * 24 + 24));
      // The inverse of what is left of H, its first row and column taken away at every step.
      let [inv, size] = [inverse(damped(h, 24, Math.fround(0.01)), 24), 24];
      for (let k = 0; k < 24; k++) {
        const g = i * 3 + Math.floor(k / 8);
        if (k % 8 === 0) {
          const part = v.slice(k, k + 8);
          const [low, high] = [Math.min(0, ...part), Math.max(0, ...part)];
          expect(got.scales[g]).toBeCloseTo((high - low) / 7, 6);
        }
        const value = ((got.codes[i * 24 + k] as number) - (got.zeros[g] as number)) * (got.scales[g] as number);
        const code = Math.min(Math.max(Math.round((v[k] as number) / (got.scales[g] as number)) + (got.zeros[g] as number), 0), 7);
        expect(got.codes[i * 24 + k]).toBe(code);
        const error = ((v[k] as number) - value) / (inv[0] as number);
        for (let j = 1; j < size; j++) v[k + j] = (v[k + j] as number) - error * (inv[j] as number);
        const next: number[] = [];
        for (let r = 1; r < size; r++)
          for (let j = 1; j < size; j++) next.push((inv[r * size + j] as number) - ((inv[r * size] as number) * (inv[j] as number)) / (inv[0] as number));
        [inv, size] = [next, size - 1];
      }
    }
  });

  it('leaves less error in the result than rounding one by one, with factors of their own for each part of the rows', () => {
    const a = { n: 16, k: 64, group: 32, bits: 3, factors: 2, algorithm: 'mse' as const };
    const both = [gram(64, 7), gram(64, 8)];
    const w = weights(16 * 64, 11);
    const u = factor(Float32Array.of(...(both[0] as Float32Array), ...(both[1] as Float32Array)), 64, 0.01, 2);
    const resultError = (f: Fit) => {
      const y = restored(a, f);
      let sum = 0;
      for (let i = 0; i < 16; i++) {
        const h = both[i < 8 ? 0 : 1] as Float32Array;
        const e = Array.from({ length: 64 }, (_, k) => (w[i * 64 + k] as number) - (y[i * 64 + k] as number));
        for (let p = 0; p < 64; p++) for (let q = 0; q < 64; q++) sum += (e[p] as number) * (h[p * 64 + q] as number) * (e[q] as number);
      }
      return sum;
    };
    const solved = fitted(a, w, u);
    expect(resultError(solved)).toBeLessThan(0.7 * resultError(fitted({ ...a, factors: 1 }, w)));
    expect(fitted(a, w, u, undefined, 3)).toEqual(solved);
  });
});

describe('gptq in the order of the diagonal', () => {
  it('sorts, and factors what it sorted', () => {
    const h = unevenGram(23, 1);
    h[5 * 23 + 5] = h[9 * 23 + 9] as number; // equal ones keep their order
    const { u, order } = factorSorted(h, 23, 0.01);
    const diagonal = (i: number) => h[i * 24] as number;
    const want = Array.from({ length: 23 }, (_, i) => i).sort((a, b) => diagonal(b) - diagonal(a) || a - b);
    expect(Array.from(order)).toEqual(want);
    const turned = new Float32Array(23 * 23);
    for (let i = 0; i < 23; i++) {
      // the upper triangle is what is read
      for (let j = 0; j < 23; j++)
        turned[i * 23 + j] = h[Math.min(want[i] as number, want[j] as number) * 23 + Math.max(want[i] as number, want[j] as number)] as number;
    }
    expect(u).toEqual(factor(turned, 23, 0.01));
    expect(Array.from(factorSorted(h, 23, 0.01, 1, 0).order)).toEqual(Array.from(order, (_, i) => i));
  });

  it('is optimal brain surgery in that order, with scales of the weights as they are', () => {
    const a = { n: 3, k: 24, group: 8, bits: 3 };
    const h = unevenGram(24, 4);
    const w = weights(72, 6);
    const { u, order } = factorSorted(h, 24, 0.01);
    const got = fitted(a, w, u, undefined, 1, { order });
    const plain = fitted(a, w);
    expect(got.scales).toEqual(plain.scales);
    expect(got.zeros).toEqual(plain.zeros);
    for (let i = 0; i < 3; i++) {
      const v = Array.from(w.subarray(i * 24, i * 24 + 24));
      const left = Array.from(order);
      let inv = inverse(damped(h, 24, Math.fround(0.01)), 24);
      const at = (r: number, c: number) => inv[r * left.length + c] as number;
      // The inverse of what is left of H; the first that is left is rounded.
      inv = left.flatMap((r) => left.map((c) => inv[r * 24 + c] as number));
      while (left.length > 0) {
        const k = left[0] as number;
        const g = i * 3 + Math.floor(k / 8);
        const [scale, zero] = [got.scales[g] as number, got.zeros[g] as number];
        const code = Math.min(Math.max(Math.round((v[k] as number) / scale) + zero, 0), 7);
        expect(got.codes[i * 24 + k]).toBe(code);
        const error = ((v[k] as number) - (code - zero) * scale) / at(0, 0);
        for (let j = 1; j < left.length; j++) v[left[j] as number] = (v[left[j] as number] as number) - error * at(0, j);
        const next: number[] = [];
        for (let r = 1; r < left.length; r++) for (let c = 1; c < left.length; c++) next.push(at(r, c) - (at(r, 0) * at(0, c)) / at(0, 0));
        left.shift();
        inv = next;
      }
    }
  });

  it('refuses an order that leaves the row', () => {
    const h = unevenGram(8, 2);
    const { u, order } = factorSorted(h, 8, 0.01);
    order[3] = 8;
    expect(() => fitted({ n: 1, k: 8, group: 8, bits: 4 }, weights(8, 1), u, undefined, 1, { order })).toThrow();
  });
});

describe('improvement', () => {
  const quadratic = (h: ArrayLike<number>, k: number, e: readonly number[]) => {
    let sum = 0;
    for (let p = 0; p < k; p++) for (let q = 0; q < k; q++) sum += (e[p] as number) * (h[p * k + q] as number) * (e[q] as number);
    return sum;
  };

  it.each([
    { bits: 4, symmetric: true, factors: 1 },
    { bits: 3, symmetric: false, factors: 2 },
    { bits: 2, symmetric: false, factors: 1 },
  ])('$bits bits, symmetric $symmetric: each code, then each scale, where the error is least', ({ bits, symmetric, factors }) => {
    const [n, k, group] = [4, 20, 8];
    const a = { n, k, group, bits, symmetric, factors, damping: 0.01 };
    const grams = Array.from({ length: factors }, (_, i) => unevenGram(k, 30 + i));
    const all = Float32Array.from(grams.flatMap((h) => [...h]));
    const w = weights(n * k, 12, 0.02);
    const u = factor(all, k, 0.01, factors);
    const start = fitted(a, w, u);
    const got = fitted({ ...a, sweeps: 3 }, w, u, undefined, 1, { gram: all });
    expect(fitted({ ...a, sweeps: 3 }, w, u, undefined, 3, { gram: all })).toEqual(got);
    const most = 2 ** bits - 1;
    for (let i = 0; i < n; i++) {
      const h = damped(grams[Math.floor((i * factors) / n)] as Float32Array, k, Math.fround(0.01));
      const codes = Array.from(start.codes.subarray(i * k, i * k + k));
      const scales = Array.from(start.scales.subarray(i * 3, i * 3 + 3));
      const zero = (p: number) => start.zeros[i * 3 + Math.floor(p / group)] as number;
      const errors = () => codes.map((c, p) => (w[i * k + p] as number) - (c - zero(p)) * (scales[Math.floor(p / group)] as number));
      const error = () => quadratic(h, k, errors());
      const before = error();
      for (let sweep = 0; sweep < 3; sweep++) {
        let moved = false;
        for (let p = 0; p < k; p++) {
          // Every code there is, the present one first.
          const is = codes[p] as number;
          let [best, least] = [is, error() * (1 - 1e-12)];
          for (let c = 0; c <= most; c++) {
            codes[p] = c;
            const e = error();
            if (e < least) [best, least] = [c, e];
          }
          codes[p] = best;
          moved ||= best !== is;
        }
        if (!moved && sweep > 0) break;
        for (let g = 0; g < 3; g++) {
          // A parabola in the step of the scale: by its values at three places.
          const is = scales[g] as number;
          const at = (s: number) => {
            scales[g] = s;
            return error();
          };
          const [low, middle, high] = [at(0.5 * is), at(is), at(1.5 * is)];
          const bend = low - 2 * middle + high;
          const to = is + (0.25 * is * (low - high)) / bend;
          scales[g] = bend > 0 && to > 0 ? Math.fround(to) : is;
        }
      }
      expect(Array.from(got.codes.subarray(i * k, i * k + k))).toEqual(codes);
      // the parabola loses half of the digits of its values
      scales.forEach((s, g) => {
        expect(Math.abs((got.scales[i * 3 + g] as number) / s - 1)).toBeLessThan(1e-6);
      });
      expect(error()).toBeLessThanOrEqual(before);
    }
    expect(got.zeros).toEqual(start.zeros);
  });

  it('leaves inputs that never were to the weights alone', () => {
    const h = gram(8, 3);
    for (let j = 0; j < 8; j++) h[3 * 8 + j] = h[j * 8 + 3] = 0;
    const a = { n: 1, k: 8, group: 8, bits: 4, damping: 0.01 };
    const w = weights(8, 1);
    const got = fitted({ ...a, sweeps: 4 }, w, factor(h, 8, 0.01), undefined, 1, { gram: h });
    const value = ((got.codes[3] as number) - (got.zeros[0] as number)) * (got.scales[0] as number);
    expect(Math.abs(value - (w[3] as number))).toBeLessThanOrEqual(0.5001 * (got.scales[0] as number));
  });
});

describe('pack_bits', () => {
  it.each([
    { bits: 4, k: 5, rowBits: 20, offset: 4, flip: 8 },
    { bits: 3, k: 7, rowBits: 24, offset: 0, flip: 0 },
    { bits: 2, k: 8, rowBits: 16, offset: 0, flip: 2 },
    { bits: 8, k: 3, rowBits: 32, offset: 0, flip: 128 },
  ])('$bits bits', ({ bits, k, rowBits, offset, flip }) => {
    const codes = Uint8Array.from({ length: 4 * k }, (_, i) => (i * 37) % (2 ** bits - offset));
    let want = 0n;
    codes.forEach((c, i) => {
      want |= BigInt((c + offset) ^ flip) << BigInt(Math.floor(i / k) * rowBits + (i % k) * bits);
    });
    const out = new Uint8Array(Math.ceil((4 * rowBits) / 8)).fill(0xff);
    callKernel(rowNamed('pack_bits_scalar'), packBitsParams, { rows: 4, k, rowBits, bits, offset, flip, reserved: 0 }, [out], [codes], {});
    expect(Array.from(out)).toEqual(Array.from(out, (_, i) => Number((want >> BigInt(8 * i)) & 255n)));
  });
});

it('refuses parameters that do not fit their operands', () => {
  const w = weights(64, 1);
  fitted({ n: 2, k: 32, group: 16, bits: 4 }, w);
  for (const bad of [
    { n: 3 },
    { bits: 1 },
    { bits: 9 },
    { group: 0 },
    { factors: 0 },
    { factors: 3 },
    { sweeps: -1 },
    { sweeps: 65 },
    { order: true },
    { gram: true },
  ])
    expect(() => {
      const a = { n: 2, k: 32, group: 16, bits: 4, ...bad };
      const out = [new Uint8Array(64), new Float32Array(4), new Uint8Array(4)] as const;
      callKernel(
        row,
        fitWeightsParams,
        {
          n: a.n,
          k: a.k,
          group: a.group,
          factors: 'factors' in bad ? bad.factors : 1,
          bits: a.bits,
          symmetric: 0,
          algorithm: 0,
          sweeps: 'sweeps' in bad ? bad.sweeps : 0,
          damping: 0,
          reserved: 0,
        },
        out,
        [w, undefined, 'order' in bad ? new Int32Array(32) : undefined, undefined, 'gram' in bad ? new Float32Array(1023) : undefined],
        {},
      );
    }, JSON.stringify(bad)).toThrow();
});
