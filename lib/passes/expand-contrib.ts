/**
 * Writes onnxruntime's operators (domain com.microsoft) as standard ones, and attention over caches as the nodes of our own.
 *
 *     %y = com.microsoft.QLinearSigmoid(%x, s, z, t, w)   →   %f = DequantizeLinear(%x, s, z); %g = Sigmoid(%f); %y = QuantizeLinear(%g, t, w)
 *     %y = com.microsoft.MultiHeadAttention(%q, %k, %v)   →   %y = Attention(%q, %k, %v)
 *
 * Refuses: operators that have a kernel of their own (norms with what was skipped, Gelu with a bias, MatMulNBits).
 */
import type { Expansion } from './functions/expansion.js';
import { expanding } from './functions/expansion.js';
import { quantizedExpansions } from './functions/quantized.js';
import { transformerExpansions } from './functions/transformer.js';

const contrib: ReadonlyMap<string, Expansion> = new Map([...quantizedExpansions, ...transformerExpansions]);

export const expandContrib = expanding('expand-contrib', (node) => (node.domain === 'com.microsoft' ? contrib.get(node.op) : undefined));
