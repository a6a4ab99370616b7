/**
 * Writes operators that are functions of others as those others.
 *
 *     %y = Attention(%q, %k, %v)   →   %s = dsnk.MatMul(%q, %k); %w = Softmax(%s); %y = MatMul(%w, %v)
 *
 * Refuses: RotaryEmbedding in float32, which has a kernel; the others have none of their own.
 */
import { GraphEditor } from './editor.js';
import { attention } from './functions/attention.js';
import type { Expansion } from './functions/expansion.js';
import { negativeLogLikelihood, softmaxCrossEntropy } from './functions/losses.js';
import { quantizedExpansions } from './functions/quantized.js';
import { rotaryEmbedding } from './functions/rotary.js';
import { blackmanWindow, hammingWindow, hannWindow } from './functions/windows.js';
import type { Pass } from './index.js';

const expansions: ReadonlyMap<string, Expansion> = new Map([
  ['Attention', attention],
  ['BlackmanWindow', blackmanWindow],
  ['HammingWindow', hammingWindow],
  ['HannWindow', hannWindow],
  ['NegativeLogLikelihoodLoss', negativeLogLikelihood],
  ['RotaryEmbedding', rotaryEmbedding],
  ['SoftmaxCrossEntropyLoss', softmaxCrossEntropy],
]);

const byDomain: ReadonlyMap<string, ReadonlyMap<string, Expansion>> = new Map([
  ['', expansions],
  ['com.microsoft', quantizedExpansions],
]);

export const expandFunctions: Pass = {
  name: 'expand-functions',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      const expand = byDomain.get(node.domain)?.get(node.op);
      if (expand === undefined || (node.op === 'RotaryEmbedding' && node.input(0).dtype === 'float32')) continue;
      const made = expand(edit, node);
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
