/**
 * `prune`: a float model in, one with zeros among its weights or without some of its channels out, as a standard ONNX file.
 *
 *     import → fold into weights → front to back: sums over calibration feeds → zeros, weights, biases → measure → export
 */
import { dsnkError } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { exportModel } from '../onnx/export.js';
import { emptied, findPrunable } from '../prune/layers.js';
import { type PrunedLayerReport, type PruneReport, stayingLayers } from '../prune/report.js';
import { staying } from '../prune/shrink.js';
import { assertProducts, findProducts, type Keep, type Product } from '../quantize/islands.js';
import { axesOf } from '../quantize/report.js';
import { weightElements } from '../quantize/weights.js';
import type { ModelSource, Stage, StageResult } from './compress.js';
import { measureModel } from './measure-error.js';
import { permuteChannels } from './permute-channels.js';
import { type ChannelsPlan, pruneChannels } from './prune-channels.js';
import { type LayersPlan, pruneLayers } from './prune-layers.js';
import { checkPruneOptions, type PruneOptions, type PruneProgress, removes } from './prune-options.js';
import { floatModel, foldModel, kept, PRUNED, readFeeds } from './quantize-source.js';
import type { Feeds } from './signature.js';
import { surveyWeights } from './survey.js';
import { timeModels } from './time-quantized.js';

export type PrunedModel = StageResult<PruneReport>;

/**
 * Zeros weights of convolutions and products, two of every four input channels or any share of each output channel, or takes whole output channels or
 * heads of attention away, so that the graph is smaller. What is left makes up for what is gone, as far as calibration feeds show how; nothing is trained.
 *
 *     const { bytes, report } = await prune('model.onnx', { pattern: 'channels', ratio: 0.3, calibration });
 *     report.layers.map((l) => `${l.name}: ${l.channels} of ${l.channelsBefore}`);
 *
 * Errors: ERR_DSNK_INVALID_ARGUMENT (options, an empty calibration set, NaN or infinities in activations, a layer that would be left without a weight,
 * a share that no layer's channels come to, a quantized model), ERR_DSNK_INVALID_MODEL (NaN or infinities in weights), ERR_DSNK_SHAPE_MISMATCH, ERR_DSNK_DTYPE_MISMATCH (both naming the
 * feed), and those of `InferenceSession.create`.
 */
export function prune(model: ModelSource, options: PruneOptions): Promise<PrunedModel>;
/** The same as a stage of `compress`. */
export function prune(options: PruneOptions): Stage<PruneReport>;
export function prune(...args: [ModelSource, PruneOptions] | [PruneOptions]): Promise<PrunedModel> | Stage<PruneReport> {
  if (args.length === 2) return pruneModel(...args);
  const [options] = args;
  checkPruneOptions(options);
  return (model) => pruneModel(model, options);
}

async function pruneModel(model: ModelSource, options: PruneOptions): Promise<PrunedModel> {
  const { biasCorrection, ...plan } = checkPruneOptions(options);
  const { graph, bytes, metadata, opsets } = await floatModel(model, 'prune');
  const sessionOptions = options.intraOpNumThreads === undefined ? {} : { intraOpNumThreads: options.intraOpNumThreads };
  await using feeds = options.calibration === undefined ? undefined : kept(options.calibration, PRUNED, 'prune');
  const { keep, notes } = await foldModel(graph, feeds, options.keep ?? [], 'keep');
  const stage = (name: PruneProgress['stage']) => (done: number, total: number | undefined) => options.onProgress?.({ stage: name, done, total });
  let read: Promise<readonly Feeds[]> | undefined;
  const readOnce = async () => (feeds === undefined ? [] : await readFeeds(graph, feeds, (done) => stage('calibrate')(done, feeds.total)));
  const samples = () => (read ??= readOnce());
  const work = { biasCorrection, options: sessionOptions, onLayer: stage('weights') };

  const source = options.permute ? await permuteChannels(graph, keep, plan.score === 'magnitude' ? [] : await samples(), sessionOptions) : graph;
  const pruned = removes(plan)
    ? await removeChannels(graph, keep, options.keepFirst ?? plan.pattern === 'channels', samples, { ...plan, ...work })
    : await zeroWeights(source, keep, options.keepFirst ?? true, samples, { ...plan, ...work });
  const { sqnr, outputs } = await measureModel(source, pruned, pruned.comparable, pruned.samples, sessionOptions, stage('measure'));
  const file = exportModel(pruned.graph, { valueInfo: false, metadata, opsets });
  const layers = pruned.layers.map(({ product, ...layer }): PrunedLayerReport => {
    const outputSqnrDb = product && sqnr.get(product.node);
    return outputSqnrDb === undefined ? layer : { ...layer, outputSqnrDb };
  });
  const timed = options.timing ? await timeModels(graph, { graph: pruned.graph, layers }, pruned.samples, sessionOptions, stage('timing')) : { layers };
  const { pattern, ratio, score } = plan;
  const report = {
    ...{ pattern, ratio, score, ...pruned.counts },
    ...{ feeds: pruned.samples.length, outputs, ...timed, bytesBefore: bytes ?? exportModel(graph).byteLength, bytesAfter: file.byteLength, notes },
  };
  return { bytes: file, graph: pruned.graph, report: { ...report, axes: axesOf(report) } };
}

