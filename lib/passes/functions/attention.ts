/**
 * Attention as products and one softmax:
 *
 *     scores = scale · q·kᵀ;  capped = softcap · tanh(scores / softcap);  biased = capped + bias
 *     weights = softmax(biased), zero in rows where the bias forbids every key;  y = weights · v
 *
 * Query heads that share a key head stand together, so that [batch, heads, length, width] is [batch, keyHeads, group·length,
 * width] and both products have plain batches. Half types are computed in float32.
 */
import { type DType, dtypeFromOnnx, dtypes } from '../../dtype.js';
import { Constant, type Node, type Value } from '../../graph/graph.js';
import type { GraphEditor } from '../editor.js';
import type { Expansion } from './expansion.js';

export function cast(edit: GraphEditor, v: Value, dtype: DType): Value {
  return v.type === dtype ? v : edit.value('Cast', [v], { attrs: { to: dtypes[dtype].onnx } });
}

/** [batch, heads, length, width]. */
export function splitHeads(edit: GraphEditor, v: Value, count: number): Value {
  if (v.dims.length === 4) return v;
  const [batch, length, width] = v.dims as [number, number, number];
  return edit.value('Transpose', [edit.reshape(v, [batch, length, count, width / count])], { attrs: { perm: [0, 2, 1, 3] } });
}

export function withPast(edit: GraphEditor, past: Value | undefined, now: Value): Value {
  return past === undefined ? now : edit.value('Concat', [past, now], { attrs: { axis: 2 } });
}

/** 0, 1, … n-1 under the dimensions of a broadcast. */
export function range(edit: GraphEditor, n: number, dims: readonly number[]): Value {
  return edit.graph.addConstant(Constant.of('int64', dims, [...Array(n).keys()]));
}

interface Lengths {
  readonly query: number;
  readonly total: number;
  readonly past: number;
}

/** What is added to the scores, broadcast to [batch, heads, query, total]: 0 and -∞, and the numbers of a float mask. */
export function biasOf(edit: GraphEditor, node: Node, dtype: DType, { query, total, past }: Lengths): Value | undefined {
  const zero = edit.scalar(dtype, 0);
  const never = edit.scalar(dtype, -Infinity);
  const [mask, valid] = [node.inputs[3], node.inputs[6]];
  const parts: Value[] = [];
  if (mask !== undefined) {
    let bias = mask.type === 'bool' ? edit.value('Where', [mask, zero, never]) : cast(edit, mask, dtype);
    const columns = bias.dims[bias.dims.length - 1] as number;
    // A mask shorter than the keys forbids the rest.
    if (columns < total && columns !== 1) {
      const pads = [...bias.dims.map(() => 0), ...bias.dims.map((_, d) => (d === bias.dims.length - 1 ? total - columns : 0))];
      bias = edit.value('Pad', [bias, edit.ints(pads), never]);
    }
    parts.push(bias);
  }
  const column = () => range(edit, total, [1, 1, 1, total]);
  const perBatch = valid === undefined ? undefined : edit.reshape(valid, [valid.dims[0] as number, 1, 1, 1]);
  if (node.int('is_causal', 0) !== 0) {
    // The last query sees the last valid key.
    const offset = perBatch === undefined ? edit.scalar('int64', past) : edit.value('Sub', [perBatch, edit.scalar('int64', query)]);
    const last = edit.value('Add', [range(edit, query, [1, 1, query, 1]), offset]);
    parts.push(edit.value('Where', [edit.value('Less', [last, column()]), never, zero]));
  }
  if (perBatch !== undefined) parts.push(edit.value('Where', [edit.value('Less', [column(), perBatch]), zero, never]));
  const [first, ...rest] = parts;
  return first && rest.reduce((sum, part) => edit.value('Add', [sum, part]), first);
}

export const attention: Expansion = (edit, node) => {
  const outer = node.input(0).type;
  const inner: DType = outer === 'float64' ? 'float64' : 'float32';
  const query = splitHeads(edit, node.input(0), node.int('q_num_heads', 0));
  const key = withPast(edit, node.inputs[4], splitHeads(edit, node.input(1), node.int('kv_num_heads', 0)));
  const value = withPast(edit, node.inputs[5], splitHeads(edit, node.input(2), node.int('kv_num_heads', 0)));
  const [batch, heads, length, width] = query.dims as [number, number, number, number];
  const [, keyHeads, total] = key.dims as [number, number, number];
  const depth = value.dims[3] as number;
  const grouped = (v: Value, last: number) => edit.reshape(v, [batch, keyHeads, (heads / keyHeads) * length, last]);
  const apart = (v: Value, last: number) => edit.reshape(v, [batch, heads, length, last]);

  const scale = node.float('scale', 1 / Math.sqrt(width));
  const q = cast(edit, grouped(query, width), inner);
  const k = cast(edit, key, inner);
  const scores = apart(
    inner === 'float32'
      ? edit.value('MatMul', [q, k], { domain: 'dsnk', attrs: { transB: 1, scale } })
      : edit.value('MatMul', [edit.value('Mul', [q, edit.scalar(inner, scale)]), edit.value('Transpose', [k], { attrs: { perm: [0, 1, 3, 2] } })]),
    total,
  );
  let capped = scores;
  const softcap = node.float('softcap', 0);
  if (softcap > 0) {
    const cap = edit.scalar(inner, softcap);
    capped = edit.value('Mul', [edit.value('Tanh', [edit.value('Div', [scores, cap])]), cap]);
  }
  const past = node.inputs[4]?.dims[2] ?? 0;
  const bias = biasOf(edit, node, inner, { query: length, total, past });
  const biased = bias === undefined ? capped : edit.value('Add', [capped, bias]);
  const precision = node.has('softmax_precision') ? dtypeFromOnnx(node.int('softmax_precision'), node.where) : inner;
  // float32 is never less precise than what a half type asks for
  const wide: DType = precision === 'float64' ? 'float64' : inner;
  let weights = cast(edit, edit.value('Softmax', [cast(edit, biased, wide)], { attrs: { axis: -1 } }), inner);
  if (bias !== undefined) {
    const most = edit.value('ReduceMax', [bias, edit.ints([-1])], { attrs: { keepdims: 1 } });
    weights = edit.value('Where', [edit.value('Equal', [most, edit.scalar(inner, -Infinity)]), edit.scalar(inner, 0), weights]);
  }
  const y = apart(edit.value('MatMul', [grouped(weights, total), cast(edit, value, inner)]), depth);
  const flat =
    node.input(0).dims.length === 3 ? edit.reshape(edit.value('Transpose', [y], { attrs: { perm: [0, 2, 1, 3] } }), [batch, length, heads * depth]) : y;
  const shown = [scores, capped, biased, weights][node.int('qk_matmul_output_mode', 0)];
  return [cast(edit, flat, outer), key, value, shown && cast(edit, shown, outer)];
};
