/**
 * Writes BatchNormalization in inference form as one multiplication and one addition per channel, whose factors are
 * computed from constants by the init program.
 *
 *     %y = BatchNormalization(%x, s, b, m, v)   →   %k = Div(s, Sqrt(Add(v, ε))); %c = Sub(b, Mul(m, %k))
 *                                                   %y = Add(Mul(%x, %k), %c)
 *
 * fold-scale then moves both into the convolution or product before. Refuses: training mode, statistics that are not
 * constant, types other than float32 throughout.
 */
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

export const expandBatchnorm: Pass = {
  name: 'expand-batchnorm',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.op !== 'BatchNormalization' || node.domain !== '' || node.int('training_mode', 0) !== 0) continue;
      const [x, s, b, m, v] = [0, 1, 2, 3, 4].map((i) => node.input(i));
      if (x === undefined || s === undefined || b === undefined || m === undefined || v === undefined) continue;
      if (node.outputs.slice(1).some((out) => !edit.isUnused(out))) continue;
      if (![s, b, m, v].every((p) => edit.isConstant(p)) || ![x, s, b, m, v].every((p) => p.dtype === 'float32')) continue;
      const rank = x.dims.length;
      // [C] against [N,C,…]: one 1 per dimension after the channel; a rank of 1 has one channel, which is dimension 0
      const dims = [...s.dims, ...new Array<number>(Math.max(rank - 2, 0)).fill(1)];
      const deviation = edit.value('Sqrt', [edit.value('Add', [v, edit.scalar('float32', node.float('epsilon', 1e-5))])]);
      const k = edit.value('Div', [s, deviation]);
      const c = edit.value('Sub', [b, edit.value('Mul', [m, k])]);
      const scaled = edit.value('Mul', [x, edit.reshape(k, dims)], { name: `${node.name}/scale` });
      edit.replaceNode(node.output(), 'Add', [scaled, edit.reshape(c, dims)]);
    }
    return edit.finish();
  },
};
