/**
 * Products of quantized tensors become one kernel call in integers.
 *
 *     %y = QLinearMatMul(%a, aScale, aZero, B, bScale, bZero, yScale, yZero)
 *  →  %m = Div(Mul(aScale, bScale), yScale);  %y = dsnk.QMatMul(%a, B, , %m) {x_zero, y_zero}
 *
 *     %f = Cast(MatMulInteger(%a, B, z)); %g = Mul(%f, %s); %y = Add(%g, %b)
 *  →  %i = Mul(Cast(z), Neg(ReduceSum(Cast(B))));  %y = dsnk.QMatMul(%a, B, %i, %s, , %b) {x_zero=0, out=float32}
 *
 *     %y = ConvInteger(%a, W, z) {pads}, and what follows as above
 *  →  %p = Pad(Transpose(%a), pads, z); %y = Transpose(dsnk.QConv(%p, W, %i, %s, , %b) {x_zero=0, out=float32})
 *
 * The last two where the zero point of activations may be known at run time only, as behind DynamicQuantizeLinear; the sums of B's columns are
 * constants. Without the Cast, the factor or the bias, the sums as they are: out=int32. QLinearConv follows in assign-layout. Refuses: what integer-products.ts
 * does, weights with batch dimensions, zero points of weights but none or 128, convolutions of less than four channels a group.
 */
import { dtypes } from '../dtype.js';
import { elementCount, sameShape } from '../graph/dim.js';
import type { AttrValue, Node, Value } from '../graph/graph.js';
import { resolvePads, windowOf } from '../ops/spatial.js';
import { transposed } from './assign-layout.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { integerProduct, LEAST_CHANNELS } from './integer-products.js';
import { channelsFirst, channelsLast } from './permutation.js';

/** All zeros. */
const isNone = (v: Value | undefined) => v === undefined || v.constant?.values()?.every((z) => z === 0) === true;

/** Where the weights are unsigned around 128, that; 0 where they are signed; undefined where the kernels for bytes do not take them. */
function weightZero(b: Value, zero: Value | undefined): number | undefined {
  if (b.constant === undefined) return undefined;
  if (b.type === 'int8') return isNone(zero) ? 0 : undefined;
  return zero?.constant?.values()?.every((z) => z === 128) === true ? 128 : undefined;
}

/** What is done to the sums of a product: they become floats, times a factor, and a bias. */
interface Ending {
  readonly result: Value;
  readonly factor?: Value;
  readonly bias?: Value;
}

/** `columns` lie along `axis` of the sums. */
function endingOf(edit: GraphEditor, sums: Value, axis: number, columns: number): Ending {
  /** One number, or one a column, of what a node does with `v` beside it. */
  const beside = (node: Node | undefined, op: string, v: Value, least: number): Value | undefined => {
    if (node?.op !== op || node.domain !== '' || !sameShape(node.output().dims, sums.dims)) return undefined;
    const other = node.input(0) === v ? node.input(1) : node.input(0);
    const count = elementCount(other.dims);
    const at = axis - sums.dims.length + other.dims.length;
    if (other === v || other.type !== 'float32' || count < least || (count !== 1 && (count !== columns || other.dims[at] !== columns))) return undefined;
    return other;
  };
  const cast = edit.onlyUser(sums);
  if (cast?.op !== 'Cast' || cast.domain !== '' || cast.output().type !== 'float32') return { result: sums };
  const scaled = edit.onlyUser(cast.output());
  const factor = beside(scaled, 'Mul', cast.output(), 1);
  if (scaled === undefined || factor === undefined) return { result: sums };
  const result = scaled.output();
  const added = edit.onlyUser(result);
  const bias = beside(added, 'Add', result, columns);
  const flat = (v: Value) => edit.reshape(v, [elementCount(v.dims)]);
  return bias === undefined ? { result, factor: flat(factor) } : { result: added?.output() as Value, factor: flat(factor), bias: flat(bias) };
}

