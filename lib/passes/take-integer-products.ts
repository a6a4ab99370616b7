/**
 * Matrix products of quantized tensors become one kernel call in integers.
 *
 *     %y = QLinearMatMul(%a, aScale, aZero, B, bScale, bZero, yScale, yZero)
 *  →  %m = Div(Mul(aScale, bScale), yScale);  %y = dsnk.QMatMul(%a, B, , %m) {x_zero, y_zero}
 *
 *     %y = MatMulInteger(%a, B, z)
 *  →  %s = dsnk.QMatMul(%a, B) {x_zero=0, out=int32};  %y = Sub(%s, Mul(Cast(z), ReduceSum(Cast(B))))
 *
 * The second where the zero point of activations is only known at run time, as behind DynamicQuantizeLinear; the sums of B's columns are constants.
 * Convolutions follow in assign-layout. Refuses: what integer-products.ts does, weights with batch dimensions.
 */
import { dtypes } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import type { Node, Value } from '../graph/graph.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { integerProduct } from './integer-products.js';

/** All zeros. */
const isNone = (v: Value | undefined) => v === undefined || v.constant?.values()?.every((z) => z === 0) === true;

function takeSums(edit: GraphEditor, node: Node): void {
  const [a, b, zero] = [node.input(0), node.input(1), node.inputs[2]];
  if (a.type !== 'uint8' || b.type !== 'int8' || b.constant === undefined || b.dims.length !== 2 || a.dims.length < 1) return;
  if (!isNone(node.inputs[3]) || (zero !== undefined && elementCount(zero.dims) !== 1)) return;
  const sums = edit.value('QMatMul', [a, b], { domain: 'dsnk', attrs: { x_zero: 0, out: 'int32' } });
  const y = node.output();
  if (isNone(zero)) {
    edit.replaceValue(y, sums);
  } else {
    const whole = (v: Value) => edit.value('Cast', [v], { attrs: { to: dtypes.int32.onnx } });
    const columns = edit.value('ReduceSum', [whole(b), edit.ints([0])], { attrs: { keepdims: 0 } });
    const off = edit.value('Mul', [whole(edit.value('Reshape', [zero as Value, edit.ints([])])), columns]);
    edit.replaceValue(y, edit.value('Sub', [sums, off]));
  }
  edit.rewrites++;
}

export const takeIntegerProducts: Pass = {
  name: 'take-integer-products',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '') continue;
      if (node.op === 'MatMulInteger') takeSums(edit, node);
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
