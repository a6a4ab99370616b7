/** Strided views of dense tensors, and how they become bytes: not at all where the view is dense, else by one kernel call. */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { dtypes } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import type { Value } from '../graph/graph.js';
import { STRIDED_RANK, stridedCopyParams } from '../kernels/strided.js';
import { stridesOf } from './known.js';

/** Element [i0, i1, …] lies at offset + i0·strides[0] + i1·strides[1] + …, in elements. */
export interface View {
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export function denseView(dims: readonly number[]): View {
  return { dims, strides: stridesOf(dims), offset: 0 };
}

/** The same elements with the fewest dimensions: those of size 1 leave, neighbours that one stride can walk join. */
export function collapse(view: View): View {
  const dims: number[] = [];
  const strides: number[] = [];
  view.dims.forEach((n, d) => {
    if (n === 1) return;
    const stride = view.strides[d] as number;
    const last = dims.length - 1;
    if (last >= 0 && strides[last] === n * stride) {
      dims[last] = (dims[last] as number) * n;
      strides[last] = stride;
    } else {
      dims.push(n);
      strides.push(stride);
    }
  });
  if (dims.length === 0) return { dims: [1], strides: [1], offset: view.offset };
  return { dims, strides, offset: view.offset };
}

/** Takes the innermost contiguous elements together while they are a power of two of bytes, at most 16. */
export function widen(view: View, elementBytes: number): { view: View; elementBytes: number } {
  const dims = [...view.dims];
  let strides = [...view.strides];
  let { offset } = view;
  let bytes = elementBytes;
  const last = dims.length - 1;
  while (last > 0 && strides[last] === 1 && bytes < 16 && (dims[last] as number) % 2 === 0) {
    if (offset % 2 !== 0 || strides.some((s, d) => d < last && s % 2 !== 0)) break;
    dims[last] = (dims[last] as number) / 2;
    strides = strides.map((s, d) => (d < last ? s / 2 : 1));
    offset /= 2;
    bytes *= 2;
  }
  return { view: { dims, strides, offset }, elementBytes: bytes };
}

/** True when the elements of a collapsed view lie one after the other. */
function isDense(view: View): boolean {
  return view.dims.length === 1 && (view.strides[0] === 1 || view.dims[0] === 1);
}

/** Whole bytes of one element, at most 16; inference has refused the rest. */
export function elementBytesOf(v: Value): number {
  return dtypes[v.type].bits / 8;
}

/** Makes output i the view of `from`: another name for the same memory if it is dense there, else a copy. */
export function lowerView(low: Lowering, i: number, from: Ref, view: View): void {
  const bytes = elementBytesOf(low.node.output(i));
  const slim = collapse(view);
  const offset = slim.offset * bytes;
  // Operands start at multiples of 8 bytes.
  if (isDense(slim) && (offset % 8 === 0 || elementCount(slim.dims) === 0)) low.alias(i, from, elementCount(slim.dims) === 0 ? 0 : offset);
  else copyView(low, low.out(i), from, slim, bytes);
}

/** One call that writes `to` with the elements of a view of `from`. Returns where they are to be read (see Lowering.emit). */
export function copyView(low: Lowering, to: Ref, from: Ref, view: View, elementBytes: number): Ref {
  const wide = widen(collapse(view), elementBytes);
  const { dims, strides, offset } = collapse(wide.view);
  if (dims.length > STRIDED_RANK) throw new Error(`${low.node.where}: a view of ${dims.length} dimensions, at most ${STRIDED_RANK} are built`);
  const row = low.select('strided_copy', 'any');
  return low.emit(row, stridedCopyParams, { elementBytes: wide.elementBytes, rank: dims.length, offset, dims, strides }, [to], [from])[0] as Ref;
}