/** What either kind of pattern makes of a model. */
interface PrunedGraph {
  readonly graph: Graph;
  readonly map: ReadonlyMap<Value, Value>;
  readonly samples: readonly Feeds[];
  /** Layers whose results are as many numbers as before. */
  readonly comparable: readonly Product[];
  readonly layers: readonly (PrunedLayerReport & { readonly product?: Product })[];
  readonly counts: Pick<PruneReport, 'macsBefore' | 'macsAfter'>;
}

type Samples = () => Promise<readonly Feeds[]>;

async function zeroWeights(graph: Graph, keep: Keep, keepFirst: boolean, read: Samples, plan: LayersPlan): Promise<PrunedGraph> {
  const found = findPrunable(graph, plan, keep, keepFirst);
  assertProducts(graph, found, 'a convolution or product', 'prune');
  const empty = emptied(found.products, plan);
  if (empty !== undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', empty.node.where, 'ratio must leave every output channel a weight', `${plan.ratio} came`);
  await surveyWeights(found.products);
  const samples = await read();
  const pruned = await pruneLayers(graph, found.products, samples, plan);
  const layers = [...pruned.weights].map(([product, w]) => ({
    product,
    name: product.node.name,
    op: product.node.op,
    weights: weightElements(product),
    zeros: w.zeros,
    weightSqnrDb: w.sqnrDb,
    notes: w.unseen ? ['its weights were judged by their size alone, as the windows it reads are not known'] : [],
  }));
  return { ...pruned, samples, comparable: found.products, layers: [...layers, ...stayingLayers(found.kept)], counts: {} };
}

async function removeChannels(graph: Graph, keep: Keep, keepFirst: boolean, read: Samples, plan: ChannelsPlan): Promise<PrunedGraph> {
  const { products } = findProducts(graph, () => false);
  assertProducts(graph, findProducts(graph, keep), 'a convolution or product', 'prune');
  const first = keepFirst && products.length > 1 ? products[0]?.node : undefined;
  const samples = await read();
  const pruned = await pruneChannels(graph, keep, first, samples, plan);
  const { groups, goes, reasons, macsBefore, macsAfter } = pruned;
  const all = new Map(groups.layers.map((l) => [l.product, l.out]));
  const left = (product: Product) => staying(all.get(product) ?? [], goes).length;
  const layers = [...all].map(([product, out]) => {
    const reason = reasons.get(product.node);
    const counts = { weights: weightElements(product), zeros: 0, channelsBefore: out.length, channels: left(product) };
    return { product, name: product.node.name, op: product.node.op, ...counts, ...(reason !== undefined && { reason }), notes: [] };
  });
  const comparable = [...all].filter(([product, out]) => left(product) === out.length).map(([product]) => product);
  return { ...pruned, samples, comparable, layers: [...layers, ...stayingLayers(groups.kept)], counts: { macsBefore, macsAfter } };
}
