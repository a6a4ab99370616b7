/** Codes of few bits for the weights of single layers: sessions on constants and feeds. */
import { dsnkError } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import { Constant, type Graph, type Value } from '../graph/graph.js';
import type { Moments } from '../prune/least-squares.js';
import type { MomentsGraph } from '../prune/moments.js';
import { decibels } from '../quantize/compare.js';
import { expectedGram } from '../quantize/expected-gram.js';
import { type FewBitsOptions, type FewBitsWeight, fitGraph, layerOf } from '../quantize/few-bits.js';
import { gramGraph, type RunningSum } from '../quantize/gram.js';
import type { Product } from '../quantize/islands.js';
import { Tensor } from '../tensor.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

/** Sums of x·xᵀ over the feeds, for layers of a graph that computes what comes before them. */
export async function gatherGrams(
  graph: Graph,
  products: readonly Product[],
  at: (input: Value) => Value,
  samples: readonly Feeds[],
  options: SessionOptions,
): Promise<Map<Product, Constant>> {
  const grams = gramGraph(graph, products, at);
  const sums = await gatherSums(grams.graph, [...grams.sums.values()], samples, options);
  return new Map([...grams.sums].map(([product, { after }]) => [product, finiteGram(product, sums.get(after) as Tensor)]));
}

/** Sums over all feeds, by name. */
export async function gatherSums(
  graph: Graph,
  sums: readonly RunningSum[],
  samples: readonly Feeds[],
  options: SessionOptions,
): Promise<ReadonlyMap<string, Tensor>> {
  const state = new Map<string, Tensor>();
  if (sums.length === 0) return state;
  const results = new Map<string, Tensor>(sums.map(({ after, dims }) => [after, new Tensor('float32', new Float32Array(elementCount(dims)), [...dims])]));
  await using session = await InferenceSession.fromGraph(graph, options);
  for (const feed of samples) {
    for (const { before, after } of sums) state.set(before, results.get(after) as Tensor);
    const more = await session.run({ ...feed, ...Object.fromEntries(state) });
    for (const { after } of sums) results.set(after, more[after] as Tensor);
  }
  return results;
}

/** What a layer is fitted to. */
export async function gatherMoments(product: Product, moments: MomentsGraph, samples: readonly Feeds[], options: SessionOptions): Promise<Required<Moments>> {
  const sums = await gatherSums(moments.graph, moments.sums, samples, options);
  const sum = (name: string) => sums.get(name) as Tensor;
  const fit = { cross: constantOf(sum('cross')), inputs: constantOf(sum('inputs')), results: constantOf(sum('results')) };
  const [factors, k] = sum('gram').dims as readonly [number, number];
  return { gram: finiteGram(product, sum('gram')), fit: { ...fit, count: Number(sum('count').data[0]) / k / factors } };
}

/** The gram matrix as a constant, where nothing in it is NaN or infinite. */
export function finiteGram(product: Product, gram: Tensor): Constant {
  const { data, dims } = gram as { data: Float32Array; dims: readonly number[] };
  // What is not finite has spoiled a row and its own element on the diagonal.
  for (let i = 0; i < data.length; i += (dims[2] as number) + 1) {
    if (!Number.isFinite(data[i]))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', product.node.where, 'activations must be finite', 'NaN or infinite elements came in its input');
  }
  return constantOf(gram);
}

/** A result in float32 as a constant of other graphs. */
export function constantOf({ data, dims }: { readonly data: unknown; readonly dims: readonly number[] }): Constant {
  const { buffer, byteOffset, byteLength } = data as Float32Array<ArrayBuffer>;
  return new Constant('float32', dims, () => new Uint8Array(buffer, byteOffset, byteLength));
}

/** What a layer's inputs are expected to be like, where its surroundings tell. */
export async function expectedInputs(product: Product): Promise<Constant | undefined> {
  const graph = expectedGram(product);
  if (graph === undefined) return undefined;
  return constantOf((await runConstants(graph))['gram'] as Tensor);
}

export async function fitLayer(product: Product, options: FewBitsOptions, gram: Constant | undefined): Promise<FewBitsWeight> {
  const layer = layerOf(product, options);
  const out = await runConstants(fitGraph(layer, gram));
  const number = (name: string) => (out[name] as { data: Float32Array }).data[0] as number;
  return {
    layer,
    codes: out['codes']?.data as Uint8Array,
    scales: out['scales']?.data as Float32Array,
    zeros: out['zeros']?.data as Uint8Array | undefined,
    sqnrDb: decibels(number('signal'), number('noise')),
  };
}
