/**
 * Offline planning of the arena: buffers with known lifetimes share memory. Four greedy strategies are tried and the
 * smallest arena wins; the largest live set is the lower bound that no plan can beat. Where none reaches it,
 * memory-sweep.ts looks for a plan that does, and where that fails too a short local search goes on from the best.
 * Source: Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020), §5; what differs: the
 * breadth strategy orders by the live set's size, all place at the lowest offset that fits, and the search.
 */

import { sweep } from './memory-sweep.js';

export interface Lifetime {
  readonly bytes: number;
  /** First and last step that touches it, inclusive. */
  readonly first: number;
  readonly last: number;
}

export interface MemoryPlan {
  readonly offsets: readonly number[];
  readonly peakBytes: number;
  /** Largest sum of buffers alive at one step. */
  readonly lowerBoundBytes: number;
  readonly strategy: string;
}

export const ARENA_ALIGN = 64;

const aligned = (bytes: number) => Math.ceil(bytes / ARENA_ALIGN) * ARENA_ALIGN;

/** Work of the local search, in neighbours looked at: about 5 ms. A count, not a time: a model always gets one plan. */
const SEARCH_WORK = 300_000;

interface Placement {
  readonly order: readonly number[];
  /** The buffers that are placed from above. */
  readonly high: readonly boolean[];
  readonly offsets: readonly number[];
  readonly peakBytes: number;
  /** Sum over the buffers of what lies above the cap. */
  readonly excessBytes: number;
}

/** Plans offsets for buffers that are alive from `first` to `last`. */
export function planMemory(buffers: readonly Lifetime[]): MemoryPlan {
  const sizes = buffers.map((b) => aligned(b.bytes));
  const live = liveBytes(buffers, sizes);
  const lowerBoundBytes = live.reduce((a, b) => Math.max(a, b), 0);
  const some = buffers.map((_, i) => i).filter((i) => sizes[i] !== 0);
  const neighbours = overlaps(buffers, some);
  const size = (i: number) => sizes[i] as number;
  const first = (i: number) => (buffers[i] as Lifetime).first;
  const span = (i: number) => (buffers[i] as Lifetime).last - first(i);
  const pressure = mostAlive(buffers, live);
  const most = (i: number) => pressure[i] as number;

  const low = new Array<boolean>(buffers.length).fill(false);
  const strategies: readonly [string, (a: number, b: number) => number, boolean][] = [
    ['by size', (a, b) => size(b) - size(a) || span(b) - span(a) || a - b, false],
    ['by pressure', (a, b) => most(b) - most(a) || size(b) - size(a) || a - b, false],
    ['by time', (a, b) => first(a) - first(b) || size(b) - size(a) || a - b, false],
    ['by time from both ends', (a, b) => first(a) - first(b) || size(b) - size(a) || a - b, true],
  ];
  let best: (Placement & { strategy: string }) | undefined;
  for (const [strategy, compare, bothEnds] of strategies) {
    const order = [...some].sort(compare);
    const high = bothEnds ? alternate(order, neighbours, buffers.length) : low;
    const placement = place(order, high, lowerBoundBytes, sizes, neighbours);
    if (best === undefined || placement.peakBytes < best.peakBytes) best = { ...placement, strategy };
    if (best.peakBytes === lowerBoundBytes) break;
  }
  let { offsets, peakBytes, strategy } = best as Placement & { strategy: string };
  if (peakBytes > lowerBoundBytes) {
    const swept = sweep(buffers, sizes, live, lowerBoundBytes);
    if (swept !== undefined) return { offsets: swept, peakBytes: lowerBoundBytes, lowerBoundBytes, strategy: 'sweep' };
    const found = search(best as Placement, sizes, neighbours, lowerBoundBytes);
    if (found.peakBytes < peakBytes) ({ offsets, peakBytes, strategy } = { ...found, strategy: `${strategy}, then search` });
  }
  return { offsets, peakBytes, lowerBoundBytes, strategy };
}

/** Bytes alive at every step. */
function liveBytes(buffers: readonly Lifetime[], sizes: readonly number[]): number[] {
  const steps = buffers.reduce((n, b) => Math.max(n, b.last + 1), 0);
  const change = new Array<number>(steps + 1).fill(0);
  buffers.forEach((b, i) => {
    change[b.first] = (change[b.first] as number) + (sizes[i] as number);
    change[b.last + 1] = (change[b.last + 1] as number) - (sizes[i] as number);
  });
  let sum = 0;
  return change.slice(0, steps).map((c) => (sum += c));
}

/** For every buffer the largest live set it is part of. */
function mostAlive(buffers: readonly Lifetime[], live: readonly number[]): number[] {
  return buffers.map((b) => {
    let most = 0;
    for (let s = b.first; s <= b.last; s++) most = Math.max(most, live[s] as number);
    return most;
  });
}

