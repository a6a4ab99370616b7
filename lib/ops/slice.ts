/** Operators that take parts or repeat: strided views with other extents, other steps or stride 0. */
import { addDim, broadcastShapes, ceilDivDim, type Dim, isConcrete, mulDim, subDim } from '../graph/dim.js';
import { dimsOrUnknown, movableElements, orUnknown, refuseParts, viewElements } from './known.js';
import type { Inference, Operator, OutputType } from './operator.js';
import { denseView, lowerView, type View } from './strided.js';

/** The output that is this view of input 0 with known elements carried along. */
function viewType(q: Inference, shape: readonly Dim[], view: () => View): OutputType {
  const elements = isConcrete(shape) && isConcrete(q.shape(0)) ? movableElements(q, 0) : undefined;
  if (elements === undefined) return { dtype: q.dtype(0), shape };
  const { dims, strides, offset } = view();
  return { dtype: q.dtype(0), shape, known: viewElements(elements, dims, strides, offset) };
}

/** First element, number of elements and step along one axis. */
interface Span {
  readonly first: number;
  readonly count: number;
  readonly step: number;
}

function spanOf(n: number, start: number, end: number, step: number): Span {
  const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v < 0 ? v + n : v, low), high);
  const first = step > 0 ? clamp(start, 0, n) : clamp(start, 0, n - 1);
  const stop = step > 0 ? clamp(end, 0, n) : clamp(end, -1, n - 1);
  return { first, count: Math.max(0, Math.ceil((stop - first) / step)), step };
}

/** The extent of a slice along a dimension or between limits that are symbols, which are taken to lie inside it. */
function symbolicCount(n: Dim, start: Dim | undefined, end: Dim | undefined, step: number): Dim | undefined {
  if (start === undefined || end === undefined || step !== 1) return undefined;
  const from = typeof start === 'number' && start < 0 ? addDim(n, start) : start;
  if (typeof n === 'string' && typeof end === 'number' && end >= 0 && end < 2 ** 30) return undefined; // min(n, end)
  const to = typeof end === 'number' ? (end < 0 ? addDim(n, end) : n) : end;
  if (typeof start === 'number' && start < 0 && to === n) return -start;
  return subDim(to, from);
}

function sliceView(dims: readonly number[], axes: readonly number[], starts: readonly number[], ends: readonly number[], steps: readonly number[]): View {
  const view = denseView(dims);
  const out = { dims: [...dims], strides: [...view.strides], offset: 0 };
  axes.forEach((axis, i) => {
    const d = axis < 0 ? axis + dims.length : axis;
    const span = spanOf(dims[d] as number, starts[i] as number, ends[i] as number, steps[i] ?? 1);
    if (span.count > 0) out.offset += span.first * (view.strides[d] as number);
    out.dims[d] = span.count;
    // One element needs no stride, and a step of INT64_MAX would not be exact.
    out.strides[d] = span.count > 1 ? span.step * (view.strides[d] as number) : 1;
  });
  return out.dims.includes(0) ? { ...out, offset: 0 } : out;
}

const allAxes = (count: number) => Array.from({ length: count }, (_, i) => i);

const slice: Operator = {
  name: 'Slice',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    const type = orUnknown(q, () => {
      const from = q.shape(0);
      const limits = (i: number) => orUnknown(q, () => q.dims(i));
      const [starts, ends] = [limits(1), limits(2)];
      const length = starts?.length ?? ends?.length ?? q.shape(1)[0];
      if (typeof length !== 'number') return undefined;
      const axes = q.has(3) ? q.numbers(3) : allAxes(length);
      const steps = q.has(4) ? orUnknown(q, () => q.numbers(4)) : axes.map(() => 1);
      if ([starts, ends, axes, steps].some((list) => list !== undefined && list.length !== length)) {
        q.fail('starts, ends, axes and steps must be equally long', q.inputTexts());
      }
      const named = axes.map((a) => q.axis(a, from.length));
      if (new Set(named).size !== named.length) q.fail('axes must differ from each other', `[${axes}] came`);
      if (steps?.includes(0)) q.fail('steps must not be 0', `[${steps}] came`);
      const shape = [...from];
      named.forEach((d, i) => {
        const [n, start, end, step] = [from[d] as Dim, starts?.[i], ends?.[i], steps?.[i]];
        if (typeof n === 'number' && typeof start === 'number' && typeof end === 'number' && step !== undefined) shape[d] = spanOf(n, start, end, step).count;
        else shape[d] = (step === undefined ? undefined : symbolicCount(n, start, end, step)) ?? `${q.unknownDim()}_${d}`;
      });
      const settled = starts !== undefined && ends !== undefined && steps !== undefined && isConcrete(starts) && isConcrete(ends);
      if (!settled) {
        if (q.concrete) for (const i of [1, 2, 4]) if (q.has(i)) q.numbers(i); // throws NeedsValue
        return { dtype, shape };
      }
      return viewType(q, shape, () => sliceView(from as readonly number[], named, starts, ends, steps));
    });
    return [type ?? { dtype, shape: undefined }];
  },
  lower(low) {
    const starts = low.numbers(1);
    const axes = low.has(3) ? low.numbers(3) : allAxes(starts.length);
    lowerView(low, 0, low.in(0), sliceView(low.dims(0), axes, starts, low.numbers(2), low.has(4) ? low.numbers(4) : []));
  },
};

