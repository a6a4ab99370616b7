/**
 * `prune`: a float model in, one with zeros among its weights out, as a standard ONNX file.
 *
 *     import → fold into weights → front to back: sums over calibration feeds → zeros, weights, biases → measure → export
 */
import { dsnkError } from '../errors.js';
import { exportModel } from '../onnx/export.js';
import { emptied, findPrunable } from '../prune/layers.js';
import { type PrunedLayerReport, type PruneReport, stayingLayers } from '../prune/report.js';
import { assertProducts } from '../quantize/islands.js';
import { axesOf } from '../quantize/report.js';
import { weightElements } from '../quantize/weights.js';
import type { ModelSource, Stage, StageResult } from './compress.js';
import { measureModel } from './measure-error.js';
import { pruneLayers } from './prune-layers.js';
import { checkPruneOptions, type PruneOptions } from './prune-options.js';
import { floatModel, foldModel, kept, PRUNED, readFeeds } from './quantize-source.js';
import { surveyWeights } from './survey.js';
import { timeModels } from './time-quantized.js';

export type PrunedModel = StageResult<PruneReport>;

/**
 * Zeros weights of convolutions and products: two of every four input channels, or any share of each output channel. What is left makes up for what
 * is gone, as far as calibration feeds show how; nothing is trained.
 *
 * Errors: ERR_DSNK_INVALID_ARGUMENT (options, an empty calibration set, NaN or infinities in activations, a layer that would be left without a weight,
 * a quantized model), ERR_DSNK_INVALID_MODEL (NaN or infinities in weights), ERR_DSNK_SHAPE_MISMATCH, ERR_DSNK_DTYPE_MISMATCH (both naming the
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
  const { graph, bytes, metadata, opsets } = await floatModel(model);
  const sessionOptions = options.intraOpNumThreads === undefined ? {} : { intraOpNumThreads: options.intraOpNumThreads };
  const feeds = options.calibration === undefined ? undefined : kept(options.calibration, PRUNED, 'prune');
  const { keep, notes } = await foldModel(graph, feeds, options.keep ?? [], 'keep');

  const found = findPrunable(graph, plan, keep, options.keepFirst ?? true);
  assertProducts(graph, found, 'a convolution or product', 'prune');
  const empty = emptied(found.products, plan);
  if (empty !== undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', empty.node.where, 'ratio must leave every output channel a weight', `${plan.ratio} came`);
  await surveyWeights(found.products);
  const samples = feeds === undefined ? [] : await readFeeds(graph, feeds, (done) => options.onProgress?.({ stage: 'calibrate', done, total: feeds.total }));

  const pruned = await pruneLayers(graph, found.products, samples, {
    ...plan,
    biasCorrection,
    options: sessionOptions,
    onLayer: (done, total) => options.onProgress?.({ stage: 'weights', done, total }),
  });
  const { sqnr, outputs } = await measureModel(graph, pruned, found.products, samples, sessionOptions, (done, total) =>
    options.onProgress?.({ stage: 'measure', done, total }),
  );
  const file = exportModel(pruned.graph, { valueInfo: false, metadata, opsets });
  const layers = [...pruned.weights].map(([p, w]): PrunedLayerReport => {
    const outputSqnrDb = sqnr.get(p.node);
    return {
      name: p.node.name,
      op: p.node.op,
      weights: weightElements(p),
      zeros: w.zeros,
      weightSqnrDb: w.sqnrDb,
      ...(outputSqnrDb !== undefined && { outputSqnrDb }),
      notes: w.unseen ? ['its weights were judged by their size alone, as the windows it reads are not known'] : [],
    };
  });
  const onTimed = (done: number, total: number) => options.onProgress?.({ stage: 'timing', done, total });
  const all = [...layers, ...stayingLayers(found.kept)];
  const timed = options.timing ? await timeModels(graph, { graph: pruned.graph, layers: all }, samples, sessionOptions, onTimed) : { layers: all };
  const report = { ...plan, feeds: samples.length, outputs, ...timed, bytesBefore: bytes ?? exportModel(graph).byteLength, bytesAfter: file.byteLength, notes };
  return { bytes: file, graph: pruned.graph, report: { ...report, axes: axesOf(report) } };
}
