/** onnxruntime's operators of transformers as standard ones, and on caches as dsnk.CacheAppend and dsnk.CachedAttention. */
import { Constant, type Node, type Value } from '../../graph/graph.js';
import type { GraphEditor } from '../editor.js';
import { cast, range, splitHeads, withPast } from './attention.js';
import type { Expansion } from './expansion.js';

const add = (edit: GraphEditor, a: Value, b: Value | undefined) => (b === undefined ? a : edit.value('Add', [a, b]));
const gather = (edit: GraphEditor, v: Value, i: number, axis: number) => edit.value('Gather', [v, edit.scalar('int64', i)], { attrs: { axis } });

function split(edit: GraphEditor, v: Value, sizes: readonly number[], axis: number): readonly Value[] {
  return edit.add('Split', [v, edit.ints(sizes)], { attrs: { axis }, outputs: sizes.length }).outputs;
}

/** ids, segments?, words, positions, segment words?, gamma, beta, mask?, position ids? */
const embedding: Expansion = (edit, node) => {
  const [batch, length] = node.input(0).dims as [number, number];
  const [segments, segmentWords, mask] = [node.inputs[1], node.inputs[4], node.inputs[7]];
  const places = node.inputs[8] ?? range(edit, length, [1, length]);
  let sum = edit.value('Add', [edit.value('Gather', [node.input(2), node.input(0)]), edit.value('Gather', [node.input(3), places])]);
  if (segments !== undefined && segmentWords !== undefined) sum = edit.value('Add', [sum, edit.value('Gather', [segmentWords, segments])]);
  const attrs = { axis: -1, epsilon: node.float('epsilon', 1e-12) };
  const y = edit.value('LayerNormalization', [sum, node.input(5), node.input(6)], { attrs });
  const count =
    mask === undefined
      ? edit.graph.addConstant(Constant.of('int32', [batch], Array<number>(batch).fill(0)))
      : edit.value('ReduceSum', [mask, edit.ints([1])], { attrs: { keepdims: 0 } });
  return [y, count, sum];
};

// attention

/** What a mask of integers adds to scores [batch, heads, queries, keys]: `filter` where it is 0. */
function paddingBias(edit: GraphEditor, mask: Value, batch: number, total: number, filter: number): Value {
  const { dims } = mask;
  let keep = mask;
  if (dims.length === 1) {
    // How many keys of each row of the batch are valid, or where they end and, behind that, begin.
    const ends = split(edit, cast(edit, mask, 'int64'), dims[0] === batch ? [batch] : [batch, (dims[0] as number) - batch], 0);
    const column = range(edit, total, [1, total]);
    const of = (v: Value | undefined) => v && edit.reshape(v, [batch, 1]);
    const before = edit.value('Less', [column, of(ends[0])]);
    const start = (dims[0] as number) === 2 * batch ? of(ends[1]) : undefined;
    const inside = start === undefined ? before : edit.value('And', [before, edit.value('Not', [edit.value('Less', [column, start])])]);
    keep = edit.reshape(inside, [batch, 1, 1, total]);
  } else keep = edit.reshape(mask, [dims[0] as number, 1, dims.length === 3 ? (dims[1] as number) : 1, dims.at(-1) as number]);
  const dropped = edit.value('Sub', [edit.scalar('float32', 1), cast(edit, keep, 'float32')]);
  return edit.value('Mul', [dropped, edit.scalar('float32', filter)]);
}

/** Attention of the standard, with what both kinds of masks add to the scores. */
function attend(edit: GraphEditor, node: Node, [q, k, v]: readonly Value[], past: readonly (Value | undefined)[], masks: readonly (Value | undefined)[]) {
  const [padding, bias] = masks;
  const batch = (q as Value).dims[0] as number;
  const keys = (k as Value).dims.length === 4 ? (k as Value).dims[2] : (k as Value).dims[1];
  const total = (keys as number) + ((past[0]?.dims[2] as number | undefined) ?? 0);
  const padded = padding && paddingBias(edit, padding, batch, total, node.float('mask_filter_value', -10000));
  const heads = node.int('num_heads');
  const scale = node.float('scale', 0);
  const sum = padded && bias ? edit.value('Add', [padded, bias]) : (padded ?? bias);
  const attrs = { q_num_heads: heads, kv_num_heads: heads, is_causal: node.int('unidirectional', 0), ...(scale > 0 && { scale }) };
  return edit.add('Attention', [q, k, v, sum, ...past], { attrs, outputs: 3 }).outputs;
}

/** x, weights, bias?, mask?, past? [2, batch, heads, length, width], bias of the scores? */
const attention: Expansion = (edit, node) => {
  const weights = node.input(1);
  const third = (weights.dims[1] as number) / 3;
  const sizes = node.ints('qkv_hidden_sizes', []);
  const projected = add(edit, edit.value('MatMul', [node.input(0), weights]), node.inputs[2]);
  const parts = split(edit, projected, sizes.length === 3 ? sizes : [third, third, third], 2);
  const past = node.inputs[4];
  const pasts = past === undefined ? [] : [gather(edit, past, 0, 0), gather(edit, past, 1, 0)];
  const [y, keys, values] = attend(edit, node, parts, pasts, [node.inputs[3], node.inputs[5]]) as [Value, Value, Value];
  const wanted = node.outputs[1] !== undefined && !edit.isUnused(node.outputs[1]);
  const present = () =>
    edit.value(
      'Concat',
      [keys, values].map((v) => edit.value('Unsqueeze', [v, edit.ints([0])])),
      { attrs: { axis: 0 } },
    );
  return [y, wanted ? present() : undefined];
};

