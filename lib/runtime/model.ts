/**
 * A graph that can be run with any input shapes: programs are compiled per signature and kept in a small LRU. Where a
 * shape depends on contents, small graph inputs become part of the signature, and anything else splits the graph into
 * two stages that run one after the other.
 */
import type { Catalogue } from '../compile/catalogue.js';
import type { Device } from '../compile/compile.js';
import { WeightIndex } from '../compile/weights.js';
import type { TypedArray } from '../dtype.js';
import { type DsnkError, dsnkError, shapeText } from '../errors.js';
import type { Graph, State } from '../graph/graph.js';
import { allocate, copyTensor, type HostTensor } from '../tensor.js';
import type { StoreHandle } from './binding.js';
import { catalogueOn } from './gpu.js';
import { feedsOf, type GrowingCall, type GrowingPast, resultDims } from './growing.js';
import { LoadedProgram } from './loaded-program.js';
import { native } from './native.js';
import { isSplit, type SpecializeOptions, Specializer } from './specialize.js';
import { dynamicNode, type Split, splitDynamic } from './split.js';
import { SessionState } from './state.js';
import { workOff, workOffSync } from './work.js';

export interface ModelOptions extends SpecializeOptions {
  readonly threads: number;
  /** Most programs (input signatures) kept at once. */
  readonly maxPrograms: number;
  readonly keepSources: boolean;
  /** Called after each load: the model file's memory may go. */
  readonly onLoaded: () => void;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Receives each program that ran with the nanoseconds of its instructions. */
  readonly profile?: ((program: LoadedProgram, timesNs: BigUint64Array) => void) | undefined;
  /** Tensors to write outputs into, by position; others are allocated. */
  readonly outputs?: readonly (HostTensor | undefined)[] | undefined;
  /** Outputs that are wanted; absent = all. */
  readonly wanted?: readonly boolean[] | undefined;
  /** Nobody changes the inputs before the run ends. */
  readonly steady?: boolean | undefined;
  /** Instead of the model's own. */
  readonly state?: SessionState | undefined;
}

let catalogue: Catalogue | undefined;
export function nativeCatalogue(): Catalogue {
  catalogue ??= native().catalogue();
  return catalogue;
}

/** Packed weights of one model, shared by all its programs. */
class Weights {
  readonly index = new WeightIndex();
  readonly store: StoreHandle;
  /** Loads into one store happen one after the other. */
  queue: Promise<unknown> = Promise.resolve();
  busy = false;

  constructor(readonly device: Device) {
    this.store = native().createStore(device === 'cuda');
  }
}

interface Stages {
  readonly first: Model;
  readonly second: Model;
  readonly feed: Split['feed'];
}

export class Model {
  readonly #programs = new Map<string, LoadedProgram>();
  readonly #loading = new Map<string, Promise<void>>();
  readonly #specializer: Specializer;
  readonly #weights: Weights;
  #stages: Stages | undefined;
  #running = 0;
  #disposed = false;
  /** What the graph keeps between runs, where a run names no other. */
  readonly state: SessionState;

  constructor(
    readonly graph: Graph,
    readonly options: ModelOptions,
    weights?: Weights,
  ) {
    this.state = new SessionState(graph.name, this);
    const device = options.device ?? 'cpu';
    this.#weights = weights ?? new Weights(device);
    this.#specializer = new Specializer(graph, options, catalogueOn(nativeCatalogue(), device), { grows: weights === undefined });
    const dynamic = dynamicNode(graph);
    if (dynamic !== undefined) this.#stage(splitDynamic(graph, dynamic));
  }

  #stage({ first, second, feed }: Split): void {
    // A synchronous run has cut the graph while this load was measuring.
    if (this.#stages !== undefined) return;
    if (this.graph.states.length > 0) throw this.#splitState();
    this.#stages = { first: new Model(first, this.options, this.#weights), second: new Model(second, this.options, this.#weights), feed };
  }

  #stateFor(program: LoadedProgram, state: SessionState | undefined) {
    return state?.handle(program.compiled.image.stateBytes, this.#weights.store);
  }

