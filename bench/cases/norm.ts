import { channelNormParams, lpNormParams, lrnParams, momentsParams, normRowsParams } from '../../lib/kernels/norm.js';
import type { ParamSchema } from '../../lib/kernels/params.js';
import { floats, type KernelCase } from './case.js';

interface RowOptions {
  rms?: boolean;
  segment?: number;
  period?: number;
  skipRows?: number;
  /** Which optional operands are there. */
  scale?: boolean;
  bias?: boolean;
  statistics?: boolean;
  sum?: boolean;
}

export function rowsCase(rows: number, n: number, o: RowOptions = {}, bench = false): KernelCase {
  const { segment = 1, period = 1, skipRows = 0 } = o;
  const scales = period * (n / segment);
  return {
    name: `norm_rows [${rows},${n}] ${JSON.stringify(o)}`,
    op: 'norm_rows',
    dtypes: 'f32',
    schema: normRowsParams,
    params: { kind: o.rms ? 1 : 0, epsilon: 1e-5, rows, n, segment, period, skipRows: Math.max(1, skipRows) },
    outputs: () => [
      new Float32Array(rows * n),
      o.statistics ? new Float32Array(rows) : undefined,
      o.statistics ? new Float32Array(rows) : undefined,
      o.sum ? new Float32Array(rows * n) : undefined,
    ],
    inputs: () => [
      floats(rows * n, 1, -2, 3),
      skipRows > 0 ? floats(skipRows * n, 2) : undefined,
      skipRows > 0 ? floats(n, 3) : undefined,
      o.scale ? floats(scales, 4, 0.5, 2) : undefined,
      o.bias ? floats(scales, 5) : undefined,
    ],
    bench,
  };
}

function plain(op: string, schema: ParamSchema, params: KernelCase['params'], elements: number, low = -2, high = 3, bench = false): KernelCase {
  return {
    name: `${op} ${JSON.stringify(params)}`,
    op,
    dtypes: 'f32',
    schema,
    params,
    outputs: () => [new Float32Array(elements)],
    inputs: () => [floats(elements, 6, low, high)],
    bench,
  };
}

export function lpCase(p: number, outer: number, n: number, inner: number): KernelCase {
  return plain('lp_norm', lpNormParams, { p, spare: 0, outer, n, inner }, outer * n * inner);
}

export function lrnCase(size: number, beta: number, outer: number, channels: number, inner: number, bench = false): KernelCase {
  return plain('lrn', lrnParams, { alpha: 0.02, beta, bias: 1, size, outer, channels, inner }, outer * channels * inner, -2, 3, bench);
}

export function momentsCase(outer: number, channels: number, inner: number, running = false): KernelCase {
  const each = () => new Float32Array(channels);
  return {
    ...plain('moments', momentsParams, { momentum: 0.75, spare: 0, outer, channels, inner }, channels),
    outputs: () => [each(), each(), running ? each() : undefined, running ? each() : undefined],
    inputs: () => [floats(outer * channels * inner, 6, 3, 5), running ? floats(channels, 7) : undefined, running ? floats(channels, 8) : undefined],
  };
}

export function channelCase(kind: number, outer: number, channels: number, inner: number, affine: boolean, bench = false): KernelCase {
  return {
    ...plain('channel_norm', channelNormParams, { kind, epsilon: 1e-5, outer, channels, inner }, outer * channels * inner, -2, 3, bench),
    inputs: () => [
      floats(outer * channels * inner, 6, -2, 3),
      floats(channels, 7),
      floats(channels, 8, 0.1, 2),
      affine ? floats(channels, 9) : undefined,
      affine ? floats(channels, 10) : undefined,
    ],
  };
}

export const cases: readonly KernelCase[] = [
  ...[1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129, 768, 2048, 2049].flatMap((n) => [
    rowsCase(3, n, { scale: true, bias: true, statistics: true }),
    rowsCase(3, n, { scale: true, rms: true }),
  ]),
  rowsCase(4, 20, {}),
  rowsCase(0, 20, { scale: true }),
  rowsCase(6, 20, { segment: 5, period: 2, scale: true, bias: true }), // groups of 4 channels
  rowsCase(6, 20, { segment: 20, period: 3, scale: true, bias: true }), // instances
  rowsCase(6, 20, { segment: 20, period: 1, scale: true }),
  rowsCase(6, 33, { skipRows: 6, scale: true, bias: true, statistics: true, sum: true }),
  rowsCase(6, 33, { skipRows: 3, scale: true, rms: true }),
  ...[1, 2].flatMap((p) => [lpCase(p, 3, 17, 1), lpCase(p, 2, 9, 20), lpCase(p, 2, 5, 130), lpCase(p, 2, 0, 3)]),
  ...[1, 2, 3, 5, 9].flatMap((size) => [lrnCase(size, 0.75, 2, 7, 19), lrnCase(size, 0.5, 1, 3, 70)]),
  ...[false, true].flatMap((running) => [momentsCase(3, 5, 17, running), momentsCase(40, 70, 1, running), momentsCase(1, 1, 1, running)]),
  ...[0, 1].flatMap((kind) =>
    [false, true].flatMap((affine) => [channelCase(kind, 3, 5, 17, affine), channelCase(kind, 7, 37, 1, affine), channelCase(kind, 0, 3, 2, affine)]),
  ),
  rowsCase(197, 768, { scale: true, bias: true }, true), // ViT-Base
  rowsCase(1, 4096, { scale: true, rms: true }, true), // decoder, one token
  channelCase(0, 1, 64, 112 * 112, true, true),
  lrnCase(5, 0.75, 1, 96, 55 * 55, true), // AlexNet
];
