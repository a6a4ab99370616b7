/**
 * The error bound that native/kernels/conv/winograd.inl states, against float64: on random inputs, on inputs made to hurt
 * the transforms, and on inputs that a search makes worse step by step.
 */
import { describe, expect, it } from 'vitest';
import { type ConvCase, convParamsOf } from '../../bench/cases/conv.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convPackParams, convParams } from '../../lib/kernels/conv.js';
import { convReference } from './conv-reference.js';
import { callKernel, mulberry32, rowNamed, rowsOf } from './harness.js';

const [h, r] = [Math.SQRT1_2, Math.SQRT2];
/** What the bound of a kernel consists of: its matrices, written out once more, and the roundings beside those of the channels. */
interface Variant {
  readonly Bt: number[][];
  readonly G: number[][];
  readonly At: number[][];
  readonly roundings: number;
  /** M is at most so many times C·max|x|·max|w|. */
  readonly constant: number;
}
const variants: Readonly<Record<string, Variant>> = {
  // F(4,3) over the points 0, ±√½, ±√2, ∞
  conv_winograd: {
    Bt: [
      [1, 0, -2.5, 0, 1, 0],
      [0, -r, -2, h, 1, 0],
      [0, r, -2, -h, 1, 0],
      [0, -h, -0.5, r, 1, 0],
      [0, h, -0.5, -r, 1, 0],
      [0, 1, 0, -2.5, 0, 1],
    ],
    G: [
      [1, 0, 0],
      [-2 / 3, (-2 / 3) * h, -1 / 3],
      [-2 / 3, (2 / 3) * h, -1 / 3],
      [1 / 6, r / 6, 1 / 3],
      [1 / 6, -r / 6, 1 / 3],
      [0, 0, 1],
    ],
    At: [
      [1, 1, 1, 1, 1, 0],
      [0, h, -h, r, -r, 0],
      [0, 0.5, 0.5, 2, 2, 0],
      [0, h / 2, -h / 2, 2 * r, -2 * r, 1],
    ],
    roundings: 22,
    constant: 619.98,
  },
  // F(2,3) over the points 0, ±1, ∞
  conv_winograd2: {
    Bt: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    G: [
      [1, 0, 0],
      [0.5, 0.5, 0.5],
      [0.5, -0.5, 0.5],
      [0, 0, 1],
    ],
    At: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
    roundings: 10,
    constant: 64,
  },
};
const variantOf = (row: KernelRow) => variants[row.op] as Variant;
type Matrix = readonly (readonly number[])[];
const at = (m: Matrix, i: number, j: number) => m[i]?.[j] as number;
const absolute = (m: number[][]) => m.map((row) => row.map(Math.abs));
const transposed = (m: number[][]) => (m[0] as number[]).map((_, j) => m.map((row) => row[j] as number));
const product = (a: number[][], b: number[][]) => a.map((row) => (b[0] as number[]).map((_, j) => row.reduce((s, v, k) => s + v * at(b, k, j), 0)));
/** |m| a |mᵀ| */
const sandwich = (m: number[][], a: number[][]) => product(product(absolute(m), a), transposed(absolute(m)));

/** The M of the bound, for every output. */
function magnitudes({ Bt, G, At }: Variant, c: ConvCase, x: Float32Array, w: Float32Array): Float64Array {
  const side = At.length;
  const [H, W] = c.size as [number, number];
  const [C, M] = [c.channels, c.outChannels];
  const out = new Float64Array(H * W * M);
  const filters = Array.from({ length: M * C }, (_, i) =>
    sandwich(
      G,
      [0, 1, 2].map((a) => [0, 1, 2].map((b) => Math.abs(w[i * 9 + a * 3 + b] as number))),
    ),
  );
  for (let th = 0; th < H; th += side) {
    for (let tw = 0; tw < W; tw += side) {
      const tiles = Array.from({ length: C }, (_, k) =>
        sandwich(
          Bt,
          Bt.map((_, i) =>
            Bt.map((_, j) => {
              const [y, z] = [th + i - 1, tw + j - 1];
              return y < 0 || y >= H || z < 0 || z >= W ? 0 : Math.abs(x[(y * W + z) * C + k] as number);
            }),
          ),
        ),
      );
      for (let m = 0; m < M; m++) {
        const sum = Bt.map((_, i) => Bt.map((_, j) => tiles.reduce((s, t, k) => s + at(t, i, j) * at(filters[m * C + k] as Matrix, i, j), 0)));
        const y = sandwich(At, sum);
        for (let i = 0; i < side && th + i < H; i++) for (let j = 0; j < side && tw + j < W; j++) out[((th + i) * W + tw + j) * M + m] = at(y, i, j);
      }
    }
  }
  return out;
}

