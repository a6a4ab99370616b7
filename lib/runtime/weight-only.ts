/**
 * `quantize` with method weight-only: weights of 8 to 2 bits in groups, activations in float32.
 *
 *     fold into weights → front to back: sums of x·xᵀ over calibration feeds, if any → codes → biases; measure
 */
import { dsnkError } from '../errors.js';
import type { Constant, Graph, Node, Value } from '../graph/graph.js';
import type { FewBitsAlgorithm } from '../quantize/algorithms.js';
import { bytesOf, type FewBitsOptions, type FewBitsWeight, type WeightBits, writeFewBits } from '../quantize/few-bits.js';
import { findProducts, type Product } from '../quantize/islands.js';
import type { LayerReport, QuantizeReport } from '../quantize/report.js';
import { weightElements } from '../quantize/weights.js';
import { type ChannelMeans, CORRECTIONS, channelMeans, correctBiases } from './correct-biases.js';
import { assertFinite, fitLayer, gatherGrams } from './fit-layers.js';
import { measureError } from './measure-error.js';
import type { QuantizeProgress, QuantizeTarget } from './quantize-options.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

export interface FewBitsPlan {
  readonly weights: {
    readonly bits?: WeightBits;
    readonly groupSize?: number | 'channel';
    readonly layers?: Readonly<Record<string, WeightBits>>;
    readonly symmetric?: boolean;
    readonly algorithm?: FewBitsAlgorithm;
  };
  readonly keep: (node: Node) => boolean;
  readonly biasCorrection: boolean;
  readonly target: QuantizeTarget | undefined;
  readonly metricBefore: number | undefined;
  readonly options: SessionOptions;
  readonly onProgress: (progress: QuantizeProgress) => void;
}

/** The error is measured on so many feeds. */
const MEASURED_FEEDS = 8;

export const fewBitsDefaults = (calibrated: boolean, weights: FewBitsPlan['weights']): FewBitsOptions => {
  const bits = weights.bits ?? 4;
  return {
    bits,
    // Where levels are few, scales have to be many.
    groupSize: weights.groupSize ?? { 8: 128, 4: 64, 3: 32, 2: 16 }[bits],
    symmetric: weights.symmetric ?? bits === 8,
    algorithm: weights.algorithm ?? (calibrated ? 'gptq' : 'hqq'),
  };
};

interface Attempt {
  readonly weights: ReadonlyMap<Product, FewBitsWeight>;
  readonly graph: Graph;
  readonly sqnr: ReadonlyMap<Node, number>;
  readonly outputs: readonly { readonly name: string; readonly sqnrDb: number }[];
}

export interface WeightOnlyResult {
  readonly graph: Graph;
  readonly report: Omit<QuantizeReport, 'bytesBefore' | 'bytesAfter' | 'notes'> & { readonly notes: readonly string[] };
}

