/** From views of queries, keys, values, mask and result to one `dsnk.Attention` node: common loops over all five. */
import type { AttrValue, Value } from '../graph/graph.js';
import { ATTENTION_BATCH_DIMS, type attentionEmpty, type attentionMask } from '../kernels/attention.js';
import type { GraphEditor } from './editor.js';
import { type Atom, mergeAtoms, regroup, type StridedView, viewOf } from './strided-view.js';

/** Everything in terms of scores [batch…, rows, keys]. */
export interface AttentionParts {
  /** [batch…, rows, width], broadcast against `batch`. */
  readonly q: StridedView;
  /** [batch…, keys, width] */
  readonly k: StridedView;
  /** [batch…, keys, depth], broadcast against `valueBatch`, which may group the same matrices otherwise. */
  readonly v: StridedView;
  /** [batch…, rows, keys], broadcast against `mask.batch`. */
  readonly mask?:
    | { readonly view: StridedView; readonly batch: readonly number[]; readonly kind: Exclude<(typeof attentionMask.members)[number], 'none'> }
    | undefined;
  /** Where element (batch…, row, column) of the product lies in the result. */
  readonly y: readonly (readonly Atom[])[];
  readonly batch: readonly number[];
  readonly valueBatch: readonly number[];
  readonly rows: number;
  readonly keys: number;
  readonly width: number;
  readonly depth: number;
  readonly scale: number;
  readonly fill?: number;
  readonly empty: (typeof attentionEmpty.members)[number];
  /** Query i sees keys up to i + causal. */
  readonly causal?: number;
}

/** One loop over q, k, v, y, mask. */
interface Loop {
  readonly n: number;
  readonly strides: readonly number[];
}

/** Leading dimensions of a view repeated to those of the result. */
function broadcast(dims: readonly (readonly Atom[])[], to: readonly number[]): Atom[] {
  const lead = to.length - dims.length;
  return to.flatMap((n, d) => {
    const own = d < lead ? [] : (dims[d - lead] as readonly Atom[]);
    return own.reduce((p, a) => p * a.n, 1) === n ? own : [{ n, stride: 0 }];
  });
}

/** Loops that walk all lists at once, outermost first; undefined where one list would cut another's atom unevenly. */
function commonLoops(lists: readonly (readonly Atom[])[]): Loop[] | undefined {
  const open = lists.map((list) => mergeAtoms(list));
  const loops: Loop[] = [];
  while (open.some((list) => list.length > 0)) {
    const innermost = open.map((list) => list.pop());
    if (innermost.includes(undefined)) return undefined;
    const atoms = innermost as Atom[];
    const n = Math.min(...atoms.map((a) => a.n));
    if (atoms.some((a) => a.n % n !== 0)) return undefined;
    loops.unshift({ n, strides: atoms.map((a) => a.stride) });
    atoms.forEach((a, i) => {
      if (a.n > n) (open[i] as Atom[]).push({ n: a.n / n, stride: a.stride * n });
    });
  }
  return loops;
}

function mergeLoops(loops: readonly Loop[]): Loop[] {
  const out: Loop[] = [];
  for (const loop of loops) {
    const last = out.at(-1);
    if (last?.strides.every((s, i) => s === loop.n * (loop.strides[i] as number))) out[out.length - 1] = { n: last.n * loop.n, strides: loop.strides };
    else out.push(loop);
  }
  return out;
}

const [Q, K, V, Y, M] = [0, 1, 2, 3, 4] as const;

/** The stride of a dimension that must be one atom; `alone` where it has one element. */
function strideOf(atoms: readonly Atom[] | undefined, alone: number): number | undefined {
  const merged = mergeAtoms(atoms ?? []);
  return merged.length > 1 ? undefined : (merged[0]?.stride ?? alone);
}

