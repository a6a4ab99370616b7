/** Functions that move, cut, join and reduce; WebNN names and options. */
import { dsnkError, spelled } from '../errors.js';
import type { Labelled } from './elementwise.js';
import { type Arg, emit, integer, ints, type Result, shapeOf } from './operand.js';

type Dense = Exclude<Arg, number>;

const single = <R>(values: readonly unknown[]) => values[0] as R;

/** The same elements under another shape; one dimension may be -1. */
export function reshape<X extends Dense>(x: X, shape: readonly number[], options: Labelled = {}): Result<X> {
  return single(emit({ op: 'Reshape', inputs: [x, ints(shape)], label: options.label }));
}

/** Permutes axes; default: reverses them. */
export function transpose<X extends Dense>(x: X, options: Labelled & { permutation?: readonly number[] } = {}): Result<X> {
  const perm = options.permutation ?? shapeOf(x).map((_, i, all) => all.length - 1 - i);
  return single(emit({ op: 'Transpose', inputs: [x], attrs: { perm }, label: options.label }));
}

/** Joins along `axis`. */
export function concat<X extends Dense>(inputs: readonly X[], axis: number, options: Labelled = {}): Result<X> {
  if (!Array.isArray(inputs)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'concat', 'inputs must be a list of operands or tensors', `${typeof inputs} came`);
  return single(emit({ op: 'Concat', inputs, attrs: { axis }, label: options.label }));
}

/** Parts of a dimension that is not known, or has no elements: each is a value of the graph. */
const MAX_PARTS = 2 ** 16;

/** Cuts along `axis` into equal parts (a number) or parts of given sizes. */
export function split<X extends Dense>(x: X, splits: number | readonly number[], options: Labelled & { axis?: number } = {}): Result<X>[] {
  const axis = options.axis ?? 0;
  const count = typeof splits === 'number' ? splits : splits.length;
  const size = shapeOf(x).at(axis);
  // No elements are any number of parts that have none.
  const most = typeof size === 'number' && size > 0 ? size : MAX_PARTS;
  if (!(Number.isInteger(count) && count >= 1 && (count <= most || typeof splits !== 'number')))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'split', `parts must be from 1 to ${most}`, `${spelled(splits)} came`);
  return emit({
    op: 'Split',
    inputs: [x, typeof splits === 'number' ? undefined : ints(splits)],
    attrs: { axis, num_outputs: typeof splits === 'number' ? splits : undefined },
    outputs: count,
    label: options.label,
  }) as Result<X>[];
}

/** `sizes[i]` elements from `starts[i]` on each axis. */
export function slice<X extends Dense>(
  x: X,
  starts: readonly number[],
  sizes: readonly number[],
  options: Labelled & { strides?: readonly number[] } = {},
): Result<X> {
  const isSizes = (list: unknown): list is number[] => Array.isArray(list) && list.every((v) => Number.isSafeInteger(v) && v >= 0);
  if (!isSizes(starts) || !isSizes(sizes) || starts.length !== sizes.length)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'slice', 'starts and sizes must be lists of as many sizes', `${spelled(starts)} and ${spelled(sizes)} came`);
  const ends = starts.map((s, i) => s + (sizes[i] as number));
  const axes = starts.map((_, i) => i);
  return single(emit({ op: 'Slice', inputs: [x, ints(starts), ints(ends), ints(axes), options.strides && ints(options.strides)], label: options.label }));
}

/** The elements of these axes (default: all) in the opposite order. */
export function reverse<X extends Dense>(x: X, options: Labelled & { axes?: readonly number[] } = {}): Result<X> {
  const axes = options.axes ?? shapeOf(x).map((_, i) => i);
  if (axes.length === 0) return single(emit({ op: 'Identity', inputs: [x], label: options.label }));
  const all = (value: number) => ints(axes.map(() => value));
  // From the last element to the one before the first: INT32_MIN clamps to it.
  return single(emit({ op: 'Slice', inputs: [x, all(-1), all(-(2 ** 31)), ints(axes), all(-1)], label: options.label }));
}

/** Adds elements before and after each axis. */
export function pad<X extends Dense>(
  x: X,
  beginningPadding: readonly number[],
  endingPadding: readonly number[],
  options: Labelled & { mode?: 'constant' | 'edge' | 'reflection'; value?: number } = {},
): Result<X> {
  const mode = options.mode === 'reflection' ? 'reflect' : (options.mode ?? 'constant');
  return single(emit({ op: 'Pad', inputs: [x, ints([...beginningPadding, ...endingPadding]), options.value], attrs: { mode }, label: options.label }));
}

