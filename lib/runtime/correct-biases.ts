/** Biases that make up for the rounding of weights and activations. */
import type { Graph, Value } from '../graph/graph.js';
import { driftGraph } from '../quantize/compare.js';
import type { Product } from '../quantize/islands.js';
import { type Feeds, InferenceSession, type SessionOptions } from './session.js';

/** Layers are corrected front to back in so many groups: within one they do not see each other's correction. */
export const CORRECTIONS = 8;

/**
 * Rounding and clipping shift the mean of a layer's results: what the float model has more per channel, in the mean over the feeds, is
 * added to the bias, in place. Errors come from before a layer too, hence front to back.
 */
export async function correctBiases(
  source: Graph,
  samples: readonly Feeds[],
  biases: ReadonlyMap<Product, number[]>,
  write: () => { readonly graph: Graph; readonly map: ReadonlyMap<Value, Value> },
  options: SessionOptions,
  onProgress: (done: number, total: number) => void,
  groups = CORRECTIONS,
): Promise<void> {
  const products = [...biases.keys()];
  const size = Math.max(1, Math.ceil(products.length / groups));
  for (let from = 0; from < products.length; from += size) {
    const group = products.slice(from, from + size);
    const { graph, map } = write();
    const drift = driftGraph(
      source,
      graph,
      group.map((p) => ({
        pair: [p.node.output(), map.get(p.node.output()) as Value] as const,
        axis: p.node.op === 'Gemm' || p.node.op === 'MatMul' ? -1 : 1,
      })),
    );
    await using session = await InferenceSession.fromGraph(drift, options);
    for (const feeds of samples) {
      const means = await session.run(feeds);
      group.forEach((p, i) => {
        const bias = biases.get(p) as number[];
        const mean = means[`mean:${i}`]?.data as Float32Array;
        for (let c = 0; c < bias.length; c++) bias[c] = (bias[c] as number) + (mean[c] as number) / samples.length;
      });
    }
    onProgress(Math.min(from + size, products.length), products.length);
  }
}
