/**
 * `quantize`: a float model in, one of fewer bits out, as a standard ONNX file. The methods are in static.ts, weight-only.ts and dynamic.ts.
 *
 *     import → fold into weights → the method → export
 */
import { exportModel } from '../onnx/export.js';
import { axesOf, type MethodResult, type QuantizeReport } from '../quantize/report.js';
import type { ModelSource, Stage, StageResult } from './compress.js';
import { quantizeDynamic } from './dynamic.js';
import { metricOf } from './meet-target.js';
import { checkOptions, type QuantizeOptions, type QuantizeProgress } from './quantize-options.js';
import { floatModel, foldModel, kept, MEASURED, readFeeds, SEEN } from './quantize-source.js';
import { quantizeStatic } from './static.js';
import { timeModels } from './time-quantized.js';
import { quantizeWeightsOnly } from './weight-only.js';

export type QuantizedModel = StageResult<QuantizeReport>;

/**
 * Quantizes a float32 model. `static`, the default, makes weights (8 to 2 bits) and activations (8 bits) integers with scales from calibration
 * data; `dynamic` finds those of the activations at every call; `weight-only` leaves activations in float32 and gives weights 8 to 2 bits.
 * The result is a standard ONNX file with QuantizeLinear and DequantizeLinear, MatMulInteger and ConvInteger, or MatMulNBits, which other runtimes load as well.
 *
 * Errors: ERR_DSNK_INVALID_ARGUMENT (options, an empty calibration set, NaN or infinities in activations, a model that is
 * quantized already), ERR_DSNK_INVALID_MODEL (NaN or infinities in weights), ERR_DSNK_SHAPE_MISMATCH,
 * ERR_DSNK_DTYPE_MISMATCH (both naming the feed), and those of `InferenceSession.create`.
 */
export function quantize(model: ModelSource, options: QuantizeOptions): Promise<QuantizedModel>;
/** The same as a stage of `compress`. */
export function quantize(options: QuantizeOptions): Stage<QuantizeReport>;
export function quantize(...args: [ModelSource, QuantizeOptions] | [QuantizeOptions]): Promise<QuantizedModel> | Stage<QuantizeReport> {
  if (args.length === 2) return quantizeModel(...args);
  const [options] = args;
  checkOptions(options);
  return (model) => quantizeModel(model, options);
}

async function quantizeModel(model: ModelSource, options: QuantizeOptions): Promise<QuantizedModel> {
  checkOptions(options);
  const { graph, bytes, metadata, opsets } = await floatModel(model, 'quantize');
  const sessionOptions = options.intraOpNumThreads === undefined ? {} : { intraOpNumThreads: options.intraOpNumThreads };
  const target = options.method === 'dynamic' ? undefined : options.target;
  const metricBefore = await metricOf(target, graph, sessionOptions);

  await using feeds =
    options.calibration === undefined
      ? undefined
      : kept(
          options.calibration,
          options.method === 'weight-only' || (options.method !== 'dynamic' && (options.weights?.bits ?? 8) < 8) ? SEEN : MEASURED,
          'quantize',
        );
  const { keep, notes } = await foldModel(graph, feeds, options.keepFloat ?? [], 'keepFloat');
  const onFeed = (done: number) => options.onProgress?.({ stage: 'calibrate', done, total: feeds?.total });
  const common = { keep, options: sessionOptions, onProgress: (p: QuantizeProgress) => options.onProgress?.(p) };
  let result: MethodResult;
  if (options.method === 'weight-only') {
    const samples = feeds && (await readFeeds(graph, feeds, onFeed));
    const { weights = {}, biasCorrection = true } = options;
    result = await quantizeWeightsOnly(graph, samples, { ...common, weights, biasCorrection, target, metricBefore });
  } else if (options.method === 'dynamic') {
    const samples = feeds === undefined ? [] : await readFeeds(graph, feeds, onFeed);
    const { perChannel = true, algorithm = 'mse' } = options.weights ?? {};
    result = await quantizeDynamic(graph, { ...common, perChannel, algorithm, auto: options.auto ?? false, samples });
  } else {
    if (feeds === undefined) throw new Error('static quantization has feeds');
    result = await quantizeStatic(graph, feeds, { ...common, static: options, target, metricBefore });
  }
  const file = exportModel(result.graph, { valueInfo: false, metadata, opsets });
  const sizes = { bytesBefore: bytes ?? exportModel(graph).byteLength, bytesAfter: file.byteLength };
  const onTimed = (done: number, total: number) => common.onProgress({ stage: 'timing', done, total });
  const written = { graph: result.graph, layers: result.report.layers };
  const timed = options.timing ? await timeModels(graph, written, feeds?.samples ?? [], sessionOptions, onTimed) : {};
  const report = { ...result.report, ...sizes, ...timed, notes: [...notes, ...result.report.notes] };
  return { bytes: file, graph: result.graph, report: { ...report, axes: axesOf(report) } };
}
