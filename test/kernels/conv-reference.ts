/** Convolution by its definition, in float64, over ONNX layouts of the weights and channels-last tensors. */
import { expect } from 'vitest';
import { type ConvCase, outputSize } from '../../bench/cases/conv.js';

const three = (list: readonly number[], fill: number): number[] => [...Array<number>(3 - list.length).fill(fill), ...list];

export const activations: Record<string, (x: number, a: number, b: number) => number> = {
  none: (x) => x,
  relu: (x) => Math.max(x, 0),
  clip: (x, a, b) => Math.min(Math.max(x, a), b),
  leakyRelu: (x, a) => (x < 0 ? a * x : x),
  elu: (x, a) => (x < 0 ? a * Math.expm1(x) : x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  hardSigmoid: (x, a, b) => Math.min(Math.max(a * x + b, 0), 1),
  silu: (x) => x / (1 + Math.exp(-x)),
  hardSwish: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
  tanh: Math.tanh,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  softplus: (x) => Math.log1p(Math.exp(x)),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
};

/** By its series around 0: enough terms for |x| ≤ 6 in double. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export interface Reference {
  /** Dense [N, out…, M]. */
  readonly y: Float64Array;
  /** Σ|x||w| + |bias| + |residual| of each element: what rounding errors are proportional to. */
  readonly magnitude: Float64Array;
}

/** `w` is [M, C/g, taps], or [C, M/g, taps] where transposed. */
export function convReference(c: ConvCase, x: Float32Array, w: Float32Array, bias?: Float32Array, residual?: Float32Array): Reference {
  const group = c.group ?? 1;
  const [cg, mg] = [c.channels / group, c.outChannels / group];
  const size = three(c.size, 1);
  const out = three(outputSize(c), 1);
  const kernel = three(c.kernel, 1);
  const strides = three(c.strides ?? [], 1);
  const pads = three((c.pads ?? c.size.map(() => 0)).slice(0, c.size.length), 0);
  const dilations = three(c.dilations ?? [], 1);
  const taps = kernel.reduce((a, b) => a * b, 1);
  const pixels = out.reduce((a, b) => a * b, c.batch);
  const y = new Float64Array(pixels * c.outChannels);
  const magnitude = new Float64Array(y.length);
  const coordinate = (a: number, o: number, k: number): number => {
    if (!c.transposed) return o * (strides[a] as number) - (pads[a] as number) + k * (dilations[a] as number);
    const t = o + (pads[a] as number) - k * (dilations[a] as number);
    return t % (strides[a] as number) === 0 ? t / (strides[a] as number) : -1;
  };
  const inside = (a: number, i: number) => i >= 0 && i < (size[a] as number);
  const [, OH, OW] = out as [number, number, number];
  const [D, H, W] = size as [number, number, number];
  const act = activations[c.activation ?? 'none'] as (x: number, a: number, b: number) => number;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const ow = pixel % OW;
    const oh = Math.floor(pixel / OW) % OH;
    const od = Math.floor(pixel / OW / OH) % (out[0] as number);
    const image = Math.floor(pixel / (OW * OH * (out[0] as number)));
    for (let tap = 0; tap < taps; tap++) {
      const kw = tap % (kernel[2] as number);
      const kh = Math.floor(tap / (kernel[2] as number)) % (kernel[1] as number);
      const kd = Math.floor(tap / ((kernel[2] as number) * (kernel[1] as number)));
      const [d, h, v] = [coordinate(0, od, kd), coordinate(1, oh, kh), coordinate(2, ow, kw)];
      if (!inside(0, d) || !inside(1, h) || !inside(2, v)) continue;
      const from = (((image * D + d) * H + h) * W + v) * c.channels;
      for (let m = 0; m < c.outChannels; m++) {
        const g = Math.floor(m / mg);
        for (let i = 0; i < cg; i++) {
          const weight = c.transposed ? ((g * cg + i) * mg + (m % mg)) * taps + tap : (m * cg + i) * taps + tap;
          const product = (x[from + g * cg + i] as number) * (w[weight] as number);
          (y[pixel * c.outChannels + m] as number) += product;
          (magnitude[pixel * c.outChannels + m] as number) += Math.abs(product);
        }
      }
    }
    for (let m = 0; m < c.outChannels; m++) {
      const at = pixel * c.outChannels + m;
      const add = (bias?.[m] ?? 0) + (residual?.[at] ?? 0);
      (magnitude[at] as number) += Math.abs(bias?.[m] ?? 0) + Math.abs(residual?.[at] ?? 0);
      y[at] = act((y[at] as number) + add, c.alpha ?? 0, c.beta ?? 0);
    }
  }
  return { y, magnitude };
}

/**
 * Runs a kernel on several teams and compares: pixels `ldc` elements apart hold `channels` of the reference, within
 * `allowed` of its element `at`; nothing is written between them, and every team writes the same bits.
 */
export function expectPixels(
  run: (y: Float32Array, threads: number) => void,
  { y: wanted }: Reference,
  layout: { readonly pixels: number; readonly ldc: number; readonly channels: number; readonly teams?: readonly number[] },
  allowed: (at: number, want: number) => number,
): void {
  const { pixels, ldc, channels, teams = [1, 2, 3] } = layout;
  let first: Float32Array | undefined;
  for (const threads of teams) {
    const y = new Float32Array(pixels * ldc);
    run(y, threads);
    if (first !== undefined) {
      expect(Buffer.compare(Buffer.from(y.buffer), Buffer.from(first.buffer))).toBe(0);
      continue;
    }
    first = y;
    for (let i = 0; i < y.length; i++) {
      const m = i % ldc;
      if (m >= channels) {
        if (y[i] !== 0) expect.fail(`wrote ${y[i]} between pixels at ${i}`);
        continue;
      }
      const at = Math.floor(i / ldc) * channels + m;
      const want = wanted[at] as number;
      if (!(Math.abs((y[i] as number) - want) <= allowed(at, want))) expect.fail(`element ${i}: ${y[i]}, expected ${want}`);
    }
  }
}
