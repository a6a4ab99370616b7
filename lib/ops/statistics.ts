/** Histogram: what calibration sees of a tensor. Only the quantizer adds it to a graph. */
import type { Lowering } from '../compile/lowering.js';
import { elementCount, isConcrete } from '../graph/dim.js';
import { histogramParams } from '../kernels/statistics.js';
import type { Inference, Operator, OutputType } from './operator.js';

/** Enough for a tile to pay; and no tensor is so large that thousands of bins per part count beside it. */
const PART = 65536;

function parts(count: number): number {
  return Math.min(Math.max(1, Math.ceil(count / PART)), 64);
}

/** x, ranges → counts u32 [parts, bins + 1], extremes f32 [parts, 3]. */
function infer(q: Inference): OutputType[] {
  if (q.dtype(0) !== 'float32' || q.dtype(1) !== 'float32') q.failDtype('input and ranges must be float32');
  // Not q.shape: results have their types even where not so much as a rank is known yet.
  const { shape: x } = q.node.input(0);
  const bins = q.node.int('bins');
  const rows = x !== undefined && isConcrete(x) ? parts(elementCount(x)) : q.unknownDim();
  return [
    { dtype: 'uint32', shape: [rows, bins + 1] },
    { dtype: 'float32', shape: [rows, 3] },
  ];
}

function lower(low: Lowering): void {
  const count = elementCount(low.dims(0));
  low.emit(
    low.select('histogram', low.dtype(0)),
    histogramParams,
    { count, parts: parts(count), bins: low.node.int('bins'), index: low.node.int('index') },
    [low.out(0), low.out(1)],
    [low.in(0), low.in(1)],
  );
}

export const statisticsOperators: readonly Operator[] = [{ name: 'Histogram', domain: 'dsnk', infer, lower }];
