/** Channels in the order in which two of every four neighbours are worth most: greedy exchanges, judged by a session on constants. */
import type { Constant, Graph } from '../graph/graph.js';
import { bundlesOf } from '../prune/bundles.js';
import { channelGroups } from '../prune/channel-groups.js';
import { keptGraph, type Movable, movableBundles, reordered, worthGraph } from '../prune/permute.js';
import type { Keep, Product } from '../quantize/islands.js';
import { Tensor } from '../tensor.js';
import { constantOf, gatherGrams } from './fit-layers.js';
import { concreteDims } from './prune-channels.js';
import { settle } from './quantize-source.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

const ROUNDS = 200;
/** Exchanges looked at in a round. */
const TRIED = 256;

/** The same model, in place of `source` where channels have changed places. */
export async function permuteChannels(source: Graph, keep: Keep, samples: readonly Feeds[], options: SessionOptions): Promise<Graph> {
  const groups = channelGroups(source, keep, concreteDims(source, samples[0]));
  const movable = movableBundles(groups, bundlesOf(groups, false));
  const orders = new Map<number, readonly number[]>();
  for (const m of movable) {
    const grams: ReadonlyMap<Product, Constant> =
      samples.length === 0
        ? new Map()
        : await gatherGrams(
            source,
            m.bundle.readers.map((l) => l.product),
            (v) => v,
            samples,
            options,
          );
    const scores = await runConstants(worthGraph(m, (layer) => grams.get(layer.product)));
    orders.set(m.order[0] as number, await bestOrder(m, constantOf(scores['scores'] as { data: Float32Array; dims: readonly number[] })));
  }
  if (orders.size === 0) return source;
  const { graph } = reordered(source, groups, orders);
  await settle(graph);
  return graph;
}

/** Numbers in [0, n) that are the same every time. */
function randomPlaces(): (n: number) => number {
  let state = 1;
  return (n) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return ((state ^ (state >>> 13)) >>> 0) % n;
  };
}

async function bestOrder({ order }: Movable, scores: Constant): Promise<readonly number[]> {
  await using session = await InferenceSession.fromGraph(keptGraph(scores));
  const keptOf = async (fours: readonly (readonly number[])[]) => {
    const flat = BigInt64Array.from(fours.flat(), BigInt);
    return (await session.run({ fours: new Tensor('int64', flat, [fours.length, 4]) }))['kept']?.data as Float32Array;
  };
  const fours = Array.from({ length: order.length / 4 }, (_, i) => [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3]);
  const kept = Array.from(await keptOf(fours));
  const at = randomPlaces();
  for (let round = 0; round < ROUNDS; round++) {
    const tried = Array.from({ length: TRIED }, () => {
      const [a, i, j] = [at(fours.length), at(4), at(4)];
      const b = (a + 1 + at(fours.length - 1)) % fours.length;
      const [p, q] = [[...(fours[a] as number[])], [...(fours[b] as number[])]];
      [p[i], q[j]] = [q[j] as number, p[i] as number];
      return { a, b, p, q, gain: 0 };
    });
    const values = await keptOf(tried.flatMap(({ p, q }) => [p, q]));
    for (const [i, t] of tried.entries()) t.gain = (values[2 * i] as number) + (values[2 * i + 1] as number) - (kept[t.a] as number) - (kept[t.b] as number);
    const changed = new Set<number>();
    for (const [i, t] of [...tried.entries()].sort(([, s], [, u]) => u.gain - s.gain)) {
      // Less is what rounding makes of nothing.
      if (t.gain <= 1e-6 || changed.has(t.a) || changed.has(t.b)) continue;
      changed.add(t.a).add(t.b);
      [fours[t.a], fours[t.b]] = [t.p, t.q];
      [kept[t.a], kept[t.b]] = [values[2 * i] as number, values[2 * i + 1] as number];
    }
  }
  return fours.flat();
}