/** Inputs and attributes of the node; undefined where no four outer loops describe it. */
export function attentionNode(parts: AttentionParts): { inputs: Value[]; attrs: Record<string, AttrValue | undefined> } | undefined {
  const { q, k, v, mask, rows, keys, width, depth, causal } = parts;
  if ([...parts.batch, rows, keys, width, depth].includes(0)) return undefined;
  const last = (dims: readonly (readonly Atom[])[]) => dims[dims.length - 1];
  const row = (dims: readonly (readonly Atom[])[]) => dims[dims.length - 2] as readonly Atom[];
  for (const dims of [q.dims, k.dims, v.dims, parts.y]) if (strideOf(last(dims), 1) !== 1) return undefined;
  const [rowK, rowV] = [strideOf(row(k.dims), width), strideOf(row(v.dims), depth)];
  const column = mask === undefined ? 0 : strideOf(last(mask.view.dims), 0);
  if (rowK === undefined || rowV === undefined || rowK < width || rowV < depth || (column !== 0 && column !== 1)) return undefined;

  const one = (n: number): Atom[] => [{ n, stride: 0 }];
  const matrices = parts.batch.reduce((p, n) => p * n, 1);
  const maskOuter = mask && broadcast(mask.view.dims.slice(0, -2), mask.batch);
  const maskRow = mask && broadcast([row(mask.view.dims) ?? []], [rows]);
  const outer = commonLoops([
    broadcast(q.dims.slice(0, -2), parts.batch),
    broadcast(k.dims.slice(0, -2), parts.batch),
    broadcast(v.dims.slice(0, -2), parts.valueBatch),
    parts.y.slice(0, -2).flat(),
    maskOuter ?? one(matrices),
  ]);
  const inner = commonLoops([row(q.dims), one(rows), one(rows), row(parts.y), maskRow ?? one(rows)]);
  if (outer === undefined || inner === undefined) return undefined;

  let loops: Loop[];
  let rowLoop: Loop | undefined;
  if (causal !== undefined) {
    if (inner.length > 1) return undefined;
    [loops, rowLoop] = [mergeLoops(outer), inner[0]];
  } else {
    loops = mergeLoops([...outer, ...inner]);
    // Queries that share their keys and values are rows: those of one head, or those of a group of heads.
    const shared = (loop: Loop) => loop.strides[K] === 0 && loop.strides[V] === 0;
    const at = loops.findLastIndex(shared);
    if (at >= 0) [rowLoop] = loops.splice(at, 1);
  }
  if (loops.length > ATTENTION_BATCH_DIMS) return undefined;
  rowLoop ??= { n: 1, strides: [width, 0, 0, depth, 0] };
  const strides = (i: number) => loops.map((loop) => loop.strides[i] as number);
  if ((rowLoop.strides[Y] as number) < depth) return undefined;
  return {
    inputs: [q.base, k.base, v.base, ...(mask === undefined ? [] : [mask.view.base])],
    attrs: {
      sizes: [rowLoop.n, keys, width, depth],
      batch: loops.map((loop) => loop.n),
      q: [q.offset, rowLoop.strides[Q] as number, ...strides(Q)],
      k: [k.offset, rowK, ...strides(K)],
      v: [v.offset, rowV, ...strides(V)],
      y: [rowLoop.strides[Y] as number, ...strides(Y)],
      scale: parts.scale * q.scale * k.scale,
      ...(mask && { maskKind: mask.kind, mask: [mask.view.offset, rowLoop.strides[M] as number, column, ...strides(M)] }),
      fill: parts.fill,
      empty: parts.empty === 'nan' ? undefined : parts.empty,
      causal,
    },
  };
}

/** Where the elements of `y` lie in `result`, which is made of them by reshaping and transposing. */
export function placesIn(y: Value, result: Value): Atom[][] | undefined {
  const view = viewOf(result, { stop: y });
  if (view.base !== y) return undefined;
  let stride = 1;
  const placed: { from: number; to: Atom }[] = [];
  for (const atom of view.dims.flat().reverse()) {
    placed.push({ from: atom.stride, to: { n: atom.n, stride } });
    stride *= atom.n;
  }
  const inOrder = placed.filter((a) => a.to.n > 1).sort((a, b) => b.from - a.from);
  return regroup(
    inOrder.map((a) => a.to),
    y.dims,
  );
}

/** A value, and what its only readers make of it by reshaping and transposing; last first. */
export function results(edit: GraphEditor, y: Value): Value[] {
  const list = [y];
  for (let v = y; ; ) {
    const user = edit.onlyUser(v);
    if (user?.domain !== '' || user.inputs[0] !== v || !/^(Reshape|Transpose|Squeeze|Unsqueeze|Flatten|Identity)$/.test(user.op)) return list;
    v = user.output();
    list.unshift(v);
  }
}
