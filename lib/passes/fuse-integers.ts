/**
 * Lets products between DequantizeLinear and QuantizeLinear run in integers: bytes in, bytes out.
 *
 *     %a = DequantizeLinear(%x, s, z); %k = DequantizeLinear(W, t[M]); %c = dsnk.Conv(%a, %k, B) {activation=relu}
 *     %y = QuantizeLinear(%c, r, q)
 *         →   %y = dsnk.QConv(%x, W, i, m[M]) {x_zero=z, y_zero=q, lo=q, hi=255}     i = round(B / (s·t)), m = s·t / r
 *
 *     %c = dsnk.Conv(%a, %k, B, DequantizeLinear(%e, u, v))   →   dsnk.QConv(…, %e) {t_ratio=0, r_zero=v, r_ratio=u/r}
 *
 *     %b = DequantizeLinear(%y', …); %d = Add(%b, DequantizeLinear(%e, …)); %y = QuantizeLinear(Relu(%d), …), where
 *     %y' = dsnk.QConv(…) has no other reader   →   %y = dsnk.QConv(…, %e)
 *
 *     QuantizeLinear(dsnk.GlobalAveragePool(DequantizeLinear(%x, s, z)), r, q)   →   dsnk.QGlobalAveragePool(%x) {ratio=s/r, …}
 *
 *     QuantizeLinear(Softmax(DequantizeLinear(%x, s, z)), r, q)   →   dsnk.QSoftmax(%x) {x_scale=s, ratio=1/r, y_zero=q}
 *
 *     QuantizeLinear(Relu(Add(DequantizeLinear(%a, …), DequantizeLinear(%b, …))), …), where neither is such a product   →   dsnk.QAdd(%a, %b)
 *
 * The same for AveragePool, MatMul and Gemm, and of products without the QuantizeLinear, where the result stays float32 and a Relu or Clip follows it. Sums, rounding and clamps
 * are those of the model. Refuses: scales, zero points or weights that are not constants, weights with a zero point,
 * scales whose product or ratio is subnormal or infinite, a bias that
 * fits in no integer, results of the product that others read, activations other than relu and clip, activations in other types than bytes.
 */
import { dtypes, roundHalfEven } from '../dtype.js';
import { sameShape } from '../graph/dim.js';
import { type AttrValue, Constant, type Node, type Value } from '../graph/graph.js';
import { scalingOf } from '../ops/quantize.js';
import { GraphEditor } from './editor.js';
import { activationOf } from './fuse-epilogue.js';
import type { Pass } from './index.js';
import { isNormal } from './integer-products.js';

/** One scale and one zero point for a tensor of bytes. */
interface Scaling {
  readonly bytes: Value;
  readonly scale: number;
  readonly zero: number;
}

const isByte = (v: Value) => v.dtype === 'uint8' || v.dtype === 'int8';
const isOp = (node: Node | undefined, op: string): node is Node => node?.op === op && node.domain === '';

/** One positive scale in float32 and one zero point. */
function numbersOf(node: Node): { readonly scale: number; readonly zero: number } | undefined {
  const scaling = node.inputs[1]?.dtype === 'float32' ? scalingOf(node) : undefined;
  return scaling !== undefined && scaling.scale > 0 ? scaling : undefined;
}

/** What a float value is, where it stands for unsigned bytes. */
function bytesBehind(v: Value): Scaling | undefined {
  const node = v.producer;
  if (!isOp(node, 'DequantizeLinear') || node.input(0).dtype !== 'uint8') return undefined;
  const numbers = numbersOf(node);
  return numbers && { bytes: node.input(0), ...numbers };
}

/** The QuantizeLinear to unsigned bytes that is the only reader of a value. */
function bytesAfter(edit: GraphEditor, v: Value): Scaling | undefined {
  const node = edit.onlyUser(v);
  if (!isOp(node, 'QuantizeLinear') || node.input(0) !== v || node.output().dtype !== 'uint8') return undefined;
  const numbers = numbersOf(node);
  return numbers && { bytes: node.output(), ...numbers };
}

interface Weights {
  readonly bytes: Value;
  /** One for all columns of the product, or one for each. */
  readonly scales: readonly number[];
}

