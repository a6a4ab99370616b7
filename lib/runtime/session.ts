/** `InferenceSession`, in the words of onnxruntime: create, run, release. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tensor } from 'onnxruntime-common';
import { passNames } from '../compile/compile.js';
import type { Precision } from '../compile/precision.js';
import type { DType } from '../dtype.js';
import { dsnkError, shapeText, spelled } from '../errors.js';
import { closeSubgraphs } from '../graph/close-subgraphs.js';
import { assertGraph, type Graph, type Value } from '../graph/graph.js';
import { importModel } from '../onnx/import.js';
import { assertSupported, inferGraph } from '../ops/infer.js';
import { NeedsValue } from '../ops/operator.js';
import { allocate, type HostTensor, readTensor, type TensorLike, toTensor } from '../tensor.js';
import { checkSignal, orAborted } from './abort.js';
import { checkLimits, Model } from './model.js';
import { bytesOf } from './model-argument.js';
import { native } from './native.js';
import { type KernelCall, kernelCalls, reportOf, type SessionReport } from './report.js';
import { type TuneOptions, tunerOf } from './tune.js';

export interface SessionOptions {
  /** Threads for one run: default min(CPU affinity, cgroup quota). */
  readonly intraOpNumThreads?: number;
  /** `['cpu']`, or objects with that name, as in onnxruntime. */
  readonly executionProviders?: readonly (string | { readonly name: string })[];
  /** Fixes symbolic dimensions by name, so that the model is compiled when the session is made. */
  readonly freeDimensionOverrides?: Readonly<Record<string, number>>;
  /** Most input signatures whose programs are kept at once; default 8. */
  readonly maxPrograms?: number;
  /** Passes to leave out, by name; for finding out which one matters. */
  readonly skipPasses?: readonly string[];
  /** false refuses Winograd convolutions: slower on dense 3x3, with the rounding errors of the plain sum. Default true. */
  readonly winograd?: boolean;
  /**
   * Measures kernels on this machine where a node can be computed in several ways, and keeps the fastest. With `file` the
   * choices are read from there, and written there where something had to be measured: equal choices give equal bits.
   */
  readonly tune?: boolean | TuneOptions;
  /**
   * `bf16` and `f16` round the operands of products with constant weights to bfloat16 or float16 where the processor is
   * faster so; `auto` does wherever it has such kernels. Default `f32`.
   */
  readonly precision?: Precision;
}

export interface RunOptions {
  /** Aborting rejects the run at once with the signal's reason; the work in progress stops within a tile. */
  readonly signal?: AbortSignal;
}

export interface TensorMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: DType;
  /** Symbolic dimensions are strings. */
  readonly shape: readonly (number | string)[];
}

export type Feeds = Readonly<Record<string, TensorLike>>;
/** Names of wanted outputs, or for each wanted name null or a tensor to write into. */
export type Fetches = readonly string[] | Readonly<Record<string, TensorLike | null>>;

/** A kernel call of a profiled run, with what it took. */
export interface NodeTiming extends KernelCall {
  readonly timeNs: number;
}

/** What the importer knows beside the graph. */
interface ModelOrigin {
  /** Keep the source bytes after packing: there is no file to read them from again. */
  readonly keepSources: boolean;
  /** Called after each load. */
  readonly onLoaded?: () => void;
  readonly problems?: readonly string[];
  readonly metadata?: ReadonlyMap<string, string>;
}

interface Request {
  readonly inputs: HostTensor[];
  readonly names: readonly string[];
  readonly wanted: readonly boolean[];
  readonly outputs: readonly (HostTensor | undefined)[];
  readonly fetches: Readonly<Record<string, TensorLike | null>>;
}

export class InferenceSession {
  readonly #model: Model;
  readonly #graph: Graph;
  // What every call needs, made once: a call of a small model costs little else.
  readonly #where: string;
  readonly #inputs: readonly { readonly value: Value; readonly name: string; readonly where: string }[];
  readonly #inputNames: ReadonlySet<string>;
  readonly #outputNames: readonly string[];
  readonly #allWanted: readonly boolean[];
  readonly #noOutputs: readonly undefined[];
  #running = 0;
  #released = false;
  #idle: (() => void) | undefined;

