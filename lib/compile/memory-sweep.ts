/**
 * A second way to place buffers, for graphs whose peak leaves no room for a hole: goes through the steps in order with
 * many partial plans at once, each a layout of what is alive, and gives every new buffer both ends of every gap that
 * takes it. Plans that agree on what is alive are one plan, so a network of equal blocks costs the same in each block.
 * Where too many are left, those go on that leave the largest gap between the buffers that will still be alive at the
 * next peak; plans that chose badly die there.
 * Source: own; a beam search (Lowerre 1976) over the interval packing of memory.ts.
 */
import type { Lifetime } from './memory.js';

/** Partial plans kept from one buffer to the next: few are tried first, since they usually do. */
const BEAMS = [6, 24, 96] as const;

/** Partial plans made at most in one attempt, about 20 ms. A count, not a time: a model always gets one plan. */
const MAX_PLANS = 20_000;

interface Layout {
  /** Buffers that are alive, by offset; offsets beside them. */
  readonly live: readonly number[];
  readonly offsets: readonly number[];
  /** Bytes of the largest gap that the next peak will find: the plans that keep room in one piece go first. */
  readonly room: number;
  readonly before: Layout | undefined;
  readonly placed: number;
  readonly at: number;
}

/** Offsets of all buffers below `cap`; undefined where none of the plans that were kept comes to the end. */
export function sweep(buffers: readonly Lifetime[], sizes: readonly number[], live: readonly number[], cap: number): number[] | undefined {
  // the first step at or after each that needs all there is
  const peakAfter = new Array<number>(live.length);
  for (let s = live.length - 1, peak = -1; s >= 0; s--) {
    if (live[s] === cap) peak = s;
    peakAfter[s] = peak < 0 ? s : peak;
  }
  const order = buffers
    .map((_, i) => i)
    .filter((i) => (sizes[i] as number) > 0)
    .sort((a, b) => (buffers[a] as Lifetime).first - (buffers[b] as Lifetime).first || (sizes[b] as number) - (sizes[a] as number) || a - b);
  for (const width of BEAMS) {
    if (order.length * width > MAX_PLANS) break;
    const offsets = sweepWith(width, order, buffers, sizes, peakAfter, cap);
    if (offsets !== undefined) return offsets;
  }
  return undefined;
}

function sweepWith(
  width: number,
  order: readonly number[],
  buffers: readonly Lifetime[],
  sizes: readonly number[],
  peakAfter: readonly number[],
  cap: number,
): number[] | undefined {
  const survives = (j: number, step: number) => (buffers[j] as Lifetime).last >= step;
  let beam: Layout[] = [{ live: [], offsets: [], room: cap, before: undefined, placed: -1, at: 0 }];
  for (const i of order) {
    const { first } = buffers[i] as Lifetime;
    const need = sizes[i] as number;
    const peak = peakAfter[first] as number;
    const next = new Map<string, Layout>();
    for (const layout of beam) {
      const live: number[] = [];
      const offsets: number[] = [];
      layout.live.forEach((j, k) => {
        if (!survives(j, first)) return;
        live.push(j);
        offsets.push(layout.offsets[k] as number);
      });
      const add = (k: number, at: number) => {
        const newOffsets = [...offsets.slice(0, k), at, ...offsets.slice(k)];
        const newLive = [...live.slice(0, k), i, ...live.slice(k)];
        // all plans of a round hold the same buffers: what differs is who lies where
        const key = `${newLive}@${newOffsets}`;
        if (next.has(key)) return;
        let room = 0;
        let begin = 0;
        newLive.forEach((j, n) => {
          if (!survives(j, peak)) return;
          room = Math.max(room, (newOffsets[n] as number) - begin);
          begin = (newOffsets[n] as number) + (sizes[j] as number);
        });
        next.set(key, { live: newLive, offsets: newOffsets, room: Math.max(room, cap - begin), before: layout, placed: i, at });
      };
      let begin = 0;
      for (let k = 0; k <= live.length; k++) {
        const end = k < live.length ? (offsets[k] as number) : cap;
        if (end - begin >= need) {
          add(k, begin);
          if (end - begin > need) add(k, end - need);
        }
        if (k < live.length) begin = end + (sizes[live[k] as number] as number);
      }
    }
    beam = [...next.values()];
    if (beam.length === 0) return undefined;
    if (beam.length > width) beam = beam.sort((a, b) => b.room - a.room).slice(0, width);
  }
  const result = new Array<number>(buffers.length).fill(0);
  for (let layout: Layout | undefined = beam[0]; layout !== undefined && layout.placed >= 0; layout = layout.before) result[layout.placed] = layout.at;
  return result;
}
