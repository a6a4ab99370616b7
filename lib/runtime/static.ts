/**
 * `quantize` with method static: weights and activations become integers with scales that calibration fixes.
 *
 *     calibrate (native histograms) → scales → integers → QuantizeLinear/DequantizeLinear → biases → measure
 */
import type { Graph, Node, Value } from '../graph/graph.js';
import { type ActivationType, type Affine, affineOver } from '../quantize/affine.js';
import { insertQdq } from '../quantize/insert-qdq.js';
import { assertProducts, findIslands, type Islands, type Product, separateIslands } from '../quantize/islands.js';
import { observedRange } from '../quantize/observers.js';
import { FASTER, keptLayers, type LayerReport, type MethodResult, tensorReport } from '../quantize/report.js';
import { type Algorithm, channelsOf, type QuantizedWeight, weightElements } from '../quantize/weights.js';
import { type Calibrated, calibrate } from './calibrate.js';
import { type ChannelMeans, channelMeans, correctBiases } from './correct-biases.js';
import { equalize } from './equalize.js';
import { keepFaster } from './keep-faster.js';
import { measureCosts } from './measure-costs.js';
import { type ModelError, measureModel } from './measure-error.js';
import { judge, meetTarget, type TargetPlan } from './meet-target.js';
import { quantizeChannels } from './quantize-channels.js';
import type { QuantizeProgress, StaticOptions } from './quantize-options.js';
import { type KeptFeeds, settle } from './quantize-source.js';
import { quantizeWeights } from './quantize-weights.js';
import type { Feeds } from './signature.js';
import { surveyWeights } from './survey.js';

export interface StaticPlan extends TargetPlan {
  readonly static: StaticOptions;
  readonly keep: (node: Node) => boolean;
  readonly onProgress: (progress: QuantizeProgress) => void;
}

export async function quantizeStatic(graph: Graph, feeds: KeptFeeds, plan: StaticPlan): Promise<MethodResult> {
  const { static: options, keep, metricBefore } = plan;
  const equalized = (options.equalize ?? options.weights?.perChannel === false) ? await equalize(graph, findIslands(graph, keep).products) : 0;
  if (equalized > 0) await settle(graph);
  const everything = findIslands(graph, keep);
  assertProducts(graph, everything);
  // What is wrong with weights is said before it shows in what they make.
  await surveyWeights(everything.products);
  const calibrated = await calibrate(graph, [...everything.tensors.keys()], feeds.all(), plan.options, (done) =>
    plan.onProgress({ stage: 'calibrate', done, total: feeds.total }),
  );
  const maker = new Maker(graph, plan, calibrated, feeds.samples, everything.products);
  const attempt = (spared: ReadonlySet<Product>, slower: ReadonlySet<Product> = new Set()) => {
    if (spared.size + slower.size === 0) return maker.make(everything);
    const reasons = new Map([...[...spared].map((p) => [p.node, 'the target'] as const), ...[...slower].map((p) => [p.node, FASTER] as const)]);
    const islands = findIslands(graph, (node) => keep(node) || reasons.has(node));
    return maker.make({ ...islands, kept: new Map([...islands.kept].map(([node, reason]) => [node, reasons.get(node) ?? reason])) });
  };
  // What a target spares stays in float32: the layers that add most error. One at least is quantized.
  const worst = (whole: Attempt) => [...everything.products].sort((a, b) => maker.noise(whole, b) - maker.noise(whole, a)).slice(0, -1);
  let met = await meetTarget(plan, attempt, worst);
  if (options.auto) {
    const left = met.attempt.islands;
    const spared = new Set(everything.products.filter((p) => !left.products.some((q) => q.node === p.node)));
    const faster = await keepFaster(
      graph,
      separateIslands(graph, left),
      met.attempt,
      (slower) => attempt(spared, slower),
      (graphs) => measureCosts(graphs, feeds.samples, plan.options, (done, total) => plan.onProgress({ stage: 'timing', done, total })),
    );
    if (faster !== met.attempt) met = await judge(plan, faster);
  }
  const { attempt: result, metricAfter } = met;
  const { bits = 8, perChannel = true, algorithm = bits === 8 ? 'mse' : 'gptq' } = options.weights ?? {};
  return {
    graph: result.graph,
    report: {
      method: 'static',
      observer: options.observer ?? 'entropy',
      activation: maker.activation,
      weights: { bits, perChannel, algorithm },
      feeds: calibrated.feeds,
      layers: maker.layers(result),
      outputs: result.outputs,
      ...(metricBefore !== undefined && { metricBefore }),
      ...(metricAfter !== undefined && { metricAfter }),
      ...(plan.target !== undefined && { targetMet: met.met }),
      notes: equalized > 0 ? [`weights of ${equalized} ${equalized === 1 ? 'pair' : 'pairs'} of layers were equalized before they were quantized`] : [],
    },
  };
}

/** One choice of islands, written and measured. */
interface Attempt extends ModelError {
  readonly islands: Islands;
  readonly weights: ReadonlyMap<Product, QuantizedWeight>;
  readonly graph: Graph;
}

class Maker {
  readonly options: StaticOptions;
  readonly activation: ActivationType;
  readonly #affine = new Map<Value, Affine>();
  /** Of the float model: the same for every attempt. */
  #means: ChannelMeans | undefined;

  constructor(
    readonly source: Graph,
    readonly plan: StaticPlan,
    readonly calibrated: Calibrated,
    readonly samples: readonly Feeds[],
    /** Attempts are about these, or some of them. */
    readonly products: readonly Product[],
  ) {
    this.options = plan.static;
    this.activation = this.options.activation ?? 'u8';
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
    if (islands.products.length === 0) {
      const outputs = this.source.outputs.filter((v) => v.dtype === 'float32').map((v) => ({ name: v.name, sqnrDb: Number.POSITIVE_INFINITY }));
      return { islands, weights: new Map(), graph: this.source.clone().graph, sqnr: new Map(), outputs };
    }
    const { bits = 8, algorithm, perChannel = true } = this.options.weights ?? {};
    const plan = {
      inputScale: (p: Product) => this.affine(this.inputOf(islands, p)).scale,
      onProgress: (done: number, total: number) => this.plan.onProgress({ stage: 'weights', done, total }),
    };
    const weights =
      bits === 8
        ? await quantizeWeights(islands.products, { ...plan, perChannel, algorithm: (algorithm ?? 'mse') as Algorithm })
        : await quantizeChannels(this.source, islands.products, {
            ...plan,
            bits,
            algorithm: algorithm ?? 'gptq',
            samples: this.samples,
            options: this.plan.options,
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
      this.#means ??= await channelMeans(this.source, this.products, (v) => v, this.samples, this.plan.options);
      await correctBiases(this.#means, this.samples, biases, write, this.plan.options, (done, total) => this.plan.onProgress({ stage: 'bias', done, total }));
    }
    const written = write();
    const error = await measureModel(this.source, written, islands.products, this.samples, this.plan.options, (done, total) =>
      this.plan.onProgress({ stage: 'measure', done, total }),
    );
    return { islands, weights, graph: written.graph, ...error };
  }

  /** The error that a layer adds by itself: that of its weights and of its input's rounding, as a ratio to the signal. */
  noise(attempt: Attempt, p: Product): number {
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
    return [...done, ...keptLayers(islands.kept)];
  }
}
