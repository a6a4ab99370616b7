/** What models cost on the same feeds: time, of the whole and of each node, and memory. */
import type { Graph } from '../graph/graph.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

export interface ModelCost {
  /** Median of a run, from feeds to results. */
  readonly medianMs: number;
  /** By name: the median of the sum of a node's instructions. What fusion has made one node is under one name. */
  readonly nodesUs: ReadonlyMap<string, number>;
  /** Packed. */
  readonly weightBytes: number;
  /** Of intermediate results, in the largest program. */
  readonly arenaBytes: number;
}

export interface Costs {
  readonly threads: number;
  /** Of each model. */
  readonly runs: number;
  /** In the order of the graphs. */
  readonly models: readonly ModelCost[];
}

/** Feeds that are run, one a round. */
const TIMED_FEEDS = 8;
const [LEAST_ROUNDS, MOST_ROUNDS] = [5, 200];
/** For each model, once it had its least rounds. */
const BUDGET_MS = 400;

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number;

class Timed {
  readonly ms: number[] = [];
  readonly #nodes = new Map<string, number[]>();

  constructor(readonly session: InferenceSession) {}

  async round(feeds: Feeds): Promise<void> {
    const begin = performance.now();
    await this.session.run(feeds);
    this.ms.push(performance.now() - begin);
    const sums = new Map<string, number>();
    for (const { node, timeNs } of (await this.session.profile(feeds)).nodes) sums.set(node, (sums.get(node) ?? 0) + timeNs / 1e3);
    for (const [node, us] of sums) {
      const times = this.#nodes.get(node);
      if (times === undefined) this.#nodes.set(node, [us]);
      else times.push(us);
    }
  }

  cost(): ModelCost {
    const { weightBytes, programs } = this.session.report();
    return {
      medianMs: median(this.ms),
      nodesUs: new Map([...this.#nodes].map(([node, times]) => [node, median(times)])),
      weightBytes,
      arenaBytes: Math.max(...programs.map((p) => p.memory.arenaBytes)),
    };
  }
}

/** Runs the models in turn, the order turned round every time, so that whatever slows the machine down slows all of them. */
export async function measureCosts(
  graphs: readonly Graph[],
  samples: readonly Feeds[],
  options: SessionOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Costs> {
  const timed: Timed[] = [];
  try {
    for (const graph of graphs) timed.push(new Timed(await InferenceSession.fromGraph(graph, options)));
    const feeds = samples.slice(0, TIMED_FEEDS);
    for (const { session } of timed) for (const feed of feeds) await session.run(feed);
    const begin = performance.now();
    const share = () => Math.min(1, (performance.now() - begin) / (BUDGET_MS * graphs.length));
    for (let round = 0; round < LEAST_ROUNDS || (round < MOST_ROUNDS && share() < 1); round++) {
      const feed = feeds[round % feeds.length] as Feeds;
      for (const t of round % 2 === 0 ? timed : [...timed].reverse()) await t.round(feed);
      onProgress(Math.round(share() * 100), 100);
    }
    const threads = timed[0]?.session.report().programs[0]?.threads ?? 1;
    return { threads, runs: timed[0]?.ms.length ?? 0, models: timed.map((t) => t.cost()) };
  } finally {
    for (const { session } of timed) await session.release();
  }
}
