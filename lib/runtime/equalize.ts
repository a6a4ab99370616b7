/** Cross-layer equalization of a graph: sessions on constants look at the weights, the factors are chosen here. */
import type { Graph } from '../graph/graph.js';
import { inferGraph } from '../ops/infer.js';
import { findPairs, insertScales, rangeGraph, SETTLED, SWEEPS, step } from '../quantize/equalize.js';
import type { Product } from '../quantize/islands.js';
import { Tensor } from '../tensor.js';
import { InferenceSession } from './session.js';

/** Returns how many pairs of products were equalized; their weights are computed from constants afterwards. */
export async function equalize(graph: Graph, products: readonly Product[]): Promise<number> {
  const pairs = findPairs(graph, products);
  if (pairs.length === 0) return 0;
  const scales = pairs.map(({ first }) => new Float32Array(first.weight.dims[first.axis] as number).fill(1));
  await using session = await InferenceSession.fromGraph(rangeGraph(pairs).graph);
  for (let sweep = 0, moved = Number.POSITIVE_INFINITY; sweep < SWEEPS && moved > SETTLED; sweep++) {
    const ranges = await session.run(Object.fromEntries(scales.map((s, i) => [`scale:${i}`, new Tensor('float32', s, [s.length])])));
    const numbers = (name: string) => ranges[name]?.data as Float32Array;
    moved = Math.max(...scales.map((s, i) => step(s, numbers(`first:${i}`), numbers(`second:${i}`))));
  }
  insertScales(graph, pairs, scales);
  inferGraph(graph, { concrete: false });
  return pairs.length;
}
