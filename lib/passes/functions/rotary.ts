/** RotaryEmbedding: pairs of elements turned by the angles whose cosines and sines the caches hold. */
import type { Value } from '../../graph/graph.js';
import type { GraphEditor } from '../editor.js';
import type { Expansion } from './expansion.js';

function slice(edit: GraphEditor, v: Value, from: number, to: number, step = 1): Value {
  if (from === 0 && to === v.dims[v.dims.length - 1] && step === 1) return v;
  return edit.value('Slice', [v, edit.ints([from]), edit.ints([to]), edit.ints([v.dims.length - 1]), edit.ints([step])]);
}

export const rotaryEmbedding: Expansion = (edit, node) => {
  const input = node.input(0);
  const [x, headAxis] = ((): [Value, number] => {
    if (input.dims.length === 4) return [input, 1];
    const [batch, length, width] = input.dims as [number, number, number];
    const heads = node.int('num_heads');
    return [edit.reshape(input, [batch, length, heads, width / heads]), 2];
  })();
  const width = x.dims[3] as number;
  const turned = node.int('rotary_embedding_dim', 0) || width;
  const half = turned / 2;
  const angles = (cache: Value) => {
    const rows = node.inputs[3] === undefined ? cache : edit.value('Gather', [cache, node.inputs[3]], { attrs: { axis: 0 } });
    return edit.value('Unsqueeze', [slice(edit, rows, 0, half), edit.ints([headAxis])]);
  };
  const [cos, sin] = [angles(node.input(1)), angles(node.input(2))];
  const interleaved = node.int('interleaved', 0) !== 0;
  const [a, b] = interleaved ? [slice(edit, x, 0, turned, 2), slice(edit, x, 1, turned, 2)] : [slice(edit, x, 0, half), slice(edit, x, half, turned)];
  const real = edit.value('Sub', [edit.value('Mul', [cos, a]), edit.value('Mul', [sin, b])]);
  const imaginary = edit.value('Add', [edit.value('Mul', [sin, a]), edit.value('Mul', [cos, b])]);
  const parts: Value[] = [real, imaginary];
  if (interleaved) {
    const pairs = parts.map((v) => edit.value('Unsqueeze', [v, edit.ints([-1])]));
    parts.splice(0, 2, edit.reshape(edit.value('Concat', pairs, { attrs: { axis: -1 } }), [...x.dims.slice(0, 3), turned]));
  }
  if (turned < width) parts.push(slice(edit, x, turned, width));
  const y = parts.length === 1 ? (parts[0] as Value) : edit.value('Concat', parts, { attrs: { axis: -1 } });
  return [edit.reshape(y, input.dims)];
};