/** Constant weights in signed bytes, or four bits, without a zero point, scaled as one or along `axis`. */
function weightsBehind(edit: GraphEditor, v: Value, axis: number): Weights | undefined {
  const node = v.producer;
  if (!isOp(node, 'DequantizeLinear')) return undefined;
  const [bytes, scale] = [node.input(0), node.input(1)];
  if (bytes.constant === undefined || (!isByte(bytes) && bytes.dtype !== 'int4') || scale.constant === undefined || scale.dtype !== 'float32') return undefined;
  const scales = scale.constant.values();
  const neutral = bytes.dtype === 'uint8' ? 128 : 0;
  const zeros = node.inputs[2] === undefined ? [0] : node.inputs[2].constant?.values();
  if (scales === undefined || zeros === undefined || !zeros.every((z) => z === neutral) || !scales.every((s) => s > 0 && Number.isFinite(s))) return undefined;
  const given = node.int('axis', 1);
  const along = given < 0 ? given + bytes.dims.length : given;
  const fits = scales.length === 1 || (node.int('block_size', 0) === 0 && along === axis && scales.length === bytes.dims[axis]);
  if (!fits) return undefined;
  return { bytes: bytes.dtype === 'int4' ? edit.value('Cast', [bytes], { attrs: { to: dtypes.int8.onnx } }) : bytes, scales };
}

/** bias / (xScale·wScale) as int32: the integers of the model where it says them, else rounded by the init program. */
function integerBias(edit: GraphEditor, bias: Value | undefined, units: readonly number[]): Value | undefined {
  if (bias === undefined) return undefined;
  const node = bias.producer;
  if (isOp(node, 'DequantizeLinear') && node.input(0).dtype === 'int32') {
    const scales = node.input(1).constant?.values();
    const same = scales !== undefined && units.every((u, i) => u === (scales.length === 1 ? scales[0] : scales[i]));
    if (same && (node.inputs[2] === undefined || node.inputs[2].constant?.values()?.every((z) => z === 0))) return node.input(0);
  }
  const unit = edit.graph.addConstant(Constant.of('float32', [units.length], units));
  return edit.value('Cast', [edit.value('Round', [edit.value('Div', [bias, unit])])], { attrs: { to: 6 } });
}

const f = Math.fround;
/** Half of what 32 bits hold: the other half is for the sum. */
const MOST_BIAS = 2 ** 30;

/** Whether a bias can be said in these units. */
function fitsIntegers(bias: Value | undefined, units: readonly number[]): boolean {
  const node = bias?.producer;
  if (bias === undefined || (isOp(node, 'DequantizeLinear') && node.input(0).dtype === 'int32')) return true;
  const values = bias.constant?.values();
  // One that is computed from constants is not known yet: up to 1,000 it fits in these.
  if (values === undefined) return units.every((u) => u > 1e-6);
  return values.every((b, c) => Math.abs(b) <= MOST_BIAS * (units[units.length === 1 ? 0 : c] as number));
}

const clamp = (v: number, low: number, high: number) => Math.min(high, Math.max(low, v));
/** The bounds of a result in bytes behind an activation; undefined where that is more than bounds. */
function bounds(kind: string, alpha: number, beta: number, y: Scaling): { lo: number; hi: number } | undefined {
  const byte = (v: number) => clamp(roundHalfEven(f(f(v) / y.scale)) + y.zero, 0, 255);
  if (kind === 'none') return { lo: 0, hi: 255 };
  if (kind === 'relu') return { lo: clamp(y.zero, 0, 255), hi: 255 };
  return kind === 'clip' ? { lo: byte(alpha), hi: byte(beta) } : undefined;
}

/** Columns of a group from which on a panel of them is not mostly padding. One filter a channel has a kernel of its own. */
const LEAST_COLUMNS = 4;

/** A product of float32 that may become one of integers. */
interface Product {
  readonly op: 'QConv' | 'QMatMul';
  readonly attrs: Record<string, AttrValue>;
  /** Along which the columns of the product lie in the weights. */
  readonly axis: number;
  readonly scale: number;
  readonly bias: Value | undefined;
  readonly residual: Value | undefined;
  readonly activation: { readonly kind: string; readonly alpha: number; readonly beta: number };
}

function productOf(node: Node): Product | undefined {
  const isConv = node.domain === 'dsnk' && node.op === 'Conv';
  const isMatMul = (node.domain === 'dsnk' || node.domain === '') && node.op === 'MatMul';
  if (node.op === 'Gemm' && node.domain === '') return gemmProduct(node);
  if ((!isConv && !isMatMul) || node.output().dtype !== 'float32') return undefined;
  const { activation = 'none', alpha = 0, beta = 0, scale = 1, ...attrs } = Object.fromEntries(node.attrs);
  const ending = { kind: activation as string, alpha: alpha as number, beta: beta as number };
  const common = { scale: scale as number, bias: node.inputs[2], residual: node.inputs[3], activation: ending };
  if (isConv) {
    const [group, outChannels] = [node.int('group', 1), node.output().dims.at(-1) as number];
    const depthwise = group === outChannels && group === node.input(0).dims.at(-1) && node.output().dims.length <= 4;
    return outChannels / group < LEAST_COLUMNS && !depthwise ? undefined : { ...common, op: 'QConv', attrs, axis: 0 };
  }
  const b = node.input(1);
  if (b.dims.length !== 2 || node.input(0).dims.length < 2 || node.int('transA', 0) !== 0) return undefined;
  return { ...common, op: 'QMatMul', attrs, axis: node.int('transB', 0) !== 0 ? 0 : 1 };
}

