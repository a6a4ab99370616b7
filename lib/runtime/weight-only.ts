/**
 * `quantize` with method weight-only: weights of 8 to 2 bits in groups, activations in float32.
 *
 *     fold into weights → front to back: sums of x·xᵀ over calibration feeds, if any → codes → biases; measure
 */
import { dsnkError } from '../errors.js';
import type { Constant, Graph, Node, Value } from '../graph/graph.js';
import type { FewBitsAlgorithm } from '../quantize/algorithms.js';
import { bytesOf, defaultGroup, type FewBitsOptions, type FewBitsWeight, type WeightBits, writeFewBits } from '../quantize/few-bits.js';
import { assertProducts, findProducts, type Product } from '../quantize/islands.js';
import { keptLayers, type LayerReport, type MethodResult } from '../quantize/report.js';
import { weightElements } from '../quantize/weights.js';
import { type ChannelMeans, CORRECTIONS, channelMeans, correctBiases } from './correct-biases.js';
import { expectedInputs, fitLayer, gatherGrams } from './fit-layers.js';
import { type ModelError, measureModel } from './measure-error.js';
import { meetTarget, type TargetPlan } from './meet-target.js';
import type { QuantizeProgress } from './quantize-options.js';
import { settle } from './quantize-source.js';
import { scaleByActivations } from './scale-by-activations.js';
import type { Feeds } from './signature.js';
import { surveyWeights } from './survey.js';

export interface FewBitsPlan extends TargetPlan {
  readonly weights: {
    readonly bits?: WeightBits;
    readonly groupSize?: number | 'channel';
    readonly layers?: Readonly<Record<string, WeightBits>>;
    readonly symmetric?: boolean;
    readonly algorithm?: FewBitsAlgorithm;
    readonly actOrder?: boolean;
    readonly activationAware?: boolean;
  };
  readonly keep: (node: Node) => boolean;
  readonly biasCorrection: boolean;
  readonly onProgress: (progress: QuantizeProgress) => void;
}

const fewBitsDefaults = (calibrated: boolean, weights: FewBitsPlan['weights']): FewBitsOptions & { readonly activationAware: boolean } => {
  const bits = weights.bits ?? 4;
  return {
    bits,
    groupSize: weights.groupSize,
    symmetric: weights.symmetric ?? bits === 8,
    algorithm: weights.algorithm ?? (calibrated ? 'gptq' : 'expected'),
    actOrder: weights.actOrder ?? false,
    activationAware: weights.activationAware ?? false,
  };
};

interface Attempt extends ModelError {
  readonly weights: ReadonlyMap<Product, FewBitsWeight>;
  readonly graph: Graph;
}

