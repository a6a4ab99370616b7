/**
 * The order in which nodes run. The model's order stays where no order can need less memory, or where a greedy one does
 * not need less by this estimate: bytes of the values that are alive at each node, an output that may be a view of its
 * input counted once.
 */
import { byteSize } from '../dtype.js';
import { elementCount, isConcrete } from '../graph/dim.js';
import type { Graph, Node, Value } from '../graph/graph.js';

/** Operators whose result is their input's memory. */
const views = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/** What the estimate needs of a graph: nodes as numbers, values as memory. */
class Liveness {
  readonly #memory = new Map<Value, number>();
  /** Bytes of each piece of memory. */
  readonly bytes: number[] = [];
  /** Memory that each node reads and makes, without repeats. */
  readonly reads: number[][];
  readonly makes: number[][];
  /** How many nodes read each piece; one more for what leaves the graph. */
  readonly readers: number[] = [];

  constructor(readonly graph: Graph) {
    const constant = new Set<Value>();
    const isConstant = (v: Value) => v.constant !== undefined || constant.has(v);
    this.makes = graph.nodes.map((node) => {
      const isFolded = node.inputs.length > 0 && node.inputs.every((v) => v === undefined || isConstant(v));
      const source = views.has(node.op) && node.domain === '' ? node.inputs[0] : undefined;
      const shared = source && this.#memory.get(source);
      return node.outputs.flatMap((v) => {
        if (isFolded) {
          constant.add(v);
          return [];
        }
        if (shared !== undefined) {
          this.#memory.set(v, shared);
          return [];
        }
        const id = this.bytes.length;
        this.#memory.set(v, id);
        const { dtype, shape } = v;
        this.bytes.push(dtype !== undefined && shape !== undefined && isConcrete(shape) ? byteSize(dtype, elementCount(shape)) : 0);
        this.readers.push(0);
        return [id];
      });
    });
    this.reads = graph.nodes.map((node) => [...new Set(node.inputs.flatMap((v) => this.#idOf(v)))]);
    for (const list of this.reads) for (const id of list) this.readers[id] = (this.readers[id] as number) + 1;
    for (const id of graph.outputs.flatMap((v) => this.#idOf(v))) this.readers[id] = (this.readers[id] as number) + 1;
  }

  #idOf(v: Value | undefined): number[] {
    const id = v && this.#memory.get(v);
    return id === undefined ? [] : [id];
  }

  /** Largest sum of bytes that one node needs at once: no order needs less. */
  lowerBound(): number {
    return this.graph.nodes.reduce((most, _, n) => Math.max(most, this.#sum([...(this.reads[n] as number[]), ...(this.makes[n] as number[])])), 0);
  }

  /** Largest sum of live bytes over an order. */
  peak(order: readonly number[]): number {
    const left = [...this.readers];
    let live = 0;
    let most = 0;
    for (const n of order) {
      live += this.#sum(this.makes[n] as number[]);
      most = Math.max(most, live);
      live -= this.freed(n, left);
      for (const id of this.reads[n] as number[]) left[id] = (left[id] as number) - 1;
      for (const id of this.makes[n] as number[]) if (left[id] === 0) live -= this.bytes[id] as number;
    }
    return most;
  }

  /** Bytes that die once node n has run. */
  freed(n: number, left: readonly number[]): number {
    return (this.reads[n] as number[]).reduce((sum, id) => sum + (left[id] === 1 ? (this.bytes[id] as number) : 0), 0);
  }

  made(n: number): number {
    return this.#sum(this.makes[n] as number[]);
  }

  #sum(ids: readonly number[]): number {
    return ids.reduce((sum, id) => sum + (this.bytes[id] as number), 0);
  }
}

/**
 * Of the nodes that could run, always the one that leaves the fewest bytes alive; of equal ones the one that became
 * ready last, which follows a branch to its end before it starts the next.
 */
function greedyOrder(graph: Graph, live: Liveness): number[] {
  const indexOf = new Map<Node, number>(graph.nodes.map((node, n) => [node, n]));
  const waits = graph.nodes.map((node) => new Set(node.inputs.flatMap((v) => (v?.producer === undefined ? [] : [indexOf.get(v.producer) as number]))));
  const wakes: number[][] = graph.nodes.map(() => []);
  waits.forEach((before, n) => {
    for (const b of before) (wakes[b] as number[]).push(n);
  });
  const left = [...live.readers];
  const waiting = waits.map((before) => before.size);
  const readyAt = new Map<number, number>();
  waiting.forEach((count, n) => {
    if (count === 0) readyAt.set(n, -n / graph.nodes.length);
  });
  const order: number[] = [];
  while (readyAt.size > 0) {
    let best = -1;
    let bestGrowth = Number.POSITIVE_INFINITY;
    let bestTime = Number.NEGATIVE_INFINITY;
    for (const [n, time] of readyAt) {
      const growth = live.made(n) - live.freed(n, left);
      if (growth < bestGrowth || (growth === bestGrowth && time > bestTime)) [best, bestGrowth, bestTime] = [n, growth, time];
    }
    readyAt.delete(best);
    order.push(best);
    for (const id of live.reads[best] as number[]) left[id] = (left[id] as number) - 1;
    for (const next of wakes[best] as number[]) {
      waiting[next] = (waiting[next] as number) - 1;
      // among those that wake together the earlier one in the model goes first
      if (waiting[next] === 0) readyAt.set(next, order.length - next / graph.nodes.length);
    }
  }
  return order;
}

/** Estimated peak of live bytes in the graph's present order. */
export function livePeak(graph: Graph): number {
  return new Liveness(graph).peak(graph.nodes.map((_, n) => n));
}

/** Reorders nodes where that lowers the estimated peak. */
export function schedule(graph: Graph): void {
  const live = new Liveness(graph);
  const present = live.peak(graph.nodes.map((_, n) => n));
  if (present <= live.lowerBound()) return;
  const order = greedyOrder(graph, live);
  if (live.peak(order) < present) graph.nodes = order.map((n) => graph.nodes[n] as Node);
}
