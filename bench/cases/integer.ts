/** Products and convolutions of bytes: small ones around every edge for the tests, layers of real networks for the bench. */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import type { TypedArray } from '../../lib/dtype.js';
import { integerConvolutionParams, integerGemmParams, integerOutput, packedBytes, paddedRows } from '../../lib/kernels/integer.js';
import { floats, type KernelCase, mulberry32 } from './case.js';
import { type ConvCase, convFlops, convParamsOf, outputSize, benchCases as realConvolutions } from './conv.js';
import { benchCases as realProducts } from './gemm.js';

/** What becomes of the sums. Everything left out is the plainest. */
export interface EndingCase {
  readonly output?: 'u8' | 'f32' | 'i32';
  /** One multiplier for all columns instead of one each. */
  readonly oneMultiplier?: boolean;
  readonly residual?: boolean;
  readonly addend?: boolean;
  readonly zero?: number;
  readonly low?: number;
  readonly high?: number;
  /** Multipliers lie in [0, 2·multiplier). */
  readonly multiplier?: number;
  /** a's zero point. */
  readonly aZero?: number;
}

export interface IntegerGemmCase extends EndingCase {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Elements beyond k in a row of a, beyond n in one of y. */
  readonly gapA?: number;
  readonly gap?: number;
}

export interface IntegerConvCase extends ConvCase, EndingCase {}

export const endingOf = (c: EndingCase) => ({
  output: integerOutput.value(c.output ?? 'u8'),
  perColumn: c.oneMultiplier ? 0 : 1,
  zero: c.zero ?? 0,
  low: c.low ?? 0,
  high: c.high ?? 255,
  sumZero: 120,
  sumLow: 3,
  sumHigh: 250,
  residualZero: 131,
  sumRatio: 0.7,
  residualRatio: 1.3,
});

export function unsigned(length: number, seed: number): Uint8Array {
  const next = mulberry32(seed);
  return Uint8Array.from({ length }, () => next() * 256);
}

export function signed(length: number, seed: number): Int8Array {
  const next = mulberry32(seed);
  return Int8Array.from({ length }, () => Math.floor(next() * 256) - 128);
}

export function integers(length: number, seed: number, most: number): Int32Array {
  const next = mulberry32(seed);
  return Int32Array.from({ length }, () => (next() - 0.5) * 2 * most);
}

/** So that results spread over most of their range: sums of k products have a standard deviation of 10,000·√k. */
export const plainMultiplier = (c: EndingCase, k: number) => c.multiplier ?? 0.004 / Math.sqrt(Math.max(k, 1));

export const gemmCaseParams = (c: IntegerGemmCase) => ({
  m: c.m,
  n: c.n,
  k: c.k,
  lda: c.k + (c.gapA ?? 0),
  ldc: c.n + (c.gap ?? 0),
  residualRow: c.n,
  ...endingOf(c),
  reserved: 0,
});

export function convCaseParams(c: IntegerConvCase) {
  const { activation: _, alpha: __, beta: ___, ...geometry } = convParamsOf(c);
  return { ...geometry, padding: c.aZero ?? 0, ...endingOf(c) };
}