  private constructor(
    graph: Graph,
    model: Model,
    /** The model file's own key-value pairs. */
    readonly metadata: ReadonlyMap<string, string>,
    /** @internal Symbolic dimensions of the inputs, with those that options have fixed. */
    readonly symbols: readonly string[],
  ) {
    this.#graph = graph;
    this.#model = model;
    this.#where = `model "${graph.name}"`;
    this.#inputs = graph.inputs.map((value) => ({ value, name: value.name, where: `input "${value.name}"` }));
    this.#inputNames = new Set(graph.inputs.map((v) => v.name));
    this.#outputNames = graph.outputs.map((v) => v.name);
    this.#allWanted = graph.outputs.map(() => true);
    this.#noOutputs = graph.outputs.map(() => undefined);
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
    if (typeof model === 'string' || model instanceof URL) {
      if (model instanceof URL && model.protocol !== 'file:')
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'InferenceSession.create', 'a URL must be a file: URL', `${model.protocol} came`);
      const path = resolve(model instanceof URL ? pathOf(model) : model);
      return openModelFile(path, options);
    }
    return openModelBytes(bytesOf(model, typeof second === 'number' ? second : 0, byteLength), options);
  }

  /** Runs a graph made by the builder or by `importModel`. */
  static async fromGraph(graph: Graph, options: SessionOptions = {}): Promise<InferenceSession> {
    assertGraph(graph, 'InferenceSession.fromGraph');
    checkOptions(options);
    return InferenceSession.open(graph.clone({ deep: true }).graph, options, { keepSources: true });
  }

  /** @internal */
  static async open(graph: Graph, options: SessionOptions, origin: ModelOrigin): Promise<InferenceSession> {
    closeSubgraphs(graph);
    assertSupported(graph, origin.problems);
    const symbols = new Set(graph.inputs.flatMap((v) => (v.shape ?? []).filter((d) => typeof d === 'string')));
    for (const v of graph.inputs) {
      if (v.shape !== undefined)
        v.shape = v.shape.map((d) =>
          typeof d === 'string' ? (Object.hasOwn(options.freeDimensionOverrides ?? {}, d) ? (options.freeDimensionOverrides?.[d] ?? d) : d) : d,
        );
    }
    inferGraph(graph, { concrete: false });
    const threads = options.intraOpNumThreads ?? native().cpu().threads;
    const model = new Model(graph, {
      threads,
      maxPrograms: options.maxPrograms ?? 8,
      keepSources: origin.keepSources,
      onLoaded: origin.onLoaded ?? (() => {}),
      ...(options.skipPasses && { skipPasses: options.skipPasses }),
      ...(options.winograd !== undefined && { winograd: options.winograd }),
      tuner: tunerOf(threads, options),
      ...(options.precision !== undefined && { precision: options.precision }),
    });
    const session = new InferenceSession(graph, model, origin.metadata ?? new Map(), [...symbols]);
    if (graph.inputs.every((v) => v.shape?.every((d) => typeof d === 'number'))) {
      try {
        await model.prepare(graph.inputs.map((v) => ({ dtype: v.type, dims: v.dims, data: allocate(v.type, [0]) })));
      } catch (error) {
        // A shape depends on what an input holds: the first run compiles.
        if (!(error instanceof NeedsValue)) {
          model.dispose();
          throw error;
        }
      }
    }
    return session;
  }

  get inputNames(): readonly string[] {
    return this.#graph.inputs.map((v) => v.name);
  }

  get outputNames(): readonly string[] {
    return this.#graph.outputs.map((v) => v.name);
  }

  get inputMetadata(): readonly TensorMetadata[] {
    return this.#graph.inputs.map(metadata);
  }

  get outputMetadata(): readonly TensorMetadata[] {
    return this.#graph.outputs.map(metadata);
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
    const { fetches, options } = this.#arguments(second, third);
    const request = this.#request(feeds, fetches);
    checkSignal(options.signal);
    options.signal?.throwIfAborted();
    this.#running++;
    const work = this.#model.run(request.inputs, { signal: options.signal, wanted: request.wanted, outputs: request.outputs }).finally(() => {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    });
    return this.#answer(request, await orAborted(work, options.signal));
  }

  /** Like `run`, on the calling thread: for scripts and workers, and for tiny models where a hand-over costs more than the work. */
  runSync(feeds: Feeds, fetches?: Fetches): Record<string, Tensor> {
    const request = this.#request(feeds, fetches);
    return this.#answer(request, this.#model.runSync(request.inputs, { wanted: request.wanted, outputs: request.outputs }));
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
    return { outputs: this.#answer(request, results), nodes };
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

  #arguments(second: Fetches | RunOptions | undefined, third: RunOptions | undefined): { fetches: Fetches | undefined; options: RunOptions } {
    if (second !== undefined && second !== null && typeof second !== 'object') {
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', this.#where, 'fetches and options must be a list or an object', `${spelled(second)} came`);
    }
    if (third !== undefined || Array.isArray(second)) return { fetches: second as Fetches, options: third ?? {} };
    // As in onnxruntime: one object is fetches when it names an output, else options.
    if (typeof second === 'object' && second !== null && this.#graph.outputs.some((v) => Object.hasOwn(second, v.name))) {
      return { fetches: second as Fetches, options: {} };
    }
    return { fetches: undefined, options: (second as RunOptions | undefined) ?? {} };
  }

  #request(feeds: Feeds, fetches: Fetches | undefined): Request {
    const where = this.#where;
    if (this.#released) throw dsnkError('ERR_DSNK_DISPOSED', where, 'session must not be used after release()');
    if (typeof feeds !== 'object' || feeds === null || Array.isArray(feeds))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'feeds must be an object of tensors by input name');
    for (const name of Object.keys(feeds)) {
      if (!this.#inputNames.has(name)) {
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `feeds must be named ${quoted(this.inputNames)}`, `"${name}" came`);
      }
    }
    const symbols = new Map<string, number>();
    const inputs = this.#inputs.map(({ value: v, name, where: at }) => {
      const feed = feeds[name];
      if (feed === undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `feeds must be named ${quoted(this.inputNames)}`, `"${name}" is missing`);
      const t = readTensor(feed, at);
      if (t.dtype !== v.type) throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', at, `element type must be ${v.type}`, `${t.dtype} came`);
      checkShape(at, v, t.dims, symbols);
      return t;
    });
    if (fetches === undefined) return { inputs, names: this.#outputNames, wanted: this.#allWanted, outputs: this.#noOutputs, fetches: {} };
    const list = Array.isArray(fetches)
      ? Object.fromEntries(fetches.map((n: string) => [n, null]))
      : ((fetches as Record<string, TensorLike | null> | undefined) ?? undefined);
    for (const name of Object.keys(list ?? {})) {
      if (!this.#graph.outputs.some((v) => v.name === name)) {
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `fetches must be named ${quoted(this.outputNames)}`, `"${name}" came`);
      }
    }
    const wanted = this.#graph.outputs.map((v) => list === undefined || Object.hasOwn(list, v.name));
    const outputs = this.#graph.outputs.map((v) => {
      const into = Object.hasOwn(list ?? {}, v.name) ? list?.[v.name] : undefined;
      if (into === undefined || into === null) return undefined;
      const t = readTensor(into, `fetch "${v.name}"`);
      if (t.dtype !== v.type) throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', `fetch "${v.name}"`, `element type must be ${v.type}`, `${t.dtype} came`);
      return t;
    });
    return { inputs, names: this.#graph.outputs.map((v) => v.name), wanted, outputs, fetches: list ?? {} };
  }

  #answer(request: Request, results: readonly HostTensor[]): Record<string, Tensor> {
    const out: Record<string, Tensor> = {};
    for (let i = 0; i < request.names.length; i++) {
      if (!request.wanted[i]) continue;
      const name = request.names[i] as string;
      const given = Object.hasOwn(request.fetches, name) ? request.fetches[name] : undefined;
      const tensor = given ? (given as Tensor) : toTensor(results[i] as HostTensor);
      if (name !== '__proto__') out[name] = tensor;
      else Object.defineProperty(out, name, { value: tensor, enumerable: true, configurable: true, writable: true });
    }
    return out;
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

