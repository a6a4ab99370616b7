/**
 * Operators whose result has a length that only the contents of their inputs tell: NonZero, Compress, Unique,
 * NonMaxSuppression.
 *
 * A program has fixed shapes, so these are never lowered as they stand. The session ends a stage at such a node:
 *
 *   1. `dynamicOperators.get(node.op).toPadded(node, graph)` makes the padded form, an operator of the domain `dsnk` with a
 *      fixed shape: same inputs; per result of the ONNX node one output of the longest possible shape; and last `count`, i64 [1].
 *   2. The stage is compiled up to and including the padded node, with the padded outputs and the count as graph outputs.
 *   3. After the run each result is trimmed: its shape is the padded shape with dimension `axis` replaced by the count, and its
 *      bytes are the first ones of the padded output. (The kernels write the trimmed tensor contiguously in its final shape, so
 *      trimming is a subarray whatever the axis.) A result with `axis` undefined is whole.
 *   4. The next stage takes the trimmed tensors as inputs of known shape.
 */

import type { Lowering } from '../compile/lowering.js';
import { type DType, dtypes } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { type Dim, elementCount, isConcrete, mulDim, productDim } from '../graph/dim.js';
import type { AttrValue, Graph, Node, Value } from '../graph/graph.js';
import { compressParams, nonMaxSuppressionParams, nonZeroParams, uniqueParams } from '../kernels/dynamic.js';
import type { Inference, Operator, OutputType } from './operator.js';

/** One result of the ONNX node, and where it is found after the padded one has run. */
export interface Trim {
  /** The value that the ONNX node defines. */
  readonly result: Value;
  readonly padded: Value;
  /** The open dimension; undefined: the result is the padded output as it is. */
  readonly axis: number | undefined;
  readonly count: Value;
}

export interface PaddedForm {
  /** To be placed where the ONNX node stands. */
  readonly node: Node;
  readonly trims: readonly Trim[];
}

export interface DynamicOperator {
  toPadded(node: Node, graph: Graph): PaddedForm;
}

/** Makes `dsnk.<name>Padded` with the node's inputs and attributes; `axes` gives the open dimension per output. */
function padded(node: Node, graph: Graph, axes: readonly (number | undefined)[]): PaddedForm {
  const twin = graph.createNode(`${node.op}Padded`, [...node.inputs], {
    domain: 'dsnk',
    name: node.name,
    attrs: Object.fromEntries(node.attrs) as Record<string, AttrValue>,
    outputs: axes.length + 1,
  });
  const count = twin.output(axes.length);
  const trims: Trim[] = [];
  node.outputs.forEach((result, i) => {
    if (result !== undefined) trims.push({ result, padded: twin.output(i), axis: axes[i], count });
  });
  return { node: twin, trims };
}

function axisOf(node: Node): number | undefined {
  if (!node.has('axis')) return undefined;
  const axis = node.int('axis');
  return axis < 0 ? axis + (node.input(0).shape?.length ?? 0) : axis;
}

export const dynamicOperators: ReadonlyMap<string, DynamicOperator> = new Map<string, DynamicOperator>([
  ['NonZero', { toPadded: (node, graph) => padded(node, graph, [1]) }],
  ['Compress', { toPadded: (node, graph) => padded(node, graph, [axisOf(node) ?? 0]) }],
  ['Unique', { toPadded: (node, graph) => padded(node, graph, [axisOf(node) ?? 0, 0, undefined, 0]) }],
  ['NonMaxSuppression', { toPadded: (node, graph) => padded(node, graph, [0]) }],
]);

const I64 = (shape: readonly Dim[]): OutputType => ({ dtype: 'int64', shape });
const COUNT = I64([1]);

// NonZero

function inferNonZero(q: Inference, length: (elements: Dim) => Dim): OutputType {
  return I64([q.rank(0), length(productDim(q.shape(0)))]);
}

function lowerNonZero(low: Lowering): void {
  const dims = low.dims(0);
  const row = dtypes[low.node.input(0).type];
  if (dims.length > 8) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'input must have at most 8 dimensions', `${dims.length} came`);
  low.emit(
    low.select('nonzero', low.dtype(0)),
    nonZeroParams,
    { elementBytes: row.bits / 8, floating: row.kind === 'float' ? 1 : 0, rank: dims.length, unused: 0, dims },
    [low.out(0), low.out(1)],
    [low.in(0)],
  );
}

// Compress

function inferCompress(q: Inference, length: (whole: Dim) => Dim): OutputType {
  const shape = q.shape(0);
  if (q.dtype(1) !== 'bool' || q.rank(1) !== 1) q.fail('condition must be a list of bool', q.inputTexts());
  if (!q.node.has('axis')) return { dtype: q.dtype(0), shape: [length(productDim(shape))] };
  const axis = q.axis(q.node.int('axis'), shape.length);
  return { dtype: q.dtype(0), shape: shape.map((d, i) => (i === axis ? length(d) : d)) };
}

/** x as [outer, length, inner] around the axis, or as a list of its elements. */
function aroundAxis(low: Lowering): { outer: number; length: number; inner: number } {
  const dims = low.dims(0);
  const axis = axisOf(low.node);
  if (axis === undefined) return { outer: 1, length: elementCount(dims), inner: 1 };
  return { outer: elementCount(dims.slice(0, axis)), length: dims[axis] as number, inner: elementCount(dims.slice(axis + 1)) };
}