/** Edges: tiles of 14x32, 6x16 and 3x4, quads and pairs of k, blocks of 32x32 of AMX and of its 1024 of k, rows read in place or copied. */
export const gemmCases: readonly IntegerGemmCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 16, 17, 27, 31, 32, 33, 65].map((m) => ({ name: `m ${m}`, m, n: 37, k: 20, zero: 7, aZero: 11 })),
  ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 97, 129].map((n) => ({ name: `n ${n}`, m: 16, n, k: 9, zero: 128 })),
  ...[1, 2, 3, 6, 7].flatMap((m) => [15, 16, 33, 48, 64, 65, 100, 128, 200].map((n) => ({ name: `few rows ${m}x${n}`, m, n, k: 36, aZero: 255 }))),
  ...[1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 127, 128, 130].map((k) => ({ name: `k ${k}`, m: 15, n: 35, k, zero: 3, aZero: 128 })),
  ...[1023, 1024, 1028, 2048, 2051].map((k) => ({ name: `blocks of k, ${k}`, m: 34, n: 37, k, aZero: 1 })),
  { name: 'blocks of k, rows in pieces', m: 300, n: 40, k: 1030 },
  { name: 'blocks of k and of n', m: 40, n: 290, k: 1030 },
  { name: 'rows of a 2 KB apart', m: 20, n: 33, k: 2048 },
  { name: 'rows of a far apart', m: 18, n: 40, k: 128, gapA: 4 },
  { name: 'rows of a at odd places', m: 18, n: 40, k: 128, gapA: 3 },
  { name: 'a gap in y', m: 17, n: 35, k: 40, gap: 5 },
  { name: 'one multiplier', m: 17, n: 35, k: 40, oneMultiplier: true, zero: 100 },
  { name: 'bounds', m: 17, n: 67, k: 40, low: 20, high: 200, zero: 90 },
  { name: 'bounds that meet', m: 3, n: 5, k: 4, low: 77, high: 77 },
  { name: 'residual', m: 29, n: 67, k: 40, residual: true, zero: 90, low: 10, high: 240 },
  { name: 'residual, one multiplier, gap', m: 15, n: 20, k: 44, residual: true, oneMultiplier: true, gap: 3 },
  { name: 'floats', m: 17, n: 37, k: 40, output: 'f32' },
  { name: 'floats with addend', m: 30, n: 65, k: 41, output: 'f32', addend: true, gap: 1, aZero: 3 },
  { name: 'integers', m: 17, n: 37, k: 40, output: 'i32', aZero: 200 },
  { name: 'integers, blocks of k', m: 40, n: 65, k: 1100, output: 'i32' },
  { name: 'huge multipliers', m: 17, n: 37, k: 40, multiplier: 1e30 },
  { name: 'infinite multipliers', m: 17, n: 37, k: 40, multiplier: 3e38 },
  { name: 'tiny multipliers', m: 17, n: 37, k: 40, multiplier: 1e-40, zero: 5 },
  { name: 'ties', m: 40, n: 64, k: 3, multiplier: 0, zero: 128 },
  { name: 'many tiles', m: 400, n: 288, k: 160, residual: true, aZero: 3, zero: 90 },
  { name: 'many tiles at odd places', m: 390, n: 257, k: 84, residual: true, gap: 1 },
  { name: 'many tiles of floats', m: 385, n: 260, k: 67, output: 'f32', addend: true },
  // One more than the emulated GPU has multiprocessors, of Hopper's tiles of 128x256.
  { name: 'nine large tiles', m: 260, n: 520, k: 650, residual: true, aZero: 7, zero: 30 },
  { name: 'no rows', m: 0, n: 5, k: 3 },
  { name: 'no columns', m: 5, n: 0, k: 3 },
  { name: 'no k', m: 5, n: 37, k: 0, zero: 9, residual: true },
];

export const smallConvCase = (name: string, channels: number, outChannels: number, rest: Partial<IntegerConvCase> = {}): IntegerConvCase => ({
  name: `${channels}→${outChannels} ${name}`,
  batch: 1,
  size: [5, 7],
  channels,
  outChannels,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
  bias: true,
  ...rest,
});

