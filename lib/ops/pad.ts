/** Pad: negative pads crop, which is only another view; the rest is one kernel call. */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { addDim, type Dim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { padMode, padParams } from '../kernels/pad.js';
import { orUnknown, refuseParts, stridesOf } from './known.js';
import type { Inference, Operator } from './operator.js';
import { elementBytesOf, lowerView, type View } from './strided.js';

type PadMode = (typeof padMode.members)[number];

const modeOf = (node: Node) => node.string('mode', 'constant') as PadMode;

/** Pads of every dimension, from the pads of the named axes. */
function spread<D extends Dim>(rank: number, axes: readonly number[] | undefined, pads: readonly D[]): { before: (D | 0)[]; after: (D | 0)[] } {
  const before = new Array<D | 0>(rank).fill(0);
  const after = new Array<D | 0>(rank).fill(0);
  const named = axes ?? before.map((_, d) => d);
  named.forEach((axis, i) => {
    const d = axis < 0 ? axis + rank : axis;
    before[d] = pads[i] as D;
    after[d] = pads[i + named.length] as D;
  });
  return { before, after };
}

function paddedShape(q: Inference): Dim[] {
  const from = q.shape(0);
  const axes = q.has(3) ? q.numbers(3) : undefined;
  for (const a of axes ?? []) q.axis(a, from.length);
  const pads = q.dims(1);
  if (pads.length !== 2 * (axes ?? from).length) q.fail(`pads must hold ${2 * (axes ?? from).length} numbers`, `${pads.length} came`);
  const { before, after } = spread(from.length, axes, pads);
  return from.map((n, d) => {
    const size = addDim(addDim(n, before[d] as Dim), after[d] as Dim);
    if (typeof size === 'number' && size < 0) q.fail(`pads must not remove more than axis ${d} has`, `${q.inputTexts()}, pads [${pads}]`);
    if (n === 0 && size !== 0 && modeOf(q.node) !== 'constant') q.fail('an empty axis has nothing to repeat', q.inputTexts());
    return size;
  });
}

interface Padding {
  readonly view: View;
  readonly before: number[];
  readonly after: number[];
}

/**
 * The fewest dimensions: one without pads joins the one before it where x is contiguous across both. Under a constant
 * that one may have pads; the other modes repeat elements of it one by one.
 */
function collapsePadding({ view, before, after }: Padding, constant: boolean): Padding {
  const out = { dims: [] as number[], strides: [] as number[], before: [] as number[], after: [] as number[] };
  view.dims.forEach((n, d) => {
    const stride = view.strides[d] as number;
    const last = out.dims.length - 1;
    const joins = last >= 0 && before[d] === 0 && after[d] === 0 && out.strides[last] === n * stride;
    if (joins && (constant || (out.before[last] === 0 && out.after[last] === 0))) {
      out.dims[last] = (out.dims[last] as number) * n;
      out.before[last] = (out.before[last] as number) * n;
      out.after[last] = (out.after[last] as number) * n;
      out.strides[last] = stride;
    } else {
      out.dims.push(n);
      out.strides.push(stride);
      out.before.push(before[d] as number);
      out.after.push(after[d] as number);
    }
  });
  return { view: { dims: out.dims, strides: out.strides, offset: view.offset }, before: out.before, after: out.after };
}

const pad: Operator = {
  name: 'Pad',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    if (!padMode.members.includes(modeOf(q.node))) q.fail(`mode must be one of ${padMode.members.join(', ')}`, `${modeOf(q.node)} came`);
    if (q.has(2) && q.dtype(2) !== dtype) q.failDtype('the value must have the type of the input');
    const shape = orUnknown(q, () => paddedShape(q));
    return [{ dtype, shape: shape ?? q.node.input(0).shape?.map((_, d) => `${q.unknownDim()}_${d}`) }];
  },
  lower(low) {
    const mode = modeOf(low.node);
    const { before, after } = spread(low.dims(0).length, low.has(3) ? low.numbers(3) : undefined, low.numbers(1));
    lowerPad(low, before, after, mode, mode === 'constant' ? low.input(2) : undefined);
  },
};

/** Output 0 is input 0 with that many elements added, or taken away, before and after along each dimension. */
function lowerPad(low: Lowering, before: readonly number[], after: readonly number[], mode: PadMode, value: Ref | undefined): void {
  const dims = low.dims(0);
  const strides = stridesOf(dims);
  // Crop first, then pad what is left.
  const cropped = dims.map((n, d) => Math.max(0, n + Math.min(before[d] as number, 0) + Math.min(after[d] as number, 0)));
  const offset = cropped.includes(0) ? 0 : strides.reduce((at, s, d) => at - Math.min(before[d] as number, 0) * s, 0);
  const view: View = { dims: cropped, strides, offset };
  if (before.every((p) => p <= 0) && after.every((p) => p <= 0)) {
    lowerView(low, 0, low.in(0), view);
    return;
  }
  const y = low.out();
  if (y.bytes === 0) return;
  const added = (pads: readonly number[]) => pads.map((p) => Math.max(p, 0));
  const slim = collapsePadding({ view, before: added(before), after: added(after) }, mode === 'constant');
  const params = {
    elementBytes: elementBytesOf(low.node.output()),
    mode: padMode.value(mode),
    rank: slim.view.dims.length,
    hasValue: value === undefined ? 0 : 1,
    ...slim.view,
    before: slim.before,
    after: slim.after,
  };
  low.emit(low.select('pad', 'any'), padParams, params, [y], [low.in(0), value]);
}

/** Pads of CenterCropPad that take an axis from n to m elements; an odd one goes behind. */
function centered(n: number, m: number): { before: number; after: number } {
  const half = Math.floor(Math.abs(m - n) / 2);
  return m < n ? { before: -half, after: m - n + half } : { before: half, after: m - n - half };
}

const centerCropPad: Operator = {
  name: 'CenterCropPad',
  domain: '',
  since: 18,
  infer(q) {
    const dtype = refuseParts(q, 0);
    const shape = orUnknown(q, () => {
      const from = q.shape(0);
      const wanted = q.dims(1);
      const axes = q.node.ints(
        'axes',
        from.map((_, d) => d),
      );
      if (axes.length !== wanted.length) q.fail('shape must hold one extent per axis', `${wanted.length} for ${axes.length} axes came`);
      return axes.reduce<readonly Dim[]>((s, a, i) => s.with(q.axis(a, from.length), wanted[i] as Dim), from);
    });
    return [{ dtype, shape }];
  },
  lower(low) {
    const [dims, wanted] = [low.dims(0), low.outDims()];
    const pads = dims.map((n, d) => centered(n, wanted[d] as number));
    lowerPad(
      low,
      pads.map((p) => p.before),
      pads.map((p) => p.after),
      'constant',
      undefined,
    );
  },
};

export const padOperators: readonly Operator[] = [pad, centerCropPad];
