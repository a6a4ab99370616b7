/** Which dimensions of a graph grow by a call: those of a past that comes back as an output with new rows behind it. */
import { addDim, type Dim } from './dim.js';
import type { Graph, Value } from './graph.js';

export interface Growth {
  /** The symbol of the past's length. */
  readonly past: string;
  /** How many rows a call adds: a number, or the symbol of another dimension of the inputs. */
  readonly rows: Dim;
  /** Axis of the past in each input that has it, by position among the graph's inputs. */
  readonly pasts: ReadonlyMap<number, number>;
  /** Axis of past and new rows in each output that has them, by position among the graph's outputs. */
  readonly presents: ReadonlyMap<number, number>;
}

/** The axis of the one dimension in which two shapes differ. */
function differing(a: readonly Dim[], b: readonly Dim[]): number | undefined {
  const axes = [...a.keys()].filter((i) => a[i] !== b[i]);
  return a.length === b.length && axes.length === 1 ? axes[0] : undefined;
}

/** X where `total` is what addDim makes of `past` and X, in this order: new rows stand behind. */
function addedTo(past: string, total: Dim): Dim | undefined {
  if (typeof total !== 'string' || !total.startsWith(`${past}+`)) return undefined;
  const rest = total.slice(past.length + 1);
  const rows = /^\d+$/.test(rest) ? Number(rest) : rest;
  return /^[\w.]+$/.test(rest) && addDim(past, rows) === total ? rows : undefined;
}

/** undefined where nothing grows, or not all of it alike. Shapes are those of a symbolic inference. */
export function growthOf(graph: Graph): Growth | undefined {
  const presents = new Map<number, number>();
  let past: string | undefined;
  let rows: Dim | undefined;
  for (const [i, output] of graph.outputs.entries()) {
    for (const input of graph.inputs) {
      const axis = input.shape && output.shape && input.dtype === output.dtype ? differing(input.shape, output.shape) : undefined;
      const from = axis === undefined ? undefined : (input.shape?.[axis] as Dim);
      const added = typeof from === 'string' ? addedTo(from, output.shape?.[axis as number] as Dim) : undefined;
      if (axis === undefined || typeof from !== 'string' || added === undefined) continue;
      if ((past ?? from) !== from || (rows ?? added) !== added) return undefined;
      past = from;
      rows = added;
      presents.set(i, axis);
      break;
    }
  }
  if (past === undefined || rows === undefined) return undefined;
  const pasts = new Map<number, number>();
  for (const [i, { shape }] of graph.inputs.entries()) {
    const axis = shape?.indexOf(past) ?? -1;
    if (axis < 0) continue;
    // Rows are appended behind a batch.
    if (axis === 0 || shape?.lastIndexOf(past) !== axis) return undefined;
    pasts.set(i, axis);
  }
  if (typeof rows === 'string' && !graph.inputs.some((v) => v.shape?.includes(rows as string))) return undefined;
  return { past, rows, pasts, presents };
}

/** Symbols of the inputs that may be the past's length and that of the new rows together, with the places where they stand. */
export function totalsOf(graph: Graph, { past, rows, pasts }: Growth): ReadonlyMap<string, readonly (readonly [input: Value, axis: number])[]> {
  const others = new Set<Dim>([past, rows]);
  for (const i of pasts.keys()) for (const d of graph.inputs[i]?.shape ?? []) others.add(d);
  const places = new Map<string, [Value, number][]>();
  for (const v of graph.inputs) {
    for (const [axis, d] of (v.shape ?? []).entries()) {
      if (typeof d !== 'string' || others.has(d)) continue;
      const list = places.get(d);
      if (list === undefined) places.set(d, [[v, axis]]);
      else list.push([v, axis]);
    }
  }
  return places;
}
