/**
 * Matrix products of quantized tensors become one kernel call in integers.
 *
 *     %y = QLinearMatMul(%a, aScale, aZero, B, bScale, bZero, yScale, yZero)
 *  →  %m = Div(Mul(aScale, bScale), yScale);  %y = dsnk.QMatMul(%a, B, , %m) {x_zero, y_zero}
 *
 * Convolutions follow in assign-layout. Refuses: what integer-products.ts does, weights with batch dimensions.
 */
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { integerProduct } from './integer-products.js';

export const takeIntegerProducts: Pass = {
  name: 'take-integer-products',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '' || node.op !== 'QLinearMatMul') continue;
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