/** A Gemm that no epilogue was fused with: its bias lies along the columns, or is none. */
function gemmProduct(node: Node): Product | undefined {
  const bias = node.inputs[2];
  const columns = node.output().dims[1] as number;
  const isPlain = node.float('alpha', 1) === 1 && (bias === undefined || node.float('beta', 1) === 1) && node.int('transA', 0) === 0;
  if (!isPlain || (bias !== undefined && (bias.dims.length !== 1 || bias.dims[0] !== columns))) return undefined;
  const transB = node.int('transB', 0) !== 0;
  const activation = { kind: 'none', alpha: 0, beta: 0 };
  return { op: 'QMatMul', attrs: transB ? { transB: 1 } : {}, axis: transB ? 0 : 1, scale: 1, bias, residual: undefined, activation };
}

function fuseProduct(edit: GraphEditor, node: Node): void {
  const product = productOf(node);
  if (product === undefined || edit.isConstant(node.output())) return;
  const x = bytesBehind(node.input(0));
  const w = weightsBehind(edit, node.input(1), product.axis);
  if (x === undefined || w === undefined) return;
  const y = bytesAfter(edit, node.output());
  const residual = product.residual === undefined ? undefined : bytesBehind(product.residual);
  if (product.residual !== undefined && (residual === undefined || y === undefined)) return;
  const { kind, alpha, beta } = product.activation;
  const range = y === undefined ? undefined : bounds(kind, alpha, beta, y);
  // In floats the activation follows as a node of its own, where it is a plain one.
  const after = kind === 'relu' ? [] : kind === 'clip' ? [alpha, beta] : undefined;
  if (y === undefined ? kind !== 'none' && after === undefined : range === undefined) return;
  const units = w.scales.map((s) => f(f(x.scale * s) * product.scale));
  const multipliers = y === undefined ? units : units.map((u) => f(u / y.scale));
  if (![...units, ...multipliers].every(isNormal) || (y !== undefined && !fitsIntegers(product.bias, units))) return;
  if (residual !== undefined && y !== undefined && !isNormal(f(residual.scale / y.scale))) return;
  const m = edit.graph.addConstant(Constant.of('float32', [multipliers.length], multipliers));
  const added = residual && y && { t_ratio: 0, r_zero: residual.zero, r_ratio: f(residual.scale / y.scale) };
  const attrs = { ...product.attrs, x_zero: x.zero, ...(y === undefined ? { out: 'float32' } : { out: 'uint8', y_zero: y.zero, ...range }), ...added };
  // A result in floats takes the bias as it is.
  const ending = y === undefined ? [undefined, m, undefined, product.bias] : [integerBias(edit, product.bias, units), m, residual?.bytes];
  const inputs: (Value | undefined)[] = [x.bytes, w.bytes, ...ending];
  while (inputs.at(-1) === undefined) inputs.pop();
  const options = { domain: 'dsnk', name: node.name, attrs } as const;
  if (y !== undefined || after === undefined) {
    edit.replaceNode(y?.bytes ?? node.output(), product.op, inputs, options);
    return;
  }
  const ends = [edit.value(product.op, inputs, options), ...after.map((v) => edit.scalar('float32', v))];
  edit.replaceNode(node.output(), kind === 'relu' ? 'Relu' : 'Clip', ends);
}

/** The integer product whose bytes, read by nobody else, a float value stands for. */
function productBehind(edit: GraphEditor, v: Value): { product: Node; scaling: Scaling } | undefined {
  const scaling = bytesBehind(v);
  const product = scaling?.bytes.producer;
  if (scaling === undefined || product?.domain !== 'dsnk' || (product.op !== 'QConv' && product.op !== 'QMatMul')) return undefined;
  const alone = edit.onlyUser(v) !== undefined && edit.onlyUser(scaling.bytes) === v.producer;
  return alone && product.inputs[4] === undefined ? { product, scaling } : undefined;
}

/** The bytes that a sum becomes, behind an activation or not, and their bounds. */
function endOfSum(edit: GraphEditor, sum: Node): { readonly y: Scaling; readonly range: { lo: number; hi: number } } | undefined {
  let last = sum.output();
  const next = edit.onlyUser(last);
  const activation = next === undefined ? undefined : activationOf(next);
  if (next !== undefined && activation !== undefined && next.input(0) === last) last = next.output();
  const y = bytesAfter(edit, last);
  const range = y && bounds(activation?.kind ?? 'none', activation?.alpha ?? 0, activation?.beta ?? 0, y);
  return y && range && { y, range };
}

