/** Arithmetic of sliding windows: what convolutions and pooling share. ONNX pads are [begin of every axis…, end of every axis…]. */
import { addDim, ceilDivDim, type Dim, floorDivDim, isConcrete, mulDim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import type { Inference } from './operator.js';

/** A window over `kernel.length` spatial axes, before automatic padding is settled. */
export interface WindowShape {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** Number of input elements that one window spans. */
export const reach = (w: WindowShape, axis: number): number => ((w.kernel[axis] as number) - 1) * (w.dilations[axis] as number) + 1;

/** Reads strides and dilations; they are 1 where absent. */
export function windowOf(node: Node, kernel: readonly number[]): WindowShape {
  const ones = kernel.map(() => 1);
  return { kernel, strides: node.ints('strides', ones), dilations: node.ints('dilations', ones) };
}

/** Checks the attributes of a window; `pads` may be absent. */
export function checkWindow(q: Inference, w: WindowShape): void {
  const rank = w.kernel.length;
  const check = (name: string, list: readonly number[]) => {
    if (list.length !== rank || !list.every((n) => n >= 1)) q.fail(`${name} must hold ${rank} positive numbers`, `[${list.join(',')}] came`);
  };
  check('kernel_shape', w.kernel);
  check('strides', w.strides);
  check('dilations', w.dilations);
  const pads = padsOf(q.node, rank);
  if (pads.length !== 2 * rank) q.fail(`pads must hold ${2 * rank} numbers`, `[${pads.join(',')}] came`);
}

const noPads = (rank: number): readonly number[] => Array<number>(2 * rank).fill(0);

/** The pads that a node names; none where it names none. */
const padsOf = (node: Node, rank: number): readonly number[] => (node.has('pads') ? node.ints('pads') : noPads(rank));

/** How a node pads: numbers, or a rule that needs the input's size. */
export function autoPad(node: Node): 'NOTSET' | 'VALID' | 'SAME_UPPER' | 'SAME_LOWER' {
  const rule = node.string('auto_pad', 'NOTSET');
  return rule === 'VALID' || rule === 'SAME_UPPER' || rule === 'SAME_LOWER' ? rule : 'NOTSET';
}

/** Splits padding between the two ends of every axis; the odd element goes to the end, or to the beginning where `lower`. */
function splitPads(totals: readonly number[], lower: boolean): number[] {
  const begin = totals.map((t) => (lower ? Math.ceil(t / 2) : Math.floor(t / 2)));
  return [...begin, ...totals.map((t, a) => t - (begin[a] as number))];
}

/** The explicit pads of a convolution or pooling node over an input of those spatial sizes. */
export function resolvePads(node: Node, size: readonly number[], w: WindowShape): readonly number[] {
  const rule = autoPad(node);
  if (rule === 'NOTSET') return padsOf(node, size.length);
  if (rule === 'VALID') return noPads(size.length);
  const totals = size.map((n, a) => {
    const stride = w.strides[a] as number;
    return Math.max((Math.ceil(n / stride) - 1) * stride + reach(w, a) - n, 0);
  });
  return splitPads(totals, rule === 'SAME_LOWER');
}

/** Spatial sizes after a window; symbols pass. */
export function windowOutput(q: Inference, size: readonly Dim[], w: WindowShape, ceilMode = false): Dim[] {
  checkWindow(q, w);
  const rule = autoPad(q.node);
  const rank = size.length;
  if (rule === 'SAME_UPPER' || rule === 'SAME_LOWER') return size.map((n, a) => ceilDivDim(n, w.strides[a] as number));
  const pads = rule === 'VALID' ? noPads(rank) : padsOf(q.node, rank);
  return size.map((n, a) => {
    const stride = w.strides[a] as number;
    const begin = pads[a] as number;
    const padding = begin + (pads[a + rank] as number);
    if (typeof n === 'number' && n + padding < reach(w, a)) {
      q.fail(`input with padding must be at least as long as the window, ${reach(w, a)}, on spatial axis ${a}`, `${n + padding} came`);
    }
    const numerator = addDim(n, padding - reach(w, a) + stride); // the windows' starts, and one stride for the first
    if (!ceilMode) return floorDivDim(numerator, stride);
    const out = ceilDivDim(numerator, stride);
    // A window that would start in the padding at the end is left out.
    return typeof out === 'number' && typeof n === 'number' && (out - 1) * stride >= n + begin ? out - 1 : out;
  });
}

/** Pads and output sizes of a transposed convolution. */
export interface TransposedShape {
  readonly pads: readonly number[];
  readonly output: readonly number[];
}

/** Settles pads and output sizes of a ConvTranspose node over an input of those spatial sizes. */
export function resolveTransposed(node: Node, size: readonly number[], w: WindowShape): TransposedShape {
  const rank = size.length;
  const extra = node.ints('output_padding', Array<number>(rank).fill(0));
  const full = size.map((n, a) => (w.strides[a] as number) * (n - 1) + (extra[a] as number) + reach(w, a));
  const rule = autoPad(node);
  const wanted = node.has('output_shape') ? node.ints('output_shape').slice(-rank) : undefined;
  const output = wanted ?? (rule.startsWith('SAME') ? size.map((n, a) => n * (w.strides[a] as number)) : undefined);
  if (output !== undefined) {
    const totals = full.map((n, a) => Math.max(n - (output[a] as number), 0));
    return { pads: splitPads(totals, rule !== 'SAME_UPPER'), output };
  }
  const pads = rule === 'VALID' ? noPads(rank) : padsOf(node, rank);
  return { pads, output: full.map((n, a) => n - (pads[a] as number) - (pads[a + rank] as number)) };
}

/** Spatial sizes of a transposed convolution; symbols pass. */
export function transposedOutput(q: Inference, size: readonly Dim[], w: WindowShape): Dim[] {
  checkWindow(q, w);
  if (isConcrete(size)) return [...resolveTransposed(q.node, size, w).output];
  const rank = size.length;
  if (q.node.has('output_shape')) return [...q.node.ints('output_shape').slice(-rank)];
  if (autoPad(q.node).startsWith('SAME')) return size.map((n, a) => mulDim(n, w.strides[a] as number));
  const pads = padsOf(q.node, rank);
  const extra = q.node.ints('output_padding', Array<number>(rank).fill(0));
  return size.map((n, a) => {
    const stride = w.strides[a] as number;
    return addDim(mulDim(n, stride), (extra[a] as number) + reach(w, a) - stride - (pads[a] as number) - (pads[a + rank] as number));
  });
}

/** A list of spatial numbers as the three that kernels take; leading axes are filled. */
export function threeAxes(list: readonly number[], fill: number): number[] {
  return [...Array<number>(3 - list.length).fill(fill), ...list];
}
