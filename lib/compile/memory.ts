/**
 * Offline planning of the arena: buffers with known lifetimes share memory. Two greedy strategies are tried and the
 * smaller arena wins; the largest live set is the lower bound that no plan can beat.
 * Source: Pisarchyk & Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020), §5; what differs: the
 * breadth strategy orders by the live set's size, and both place at the lowest offset that fits.
 */

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

/** Plans offsets for buffers that are alive from `first` to `last`. */
export function planMemory(buffers: readonly Lifetime[]): MemoryPlan {
  const bySize = buffers.map((_, i) => i).sort((a, b) => size(b) - size(a) || span(b) - span(a) || a - b);
  const live = liveBytes(buffers);
  const lowerBoundBytes = live.reduce((a, b) => Math.max(a, b), 0);
  const pressure = buffers.map((b) => {
    let most = 0;
    for (let s = b.first; s <= b.last; s++) most = Math.max(most, live[s] as number);
    return most;
  });
  const byPressure = buffers.map((_, i) => i).sort((a, b) => (pressure[b] as number) - (pressure[a] as number) || size(b) - size(a) || a - b);
  const byTime = buffers.map((_, i) => i).sort((a, b) => (buffers[a] as Lifetime).first - (buffers[b] as Lifetime).first || size(b) - size(a) || a - b);
  let best: MemoryPlan | undefined;
  for (const [strategy, order] of [
    ['by size', bySize],
    ['by pressure', byPressure],
    ['by time', byTime],
  ] as const) {
    const { offsets, peakBytes } = place(buffers, order);
    if (best === undefined || peakBytes < best.peakBytes) best = { offsets, peakBytes, lowerBoundBytes, strategy };
    if (best.peakBytes === lowerBoundBytes) break;
  }
  return best as MemoryPlan;

  function size(i: number): number {
    return (buffers[i] as Lifetime).bytes;
  }
  function span(i: number): number {
    const b = buffers[i] as Lifetime;
    return b.last - b.first;
  }
}

/** Bytes alive at every step. */
function liveBytes(buffers: readonly Lifetime[]): number[] {
  const steps = buffers.reduce((n, b) => Math.max(n, b.last + 1), 0);
  const change = new Array<number>(steps + 1).fill(0);
  for (const b of buffers) {
    change[b.first] = (change[b.first] as number) + aligned(b.bytes);
    change[b.last + 1] = (change[b.last + 1] as number) - aligned(b.bytes);
  }
  let sum = 0;
  return change.slice(0, steps).map((c) => (sum += c));
}

/** Places buffers in the given order, each at the lowest gap among the placed ones it lives beside. */
function place(buffers: readonly Lifetime[], order: readonly number[]): { offsets: number[]; peakBytes: number } {
  const offsets = new Array<number>(buffers.length).fill(0);
  const placed: number[] = []; // by offset
  let peakBytes = 0;
  for (const i of order) {
    const b = buffers[i] as Lifetime;
    if (b.bytes === 0) continue;
    const need = aligned(b.bytes);
    let at = 0;
    for (const j of placed) {
      const other = buffers[j] as Lifetime;
      if (other.last < b.first || other.first > b.last) continue;
      const begin = offsets[j] as number;
      if (at + need <= begin) break;
      at = Math.max(at, begin + aligned(other.bytes));
    }
    offsets[i] = at;
    const position = placed.findIndex((j) => (offsets[j] as number) > at);
    placed.splice(position < 0 ? placed.length : position, 0, i);
    peakBytes = Math.max(peakBytes, at + need);
  }
  return { offsets, peakBytes };
}