/** Repeats dimensions of size 1. */
export function expand<X extends Dense>(x: X, newShape: readonly number[], options: Labelled = {}): Result<X> {
  return single(emit({ op: 'Expand', inputs: [x, ints(newShape)], label: options.label }));
}

/** Repeats whole axes. */
export function tile<X extends Dense>(x: X, repetitions: readonly number[], options: Labelled = {}): Result<X> {
  return single(emit({ op: 'Tile', inputs: [x, ints(repetitions)], label: options.label }));
}

/** Picks slices along `axis` by index (int32 or int64; negative counts from the end). */
export function gather<X extends Dense, I extends Dense>(x: X, indices: I, options: Labelled & { axis?: number } = {}): Result<X | I> {
  return single(emit({ op: 'Gather', inputs: [x, indices], attrs: { axis: options.axis ?? 0 }, label: options.label }));
}

/** Picks one element per index along `axis`. */
export function gatherElements<X extends Dense, I extends Dense>(x: X, indices: I, options: Labelled & { axis?: number } = {}): Result<X | I> {
  return single(emit({ op: 'GatherElements', inputs: [x, indices], attrs: { axis: options.axis ?? 0 }, label: options.label }));
}

/** Picks slices by index tuples in the last dimension of `indices`. */
export function gatherND<X extends Dense, I extends Dense>(x: X, indices: I, options: Labelled = {}): Result<X | I> {
  return single(emit({ op: 'GatherND', inputs: [x, indices], label: options.label }));
}

/** A copy of x with one element per index along `axis` replaced. */
export function scatterElements<X extends Dense>(x: X, indices: Dense, updates: Dense, options: Labelled & { axis?: number } = {}): Result<X> {
  return single(emit({ op: 'ScatterElements', inputs: [x, indices, updates], attrs: { axis: options.axis ?? 0 }, label: options.label }));
}

/** A copy of x with the slices at index tuples replaced. */
export function scatterND<X extends Dense>(x: X, indices: Dense, updates: Dense, options: Labelled = {}): Result<X> {
  return single(emit({ op: 'ScatterND', inputs: [x, indices, updates], label: options.label }));
}

/** Keeps the upper (or lower) triangle of the last two axes, zeroes the rest. */
export function triangular<X extends Dense>(x: X, options: Labelled & { upper?: boolean; diagonal?: number } = {}): Result<X> {
  return single(
    emit({
      op: 'Trilu',
      inputs: [x, { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(integer('triangular', 'diagonal', options.diagonal ?? 0))) }],
      attrs: { upper: (options.upper ?? true) ? 1 : 0 },
      label: options.label,
    }),
  );
}

export interface ReduceOptions extends Labelled {
  /** Default: all. */
  readonly axes?: readonly number[];
  readonly keepDimensions?: boolean;
}

const reduce =
  (op: string) =>
  <X extends Dense>(x: X, options: ReduceOptions = {}): Result<X> =>
    single(
      emit({
        op,
        inputs: [x, options.axes === undefined ? undefined : ints(options.axes)],
        attrs: { keepdims: options.keepDimensions ? 1 : 0, noop_with_empty_axes: options.axes?.length === 0 ? 1 : 0 },
        label: options.label,
      }),
    );

export const reduceL1 = reduce('ReduceL1');
export const reduceL2 = reduce('ReduceL2');
export const reduceLogSum = reduce('ReduceLogSum');
export const reduceLogSumExp = reduce('ReduceLogSumExp');
export const reduceMax = reduce('ReduceMax');
export const reduceMean = reduce('ReduceMean');
export const reduceMin = reduce('ReduceMin');
export const reduceProduct = reduce('ReduceProd');
export const reduceSum = reduce('ReduceSum');
export const reduceSumSquare = reduce('ReduceSumSquare');

const arg =
  (op: string) =>
  <X extends Dense>(x: X, axis: number, options: Labelled & { keepDimensions?: boolean } = {}): Result<X> =>
    single(emit({ op, inputs: [x], attrs: { axis: integer(op, 'axis', axis), keepdims: options.keepDimensions ? 1 : 0 }, label: options.label }));

/** Index (int64) of the largest element along an axis; the first of equals. */
export const argMax = arg('ArgMax');
/** Index (int64) of the smallest element along an axis; the first of equals. */
export const argMin = arg('ArgMin');

/** Running sums along an axis. */
export function cumulativeSum<X extends Dense>(x: X, axis: number, options: Labelled & { exclusive?: boolean; reversed?: boolean } = {}): Result<X> {
  return single(
    emit({
      op: 'CumSum',
      inputs: [x, { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(integer('cumulativeSum', 'axis', axis))) }],
      attrs: { exclusive: options.exclusive ? 1 : 0, reverse: options.reversed ? 1 : 0 },
      label: options.label,
    }),
  );
}
