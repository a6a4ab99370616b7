/** onnxruntime's operators on quantized tensors: DequantizeLinear, the float operator, QuantizeLinear. */
import type { AttrValue, Node, Value } from '../../graph/graph.js';
import type { GraphEditor } from '../editor.js';
import type { Expansion } from './expansion.js';

/** Inputs i, i+1, i+2 of a node: a tensor, its scale and its zero point. */
function real(edit: GraphEditor, node: Node, i: number): Value {
  return edit.value('DequantizeLinear', [node.input(i), node.input(i + 1), node.inputs[i + 2]]);
}

/** Inputs i and i+1 of a node are the scale and the zero point of its result. */
function quantized(edit: GraphEditor, node: Node, v: Value, i: number): readonly Value[] {
  const zero = node.inputs[i + 1];
  if (zero !== undefined) return [edit.value('QuantizeLinear', [v, node.input(i), zero])];
  const types: Record<string, number> = { uint8: 2, int8: 3 };
  return [edit.value('QuantizeLinear', [v, node.input(i)], { attrs: { output_dtype: types[node.output().type] } })];
}

/** The node's attributes but those of the quantized form only. */
function plainAttrs(node: Node): Record<string, AttrValue> {
  const { channels_last: _, opset: __, ...rest } = Object.fromEntries(node.attrs);
  return rest;
}

/** x, xScale, xZero, yScale, yZero */
const unary =
  (op: string): Expansion =>
  (edit, node) =>
    quantized(edit, node, edit.value(op, [real(edit, node, 0)], { attrs: plainAttrs(node) }), 3);

/** a, aScale, aZero, b, bScale, bZero, yScale, yZero */
const binary =
  (op: string): Expansion =>
  (edit, node) =>
    quantized(edit, node, edit.value(op, [real(edit, node, 0), real(edit, node, 3)]), 6);

/** The float operator is channels-first. */
const pool =
  (op: string): Expansion =>
  (edit, node) => {
    const x = real(edit, node, 0);
    if (node.int('channels_last', 0) === 0) return quantized(edit, node, edit.value(op, [x], { attrs: plainAttrs(node) }), 3);
    const axes = x.dims.map((_, i) => i);
    const first = edit.value('Transpose', [x], { attrs: { perm: [0, axes.length - 1, ...axes.slice(1, -1)] } });
    const y = edit.value(op, [first], { attrs: plainAttrs(node) });
    return quantized(edit, node, edit.value('Transpose', [y], { attrs: { perm: [0, ...axes.slice(2), 1] } }), 3);
  };

/** As Softmax of `opset` has it: before 13 over all axes from `axis` on together. */
const softmax: Expansion = (edit, node) => {
  const x = real(edit, node, 0);
  const old = node.int('opset', 13) < 13;
  const axis = node.int('axis', old ? 1 : -1);
  const rank = x.dims.length;
  if (!old || axis === -1 || axis === rank - 1) return quantized(edit, node, edit.value('Softmax', [x], { attrs: { axis: old ? -1 : axis } }), 3);
  const y = edit.value('Softmax', [edit.value('Flatten', [x], { attrs: { axis } })], { attrs: { axis: -1 } });
  return quantized(edit, node, edit.value('Reshape', [y, edit.value('Shape', [x])]), 3);
};

const concat: Expansion = (edit, node) => {
  const parts: Value[] = [];
  for (let i = 2; i < node.inputs.length; i += 3) parts.push(real(edit, node, i));
  return quantized(edit, node, edit.value('Concat', parts, { attrs: { axis: node.int('axis') } }), 0);
};

const reduceMean: Expansion = (edit, node) => {
  const axes = node.ints('axes', []);
  const inputs = axes.length === 0 ? [real(edit, node, 0)] : [real(edit, node, 0), edit.ints(axes)];
  return quantized(edit, node, edit.value('ReduceMean', inputs, { attrs: { keepdims: node.int('keepdims', 1) } }), 3);
};

