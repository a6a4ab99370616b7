/** QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, MatMulInteger, ConvInteger, QLinearMatMul, QLinearConv. */

import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { type DType, dtypeFromOnnx, dtypes, isFloat } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { broadcastShapes, type Dim, elementCount, isConcrete } from '../graph/dim.js';
import { type Node, scalarOf, type Value } from '../graph/graph.js';
import { dynamicQuantizeParams, integerConvParams, integerMatmulParams, quantizeParams, quantType, scaleLayout } from '../kernels/quantize.js';
import { type ExpressionStep, emitExpression, input, step, type Term, value } from './expression.js';
import { type Inference, MAX_KNOWN, type Operator, type OutputType } from './operator.js';
import { resolvePads, threeAxes, windowOf, windowOutput } from './spatial.js';

const quantNames: readonly string[] = quantType.members;

function quantCode(low: Lowering, dtype: DType): number {
  const { short } = dtypes[dtype];
  if (!quantNames.includes(short))
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'element type must be one that quantization knows', `${dtype} came`);
  return quantType.value(short as (typeof quantType.members)[number]);
}

/** The type that `output_dtype` or `precision` names; 0 and absence name none. */
function namedType(node: Node, attr: string): DType | undefined {
  const id = node.int(attr, 0);
  return id === 0 ? undefined : dtypeFromOnnx(id, node.where);
}

// QuantizeLinear, DequantizeLinear

/** How scales lie along x, from the shapes: the layout, the axis, and the elements per block. */
function scaling(node: Node, x: readonly number[], scale: readonly number[]): { layout: 'tensor' | 'axis' | 'blocked'; axis: number; block: number } {
  const given = node.int('axis', 1);
  const axis = given < 0 ? given + x.length : given;
  if (elementCount(scale) === 1 && scale.length <= 1 && (x[axis] !== 1 || x.length !== 1)) return { layout: 'tensor', axis: 0, block: 1 };
  if (scale.length === 1) return { layout: 'axis', axis, block: 1 };
  const block = node.int('block_size', 0);
  return { layout: 'blocked', axis, block: block > 0 ? block : Math.ceil((x[axis] as number) / (scale[axis] as number)) };
}

function checkScaling(q: Inference): void {
  const x = q.shape(0);
  const scale = q.shape(1);
  if (q.has(2)) {
    const zero = q.node.input(2).shape;
    if (zero !== undefined && elementCountOrNone(zero) !== elementCountOrNone(scale)) q.fail('zero point must have the shape of the scale', q.inputTexts());
  }
  if (!isConcrete(x) || !isConcrete(scale) || elementCount(scale) === 1) return;
  const axis = q.axis(q.node.int('axis', 1), x.length);
  if (scale.length === 1) {
    if (scale[0] !== x[axis]) q.fail(`scale must hold one number, or one per position on axis ${axis}`, q.inputTexts());
    return;
  }
  const { block } = scaling(q.node, x, scale);
  const fits = scale.length === x.length && scale.every((d, i) => d === (i === axis ? Math.ceil((x[i] as number) / block) : x[i]));
  if (!fits) q.fail(`scale must hold one number per ${block} positions on axis ${axis}`, q.inputTexts());
}

/** By a scale of zero nothing can be divided, and what is no number or infinite makes all of a tensor so. */
function checkScale({ node }: Inference, zeros: 'taken' | 'refused'): void {
  const { constant } = node.input(1);
  if (constant === undefined || elementCount(constant.dims) > MAX_KNOWN) return;
  const bad = constant.values()?.find((s) => !Number.isFinite(s) || (zeros === 'refused' && s === 0));
  if (bad === undefined) return;
  throw dsnkError('ERR_DSNK_INVALID_MODEL', node.where, `scale must be finite${zeros === 'refused' ? ' and not zero' : ''}`, `${bad} came`);
}

function elementCountOrNone(shape: readonly Dim[]): number | undefined {
  return isConcrete(shape) ? elementCount(shape) : undefined;
}

export function inferQuantize(q: Inference): OutputType[] {
  checkScaling(q);
  checkScale(q, 'refused');
  const dtype = q.has(2) ? q.dtype(2) : (namedType(q.node, 'output_dtype') ?? 'uint8');
  return [{ dtype, shape: q.shape(0) }];
}

