/** Convolutions for tests (small, around every edge of the tiling) and for the bench (layers of real networks). */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convParams } from '../../lib/kernels/conv.js';
import { depthwiseParams } from '../../lib/kernels/depthwise.js';
import { type ActivationName, activation } from '../../lib/kernels/epilogue.js';
import { narrowOf, narrowTypes, packedNumbers } from '../../lib/kernels/narrow.js';
import { floats, type KernelCase } from './case.js';
import { weights } from './gemm.js';

export interface ConvCase {
  readonly name: string;
  readonly batch: number;
  /** Spatial sizes, one to three. */
  readonly size: readonly number[];
  readonly channels: number;
  readonly outChannels: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
  readonly transposed?: boolean;
  readonly outputPadding?: readonly number[];
  /** Elements past the output channels in each pixel of y. */
  readonly gap?: number;
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly activation?: ActivationName;
  readonly alpha?: number;
  readonly beta?: number;
}

const three = (list: readonly number[], fill: number): number[] => [...Array<number>(3 - list.length).fill(fill), ...list];

/** Output sizes of a case. */
export function outputSize(c: ConvCase): number[] {
  const rank = c.size.length;
  return c.size.map((n, a) => {
    const s = c.strides?.[a] ?? 1;
    const pads = (c.pads?.[a] ?? 0) + (c.pads?.[a + rank] ?? 0);
    const reach = ((c.kernel[a] as number) - 1) * (c.dilations?.[a] ?? 1) + 1;
    if (c.transposed) return s * (n - 1) + reach - pads + (c.outputPadding?.[a] ?? 0);
    return Math.floor((n + pads - reach) / s) + 1;
  });
}

/** Parameters of `conv` and `conv_transpose`. */
export function convParamsOf(c: ConvCase) {
  const rank = c.size.length;
  const ones = c.size.map(() => 1);
  return {
    batch: c.batch,
    channels: c.channels,
    outChannels: c.outChannels,
    group: c.group ?? 1,
    inSize: three(c.size, 1),
    outSize: three(outputSize(c), 1),
    kernel: three(c.kernel, 1),
    strides: three(c.strides ?? ones, 1),
    pads: three((c.pads ?? ones.map(() => 0)).slice(0, rank), 0),
    dilations: three(c.dilations ?? ones, 1),
    ldc: c.outChannels + (c.gap ?? 0),
    activation: activation.value(c.activation ?? 'none'),
    alpha: c.alpha ?? 0,
    beta: c.beta ?? 0,
  };
}

/** Multiply-adds of a case. */
export function multiplyAdds(c: ConvCase): number {
  const pixels = (c.transposed ? c.size : outputSize(c)).reduce((a, b) => a * b, c.batch);
  return (pixels * c.kernel.reduce((a, b) => a * b, 1) * c.channels * c.outChannels) / (c.group ?? 1);
}

const small = (name: string, channels: number, outChannels: number, rest: Partial<ConvCase> = {}): ConvCase => ({
  name: `${channels}→${outChannels} ${name}`,
  batch: 1,
  size: [5, 7],
  channels,
  outChannels,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
  ...rest,
});

