/** Normalisations of the channels of [N, C, spatial…], in ONNX layout. */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { elementCount } from '../graph/dim.js';
import { channelNorm, channelNormParams, lrnParams, momentsParams } from '../kernels/norm.js';
import { orUnknown } from './known.js';
import { checkCount, sameAsInput } from './norm.js';
import type { Operator, OutputType } from './operator.js';
import { collapseAxes } from './reduce.js';
import { copyView, denseView, elementBytesOf } from './strided.js';
import { permuteView } from './transpose.js';

/** [outer, channels, inner] of [N, C, spatial…]. */
function channelsOf(dims: readonly number[]): { outer: number; channels: number; inner: number } {
  return { outer: dims[0] ?? 1, channels: dims[1] ?? 1, inner: elementCount(dims.slice(2)) };
}

const batchNormalization: Operator = {
  name: 'BatchNormalization',
  domain: '',
  infer(q) {
    const [y] = sameAsInput(q) as [OutputType];
    const channels = y.shape === undefined ? undefined : (y.shape[1] ?? 1);
    for (const i of [1, 2, 3, 4]) checkCount(q, i, channels, 'one number a channel');
    const running = (i: number) => ({ dtype: q.dtype(i), shape: orUnknown(q, () => q.shape(i)) });
    return [y, running(3), running(4)];
  },
  lower(low) {
    const layout = channelsOf(low.dims(0));
    let mean = low.in(3);
    let variance = low.in(4);
    if (low.node.int('training_mode', 0) !== 0) {
      const old = [mean, variance] as const;
      mean = low.temp(mean.bytes, 'mean');
      variance = low.temp(variance.bytes, 'variance');
      const running = [1, 2].map((i) => (low.wanted(i) ? low.out(i) : undefined));
      low.emit(
        low.select('moments', low.dtype(0)),
        momentsParams,
        { momentum: low.node.float('momentum', 0.9), spare: 0, ...layout },
        [mean, variance, ...running],
        [low.in(0), running[0] && old[0], running[1] && old[1]],
      );
    }
    low.emit(
      low.select('channel_norm', low.dtype(0)),
      channelNormParams,
      { kind: channelNorm.value('batch'), epsilon: low.node.float('epsilon', 1e-5), ...layout },
      [low.out()],
      [low.in(0), mean, variance, low.in(1), low.in(2)],
    );
  },
};

/** Every channel brought to mean 0 and deviation 1. */
function emitDeviation(low: Lowering, y: Ref, x: Ref, layout: ReturnType<typeof channelsOf>): void {
  const mean = low.temp(layout.channels * 4, 'mean');
  const variance = low.temp(layout.channels * 4, 'variance');
  low.emit(
    low.select('moments', low.dtype(0)),
    momentsParams,
    { momentum: 0, spare: 0, ...layout },
    [mean, variance, undefined, undefined],
    [x, undefined, undefined],
  );
  low.emit(
    low.select('channel_norm', low.dtype(0)),
    channelNormParams,
    { kind: channelNorm.value('deviation'), epsilon: 1e-9, ...layout },
    [y],
    [x, mean, variance, undefined, undefined],
  );
}

const meanVarianceNormalization: Operator = {
  name: 'MeanVarianceNormalization',
  domain: '',
  infer(q) {
    const shape = orUnknown(q, () => q.shape(0));
    if (shape !== undefined) for (const a of q.node.ints('axes', [0, 2, 3])) q.axis(a, shape.length);
    return sameAsInput(q);
  },
  lower(low) {
    const dims = low.dims(0);
    const y = low.out();
    if (y.bytes === 0) return;
    const axes = low.node.ints('axes', [0, 2, 3]).map((a) => (a < 0 ? a + dims.length : a));
    const groups = collapseAxes(
      dims,
      dims.map((_, d) => axes.includes(d)),
    );
    const isReduced = (d: number) => ((groups.mask >> d) & 1) === 1;
    const first = isReduced(0) ? (groups.dims[0] as number) : 1;
    const [channels = 1, inner = 1, ...more] = groups.dims.slice(isReduced(0) ? 1 : 0);
    if (more.length === 0) return emitDeviation(low, y, low.in(0), { outer: first, channels, inner });
    // Dimensions left out of axes that do not stand together are brought to the front, and back.
    const order = [...groups.dims.keys()].sort((a, b) => Number(isReduced(a)) - Number(isReduced(b)));
    const front = permuteView(denseView(groups.dims), order);
    const back = permuteView(
      denseView(front.dims),
      groups.dims.map((_, d) => order.indexOf(d)),
    );
    const bytes = elementBytesOf(low.node.output());
    const kept = elementCount(groups.dims.filter((_, d) => !isReduced(d)));
    const x = copyView(low, low.temp(y.bytes, 'channels first'), low.in(0), front, bytes);
    const made = low.temp(y.bytes, 'normalised');
    emitDeviation(low, made, x, { outer: 1, channels: kept, inner: elementCount(dims) / kept });
    copyView(low, y, made, back, bytes);
  },
};

const lrn: Operator = {
  name: 'LRN',
  domain: '',
  infer(q) {
    if (q.node.int('size') < 1) q.fail('size must be at least 1', `${q.node.int('size')} came`);
    return sameAsInput(q);
  },
  lower(low) {
    low.emit(
      low.select('lrn', low.dtype(0)),
      lrnParams,
      {
        alpha: low.node.float('alpha', 1e-4),
        beta: low.node.float('beta', 0.75),
        bias: low.node.float('bias', 1),
        size: low.node.int('size'),
        ...channelsOf(low.dims(0)),
      },
      [low.out()],
      [low.in(0)],
    );
  },
};

export const channelNormOperators: readonly Operator[] = [batchNormalization, meanVarianceNormalization, lrn];