export function inferDequantize(q: Inference): OutputType[] {
  checkScaling(q);
  checkScale(q, 'taken');
  return [{ dtype: namedType(q.node, 'output_dtype') ?? q.dtype(1), shape: q.shape(0) }];
}

/** The scale and the zero point of a QuantizeLinear or DequantizeLinear that has one constant of each; undefined for any other node. */
export function scalingOf(node: Node): { readonly scale: number; readonly zero: number } | undefined {
  if (node.domain !== '' || (node.op !== 'QuantizeLinear' && node.op !== 'DequantizeLinear')) return undefined;
  const scale = scalarOf(node.inputs[1]);
  const zero = node.inputs[2] === undefined ? 0 : scalarOf(node.inputs[2]);
  return scale === undefined || zero === undefined ? undefined : { scale, zero };
}

/** The ends of an integer type of eight bits. */
const byteRange: Partial<Record<DType, readonly [number, number]>> = { uint8: [0, 255], int8: [-128, 127] };

/**
 * QuantizeLinear or DequantizeLinear between float32 and bytes as elementwise steps over input 0, where one scale and one
 * zero point that are constants hold for all elements; undefined for any other node.
 */
export function quantizeSteps(node: Node): readonly ExpressionStep[] | undefined {
  const scaling = scalingOf(node);
  if (scaling === undefined || node.input(1).type !== 'float32') return undefined;
  const { scale, zero } = scaling;
  const quantize = node.op === 'QuantizeLinear';
  const [real, byte] = quantize ? [node.input(0), node.output()] : [node.output(), node.input(0)];
  const range = byteRange[byte.type];
  if (range === undefined || real.type !== 'float32') return undefined;
  // A blocked or per-axis layout of one scale is that of one scale; a precision other than float32 rounds otherwise.
  if (namedType(node, 'precision') !== undefined && namedType(node, 'precision') !== 'float32') return undefined;
  const steps: ExpressionStep[] = [];
  const last = (): Term => (steps.length === 0 ? input(0) : step(steps.length - 1));
  if (!quantize) {
    if (zero !== 0) steps.push({ op: 'sub', terms: [last(), value(zero)] });
    steps.push({ op: 'mul', terms: [last(), value(scale)] });
    return steps;
  }
  steps.push({ op: 'div', terms: [last(), value(scale)] });
  steps.push({ op: 'round', terms: [last()] });
  if (zero !== 0) steps.push({ op: 'add', terms: [last(), value(zero)] });
  steps.push({ op: 'clip', terms: [last(), value(range[0]), value(range[1])] });
  return steps;
}

function lowerLinear(low: Lowering, quantize: boolean): void {
  const { node } = low;
  const steps = quantizeSteps(node);
  if (steps !== undefined) {
    const of = (ref: Ref, v: Value) => ({ ref, dtype: v.type, dims: v.dims });
    emitExpression(low, steps, of(low.out(), node.output()), [of(low.in(0), node.input(0))], 'f32');
    return;
  }
  const x = low.dims(0);
  const { layout, axis, block } = scaling(node, x, low.dims(1));
  const [from, to, scale] = [node.input(0).type, node.output().type, node.input(1).type];
  const precision = quantize ? (namedType(node, 'precision') ?? scale) : 'float32';
  low.emit(
    low.select(quantize ? 'quantize_linear' : 'dequantize_linear', `${low.dtype(0)}${low.outDtype()}`),
    quantizeParams,
    {
      outer: layout === 'tensor' ? 1 : elementCount(x.slice(0, axis)),
      axis: layout === 'tensor' ? elementCount(x) : (x[axis] as number),
      inner: layout === 'tensor' ? 1 : elementCount(x.slice(axis + 1)),
      block,
      layout: scaleLayout.value(layout),
      from: quantCode(low, from),
      to: quantCode(low, to),
      scale: quantCode(low, scale),
      precision: quantCode(low, precision),
      saturate: node.int('saturate', 1) === 0 ? 0 : 1,
    },
    [low.out()],
    [low.in(0), low.in(1), low.input(2)],
  );
}

// DynamicQuantizeLinear

