/**
 * Operators that are functions of others: typed here, rewritten by the pass expand-functions before anything else looks at
 * the graph.
 */
import { type DType, dtypeFromOnnx } from '../dtype.js';
import { addDim, type Dim, floorDivDim, mulDim } from '../graph/dim.js';
import type { Inference, Operator, OutputType } from './operator.js';

// HannWindow, HammingWindow, BlackmanWindow

function inferWindow(q: Inference): OutputType[] {
  const dtype = dtypeFromOnnx(q.node.int('output_datatype', 1), q.node.where);
  const size = q.dims(0)[0];
  if (size === undefined) q.fail('size must be one number');
  return [{ dtype, shape: [size] }];
}

// NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss

function inferLoss(q: Inference): OutputType {
  const x = q.shape(0);
  const target = q.shape(1);
  if (x.length < 2 || target.length !== x.length - 1) q.fail('input must be [N, C, …] and target [N, …]', q.inputTexts());
  const reduction = q.node.string('reduction', 'mean');
  if (reduction !== 'none' && reduction !== 'sum' && reduction !== 'mean') q.fail('reduction must be none, sum or mean', `${reduction} came`);
  return { dtype: q.dtype(0), shape: reduction === 'none' ? target : [] };
}

// Attention

/** [batch, heads, length, width] of input i, split by its heads where it has three dimensions. */
function heads(q: Inference, i: number, attr: string): readonly [Dim, Dim, Dim, Dim] {
  const shape = q.shape(i);
  if (shape.length === 4) return shape as unknown as [Dim, Dim, Dim, Dim];
  if (shape.length !== 3) q.fail('query, key and value must have three or four dimensions', q.inputTexts());
  const count = q.node.int(attr, 0);
  if (count < 1) q.fail(`${attr} must be given for inputs of three dimensions`);
  const [batch, length, width] = shape as [Dim, Dim, Dim];
  if (typeof width === 'number' && width % count !== 0) q.fail(`width must be a multiple of ${attr}`, q.inputTexts());
  return [batch, count, length, floorDivDim(width, count)];
}

/** Whether nothing known of a is another number in b. */
const agree = (a: readonly Dim[], b: readonly Dim[]) =>
  a.length === b.length && a.every((d, i) => typeof d === 'string' || typeof b[i] === 'string' || d === b[i]);

function masks(mask: readonly Dim[], scores: readonly Dim[]): boolean {
  const leading = scores.length - mask.length;
  const fits = (d: Dim, n: Dim, last: boolean) => d === 1 || typeof d === 'string' || typeof n === 'string' || d === n || (last && d < n);
  return mask.length > 0 && leading >= 0 && mask.every((d, i) => fits(d, scores[leading + i] as Dim, i === mask.length - 1));
}

function inferAttention(q: Inference): OutputType[] {
  const query = heads(q, 0, 'q_num_heads');
  const key = heads(q, 1, 'kv_num_heads');
  const value = heads(q, 2, 'kv_num_heads');
  const [queryHeads, keyHeads] = [query[1], key[1]];
  if (typeof queryHeads === 'number' && typeof keyHeads === 'number' && queryHeads % keyHeads !== 0) {
    q.fail('query heads must be a multiple of key and value heads', `${queryHeads} and ${keyHeads} came`);
  }
  if (!agree([query[0], key[1], key[2]], [key[0], value[1], value[2]]) || !agree([key[0], key[3]], [value[0], query[3]])) {
    q.fail('query, key and value must agree in batch and width, key and value in heads and length', q.inputTexts());
  }
  if (q.has(4) !== q.has(5)) q.fail('past key and value must come together');
  const past: Dim = q.has(4) ? (q.shape(4)[2] as Dim) : 0;
  if (q.has(4) && !(agree(q.shape(4), [key[0], key[1], past, key[3]]) && agree(q.shape(5), [value[0], value[1], past, value[3]]))) {
    q.fail('past key and value must be [batch, heads, length, width] as key and value are', q.inputTexts());
  }
  const total = addDim(past, key[2]);
  if (q.has(3) && !masks(q.shape(3), [query[0], query[1], query[2], total])) {
    q.fail('mask must broadcast to [batch, heads, query length, key length], or have fewer columns', q.inputTexts());
  }
  if (q.has(6) && !agree(q.shape(6), [query[0]])) q.fail('lengths of the keys must be [batch]', q.inputTexts());
  const dtype = q.dtype(0);
  const y = q.rank(0) === 3 ? [query[0], query[2], mulDim(query[1], value[3])] : [query[0], query[1], query[2], value[3]];
  return [
    { dtype, shape: y },
    { dtype: q.dtype(1), shape: [key[0], key[1], total, key[3]] },
    { dtype: q.dtype(2), shape: [value[0], value[1], total, value[3]] },
    { dtype, shape: [query[0], query[1], query[2], total] },
  ];
}

const floats: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16'];

function ofFloats(infer: (q: Inference) => OutputType[]): (q: Inference) => OutputType[] {
  return (q) => {
    if (!floats.includes(q.dtype(0))) q.failDtype('input must be floating');
    return infer(q);
  };
}

export const functionOperators: readonly Operator[] = [
  { name: 'HannWindow', domain: '', since: 17, infer: inferWindow },
  { name: 'HammingWindow', domain: '', since: 17, infer: inferWindow },
  { name: 'BlackmanWindow', domain: '', since: 17, infer: inferWindow },
  { name: 'NegativeLogLikelihoodLoss', domain: '', since: 12, infer: ofFloats((q) => [inferLoss(q)]) },
  {
    name: 'SoftmaxCrossEntropyLoss',
    domain: '',
    since: 12,
    infer: ofFloats((q) => [inferLoss(q), { dtype: q.dtype(0), shape: q.shape(0) }]),
  },
  { name: 'Attention', domain: '', since: 23, infer: ofFloats(inferAttention) },
];
