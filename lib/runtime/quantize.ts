/**
 * `quantize`: a float model in, one of fewer bits out, as a standard ONNX file. Here the static method; weight-only.ts and dynamic.ts have the others.
 *
 *     import → fold into weights → calibrate (native histograms) → scales → integers → QuantizeLinear/DequantizeLinear → measure
 */
import { dsnkError, spelled } from '../errors.js';
import { closeSubgraphs } from '../graph/close-subgraphs.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { exportModel } from '../onnx/export.js';
import { assertSupported, inferGraph } from '../ops/infer.js';
import { type ActivationType, type Affine, affineOver } from '../quantize/affine.js';
import { insertQdq } from '../quantize/insert-qdq.js';
import { findIslands, type Islands, type Product } from '../quantize/islands.js';
import { observedRange } from '../quantize/observers.js';
import { assertFloat, foldFloat } from '../quantize/prepare.js';
import { type LayerReport, type QuantizeReport, tensorReport } from '../quantize/report.js';
import { type Algorithm, channelsOf, type QuantizedWeight, weightElements } from '../quantize/weights.js';
import { type Calibrated, calibrate, feedShapes } from './calibrate.js';
import { type ChannelMeans, channelMeans, correctBiases } from './correct-biases.js';
import { quantizeDynamic } from './dynamic.js';
import { equalize } from './equalize.js';
import { measureError } from './measure-error.js';
import { quantizeChannels } from './quantize-channels.js';
import { checkOptions, type QuantizeOptions, type QuantizeProgress, type QuantizeTarget, type StaticOptions } from './quantize-options.js';
import { graphOf, kept, MEASURED, SEEN, settle } from './quantize-source.js';
import { quantizeWeights } from './quantize-weights.js';
import { InferenceSession } from './session.js';
import type { Feeds } from './signature.js';
import { quantizeWeightsOnly } from './weight-only.js';

export interface QuantizedModel {
  /** A standard ONNX file. */
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  readonly report: QuantizeReport;
}

/** The error of the layers is measured on fewer. */
const MEASURED_FEEDS = 8;
/** Not by `test`: an expression with the flag `g` goes on there where it stopped the last time. */
const fits = (wanted: string | RegExp, name: string) => (typeof wanted === 'string' ? wanted === name : name.search(wanted) >= 0);

/**
 * Quantizes a float32 model to 8 bits with calibration data: weights signed per channel, activations unsigned, biases 32 bits.
 * The result is a standard ONNX file with QuantizeLinear and DequantizeLinear, which other runtimes load as well.
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
  const metricBefore = await target?.metric?.(await InferenceSession.fromGraph(graph, sessionOptions));

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
  const written = (result: Graph) => {
    const out = exportModel(result, { valueInfo: false, metadata, opsets });
    return { bytes: out, graph: result, sizes: { bytesBefore: bytes ?? exportModel(graph).byteLength, bytesAfter: out.byteLength } };
  };
  if (options.method === 'weight-only') {
    const plan = {
      weights: options.weights ?? {},
      keep: isKept,
      biasCorrection: options.biasCorrection ?? true,
      target: options.target,
      metricBefore,
      options: sessionOptions,
      onProgress: (p: QuantizeProgress) => options.onProgress?.(p),
    };
    const samples = feeds && (await readFeeds(graph, feeds, options));
    const { graph: result, report } = await quantizeWeightsOnly(graph, samples, plan);
    const { sizes, ...files } = written(result);
    return { ...files, report: { ...report, ...sizes, notes: [...unfolded, ...report.notes] } };
  }
  if (options.method === 'dynamic') {
    const samples = feeds === undefined ? [] : (await readFeeds(graph, feeds, options)).slice(0, MEASURED_FEEDS);
    const { perChannel = true, algorithm = 'mse' } = options.weights ?? {};
    const onProgress = (p: QuantizeProgress) => options.onProgress?.(p);
    const { graph: result, report } = await quantizeDynamic(graph, { perChannel, algorithm, keep: isKept, samples, options: sessionOptions, onProgress });
    const { sizes, ...files } = written(result);
    return { ...files, report: { ...report, ...sizes, notes: [...unfolded, ...report.notes] } };
  }
  if (feeds === undefined) throw new Error('static quantization has feeds');

  const equalized = (options.equalize ?? options.weights?.perChannel === false) ? await equalize(graph, findIslands(graph, isKept).products) : 0;
  if (equalized > 0) await settle(graph);
  const everything = findIslands(graph, isKept);
  if (everything.products.length === 0) {
    const why = [...everything.kept].map(([node, reason]) => `${node.where}: ${reason}`).join('; ');
    const came = why === '' ? 'it has none' : why;
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${graph.name}"`, 'model must have a convolution or product with constant weights to quantize', came);
  }
  const calibrated = await calibrate(graph, [...everything.tensors.keys()], feeds.all(), sessionOptions, (done) =>
    options.onProgress?.({ stage: 'calibrate', done, total: feeds.total }),
  );
  const maker = new Maker(graph, options, calibrated, feeds.samples, everything.products, sessionOptions);
  const result = await meetTarget(maker, everything, isKept, options.target, metricBefore, (i, p) => maker.rank(i, p));
  const { bits = 8 } = options.weights ?? {};
  const { sizes, ...files } = written(result.attempt.graph);
  return {
    ...files,
    report: {
      method: 'static',
      observer: options.observer ?? 'entropy',
      activation: maker.activation,
      weights: { bits, perChannel: options.weights?.perChannel ?? true, algorithm: options.weights?.algorithm ?? (bits === 8 ? 'mse' : 'gptq') },
      feeds: calibrated.feeds,
      layers: maker.layers(result.attempt),
      outputs: result.attempt.outputs,
      ...sizes,
      ...(metricBefore !== undefined && { metricBefore }),
      ...(result.metricAfter !== undefined && { metricAfter: result.metricAfter }),
      ...(options.target !== undefined && { targetMet: result.met }),
      notes: [
        ...unfolded,
        ...(equalized > 0 ? [`weights of ${equalized} ${equalized === 1 ? 'pair' : 'pairs'} of layers were equalized before they were quantized`] : []),
      ],
    },
  };
}

/** The feeds that are kept, all of them checked. */
async function readFeeds(graph: Graph, feeds: ReturnType<typeof kept>, options: QuantizeOptions): Promise<readonly Feeds[]> {
  let count = 0;
  for await (const feed of feeds.all()) {
    feedShapes(graph, feed, `calibration feed ${count}`);
    options.onProgress?.({ stage: 'calibrate', done: ++count, total: feeds.total });
    if (feeds.isFull()) break;
  }
  return feeds.samples;
}