function inferDynamic(q: Inference): OutputType[] {
  if (q.dtype(0) !== 'float32') q.failDtype('input must be float32');
  return [
    { dtype: 'uint8', shape: q.shape(0) },
    { dtype: 'float32', shape: [] },
    { dtype: 'uint8', shape: [] },
  ];
}

function lowerDynamic(low: Lowering): void {
  low.emit(
    low.select('dynamic_quantize', low.dtype(0)),
    dynamicQuantizeParams,
    { count: elementCount(low.dims(0)) },
    [low.out(0), low.out(1), low.out(2)],
    [low.in(0)],
  );
}

// MatMulInteger, QLinearMatMul

export function matmulShape(q: Inference, ia: number, ib: number): readonly Dim[] {
  const a = q.shape(ia);
  const b = q.shape(ib);
  if (a.length < 1 || b.length < 1) q.fail('both operands must have a dimension', q.inputTexts());
  const [m, k] = a.length === 1 ? [undefined, a[0]] : [a[a.length - 2], a[a.length - 1]];
  const [k2, n] = b.length === 1 ? [b[0], undefined] : [b[b.length - 2], b[b.length - 1]];
  if (typeof k === 'number' && typeof k2 === 'number' && k !== k2) q.fail('inner dimensions must be equal', q.inputTexts());
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  if (batch === undefined) q.fail('batch dimensions must broadcast', q.inputTexts());
  return [...batch, ...(m === undefined ? [] : [m]), ...(n === undefined ? [] : [n])];
}

/** Sizes, batches and their strides; `a` and `b` are the shapes. */
function matmulSizes(low: Lowering, a: readonly number[], b: readonly number[]) {
  const [m, k] = a.length === 1 ? [1, a[0] as number] : [a[a.length - 2] as number, a[a.length - 1] as number];
  const n = b.length === 1 ? 1 : (b[b.length - 1] as number);
  const batchA = a.slice(0, -2);
  const batchB = b.slice(0, -2);
  const batch = (broadcastShapes(batchA, batchB) ?? []) as number[];
  if (batch.length > 6) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'there must be at most six batch dimensions', `${batch.length} came`);
  const six = (list: readonly number[], fill: number) => [...new Array<number>(6 - list.length).fill(fill), ...list];
  const strides = (dims: readonly number[]) => {
    let step = 1;
    const out: number[] = [];
    for (let i = dims.length - 1; i >= 0; i--) {
      out.unshift(dims[i] === 1 ? 0 : step);
      step *= dims[i] as number;
    }
    return six(out, 0);
  };
  return { m, n, k, batch: six(batch, 1), aStride: strides(batchA), bStride: strides(batchB) };
}

/** Numbers in an optional scale or zero point: 1 where it is left out. */
function count(v: Value | undefined): number {
  return v === undefined ? 1 : elementCount(v.dims);
}

function lowerMatMulInteger(low: Lowering): void {
  const { node } = low;
  low.emit(
    low.select('matmul_integer', `${low.dtype(0)}${low.dtype(1)}`),
    integerMatmulParams,
    {
      ...matmulSizes(low, low.dims(0), low.dims(1)),
      aZeros: count(node.inputs[2]),
      bZeros: count(node.inputs[3]),
      aScales: 1,
      bScales: 1,
      scale: 0,
      unused: 0,
    },
    [low.out()],
    [low.in(0), low.in(1), low.input(2), low.input(3)],
  );
}

/** a, aScale, aZero, b, bScale, bZero, yScale, yZero. */
function lowerQLinearMatMul(low: Lowering): void {
  const { node } = low;
  low.emit(
    low.select('qlinear_matmul', `${low.dtype(0)}${low.dtype(3)}${low.outDtype()}`),
    integerMatmulParams,
    {
      ...matmulSizes(low, low.dims(0), low.dims(3)),
      aZeros: count(node.inputs[2]),
      bZeros: count(node.inputs[5]),
      aScales: count(node.inputs[1]),
      bScales: count(node.inputs[4]),
      scale: quantCode(low, node.input(1).type),
      unused: 0,
    },
    [low.out()],
    [low.in(0), low.in(3), low.input(2), low.input(5), low.in(1), low.in(4), low.in(6), low.input(7)],
  );
}

