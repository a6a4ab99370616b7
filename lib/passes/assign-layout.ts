/**
 * Gives convolutions and pools the layout their kernels want: channels last, behind transposes that sink-transposes
 * then moves out of the way.
 *
 *     %y = Conv(%x, W, B) {auto_pad=SAME_UPPER}   →   %a = Transpose(%x) {perm=[0,2,3,1]}
 *                                                     %b = dsnk.Conv(%a, W, B) {dilations, group, pads, strides}
 *                                                     %y = Transpose(%b) {perm=[0,3,1,2]}
 *
 * QLinearConv becomes dsnk.QConv where its operands allow (integer-products.ts); otherwise, and where groups have few channels but
 * more than one each, it stays as it is.
 *
 * Attributes come out complete: padding in numbers, no default left open. The same for ConvTranspose and pools, with one
 * to three spatial dimensions. Refuses: more of them.
 */
import type { AttrValue, Node, Value } from '../graph/graph.js';
import { resolvePads, resolveTransposed, windowOf } from '../ops/spatial.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { type IntegerProduct, integerProduct, LEAST_CHANNELS } from './integer-products.js';
import { channelsFirst, channelsLast, type Perm, permOf, samePerm } from './permutation.js';

/** Transpose(v, p); one that is there already serves again. */
export function transposed(edit: GraphEditor, v: Value, p: Perm): Value {
  for (const user of edit.users(v)) if (user.op === 'Transpose' && user.domain === '' && samePerm(permOf(user), p)) return user.output();
  return edit.value('Transpose', [v], { attrs: { perm: [...p] } });
}

const windowPools = new Set(['MaxPool', 'AveragePool', 'LpPool']);
const globalPools = new Set(['GlobalMaxPool', 'GlobalAveragePool', 'GlobalLpPool']);

/** The attributes of the channels-last form: complete, with padding in numbers. */
function attrsOf(node: Node): Record<string, AttrValue> {
  if (globalPools.has(node.op)) return Object.fromEntries(node.attrs);
  const size = node.input(0).dims.slice(2);
  if (windowPools.has(node.op)) {
    const window = windowOf(node, node.ints('kernel_shape'));
    const { auto_pad: _, ...others } = Object.fromEntries(node.attrs);
    // with ceil_mode a last window may reach past explicit padding; its size is the output's matter, not the padding's
    return { ...others, strides: window.strides, dilations: window.dilations, pads: resolvePads(node, size, window) };
  }
  const window = windowOf(node, node.input(node.op === 'QLinearConv' ? 3 : 1).dims.slice(2));
  const common = { strides: window.strides, dilations: window.dilations, group: node.int('group', 1) };
  if (node.op === 'Conv' || node.op === 'QLinearConv') return { ...common, pads: resolvePads(node, size, window) };
  const { pads, output } = resolveTransposed(node, size, window);
  return { ...common, pads, output_shape: output };
}

function quantizedConv(edit: GraphEditor, node: Node): IntegerProduct | undefined {
  const [columns, inner] = node.input(3).dims as readonly [number, number];
  const group = node.int('group', 1);
  const depthwise = inner === 1 && columns === group && node.input(0).dims.length <= 4;
  if (group > 1 && inner < LEAST_CHANNELS && !depthwise) return undefined;
  return integerProduct(edit, node, { w: 3, y: 6, bias: 8 }, columns);
}

export const assignLayout: Pass = {
  name: 'assign-layout',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      const isConv = node.op === 'Conv' || node.op === 'ConvTranspose' || node.op === 'QLinearConv';
      if (node.domain !== '' || (!isConv && !windowPools.has(node.op) && !globalPools.has(node.op))) continue;
      const x = node.input(0);
      const rank = x.dims.length;
      if (rank < 3 || rank > 5) continue;
      const product = node.op === 'QLinearConv' ? quantizedConv(edit, node) : undefined;
      if (node.op === 'QLinearConv' && product === undefined) continue;
      const inputs = [transposed(edit, x, channelsLast(rank)), ...(product?.inputs ?? node.inputs.slice(1))];
      const attrs = { ...attrsOf(node), ...product?.attrs };
      const last = edit.add(product === undefined ? node.op : 'QConv', inputs, { domain: 'dsnk', name: node.name, attrs, outputs: node.outputs.length });
      node.outputs.forEach((y, i) => {
        if (edit.isUnused(y)) return;
        const to = last.output(i);
        edit.replaceValue(y, transposed(edit, to, channelsFirst(rank)));
        to.name = y.name;
      });
      edit.rewrites++;
    }
    return edit.finish();
  },
};
