/** Reductions over axes: ReduceSum, ReduceMean … They differ in what they fold, not in how they are typed or lowered. */
import { dsnkError } from '../errors.js';
import { addDim, type Dim, isConcrete, mulDim, type Shape } from '../graph/dim.js';
import { MAX_REDUCE_RANK, type ReductionName, reduceParams, reduction } from '../kernels/reduce.js';
import { movableElements, orUnknown } from './known.js';
import type { Inference, Operator } from './operator.js';

/** Neighbouring dimensions of one kind merged, dimensions of 1 left out: what the reduce kernel takes. */
export function collapseAxes(dims: readonly number[], reduced: readonly boolean[]): { dims: number[]; mask: number } {
  const merged: number[] = [];
  let mask = 0;
  let last: boolean | undefined;
  dims.forEach((n, d) => {
    const isReduced = reduced[d] as boolean;
    if (n === 1) return;
    if (isReduced === last) merged[merged.length - 1] = (merged[merged.length - 1] as number) * n;
    else {
      if (isReduced) mask |= 1 << merged.length;
      merged.push(n);
      last = isReduced;
    }
  });
  return merged.length === 0 ? { dims: [1], mask: 0 } : { dims: merged, mask };
}

/** Which dimensions are folded, for an operator with (data, axes?) inputs. */
function reducedDims(rank: number, axes: readonly number[] | undefined, noop: boolean): boolean[] {
  if (axes === undefined || axes.length === 0) return new Array<boolean>(rank).fill(!noop);
  const reduced = new Array<boolean>(rank).fill(false);
  for (const a of axes) reduced[a < 0 ? a + rank : a] = true;
  return reduced;
}

/** Elements of shape arithmetic (`ReduceProd` of a shape counts elements) folded at compile time. */
function foldKnown(kind: ReductionName, known: readonly Dim[], dims: Shape, reduced: readonly boolean[]): Dim[] | undefined {
  if (!isConcrete(dims)) return undefined;
  const join: ((a: Dim, b: Dim) => Dim | undefined) | undefined = {
    sum: addDim,
    prod: mulDim,
    max: (a: Dim, b: Dim) => (typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : undefined),
    min: (a: Dim, b: Dim) => (typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : undefined),
  }[kind as string];
  if (join === undefined) return undefined;
  const out: (Dim | undefined)[] = [];
  for (const [i, element] of known.entries()) {
    let at = 0;
    let rest = i;
    let stride = 1;
    for (let d = dims.length - 1; d >= 0; d--) {
      const n = dims[d] as number;
      if (!reduced[d]) {
        at += (rest % n) * stride;
        stride *= n;
      }
      rest = Math.floor(rest / n);
    }
    const before = out[at];
    const joined = before === undefined ? element : join(before, element);
    if (joined === undefined || (typeof joined === 'number' && !Number.isSafeInteger(joined))) return undefined;
    out[at] = joined;
  }
  return out.length > 0 ? (out as Dim[]) : undefined;
}

function inferReduce(q: Inference, kind: ReductionName): ReturnType<Operator['infer']> {
  const dtype = q.dtype(0);
  const shape = orUnknown(q, () => q.shape(0));
  if (shape === undefined) return [{ dtype, shape: undefined }];
  const rank = shape.length;
  const keep = q.node.int('keepdims', 1) !== 0;
  const axes = q.has(1) ? orUnknown(q, () => q.numbers(1)) : [];
  if (axes === undefined) return [{ dtype, shape: keep ? shape.map((_, d) => `${q.unknownDim()}_${d}`) : undefined }];
  const normal = axes.map((a) => q.axis(a, rank));
  const reduced = reducedDims(rank, normal, q.node.int('noop_with_empty_axes', 0) !== 0);
  const out: Dim[] = [];
  shape.forEach((d, i) => {
    if (!reduced[i]) out.push(d);
    else if (keep) out.push(1);
  });
  const elements = dtype === 'int64' || dtype === 'int32' ? movableElements(q, 0) : undefined;
  return [{ dtype, shape: out, known: elements && foldKnown(kind, elements, shape, reduced) }];
}

/** Folds that give a single element back unchanged. */
const unchangedAlone: ReadonlySet<ReductionName> = new Set(['sum', 'mean', 'max', 'min', 'prod'] as const);

function reduceOperator(name: string, kind: ReductionName): Operator {
  return {
    name,
    domain: '',
    infer: (q) => inferReduce(q, kind),
    lower(low) {
      const dims = low.dims(0);
      const axes = low.has(1) ? low.numbers(1) : [];
      const reduced = reducedDims(dims.length, axes, low.node.int('noop_with_empty_axes', 0) !== 0);
      const shape = collapseAxes(dims, reduced);
      if (shape.mask === 0 && unchangedAlone.has(kind)) {
        low.alias(0, low.in(0));
        return;
      }
      if (shape.dims.length > MAX_REDUCE_RANK)
        throw dsnkError(
          'ERR_DSNK_UNSUPPORTED_OP',
          low.node.where,
          `axes must leave at most ${MAX_REDUCE_RANK} groups of dimensions`,
          `${shape.dims.length} came`,
        );
      low.emit(
        low.select('reduce', low.dtype(0)),
        reduceParams,
        { kind: reduction.value(kind), rank: shape.dims.length, reduced: shape.mask, spare: 0, dims: shape.dims },
        [low.out()],
        [low.in(0)],
      );
    },
  };
}

export const reduceOperators: readonly Operator[] = [
  reduceOperator('ReduceSum', 'sum'),
  reduceOperator('ReduceMean', 'mean'),
  reduceOperator('ReduceMax', 'max'),
  reduceOperator('ReduceMin', 'min'),
  reduceOperator('ReduceProd', 'prod'),
  reduceOperator('ReduceL1', 'l1'),
  reduceOperator('ReduceL2', 'l2'),
  reduceOperator('ReduceLogSum', 'logSum'),
  reduceOperator('ReduceLogSumExp', 'logSumExp'),
  reduceOperator('ReduceSumSquare', 'sumSquare'),
];
