/**
 * Writes operators that are functions of others as those others.
 *
 *     %y = Attention(%q, %k, %v)   →   %s = dsnk.MatMul(%q, %k); %w = Softmax(%s); %y = MatMul(%w, %v)
 *
 * Refuses: RotaryEmbedding in float32, which has a kernel; the others have none of their own.
 */
import { attention } from './functions/attention.js';
import { type Expansion, expanding } from './functions/expansion.js';
import { negativeLogLikelihood, softmaxCrossEntropy } from './functions/losses.js';
import { rotaryEmbedding } from './functions/rotary.js';
import { blackmanWindow, hammingWindow, hannWindow } from './functions/windows.js';

const expansions: ReadonlyMap<string, Expansion> = new Map([
  ['Attention', attention],
  ['BlackmanWindow', blackmanWindow],
  ['HammingWindow', hammingWindow],
  ['HannWindow', hannWindow],
  ['NegativeLogLikelihoodLoss', negativeLogLikelihood],
  ['RotaryEmbedding', rotaryEmbedding],
  ['SoftmaxCrossEntropyLoss', softmaxCrossEntropy],
]);

export const expandFunctions = expanding('expand-functions', (node) => {
  if (node.domain !== '' || (node.op === 'RotaryEmbedding' && node.input(0).dtype === 'float32')) return undefined;
  return expansions.get(node.op);
});