  get weightBytes(): number {
    return native().storeBytes(this.#weights.store);
  }

  /** Programs loaded now, most recently used last; those of all stages. */
  get programs(): LoadedProgram[] {
    const own = [...this.#programs.values()];
    return this.#stages === undefined ? own : [...own, ...this.#stages.first.programs, ...this.#stages.second.programs];
  }

  /** A dispose meanwhile waits for it. */
  async run(inputs: readonly HostTensor[], options: RunOptions = {}): Promise<HostTensor[]> {
    this.#assertLive();
    this.#running++;
    try {
      if (this.graph.states.length === 0) return await this.#run(inputs, options);
      const state = options.state ?? this.state;
      const feeds = state.busy && !options.steady ? inputs.map(copyTensor) : inputs;
      return await state.turn(() => this.#run(feeds, { ...options, state }));
    } finally {
      this.#running--;
      if (this.#disposed && this.#running === 0) this.#free();
    }
  }

  async #run(inputs: readonly HostTensor[], options: RunOptions): Promise<HostTensor[]> {
    // A program that is there takes its copy of the inputs before run() returns; what has to wait keeps one until then.
    const { state } = options;
    const ready = this.#stages === undefined ? this.#touch(this.#specializer.signature(inputs, state)) : undefined;
    if (ready !== undefined) return this.#runProgram(ready, inputs, options);
    const feeds = options.steady ? inputs : inputs.map(copyTensor);
    if (this.#stages === undefined) {
      let program = await this.prepare(feeds, state);
      // A run of another shape may have taken its place before this one went on.
      while (program?.disposed) program = await this.prepare(feeds, state);
      options.signal?.throwIfAborted();
      if (program !== undefined) return this.#runProgram(program, feeds, options);
    }
    const { first, second, feed } = this.#stages as unknown as Stages;
    const middle = await first.run(feeds, { signal: options.signal, profile: options.profile, steady: true });
    return second.run(feed(feeds, middle), { ...options, steady: true });
  }

  async #runProgram(program: LoadedProgram, inputs: readonly HostTensor[], options: RunOptions): Promise<HostTensor[]> {
    const call = this.#specializer.callOf(inputs, options.state);
    const { arrays, results } = this.#outputs(program, options, call);
    const times = options.profile && new BigUint64Array(program.compiled.steps.length);
    await program.run(feedsOf(program, inputs, call), arrays, { signal: options.signal, times, state: this.#stateFor(program, options.state) });
    options.state?.hold(call);
    if (times !== undefined) options.profile?.(program, times);
    return results;
  }

  runSync(inputs: readonly HostTensor[], options: RunOptions = {}): HostTensor[] {
    this.#assertLive();
    if (this.#stages === undefined) {
      const state = this.#idleState(options.state);
      const program = this.prepareSync(inputs, state);
      if (program !== undefined) {
        const call = this.#specializer.callOf(inputs, state);
        const { arrays, results } = this.#outputs(program, options, call);
        const times = options.profile ? new BigUint64Array(program.compiled.steps.length) : null;
        program.runSync(feedsOf(program, inputs, call), arrays, times, this.#stateFor(program, state));
        state?.hold(call);
        if (times !== null) options.profile?.(program, times);
        return results;
      }
    }
    const { first, second, feed } = this.#stages as unknown as Stages;
    return second.runSync(feed(inputs, first.runSync(inputs, { profile: options.profile })), options);
  }

  /** A state that no run waits for: a synchronous one cannot. */
  #idleState(given: SessionState | undefined): SessionState | undefined {
    if (this.graph.states.length === 0) return undefined;
    const state = given ?? this.state;
    if (state.busy)
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${this.graph.name}"`, 'runSync must not use a state that a run is at work in', 'one is');
    return state;
  }

  #splitState(): DsnkError {
    const mustHold = 'shapes must follow from shapes and small inputs where states are kept';
    return dsnkError('ERR_DSNK_UNSUPPORTED_OP', `model "${this.graph.name}"`, mustHold, 'some follow from results');
  }

  /** Makes an output an input of the next run, with room for `capacity` tokens where it grows. Programs compiled before are dropped. */
  bind(state: State, capacity?: number): void {
    if (this.#stages !== undefined) throw this.#splitState();
    this.#specializer.bind(state, capacity);
    for (const p of this.#programs.values()) p.dispose();
    this.#programs.clear();
  }

  /** What grows, if anything does. */
  get growing(): GrowingPast | undefined {
    return this.#specializer.growing;
  }

  #outputs(program: LoadedProgram, options: RunOptions, call: GrowingCall | undefined): { arrays: (TypedArray | undefined)[]; results: HostTensor[] } {
    const arrays: (TypedArray | undefined)[] = [];
    const results = program.compiled.graph.results.map((v, i) => {
      const given = options.outputs?.[i];
      const dims = resultDims(program.compiled.graph, v, call);
      if (given !== undefined && (given.dims.length !== dims.length || given.dims.some((d, k) => d !== dims[k]))) {
        throw dsnkError(
          'ERR_DSNK_SHAPE_MISMATCH',
          `fetch "${v.name}"`,
          `tensor must have the result's shape ${shapeText(dims)}`,
          `${shapeText(given.dims)} came`,
        );
      }
      const data = given?.data ?? allocate(v.type, dims);
      arrays.push(options.wanted?.[i] === false ? undefined : data);
      return { dtype: v.type, dims, data };
    });
    return { arrays, results };
  }

  /** The program for these inputs, compiled and loaded if need be; undefined once the model had to be split. */
  async prepare(inputs: readonly HostTensor[], state?: SessionState): Promise<LoadedProgram | undefined> {
    for (;;) {
      const key = this.#specializer.signature(inputs, state);
      const ready = this.#touch(key);
      if (ready !== undefined || this.#stages !== undefined) return ready;
      let loading = this.#loading.get(key);
      if (loading === undefined) {
        loading = this.#weights.queue.then(() => this.#load(inputs, state)).finally(() => this.#loading.delete(key));
        this.#loading.set(key, loading);
        this.#weights.queue = loading.catch(() => undefined);
      }
      // The compile may have found that contents belong to the signature, so look again under the key of now.
      await loading;
    }
  }

  async #load(inputs: readonly HostTensor[], state: SessionState | undefined): Promise<void> {
    if (this.#programs.has(this.#specializer.signature(inputs, state)) || this.#stages !== undefined) return;
    const weights = this.#weights;
    try {
      // From the compile on: a runSync before this load has begun must not fill the store that the compile has seen.
      weights.busy = true;
      const compiled = await workOff(this.#specializer.specialize(inputs, weights.index, state));
      if (isSplit(compiled)) return this.#stage(compiled);
      const program = await new Promise<LoadedProgram>((resolve, reject) => {
        LoadedProgram.load(compiled, weights.store, this.options, this.graph.name, (error, p) => (p === undefined ? reject(error) : resolve(p)));
      });
      weights.index.commit(compiled.added);
      this.#keep(this.#specializer.signature(inputs, state), program);
    } finally {
      weights.busy = false;
      this.options.onLoaded();
    }
  }

  prepareSync(inputs: readonly HostTensor[], state?: SessionState): LoadedProgram | undefined {
    const ready = this.#touch(this.#specializer.signature(inputs, state));
    if (ready !== undefined) return ready;
    // While another load fills the shared store, this one gets a store of its own.
    const weights = this.#weights.busy ? new Weights(this.#weights.device) : this.#weights;
    const compiled = workOffSync(this.#specializer.specialize(inputs, weights.index, state));
    if (isSplit(compiled)) {
      this.#stage(compiled);
      return undefined;
    }
    let program: LoadedProgram | undefined;
    let failure: DsnkError | undefined;
    LoadedProgram.load(compiled, weights.store, { ...this.options, sync: true }, this.graph.name, (error, p) => {
      failure = error;
      program = p;
    });
    this.options.onLoaded();
    if (program === undefined) throw failure;
    weights.index.commit(compiled.added);
    this.#keep(this.#specializer.signature(inputs, state), program);
    return program;
  }

  #touch(key: string): LoadedProgram | undefined {
    const program = this.#programs.get(key);
    if (program !== undefined && this.#programs.size > 1) {
      this.#programs.delete(key);
      this.#programs.set(key, program);
    }
    return program;
  }

  #keep(key: string, program: LoadedProgram): void {
    // A runSync may have made one of the same key while this one was loaded.
    this.#programs.get(key)?.dispose();
    this.#programs.set(key, program);
    for (const [oldest, old] of this.#programs) {
      if (this.#programs.size <= this.options.maxPrograms) break;
      this.#programs.delete(oldest);
      old.dispose();
    }
  }

  /** Frees run memory kept for reuse. */
  trim(): void {
    for (const p of this.programs) p.trim();
  }

  /** Frees programs and weights, once no run needs them. */
  dispose(): void {
    this.#disposed = true;
    if (this.#running === 0) this.#free();
  }

  #assertLive(): void {
    if (this.#disposed) throw dsnkError('ERR_DSNK_DISPOSED', `model "${this.graph.name}"`, 'it must not run after dispose()');
  }

  #free(): void {
    this.state.release();
    for (const p of this.#programs.values()) p.dispose();
    this.#programs.clear();
    this.#stages?.first.dispose();
    this.#stages?.second.dispose();
    native().dispose(this.#weights.store);
  }
}
