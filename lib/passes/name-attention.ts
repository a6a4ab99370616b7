/**
 * Takes attention together into one node that never stores the scores, and reads queries, keys and values where the
 * projections left them.
 *
 *     %q, %k, %v = Split(Reshape(%p: f32[B,S,3·D])); %s = MatMul(Transpose(%q), Transpose(%k)); %m = Add(Mul(%s, scale), mask)
 *     %w = Softmax(%m) {axis=-1}; %y = Reshape(Transpose(MatMul(%w, Transpose(%v))))   →   %y = dsnk.Attention(%p, %p, %p, mask)
 *
 * The scale may stand before, after or as a division, on q, on k or on both; the mask as a sum or as Where(cond, scores, number)
 * either way round; Reshapes that keep rows and columns anywhere; zeros for NaN by Where(IsNaN(%w), 0, %w). Refuses: intermediate results
 * that others read, softmax over another axis, types other than float32, a scale after the mask, matrices that are
 * empty, layouts that no four outer loops describe.
 */
import { broadcastShapes, sameShape } from '../graph/dim.js';
import { type Node, scalarOf, type Value } from '../graph/graph.js';
import { type AttentionParts, attentionNode, placesIn, results } from './attention-views.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { denseView, factorOf, type StridedView, scalarValue, viewOf } from './strided-view.js';

interface Scores {
  readonly product: Node;
  readonly scale: number;
  readonly mask?: { readonly value: Value; readonly kind: 'add' | 'keepTrue' | 'keepFalse'; readonly dims: readonly number[]; readonly fill?: number };
}

const sameMatrix = (a: Value, b: Value) => a.dims.length >= 2 && b.dims.length >= 2 && sameShape(a.dims.slice(-2), b.dims.slice(-2));

const plain = (node: Node | undefined, op: string): node is Node => node?.domain === '' && node.op === op;

const isProduct = (node: Node): boolean =>
  node.op === 'MatMul' &&
  node.input(0).dims.length >= 2 &&
  node.input(1).dims.length >= 2 &&
  (node.domain === '' || (node.domain === 'dsnk' && node.inputs.length === 2 && node.int('transA', 0) === 0 && !node.has('activation')));

/** The one number that all elements of v are. */
function splat(v: Value | undefined): number | undefined {
  if (v === undefined) return undefined;
  const view = viewOf(v);
  return view.dims.flat().every((a) => a.n === 1 || a.stride === 0) && view.offset === 0 ? scalarValue(view.base) : scalarOf(v);
}

/** What v, read by `reader` only, is as scores. */
function scoresOf(edit: GraphEditor, v: Value, reader: Node): Scores | undefined {
  const node = v.producer;
  if (node === undefined || v.dtype !== 'float32' || edit.onlyUser(v) !== reader) return undefined;
  if (isProduct(node)) return { product: node, scale: node.domain === 'dsnk' ? node.float('scale', 1) : 1 };
  if (node.domain !== '') return undefined;
  if (node.op === 'Reshape') return sameMatrix(node.input(0), v) ? scoresOf(edit, node.input(0), node) : undefined;
  const scaled = factorOf(node);
  if (scaled !== undefined) {
    const s = scoresOf(edit, scaled.rest, node);
    return s === undefined || s.mask !== undefined ? undefined : { ...s, scale: s.scale * scaled.factor };
  }
  if (node.op === 'Where') {
    for (const [i, j] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const fill = splat(node.inputs[j]);
      const s = fill === undefined || !sameShape(node.input(i).dims, v.dims) ? undefined : scoresOf(edit, node.input(i), node);
      if (fill === undefined || s === undefined || s.mask !== undefined) continue;
      return { ...s, mask: { value: node.input(0), kind: i === 1 ? 'keepTrue' : 'keepFalse', dims: v.dims, fill } };
    }
    return undefined;
  }
  if (node.op !== 'Add') return undefined;
  for (const [i, j] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const mask = node.input(j);
    const s = mask === node.input(i) || !sameShape(node.input(i).dims, v.dims) ? undefined : scoresOf(edit, node.input(i), node);
    if (s === undefined) continue;
    if (s.mask === undefined) return { ...s, mask: { value: mask, kind: 'add', dims: v.dims } };
    if (s.mask.kind !== 'add' || !sameShape(s.mask.dims, v.dims)) return undefined;
    return { ...s, mask: { ...s.mask, value: edit.value('Add', [s.mask.value, mask]) } };
  }
  return undefined;
}

