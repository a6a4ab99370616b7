/** Operators that choose elements by size: ArgMax, ArgMin, TopK. */
import { elementCount, isConcrete } from '../graph/dim.js';
import { argReduceParams, topkParams } from '../kernels/select.js';
import { movableElements, orUnknown } from './known.js';
import type { Inference, Operator, OutputType } from './operator.js';
import { aroundAxis } from './softmax.js';

function argOperator(name: string, smallest: boolean): Operator {
  return {
    name,
    domain: '',
    infer(q) {
      const shape = orUnknown(q, () => q.shape(0));
      if (shape === undefined) return [{ dtype: 'int64', shape: undefined }];
      const axis = q.axis(q.node.int('axis', 0), shape.length);
      if (shape[axis] === 0) q.fail('the axis must not be empty', q.inputTexts());
      const keep = q.node.int('keepdims', 1) !== 0;
      return [{ dtype: 'int64', shape: shape.flatMap((d, i) => (i !== axis ? [d] : keep ? [1] : [])), known: knownIndex(q, smallest) }];
    },
    lower(low) {
      low.emit(
        low.select('arg_reduce', low.dtype(0)),
        argReduceParams,
        { smallest: smallest ? 1 : 0, last: low.node.int('select_last_index', 0) === 0 ? 0 : 1, ...aroundAxis(low.dims(0), low.node.int('axis', 0)) },
        [low.out()],
        [low.in(0)],
      );
    },
  };
}

/** The index within a known list of integers. */
function knownIndex(q: Inference, smallest: boolean): OutputType['known'] {
  const list = q.rank(0) === 1 ? movableElements(q, 0) : undefined;
  if (list === undefined || list.length === 0 || !isConcrete(list)) return undefined;
  const best = smallest ? Math.min(...list) : Math.max(...list);
  return [q.node.int('select_last_index', 0) === 0 ? list.indexOf(best) : list.lastIndexOf(best)];
}

const topk: Operator = {
  name: 'TopK',
  domain: '',
  infer(q) {
    const dtype = q.dtype(0);
    const types = (shape: OutputType['shape']): OutputType[] => [
      { dtype, shape },
      { dtype: 'int64', shape },
    ];
    const shape = orUnknown(q, () => q.shape(0));
    if (shape === undefined) return types(undefined);
    const axis = q.axis(q.node.int('axis', -1), shape.length);
    const count = orUnknown(q, () => q.dims(1));
    if (count !== undefined && count.length !== 1) q.fail('k must be one number', q.inputTexts());
    const k = count === undefined ? q.unknownDim() : (count[0] as number | string);
    const n = shape[axis] as number | string;
    if (typeof k === 'number' && (k < 0 || (typeof n === 'number' && k > n))) q.fail(`k must be 0 to the length of axis ${axis}`, `${k}, ${q.inputTexts()}`);
    return types(shape.map((d, i) => (i === axis ? k : d)));
  },
  lower(low) {
    const axis = low.node.int('axis', -1);
    const dims = low.dims(0);
    const k = low.outDims()[axis < 0 ? axis + dims.length : axis] as number;
    const indices = low.wanted(1) ? low.out(1) : low.temp(elementCount(low.outDims()) * 8, 'indices');
    low.emit(
      low.select('topk', low.dtype(0)),
      topkParams,
      { smallest: low.node.int('largest', 1) === 0 ? 1 : 0, spare: 0, ...aroundAxis(dims, axis), k },
      [low.out(), indices],
      [low.in(0)],
    );
  },
};

export const selectOperators: readonly Operator[] = [argOperator('ArgMax', false), argOperator('ArgMin', true), topk];
