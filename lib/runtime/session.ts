/** `InferenceSession`, in the words of onnxruntime: create, run, release. */
import type { Tensor } from 'onnxruntime-common';
import type { DType } from '../dtype.js';
import { checkKeys, dsnkError, type KeysOf, spelled } from '../errors.js';
import { closeSubgraphs } from '../graph/close-subgraphs.js';
import { assertGraph, type Graph, type Value } from '../graph/graph.js';
import { assertSupported, inferGraph } from '../ops/infer.js';
import { NeedsValue } from '../ops/operator.js';
import { allocate } from '../tensor.js';
import { checkSignal, orAborted } from './abort.js';
import { type Provider, settleProvider } from './gpu.js';
import { Model } from './model.js';
import { bytesOf } from './model-argument.js';
import { adoptModel, type ModelSource, pathOf, readModel } from './model-source.js';
import { native } from './native.js';
import { type KernelCall, kernelCalls, reportOf, type SessionReport } from './report.js';
import { checkOptions, providersOf, type RunOptions, type SessionOptions } from './session-options.js';
import { type Feeds, type Fetches, type Request, Signature } from './signature.js';
import { SessionState, stateBetween } from './state.js';
import { tunerOf } from './tune.js';

export interface BindStateOptions {
  /** Tokens that there is room for, where the state is a past that grows. */
  readonly capacity?: number;
}

const bindKeys: KeysOf<BindStateOptions> = { capacity: true };

export interface TensorMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: DType;
  /** Symbolic dimensions are strings. */
  readonly shape: readonly (number | string)[];
}

/** A kernel call of a profiled run, with what it took. */
export interface NodeTiming extends KernelCall {
  readonly timeNs: number;
}

export class InferenceSession {
  readonly #model: Model;
  readonly #graph: Graph;
  #signature: Signature;
  #running = 0;
  #released = false;
  #idle: (() => void) | undefined;

  private constructor(
    graph: Graph,
    model: Model,
    /** Where it runs, and why not where it was asked to first. */
    readonly provider: Provider,
    /** The model file's own key-value pairs. */
    readonly metadata: ReadonlyMap<string, string>,
    /** @internal Symbolic dimensions of the inputs, with those that options have fixed. */
    readonly symbols: readonly string[],
  ) {
    this.#graph = graph;
    this.#model = model;
    this.#signature = new Signature(graph);
  }

  /**
   * Loads an ONNX model from a file (path or file: URL) or from bytes. A model with fixed input shapes is compiled here;
   * one with symbolic dimensions is compiled at the first run of each shape.
   *
   * Errors: ERR_DSNK_INVALID_MODEL, ERR_DSNK_UNSUPPORTED_OP (all unsupported nodes at once), ERR_DSNK_OUT_OF_MEMORY,
   * ERR_DSNK_DEVICE_UNAVAILABLE, ERR_DSNK_INVALID_ARGUMENT.
   */
  static async create(buffer: ArrayBufferLike, byteOffset: number, byteLength?: number, options?: SessionOptions): Promise<InferenceSession>;
  // The usual one last: TypeScript words its errors by the last overload.
  static async create(model: string | URL | Uint8Array | ArrayBufferLike, options?: SessionOptions): Promise<InferenceSession>;
  static async create(
    model: string | URL | Uint8Array | ArrayBufferLike,
    second?: SessionOptions | number,
    byteLength?: number,
    fourth?: SessionOptions,
  ): Promise<InferenceSession> {
    const options = (typeof second === 'number' ? fourth : second) ?? {};
    checkOptions(options);
    const isFile = typeof model === 'string' || model instanceof URL;
    const where = 'InferenceSession.create';
    const source = isFile ? await readModel(pathOf(model, where)) : adoptModel(bytesOf(model, where, typeof second === 'number' ? second : 0, byteLength));
    return InferenceSession.open(source, options);
  }

  /** Runs a graph made by the builder or by `importModel`. */
  static async fromGraph(graph: Graph, options: SessionOptions = {}): Promise<InferenceSession> {
    assertGraph(graph, 'InferenceSession.fromGraph');
    checkOptions(options);
    return InferenceSession.open({ graph: graph.clone({ deep: true }).graph, keepBytes: true }, options);
  }

