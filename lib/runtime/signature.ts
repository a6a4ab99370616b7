/** What a model takes and gives, as the arguments and results of `run`. */
import type { Tensor } from 'onnxruntime-common';
import { dsnkError, shapeText, spelled } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { type HostTensor, readTensor, type TensorLike, toTensor } from '../tensor.js';
import type { RunOptions } from './session-options.js';

export type Feeds = Readonly<Record<string, TensorLike>>;
/** Names of wanted outputs, or for each wanted name null or a tensor to write into. */
export type Fetches = readonly string[] | Readonly<Record<string, TensorLike | null>>;

/** A checked call. */
export interface Request {
  readonly inputs: HostTensor[];
  readonly names: readonly string[];
  readonly wanted: readonly boolean[];
  readonly outputs: readonly (HostTensor | undefined)[];
  readonly fetches: Readonly<Record<string, TensorLike | null>>;
}

export class Signature {
  // What every call needs, made once: a call of a small model costs little else.
  readonly #where: string;
  readonly #inputs: readonly { readonly value: Value; readonly name: string; readonly where: string }[];
  readonly #inputNames: ReadonlySet<string>;
  readonly #outputs: readonly Value[];
  readonly #outputNames: readonly string[];
  readonly #allWanted: readonly boolean[];
  readonly #noOutputs: readonly undefined[];

  constructor(graph: Graph) {
    this.#where = `model "${graph.name}"`;
    this.#inputs = graph.feeds.map((value) => ({ value, name: value.name, where: `input "${value.name}"` }));
    this.#inputNames = new Set(graph.feeds.map((v) => v.name));
    this.#outputs = graph.results;
    this.#outputNames = graph.results.map((v) => v.name);
    this.#allWanted = graph.results.map(() => true);
    this.#noOutputs = graph.results.map(() => undefined);
  }

  /** What stands behind the feeds in a call of `run`. */
  arguments(second: Fetches | RunOptions | undefined, third: RunOptions | undefined): { fetches: Fetches | undefined; options: RunOptions } {
    if (second !== undefined && second !== null && typeof second !== 'object') {
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', this.#where, 'fetches and options must be a list or an object', `${spelled(second)} came`);
    }
    if (third !== undefined || Array.isArray(second)) return { fetches: second as Fetches, options: third ?? {} };
    // As in onnxruntime: one object is fetches when it names an output, else options.
    if (typeof second === 'object' && second !== null && this.#outputNames.some((name) => Object.hasOwn(second, name))) {
      return { fetches: second as Fetches, options: {} };
    }
    return { fetches: undefined, options: (second as RunOptions | undefined) ?? {} };
  }

  /** Checks everything; a typed error names the feed or fetch. */
  request(feeds: Feeds, fetches: Fetches | undefined): Request {
    const where = this.#where;
    if (typeof feeds !== 'object' || feeds === null || Array.isArray(feeds))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'feeds must be an object of tensors by input name');
    for (const name of Object.keys(feeds)) {
      if (!this.#inputNames.has(name)) {
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `feeds must be named ${quoted([...this.#inputNames])}`, `"${name}" came`);
      }
    }
    const symbols = new Map<string, number>();
    const inputs = this.#inputs.map(({ value: v, name, where: at }) => {
      const feed = feeds[name];
      if (feed === undefined)
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `feeds must be named ${quoted([...this.#inputNames])}`, `"${name}" is missing`);
      const t = readTensor(feed, at);
      if (t.dtype !== v.type) throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', at, `element type must be ${v.type}`, `${t.dtype} came`);
      checkShape(at, v, t.dims, symbols);
      return t;
    });
    if (fetches === undefined) return { inputs, names: this.#outputNames, wanted: this.#allWanted, outputs: this.#noOutputs, fetches: {} };
    for (const name of Array.isArray(fetches) ? (fetches as readonly unknown[]) : [])
      if (typeof name !== 'string')
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `fetches must be named ${quoted(this.#outputNames)}`, `${spelled(name)} came`);
    const list = Array.isArray(fetches)
      ? Object.fromEntries(fetches.map((n: string) => [n, null]))
      : ((fetches as Record<string, TensorLike | null> | undefined) ?? undefined);
    for (const name of Object.keys(list ?? {})) {
      if (!this.#outputNames.includes(name)) {
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `fetches must be named ${quoted(this.#outputNames)}`, `"${name}" came`);
      }
    }
    const wanted = this.#outputs.map((v) => list === undefined || Object.hasOwn(list, v.name));
    const outputs = this.#outputs.map((v) => {
      const into = Object.hasOwn(list ?? {}, v.name) ? list?.[v.name] : undefined;
      if (into === undefined || into === null) return undefined;
      const t = readTensor(into, `fetch "${v.name}"`);
      if (t.dtype !== v.type) throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', `fetch "${v.name}"`, `element type must be ${v.type}`, `${t.dtype} came`);
      return t;
    });
    return { inputs, names: this.#outputNames, wanted, outputs, fetches: list ?? {} };
  }

  /** The wanted results by name: where a fetch gave a tensor, that one. */
  answer(request: Request, results: readonly HostTensor[]): Record<string, Tensor> {
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
