/** Calls of a model whose past grows: which program serves them, and what it is given beside the feeds. */
import type { CompiledProgram } from '../compile/compile.js';
import { GROWING_ROOM, growGraph } from '../compile/grow.js';
import { NotGrowing } from '../compile/growing.js';
import type { TypedArray } from '../dtype.js';
import { DsnkError, dsnkError } from '../errors.js';
import type { Dim } from '../graph/dim.js';
import type { Graph, Value } from '../graph/graph.js';
import { type Growth, growthOf, totalsOf } from '../graph/growth.js';
import { NeedsValue } from '../ops/operator.js';
import type { HostTensor } from '../tensor.js';
import type { LoadedProgram } from './loaded-program.js';
import type { SessionState } from './state.js';

/** Tokens that a program has room for at least; the next has room for twice as many. */
const LEAST_CAPACITY = 64;

/** One call in numbers. */
export interface GrowingCall {
  /** Tokens that the past holds, and those that the call adds. */
  readonly past: number;
  readonly rows: number;
  /** Tokens that the program has room for. */
  readonly capacity: number;
  /** Symbols that are past and new rows together, in this call as in those before. */
  readonly totals: ReadonlySet<string>;
}

export class GrowingPast {
  readonly #growth: Growth;
  /** Symbols that have been past and new rows together in all calls that a program was made for. */
  #totals: ReadonlySet<string>;
  /** Inputs of one number that is no length, though it came equal to one. */
  readonly #plain = new Set<number>();

  private constructor(
    readonly graph: Graph,
    growth: Growth,
    /** Room of the states, where the past is kept in them. */
    readonly kept: number | undefined,
  ) {
    this.#growth = growth;
    this.#totals = new Set(totalsOf(graph, growth).keys());
  }

  /** undefined where nothing grows. Throws where only a part of what grows together is kept in states. */
  static of(graph: Graph, kept?: number): GrowingPast | undefined {
    const growth = growthOf(graph);
    return growth && new GrowingPast(graph, growth, kept);
  }

  /** Whether an input and an output are past and present. */
  has(input: number, output: number): boolean {
    return this.#growth.pasts.has(input) && this.#growth.presents.has(output);
  }

