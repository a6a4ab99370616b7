/** Softmax, LogSoftmax and Hardmax along one axis (the opset 13 form), and softmax of bytes. */
import { elementCount } from '../graph/dim.js';
import { Constant } from '../graph/graph.js';
import { byteSoftmaxParams, softmaxCurve, softmaxKind, softmaxParams } from '../kernels/softmax.js';
import { orUnknown } from './known.js';
import type { Operator } from './operator.js';

/** [outer, n, inner] about an axis: how kernels along one axis see a tensor. */
export function aroundAxis(dims: readonly number[], axis: number): { outer: number; n: number; inner: number } {
  const a = axis < 0 ? axis + dims.length : axis;
  return { outer: elementCount(dims.slice(0, a)), n: dims[a] ?? 1, inner: elementCount(dims.slice(a + 1)) };
}

function softmaxOperator(name: string, kind: (typeof softmaxKind.members)[number]): Operator {
  return {
    name,
    domain: '',
    infer(q) {
      const shape = orUnknown(q, () => q.shape(0));
      if (shape !== undefined && shape.length > 0) q.axis(q.node.int('axis', -1), shape.length);
      return [{ dtype: q.dtype(0), shape }];
    },
    lower(low) {
      low.emit(
        low.select('softmax', low.dtype(0)),
        softmaxParams,
        { kind: softmaxKind.value(kind), spare: 0, ...aroundAxis(low.dims(0), low.node.int('axis', -1)) },
        [low.out()],
        [low.in(0)],
      );
    },
  };
}

/** x u8 → u8 along the last axis; attributes x_scale, y_zero, ratio = 1 / yScale. The zero point of x makes no difference. */
const byteSoftmax: Operator = {
  name: 'QSoftmax',
  domain: 'dsnk',
  infer(q) {
    if (q.dtype(0) !== 'uint8') q.failDtype('elements must be uint8');
    const shape = q.shape(0);
    if (shape.length === 0) q.fail('input must have an axis', q.inputTexts());
    return [{ dtype: 'uint8', shape }];
  },
  lower(low) {
    const { node } = low;
    const dims = low.dims(0);
    low.emit(
      low.select('softmax_i8', 'u8'),
      byteSoftmaxParams,
      { ratio: node.float('ratio', 1), zero: node.int('y_zero', 0), rows: elementCount(dims.slice(0, -1)), n: dims.at(-1) as number },
      [low.out()],
      [low.in(0), low.constant(Constant.of('int32', [256], softmaxCurve(node.float('x_scale', 1))))],
      { reason: 'exponentials of bytes from a table' },
    );
  },
};

export const softmaxOperators: readonly Operator[] = [
  softmaxOperator('Softmax', 'softmax'),
  softmaxOperator('LogSoftmax', 'logSoftmax'),
  softmaxOperator('Hardmax', 'hardmax'),
  byteSoftmax,
];