export async function quantizeWeightsOnly(source: Graph, feeds: readonly Feeds[] | undefined, plan: FewBitsPlan): Promise<MethodResult> {
  let found = findProducts(source, plan.keep);
  assertProducts(source, found);
  let { products } = found;
  const named = new Map(Object.entries(plan.weights.layers ?? {}));
  for (const name of named.keys()) {
    if (!products.some((p) => p.node.name === name))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${source.name}"`, 'weights.layers must name layers that are quantized', `"${name}" is none`);
  }
  await surveyWeights(products);
  const options = fewBitsDefaults(feeds !== undefined, plan.weights);
  const samples = feeds ?? [];
  const unseen = new Set<Product>();
  let scaled = 0;
  if (options.activationAware && samples.length > 0) {
    scaled = await scaleByActivations(source, products, (p) => ({ ...options, bits: named.get(p.node.name) ?? options.bits }), samples, plan.options);
    await settle(source);
    found = findProducts(source, plan.keep);
    products = found.products;
  }
  // Below four bits the first layer, which reads the input itself, and the last get eight: they have few weights, and nothing makes up for their errors.
  const eight = options.bits < 4 && products.length > 2 ? new Set([products[0], products.at(-1)]) : new Set<Product | undefined>();
  // Front to back, some layers at a time: each sees what the ones before it have become.
  const size = samples.length === 0 ? products.length : Math.ceil(products.length / CORRECTIONS);
  const corrects = plan.biasCorrection && samples.length > 0;
  const means: ChannelMeans = corrects ? await channelMeans(source, products, (v) => v, samples, plan.options) : new Map();
  const attempt = async (spared: ReadonlySet<Product>): Promise<Attempt> => {
    const fits = new Map<Product, FewBitsWeight>();
    const biases = new Map<Product, number[]>();
    const write = () => writeFewBits(source, fits, (p) => biases.get(p));
    for (let from = 0; from < products.length; from += size) {
      const part = products.slice(from, from + size);
      const before = write();
      const grams =
        samples.length === 0 ? new Map<Product, Constant>() : await gatherGrams(before.graph, part, (v) => before.map.get(v) as Value, samples, plan.options);
      for (const [i, p] of part.entries()) {
        const gram = options.algorithm === 'expected' ? await expectedInputs(p) : grams.get(p);
        if (options.algorithm === 'gptq' && gram === undefined) unseen.add(p);
        fits.set(p, await fitLayer(p, { ...options, bits: named.get(p.node.name) ?? (eight.has(p) || spared.has(p) ? 8 : options.bits) }, gram));
        if (p.bias !== undefined) biases.set(p, p.bias.constant?.values() ?? []);
        plan.onProgress({ stage: 'weights', done: from + i + 1, total: products.length });
      }
      const own = new Map([...biases].filter(([p]) => part.includes(p)));
      if (corrects) await correctBiases(means, samples, own, write, plan.options, () => {}, 1);
    }
    const written = write();
    const error = await measureModel(source, written, products, samples, plan.options, (done, total) => plan.onProgress({ stage: 'measure', done, total }));
    return { weights: fits, graph: written.graph, ...error };
  };
  // What a target spares gets eight bits: the layers whose own error is largest.
  const noisiest = ({ weights }: Attempt) => [...products].sort((a, b) => (weights.get(a)?.sqnrDb ?? 0) - (weights.get(b)?.sqnrDb ?? 0));
  const { attempt: result, met, metricAfter } = await meetTarget(plan, attempt, (whole) => (options.bits === 8 ? [] : noisiest(whole)));
  const layers = products.map((p): LayerReport => {
    const w = result.weights.get(p) as FewBitsWeight;
    const outputSqnrDb = result.sqnr.get(p.node);
    const biases = p.bias === undefined ? 0 : 4 * w.layer.rows;
    return {
      name: p.node.name,
      op: p.node.op,
      bits: w.layer.bits,
      weights: weightElements(p),
      bytesBefore: 4 * weightElements(p) + biases,
      bytesAfter: bytesOf(w) + biases,
      weightSqnrDb: w.sqnrDb,
      ...(outputSqnrDb !== undefined && { outputSqnrDb }),
      notes: unseen.has(p) ? ['its weights were rounded one by one, as the windows it reads are not known'] : [],
    };
  });
  return {
    graph: result.graph,
    report: {
      method: 'weight-only',
      weights: {
        bits: options.bits,
        groupSize: options.groupSize ?? defaultGroup(options.bits, Number.POSITIVE_INFINITY),
        symmetric: options.symmetric,
        algorithm: options.algorithm,
      },
      feeds: samples.length,
      layers: [...layers, ...keptLayers(found.kept)],
      outputs: result.outputs,
      ...(plan.metricBefore !== undefined && { metricBefore: plan.metricBefore }),
      ...(metricAfter !== undefined && { metricAfter }),
      ...(plan.target !== undefined && { targetMet: met }),
      notes: [
        ...(scaled > 0 ? [`the inputs of ${scaled} ${scaled === 1 ? 'layer or set of layers' : 'layers or sets of layers'} were scaled by their size`] : []),
        ...([...result.weights.values()].some(({ layer: l }) => l.bits === 3 || (l.bits === 2 && !l.packed))
          ? ['codes of two or three bits stand in four where runtimes know no smaller ones']
          : []),
      ],
    },
  };
}
