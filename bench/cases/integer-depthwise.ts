/** Depthwise convolutions of bytes: small ones around every edge for the tests, layers of real networks for the bench. */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { depthwiseBytesParams, depthwisePackedBytes, depthwisePattern, depthwisePatternFor } from '../../lib/kernels/integer.js';
import type { KernelCase } from './case.js';
import { convFlops, convParamsOf, outputSize, depthwiseBenchCases as realLayers } from './conv.js';
import { endingOf, endingOperands, type IntegerConvCase, resultOf, signed, unsigned } from './integer.js';

type Layout = Pick<KernelRow, 'nr' | 'kr'>;

/** The parameters of a case of one or two dimensions on a row, but for the rows of its pattern. */
export function depthwiseCaseParams(c: IntegerConvCase, row: Layout) {
  const all = convParamsOf(c);
  const two = (list: number[]) => list.slice(1);
  const [kernel, strides, dilations] = [two(all.kernel), two(all.strides), two(all.dilations)];
  return {
    batch: all.batch,
    channels: all.channels,
    inSize: two(all.inSize),
    outSize: two(all.outSize),
    kernel,
    strides,
    pads: two(all.pads),
    dilations,
    ldc: all.ldc,
    padding: c.aZero ?? 0,
    pattern: depthwisePattern.value(depthwisePatternFor(row, kernel, strides, dilations)),
    ...endingOf(c),
  };
}

const small = (name: string, channels: number, rest: Partial<IntegerConvCase> = {}): IntegerConvCase => ({
  name: `${channels} ${name}`,
  batch: 1,
  size: [5, 7],
  channels,
  outChannels: channels,
  group: channels,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
  bias: true,
  ...rest,
});

const five: Partial<IntegerConvCase> = { kernel: [5, 5], pads: [2, 2, 2, 2] };
const half: Partial<IntegerConvCase> = { strides: [2, 2] };

/** Edges: blocks of 16, 32 and 64 channels and their halves, pairs of rows, the turns of sums along a row, padding. */
export const depthwiseCases: readonly IntegerConvCase[] = [
  ...[1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 95, 96, 97, 128, 144, 200].map((c) => small('channels', c, { aZero: 130, zero: 12 })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 13].flatMap((n) => [
    small(`by ${n} columns`, 40, { size: [3, n], aZero: 5 }),
    small(`by ${n} rows`, 40, { size: [n, 3], aZero: 255 }),
    small(`5x5 by ${n} columns`, 40, { size: [4, n], ...five, aZero: 7 }),
    small(`stride 2 by ${n} columns`, 40, { size: [n, n], ...half, aZero: 128 }),
    small(`5x5 stride 2 by ${n} columns`, 40, { size: [n + 1, n], ...five, ...half, aZero: 1 }),
  ]),
  ...[64, 100, 130].flatMap((c) => [
    small('5x5', c, { ...five, aZero: 77 }),
    small('5x5 stride 2', c, { ...five, ...half, size: [9, 10], aZero: 77 }),
    small('stride 2', c, { ...half, size: [9, 10], aZero: 77 }),
  ]),
  small('stride 2, padding behind', 72, { ...half, size: [8, 8], pads: [0, 0, 1, 1], aZero: 9 }),
  small('asymmetric pads', 70, { pads: [0, 1, 2, 3], aZero: 3 }),
  small('no pads', 70, { pads: [0, 0, 0, 0], aZero: 3 }),
  small('pads beyond the kernel', 33, { size: [2, 2], pads: [4, 5, 4, 5], aZero: 200 }),
  small('7x7', 65, { kernel: [7, 7], pads: [3, 3, 3, 3], size: [9, 8], aZero: 11 }),
  small('9x9', 20, { kernel: [9, 9], pads: [4, 4, 4, 4], size: [9, 8], aZero: 11 }),
  small('3x1', 40, { kernel: [3, 1], pads: [1, 0, 1, 0] }),
  small('1x5', 40, { kernel: [1, 5], pads: [0, 2, 0, 2], aZero: 4 }),
  small('1x1', 40, { kernel: [1, 1], pads: [0, 0, 0, 0], aZero: 4 }),
  small('stride 3', 40, { size: [10, 11], strides: [3, 3], aZero: 8 }),
  small('strides 2 and 1', 40, { size: [10, 11], strides: [2, 1], aZero: 8 }),
  small('dilated', 40, { size: [9, 10], pads: [2, 3, 2, 3], dilations: [2, 3], aZero: 1 }),
  small('taps far outside', 20, { size: [4, 5], pads: [1, 1, 2 ** 31 - 1, 1], dilations: [2 ** 30, 1], aZero: 7 }),
  small('one dimension', 19, { size: [13], kernel: [3], pads: [1, 1], aZero: 66 }),
  small('gap between pixels', 70, { gap: 7, aZero: 2 }),
  small('residual', 70, { residual: true, batch: 2, zero: 90, low: 10, high: 240, aZero: 2 }),
  small('5x5, residual', 130, { ...five, residual: true, gap: 3 }),
  small('floats', 70, { output: 'f32', addend: true, aZero: 20 }),
  small('stride 2, floats', 33, { ...half, output: 'f32', gap: 1, aZero: 20 }),
  small('integers', 100, { output: 'i32', aZero: 6 }),
  small('one multiplier', 70, { oneMultiplier: true, aZero: 30 }),
  small('one multiplier, residual', 70, { oneMultiplier: true, residual: true, aZero: 30 }),
  small('bounds', 70, { low: 20, high: 200, zero: 90 }),
  small('huge multipliers', 70, { multiplier: 1e30 }),
  small('infinite multipliers', 40, { multiplier: 3e38 }),
  small('tiny multipliers', 40, { multiplier: 1e-40, zero: 5 }),
  small('ties', 70, { multiplier: 0, zero: 128 }),
  small('empty batch', 16, { batch: 0 }),
  small('no rows, padding only', 70, { size: [0, 7], pads: [2, 1, 2, 1], aZero: 9 }),
  small('no columns, padding only', 70, { size: [5, 0], pads: [1, 2, 1, 2], aZero: 9 }),
  small('three images', 70, { batch: 3, aZero: 19 }),
];

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

export function depthwiseBytesBenchCases(row: KernelRow): KernelCase[] {
  return realLayers.map((c): KernelCase => {
    const params = depthwiseCaseParams(c, row);
    const outputs = c.batch * product(outputSize(c)) * c.channels;
    const pattern = depthwisePatternFor(row, params.kernel, params.strides, params.dilations);
    return {
      name: `depthwise_i8 ${c.name}`,
      op: row.op,
      dtypes: row.dtypes,
      schema: depthwiseBytesParams,
      params,
      outputs: () => [resultOf({}, outputs)],
      inputs: () => [
        unsigned(c.batch * product(c.size) * c.channels, 1),
        signed(depthwisePackedBytes(c.channels, params.kernel, row.nr, row.kr, pattern), 2),
        ...endingOperands({}, c.channels, outputs, product(c.kernel)),
      ],
      bench: true,
      flops: convFlops(c),
    };
  });
}