/** query, key?, value?, bias?, mask?, bias of the scores?, past key?, past value?: packed in several ways. */
const multiHead: Expansion = (edit, node) => {
  const query = node.input(0);
  const flat = (v: Value) => edit.reshape(v, [v.dims[0] as number, v.dims[1] as number, (v.dims[2] as number) * (v.dims[3] as number)]);
  const packed = (v: Value, count: number) => Array.from({ length: count }, (_, i) => flat(gather(edit, v, i, 3)));
  let parts: Value[];
  if (query.dims.length === 5) parts = packed(query, 3);
  else if (node.input(1).dims.length === 5) parts = [query, ...packed(node.input(1), 2)];
  else parts = [query, node.input(1), node.input(2)];
  const bias = node.inputs[3];
  if (bias !== undefined) {
    const widths = parts.map((v) => (v.dims.length === 4 ? (v.dims[1] as number) * (v.dims[3] as number) : (v.dims[2] as number)));
    const biases = split(edit, bias, widths, 0);
    // Keys that come split by heads have theirs already.
    parts = parts.map((v, i) => (v.dims.length === 4 ? v : edit.value('Add', [v, biases[i]])));
  }
  return attend(edit, node, parts, [node.inputs[6], node.inputs[7]], [node.inputs[4], node.inputs[5]]);
};

/** x, position ids ([1]: of the first row), cos, sin */
const rotary: Expansion = (edit, node) => {
  const [x, given, cos, sin] = [node.input(0), node.input(1), node.input(2), node.input(3)];
  const flat = x.dims.length === 3;
  const [batch, length] = [x.dims[0] as number, x.dims[flat ? 1 : 2] as number];
  const places =
    given.dims.length === 1 ? edit.value('Expand', [edit.value('Add', [range(edit, length, [1, length]), given]), edit.ints([batch, length])]) : given;
  const turned = node.int('rotary_embedding_dim', 0);
  const heads = node.int('num_heads', 0) || (flat ? (x.dims[2] as number) / (2 * (cos.dims[1] as number)) : 0);
  const attrs = { interleaved: node.int('interleaved', 0), rotary_embedding_dim: turned, ...(flat && { num_heads: heads }) };
  return [edit.value('RotaryEmbedding', [x, cos, sin, places], { attrs })];
};

/**
 * query, key?, value?, past key?, past value?, seqlens_k, total_sequence_length, cos?, sin?, position ids?
 *
 * The caches are buffers of the length of present: new rows are written behind the valid ones, which `seqlens_k` counts, less one and with the
 * new ones. A past that grows is joined with the new rows, which makes the buffer.
 */
const groupQuery: Expansion = (edit, node) => {
  const [heads, keyHeads] = [node.int('num_heads'), node.int('kv_num_heads')];
  const [batch, length, all] = node.input(0).dims as [number, number, number];
  const width = all / (node.inputs[1] === undefined ? heads + 2 * keyHeads : heads);
  const sizes = [heads * width, keyHeads * width, keyHeads * width];
  let [q, k, v] = (node.inputs[1] === undefined ? split(edit, node.input(0), sizes, 2) : [node.input(0), node.input(1), node.input(2)]) as [
    Value,
    Value,
    Value,
  ];
  const end = edit.value('Add', [edit.reshape(cast(edit, node.input(5), 'int64'), [batch]), edit.scalar('int64', 1 - length)]);
  const before = edit.value('Max', [end, edit.scalar('int64', 0)]);
  if (node.int('do_rotary', 0) !== 0) {
    const behind = () => edit.value('Add', [edit.reshape(before, [batch, 1]), range(edit, length, [1, length])]);
    const places = node.inputs[9] ?? behind();
    const turn = (x: Value, num: number) =>
      edit.value('RotaryEmbedding', [x, node.input(7), node.input(8), places], {
        attrs: { interleaved: node.int('rotary_interleaved', 0), num_heads: num, rotary_embedding_dim: 2 * (node.input(7).dims[1] as number) },
      });
    [q, k] = [turn(q, heads), turn(k, keyHeads)];
  }
  const capacity = node.output(1).dims[2] as number;
  const buffer = (past: Value | undefined, now: Value) => {
    const held = past?.dims[2] ?? 0;
    return past !== undefined && held === capacity ? past : withPast(edit, held === 0 ? undefined : past, splitHeads(edit, now, keyHeads));
  };
  const lengths = cast(edit, before, 'int32');
  const append = edit.add('CacheAppend', [buffer(node.inputs[3], k), buffer(node.inputs[4], v), k, v, lengths], { domain: 'dsnk', outputs: 2 });
  const window = node.int('local_window_size', -1);
  const scale = node.float('scale', 0);
  const y = edit.value('CachedAttention', [q, append.output(0), append.output(1), lengths], {
    domain: 'dsnk',
    attrs: { scale: scale > 0 ? scale : 1 / Math.sqrt(width), window: Math.max(window, 0), softcap: node.float('softcap', 0) },
  });
  return [y, append.output(0), append.output(1)];
};

/** By operator of com.microsoft. */
export const transformerExpansions: ReadonlyMap<string, Expansion> = new Map([
  ['Attention', attention],
  ['EmbedLayerNormalization', embedding],
  ['GroupQueryAttention', groupQuery],
  ['MultiHeadAttention', multiHead],
  ['RotaryEmbedding', rotary],
]);
