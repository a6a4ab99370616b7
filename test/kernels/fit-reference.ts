/** What tests of the kernels in native/kernels/fit share: weights, gram matrices and their inverses. */
import { factorHessianParams } from '../../lib/kernels/fit.js';
import { callKernel, mulberry32, randomFloats, rowNamed } from './harness.js';

/** Weights with a few large ones, as real layers have. */
export function weights(count: number, seed: number, shift = 0): Float32Array {
  const next = mulberry32(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Float32Array.from({ length: count }, () => 0.1 * gauss() * (next() < 0.03 ? 4 : 1) + shift);
}

/** A matrix x·xᵀ of correlated inputs. */
export function gram(k: number, seed: number): Float32Array {
  const rows = 4 * k;
  const x = randomFloats(rows * k, seed);
  for (let r = 0; r < rows; r++) for (let j = 1; j < k; j++) x[r * k + j] = 0.6 * (x[r * k + j - 1] as number) + (x[r * k + j] as number);
  const h = new Float32Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) for (let r = 0; r < rows; r++) h[i * k + j] = (h[i * k + j] as number) + (x[r * k + i] as number) * (x[r * k + j] as number);
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) h[i * k + j] = h[j * k + i] as number;
  return h;
}

/** A gram matrix whose diagonal does not fall by itself. */
export function unevenGram(k: number, seed: number): Float32Array {
  const h = gram(k, seed);
  const size = (i: number) => 2 ** (2 * Math.sin(3 * i));
  return h.map((v, i) => v * size(Math.floor(i / k)) * size(i % k));
}

export function factorSorted(h: Float32Array, k: number, damping: number, count = 1, sorted = 1): { u: Float64Array; order: Int32Array } {
  const [u, order] = [new Float64Array(count * k * k), new Int32Array(count * k)];
  callKernel(rowNamed('factor_hessian_scalar'), factorHessianParams, { count, k, damping, sorted }, [u, order], [h], {});
  return { u, order };
}
export const factor = (h: Float32Array, k: number, damping: number, count = 1) => factorSorted(h, k, damping, count, 0).u;

/** Gauss and Jordan. */
export function inverse(a: readonly number[], n: number): number[] {
  const m = Array.from({ length: n }, (_, i) => [...a.slice(i * n, i * n + n), ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let c = 0; c < n; c++) {
    const pivot = m[c] as number[];
    const d = pivot[c] as number;
    for (let j = 0; j < 2 * n; j++) pivot[j] = (pivot[j] as number) / d;
    m.forEach((r, i) => {
      const t = r[c] as number;
      if (i !== c) for (let j = 0; j < 2 * n; j++) r[j] = (r[j] as number) - t * (pivot[j] as number);
    });
  }
  return m.flatMap((r) => r.slice(n));
}

export const damped = (h: Float32Array, k: number, damping: number) => {
  const mean = Array.from({ length: k }, (_, i) => h[i * k + i] as number).reduce((a, b) => a + b, 0) / k;
  return Array.from(h, (v, i) => v + (i % (k + 1) === 0 ? damping * mean : 0));
};