  /** @internal */
  static async open(source: ModelSource, options: SessionOptions): Promise<InferenceSession> {
    try {
      const { session, model } = InferenceSession.#of(source, options);
      if (session.#graph.feeds.every((v) => v.shape?.every((d) => typeof d === 'number'))) await prepare(model, session.#graph);
      return session;
    } catch (error) {
      source.free?.();
      throw error;
    }
  }

  static #of({ graph, keepBytes, free, problems, metadata }: ModelSource, options: SessionOptions): { session: InferenceSession; model: Model } {
    closeSubgraphs(graph);
    assertSupported(graph, problems);
    const symbols = new Set(graph.inputs.flatMap((v) => (v.shape ?? []).filter((d) => typeof d === 'string')));
    for (const v of graph.inputs) {
      if (v.shape !== undefined)
        v.shape = v.shape.map((d) =>
          typeof d === 'string' ? (Object.hasOwn(options.freeDimensionOverrides ?? {}, d) ? (options.freeDimensionOverrides?.[d] ?? d) : d) : d,
        );
    }
    inferGraph(graph, { concrete: false });
    const threads = options.intraOpNumThreads ?? native().cpu().threads;
    const provider = settleProvider(providersOf(options));
    const model = new Model(graph, {
      threads,
      device: provider.name,
      maxPrograms: options.maxPrograms ?? 8,
      keepSources: keepBytes,
      onLoaded: free ?? (() => {}),
      ...(options.skipPasses && { skipPasses: options.skipPasses }),
      ...(options.winograd !== undefined && { winograd: options.winograd }),
      tuner: tunerOf(threads, options),
      ...(options.precision !== undefined && { precision: options.precision }),
    });
    return { session: new InferenceSession(graph, model, provider, metadata ?? new Map(), [...symbols]), model };
  }

  get inputNames(): readonly string[] {
    return this.#graph.feeds.map((v) => v.name);
  }

  get outputNames(): readonly string[] {
    return this.#graph.results.map((v) => v.name);
  }

  get inputMetadata(): readonly TensorMetadata[] {
    return this.#graph.feeds.map(metadata);
  }

  get outputMetadata(): readonly TensorMetadata[] {
    return this.#graph.results.map(metadata);
  }

  /**
   * Runs the model off the event loop. `feeds` gives every input by name; `fetches` names the wanted outputs (default:
   * all), each optionally with a tensor that the result is written into.
   *
   * Errors: ERR_DSNK_INVALID_ARGUMENT, ERR_DSNK_SHAPE_MISMATCH, ERR_DSNK_DTYPE_MISMATCH (all naming the feed),
   * ERR_DSNK_RUNTIME_FAULT, ERR_DSNK_OUT_OF_MEMORY, ERR_DSNK_DISPOSED, or the signal's reason.
   */
  async run(feeds: Feeds, options?: RunOptions): Promise<Record<string, Tensor>>;
  async run(feeds: Feeds, fetches: Fetches, options?: RunOptions): Promise<Record<string, Tensor>>;
  async run(feeds: Feeds, second?: Fetches | RunOptions, third?: RunOptions): Promise<Record<string, Tensor>> {
    const { fetches, options } = this.#signature.arguments(second, third);
    const request = this.#request(feeds, fetches);
    const { signal, state } = options;
    checkSignal(signal);
    signal?.throwIfAborted();
    this.#checkState(state);
    this.#running++;
    const work = this.#model.run(request.inputs, { signal, state, wanted: request.wanted, outputs: request.outputs }).finally(() => {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    });
    return this.#signature.answer(request, await orAborted(work, signal));
  }

  /** Like `run`, on the calling thread: for scripts and workers, and for tiny models where a hand-over costs more than the work. */
  runSync(feeds: Feeds, fetches?: Fetches, options?: Pick<RunOptions, 'state'>): Record<string, Tensor> {
    const request = this.#request(feeds, fetches);
    const state = options?.state;
    this.#checkState(state);
    return this.#signature.answer(request, this.#model.runSync(request.inputs, { state, wanted: request.wanted, outputs: request.outputs }));
  }