/** In order of time: each buffer at the other end than the last one that was made before it and is still alive. */
function alternate(order: readonly number[], neighbours: readonly number[][], count: number): boolean[] {
  const high = new Array<boolean>(count).fill(false);
  const rank = new Array<number>(count).fill(-1);
  order.forEach((i, at) => {
    let last = -1;
    for (const j of neighbours[i] as number[]) if ((rank[j] as number) >= 0 && (last < 0 || (rank[j] as number) > (rank[last] as number))) last = j;
    high[i] = last >= 0 && !high[last];
    rank[i] = at;
  });
  return high;
}

/** Which buffers are alive together. */
function overlaps(buffers: readonly Lifetime[], some: readonly number[]): number[][] {
  const neighbours: number[][] = buffers.map(() => []);
  const byStart = [...some].sort((a, b) => (buffers[a] as Lifetime).first - (buffers[b] as Lifetime).first);
  let alive: number[] = [];
  for (const i of byStart) {
    const { first } = buffers[i] as Lifetime;
    alive = alive.filter((j) => (buffers[j] as Lifetime).last >= first);
    for (const j of alive) {
      (neighbours[i] as number[]).push(j);
      (neighbours[j] as number[]).push(i);
    }
    alive.push(i);
  }
  return neighbours;
}

/**
 * Places buffers in the given order, each in the lowest gap among the placed ones it lives beside, or in the highest
 * gap below `cap` where it is one of the `high` ones and such a gap is there. Chains need both ends: what is read lies
 * at one, what is made at the other.
 */
function place(order: readonly number[], high: readonly boolean[], cap: number, sizes: readonly number[], neighbours: readonly number[][]): Placement {
  const offsets = new Array<number>(sizes.length).fill(-1);
  const beside: number[] = [];
  let peakBytes = 0;
  let excessBytes = 0;
  for (const i of order) {
    const need = sizes[i] as number;
    beside.length = 0;
    // kept sorted by offset: neighbours are few
    for (const j of neighbours[i] as number[]) {
      const offset = offsets[j] as number;
      if (offset < 0) continue;
      let k = beside.length;
      for (; k > 0 && (offsets[beside[k - 1] as number] as number) > offset; k--) beside[k] = beside[k - 1] as number;
      beside[k] = j;
    }
    let at = high[i] ? highestGap(need, cap, beside, offsets, sizes) : -1;
    if (at < 0) {
      at = 0;
      for (const j of beside) {
        const begin = offsets[j] as number;
        if (at + need <= begin) break;
        at = Math.max(at, begin + (sizes[j] as number));
      }
    }
    offsets[i] = at;
    peakBytes = Math.max(peakBytes, at + need);
    excessBytes += Math.max(0, at + need - cap);
  }
  for (let i = 0; i < offsets.length; i++) if ((offsets[i] as number) < 0) offsets[i] = 0;
  return { order, high, offsets, peakBytes, excessBytes };
}

/** The highest offset below cap where `need` bytes are free; negative where there is none. */
function highestGap(need: number, cap: number, beside: readonly number[], offsets: readonly number[], sizes: readonly number[]): number {
  let end = cap;
  for (;;) {
    let lowest = -1;
    // the buffer that reaches highest into the range that is left
    for (const j of beside) {
      const begin = offsets[j] as number;
      if (begin < end && begin + (sizes[j] as number) > end - need) lowest = lowest < 0 ? begin : Math.min(lowest, begin);
    }
    if (lowest < 0) return end - need;
    end = lowest;
  }
}

/**
 * Takes a buffer that ends above the bound and moves it before one of those it lives beside, or changes the end that
 * one of them is placed from; keeps what leaves no more above the bound, which falls block by block of a network where
 * the peak would stand still until the last. The choices follow a fixed sequence of pseudo-random numbers.
 */
function search(start: Placement, sizes: readonly number[], neighbours: readonly number[][], enough: number): Placement {
  const workPerRound = start.order.reduce((sum, i) => sum + 2 + (neighbours[i] as number[]).length, 1);
  const rounds = Math.floor(SEARCH_WORK / workPerRound);
  let seed = 1;
  const pick = (n: number) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % 65521) % n;
  let best = start;
  let current = start;
  for (let round = 0; round < rounds && best.peakBytes > enough; round++) {
    const { order, high, offsets } = current;
    const tops = order.filter((i) => (offsets[i] as number) + (sizes[i] as number) > enough);
    const top = tops[pick(tops.length)] as number;
    const beside = neighbours[top] as number[];
    if (beside.length === 0) break;
    const other = beside[pick(beside.length)] as number;
    let next = { order, high };
    if (pick(3) === 0) {
      const flipped = pick(2) === 0 ? top : other;
      next = { order, high: high.map((h, i) => (i === flipped ? !h : h)) };
    } else {
      const moved = order.filter((i) => i !== top);
      moved.splice(moved.indexOf(other), 0, top);
      next = { order: moved, high };
    }
    const placed = place(next.order, next.high, enough, sizes, neighbours);
    if (placed.excessBytes <= current.excessBytes || pick(24) === 0) current = placed;
    if (placed.peakBytes < best.peakBytes) best = placed;
  }
  return best;
}
