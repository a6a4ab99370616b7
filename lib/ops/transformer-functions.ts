/**
 * onnxruntime's operators of transformers (domain com.microsoft): functions of others, typed here and written out by the pass
 * expand-contrib. Source: docs/ContribOperators.md of onnxruntime.
 */
import { addDim, type Dim, floorDivDim, mulDim } from '../graph/dim.js';
import type { Graph, State } from '../graph/graph.js';
import { type Inference, NeedsValue, type Operator, type OutputType } from './operator.js';
import { turnedType } from './rotary.js';

function rows(q: Inference, i = 0): readonly [Dim, Dim, Dim] {
  const shape = q.shape(i);
  if (shape.length !== 3) q.fail(`input ${i} must be [batch, length, width]`, q.inputTexts());
  return shape as unknown as [Dim, Dim, Dim];
}

function headsOf(q: Inference, attr = 'num_heads'): number {
  const count = q.node.int(attr, 0);
  if (count < 1) q.fail(`${attr} must be at least 1`, `${count} came`);
  return count;
}

function inferEmbedding(q: Inference): OutputType[] {
  const ids = q.shape(0);
  const words = q.shape(2);
  if (ids.length !== 2 || words.length !== 2) q.fail('ids must be [batch, length] and embeddings matrices', q.inputTexts());
  const y = { dtype: q.dtype(2), shape: [...ids, words[1] as Dim] };
  return [y, { dtype: 'int32', shape: [ids[0] as Dim] }, y];
}

function inferAttention(q: Inference): OutputType[] {
  const [batch, length] = rows(q);
  const weights = q.shape(1);
  const heads = headsOf(q);
  if (weights.length !== 2) q.fail('weights must be [width, widths of queries, keys and values]', q.inputTexts());
  if (q.node.int('do_rotary', 0) !== 0) q.fail('do_rotary must be 0 in this version', '1 came');
  if (q.has(4) && q.rank(4) !== 5) q.fail('past must be [2, batch, heads, length, width]', q.inputTexts());
  const sizes = q.node.ints('qkv_hidden_sizes', []);
  const depth = sizes.length === 3 ? (sizes[2] as number) : floorDivDim(weights[1] as Dim, 3);
  const past: Dim = q.has(4) ? (q.shape(4)[3] as Dim) : 0;
  return [
    { dtype: q.dtype(0), shape: [batch, length, depth] },
    { dtype: q.dtype(0), shape: [2, batch, heads, addDim(past, length), floorDivDim(depth, heads)] },
  ];
}

function inferMultiHead(q: Inference): OutputType[] {
  const heads = headsOf(q);
  const shape = q.shape(0);
  const dtype = q.dtype(0);
  if (q.has(8) || q.has(9)) q.fail('past_sequence_length and cache_indirection must be left out in this version', q.inputTexts());
  const [batch, length] = shape as [Dim, Dim];
  if (shape.length === 5) return [{ dtype, shape: [batch, length, mulDim(shape[2] as Dim, shape[4] as Dim)] }];
  const [, , width] = rows(q);
  if (!q.has(1)) q.fail('key must be there where queries are not packed with it', q.inputTexts());
  const key = q.shape(1);
  const packed = key.length === 5;
  const value = packed ? key : q.shape(2);
  const keys = key.length === 4 ? (key[2] as Dim) : (key[1] as Dim);
  const depth = packed ? mulDim(key[2] as Dim, key[4] as Dim) : value.length === 4 ? mulDim(value[1] as Dim, value[3] as Dim) : (value[2] as Dim);
  const total = addDim(q.has(6) ? (q.shape(6)[2] as Dim) : 0, keys);
  return [
    { dtype, shape: [batch, length, depth] },
    { dtype, shape: [batch, heads, total, floorDivDim(width, heads)] },
    { dtype, shape: [batch, heads, total, floorDivDim(depth, heads)] },
  ];
}

/** Set by `keepCapacity`: the caches are buffers of a fixed length, however many of their tokens are valid. */
const FIXED = 'dsnk_fixed_capacity';

/** Tokens of present_key: as many as the past holds where that is a buffer with room, else past and new ones. */
function presentLength(q: Inference, past: Dim, length: Dim): Dim {
  if (past === 0) return length;
  if (q.node.int(FIXED, 0) !== 0) return past;
  const known = q.known(6);
  if (known?.length === 0) q.fail('total_sequence_length must be a number', q.inputTexts());
  const total = known?.[0];
  if (typeof total === 'number' && typeof past === 'number') return Math.max(total, past);
  if (q.concrete) throw new NeedsValue(q.node.input(6));
  // A past that is no buffer with room grows.
  return addDim(past, length);
}

function inferGroupQuery(q: Inference): OutputType[] {
  const [batch, length, width] = rows(q);
  const [heads, keyHeads] = [headsOf(q), headsOf(q, 'kv_num_heads')];
  if (q.dtype(0) !== 'float32') q.failDtype('queries must be float32 in this version', q.dtype(0));
  if (heads % keyHeads !== 0) q.fail('num_heads must be a multiple of kv_num_heads', `${heads} and ${keyHeads} came`);
  if (q.has(10) || q.has(11) || q.node.int('smooth_softmax', 0) !== 0)
    q.fail('attention_bias, head_sink and smooth_softmax must be left out in this version', q.inputTexts());
  const window = q.node.int('local_window_size', -1);
  if (window >= 2 ** 31) q.fail('local_window_size must be below 2^31', `${window} came`);
  const all = q.has(1) ? heads : heads + 2 * keyHeads;
  const headWidth = floorDivDim(width, all);
  if ([3, 4].some((i) => q.has(i) && q.rank(i) !== 4)) q.fail('past must be [batch, heads, length, width]', q.inputTexts());
  if (q.dtype(6) !== 'int32') q.failDtype('total_sequence_length must be int32', q.dtype(6));
  const past: Dim = q.has(3) ? (q.shape(3)[2] as Dim) : 0;
  const cache = { dtype: q.dtype(0), shape: [batch, keyHeads, presentLength(q, past, length), headWidth] };
  return [{ dtype: q.dtype(0), shape: [batch, length, mulDim(heads, headWidth)] }, cache, cache];
}

/** Where a state is past and present of one GroupQueryAttention, that has the state's capacity: `total_sequence_length` changes no shape. */
export function keepCapacity(graph: Graph, state: State): void {
  const [output, input] = [graph.outputs[state.output], graph.inputs[state.input]];
  const node = output?.producer;
  if (node?.op === 'GroupQueryAttention' && (node.inputs[3] === input || node.inputs[4] === input)) node.attrs.set(FIXED, 1);
}

function inferRotary(q: Inference): OutputType[] {
  if (q.node.int('is_packed_batching', 0) !== 0) q.fail('is_packed_batching must be 0 in this version', '1 came');
  return [turnedType(q)];
}

const contrib = (name: string, infer: (q: Inference) => readonly OutputType[]): Operator => ({ name, domain: 'com.microsoft', infer });

export const transformerFunctions: readonly Operator[] = [
  contrib('Attention', inferAttention),
  contrib('EmbedLayerNormalization', inferEmbedding),
  contrib('GroupQueryAttention', inferGroupQuery),
  contrib('MultiHeadAttention', inferMultiHead),
  contrib('RotaryEmbedding', inferRotary),
];