function run(row: KernelRow, c: ConvCase, x: Float32Array, w: Float32Array): Float32Array {
  const points = (variants[row.op]?.Bt.length ?? 3) ** 2;
  const packed = new Float32Array(points * c.channels * Math.ceil(c.outChannels / row.kr) * row.kr);
  const pack = { group: 1, outPerGroup: c.outChannels, inPerGroup: c.channels, taps: 9, transposed: 0, lanes: row.kr, vectors: row.nr / row.kr };
  callKernel(rowNamed(`${row.op}_pack_scalar`), convPackParams, pack, [packed], [w]);
  const y = new Float32Array(c.size.reduce((a, b) => a * b) * c.outChannels);
  callKernel(row, convParams, convParamsOf(c), [y], [x, packed, undefined, undefined]);
  return y;
}

/** Largest error as a part of the bound. */
function partOfBound(row: KernelRow, c: ConvCase, x: Float32Array, w: Float32Array): number {
  const y = run(row, c, x, w);
  const want = convReference(c, x, w).y;
  const m = magnitudes(variantOf(row), c, x, w);
  const n = (c.channels + variantOf(row).roundings) * 2 ** -24;
  let most = 0;
  for (let i = 0; i < y.length; i++) {
    const error = Math.abs((y[i] as number) - (want[i] as number));
    if (error > 0) most = Math.max(most, error / ((n / (1 - n)) * (m[i] as number)));
    if (Number.isNaN(error)) return Number.NaN;
  }
  return most;
}

const caseOf = (channels: number, outChannels = 8, size = [9, 10]): ConvCase => ({
  name: '',
  batch: 1,
  size,
  channels,
  outChannels,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
});

type Fill = (i: number, random: () => number) => number;
interface Inputs {
  /** By element of [H,W,C] and of [M,C,3,3]. */
  readonly x: (c: ConvCase) => Fill;
  readonly w: (c: ConvCase) => Fill;
}
const uniform: Fill = (_, random) => 2 * random() - 1;
const pixelOf = (c: ConvCase, i: number) => Math.floor(i / c.channels);
/** The sign pattern that makes one row of Bᵀ, applied on both axes, as large as it gets. */
const signsOf =
  (point: number, value: number) =>
  (c: ConvCase): Fill =>
  (i) => {
    const [y, x] = [Math.floor(pixelOf(c, i) / (c.size[1] as number)), pixelOf(c, i) % (c.size[1] as number)];
    const { Bt } = variants['conv_winograd'] as Variant;
    const sign = (k: number) => Math.sign(at(Bt, point, (k + 1) % 4) + (k % 4 === 3 ? at(Bt, point, 4) : 0)) || 1;
    return value * sign(y) * sign(x);
  };