/** Extents of the outputs along the split axis. */
function splitCounts(n: number, outputs: number, given: readonly number[] | undefined): number[] {
  if (given !== undefined) return [...given];
  const each = Math.ceil(n / outputs);
  return Array.from({ length: outputs }, (_, i) => Math.max(0, Math.min(each, n - i * each)));
}

const split: Operator = {
  name: 'Split',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    const outputs = q.node.outputs.length;
    const types = orUnknown(q, (): OutputType[] => {
      const from = q.shape(0);
      const axis = q.axis(q.node.int('axis', 0), from.length);
      const n = from[axis] as Dim;
      if (q.node.has('num_outputs') && !q.has(1) && q.node.int('num_outputs') !== outputs) {
        q.fail(`num_outputs must be the ${outputs} outputs of the node`, `${q.node.int('num_outputs')} came`);
      }
      const given = q.has(1) ? q.numbers(1) : undefined;
      if (given !== undefined && (given.length !== outputs || given.some((c) => c < 0))) q.fail(`split must hold ${outputs} extents`, `[${given}] came`);
      if (typeof n === 'string') {
        return Array.from({ length: outputs }, (_, i) => ({ dtype, shape: from.with(axis, given?.[i] ?? ceilDivDim(n, outputs)) }));
      }
      const counts = splitCounts(n, outputs, given);
      if (counts.reduce((a, b) => a + b, 0) !== n) q.fail(`split must add up to the ${n} elements of axis ${axis}`, `[${counts}] came`);
      let at = 0;
      return counts.map((count) => {
        const first = at;
        at += count;
        return viewType(q, from.with(axis, count), () => sliceView(from as readonly number[], [axis], [first], [first + count], [1]));
      });
    });
    return types ?? q.node.outputs.map(() => ({ dtype, shape: undefined }));
  },
  lower(low) {
    const dims = low.dims(0);
    const axis = low.node.int('axis', 0);
    const d = axis < 0 ? axis + dims.length : axis;
    let at = 0;
    splitCounts(dims[d] as number, low.node.outputs.length, low.has(1) ? low.numbers(1) : undefined).forEach((count, i) => {
      if (low.wanted(i)) lowerView(low, i, low.in(0), sliceView(dims, [d], [at], [at + count], [1]));
      at += count;
    });
  },
};

/** Input of those dimensions seen as `dims`: stride 0 where it has one element or none. */
export function broadcastView(from: readonly number[], dims: readonly number[]): View {
  const { strides } = denseView(from);
  const lead = dims.length - from.length;
  return { dims, strides: dims.map((_, d) => (d < lead || from[d - lead] === 1 ? 0 : (strides[d - lead] as number))), offset: 0 };
}

const expand: Operator = {
  name: 'Expand',
  domain: '',
  since: 8,
  infer(q) {
    const dtype = refuseParts(q, 0);
    const wanted = dimsOrUnknown(q, 1);
    const from = orUnknown(q, () => q.shape(0));
    if (wanted === undefined || from === undefined) return [{ dtype, shape: undefined }];
    const shape = broadcastShapes(from, wanted);
    if (shape === undefined) return q.fail('input must broadcast to shape', `${q.inputTexts()}, shape [${wanted}]`);
    return [viewType(q, shape, () => broadcastView(from as readonly number[], shape as number[]))];
  },
  lower: (low) => lowerView(low, 0, low.in(0), broadcastView(low.dims(0), low.outDims())),
};

/** Every axis as the pair (repetition, axis). */
function tileView(dims: readonly number[], repeats: readonly number[]): View {
  const { strides } = denseView(dims);
  return {
    dims: dims.flatMap((n, d) => [repeats[d] as number, n]),
    strides: strides.flatMap((s) => [0, s]),
    offset: 0,
  };
}

const tile: Operator = {
  name: 'Tile',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    const from = orUnknown(q, () => q.shape(0));
    const repeats = dimsOrUnknown(q, 1);
    if (from === undefined || repeats === undefined) return [{ dtype, shape: undefined }];
    if (repeats.length !== from.length || repeats.some((r) => typeof r === 'number' && r < 0)) {
      q.fail(`repeats must hold ${from.length} counts`, `[${repeats}] came`);
    }
    const shape = from.map((n, d) => mulDim(n, repeats[d] as Dim));
    return [viewType(q, shape, () => tileView(from as readonly number[], repeats as readonly number[]))];
  },
  lower: (low) => lowerView(low, 0, low.in(0), tileView(low.dims(0), low.numbers(1))),
};

export const sliceOperators: readonly Operator[] = [slice, split, expand, tile];
