/** What `quantize` and `prune` are given: the model as a graph, and feeds that are read once. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dsnkError, spelled } from '../errors.js';
import { closeSubgraphs } from '../graph/close-subgraphs.js';
import { Graph, type Node } from '../graph/graph.js';
import { type ImportedModel, importModel } from '../onnx/import.js';
import { assertSupported, inferGraph } from '../ops/infer.js';
import { assertFloat, computedConstants, constantsOnly, foldFloat, settleConstants } from '../quantize/prepare.js';
import { type CalibrationFeeds, feedShapes } from './calibrate.js';
import { bytesOf } from './model-argument.js';
import { pathOf } from './model-source.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

/** Feeds that are kept: so many, of so many bytes in all. */
interface KeptSize {
  readonly feeds: number;
  readonly bytes: number;
}
/** To measure the error of the layers, and to correct their biases. */
export const MEASURED: KeptSize = { feeds: 64, bytes: 2e6 };
/** To look at them again before each part of the layers. */
export const SEEN: KeptSize = { feeds: 1024, bytes: 12e6 };
/** To prune: nothing else is learnt from. */
export const PRUNED: KeptSize = { feeds: 1024, bytes: 32e6 };

/** Computes what is made of constants alone. */
export async function settle(graph: Graph): Promise<void> {
  const computed = computedConstants(graph);
  if (computed.length === 0) return;
  const results = await runConstants(constantsOnly(graph, computed));
  settleConstants(graph, computed, (i) => {
    const { data, dims } = results[`constant:${i}`] as { data: Uint8Array; dims: readonly number[] };
    return { dims, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  });
  inferGraph(graph, { concrete: false });
}

/** What a loop over the feeds would call. */
function iteratorOf(source: CalibrationFeeds, where: string): Iterator<Feeds> | AsyncIterator<Feeds> {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = source as Partial<AsyncIterable<Feeds> & Iterable<Feeds>>;
  const begin: ((this: unknown) => unknown) | undefined = later ?? now;
  const iterator = begin?.call(source);
  if (typeof (iterator as Partial<Iterator<Feeds>> | null | undefined)?.next === 'function') return iterator as Iterator<Feeds>;
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, "calibration's iterator must have next()", `${spelled(iterator)} came`);
}

/** The feeds as an async iterable that is read once, with the first ones kept. */
export function kept(source: CalibrationFeeds, most: KeptSize, where: string) {
  const iterator = iteratorOf(source, where);
  const samples: Feeds[] = [];
  let bytes = 0;
  const keep = (feeds: Feeds) => {
    samples.push(feeds);
    for (const t of Object.values(feeds ?? {})) bytes += (t?.data as { byteLength?: number } | undefined)?.byteLength ?? 0;
  };
  const isFull = () => samples.length >= most.feeds || bytes >= most.bytes;
  const total = Array.isArray(source) ? source.length : undefined;
  // One that has failed has ended, as in a loop.
  let ended = false;
  const next = async () => {
    ended = true;
    const result = await iterator.next();
    if (typeof result === 'object' && result !== null) {
      ended = result.done === true;
      return result;
    }
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, "next() of calibration's iterator must give objects", `${spelled(result)} came`);
  };
  // Those that are not wanted any more: files may be open behind them.
  const close = async () => {
    if (ended) return;
    ended = true;
    await iterator.return?.();
  };
  const first = async () => {
    const { value, done } = await next();
    if (done === true) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'calibration must give at least one feed', 'none came');
    keep(value);
    return value;
  };
  async function* all(): AsyncGenerator<Feeds> {
    try {
      yield samples[0] as Feeds;
      for (let { value, done } = await next(); done !== true; { value, done } = await next()) {
        if (!isFull()) keep(value);
        yield value;
      }
    } finally {
      await close();
    }
  }
  return {
    samples,
    total,
    first,
    all,
    isFull,
    /** As at the end of a loop, which says nothing of a close that fails behind another error. */
    [Symbol.asyncDispose]: () => close().catch(() => undefined),
  };
}

export type KeptFeeds = ReturnType<typeof kept>;

export interface Source {
  readonly graph: Graph;
  /** Of the file. */
  readonly bytes: number | undefined;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly opsets?: ReadonlyMap<string, number>;
}

/** A float model, checked. */
export async function floatModel(model: unknown, where: string): Promise<Source> {
  const source = await graphOf(model, where);
  closeSubgraphs(source.graph);
  assertSupported(source.graph);
  assertFloat(source.graph);
  inferGraph(source.graph, { concrete: false });
  return source;
}

/** Not by `test`: an expression with the flag `g` goes on there where it stopped the last time. */
const fits = (wanted: string | RegExp, name: string) => (typeof wanted === 'string' ? wanted === name : name.search(wanted) >= 0);

export interface FoldedModel {
  /** Whether a node is to stay as it is. */
  readonly keep: (node: Node) => boolean;
  readonly notes: readonly string[];
}

/** Folds what can be into weights, in place, for the shapes of the first feed. `wanted` are nodes to keep, which `option` gave. */
export async function foldModel(graph: Graph, feeds: KeptFeeds | undefined, wanted: readonly (string | RegExp)[], option: string): Promise<FoldedModel> {
  const names = graph.nodes.map((n) => n.name);
  const shapes = feeds === undefined ? declaredShapes(graph) : feedShapes(graph, await feeds.first(), 0);
  const folded = foldFloat(graph, shapes);
  await settle(graph);
  names.push(...graph.nodes.map((n) => n.name));
  for (const k of wanted) {
    if (!names.some((name) => fits(k, name)))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${graph.name}"`, `${option} must fit nodes of the model`, `${spelled(k)} fits none`);
  }
  return {
    keep: (node) => wanted.some((k) => fits(k, node.name)),
    notes: folded ? [] : ['a shape depends on contents: nothing was folded into weights before'],
  };
}

/** Dimensions that are symbols get one number each: enough to fold what does not depend on it. */
export function declaredShapes(graph: Graph): number[][] {
  const sizes = new Map<string, number>();
  const sizeOf = (d: number | string) => {
    if (typeof d === 'number') return d;
    if (!sizes.has(d)) sizes.set(d, 2 * sizes.size + 2);
    return sizes.get(d) as number;
  };
  return graph.inputs.map((v) => (v.shape ?? []).map(sizeOf));
}

/** The feeds that are kept, all of them checked. */
export async function readFeeds(graph: Graph, feeds: KeptFeeds, onFeed: (done: number) => void): Promise<readonly Feeds[]> {
  let count = 0;
  for await (const feed of feeds.all()) {
    feedShapes(graph, feed, count);
    onFeed(++count);
    if (feeds.isFull()) break;
  }
  return feeds.samples;
}

async function graphOf(model: unknown, where: string): Promise<Source> {
  if (model instanceof Graph) return { graph: model.clone({ deep: true }).graph, bytes: undefined };
  if (typeof model === 'string' || model instanceof URL) {
    const path = pathOf(model, where);
    const file = await readFile(path).catch((cause: unknown) => {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', `model "${path}"`, 'file must be readable', cause instanceof Error ? cause.message : spelled(cause), cause);
    });
    return imported(importModel(file, { folder: dirname(path) }), file.byteLength);
  }
  const bytes = bytesOf(model, where);
  return imported(importModel(bytes), bytes.byteLength);
}

function imported({ graph, problems, metadata, opsets }: ImportedModel, bytes: number): Source {
  assertSupported(graph, problems);
  return { graph, bytes, metadata, opsets };
}
