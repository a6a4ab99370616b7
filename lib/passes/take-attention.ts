/**
 * Takes the operator Attention as the one node that computes it, where it asks for nothing else.
 *
 *     %y, %k2, %v2 = Attention(%q, %k, %v, mask, pastK, pastV) {is_causal=1}
 *         →   %k2 = Concat(pastK, %k); %v2 = Concat(pastV, %v); %y = dsnk.Attention(%q, %k2, %v2, mask) {causal=past}
 *
 * Masks that are too short, and lengths of the keys by batch, become a sum on the scores as in functions/attention.ts. Rows in
 * which no key may be seen are zeros. Refuses, and leaves to expand-functions: other types than float32, a softcap, softmax in double, a
 * wanted product of queries and keys.
 */
import { dtypeFromOnnx } from '../dtype.js';
import type { Node, Value } from '../graph/graph.js';
import { type AttentionParts, attentionNode, placesIn, results } from './attention-views.js';
import { GraphEditor } from './editor.js';
import { biasOf, splitHeads, withPast } from './functions/attention.js';
import type { Pass } from './index.js';
import { type Atom, denseView, type StridedView, viewOf } from './strided-view.js';

function isPlain(edit: GraphEditor, node: Node): boolean {
  const scores = node.outputs[3];
  if (scores !== undefined && !edit.isUnused(scores)) return false;
  if ([0, 1, 2].some((i) => node.input(i).dtype !== 'float32') || node.float('softcap', 0) !== 0) return false;
  return !node.has('softmax_precision') || dtypeFromOnnx(node.int('softmax_precision'), node.where) !== 'float64';
}

/** A view whose rows are dense, of v or of v as it lies. */
function rowsOf(v: Value): StridedView {
  const view = viewOf(v);
  const last = (view.dims.at(-1) as readonly Atom[]).filter((a) => a.n > 1);
  return last.length === 0 || (last.length === 1 && last[0]?.stride === 1) ? view : denseView(v);
}

/** [batch, heads, …] of a view [batch, keyHeads, …]: each head serves a group. */
function shared(view: StridedView, group: number): StridedView {
  const [batch, heads, ...rest] = view.dims as [readonly Atom[], readonly Atom[], ...(readonly Atom[])[]];
  return { ...view, dims: [batch, [...heads, { n: group, stride: 0 }], ...rest] };
}

function maskOf(edit: GraphEditor, node: Node, query: number, total: number): { mask: AttentionParts['mask']; causal: number | undefined } | undefined {
  const past = node.inputs[4]?.dims[2] ?? 0;
  const causal = node.int('is_causal', 0) !== 0;
  const given = node.inputs[3];
  const columns = given?.dims.at(-1);
  const batch = node.output().dims.length === 4 ? node.output().dims.slice(0, 2) : [node.output().dims[0] as number, node.int('q_num_heads', 0)];
  const of = (v: Value, kind: 'add' | 'keepTrue') => ({ view: denseView(v), batch, kind });
  if (node.inputs[6] === undefined && (given === undefined || columns === total || columns === 1)) {
    if (given !== undefined && given.dtype !== 'bool' && given.dtype !== 'float32') return undefined;
    return { mask: given && of(given, given.dtype === 'bool' ? 'keepTrue' : 'add'), causal: causal ? past : undefined };
  }
  const bias = biasOf(edit, node, 'float32', { query, total, past });
  return { mask: bias && of(bias, 'add'), causal: undefined };
}

function take(edit: GraphEditor, node: Node): boolean {
  const query = splitHeads(edit, node.input(0), node.int('q_num_heads', 0));
  const key = withPast(edit, node.inputs[4], splitHeads(edit, node.input(1), node.int('kv_num_heads', 0)));
  const value = withPast(edit, node.inputs[5], splitHeads(edit, node.input(2), node.int('kv_num_heads', 0)));
  const [batch, heads, length, width] = query.dims as [number, number, number, number];
  const [, keyHeads, total] = key.dims as [number, number, number];
  const depth = value.dims[3] as number;
  const masked = maskOf(edit, node, length, total);
  if (masked === undefined) return false;
  const y = node.output();
  const forbids = masked.mask !== undefined || masked.causal !== undefined;
  const parts: Omit<AttentionParts, 'y'> = {
    q: rowsOf(query),
    k: shared(rowsOf(key), heads / keyHeads),
    v: shared(rowsOf(value), heads / keyHeads),
    mask: masked.mask,
    batch: [batch, heads],
    valueBatch: [batch, heads],
    rows: length,
    keys: total,
    width,
    depth,
    scale: node.float('scale', 1 / Math.sqrt(width)),
    ...(masked.mask?.kind === 'keepTrue' ? { fill: Number.NEGATIVE_INFINITY } : {}),
    empty: forbids ? 'zero' : 'nan',
    ...(masked.causal === undefined ? {} : { causal: masked.causal }),
  };
  const flat = y.dims.length === 3;
  for (const result of flat ? [y] : results(edit, y)) {
    const n = (size: number, stride: number): Atom[] => [{ n: size, stride }];
    const places = flat ? [n(batch, length * heads * depth), n(heads, depth), n(length, heads * depth), n(depth, 1)] : placesIn(y, result);
    const made = places && attentionNode({ ...parts, y: places });
    if (made === undefined) continue;
    [key, value].forEach((v, i) => {
      const present = node.outputs[i + 1];
      if (present !== undefined && !edit.isUnused(present)) edit.replaceValue(present, v);
    });
    edit.replaceNode(result, 'Attention', made.inputs, { domain: 'dsnk', name: node.name, attrs: { shape: result.dims, ...made.attrs } });
    return true;
  }
  return false;
}

export const takeAttention: Pass = {
  name: 'take-attention',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) if (node.op === 'Attention' && node.domain === '' && isPlain(edit, node)) take(edit, node);
    return edit.finish();
  },
};
