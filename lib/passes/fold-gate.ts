/**
 * Multiplies the gate of squeeze and excitation into the weights of the 1x1 convolution that follows, instead of into
 * the image: these are fewer numbers where the image is large.
 *
 *     %m = Mul(%x[1,h,w,c], %s[1,1,1,c]); %y = dsnk.Conv(%m, W, b)   →   %y = dsnk.GatedConv(%x, W, b, -, %s)
 *
 * Refuses: products that others read, several images (each has a gate of its own), images of fewer than four pixels an
 * output channel, gates that are constants (fold-scale has put those into the weights), types other than float32,
 * narrow convolutions (whose weights are packed before any gate is known).
 */
import { elementCount, sameShape } from '../graph/dim.js';
import { takesGate } from '../ops/gated-conv.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

export const foldGate: Pass = {
  name: 'fold-gate',
  run(graph, target) {
    if (target?.narrow || target?.device === 'cuda') return 0;
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== 'dsnk' || node.op !== 'Conv' || node.int('group', 1) !== 1 || node.output().dtype !== 'float32') continue;
      const product = node.input(0).producer;
      if (product === undefined || product.op !== 'Mul' || product.domain !== '' || edit.onlyUser(product.output()) !== node) continue;
      const { dims } = product.output();
      const x = product.inputs.find((v) => v !== undefined && sameShape(v.dims, dims));
      const gate = product.inputs.find((v) => v !== x);
      if (x === undefined || gate === undefined || edit.isConstant(gate) || edit.isConstant(x)) continue;
      if (gate.dims.at(-1) !== dims.at(-1) || elementCount(gate.dims) !== dims.at(-1) || !takesGate(dims, node.input(1).dims)) continue;
      const { group: _, ...attrs } = Object.fromEntries(node.attrs);
      edit.replaceNode(node.output(), 'GatedConv', [x, node.input(1), node.inputs[2], node.inputs[3], gate], { domain: 'dsnk', attrs });
    }
    return edit.finish();
  },
};
