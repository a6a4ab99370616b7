/**
 * Removes nodes that no output needs, and results that nobody reads where the operator may leave them out.
 *
 *     %y, %indices = MaxPool(%x); %z = Relu(%x); return %y   →   %y = MaxPool(%x); return %y
 *
 * Refuses: results of operators whose number of results has a meaning (Split), values a subgraph captures.
 */

import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

/** Operators whose trailing results are optional. */
const optionalResults = new Set([
  'MaxPool',
  'Dropout',
  'LayerNormalization',
  'RMSNormalization',
  'LSTM',
  'GRU',
  'RNN',
  'BatchNormalization',
  'Attention',
  'Unique',
]);

export const dropDead: Pass = {
  name: 'drop-dead',
  run(graph) {
    const edit = new GraphEditor(graph);
    const before = graph.nodes.length;
    for (const node of graph.nodes) {
      if (!optionalResults.has(node.op)) continue;
      while (node.outputs.length > 1 && edit.isUnused(node.outputs[node.outputs.length - 1] as (typeof node.outputs)[number])) {
        node.outputs.pop();
        edit.rewrites++;
      }
    }
    edit.sweep();
    return edit.rewrites + before - graph.nodes.length;
  },
};
