/** Weights below 8 bits for integer products: symmetric, one scale per output channel. */
import type { Graph } from '../graph/graph.js';
import { Constant } from '../graph/graph.js';
import type { FewBitsAlgorithm } from '../quantize/algorithms.js';
import { codeType, type WeightBits } from '../quantize/few-bits.js';
import type { Product } from '../quantize/islands.js';
import { fitBias, type QuantizedWeight } from '../quantize/weights.js';
import { fitLayer, gatherGrams } from './fit-layers.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { surveyWeights, type WeightSurvey } from './survey.js';

export interface ChannelPlan {
  readonly bits: WeightBits;
  readonly algorithm: FewBitsAlgorithm;
  readonly inputScale: (p: Product) => number;
  readonly samples: readonly Feeds[];
  readonly options: SessionOptions;
  readonly onProgress: (done: number, total: number) => void;
}

export async function quantizeChannels(source: Graph, products: readonly Product[], plan: ChannelPlan): Promise<Map<Product, QuantizedWeight>> {
  const survey = await surveyWeights(products);
  const grams = await gatherGrams(source, products, (v) => v, plan.samples, plan.options);
  const weights = new Map<Product, QuantizedWeight>();
  for (const [i, product] of products.entries()) {
    const { bits, algorithm } = plan;
    const { layer, codes, scales, sqnrDb } = await fitLayer(product, { bits, algorithm, groupSize: 'channel', symmetric: true }, grams.get(product));
    const { maxima, bias } = survey[i] as WeightSurvey;
    const notes = bias === undefined ? [] : fitBias(scales, maxima, bias, plan.inputScale(product));
    weights.set(product, {
      product,
      scales,
      perChannel: true,
      constant: new Constant(codeType(layer), product.weight.constant?.dims ?? [], () => codes),
      sqnrDb,
      notes,
    });
    plan.onProgress(i + 1, products.length);
  }
  return weights;
}