/** Every branch of the tiling: panels of one to four vectors, blocks of one to twelve rows, gathered and pointed rows. */
export const testCases: readonly ConvCase[] = [
  ...[1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32, 33, 40, 48, 49, 56, 64, 65, 72, 80, 96, 100, 129, 160].map((m) =>
    small('by columns', 16, m, { bias: true }),
  ),
  ...[1, 2, 3, 4, 5, 15, 16, 17, 40, 511, 512, 513].map((c) => small('by depth', c, 20, { size: [3, 4], bias: true })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 23, 25, 49, 97].map((w) =>
    small(`row of ${w}`, 17, 33, { size: [1, w], kernel: [1, 1], pads: [0, 0, 0, 0], activation: 'relu' }),
  ),
  small('deep, through partial sums', 400, 35, { size: [4, 4], bias: true, residual: true, activation: 'relu' }),
  small('1x1 deep', 1700, 70, { size: [2, 3], kernel: [1, 1], pads: [0, 0, 0, 0], bias: true, residual: true, activation: 'clip', alpha: -0.5, beta: 0.5 }),
  small('stem', 3, 32, { batch: 2, size: [17, 19], strides: [2, 2], bias: true, activation: 'relu' }),
  small('stem 7x7', 3, 64, { size: [20, 21], kernel: [7, 7], strides: [2, 2], pads: [3, 3, 3, 3] }),
  small('asymmetric pads', 18, 12, { pads: [0, 1, 2, 3], bias: true }),
  small('stride 3', 20, 40, { size: [10, 11], strides: [3, 2] }),
  small('dilated', 20, 24, { size: [9, 10], pads: [2, 3, 2, 3], dilations: [2, 3] }),
  small('dilated stem', 3, 24, { size: [9, 10], pads: [2, 3, 2, 3], dilations: [2, 3] }),
  small('groups', 12, 24, { group: 3, bias: true, residual: true }),
  small('many channels a group', 64, 40, { group: 2, bias: true, activation: 'hardSwish' }),
  small('a filter a channel', 19, 38, { group: 19 }),
  small('gap between pixels', 16, 33, { gap: 7, bias: true, residual: true, activation: 'silu' }),
  small('pads beyond the kernel', 16, 8, { size: [2, 2], pads: [4, 4, 4, 4], bias: true }),
  // One for each shape of the tiles of a small GPU, and positions that 32 bits do not hold.
  small('many pixels, few columns', 4, 8, { size: [20, 26], kernel: [1, 3], pads: [0, 1, 0, 1], bias: true }),
  small('four tiles', 4, 130, { size: [10, 13], kernel: [2, 2], pads: [0, 0, 1, 1], residual: true }),
  small('points, few columns', 8, 8, { size: [20, 26], kernel: [1, 1], pads: [0, 0, 0, 0], bias: true }),
  small('points, four tiles', 8, 130, { size: [10, 13], kernel: [1, 1], pads: [0, 0, 0, 0] }),
  small('points, ten tiles', 8, 70, { size: [20, 26], kernel: [1, 1], pads: [0, 0, 0, 0] }),
  small('points, whole tiles', 8, 100, { size: [26, 50], kernel: [1, 1], pads: [0, 0, 0, 0], activation: 'relu' }),
  small('dilated beyond the image', 5, 34, { kernel: [1, 2], pads: [0, 0, 0, 2 ** 28], dilations: [1, 2 ** 28], bias: true }),
  small('empty batch', 16, 8, { batch: 0 }),
  small('five by one', 16, 16, { kernel: [5, 1], pads: [2, 0, 2, 0], batch: 3 }),
  small('one dimension', 8, 9, { size: [13], kernel: [3], pads: [1, 1] }),
  small('three dimensions', 5, 9, { size: [4, 5, 6], kernel: [3, 2, 3], pads: [1, 0, 1, 1, 1, 1], strides: [2, 1, 1], bias: true }),
  ...(['leakyRelu', 'elu', 'sigmoid', 'hardSigmoid', 'silu', 'hardSwish', 'tanh', 'gelu', 'geluTanh', 'softplus', 'mish'] as const).map((a) =>
    small(a, 6, 21, { size: [3, 4], activation: a, alpha: 0.2, beta: 0.5, bias: true }),
  ),
  small('transposed', 16, 33, { transposed: true, bias: true }),
  small('transposed stride 2', 20, 24, { transposed: true, strides: [2, 2], outputPadding: [1, 1], bias: true, activation: 'relu' }),
  small('transposed stride over kernel', 4, 6, { transposed: true, strides: [4, 5], pads: [0, 0, 0, 0] }),
  small('transposed groups', 12, 20, { transposed: true, group: 4, strides: [2, 1], residual: true }),
  small('transposed dilated', 9, 10, { transposed: true, strides: [3, 2], dilations: [2, 2], pads: [1, 2, 0, 1] }),
  small('transposed deep', 520, 8, { transposed: true, size: [3, 3], strides: [2, 2], kernel: [4, 4] }),
  small('transposed, many pixels', 4, 8, { transposed: true, size: [20, 26], bias: true }),
  small('transposed, dilated beyond the output', 4, 34, { transposed: true, kernel: [1, 2], pads: [0, 0, 0, 2 ** 28], dilations: [1, 2 ** 28] }),
  small('transposed three dimensions', 5, 7, { transposed: true, size: [3, 2, 4], kernel: [2, 3, 3], pads: [0, 1, 1, 0, 1, 1], strides: [2, 1, 2] }),
];

const layer = (name: string, side: number, channels: number, outChannels: number, k: number, stride = 1, group = 1): ConvCase => ({
  name,
  batch: 1,
  size: [side, side],
  channels,
  outChannels,
  kernel: [k, k],
  strides: [stride, stride],
  pads: [k >> 1, k >> 1, k >> 1, k >> 1],
  group,
  bias: true,
  activation: 'relu',
});

