/** Convolutions of images with few channels, for tests and for the bench. */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { stemParams } from '../../lib/kernels/stem.js';
import { floats, type KernelCase } from './case.js';
import { type ConvCase, convFlops, convParamsOf, outputSize } from './conv.js';

export interface StemCase extends ConvCase {
  readonly channelsLast: boolean;
}

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

export function stemParamsOf(c: StemCase) {
  const { inSize, outSize, kernel, strides, pads, dilations: _dilations, group: _group, ...rest } = convParamsOf(c);
  const two = (list: number[]) => list.slice(1);
  return {
    ...rest,
    channelsLast: c.channelsLast ? 1 : 0,
    inSize: two(inSize),
    outSize: two(outSize),
    kernel: two(kernel),
    strides: two(strides),
    pads: two(pads),
  };
}

const of = (name: string, channels: number, outChannels: number, rest: Partial<StemCase> = {}): StemCase => ({
  name: `${channels}→${outChannels} ${name}${rest.channelsLast ? ', channels last' : ''}`,
  batch: 1,
  size: [9, 11],
  channels,
  outChannels,
  kernel: [3, 3],
  strides: [2, 2],
  pads: [1, 1, 1, 1],
  channelsLast: false,
  ...rest,
});

/** Panels of one and two vectors, tiles of every width at both borders, both layouts, every step. */
export const testCases: readonly StemCase[] = [
  ...[1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65].map((m) => of('by columns', 3, m, { bias: true })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 27, 28, 29, 43, 57, 70].flatMap((w) =>
    [false, true].map((channelsLast) => of(`row of ${w}`, 3, 20, { size: [3, w], channelsLast, bias: true, activation: 'relu' })),
  ),
  of('stride 1', 3, 18, { strides: [1, 1] }),
  of('stride 1', 3, 18, { strides: [1, 1], channelsLast: true }),
  of('stride 3', 1, 18, { strides: [1, 3], channelsLast: true }),
  of('stride 3 by 1', 4, 18, { strides: [3, 1] }),
  of('one channel', 1, 40, { strides: [1, 1], kernel: [5, 5], pads: [2, 2, 2, 2] }),
  of('two channels', 2, 12, { strides: [1, 3], channelsLast: true }),
  of('four channels', 4, 12, { batch: 2, gap: 5, activation: 'silu', bias: true }),
  of('7x7', 3, 64, { size: [20, 33], kernel: [7, 7], pads: [3, 3, 3, 3], batch: 2, bias: true }),
  of('7x7', 3, 64, { size: [20, 33], kernel: [7, 7], pads: [3, 3, 3, 3], channelsLast: true, bias: true }),
  of('16x16', 3, 10, { size: [40, 33], kernel: [16, 16], pads: [0, 0, 0, 0] }),
  of('asymmetric pads', 3, 10, { pads: [0, 2, 3, 0] }),
  of('pads beyond the kernel', 3, 10, { size: [2, 2], pads: [5, 6, 7, 8], bias: true, activation: 'hardSwish' }),
  of('pads beyond the kernel', 3, 10, { size: [2, 2], pads: [5, 6, 7, 8], channelsLast: true }),
  of('clip', 3, 40, { size: [40, 40], activation: 'clip', alpha: -0.1, beta: 0.2 }),
  of('empty batch', 3, 8, { batch: 0 }),
];

const layer = (name: string, outChannels: number, k: number, stride: number, channelsLast = false): StemCase =>
  of(name, 3, outChannels, {
    size: [224, 224],
    kernel: [k, k],
    strides: [stride, stride],
    pads: [k >> 1, k >> 1, k >> 1, k >> 1],
    bias: true,
    activation: 'relu',
    channelsLast,
  });

export const benchCases: readonly StemCase[] = [
  layer('3x3 s2 @224', 16, 3, 2),
  layer('3x3 s2 @224', 24, 3, 2),
  layer('3x3 s2 @224', 32, 3, 2),
  layer('3x3 s2 @224', 32, 3, 2, true),
  layer('3x3 @224', 64, 3, 1),
  layer('7x7 s2 @224', 64, 7, 2),
];

export function stemKernelCase(c: StemCase, row: KernelRow): KernelCase {
  return {
    name: `stem ${c.name}`,
    op: 'stem',
    dtypes: 'f32',
    schema: stemParams,
    params: stemParamsOf(c),
    outputs: () => [new Float32Array(c.batch * product(outputSize(c)) * (c.outChannels + (c.gap ?? 0)))],
    inputs: () => [
      floats(c.batch * product(c.size) * c.channels, 1),
      floats(product(c.kernel) * c.channels * Math.ceil(c.outChannels / row.kr) * row.kr, 2),
      c.bias ? floats(c.outChannels, 3) : undefined,
    ],
    bench: true,
    flops: convFlops(c),
  };
}