function lowerCompress(low: Lowering): void {
  const { outer, length, inner } = aroundAxis(low);
  const elementBytes = dtypes[low.node.input(0).type].bits / 8;
  if (!Number.isInteger(elementBytes) || elementBytes === 0)
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'elements must be whole bytes', `${low.dtype(0)} came`);
  low.emit(
    low.select('compress', low.dtype(0)),
    compressParams,
    { outer, length, innerBytes: inner * elementBytes, conditions: low.dims(1)[0] as number },
    [low.out(0), low.out(1)],
    [low.in(0), low.in(1)],
  );
}

// Unique

function inferUnique(q: Inference, length: (whole: Dim) => Dim): OutputType[] {
  const shape = q.shape(0);
  const axis = q.node.has('axis') ? q.axis(q.node.int('axis'), shape.length) : undefined;
  const whole = axis === undefined ? productDim(shape) : (shape[axis] as Dim);
  const open = length(whole);
  const y = axis === undefined ? [open] : shape.map((d, i) => (i === axis ? open : d));
  return [{ dtype: q.dtype(0), shape: y }, I64([open]), I64([whole]), I64([open])];
}

function lowerUnique(low: Lowering): void {
  const { outer, length, inner } = aroundAxis(low);
  const dtype: DType = low.node.input(0).type;
  if (outer * inner === 0) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'slices must hold elements');
  low.emit(
    low.select('unique', low.dtype(0)),
    uniqueParams,
    { outer, length, inner, sorted: low.node.int('sorted', 1) === 0 ? 0 : 1, unused: 0 },
    [low.out(0), low.out(4), low.out(1), low.out(2), low.out(3)],
    [low.in(0)],
    { reason: `first usable unique row for ${dtype}` },
  );
}

// NonMaxSuppression

function checkNonMaxSuppression(q: Inference): void {
  if (q.rank(0) !== 3 || q.rank(1) !== 3) q.fail('boxes must be [batches, boxes, 4] and scores [batches, classes, boxes]', q.inputTexts());
  const [batches, boxes, four] = q.shape(0) as [Dim, Dim, Dim];
  const [batches2, , boxes2] = q.shape(1) as [Dim, Dim, Dim];
  const differ = (a: Dim, b: Dim) => typeof a === 'number' && typeof b === 'number' && a !== b;
  if (differ(batches, batches2) || differ(boxes, boxes2) || differ(four, 4)) {
    q.fail('boxes must be [batches, boxes, 4] and scores [batches, classes, boxes]', q.inputTexts());
  }
}

function inferNonMaxSuppressionPadded(q: Inference): OutputType[] {
  checkNonMaxSuppression(q);
  const [batches, classes, boxes] = q.shape(1) as [Dim, Dim, Dim];
  // Nothing is kept where the largest number is left out; where it is known it bounds the buffer.
  const most = q.has(2) ? q.known(2)?.[0] : 0;
  const perClass = typeof most === 'number' && typeof boxes === 'number' ? Math.min(Math.max(most, 0), boxes) : boxes;
  return [I64([mulDim(mulDim(batches, classes), perClass), 3]), COUNT];
}

function lowerNonMaxSuppression(low: Lowering): void {
  const [batches, classes, boxes] = low.dims(1) as [number, number, number];
  const limit = low.outDims(0)[0] as number;
  if (boxes === 0) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'there must be a box');
  low.emit(
    low.select('nms', low.dtype(0)),
    nonMaxSuppressionParams,
    { batches, classes, boxes, limit, centerPoint: low.node.int('center_point_box', 0) === 1 ? 1 : 0, unused: 0 },
    [low.out(0), low.out(1)],
    [low.in(0), low.in(1), low.input(2), low.input(3), low.input(4)],
  );
}

const same = (d: Dim) => d;

export const dynamicFamily: readonly Operator[] = [
  { name: 'NonZero', domain: '', since: 9, infer: (q) => [inferNonZero(q, () => q.unknownDim())] },
  { name: 'NonZeroPadded', domain: 'dsnk', infer: (q) => [inferNonZero(q, same), COUNT], lower: lowerNonZero },
  { name: 'Compress', domain: '', since: 9, infer: (q) => [inferCompress(q, () => q.unknownDim())] },
  { name: 'CompressPadded', domain: 'dsnk', infer: (q) => [inferCompress(q, same), COUNT], lower: lowerCompress },
  { name: 'Unique', domain: '', since: 11, infer: (q) => inferUnique(q, () => q.unknownDim()) },
  { name: 'UniquePadded', domain: 'dsnk', infer: (q) => [...inferUnique(q, same), COUNT], lower: lowerUnique },
  {
    name: 'NonMaxSuppression',
    domain: '',
    since: 10,
    infer: (q) => {
      checkNonMaxSuppression(q);
      return [I64([q.unknownDim(), 3])];
    },
  },
  { name: 'NonMaxSuppressionPadded', domain: 'dsnk', infer: inferNonMaxSuppressionPadded, lower: lowerNonMaxSuppression },
];

/** Whether a concrete compile must end a stage at this node. */
export function isDynamic(node: Node): boolean {
  return node.domain === '' && dynamicOperators.has(node.op) && !(node.outputs[0]?.shape !== undefined && isConcrete(node.outputs[0].shape));
}