/** Layers of real networks. */
export const benchCases: readonly ConvCase[] = [
  layer('1x1 64→256 @56', 56, 64, 256, 1),
  layer('3x3 64→64 @56', 56, 64, 64, 3),
  layer('3x3 256→256 @14', 14, 256, 256, 3),
  layer('stem 3x3 s2 3→32 @224', 224, 3, 32, 3, 2),
  layer('stem 7x7 s2 3→64 @224', 224, 3, 64, 7, 2),
  layer('ResNet 3x3 128→128 @28', 28, 128, 128, 3),
  layer('ResNet 3x3 512→512 @7', 7, 512, 512, 3),
  layer('ResNet 1x1 s2 512→1024 @28', 28, 512, 1024, 1, 2),
  layer('ResNet 1x1 2048→512 @7', 7, 2048, 512, 1),
  layer('MobileNet 1x1 16→96 @112', 112, 16, 96, 1),
  layer('MobileNet 1x1 144→24 @56', 56, 144, 24, 1),
  layer('MobileNet 1x1 384→64 @14', 14, 384, 64, 1),
  layer('MobileNet 1x1 960→160 @7', 7, 960, 160, 1),
  layer('MobileNet 1x1 320→1280 @7', 7, 320, 1280, 1),
];

/** Depthwise layers of real networks. */
export const depthwiseBenchCases: readonly ConvCase[] = [
  layer('dw 3x3 s2 96 @112', 112, 96, 96, 3, 2, 96),
  layer('dw 3x3 144 @56', 56, 144, 144, 3, 1, 144),
  layer('dw 3x3 32 @112', 112, 32, 32, 3, 1, 32),
  layer('dw 3x3 384 @14', 14, 384, 384, 3, 1, 384),
  layer('dw 3x3 960 @7', 7, 960, 960, 3, 1, 960),
  layer('dw 5x5 240 @28', 28, 240, 240, 5, 1, 240),
  layer('dw 5x5 s2 72 @56', 56, 72, 72, 5, 2, 72),
];

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** Multiplications and additions of the definition, whatever the algorithm saves of them. */
export function convFlops(c: ConvCase): number {
  const pixels = product(c.transposed ? c.size : outputSize(c));
  return 2 * c.batch * pixels * product(c.kernel) * (c.channels / (c.group ?? 1)) * c.outChannels;
}

/** A case as one call of a row of conv, conv_winograd, conv_winograd2 or conv_transpose: the weights' layout is the row's. */
export function convKernelCase(c: ConvCase, row: KernelRow): KernelCase {
  const group = c.group ?? 1;
  const columns = Math.ceil(c.outChannels / group / row.kr) * row.kr;
  const points = { conv_winograd: 36, conv_winograd2: 16 }[row.op] ?? product(c.kernel);
  const narrow = narrowOf(row.dtypes);
  const packed =
    narrow === undefined
      ? points * c.channels * columns
      : group * packedNumbers(narrowTypes[narrow], (points * c.channels) / group, c.outChannels / group, row.nr, row.kr);
  return {
    name: `${row.op} ${c.name}`,
    op: row.op,
    dtypes: row.dtypes,
    schema: convParams,
    params: convParamsOf(c),
    outputs: () => [new Float32Array(c.batch * product(outputSize(c)) * (c.outChannels + (c.gap ?? 0)))],
    inputs: () => [
      floats(c.batch * product(c.size) * c.channels, 1),
      weights(packed, narrow !== undefined),
      c.bias ? floats(c.outChannels, 3) : undefined,
      c.residual ? floats(c.batch * product(outputSize(c)) * c.outChannels, 4) : undefined,
    ],
    bench: true,
    flops: convFlops(c),
  };
}

/** A depthwise case of two dimensions as one call. */
export function depthwiseKernelCase(c: ConvCase): KernelCase {
  const { inSize, outSize, kernel, strides, pads, dilations, group: _group, outChannels: _outChannels, ...rest } = convParamsOf(c);
  const two = (list: number[]) => list.slice(1);
  return {
    name: `depthwise ${c.name}`,
    op: 'depthwise',
    dtypes: 'f32',
    schema: depthwiseParams,
    params: { ...rest, inSize: two(inSize), outSize: two(outSize), kernel: two(kernel), strides: two(strides), pads: two(pads), dilations: two(dilations) },
    outputs: () => [new Float32Array(c.batch * product(outputSize(c)) * c.channels)],
    inputs: () => [
      floats(c.batch * product(c.size) * c.channels, 1),
      floats(product(c.kernel) * c.channels, 2),
      c.bias ? floats(c.channels, 3) : undefined,
      undefined,
    ],
    bench: true,
    flops: convFlops(c),
  };
}
