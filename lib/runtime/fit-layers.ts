/** Codes of few bits for the weights of single layers: sessions on constants and feeds. */
import { dsnkError } from '../errors.js';
import { Constant, type Graph, type Value } from '../graph/graph.js';
import { decibels } from '../quantize/compare.js';
import { expectedGram } from '../quantize/expected-gram.js';
import { type FewBitsOptions, type FewBitsWeight, fitGraph, layerOf } from '../quantize/few-bits.js';
import { gramGraph } from '../quantize/gram.js';
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
  if (grams.sums.size === 0) return new Map();
  const state = new Map<string, Tensor>();
  for (const { before, dims } of grams.sums.values()) {
    state.set(before, new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims));
  }
  await using session = await InferenceSession.fromGraph(grams.graph, options);
  for (const feed of samples) {
    const results = await session.run({ ...feed, ...Object.fromEntries(state) });
    for (const { before, after } of grams.sums.values()) state.set(before, results[after] as Tensor);
  }
  return new Map(
    [...grams.sums].map(([product, { before, dims }]) => {
      const { data } = state.get(before) as { data: Float32Array };
      // What is not finite has spoiled a row and its own element on the diagonal.
      for (let i = 0; i < data.length; i += (dims[2] as number) + 1) {
        if (!Number.isFinite(data[i]))
          throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', product.node.where, 'activations must be finite', 'NaN or infinite elements came in its input');
      }
      return [product, new Constant('float32', dims, () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
    }),
  );
}

/** What a layer's inputs are expected to be like, where its surroundings tell. */
export async function expectedInputs(product: Product): Promise<Constant | undefined> {
  const graph = expectedGram(product);
  if (graph === undefined) return undefined;
  const { data, dims } = (await runConstants(graph))['gram'] as { data: Float32Array; dims: readonly number[] };
  return new Constant('float32', dims, () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
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
