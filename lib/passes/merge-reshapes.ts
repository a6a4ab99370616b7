/**
 * Gives every change of shape one form and merges chains of them: Flatten, Squeeze, Unsqueeze, Reshape, and Transpose
 * where it only moves dimensions of size 1, become one Reshape to a constant shape.
 *
 *     %a = Unsqueeze(%x, i64{1}); %y = Flatten(%a)        →   %y = Reshape(%x, i64{8,512})
 *     %y = Transpose(%x: f32[1,1,8,4]) {perm=[0,2,1,3]}   →   %y = Reshape(%x, i64{1,8,1,4})
 *
 * Refuses: nothing but graphs without concrete shapes. A reshape in the middle that others read stays for them.
 */
import type { Node } from '../graph/graph.js';
import { GraphEditor, numbersOf } from './editor.js';
import type { Pass } from './index.js';
import { movesNothing, permOf } from './permutation.js';

const shapeOps = new Set(['Flatten', 'Squeeze', 'Unsqueeze', 'Reshape']);

/** Whether a node only changes how its input's elements are counted. */
function reshapes(node: Node | undefined): node is Node {
  if (node === undefined || node.domain !== '') return false;
  return shapeOps.has(node.op) || (node.op === 'Transpose' && movesNothing(node.input(0).dims, permOf(node)));
}

export const mergeReshapes: Pass = {
  name: 'merge-reshapes',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (!reshapes(node)) continue;
      let from = node.input(0);
      for (let p = from.producer; reshapes(p); p = from.producer) from = p.input(0);
      const { dims } = node.output();
      const plain = node.op === 'Reshape' && from === node.inputs[0] && `${numbersOf(node.inputs[1])}` === `${dims}`;
      if (plain) continue;
      edit.replaceNode(node.output(), 'Reshape', [from, edit.ints(dims)], { attrs: dims.includes(0) ? { allowzero: 1 } : {} });
    }
    return edit.finish();
  },
};
