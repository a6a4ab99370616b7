/** Weights below 8 bits for integer products: symmetric, one scale per output channel. */
import type { Graph } from '../graph/graph.js';
import { Constant } from '../graph/graph.js';
import type { FewBitsAlgorithm } from '../quantize/algorithms.js';
import { codeType, type WeightBits } from '../quantize/few-bits.js';
import type { Product } from '../quantize/islands.js';
import { fitBias, type QuantizedWeight } from '../quantize/weights.js';
import { assertFinite, fitLayer, gatherGrams } from './fit-layers.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

export interface ChannelPlan {
  readonly bits: WeightBits;
  readonly algorithm: FewBitsAlgorithm;
  readonly inputScale: (p: Product) => number;
  readonly samples: readonly Feeds[];
  readonly options: SessionOptions;
  readonly onProgress: (done: number, total: number) => void;
}

export async function quantizeChannels(source: Graph, products: readonly Product[], plan: ChannelPlan): Promise<Map<Product, QuantizedWeight>> {
  const maxima = await assertFinite(products);
  const grams = await gatherGrams(source, products, (v) => v, plan.samples, plan.options);
  const weights = new Map<Product, QuantizedWeight>();
  for (const [i, product] of products.entries()) {
    const { bits, algorithm } = plan;
    const { layer, codes, scales, sqnrDb } = await fitLayer(product, { bits, algorithm, groupSize: 'channel', symmetric: true }, grams.get(product));
    const bias = product.bias?.constant?.values();
    const changed = bias === undefined ? 0 : fitBias(scales, maxima[i] as Float32Array, bias, plan.inputScale(product));
    weights.set(product, {
      product,
      scales,
      perChannel: true,
      constant: new Constant(codeType(layer), product.weight.constant?.dims ?? [], () => codes),
      sqnrDb,
      notes:
        changed === 0
          ? []
          : [`${changed} ${changed === 1 ? 'channel has' : 'channels have'} a scale that fits the bias: the weights are small beside it, or zero`],
    });
    plan.onProgress(i + 1, products.length);
  }
  return weights;
}