  /** undefined where the model is compiled for these very shapes: nothing has come before. */
  callOf(inputs: readonly HostTensor[], state: SessionState | undefined): GrowingCall | undefined {
    const { graph } = this;
    const { pasts, rows: symbol } = this.#growth;
    const dims = new Map<Dim, number>();
    graph.feeds.forEach((v, i) => {
      v.shape?.forEach((d, axis) => {
        if (typeof d === 'string') dims.set(d, inputs[i]?.dims[axis] as number);
      });
    });
    const bound = [...pasts.keys()].filter((i) => graph.states.some((s) => s.input === i));
    if (bound.length > 0 && bound.length < pasts.size) {
      const names = [...pasts.keys()].filter((i) => !bound.includes(i)).map((i) => `"${graph.inputs[i]?.name}"`);
      throw dsnkError(
        'ERR_DSNK_INVALID_ARGUMENT',
        `model "${graph.name}"`,
        'bindState must have bound all inputs with the length of the past',
        `${names.join(', ')} is left`,
      );
    }
    const past = bound.length > 0 ? (state?.held ?? 0) : (dims.get(this.#growth.past) as number);
    const rows = typeof symbol === 'number' ? symbol : (dims.get(symbol) as number);
    if (bound.length === 0 && (past === 0 || rows === 0)) return undefined;
    const totals = new Set([...this.#totals].filter((total) => dims.get(total) === past + rows));
    if (this.kept !== undefined && past + rows > this.kept)
      throw dsnkError(
        'ERR_DSNK_INVALID_ARGUMENT',
        `model "${graph.name}"`,
        `past and new tokens must fit the ${this.kept} of bindState's capacity`,
        `${past} and ${rows} came`,
      );
    const room = roomFor(this.kept);
    let capacity = room ?? LEAST_CAPACITY;
    while (room === undefined && capacity < past + rows + GROWING_ROOM) capacity *= 2;
    return { past, rows, capacity, totals };
  }

  /** Why states cannot be kept. */
  refused(cause: Error): Error {
    const mustHold = 'one program must serve pasts of all lengths where they are kept in states';
    return dsnkError('ERR_DSNK_UNSUPPORTED_OP', `model "${this.graph.name}"`, mustHold, cause.message, cause);
  }

  /** What one dimension of a feed is: a size, or a length that follows the past. */
  #kindOf(v: Value, axis: number, { totals }: GrowingCall): 'past' | 'total' | undefined {
    const d = v.shape?.[axis];
    if (d === this.#growth.past) return 'past';
    return typeof d === 'string' && totals.has(d) ? 'total' : undefined;
  }

  /** A length may come as a number as well. */
  #lengthOf(i: number, { dtype, data }: HostTensor, { past, rows }: GrowingCall): 'past' | 'total' | undefined {
    if (data.length !== 1 || dtype === 'bool' || this.#plain.has(i)) return undefined;
    const only = Number(data[0]);
    return only === past ? 'past' : only === past + rows ? 'total' : undefined;
  }

  /** A copy of the graph with the types of a call, but for a past of `past` tokens. Contents of the inputs at `values` are settled. */
  typed(call: GrowingCall, inputs: readonly HostTensor[], values: ReadonlySet<number>, past: number): { graph: Graph; map: Map<Value, Value> } {
    const copy = this.graph.clone();
    const lengths = { past, total: past + call.rows };
    this.graph.feeds.forEach((v, i) => {
      const own = copy.map.get(v) as Value;
      const { dtype, dims, data } = inputs[i] as HostTensor;
      own.dtype = dtype;
      own.shape = dims.map((n, axis) => {
        const kind = this.#kindOf(v, axis, call);
        return kind === undefined ? n : lengths[kind];
      });
      const length = this.#lengthOf(i, inputs[i] as HostTensor, call);
      if (values.has(i)) own.known = length === undefined ? Array.from(data as ArrayLike<number | bigint>, Number) : [lengths[length]];
    });
    for (const { input } of this.graph.states) {
      const v = this.graph.inputs[input] as Value;
      (copy.map.get(v) as Value).shape = (v.shape ?? []).map((d) => (d === this.#growth.past ? past : d));
    }
    return copy;
  }

  /** The program of a call, or why there is none; `needs` is the value of the model's graph whose contents it needs. */
  compile(
    call: GrowingCall,
    inputs: readonly HostTensor[],
    values: ReadonlySet<number>,
    compileGraph: (graph: Graph) => CompiledProgram,
  ): { readonly compiled: CompiledProgram } | { readonly compiled?: undefined; readonly refused: Error; readonly needs: Value | undefined } {
    let map: ReadonlyMap<Value, Value> = new Map();
    const typed = (past: number) => {
      const copy = this.typed(call, inputs, values, past);
      map = copy.map;
      return copy.graph;
    };
    const lengths = [...values].filter((i) => this.#lengthOf(i, inputs[i] as HostTensor, call) !== undefined);
    // Without a past that is kept there are calls of their own for none.
    const checked = new Set([...(this.kept === undefined ? [] : [0]), 1, ...(lengths.length > 0 ? [call.past] : [])]);
    try {
      const compiled = compileGraph(growGraph({ typed, ...call, checked: [...checked] }));
      this.#totals = call.totals;
      return { compiled };
    } catch (error) {
      if (error instanceof NotGrowing && lengths.length > 0) {
        for (const i of lengths) this.#plain.add(i);
        return this.compile(call, inputs, values, compileGraph);
      }
      if (!(error instanceof NotGrowing || error instanceof NeedsValue || error instanceof DsnkError)) throw error;
      const needs = error instanceof NeedsValue ? [...map].find(([, copy]) => copy === error.value)?.[0] : undefined;
      return { refused: error, needs };
    }
  }

  /** What calls that one program serves have in common. */
  keyOf(call: GrowingCall, inputs: readonly HostTensor[], values: ReadonlySet<number>): string {
    const parts = this.graph.feeds.map((v, i) => {
      const { dims, data } = inputs[i] as HostTensor;
      const text = dims.map((n, axis) => this.#kindOf(v, axis, call) ?? n).join();
      return values.has(i) ? `${text}=${this.#lengthOf(i, inputs[i] as HostTensor, call) ?? data.join()}` : text;
    });
    return `${call.rows} behind a past, ${call.capacity} at most: ${parts.join(';')}`;
  }
}

/** The dimensions of a result: an open one is as long as this call makes it. */
export function resultDims(graph: Graph, v: Value, call: GrowingCall | undefined): readonly number[] {
  const open = graph.open.get(v);
  return open === undefined || call === undefined ? v.dims : v.dims.with(open.axis, call.past + open.extra);
}

/** The arrays of a call; a program for a past of any length is told how long it is. */
export function feedsOf(program: LoadedProgram, inputs: readonly HostTensor[], call: GrowingCall | undefined): TypedArray[] {
  const feeds = inputs.map((t) => t.data);
  if (call !== undefined && program.compiled.graph.feeds.length > feeds.length) feeds.push(BigInt64Array.of(BigInt(call.past)));
  return feeds;
}

/** Tokens that states have room for: what was asked for and a little more, so that lengths can be compared. */
export const roomFor = (capacity: number | undefined) => capacity && Math.ceil((capacity + GROWING_ROOM) / 64) * 64;