export const convCases: readonly IntegerConvCase[] = [
  ...[1, 3, 4, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100].map((m) => smallConvCase('by columns', 16, m, { aZero: 130, zero: 12 })),
  ...[1, 2, 3, 4, 5, 7, 8, 16, 21, 64, 130].map((c) => smallConvCase('by depth', c, 20, { size: [3, 4], aZero: 5 })),
  ...[1, 3, 6, 13, 14, 15, 33].map((w) => smallConvCase(`row of ${w}`, 20, 33, { size: [1, w], kernel: [1, 1], pads: [0, 0, 0, 0] })),
  smallConvCase('1x1, odd depth', 19, 33, { kernel: [1, 1], pads: [0, 0, 0, 0] }),
  smallConvCase('1x1 with padding', 16, 33, { kernel: [1, 1], aZero: 9 }),
  smallConvCase('1x1 stride 2', 16, 33, { kernel: [1, 1], pads: [0, 0, 0, 0], strides: [2, 2] }),
  smallConvCase('deep', 260, 35, { size: [4, 4], residual: true, aZero: 77, zero: 100 }),
  smallConvCase('stem', 3, 32, { batch: 2, size: [17, 19], strides: [2, 2], aZero: 114 }),
  smallConvCase('stem 7x7', 3, 64, { size: [20, 21], kernel: [7, 7], strides: [2, 2], pads: [3, 3, 3, 3], aZero: 255 }),
  smallConvCase('asymmetric pads', 18, 12, { pads: [0, 1, 2, 3], aZero: 3 }),
  smallConvCase('stride 3', 20, 40, { size: [10, 11], strides: [3, 2] }),
  smallConvCase('dilated', 20, 24, { size: [9, 10], pads: [2, 3, 2, 3], dilations: [2, 3], aZero: 1 }),
  smallConvCase('taps far outside', 5, 12, { size: [4, 5], pads: [2 ** 30, 1, 2 ** 30, 1], dilations: [2 ** 30, 1], aZero: 7 }),
  smallConvCase('many tiles', 16, 48, { size: [33, 33], residual: true, aZero: 9, zero: 100 }),
  smallConvCase('many tiles by words', 20, 70, { size: [33, 33], aZero: 200 }),
  smallConvCase('many tiles by bytes', 3, 40, { size: [33, 33], aZero: 31 }),
  smallConvCase('groups', 12, 24, { group: 3, residual: true, aZero: 10 }),
  smallConvCase('1x1 groups', 24, 36, { group: 3, kernel: [1, 1], pads: [0, 0, 0, 0] }),
  smallConvCase('many channels a group', 64, 40, { group: 2, low: 30 }),
  smallConvCase('a filter a channel', 19, 38, { group: 19, aZero: 99 }),
  smallConvCase('gap between pixels', 16, 33, { gap: 7, residual: true }),
  smallConvCase('pads beyond the kernel', 16, 8, { size: [2, 2], pads: [4, 4, 4, 4], aZero: 200 }),
  smallConvCase('empty batch', 16, 8, { batch: 0 }),
  smallConvCase('one dimension', 8, 9, { size: [13], kernel: [3], pads: [1, 1] }),
  smallConvCase('three dimensions', 5, 9, { size: [4, 5, 6], kernel: [3, 2, 3], pads: [1, 0, 1, 1, 1, 1], strides: [2, 1, 1], aZero: 128 }),
  smallConvCase('floats', 16, 33, { output: 'f32', addend: true }),
  smallConvCase('integers', 16, 33, { output: 'i32', group: 1, aZero: 6 }),
  smallConvCase('one multiplier', 16, 33, { oneMultiplier: true }),
];

const wide = (name: string, channels: number, outChannels: number, rest: Partial<IntegerConvCase> = {}) =>
  smallConvCase(name, channels, outChannels, { size: [9, 17], ...rest });