// ConvInteger, QLinearConv

function inferConv(q: Inference, iw: number): readonly Dim[] {
  const x = q.shape(0);
  const w = q.shape(iw);
  if (x.length !== w.length || x.length < 3 || x.length > 5) q.fail('input and weight must have one to three image axes', q.inputTexts());
  const kernel = w.slice(2);
  if (!isConcrete(kernel)) q.fail('kernel sizes must be known', q.inputTexts());
  const group = q.node.int('group', 1);
  const [channels, depth] = [x[1], w[1]];
  if (typeof channels === 'number' && typeof depth === 'number' && channels !== depth * group) {
    q.fail(`weight [${w.join(',')}] needs ${depth * group} input channels`, `input [${x.join(',')}] has ${channels}`);
  }
  return [x[0] as Dim, w[0] as Dim, ...windowOutput(q, x.slice(2), windowOf(q.node, kernel))];
}

function convSizes(low: Lowering, w: readonly number[]) {
  const x = low.dims(0);
  const window = windowOf(low.node, w.slice(2));
  const pads = resolvePads(low.node, x.slice(2), window);
  return {
    batches: x[0] as number,
    channels: x[1] as number,
    outC: w[0] as number,
    groups: low.node.int('group', 1),
    image: threeAxes(x.slice(2), 1),
    out: threeAxes(low.outDims().slice(2), 1),
    kernel: threeAxes(window.kernel, 1),
    strides: threeAxes(window.strides, 1),
    pads: threeAxes(pads.slice(0, x.length - 2), 0),
    dilations: threeAxes(window.dilations, 1),
  };
}

function lowerConvInteger(low: Lowering): void {
  low.emit(
    low.select('conv_integer', `${low.dtype(0)}${low.dtype(1)}`),
    integerConvParams,
    { ...convSizes(low, low.dims(1)), wZeros: count(low.node.inputs[3]), wScales: 1 },
    [low.out()],
    [low.in(0), low.in(1), low.input(2), low.input(3)],
  );
}

/** x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias. */
function lowerQLinearConv(low: Lowering): void {
  const { node } = low;
  low.emit(
    low.select('qlinear_conv', `${low.dtype(0)}${low.dtype(3)}${low.outDtype()}`),
    integerConvParams,
    { ...convSizes(low, low.dims(3)), wZeros: count(node.inputs[5]), wScales: count(node.inputs[4]) },
    [low.out()],
    [low.in(0), low.in(3), low.input(2), low.input(5), low.in(1), low.in(4), low.in(6), low.input(7), low.input(8)],
  );
}

/** The quantized type: that of the zero point, else of the input. */
function quantizedType(q: Inference, zero: number): DType {
  const dtype = q.has(zero) ? q.dtype(zero) : q.dtype(0);
  if (isFloat(dtype)) q.failDtype('zero point must be an integer');
  return dtype;
}

export const quantizeOperators: readonly Operator[] = [
  { name: 'QuantizeLinear', domain: '', since: 10, infer: inferQuantize, lower: (low) => lowerLinear(low, true) },
  { name: 'DequantizeLinear', domain: '', since: 10, infer: inferDequantize, lower: (low) => lowerLinear(low, false) },
  { name: 'DynamicQuantizeLinear', domain: '', since: 11, infer: inferDynamic, lower: lowerDynamic },
  { name: 'MatMulInteger', domain: '', since: 10, infer: (q) => [{ dtype: 'int32', shape: matmulShape(q, 0, 1) }], lower: lowerMatMulInteger },
  {
    name: 'QLinearMatMul',
    domain: '',
    since: 10,
    infer: (q) => [{ dtype: quantizedType(q, 7), shape: matmulShape(q, 0, 3) }],
    lower: lowerQLinearMatMul,
  },
  { name: 'ConvInteger', domain: '', since: 10, infer: (q) => [{ dtype: 'int32', shape: inferConv(q, 1) }], lower: lowerConvInteger },
  { name: 'QLinearConv', domain: '', since: 10, infer: (q) => [{ dtype: quantizedType(q, 7), shape: inferConv(q, 3) }], lower: lowerQLinearConv },
];
