/** Biases that make up for the rounding of weights and activations. */
import type { Graph, Node, Value } from '../graph/graph.js';
import { meanGraph } from '../quantize/compare.js';
import type { Product } from '../quantize/islands.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

/** Layers are corrected front to back in so many groups: within one they do not see each other's correction. */
export const CORRECTIONS = 8;

/** Means of results per channel, over all feeds, by the node of the float model. */
export type ChannelMeans = ReadonlyMap<Node, Float64Array>;

/** Those of products whose results stand in `graph` where `at` says. */
export async function channelMeans(
  graph: Graph,
  products: readonly Product[],
  at: (result: Value) => Value,
  samples: readonly Feeds[],
  options: SessionOptions,
): Promise<ChannelMeans> {
  const list = products.map((p) => ({ value: at(p.node.output()), axis: p.node.op === 'Gemm' || p.node.op === 'MatMul' ? -1 : 1 }));
  // Shapes of results are those of the float model, whether a pass has typed this graph or not.
  list.forEach(({ value }, i) => {
    value.shape ??= products[i]?.node.output().shape;
  });
  await using session = await InferenceSession.fromGraph(meanGraph(graph, list), options);
  const sums = new Map<Node, Float64Array>();
  for (const feeds of samples) {
    const means = await session.run(feeds);
    products.forEach((p, i) => {
      const mean = means[`mean:${i}`]?.data as Float32Array;
      const sum = sums.get(p.node) ?? new Float64Array(mean.length);
      for (let c = 0; c < sum.length; c++) sum[c] = (sum[c] as number) + (mean[c] as number) / samples.length;
      sums.set(p.node, sum);
    });
  }
  return sums;
}

/**
 * Rounding and clipping shift the mean of a layer's results: what the float model has more per channel is added to the bias, in place.
 * Errors come from before a layer too, hence front to back. The float model runs once, for `wanted`, not for every group.
 */
export async function correctBiases(
  wanted: ChannelMeans,
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
    const means = await channelMeans(graph, group, (v) => map.get(v) as Value, samples, options);
    for (const p of group) {
      const bias = biases.get(p) as number[];
      const [want, got] = [wanted.get(p.node) as Float64Array, means.get(p.node) as Float64Array];
      for (let c = 0; c < bias.length; c++) bias[c] = (bias[c] as number) + (want[c] as number) - (got[c] as number);
    }
    onProgress(Math.min(from + size, products.length), products.length);
  }
}
