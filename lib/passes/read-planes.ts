/**
 * Lets the first convolution of an image network read the image as it comes, channels first.
 *
 *     %t = Transpose(%x) {perm=[0,2,3,1]}; %y = dsnk.Conv(%t, W, b)   →   %y = dsnk.StemConv(%x, W, b)
 *
 * Refuses: what the stem kernel does not take (more than 4 channels, groups, dilations, strides above 2, large windows),
 * residuals, types other than float32.
 */

import { windowOf } from '../ops/spatial.js';
import { suitsStem } from '../ops/stem.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { channelsLast, permOf, samePerm } from './permutation.js';

export const readPlanes: Pass = {
  name: 'read-planes',
  run(graph, target) {
    if (target?.device === 'cuda') return 0;
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== 'dsnk' || node.op !== 'Conv' || node.inputs[3] !== undefined) continue;
      const turn = node.input(0).producer;
      if (turn === undefined || turn.op !== 'Transpose' || turn.domain !== '' || edit.isConstant(node.output())) continue;
      const x = turn.input(0);
      if (x.dims.length !== 4 || x.dtype !== 'float32' || !samePerm(permOf(turn), channelsLast(4))) continue;
      const window = windowOf(node, node.input(1).dims.slice(2));
      if (!suitsStem(x.dims[1] as number, false, window, node.int('group', 1))) continue;
      const { group: _, ...attrs } = Object.fromEntries(node.attrs);
      edit.replaceNode(node.output(), 'StemConv', [x, ...node.inputs.slice(1, 3)], { domain: 'dsnk', attrs });
    }
    return edit.finish();
  },
};