/** The product that reads the weights, and whether NaN becomes zero on the way. */
function readerOf(edit: GraphEditor, weights: Value): { product: Node; zeroNan: boolean } | undefined {
  let [w, zeroNan] = [weights, false];
  for (;;) {
    const users = edit.isKept(w) ? [] : edit.users(w);
    const where = users.find((u) => plain(u, 'Where'));
    if (users.length === 2 && where !== undefined) {
      const test = where.input(0).producer;
      if (!plain(test, 'IsNaN') || test.inputs[0] !== w || edit.onlyUser(where.input(0)) !== where) return undefined;
      if (splat(where.inputs[1]) !== 0 || where.inputs[2] !== w || !sameShape(where.output().dims, w.dims)) return undefined;
      [w, zeroNan] = [where.output(), true];
      continue;
    }
    const user = users.length === 1 ? (users[0] as Node) : undefined;
    if (user === undefined) return undefined;
    if (user.op === 'Reshape' && user.domain === '' && user.inputs[0] === w && sameMatrix(w, user.output())) {
      w = user.output();
      continue;
    }
    const fits = isProduct(user) && user.inputs[0] === w && user.inputs[1] !== w && user.int('transB', 0) === 0 && user.float('scale', 1) === 1;
    return fits ? { product: user, zeroNan } : undefined;
  }
}

/** A view whose last dimension is dense, of v or of a copy. */
function rowsOf(v: Value, scaled: boolean): StridedView {
  const view = viewOf(v, { scaled });
  const last = (view.dims.at(-1) ?? []).filter((a) => a.n > 1);
  return last.length === 0 || (last.length === 1 && last[0]?.stride === 1) ? view : denseView(v);
}

function swapped(view: StridedView): StridedView {
  const dims = [...view.dims];
  dims.push(...dims.splice(-2, 1));
  return { ...view, dims };
}

/** Keys as rows, from the second operand of the scores. */
function keysOf(edit: GraphEditor, product: Node): StridedView {
  const b = product.input(1);
  if (product.int('transB', 0) !== 0) return rowsOf(b, true);
  const view = swapped(viewOf(b, { scaled: true }));
  const last = (view.dims.at(-1) ?? []).filter((a) => a.n > 1);
  if (last.length === 0 || (last.length === 1 && last[0]?.stride === 1)) return view;
  const rank = b.dims.length;
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return denseView(edit.value('Transpose', [b], { attrs: { perm } }));
}

function maskView(v: Value): StridedView {
  const view = viewOf(v);
  const last = (view.dims.at(-1) ?? []).filter((a) => a.n > 1);
  return last.length === 0 || (last.length === 1 && (last[0]?.stride as number) <= 1) ? view : denseView(v);
}

/** Everything that gives the result from the softmax on; `result` may be any value after the second product. */
function partsOf(edit: GraphEditor, softmax: Node): { parts: Omit<AttentionParts, 'y'>; y: Value } | undefined {
  const weights = softmax.output();
  const rank = weights.dims.length;
  const axis = softmax.int('axis', -1);
  if (weights.dtype !== 'float32' || rank < 2 || (axis !== -1 && axis !== rank - 1)) return undefined;
  const reader = readerOf(edit, weights);
  const scores = reader && scoresOf(edit, softmax.input(0), softmax);
  if (reader === undefined || scores === undefined) return undefined;
  const { product, mask } = scores;
  const y = reader.product.output();
  const [rows, keys] = weights.dims.slice(-2) as [number, number];
  if (!sameMatrix(product.output(), weights) || reader.product.input(0).dims.length < 2) return undefined;
  const batch = product.output().dims.slice(0, -2);
  const valueBatch = y.dims.slice(0, -2);
  // the weights must not be repeated for several values
  if (
    broadcastShapes(reader.product.input(0).dims.slice(0, -2), valueBatch)?.reduce((p: number, n) => p * (n as number), 1) !== batch.reduce((p, n) => p * n, 1)
  )
    return undefined;
  const kind = mask?.kind;
  if (mask !== undefined && mask.value.dtype !== (kind === 'add' ? 'float32' : 'bool')) return undefined;
  return {
    y,
    parts: {
      q: rowsOf(product.input(0), true),
      k: keysOf(edit, product),
      v: rowsOf(reader.product.input(1), false),
      mask: mask && { view: maskView(mask.value), batch: mask.dims.slice(0, -2), kind: mask.kind },
      batch,
      valueBatch,
      rows,
      keys,
      width: product.input(0).dims.at(-1) as number,
      depth: y.dims.at(-1) as number,
      scale: scores.scale,
      ...(mask?.fill === undefined ? {} : { fill: mask.fill }),
      empty: reader.zeroNan ? 'zeroNan' : 'nan',
    },
  };
}

export const nameAttention: Pass = {
  name: 'name-attention',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const softmax of edit.nodes()) {
      if (!plain(softmax, 'Softmax') || edit.isConstant(softmax.output())) continue;
      const found = partsOf(edit, softmax);
      if (found === undefined) continue;
      for (const result of results(edit, found.y)) {
        const places = placesIn(found.y, result);
        const node = places && attentionNode({ ...found.parts, y: places });
        if (node === undefined) continue;
        edit.replaceNode(result, 'Attention', node.inputs, { domain: 'dsnk', attrs: { shape: result.dims, ...node.attrs } });
        break;
      }
    }
    return edit.finish();
  },
};