export async function quantizeWeightsOnly(source: Graph, feeds: readonly Feeds[] | undefined, plan: FewBitsPlan): Promise<WeightOnlyResult> {
  const { products, kept } = findProducts(source, plan.keep);
  if (products.length === 0) {
    const why = [...kept].map(([node, reason]) => `${node.where}: ${reason}`).join('; ');
    const came = why === '' ? 'it has none' : why;
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${source.name}"`, 'model must have a convolution or product with constant weights to quantize', came);
  }
  const named = new Map(Object.entries(plan.weights.layers ?? {}));
  for (const name of named.keys()) {
    if (!products.some((p) => p.node.name === name))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${source.name}"`, 'weights.layers must name layers that are quantized', `"${name}" is none`);
  }
  await assertFinite(products);
  const options = fewBitsDefaults(feeds !== undefined, plan.weights);
  const samples = feeds ?? [];
  const unseen = new Set<Product>();
  // Below four bits the first layer, which reads the input itself, and the last get eight: they have few weights, and nothing makes up for their errors.
  const eight = options.bits < 4 && products.length > 2 ? new Set([products[0], products.at(-1)]) : new Set<Product | undefined>();
  // Front to back, some layers at a time: each sees what the ones before it have become.
  const size = samples.length === 0 ? products.length : Math.ceil(products.length / CORRECTIONS);
  const corrects = plan.biasCorrection && samples.length > 0;
  const means: ChannelMeans = corrects ? await channelMeans(source, products, (v) => v, samples, plan.options) : new Map();
  const attempt = async (bitsOf: (p: Product) => WeightBits): Promise<Attempt> => {
    const fits = new Map<Product, FewBitsWeight>();
    const biases = new Map<Product, number[]>();
    const write = () => writeFewBits(source, fits, (p) => biases.get(p));
    for (let from = 0; from < products.length; from += size) {
      const part = products.slice(from, from + size);
      const before = write();
      const grams =
        samples.length === 0 ? new Map<Product, Constant>() : await gatherGrams(before.graph, part, (v) => before.map.get(v) as Value, samples, plan.options);
      for (const [i, p] of part.entries()) {
        const gram = grams.get(p);
        if (options.algorithm === 'gptq' && gram === undefined) unseen.add(p);
        fits.set(p, await fitLayer(p, { ...options, bits: named.get(p.node.name) ?? (eight.has(p) ? 8 : bitsOf(p)) }, gram));
        if (p.bias !== undefined) biases.set(p, p.bias.constant?.values() ?? []);
        plan.onProgress({ stage: 'weights', done: from + i + 1, total: products.length });
      }
      const own = new Map([...biases].filter(([p]) => part.includes(p)));
      if (corrects) await correctBiases(means, samples, own, write, plan.options, () => {}, 1);
    }
    const { graph, map } = write();
    return { weights: fits, graph, ...(await measure(source, graph, map, products, samples, plan)) };
  };
  const { result, met, metricAfter } = await meetTarget(attempt, products, options.bits, plan);
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
  const floats = [...kept].map(([node, reason]): LayerReport => {
    const size = node.inputs[1]?.constant?.byteLength ?? 0;
    return { name: node.name, op: node.op, bits: 32, reason, weights: size / 4, bytesBefore: size, bytesAfter: size, notes: [] };
  });
  return {
    graph: result.graph,
    report: {
      method: 'weight-only',
      weights: { bits: options.bits, groupSize: options.groupSize, symmetric: options.symmetric, algorithm: options.algorithm },
      feeds: samples.length,
      layers: [...layers, ...floats],
      outputs: result.outputs,
      ...(plan.metricBefore !== undefined && { metricBefore: plan.metricBefore }),
      ...(metricAfter !== undefined && { metricAfter }),
      ...(plan.target !== undefined && { targetMet: met }),
      notes: [...result.weights.values()].some(({ layer: l }) => l.bits === 3 || (l.bits === 2 && !l.packed))
        ? ['codes of two or three bits stand in four where runtimes know no smaller ones']
        : [],
    },
  };
}

async function measure(
  source: Graph,
  graph: Graph,
  map: ReadonlyMap<Value, Value>,
  products: readonly Product[],
  samples: readonly Feeds[],
  plan: FewBitsPlan,
): Promise<Pick<Attempt, 'sqnr' | 'outputs'>> {
  if (samples.length === 0) return { sqnr: new Map(), outputs: [] };
  const floats = source.outputs.filter((v) => v.dtype === 'float32');
  const pairs = [
    ...products.map((p) => [p.node.output(), map.get(p.node.output()) as Value] as const),
    ...floats.map((v) => [v, graph.outputs[source.outputs.indexOf(v)] as Value] as const),
  ];
  const errors = await measureError(source, graph, pairs, samples.slice(0, MEASURED_FEEDS), plan.options, (done, total) =>
    plan.onProgress({ stage: 'measure', done, total }),
  );
  return {
    sqnr: new Map(products.map((p, i) => [p.node, errors[i] as number])),
    outputs: floats.map((v, i) => ({ name: v.name, sqnrDb: errors[products.length + i] as number })),
  };
}

/** Where a target is not met, layers get eight bits: the 1, 2, 4, … whose own error is largest, at last all. */
async function meetTarget(
  make: (bitsOf: (p: Product) => WeightBits) => Promise<Attempt>,
  products: readonly Product[],
  bits: WeightBits,
  plan: FewBitsPlan,
): Promise<{ result: Attempt; met: boolean; metricAfter: number | undefined }> {
  const { target } = plan;
  const worth = async (result: Attempt) => {
    const least = Math.min(...result.outputs.map((o) => o.sqnrDb));
    const loud = target?.sqnr === undefined || least >= target.sqnr;
    if (target?.metric === undefined) return { result, met: loud, metricAfter: undefined };
    await using session = await InferenceSession.fromGraph(result.graph, plan.options);
    const metricAfter = await target.metric(session);
    return { result, met: loud && (plan.metricBefore as number) - metricAfter <= (target.maxDrop ?? 0), metricAfter };
  };
  const first = await make(() => bits);
  let best = await worth(first);
  const noise = (p: Product) => first.weights.get(p)?.sqnrDb ?? 0;
  const worst = [...products].sort((a, b) => noise(a) - noise(b));
  for (let count = 1; !best.met && bits < 8; count *= 2) {
    const eight = new Set(worst.slice(0, count));
    best = await worth(await make((p) => (eight.has(p) ? 8 : bits)));
    if (count >= worst.length) break;
  }
  return best;
}