/** One choice of islands, written and measured. */
interface Attempt {
  readonly islands: Islands;
  readonly weights: ReadonlyMap<Product, QuantizedWeight>;
  readonly graph: Graph;
  readonly sqnr: ReadonlyMap<Node, number>;
  readonly outputs: readonly { name: string; sqnrDb: number }[];
}

class Maker {
  readonly activation: ActivationType;
  readonly #affine = new Map<Value, Affine>();
  /** Of the float model: the same for every attempt. */
  #means: ChannelMeans | undefined;

  constructor(
    readonly source: Graph,
    readonly options: StaticOptions,
    readonly calibrated: Calibrated,
    readonly samples: readonly Feeds[],
    /** Attempts are about these, or some of them. */
    readonly products: readonly Product[],
    readonly sessionOptions: { intraOpNumThreads?: number },
  ) {
    this.activation = options.activation ?? 'u8';
  }

  affine(tensor: Value): Affine {
    let map = this.#affine.get(tensor);
    if (map === undefined) {
      const h = this.calibrated.histograms.get(tensor);
      if (h === undefined) throw new Error(`tensor "${tensor.name}" was not observed`);
      map = affineOver(observedRange(h, this.options.observer ?? 'entropy', this.activation), this.activation);
      this.#affine.set(tensor, map);
    }
    return map;
  }

  inputOf(islands: Islands, product: Product): Value {
    return islands.tensors.get(product.node.input(0)) as Value;
  }

  async make(islands: Islands): Promise<Attempt> {
    const { bits = 8, algorithm, perChannel = true } = this.options.weights ?? {};
    const plan = {
      inputScale: (p: Product) => this.affine(this.inputOf(islands, p)).scale,
      onProgress: (done: number, total: number) => this.options.onProgress?.({ stage: 'weights', done, total }),
    };
    const weights =
      bits === 8
        ? await quantizeWeights(islands.products, { ...plan, perChannel, algorithm: (algorithm ?? 'mse') as Algorithm })
        : await quantizeChannels(this.source, islands.products, {
            ...plan,
            bits,
            algorithm: algorithm ?? 'gptq',
            samples: this.samples,
            options: this.sessionOptions,
          });
    const biases = new Map(islands.products.flatMap((p) => (p.bias === undefined ? [] : [[p, p.bias.constant?.values() ?? []] as const])));
    const write = () =>
      insertQdq(this.source, {
        islands,
        activation: this.activation,
        affine: (t) => this.affine(t),
        weight: (p) => weights.get(p) as QuantizedWeight,
        bias: (p) => biases.get(p) ?? [],
      });
    if (this.options.biasCorrection ?? true) {
      this.#means ??= await channelMeans(this.source, this.products, (v) => v, this.samples, this.sessionOptions);
      await correctBiases(this.#means, this.samples, biases, write, this.sessionOptions, (done, total) =>
        this.options.onProgress?.({ stage: 'bias', done, total }),
      );
    }
    const { graph, map } = write();
    const values = [...islands.products.map((p) => p.node.output()), ...this.source.outputs].filter((v) => v.dtype === 'float32');
    const there = (v: Value) => {
      const at = this.source.outputs.indexOf(v);
      return (at >= 0 ? graph.outputs[at] : map.get(v)) as Value;
    };
    const energies = await measureError(
      this.source,
      graph,
      values.map((v) => [v, there(v)] as const),
      this.samples.slice(0, MEASURED_FEEDS),
      this.sessionOptions,
      (done, total) => this.options.onProgress?.({ stage: 'measure', done, total }),
    );
    const sqnr = new Map<Node, number>();
    values.forEach((v, i) => {
      if (v.producer !== undefined) sqnr.set(v.producer, energies[i] as number);
    });
    const outputs = this.source.outputs.filter((v) => v.dtype === 'float32').map((v) => ({ name: v.name, sqnrDb: energies[values.lastIndexOf(v)] as number }));
    return { islands, weights, graph, sqnr, outputs };
  }

