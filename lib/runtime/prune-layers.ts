/** Zeros for the weights of all layers, front to back: sessions on constants and feeds. */
import type { Constant, Graph, Value } from '../graph/graph.js';
import { type PrunePlan, prunedRows } from '../prune/layers.js';
import type { Moments } from '../prune/least-squares.js';
import { momentsGraph } from '../prune/moments.js';
import { pruneGraph } from '../prune/solve.js';
import { takesBias, writePruned } from '../prune/write.js';
import { decibels } from '../quantize/compare.js';
import type { Product } from '../quantize/islands.js';
import { type ChannelMeans, CORRECTIONS, channelMeans, correctBiases } from './correct-biases.js';
import { constantOf, gatherGrams, gatherMoments } from './fit-layers.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

export interface PrunedWeight {
  readonly weight: Constant;
  /** Share of zeros. */
  readonly zeros: number;
  readonly sqnrDb: number;
  /** Judged by its own size alone, as the layer's windows are not known. */
  readonly unseen: boolean;
}

export interface PrunedLayers {
  readonly weights: ReadonlyMap<Product, PrunedWeight>;
  readonly graph: Graph;
  readonly map: ReadonlyMap<Value, Value>;
}

export interface LayersPlan extends PrunePlan {
  readonly biasCorrection: boolean;
  readonly options: SessionOptions;
  readonly onLayer: (done: number, total: number) => void;
}

export async function pruneLayers(source: Graph, products: readonly Product[], samples: readonly Feeds[], plan: LayersPlan): Promise<PrunedLayers> {
  const weights = new Map<Product, PrunedWeight>();
  const biases = new Map<Product, number[]>();
  const write = () => writePruned(source, new Map([...weights].map(([p, w]) => [p, w.weight])), biases);
  const corrects = plan.biasCorrection && samples.length > 0;
  const means: ChannelMeans = corrects ? await channelMeans(source, products, (v) => v, samples, plan.options) : new Map();
  // Least squares make up for all that came before a layer, so that two at a time would do it twice.
  const size = plan.score === 'sparsegpt' ? 1 : Math.ceil(products.length / CORRECTIONS);
  for (let from = 0; from < products.length; from += size) {
    const part = products.slice(from, from + size);
    const moments = plan.score === 'magnitude' ? new Map<Product, Moments>() : await momentsOf(source, write(), part, samples, plan);
    const own = new Map<Product, number[]>();
    for (const [i, p] of part.entries()) {
      const seen = moments.get(p);
      const { bias, ...pruned } = await pruneLayer(p, plan, seen, corrects);
      weights.set(p, { ...pruned, unseen: seen === undefined && plan.score !== 'magnitude' });
      if (bias !== undefined) biases.set(p, bias);
      else if (corrects && takesBias(p)) own.set(p, p.bias?.constant?.values() ?? Array.from({ length: means.get(p.node)?.length ?? 0 }, () => 0));
      plan.onLayer(from + i + 1, products.length);
    }
    for (const [p, bias] of own) biases.set(p, bias);
    // One layer at a time: errors are large, and what two correct together they correct twice.
    if (own.size > 0) await correctBiases(means, samples, own, write, plan.options, () => {}, own.size);
  }
  return { weights, ...write() };
}

async function momentsOf(
  source: Graph,
  before: { readonly graph: Graph; readonly map: ReadonlyMap<Value, Value> },
  part: readonly Product[],
  samples: readonly Feeds[],
  { score, options }: LayersPlan,
): Promise<ReadonlyMap<Product, Moments>> {
  if (score === 'wanda') {
    const grams = await gatherGrams(before.graph, part, (v) => before.map.get(v) as Value, samples, options);
    return new Map([...grams].map(([p, gram]) => [p, { gram }]));
  }
  const all = new Map<Product, Moments>();
  for (const p of part) {
    const moments = momentsGraph(source, before, p);
    if (moments !== undefined) all.set(p, await gatherMoments(p, moments, samples, options));
  }
  return all;
}

async function pruneLayer(product: Product, plan: LayersPlan, moments: Moments | undefined, corrects: boolean) {
  const layer = prunedRows(product);
  const hasBias = corrects && takesBias(product);
  const out = await runConstants(pruneGraph(layer, plan, moments, hasBias));
  const number = (name: string) => (out[name] as { data: Float32Array }).data[0] as number;
  const bias = out['bias']?.data as Float32Array | undefined;
  return {
    weight: constantOf(out['weights'] as { data: Float32Array; dims: readonly number[] }),
    zeros: number('zeros') / (layer.rows * layer.k),
    sqnrDb: decibels(number('signal'), number('noise')),
    bias: bias && Array.from(bias),
  };
}
