/** Runs the observed model over the calibration feeds and fills one histogram per tensor. Nothing of a feed is kept. */
import { DsnkError, dsnkError, shapeText } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { Histogram } from '../quantize/histogram.js';
import { observedGraph } from '../quantize/observe.js';
import { readTensor, Tensor } from '../tensor.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds, Fetches } from './signature.js';

export type CalibrationFeeds = Iterable<Feeds> | AsyncIterable<Feeds>;

/** Whether something says that it can be iterated. */
export function isIterable(feeds: unknown): feeds is CalibrationFeeds {
  if (typeof feeds !== 'object' || feeds === null) return false;
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = feeds as Partial<AsyncIterable<Feeds> & Iterable<Feeds>>;
  return typeof (later ?? now) === 'function';
}

const files = new WeakMap<Feeds, string>();

/** Feeds that come from a file: errors name it. */
export function feedsFrom<F extends Feeds>(file: string, feeds: F): F {
  files.set(feeds, file);
  return feeds;
}

/** A feed in the words of an error. */
export function feedName(index: number, feeds: Feeds): string {
  const file = typeof feeds === 'object' && feeds !== null ? files.get(feeds) : undefined;
  return `calibration feed ${index}${file === undefined ? '' : ` (${file})`}`;
}

/** Shapes of the inputs in a feed, after the feed has been checked against the model. */
export function feedShapes(graph: Graph, feeds: Feeds, index: number): number[][] {
  const where = feedName(index, feeds);
  if (typeof feeds !== 'object' || feeds === null)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'it must be an object of tensors by input name', `${typeof feeds} came`);
  const shapes = graph.inputs.map((v) => {
    const feed = feeds[v.name];
    if (feed === undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `it must give every input of the model`, `"${v.name}" is missing`);
    const { dtype, dims } = readTensor(feed, `${where}: input "${v.name}"`);
    if (dtype !== v.type) throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', `${where}: input "${v.name}"`, `element type must be ${v.type}`, `${dtype} came`);
    const fits = v.shape === undefined || (v.shape.length === dims.length && v.shape.every((d, i) => typeof d === 'string' || d === dims[i]));
    if (!fits) throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', `${where}: input "${v.name}"`, `shape must be ${shapeText(v.shape)}`, `${shapeText(dims)} came`);
    return [...dims];
  });
  // A past of no tokens is one; a batch of no rows teaches nothing.
  if (shapes.length > 0 && shapes.every((dims) => dims.includes(0)))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'it must have elements', graph.inputs.map((v, i) => `"${v.name}" ${shapeText(shapes[i])}`).join(', '));
  return shapes;
}

export interface Calibrated {
  readonly histograms: ReadonlyMap<Value, Histogram>;
  readonly feeds: number;
}

export async function calibrate(
  source: Graph,
  tensors: readonly Value[],
  feeds: AsyncIterable<Feeds>,
  options: SessionOptions,
  onFeed: (done: number) => void,
): Promise<Calibrated> {
  const observed = observedGraph(source, tensors);
  const histograms = tensors.map(() => new Histogram());
  // Written into at every run: nothing of that size is made per feed.
  const counts = histograms.map((h) => new Tensor('uint32', new Uint32Array(h.bins + 1), [h.bins + 1]));
  await using session = await InferenceSession.fromGraph(observed.graph, options);
  let count = 0;
  for await (const feed of feeds) {
    feedShapes(source, feed, count);
    // What went beyond its range counts again with the new one: once for the first feed, rarely later.
    let open = tensors.map((_, i) => i);
    while (open.length > 0) {
      const ranges = new Tensor(
        'float32',
        Float32Array.from(histograms, (h) => h.range),
        [tensors.length],
      );
      const wanted: Record<string, Tensor | null> = {};
      for (const i of open) {
        const output = observed.outputs[i] as (typeof observed.outputs)[number];
        wanted[output.counts] = counts[i] as Tensor;
        wanted[output.extremes] = null;
      }
      const results = await runFeed(session, { ...feed, [observed.ranges]: ranges }, wanted, feedName(count, feed));
      const again: number[] = [];
      for (const i of open) {
        const extremes = results[observed.outputs[i]?.extremes as string]?.data as Float32Array;
        const [low, high] = extremesOf(extremes, tensors[i] as Value, feedName(count, feed));
        const h = histograms[i] as Histogram;
        if (h.cover(Math.max(-low, high))) again.push(i);
        else h.add(counts[i]?.data as Uint32Array, low, high);
      }
      open = again;
    }
    onFeed(++count);
  }
  return { histograms: new Map(tensors.map((t, i) => [t, histograms[i] as Histogram])), feeds: count };
}

async function runFeed(session: InferenceSession, feeds: Feeds, wanted: Fetches, where: string): Promise<Record<string, Tensor>> {
  try {
    return (await session.run(feeds, wanted)) as Record<string, Tensor>;
  } catch (error) {
    if (error instanceof DsnkError) throw new DsnkError(error.code, `${where}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Least and largest over all parts; NaN and infinities are an error that names the tensor. */
function extremesOf(parts: Float32Array, tensor: Value, where: string): [number, number] {
  let [low, high, bad] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < parts.length; i += 3) {
    low = Math.min(low, parts[i] as number);
    high = Math.max(high, parts[i + 1] as number);
    bad += parts[i + 2] as number;
  }
  if (bad > 0) {
    const made = tensor.producer === undefined ? 'an input of the model' : `the result of ${tensor.producer.where}`;
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `activations must be finite`, `${bad} NaN or infinite elements came in "${tensor.name}", ${made}`);
  }
  return [low, high];
}