function quoted(names: readonly string[]): string {
  return names.map((n) => `"${n}"`).join(', ');
}

function checkShape(where: string, v: Value, dims: readonly number[], symbols: Map<string, number>): void {
  if (v.shape === undefined) return;
  const fits =
    v.shape.length === dims.length &&
    v.shape.every((want, i) => {
      const got = dims[i] as number;
      if (typeof want === 'number') return want === got;
      const before = symbols.get(want);
      if (before !== undefined) return before === got;
      symbols.set(want, got);
      return true;
    });
  if (!fits) throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', where, `shape must be ${shapeText(v.shape)}`, `${shapeText(dims)} came`);
}

function checkOptions(options: SessionOptions): void {
  const where = 'session options';
  if (typeof options !== 'object' || options === null) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'InferenceSession', 'session options must be an object', `${spelled(options)} came`);
  }
  const { executionProviders, freeDimensionOverrides, skipPasses } = options;
  for (const [name, size] of Object.entries(freeDimensionOverrides ?? {})) {
    if (!(Number.isSafeInteger(size) && size >= 0))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `freeDimensionOverrides.${name} must be a size`, `${spelled(size)} came`);
  }
  checkLimits(where, options);
  if (skipPasses !== undefined && !(Array.isArray(skipPasses) && skipPasses.every((name) => typeof name === 'string'))) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'skipPasses must be a list of names', `${spelled(skipPasses)} came`);
  }
  for (const name of skipPasses ?? []) {
    if (!passNames.has(name)) {
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'skipPasses must name passes of this version', `'${name}' came`);
    }
  }
  if (executionProviders !== undefined && executionProviders !== null && !Array.isArray(executionProviders)) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'executionProviders must be a list', `${typeof executionProviders} came`);
  }
  for (const provider of executionProviders ?? []) {
    const name = typeof provider === 'string' ? provider : provider?.name;
    if (name !== 'cpu') throw dsnkError('ERR_DSNK_DEVICE_UNAVAILABLE', where, "executionProviders must be ['cpu'] in this version", `${spelled(name)} came`);
  }
}

