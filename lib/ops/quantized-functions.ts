/**
 * onnxruntime's operators on quantized tensors (domain com.microsoft). Each is DequantizeLinear, a float operator and
 * QuantizeLinear in one: typed here, written out by the pass expand-contrib; what is then fused again is up to the passes
 * behind it.
 */
import type { DType } from '../dtype.js';
import { broadcastShapes, type Dim, isConcrete, type Shape } from '../graph/dim.js';
import type { Inference, Operator, OutputType } from './operator.js';
import { inferDequantize, inferQuantize, matmulShape } from './quantize.js';
import { windowOf, windowOutput } from './spatial.js';

/** Scale i and zero point i+1 hold one number each: these operators have no other form. */
function oneScale(q: Inference, i: number): void {
  for (const at of [i, i + 1]) {
    if (!q.has(at)) continue;
    const shape = q.node.input(at).shape;
    if (shape !== undefined && isConcrete(shape) && shape.some((d) => d !== 1)) q.fail('scale and zero point must hold one number', q.inputTexts());
  }
}

/** The type of a result: that of its zero point, else of the input. */
function resultType(q: Inference, zero: number, like = 0): DType {
  return q.has(zero) ? q.dtype(zero) : q.dtype(like);
}

function inferBroadcast(q: Inference): OutputType[] {
  for (const i of [1, 4, 6]) oneScale(q, i);
  const shape = broadcastShapes(q.shape(0), q.shape(3));
  if (shape === undefined) q.fail('inputs must broadcast', q.inputTexts());
  return [{ dtype: resultType(q, 7), shape }];
}

function inferUnary(q: Inference): OutputType[] {
  for (const i of [1, 3]) oneScale(q, i);
  return [{ dtype: resultType(q, 4), shape: q.shape(0) }];
}

/** The spatial dimensions become `f` of them. */
function pooled(q: Inference, f: (size: readonly Dim[]) => readonly Dim[]): OutputType[] {
  for (const i of [1, 3]) oneScale(q, i);
  const x = q.shape(0);
  if (x.length < 3) q.fail('input must have batch, channels and at least one spatial dimension', q.inputTexts());
  const last = q.node.int('channels_last', 0) !== 0;
  const size = f(last ? x.slice(1, -1) : x.slice(2));
  const shape = last ? [x[0], ...size, x.at(-1)] : [x[0], x[1], ...size];
  return [{ dtype: resultType(q, 4), shape: shape as Dim[] }];
}

function inferAveragePool(q: Inference): OutputType[] {
  return pooled(q, (size) => {
    const kernel = q.node.ints('kernel_shape');
    if (kernel.length !== size.length) q.fail(`kernel_shape must hold ${size.length} numbers`, `[${kernel.join(',')}] came`);
    return windowOutput(q, size, windowOf(q.node, kernel), q.node.int('ceil_mode', 0) !== 0);
  });
}

/** yScale, yZero, then three inputs a part. */
function inferConcat(q: Inference): OutputType[] {
  if (q.inputCount < 5 || (q.inputCount - 2) % 3 !== 0) q.fail('inputs must be scale and zero point, then three a part', `${q.inputCount} came`);
  oneScale(q, 0);
  const parts: Shape[] = [];
  for (let i = 2; i < q.inputCount; i += 3) {
    oneScale(q, i + 1);
    parts.push(q.shape(i));
  }
  const first = parts[0] as Shape;
  const axis = q.axis(q.node.int('axis'), first.length);
  const fits = (p: Shape) => p.length === first.length && p.every((d, k) => k === axis || typeof d !== typeof first[k] || d === first[k]);
  if (!parts.every(fits)) q.fail(`parts must agree on all axes but ${axis}`, q.inputTexts());
  const along = parts.map((p) => p[axis] as Dim);
  const total = along.every((d): d is number => typeof d === 'number') ? along.reduce((sum, d) => sum + d, 0) : q.unknownDim();
  return [{ dtype: resultType(q, 1, 2), shape: first.map((d, k) => (k === axis ? total : d)) }];
}

function inferReduceMean(q: Inference): OutputType[] {
  for (const i of [1, 3]) oneScale(q, i);
  const x = q.shape(0);
  const given = q.node.ints('axes', []).map((a) => q.axis(a, x.length));
  const gone = new Set(given.length === 0 ? x.keys() : given);
  const kept = q.node.int('keepdims', 1) !== 0;
  return [{ dtype: resultType(q, 4), shape: x.flatMap((d, k) => (!gone.has(k) ? [d] : kept ? [1] : [])) }];
}

/** condition, x, xScale, xZero, y, yScale, yZero, zScale, zZero */
function inferWhere(q: Inference): OutputType[] {
  for (const i of [2, 5, 7]) oneScale(q, i);
  const values = broadcastShapes(q.shape(1), q.shape(4));
  const shape = values && broadcastShapes(q.shape(0), values);
  if (shape === undefined) q.fail('inputs must broadcast', q.inputTexts());
  return [{ dtype: resultType(q, 8, 1), shape }];
}

/** a, aScale, aZero, b, bScale, bZero, c?, yScale?, yZero?: float32 without yScale. */
function inferGemm(q: Inference): OutputType[] {
  const flip = (shape: Shape, attr: string) => (q.node.int(attr, 0) !== 0 ? [...shape].reverse() : shape);
  const [a, b] = [flip(q.shape(0), 'transA'), flip(q.shape(3), 'transB')];
  if (a.length !== 2 || b.length !== 2) q.fail('both operands must be matrices', q.inputTexts());
  if (typeof a[1] === 'number' && typeof b[0] === 'number' && a[1] !== b[0]) q.fail('inner dimensions must be equal', q.inputTexts());
  return [{ dtype: q.has(7) ? resultType(q, 8) : 'float32', shape: [a[0] as Dim, b[1] as Dim] }];
}

const contrib = (name: string, infer: (q: Inference) => readonly OutputType[]): Operator => ({ name, domain: 'com.microsoft', infer });

export const quantizedFunctions: readonly Operator[] = [
  contrib('QLinearAdd', inferBroadcast),
  contrib('QLinearMul', inferBroadcast),
  contrib('QLinearSigmoid', inferUnary),
  contrib('QLinearLeakyRelu', inferUnary),
  contrib('QLinearSoftmax', inferUnary),
  contrib('QLinearGlobalAveragePool', (q) => pooled(q, (size) => size.map(() => 1))),
  contrib('QLinearAveragePool', inferAveragePool),
  contrib('QLinearConcat', inferConcat),
  contrib('QLinearReduceMean', inferReduceMean),
  contrib('QLinearWhere', inferWhere),
  contrib('QGemm', inferGemm),
  contrib('QuantizeLinear', inferQuantize),
  contrib('DequantizeLinear', inferDequantize),
  contrib('MatMulIntegerToFloat', (q) => [{ dtype: 'float32', shape: matmulShape(q, 0, 1) }]),
  contrib('DynamicQuantizeMatMul', (q) => [{ dtype: 'float32', shape: matmulShape(q, 0, 1) }]),
];
