/** Signal to noise of a quantized model's values, over feeds. */
import { type DsnkError, dsnkError } from '../errors.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { comparisonGraph, decibels } from '../quantize/compare.js';
import type { Product } from '../quantize/islands.js';
import type { OutputReport } from '../quantize/report.js';
import { feedName } from './calibrate.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

/** So many feeds are enough for it. */
const MEASURED_FEEDS = 8;

export interface ModelError {
  /** In dB, of the layers' results. */
  readonly sqnr: ReadonlyMap<Node, number>;
  readonly outputs: readonly OutputReport[];
}

/** Of the results of products and of the outputs, with all errors from before them, on the first feeds. Empty without feeds. */
export async function measureModel(
  float: Graph,
  quantized: { readonly graph: Graph; readonly map: ReadonlyMap<Value, Value> },
  products: readonly Product[],
  samples: readonly Feeds[],
  options: SessionOptions,
  onProgress: (done: number, total: number) => void,
): Promise<ModelError> {
  if (samples.length === 0) return { sqnr: new Map(), outputs: [] };
  const outputs = float.outputs.filter((v) => v.dtype === 'float32');
  const values = [...new Set([...products.map((p) => p.node.output()), ...outputs])];
  const there = (v: Value) => {
    const at = float.outputs.indexOf(v);
    return (at >= 0 ? quantized.graph.outputs[at] : quantized.map.get(v)) as Value;
  };
  const pairs = values.map((v) => [v, there(v)] as const);
  const errors = await measureError(float, quantized.graph, pairs, samples.slice(0, MEASURED_FEEDS), options, onProgress);
  const errorsOf = new Map(values.map((v, i) => [v, errors[i]]));
  const errorOf = (v: Value) => errorsOf.get(v) as number;
  return {
    sqnr: new Map(products.map((p) => [p.node, errorOf(p.node.output())])),
    outputs: outputs.map((v) => ({ name: v.name, sqnrDb: errorOf(v) })),
  };
}

/** In dB, for each value of the float model and its twin in the quantized one. */
async function measureError(
  float: Graph,
  quantized: Graph,
  pairs: readonly (readonly [Value, Value])[],
  samples: readonly Feeds[],
  options: SessionOptions,
  onProgress: (done: number, total: number) => void,
): Promise<number[]> {
  await using session = await InferenceSession.fromGraph(comparisonGraph(float, quantized, pairs), options);
  const [signal, noise] = [new Float64Array(pairs.length), new Float64Array(pairs.length)];
  for (const [done, feeds] of samples.entries()) {
    const results = await session.run(feeds);
    for (const [i, [v]] of pairs.entries()) {
      const [s, n] = [Number(results[`signal:${i}`]?.data[0]), Number(results[`noise:${i}`]?.data[0])];
      // The energy of what is finite may overflow; a difference that is no number comes from NaN or infinities.
      if (Number.isNaN(s + n)) throw notFinite(v, feedName(done, feeds));
      signal[i] = (signal[i] as number) + s;
      noise[i] = (noise[i] as number) + n;
    }
    onProgress(done + 1, samples.length);
  }
  return Array.from(signal, (s, i) => decibels(s, noise[i] as number));
}

function notFinite(v: Value, where: string): DsnkError {
  const made = v.producer === undefined ? 'an input of the model' : `the result of ${v.producer.where}`;
  return dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'activations must be finite', `NaN or infinite elements came in "${v.name}", ${made}`);
}