/** The file is read into native memory, decoded as views of it, and given back once its weights are packed. */
async function openModelFile(path: string, options: SessionOptions): Promise<InferenceSession> {
  const buffer = await new Promise<ArrayBuffer>((done, fail) => {
    native().readFile(path, (code, _pc, _fault, text, value) => {
      if (code === 0) done(value as ArrayBuffer);
      else if (code === constants.errno.ENOMEM)
        fail(dsnkError('ERR_DSNK_OUT_OF_MEMORY', `model "${path}"`, 'the system must have the memory for the file', text));
      else fail(dsnkError('ERR_DSNK_INVALID_MODEL', `model "${path}"`, 'file must be readable', text));
    });
  });
  // From here on the decoded model reads views of the buffer, and the file itself once the buffer is gone.
  const free = () => native().releaseBuffer(buffer);
  try {
    const { graph, problems, metadata } = importModel(new Uint8Array(buffer), { source: { path } });
    return await InferenceSession.open(graph, options, { keepSources: false, onLoaded: free, problems, metadata });
  } catch (error) {
    free();
    throw error;
  }
}

/** The bytes are copied once: the caller may change or transfer theirs, and later shapes may need the weights again. */
async function openModelBytes(bytes: Uint8Array, options: SessionOptions): Promise<InferenceSession> {
  const buffer = native().adopt(bytes);
  if (buffer === null)
    throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', 'model', 'the system must have the memory for a copy of the model', `${bytes.byteLength} bytes`);
  const { graph, problems, metadata } = importModel(new Uint8Array(buffer));
  return InferenceSession.open(graph, options, { keepSources: true, problems, metadata });
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'InferenceSession.create', 'a URL must be one of a local file', `"${url.href}" came`, error);
  }
}