/** -z·Σw of each column: what the zero point of activations adds to the sums, as a bias. */
function shiftOf(edit: GraphEditor, b: Value, around: number, zero: Value | undefined, axes: readonly number[]): Value | undefined {
  if (isNone(zero)) return undefined;
  const whole = (v: Value) => edit.value('Cast', [v], { attrs: { to: dtypes.int32.onnx } });
  const signed = around === 0 ? whole(b) : edit.value('Sub', [whole(b), edit.scalar('int32', around)]);
  const columns = edit.value('Neg', [edit.value('ReduceSum', [signed, edit.ints(axes)], { attrs: { keepdims: 0 } })]);
  return edit.value('Mul', [whole(edit.reshape(zero as Value, [])), columns]);
}

function takeSums(edit: GraphEditor, node: Node): void {
  const [a, b, zero] = [node.input(0), node.input(1), node.inputs[2]];
  const around = weightZero(b, node.inputs[3]);
  if (a.type !== 'uint8' || around === undefined || (zero !== undefined && elementCount(zero.dims) !== 1)) return;
  const isConv = node.op === 'ConvInteger';
  const rank = a.dims.length;
  if (isConv ? !suitsBytes(node) : b.dims.length !== 2 || rank < 1) return;
  const columns = b.dims[isConv ? 0 : 1] as number;
  const y = node.output();
  const { result, factor, bias } = endingOf(edit, y, isConv ? 1 : y.dims.length - 1, columns);
  const axes = b.dims.map((_, i) => i).filter((i) => i !== (isConv ? 0 : 1));
  const ending = [b, shiftOf(edit, b, around, zero, axes), factor, undefined, bias];
  while (ending.at(-1) === undefined) ending.pop();
  const attrs: Record<string, AttrValue> = { x_zero: 0, out: factor === undefined ? 'int32' : 'float32' };
  let product: Value;
  if (isConv) {
    const window = windowOf(node, b.dims.slice(2));
    const pads = resolvePads(node, a.dims.slice(2), window);
    const sides = rank - 2;
    let x = transposed(edit, a, channelsLast(rank));
    // What lies around the image is the zero point: bytes of it, as only zeros are free.
    const padded = !isNone(zero) && pads.some((n) => n !== 0);
    if (padded) x = edit.value('Pad', [x, edit.ints([0, ...pads.slice(0, sides), 0, 0, ...pads.slice(sides), 0]), edit.reshape(zero as Value, [])]);
    const shape = { strides: window.strides, dilations: window.dilations, group: node.int('group', 1), pads: padded ? pads.map(() => 0) : pads };
    const last = edit.value('QConv', [x, ...ending], { domain: 'dsnk', name: node.name, attrs: { ...attrs, ...shape } });
    product = transposed(edit, last, channelsFirst(rank));
  } else {
    product = edit.value('QMatMul', [a, ...ending], { domain: 'dsnk', name: node.name, attrs });
  }
  const { name } = result;
  edit.replaceValue(result, product);
  product.name = name;
  edit.rewrites++;
}

/** Filters of one channel have a kernel that packs what is only known at run time here. */
function suitsBytes(node: Node): boolean {
  const rank = node.input(0).dims.length;
  return rank >= 3 && rank <= 5 && (node.int('group', 1) === 1 || (node.input(1).dims[1] as number) >= LEAST_CHANNELS);
}

export const takeIntegerProducts: Pass = {
  name: 'take-integer-products',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '') continue;
      if (node.op === 'MatMulInteger' || node.op === 'ConvInteger') takeSums(edit, node);
      if (node.op !== 'QLinearMatMul') continue;
      const b = node.input(3);
      if (b.dims.length !== 2 || node.input(0).dims.length < 1) continue;
      const product = integerProduct(edit, node, { w: 3, y: 6 }, b.dims[1] as number);
      if (product === undefined) continue;
      const taken = edit.add('QMatMul', [node.input(0), ...product.inputs], { domain: 'dsnk', name: node.name, attrs: { ...product.attrs } });
      const y = node.output();
      edit.replaceValue(y, taken.output());
      taken.output().name = y.name;
      edit.rewrites++;
    }
    return edit.finish();
  },
};
