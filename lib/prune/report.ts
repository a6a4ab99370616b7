/** What a pruning did: one entry per layer, and the whole model. Plain objects: JSON.stringify writes them, and null for the Infinity dB of what is equal. */
import type { Node } from '../graph/graph.js';
import type { ModelReport } from '../quantize/report.js';
import type { Pattern, Score } from './layers.js';

export interface PrunedLayerReport {
  readonly name: string;
  readonly op: string;
  readonly weights: number;
  /** Share of the weights that are zero. */
  readonly zeros: number;
  /** Output channels, where a pattern takes them away. */
  readonly channelsBefore?: number;
  readonly channels?: number;
  /** Why its weights, or all its output channels, stayed. */
  readonly reason?: string;
  /** Of the weights alone. Those that make up for others change as well. */
  readonly weightSqnrDb?: number;
  /** Of the layer's result in the whole pruned model, with all errors from before it. */
  readonly outputSqnrDb?: number;
  readonly medianUsBefore?: number;
  readonly medianUsAfter?: number;
  readonly notes: readonly string[];
}

export interface PruneReport extends ModelReport {
  readonly pattern: Pattern;
  readonly ratio: number;
  readonly score: Score;
  readonly layers: readonly PrunedLayerReport[];
  /** Multiplications and additions of all products for the first feed, where channels or heads went. */
  readonly macsBefore?: number;
  readonly macsAfter?: number;
}

/** The entries of layers whose weights stay, with the reason of each. */
export function stayingLayers(kept: ReadonlyMap<Node, string>): PrunedLayerReport[] {
  return [...kept].map(([node, reason]) => ({
    name: node.name,
    op: node.op,
    weights: (node.inputs[1]?.constant?.byteLength ?? 0) / 4,
    zeros: 0,
    reason,
    notes: [],
  }));
}