  /** The error that a layer adds by itself: that of its weights and of its input's rounding, as a ratio to the signal. */
  rank(attempt: Attempt, p: Product): number {
    const input = this.inputOf(attempt.islands, p);
    const h = this.calibrated.histograms.get(input);
    const x = h === undefined ? 0 : 10 ** (-tensorReport('', h, this.affine(input), this.activation).sqnrDb / 10);
    return x + 10 ** (-(attempt.weights.get(p) as QuantizedWeight).sqnrDb / 10);
  }

  layers(attempt: Attempt): LayerReport[] {
    const { islands, weights } = attempt;
    const done = islands.products.map((p): LayerReport => {
      const w = weights.get(p) as QuantizedWeight;
      const input = this.inputOf(islands, p);
      const h = this.calibrated.histograms.get(input);
      const outputSqnrDb = attempt.sqnr.get(p.node);
      const biases = p.bias === undefined ? 0 : channelsOf(p);
      return {
        name: p.node.name,
        op: p.node.op,
        bits: this.options.weights?.bits ?? 8,
        weights: weightElements(p),
        bytesBefore: 4 * (weightElements(p) + biases),
        bytesAfter: w.constant.byteLength + (w.constant.dtype === 'int8' ? 5 : 4) * w.scales.length + (biases > 0 ? 4 * biases + 4 * w.scales.length : 0),
        weightSqnrDb: w.sqnrDb,
        ...(h !== undefined && { input: tensorReport(input.name, h, this.affine(input), this.activation) }),
        ...(outputSqnrDb !== undefined && { outputSqnrDb }),
        notes: w.notes,
      };
    });
    const floats = [...islands.kept].map(([node, reason]): LayerReport => {
      const size = node.inputs[1]?.constant?.byteLength ?? 0;
      return { name: node.name, op: node.op, bits: 32, reason, weights: size / 4, bytesBefore: size, bytesAfter: size, notes: [] };
    });
    return [...done, ...floats];
  }
}

interface Met {
  readonly attempt: Attempt;
  readonly met: boolean;
  readonly metricAfter: number | undefined;
}

/** Quantizes everything; then, where a target is not met, keeps the layers in float32 that add most error: 1, 2, 4, … of them. */
async function meetTarget(
  maker: Maker,
  everything: Islands,
  isKept: (node: Node) => boolean,
  target: QuantizeTarget | undefined,
  metricBefore: number | undefined,
  rank: (attempt: Attempt, p: Product) => number,
): Promise<Met> {
  const worth = async (attempt: Attempt): Promise<Omit<Met, 'attempt'>> => {
    const least = Math.min(...attempt.outputs.map((o) => o.sqnrDb));
    const sqnr = target?.sqnr === undefined || least >= target.sqnr;
    if (target?.metric === undefined) return { met: sqnr, metricAfter: undefined };
    await using session = await InferenceSession.fromGraph(attempt.graph, maker.sessionOptions);
    const metricAfter = await target.metric(session);
    return { met: sqnr && (metricBefore as number) - metricAfter <= (target.maxDrop ?? 0), metricAfter };
  };
  const whole = await maker.make(everything);
  let result: Met = { attempt: whole, ...(await worth(whole)) };
  const worst = [...everything.products].sort((a, b) => rank(whole, b) - rank(whole, a));
  for (let count = 1; !result.met && count < worst.length; count *= 2) {
    const float = new Set(worst.slice(0, count).map((p) => p.node));
    const islands = findIslands(maker.source, (node) => isKept(node) || float.has(node));
    const reasons = new Map([...islands.kept].map(([node, reason]) => [node, float.has(node) ? 'the target' : reason]));
    const attempt = await maker.make({ ...islands, kept: reasons });
    result = { attempt, ...(await worth(attempt)) };
  }
  return result;
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
