/**
 * Gives every change of shape one form and merges chains of them: Flatten, Squeeze, Unsqueeze and Reshape become one
 * Reshape to a constant shape.
 *
 *     %a = Unsqueeze(%x, i64{1}); %y = Flatten(%a)   →   %y = Reshape(%x, i64{8,512})
 *
 * Refuses: nothing but graphs without concrete shapes. A reshape in the middle that others read stays for them.
 */
import { GraphEditor, numbersOf } from './editor.js';
import type { Pass } from './index.js';

const shapeOps = new Set(['Flatten', 'Squeeze', 'Unsqueeze', 'Reshape']);

export const mergeReshapes: Pass = {
  name: 'merge-reshapes',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '' || !shapeOps.has(node.op)) continue;
      let from = node.input(0);
      for (let p = from.producer; p !== undefined && p.domain === '' && shapeOps.has(p.op); p = from.producer) from = p.input(0);
      const { dims } = node.output();
      const plain = node.op === 'Reshape' && from === node.inputs[0] && `${numbersOf(node.inputs[1])}` === `${dims}`;
      if (plain) continue;
      edit.replaceNode(node.output(), 'Reshape', [from, edit.ints(dims)], { attrs: dims.includes(0) ? { allowzero: 1 } : {} });
    }
    return edit.finish();
  },
};