const adverse: Readonly<Record<string, Inputs>> = {
  uniform: { x: () => uniform, w: () => uniform },
  positive: { x: () => (_, random) => random(), w: () => (_, random) => random() },
  'all of one value that is no short fraction': { x: () => () => 1 / 3, w: () => () => 0.1 },
  'filters that sum to zero over a constant': {
    x: () => () => 1 + 2 ** -23,
    w: () => (i, random) => (i % 9 === 4 ? -8 : 1) * (1 + (random() < 0.5 ? 2 ** -23 : 0)),
  },
  'one huge pixel beside small ones': { x: (c) => (i, random) => (pixelOf(c, i) === 44 ? 1e6 : 1) * (2 * random() - 1), w: () => uniform },
  'magnitudes over twelve decades': {
    x: () => (_, random) => 10 ** (12 * random() - 6) * (random() < 0.5 ? -1 : 1),
    w: () => (_, random) => 10 ** (6 * random() - 3) * (random() < 0.5 ? -1 : 1),
  },
  'channels that cancel': { x: (c) => (i) => ((i % c.channels) % 2 === 0 ? 1.1 : -1.1), w: () => (i) => 1 + 1e-4 * Math.sin(i) },
  'large values': { x: () => (_, random) => 1e15 * (2 * random() - 1), w: () => uniform },
  'small values': { x: () => (_, random) => 1e-15 * (2 * random() - 1), w: () => uniform },
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5].map((p) => [`signs of row ${p}`, { x: signsOf(p, 1 + 3 * 2 ** -23), w: () => (i: number) => (i % 2 === 0 ? 1 : -1) * 0.7 }]),
  ),
};

const fill = (length: number, from: Fill, seed: number) => {
  const random = mulberry32(seed);
  return Float32Array.from({ length }, (_, i) => from(i, random));
};
const sizes = (c: ConvCase) => [c.size.reduce((a, b) => a * b) * c.channels, c.outChannels * c.channels * 9] as const;

describe.each(Object.keys(variants).flatMap((op) => rowsOf(op, 'f32')))('$name', (row) => {
  it.each(Object.entries(adverse))('stays within its bound on %s', (_, inputs) => {
    for (const channels of [1, 3, 16, 61]) {
      for (let seed = 1; seed <= 2; seed++) {
        const c = caseOf(channels);
        const [nx, nw] = sizes(c);
        expect(partOfBound(row, c, fill(nx, inputs.x(c), seed), fill(nw, inputs.w(c), seed + 100))).toBeLessThanOrEqual(1);
      }
    }
  });

  it('stays within its bound where a search makes inputs worse', () => {
    const c = caseOf(4, 4, [4, 4]);
    const [nx, nw] = sizes(c);
    const random = mulberry32(9);
    const [x, w] = [fill(nx, uniform, 1), fill(nw, uniform, 2)];
    let worst = partOfBound(row, c, x, w);
    for (let round = 0; round < 400; round++) {
      const list = random() < 0.5 ? x : w;
      const i = Math.floor(random() * list.length);
      const before = list[i] as number;
      list[i] = random() < 0.3 ? -before : 2 * random() - 1;
      const part = partOfBound(row, c, x, w);
      if (part >= worst) worst = part;
      else list[i] = before;
    }
    console.log(`${row.name}: a search reaches ${worst.toFixed(3)} of the bound`);
    expect(worst).toBeLessThanOrEqual(1);
  });

  it.each([16, 64, 256])('is off by a few times the error of the plain sum, with %i channels', (channels) => {
    const direct = rowsOf('conv', 'f32').find((k) => k.isa === row.isa) as KernelRow;
    const c = caseOf(channels, 16, [12, 12]);
    const [nx, nw] = sizes(c);
    const [x, w] = [fill(nx, uniform, 5), fill(nw, uniform, 6)];
    const want = convReference(c, x, w).y;
    const rms = (y: Float32Array) => Math.sqrt(y.reduce((s, v, i) => s + (v - (want[i] as number)) ** 2, 0) / y.length);
    const ratio = rms(run(row, c, x, w)) / rms(run(direct, c, x, w));
    console.log(`${row.name}, ${channels} channels: ${ratio.toFixed(2)} times the error of ${direct.name}`);
    expect(ratio).toBeLessThan(4);
  });
});

it.each(Object.entries(variants))('the constant of the bound of %s is that of its matrices', (_, { Bt, G, At, constant }) => {
  const sums = (m: number[][]) => absolute(m).map((row) => row.reduce((a, b) => a + b));
  const [g, b] = [sums(G), sums(Bt)];
  const each = absolute(At).map((row) => row.reduce((s, v, k) => s + v * (g[k] as number) * (b[k] as number), 0));
  expect(Math.max(...each) ** 2).toBeCloseTo(constant, 1);
});
