/** Pooling for tests and bench. */
import { poolKind, poolParams } from '../../lib/kernels/pool.js';
import { floats, type KernelCase } from './case.js';

export interface PoolCase {
  readonly name: string;
  readonly kind: 'max' | 'average' | 'averagePadded' | 'lp';
  readonly batch: number;
  readonly size: readonly number[];
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  /** Output elements past the last whole window (ceil_mode). */
  readonly longer?: number;
  readonly p?: number;
  /** Elements past the channels in each pixel of y. */
  readonly gap?: number;
}

const three = (list: readonly number[], fill: number): number[] => [...Array<number>(3 - list.length).fill(fill), ...list];

export function poolOutput(c: PoolCase): number[] {
  const rank = c.size.length;
  return c.size.map((n, a) => {
    const pads = (c.pads?.[a] ?? 0) + (c.pads?.[a + rank] ?? 0);
    const reach = ((c.kernel[a] as number) - 1) * (c.dilations?.[a] ?? 1) + 1;
    return Math.floor((n + pads - reach) / (c.strides?.[a] ?? 1)) + 1 + (c.longer ?? 0);
  });
}

export function poolParamsOf(c: PoolCase) {
  const rank = c.size.length;
  const pads = c.pads ?? Array<number>(2 * rank).fill(0);
  return {
    kind: poolKind.value(c.kind),
    batch: c.batch,
    channels: c.channels,
    p: c.p ?? 2,
    inSize: three(c.size, 1),
    outSize: three(poolOutput(c), 1),
    kernel: three(c.kernel, 1),
    strides: three(c.strides ?? [], 1),
    padsBegin: three(pads.slice(0, rank), 0),
    padsEnd: three(pads.slice(rank), 0),
    dilations: three(c.dilations ?? [], 1),
    ldc: c.channels + (c.gap ?? 0),
  };
}

const kinds = ['max', 'average', 'averagePadded', 'lp'] as const;
const of = (name: string, kind: PoolCase['kind'], rest: Partial<PoolCase> = {}): PoolCase => ({
  name: `${kind} ${name}`,
  kind,
  batch: 1,
  size: [6, 7],
  channels: 19,
  kernel: [3, 3],
  ...rest,
});

export const poolCases: readonly PoolCase[] = kinds.flatMap((kind) => [
  ...[1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130].map((channels) => of(`${channels} channels`, kind, { channels, size: [4, 4] })),
  of('pads', kind, { pads: [1, 2, 2, 0], strides: [2, 2], batch: 2 }),
  of('ceiled', kind, { pads: [1, 1, 1, 1], strides: [2, 2], longer: 1 }),
  of('dilated', kind, { dilations: [2, 3], size: [9, 10] }),
  of('one dimension', kind, { size: [11], kernel: [4], strides: [3] }),
  of('three dimensions', kind, { size: [4, 5, 6], kernel: [2, 3, 2], pads: [1, 1, 0, 0, 1, 1] }),
  of('global', kind, { size: [7, 7], kernel: [7, 7], channels: 100, batch: 2 }),
  of('gap between pixels', kind, { gap: 5, strides: [2, 1], channels: 33 }),
  of('wide rows', kind, { size: [3, 40], channels: 270, kernel: [2, 3], pads: [0, 1, 1, 1] }),
  of('a window beyond the input', kind, { size: [2, 3], kernel: [3, 3], pads: [4, 4, 4, 4], dilations: [2, 2] }),
  of('empty batch', kind, { batch: 0 }),
  ...(kind === 'lp' ? [1, 3, 4].map((p) => of(`p=${p}`, kind, { p, pads: [1, 1, 1, 1] })) : []),
]);

export const poolBenchCases: readonly PoolCase[] = [
  of('3x3 s2 64 @112', 'max', { size: [112, 112], channels: 64, strides: [2, 2], pads: [1, 1, 1, 1] }),
  of('3x3 s2 24 @112', 'max', { size: [112, 112], channels: 24, strides: [2, 2], pads: [1, 1, 1, 1] }),
  of('global 32 @112', 'average', { size: [112, 112], kernel: [112, 112], channels: 32 }),
  of('global 672 @14', 'average', { size: [14, 14], kernel: [14, 14], channels: 672 }),
  of('global 1280 @7', 'average', { size: [7, 7], kernel: [7, 7], channels: 1280 }),
  of('2x2 s2 256 @28', 'average', { size: [28, 28], kernel: [2, 2], strides: [2, 2], channels: 256 }),
];

/** A case as one call. */
export function poolKernelCase(c: PoolCase): KernelCase {
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, c.batch * c.channels);
  return {
    name: `pool ${c.name}`,
    op: 'pool',
    dtypes: 'f32',
    schema: poolParams,
    params: poolParamsOf(c),
    outputs: () => [new Float32Array((product(poolOutput(c)) / c.channels) * (c.channels + (c.gap ?? 0)))],
    inputs: () => [floats(product(c.size), 1)],
    bench: true,
  };
}
