/** Signal to noise of a quantized model's values, over feeds. */
import type { Graph, Value } from '../graph/graph.js';
import { comparisonGraph, decibels } from '../quantize/compare.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

/** In dB, for each value of the float model and its twin in the quantized one. */
export async function measureError(
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
    for (let i = 0; i < pairs.length; i++) {
      signal[i] = (signal[i] as number) + Number(results[`signal:${i}`]?.data[0]);
      noise[i] = (noise[i] as number) + Number(results[`noise:${i}`]?.data[0]);
    }
    onProgress(done + 1, samples.length);
  }
  return Array.from(signal, (s, i) => decibels(s, noise[i] as number));
}
