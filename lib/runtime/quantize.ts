/**
 * `quantize`: a float model in, one of fewer bits out, as a standard ONNX file. The methods are in static.ts, weight-only.ts and dynamic.ts.
 *
 *     import → fold into weights → the method → export
 */
import { dsnkError, spelled } from '../errors.js';
import { closeSubgraphs } from '../graph/close-subgraphs.js';
import type { Graph, Node } from '../graph/graph.js';
import { exportModel } from '../onnx/export.js';
import { assertSupported, inferGraph } from '../ops/infer.js';
import { assertFloat, foldFloat } from '../quantize/prepare.js';
import { axesOf, type MethodResult, type QuantizeReport } from '../quantize/report.js';
import { feedShapes } from './calibrate.js';
import { quantizeDynamic } from './dynamic.js';
import { metricOf } from './meet-target.js';
import { checkOptions, type QuantizeOptions, type QuantizeProgress } from './quantize-options.js';
import { graphOf, type KeptFeeds, kept, MEASURED, SEEN, settle } from './quantize-source.js';
import type { Feeds } from './signature.js';
import { quantizeStatic } from './static.js';
import { timeQuantized } from './time-quantized.js';
import { quantizeWeightsOnly } from './weight-only.js';

export interface QuantizedModel {
  /** A standard ONNX file. */
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  readonly report: QuantizeReport;
}

/** Not by `test`: an expression with the flag `g` goes on there where it stopped the last time. */
const fits = (wanted: string | RegExp, name: string) => (typeof wanted === 'string' ? wanted === name : name.search(wanted) >= 0);

/**
 * Quantizes a float32 model. `static`, the default, makes weights (8 to 2 bits) and activations (8 bits) integers with scales from calibration
 * data; `dynamic` finds those of the activations at every call; `weight-only` leaves activations in float32 and gives weights 8 to 2 bits.
 * The result is a standard ONNX file with QuantizeLinear and DequantizeLinear, MatMulInteger and ConvInteger, or MatMulNBits, which other runtimes load as well.
 *
 * Errors: ERR_DSNK_INVALID_ARGUMENT (options, an empty calibration set, NaN or infinities in activations, a model that is
 * quantized already), ERR_DSNK_INVALID_MODEL (NaN or infinities in weights), ERR_DSNK_SHAPE_MISMATCH,
 * ERR_DSNK_DTYPE_MISMATCH (both naming the feed), and those of `InferenceSession.create`.
 */
export async function quantize(model: string | URL | Uint8Array | ArrayBufferLike | Graph, options: QuantizeOptions): Promise<QuantizedModel> {
  checkOptions(options);
  const { graph, bytes, metadata, opsets } = await graphOf(model);
  closeSubgraphs(graph);
  assertSupported(graph);
  assertFloat(graph);
  inferGraph(graph, { concrete: false });
  const sessionOptions = options.intraOpNumThreads === undefined ? {} : { intraOpNumThreads: options.intraOpNumThreads };
  const target = options.method === 'dynamic' ? undefined : options.target;
  const metricBefore = await metricOf(target, graph, sessionOptions);

  const names = graph.nodes.map((n) => n.name);
  const feeds =
    options.calibration === undefined
      ? undefined
      : kept(options.calibration, options.method === 'weight-only' || (options.method !== 'dynamic' && (options.weights?.bits ?? 8) < 8) ? SEEN : MEASURED);
  const shapes = feeds === undefined ? declaredShapes(graph) : feedShapes(graph, await feeds.first(), 'calibration feed 0');
  const folded = foldFloat(graph, shapes);
  await settle(graph);

  names.push(...graph.nodes.map((n) => n.name));
  for (const k of options.keepFloat ?? []) {
    if (!names.some((name) => fits(k, name)))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${graph.name}"`, 'keepFloat must fit nodes of the model', `${spelled(k)} fits none`);
  }
  const isKept = (node: Node) => options.keepFloat?.some((k) => fits(k, node.name)) ?? false;
  const unfolded = folded ? [] : ['a shape depends on contents: nothing was folded into weights before they were quantized'];
  const common = { keep: isKept, options: sessionOptions, onProgress: (p: QuantizeProgress) => options.onProgress?.(p) };
  let result: MethodResult;
  if (options.method === 'weight-only') {
    const samples = feeds && (await readFeeds(graph, feeds, options));
    const { weights = {}, biasCorrection = true } = options;
    result = await quantizeWeightsOnly(graph, samples, { ...common, weights, biasCorrection, target, metricBefore });
  } else if (options.method === 'dynamic') {
    const samples = feeds === undefined ? [] : await readFeeds(graph, feeds, options);
    const { perChannel = true, algorithm = 'mse' } = options.weights ?? {};
    result = await quantizeDynamic(graph, { ...common, perChannel, algorithm, auto: options.auto ?? false, samples });
  } else {
    if (feeds === undefined) throw new Error('static quantization has feeds');
    result = await quantizeStatic(graph, feeds, { ...common, static: options, target, metricBefore });
  }
  const file = exportModel(result.graph, { valueInfo: false, metadata, opsets });
  const sizes = { bytesBefore: bytes ?? exportModel(graph).byteLength, bytesAfter: file.byteLength };
  const timed = options.timing ? await timeQuantized(graph, result, feeds?.samples ?? [], common) : {};
  const report = { ...result.report, ...sizes, ...timed, notes: [...unfolded, ...result.report.notes] };
  return { bytes: file, graph: result.graph, report: { ...report, axes: axesOf(report) } };
}

/** The feeds that are kept, all of them checked. */
async function readFeeds(graph: Graph, feeds: KeptFeeds, options: QuantizeOptions): Promise<readonly Feeds[]> {
  let count = 0;
  for await (const feed of feeds.all()) {
    feedShapes(graph, feed, `calibration feed ${count}`);
    count++;
    options.onProgress?.({ stage: 'calibrate', done: count, total: feeds.total });
    if (feeds.isFull()) break;
  }
  return feeds.samples;
}

/** Dimensions that are symbols get one number each: enough to fold what does not depend on it. */
function declaredShapes(graph: Graph): number[][] {
  const sizes = new Map<string, number>();
  const sizeOf = (d: number | string) => {
    if (typeof d === 'number') return d;
    if (!sizes.has(d)) sizes.set(d, 2 * sizes.size + 2);
    return sizes.get(d) as number;
  };
  return graph.inputs.map((v) => (v.shape ?? []).map(sizeOf));
}
