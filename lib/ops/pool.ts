/**
 * Pooling. The ONNX operators are channels-first and only typed here: the layout pass rewrites them to the channels-last
 * `dsnk` ones of the same name, which become kernels.
 */
import type { Lowering } from '../compile/lowering.js';
import type { Dim } from '../graph/dim.js';
import { bytePoolParams, poolIndicesParams, poolKind, poolParams } from '../kernels/pool.js';
import type { Inference, Operator, OutputType } from './operator.js';
import { resolvePads, threeAxes, type WindowShape, windowOf, windowOutput } from './spatial.js';

type Kind = 'max' | 'average' | 'lp';

function spatialOf(q: Inference, channelsLast: boolean): readonly Dim[] {
  const x = q.shape(0);
  if (x.length < 3) q.fail('input must have batch, channels and at least one spatial dimension', q.inputTexts());
  if (channelsLast && x.length > 5) q.fail('pooling must have at most 3 spatial dimensions', q.inputTexts());
  return channelsLast ? x.slice(1, -1) : x.slice(2);
}

function withSpatial(q: Inference, size: readonly Dim[], channelsLast: boolean): readonly Dim[] {
  const x = q.shape(0);
  return channelsLast ? [x[0] as Dim, ...size, x[x.length - 1] as Dim] : [x[0] as Dim, x[1] as Dim, ...size];
}

function infer(q: Inference, kind: Kind, channelsLast: boolean): readonly OutputType[] {
  const size = spatialOf(q, channelsLast);
  const kernel = q.node.ints('kernel_shape');
  if (kernel.length !== size.length) q.fail(`kernel_shape must hold ${size.length} numbers`, `[${kernel.join(',')}] came`);
  if (kind === 'lp' && q.node.int('p', 2) < 1) q.fail('p must be positive', `${q.node.int('p', 2)} came`);
  if (q.node.ints('pads', []).some((n) => n < 0)) q.fail('pads must not be negative', `[${q.node.ints('pads').join(',')}] came`);
  const shape = withSpatial(q, windowOutput(q, size, windowOf(q.node, kernel), q.node.int('ceil_mode', 0) !== 0), channelsLast);
  const y: OutputType = { dtype: q.dtype(0), shape };
  return kind === 'max' ? [y, { dtype: 'int64', shape }] : [y];
}

function inferGlobal(q: Inference, channelsLast: boolean): readonly OutputType[] {
  const size = spatialOf(q, channelsLast);
  return [
    {
      dtype: q.dtype(0),
      shape: withSpatial(
        q,
        size.map(() => 1),
        channelsLast,
      ),
    },
  ];
}

function inferBytes(q: Inference, outputs: readonly OutputType[]): readonly OutputType[] {
  if (q.dtype(0) !== 'uint8') q.failDtype('elements must be uint8');
  return outputs;
}

/** Parameters that all pooling kernels take. */
function shared(low: Lowering, window: WindowShape, pads: readonly number[]) {
  const [x, y] = [low.dims(0), low.outDims()];
  const rank = x.length - 2;
  return {
    batch: x[0] as number,
    channels: x[rank + 1] as number,
    inSize: threeAxes(x.slice(1, -1), 1),
    outSize: threeAxes(y.slice(1, -1), 1),
    kernel: threeAxes(window.kernel, 1),
    strides: threeAxes(window.strides, 1),
    padsBegin: threeAxes(pads.slice(0, rank), 0),
    dilations: threeAxes(window.dilations, 1),
  };
}

function emitPool(low: Lowering, kind: Kind, window: WindowShape, pads: readonly number[]): void {
  const { node } = low;
  const padded = kind === 'average' && node.int('count_include_pad', 0) !== 0;
  if (kind === 'average' && low.dtype(0) === 'u8') {
    const params = {
      ...shared(low, window, pads),
      padded: padded ? 1 : 0,
      padsEnd: threeAxes(pads.slice(window.kernel.length), 0),
      ldc: low.rowElements(),
      xZero: node.int('x_zero', 0),
      zero: node.int('y_zero', 0),
      low: 0,
      high: 255,
      ratio: node.float('ratio', 1),
    };
    low.emit(low.select('pool_average_i8', 'u8'), bytePoolParams, params, [low.out()], [low.in(0)], { reason: 'sums of bytes' });
    return;
  }
  low.emit(
    low.select('pool', low.dtype(0)),
    poolParams,
    {
      ...shared(low, window, pads),
      kind: poolKind.value(padded ? 'averagePadded' : kind),
      p: kind === 'lp' ? node.int('p', 2) : 0,
      padsEnd: threeAxes(pads.slice(window.kernel.length), 0),
      ldc: low.rowElements(),
    },
    [low.out()],
    [low.in(0)],
  );
}

function lower(low: Lowering, kind: Kind): void {
  const { node } = low;
  const window = windowOf(node, node.ints('kernel_shape'));
  const pads = resolvePads(node, low.dims(0).slice(1, -1), window);
  if (kind === 'max' && low.wanted(1)) {
    low.emit(
      low.select('pool_indices', low.dtype(0)),
      poolIndicesParams,
      { ...shared(low, window, pads), columnMajor: node.int('storage_order', 0) },
      [low.out(0), low.out(1)],
      [low.in(0)],
      { reason: 'positions are wanted too' },
    );
  } else {
    emitPool(low, kind, window, pads);
  }
}

function lowerGlobal(low: Lowering, kind: Kind): void {
  const size = low.dims(0).slice(1, -1);
  // A window over everything; one element where there is nothing, which the kernel then finds outside.
  const ones = size.map(() => 1);
  emitPool(low, kind, { kernel: size.map((n) => Math.max(n, 1)), strides: ones, dilations: ones }, Array<number>(2 * size.length).fill(0));
}

const windowed = [
  ['MaxPool', 'max'],
  ['AveragePool', 'average'],
  ['LpPool', 'lp'],
] as const;

const global = [
  ['GlobalMaxPool', 'max'],
  ['GlobalAveragePool', 'average'],
  ['GlobalLpPool', 'lp'],
] as const;

export const poolOperators: readonly Operator[] = [
  ...windowed.flatMap(([name, kind]): Operator[] => [
    { name, domain: '', infer: (q) => infer(q, kind, false) },
    { name, domain: 'dsnk', writesRows: true, infer: (q) => infer(q, kind, true), lower: (low) => lower(low, kind) },
  ]),
  ...global.flatMap(([name, kind]): Operator[] => [
    { name, domain: '', infer: (q) => inferGlobal(q, false) },
    { name, domain: 'dsnk', writesRows: true, infer: (q) => inferGlobal(q, true), lower: (low) => lowerGlobal(low, kind) },
  ]),
  // x u8 → u8: attributes of the float operators, and x_zero, y_zero, ratio = xScale / yScale
  { name: 'QAveragePool', domain: 'dsnk', writesRows: true, infer: (q) => inferBytes(q, infer(q, 'average', true)), lower: (low) => lower(low, 'average') },
  {
    name: 'QGlobalAveragePool',
    domain: 'dsnk',
    writesRows: true,
    infer: (q) => inferBytes(q, inferGlobal(q, true)),
    lower: (low) => lowerGlobal(low, 'average'),
  },
];
