/** What a model keeps between runs: the memory behind `session.bindState`. */
import { dsnkError, shapeText, spelled } from '../errors.js';
import { isConcrete } from '../graph/dim.js';
import type { Graph, State, Value } from '../graph/graph.js';
import { deviceError, type StateHandle, type StoreHandle } from './binding.js';
import type { GrowingPast } from './growing.js';
import { native } from './native.js';

/**
 * One set of the tensors that a session keeps between runs, zeros at first. A session has one of its own, `session.state`;
 * `session.createState()` makes more of them, one for every stream of inputs. Runs with the same state wait for each other.
 */
export class SessionState {
  #handle: StateHandle | undefined;
  #bytes = 0;
  #last: Promise<void> | undefined;
  #released = false;
  #held = 0;

  /** @internal */
  constructor(
    readonly model: string,
    /** @internal The model it belongs to. */
    readonly owner: object,
  ) {}

  /** Bytes taken; 0 before the first run. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Tokens that it holds, where it is the past of a decoder. */
  get held(): number {
    return this.#held;
  }

  /** @internal A call has added its rows. */
  hold(call: { readonly past: number; readonly rows: number } | undefined): void {
    if (call !== undefined) this.#held = call.past + call.rows;
  }

  /** Zeros again, after the runs that were called before. Errors: ERR_DSNK_DISPOSED. */
  async reset(): Promise<void> {
    await this.turn(async () => {
      if (this.#handle !== undefined) native().clearState(this.#handle);
      this.#held = 0;
    });
  }

  /** Frees the memory once the runs that were called before have ended; new ones are refused. May be called more than once. */
  release(): void {
    this.#released = true;
    if (this.#last === undefined) this.#free();
    else void this.#last.then(() => this.#free());
  }

  /** @internal Memory of so many bytes where programs of the store run, the same in every call. */
  handle(bytes: number, store: StoreHandle): StateHandle {
    if (this.#handle !== undefined) return this.#handle;
    const handle = native().createState(bytes, store);
    if (typeof handle === 'string') throw deviceError(`model "${this.model}"`, handle);
    if (handle === null)
      throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', `model "${this.model}"`, 'the system must have the memory for a state', `it needs ${bytes} bytes`);
    this.#bytes = bytes;
    this.#handle = handle;
    return handle;
  }

  /** @internal A run with this state is waited for. Throws ERR_DSNK_DISPOSED after release(). */
  get busy(): boolean {
    this.#assertLive();
    return this.#last !== undefined;
  }

  /** @internal `work` begins at once, or after what was called before it. */
  turn<T>(work: () => Promise<T>): Promise<T> {
    this.#assertLive();
    const result = this.#last === undefined ? work() : this.#last.then(work);
    const ended = result.then(
      () => {},
      () => {},
    );
    this.#last = ended;
    void ended.then(() => {
      if (this.#last === ended) this.#last = undefined;
    });
    return result;
  }

  #free(): void {
    if (this.#handle !== undefined) native().dispose(this.#handle);
    this.#handle = undefined;
    this.#bytes = 0;
  }

  #assertLive(): void {
    if (this.#released) throw dsnkError('ERR_DSNK_DISPOSED', `state of model "${this.model}"`, 'it must not be used after release()');
  }
}

/** The state of a graph between an output and an input, by name; typed errors say why they cannot be bound. */
export function stateBetween(
  graph: Graph,
  output: string,
  input: string,
  growing?: { readonly of: GrowingPast | undefined; readonly capacity: number | undefined },
): State {
  const where = `bindState(${spelled(output)}, ${spelled(input)})`;
  const find = (list: readonly Value[], name: string, kind: string) => {
    const value = list.find((v) => v.name === name);
    if (value !== undefined) return value;
    const names = list.map((v) => `"${v.name}"`).join(', ') || 'left: all are bound';
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `${kind} must be one of ${names}`, `${spelled(name)} came`);
  };
  const [to, from] = [find(graph.feeds, input, 'input'), find(graph.results, output, 'output')];
  if (from.dtype !== to.dtype) throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', where, `output must be ${to.dtype} as the input is`, `it is ${from.dtype}`);
  const { shape } = to;
  const state = { output: graph.outputs.indexOf(from), input: graph.inputs.indexOf(to) };
  if (growing?.of?.has(state.input, state.output) && shape?.filter((d) => typeof d === 'string').length === 1) {
    checkCapacity(where, growing.capacity, growing.of.kept);
    return state;
  }
  if (shape === undefined || !isConcrete(shape))
    throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', where, 'input must have a fixed shape (freeDimensionOverrides fixes symbols)', `${shapeText(shape)} came`);
  // Where the output's is not known yet, the compile compares.
  const fits = from.shape === undefined || (from.shape.length === shape.length && from.shape.every((d, i) => typeof d === 'string' || d === shape[i]));
  if (!fits) throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', where, `output must have the input's shape ${shapeText(shape)}`, `it has ${shapeText(from.shape)}`);
  return state;
}

/** Most tokens of a state: their places are 32-bit numbers elsewhere. */
const MAX_CAPACITY = 2 ** 24;

function checkCapacity(where: string, capacity: number | undefined, before: number | undefined): void {
  const fits = Number.isInteger(capacity) && (capacity as number) >= 1 && (capacity as number) <= MAX_CAPACITY;
  const bad = (mustHold: string) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, mustHold, `${spelled(capacity)} came`);
  if (!fits) throw bad('options.capacity must be the tokens to make room for, as the past grows');
  if (before !== undefined && before !== capacity) throw bad(`options.capacity must be ${before}, as for the inputs bound before`);
}