function fuseResidual(edit: GraphEditor, sum: Node, order: ReadonlyMap<Node, number>): void {
  if (!isOp(sum, 'Add')) return;
  const sides = [productBehind(edit, sum.input(0)), productBehind(edit, sum.input(1))];
  // Of two products that meet, the later one has the earlier one's result at hand.
  const place = (i: number) => order.get((sides[i] as { product: Node }).product) ?? Number.POSITIVE_INFINITY;
  const at = sides[0] !== undefined && sides[1] !== undefined ? (place(0) > place(1) ? 0 : 1) : sides.findIndex((s) => s !== undefined);
  const side = sides[at];
  if (side === undefined) return;
  const other = bytesBehind(sum.input(1 - at));
  if (other === undefined || !sameShape(other.bytes.dims, side.scaling.bytes.dims)) return;
  const end = endOfSum(edit, sum);
  if (end === undefined) return;
  const { y, range } = end;
  const { product, scaling: t } = side;
  if (!isNormal(f(t.scale / y.scale)) || !isNormal(f(other.scale / y.scale))) return;
  const attrs: Record<string, AttrValue> = {
    ...Object.fromEntries(product.attrs),
    t_zero: t.zero,
    t_lo: product.int('lo', 0),
    t_hi: product.int('hi', 255),
    t_ratio: f(t.scale / y.scale),
    r_zero: other.zero,
    r_ratio: f(other.scale / y.scale),
    y_zero: y.zero,
    ...range,
  };
  edit.replaceNode(y.bytes, product.op, [...product.inputs.slice(0, 4), other.bytes], { domain: 'dsnk', name: product.name, attrs });
}

/** A sum of two tensors of one shape, which no product takes. */
function fuseSum(edit: GraphEditor, sum: Node): void {
  if (!isOp(sum, 'Add') || edit.isConstant(sum.output())) return;
  const [a, b, end] = [bytesBehind(sum.input(0)), bytesBehind(sum.input(1)), endOfSum(edit, sum)];
  if (a === undefined || b === undefined || end === undefined || !sameShape(a.bytes.dims, b.bytes.dims)) return;
  const { y, range } = end;
  const [aRatio, bRatio] = [f(a.scale / y.scale), f(b.scale / y.scale)];
  if (!isNormal(aRatio) || !isNormal(bRatio)) return;
  const attrs = { a_zero: a.zero, a_ratio: aRatio, b_zero: b.zero, b_ratio: bRatio, y_zero: y.zero, ...range };
  edit.replaceNode(y.bytes, 'QAdd', [a.bytes, b.bytes], { domain: 'dsnk', name: sum.name, attrs });
}

/** An average of bytes between scales becomes one of integers. */
function fuseAverage(edit: GraphEditor, node: Node): void {
  if (node.domain !== 'dsnk' || (node.op !== 'AveragePool' && node.op !== 'GlobalAveragePool') || edit.isConstant(node.output())) return;
  const [x, y] = [bytesBehind(node.input(0)), bytesAfter(edit, node.output())];
  if (x === undefined || y === undefined || !isNormal(f(x.scale / y.scale))) return;
  const attrs = { ...Object.fromEntries(node.attrs), x_zero: x.zero, y_zero: y.zero, ratio: f(x.scale / y.scale) };
  edit.replaceNode(y.bytes, `Q${node.op}`, [x.bytes], { domain: 'dsnk', name: node.name, attrs });
}

/** Softmax between scales looks its exponentials up, along rows: along columns vectors of floats are faster. */
function fuseSoftmax(edit: GraphEditor, node: Node): void {
  if (!isOp(node, 'Softmax') || edit.isConstant(node.output())) return;
  const axis = node.int('axis', -1);
  if (axis !== -1 && axis !== node.output().dims.length - 1) return;
  const [x, y] = [bytesBehind(node.input(0)), bytesAfter(edit, node.output())];
  if (x === undefined || y === undefined) return;
  const ratio = f(1 / y.scale);
  if (!Number.isFinite(x.scale) || !Number.isFinite(ratio) || ratio === 0) return;
  const attrs = { x_scale: x.scale, y_zero: y.zero, ratio };
  edit.replaceNode(y.bytes, 'QSoftmax', [x.bytes], { domain: 'dsnk', name: node.name, attrs });
}

export const fuseIntegers: Pass = {
  name: 'fuse-integers',
  run(graph) {
    if (!graph.nodes.some((node) => isOp(node, 'DequantizeLinear'))) return 0;
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) fuseProduct(edit, node);
    for (const node of edit.nodes()) fuseAverage(edit, node);
    for (const node of edit.nodes()) fuseSoftmax(edit, node);
    const order = new Map(graph.nodes.map((node, i) => [node, i]));
    for (const node of edit.nodes()) fuseResidual(edit, node, order);
    for (const node of edit.nodes()) fuseSum(edit, node);
    return edit.finish();
  },
};
