/** What an expansion is: the nodes that compute a node's outputs, one value per output that has a reader. */
import type { Node, Value } from '../../graph/graph.js';
import { GraphEditor } from '../editor.js';
import type { Pass } from '../index.js';

export type Expansion = (edit: GraphEditor, node: Node) => readonly (Value | undefined)[];

/** The pass that writes out every node for which there is an expansion. */
export function expanding(name: string, expansionOf: (node: Node) => Expansion | undefined): Pass {
  return {
    name,
    run(graph) {
      const edit = new GraphEditor(graph);
      for (const node of edit.nodes()) {
        const made = expansionOf(node)?.(edit, node);
        if (made === undefined) continue;
        node.outputs.forEach((old, i) => {
          const v = made[i];
          if (old === undefined || v === undefined || edit.isUnused(old)) return;
          edit.replaceValue(old, v);
        });
        edit.rewrites++;
      }
      return edit.finish();
    },
  };
}