  /** One run with the time of every kernel call. */
  async profile(feeds: Feeds): Promise<{ outputs: Record<string, Tensor>; nodes: NodeTiming[] }> {
    const request = this.#request(feeds, undefined);
    const nodes: NodeTiming[] = [];
    const results = await this.#model.run(request.inputs, {
      profile: (program, times) => {
        kernelCalls(program).forEach((call, i) => {
          nodes.push({ ...call, timeNs: Number(times[i]) });
        });
      },
    });
    return { outputs: this.#signature.answer(request, results), nodes };
  }

  /**
   * Keeps an output in the session and makes it an input of the next run: the hidden state of a recurrent layer, the caches of a
   * decoder. Both have one type and one fixed shape (`freeDimensionOverrides` fixes symbols); the input is zeros in the first run.
   * Neither is fed or returned any more. A run that fails or is aborted may leave a state half changed.
   *
   * Where the output is the input with new rows behind it (`past` and `present` of a decoder), `capacity` says how many tokens there is room for: rows
   * are written behind those that the state holds, nothing is copied or compiled again. All such pairs are bound, with one capacity.
   *
   * Errors: ERR_DSNK_INVALID_ARGUMENT (names, a run in flight), ERR_DSNK_SHAPE_MISMATCH, ERR_DSNK_DTYPE_MISMATCH, ERR_DSNK_DISPOSED.
   */
  bindState(output: string, input: string, options: BindStateOptions = {}): void {
    this.#assertLive();
    if (this.#running > 0)
      throw dsnkError(
        'ERR_DSNK_INVALID_ARGUMENT',
        `model "${this.#graph.name}"`,
        'states must be bound before the first run or between runs',
        'one is in flight',
      );
    checkKeys(`model "${this.#graph.name}"`, options, bindKeys, 'options of bindState');
    const growing = this.#model.growing;
    const state = stateBetween(this.#graph, output, input, { of: growing, capacity: options.capacity });
    this.#model.bind(state, growing?.has(state.input, state.output) ? options.capacity : undefined);
    this.#signature = new Signature(this.#graph);
  }

  /** What `bindState` keeps, where a run names no other state. */
  get state(): SessionState {
    return this.#model.state;
  }

  /** Another set of what `bindState` keeps, zeros at first: one for every stream of inputs that goes its own way. */
  createState(): SessionState {
    this.#assertLive();
    return new SessionState(this.#graph.name, this.#model);
  }

  #checkState(state: SessionState | undefined): void {
    if (state === undefined || (state instanceof SessionState && state.owner === this.#model)) return;
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${this.#graph.name}"`, 'state must be one that this session has created', `${spelled(state)} came`);
  }

  /** Which kernel computes every node, in which precision and why, and where memory goes: of all programs compiled so far. */
  report(): SessionReport {
    return reportOf(this.#model);
  }

  /** @internal The model behind the session. */
  get model(): Model {
    return this.#model;
  }

  /**
   * Frees programs and weights. Runs in flight finish first; new ones are refused with ERR_DSNK_DISPOSED. May be called
   * more than once.
   */
  async release(): Promise<void> {
    this.#released = true;
    if (this.#running > 0) {
      await new Promise<void>((done) => {
        const before = this.#idle;
        this.#idle = () => {
          before?.();
          done();
        };
      });
    }
    this.#model.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  #request(feeds: Feeds, fetches: Fetches | undefined): Request {
    this.#assertLive();
    return this.#signature.request(feeds, fetches);
  }

  #assertLive(): void {
    if (this.#released) throw dsnkError('ERR_DSNK_DISPOSED', `model "${this.#graph.name}"`, 'session must not be used after release()');
  }
}

/** Compiles for the declared shapes, where shapes are all that decides: else the first run does. */
async function prepare(model: Model, graph: Graph): Promise<void> {
  try {
    await model.prepare(graph.feeds.map((v) => ({ dtype: v.type, dims: v.dims, data: allocate(v.type, [0]) })));
  } catch (error) {
    if (error instanceof NeedsValue) return;
    model.dispose();
    throw error;
  }
}

type Options = SessionOptions;
type OptionsOfRun = RunOptions;
/** The types under the names that code for onnxruntime uses. */
export declare namespace InferenceSession {
  type SessionOptions = Options;
  type RunOptions = OptionsOfRun;
  type FeedsType = Feeds;
  type FetchesType = Fetches;
  type OnnxValueMapType = Readonly<Record<string, Tensor>>;
  type ReturnType = OnnxValueMapType;
}

function metadata(v: Value): TensorMetadata {
  return { name: v.name, isTensor: true, type: v.type, shape: v.shape ?? [] };
}