/** Edges of the convolution over copied rows: tiles of 14x32 and 6x16, the last one of a row, strips of 8 rows, quads of a row of taps. */
export const stripCases: readonly IntegerConvCase[] = [
  wide('plain', 16, 33, { aZero: 130, zero: 12 }),
  ...[1, 4, 15, 16, 17, 32, 64, 65].map((m) => wide('by columns', 8, m, { aZero: 3 })),
  ...[1, 2, 3, 4, 5, 7, 20].map((c) => wide('by depth', c, 20, { aZero: 200 })),
  ...[14, 15, 16, 27, 28, 29, 42, 43].map((w) => wide(`row of ${w}`, 5, 33, { size: [3, w], aZero: 9 })),
  ...[1, 7, 8, 9, 16, 17].map((h) => wide(`${h} rows`, 5, 20, { size: [h, 14], aZero: 9 })),
  wide('stem', 3, 32, { batch: 2, size: [33, 35], strides: [2, 2], aZero: 114 }),
  wide('stem 7x7', 3, 64, { size: [40, 41], kernel: [7, 7], strides: [2, 2], pads: [3, 3, 3, 3], aZero: 255 }),
  wide('asymmetric pads', 18, 12, { pads: [0, 1, 2, 3], aZero: 3 }),
  wide('no pads', 18, 12, { pads: [0, 0, 0, 0], aZero: 3 }),
  wide('pads beyond the image', 6, 8, { size: [2, 3], pads: [6, 9, 6, 9], aZero: 77 }),
  wide('stride 3 and 8', 3, 12, { size: [20, 115], strides: [3, 8], aZero: 3 }),
  wide('1x5', 6, 12, { kernel: [1, 5], pads: [0, 2, 0, 2], aZero: 4 }),
  wide('5x1', 6, 12, { kernel: [5, 1], pads: [2, 0, 2, 0], aZero: 4 }),
  wide('1x1 stride 2', 6, 12, { kernel: [1, 1], pads: [0, 0, 0, 0], size: [9, 40], strides: [2, 2], aZero: 4 }),
  wide('residual, gap', 16, 33, { gap: 7, residual: true, batch: 3 }),
  wide('floats', 7, 33, { output: 'f32', addend: true }),
  wide('integers', 7, 33, { output: 'i32', aZero: 6 }),
  wide('one multiplier, bounds', 7, 33, { oneMultiplier: true, low: 20, high: 200 }),
  wide('empty batch', 7, 33, { batch: 0 }),
];

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** Operands after y, a and b: bias, multipliers, residual, addend. */
export function endingOperands(c: EndingCase, columns: number, outputs: number, k: number): (TypedArray | undefined)[] {
  const most = 2 * plainMultiplier(c, k);
  const multipliers = c.multiplier === 0 ? new Float32Array(c.oneMultiplier ? 1 : columns).fill(0.5) : floats(c.oneMultiplier ? 1 : columns, 5, 0, most);
  return [
    integers(columns, 4, 1000),
    c.output === 'i32' ? undefined : multipliers,
    c.residual ? unsigned(outputs, 6) : undefined,
    c.addend ? floats(columns, 7) : undefined,
  ];
}

export function resultOf(c: EndingCase, length: number): TypedArray {
  return c.output === 'f32' ? new Float32Array(length) : c.output === 'i32' ? new Int32Array(length) : new Uint8Array(length);
}

/** Every row of gemm_i8 and conv_i8 on layers of real networks. */
export function integerBenchCases(row: KernelRow): KernelCase[] {
  if (row.op === 'gemm_i8') {
    return realProducts
      .filter((c) => c.batch === undefined)
      .map(
        ({ name, m, n, k }): KernelCase => ({
          name: `gemm_i8 ${name}`,
          op: row.op,
          dtypes: row.dtypes,
          schema: integerGemmParams,
          params: gemmCaseParams({ name, m, n, k }),
          outputs: () => [new Uint8Array(m * n)],
          inputs: () => [unsigned(m * k, 1), signed(packedBytes(k, n, row.nr, row.kr), 2), ...endingOperands({}, n, m * n, k)],
          bench: true,
          flops: 2 * m * n * k,
        }),
      );
  }
  const ofRows = row.op === 'conv_rows_i8';
  const fits = (c: ConvCase) => !ofRows || (product(c.kernel) > 1 && (outputSize(c)[1] as number) >= 14);
  const withResidual = realConvolutions.slice(0, 1).map((c): IntegerConvCase => ({ ...c, name: `${c.name} + residual`, residual: true }));
  return [...realConvolutions, ...withResidual].filter(fits).map((c): KernelCase => {
    const k = (product(c.kernel) * c.channels) / (c.group ?? 1);
    const outputs = c.batch * product(outputSize(c)) * c.outChannels;
    return {
      name: `${row.op} ${c.name}`,
      op: row.op,
      dtypes: row.dtypes,
      schema: integerConvolutionParams,
      params: convCaseParams(c),
      outputs: () => [new Uint8Array(outputs)],
      inputs: () => [
        unsigned(c.batch * product(c.size) * c.channels, 1),
        signed(
          (c.group ?? 1) *
            packedBytes(ofRows ? paddedRows(product(c.kernel), c.channels, c.kernel[1] as number, row.kr) : k, c.outChannels / (c.group ?? 1), row.nr, row.kr),
          2,
        ),
        ...endingOperands({ residual: c.residual ?? false }, c.outChannels, outputs, k),
      ],
      bench: true,
      flops: convFlops(c),
    };
  });
}