/** condition, x, xScale, xZero, y, yScale, yZero, zScale, zZero */
const where: Expansion = (edit, node) => quantized(edit, node, edit.value('Where', [node.input(0), real(edit, node, 1), real(edit, node, 4)]), 7);

/** a, aScale, aZero, b, bScale, bZero, c?, yScale?, yZero?; c counts in units of alpha·aScale·bScale. */
const gemm: Expansion = (edit, node) => {
  const { alpha = 1, ...attrs } = plainAttrs(node);
  const bias = node.inputs[6];
  const unit = edit.value('Mul', [node.input(1), node.input(4)]);
  const b = dequantizedColumns(edit, node);
  let c: Value | undefined;
  if (bias !== undefined) {
    const scale = alpha === 1 ? unit : edit.value('Mul', [unit, edit.scalar('float32', alpha as number)]);
    c = edit.value('Mul', [edit.value('Cast', [bias], { attrs: { to: 1 } }), scale]);
  }
  const y = edit.value('Gemm', c === undefined ? [real(edit, node, 0), b] : [real(edit, node, 0), b, c], { attrs: { ...attrs, alpha } });
  return node.inputs[7] === undefined ? [y] : quantized(edit, node, y, 7);
};

/** Input 3, its scales per column of the product where there are several. */
function dequantizedColumns(edit: GraphEditor, node: Node): Value {
  return edit.value('DequantizeLinear', [node.input(3), node.input(4), node.inputs[5]], { attrs: { axis: node.int('transB', 0) !== 0 ? 0 : 1 } });
}

/** a, b, aScale, bScale, aZero?, bZero?, bias?: the int32 product times both scales. */
const matMulIntegerToFloat: Expansion = (edit, node) => {
  const product = edit.value('MatMulInteger', [node.input(0), node.input(1), node.inputs[4], node.inputs[5]]);
  return [scaled(edit, product, edit.value('Mul', [node.input(2), node.input(3)]), node.inputs[6])];
};

/** a in float32, b, bScale, bZero?, bias?: a is quantized by its own range. */
const dynamicQuantizeMatMul: Expansion = (edit, node) => {
  const a = edit.add('DynamicQuantizeLinear', [node.input(0)], { outputs: 3 });
  const product = edit.value('MatMulInteger', [a.output(0), node.input(1), a.output(2), node.inputs[3]]);
  return [scaled(edit, product, edit.value('Mul', [a.output(1), node.input(2)]), node.inputs[4])];
};

function scaled(edit: GraphEditor, product: Value, scale: Value, bias: Value | undefined): Value {
  const y = edit.value('Mul', [edit.value('Cast', [product], { attrs: { to: 1 } }), scale]);
  return bias === undefined ? y : edit.value('Add', [y, bias]);
}

const same =
  (op: string): Expansion =>
  (edit, node) => [edit.value(op, node.inputs, { attrs: Object.fromEntries(node.attrs) })];

/** By operator of com.microsoft. */
export const quantizedExpansions: ReadonlyMap<string, Expansion> = new Map([
  ['QLinearAdd', binary('Add')],
  ['QLinearMul', binary('Mul')],
  ['QLinearSigmoid', unary('Sigmoid')],
  ['QLinearLeakyRelu', unary('LeakyRelu')],
  ['QLinearSoftmax', softmax],
  ['QLinearGlobalAveragePool', pool('GlobalAveragePool')],
  ['QLinearAveragePool', pool('AveragePool')],
  ['QLinearConcat', concat],
  ['QLinearReduceMean', reduceMean],
  ['QLinearWhere', where],
  ['QGemm', gemm],
  ['QuantizeLinear', same('QuantizeLinear')],
  ['DequantizeLinear', same('DequantizeLinear')],
  ['MatMulIntegerToFloat', matMulIntegerToFloat],
  ['DynamicQuantizeMatMul', dynamicQuantizeMatMul],
]);
