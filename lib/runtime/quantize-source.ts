/** What `quantize` is given: the model as a graph, and feeds that are read once. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dsnkError, spelled } from '../errors.js';
import { Graph } from '../graph/graph.js';
import { type ImportedModel, importModel } from '../onnx/import.js';
import { assertSupported, inferGraph } from '../ops/infer.js';
import { computedConstants, constantsOnly, settleConstants } from '../quantize/prepare.js';
import type { CalibrationFeeds } from './calibrate.js';
import { bytesOf } from './model-argument.js';
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

/** The feeds as an async iterable that is read once, with the first ones kept. */
export function kept(source: CalibrationFeeds, most: KeptSize) {
  const where = 'quantize';
  const iterator = (source as AsyncIterable<Feeds>)[Symbol.asyncIterator]?.() ?? (source as Iterable<Feeds>)[Symbol.iterator]?.();
  const samples: Feeds[] = [];
  let bytes = 0;
  const keep = (feeds: Feeds) => {
    samples.push(feeds);
    for (const t of Object.values(feeds ?? {})) bytes += (t?.data as { byteLength?: number } | undefined)?.byteLength ?? 0;
  };
  const isFull = () => samples.length >= most.feeds || bytes >= most.bytes;
  const total = Array.isArray(source) ? source.length : undefined;
  const first = async () => {
    const { value, done } = await iterator.next();
    if (done === true) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'calibration must give at least one feed', 'none came');
    keep(value);
    return value;
  };
  async function* all(): AsyncGenerator<Feeds> {
    yield samples[0] as Feeds;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if (!isFull()) keep(next.value);
      yield next.value;
    }
  }
  return { samples, total, first, all, isFull };
}

export type KeptFeeds = ReturnType<typeof kept>;

export interface Source {
  readonly graph: Graph;
  /** Of the file. */
  readonly bytes: number | undefined;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly opsets?: ReadonlyMap<string, number>;
}

export async function graphOf(model: unknown): Promise<Source> {
  if (model instanceof Graph) return { graph: model.clone({ deep: true }).graph, bytes: undefined };
  const path = model instanceof URL ? fileURLToPath(model) : model;
  if (typeof path === 'string') {
    const file = await readFile(resolve(path)).catch((cause: unknown) => {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', `model "${path}"`, 'file must be readable', cause instanceof Error ? cause.message : spelled(cause), cause);
    });
    return imported(importModel(file, { folder: dirname(resolve(path)) }), file.byteLength);
  }
  const bytes = bytesOf(model, 0, undefined);
  return imported(importModel(bytes), bytes.byteLength);
}

function imported({ graph, problems, metadata, opsets }: ImportedModel, bytes: number): Source {
  assertSupported(graph, problems);
  return { graph, bytes, metadata, opsets };
}
