/** Where units lie behind operators that only move elements. */
import type { Node, Value } from '../graph/graph.js';
import { numbersOf } from '../passes/editor.js';
import { reshapeGroups } from '../passes/transpose-rules.js';
import { axisAmong, type Rule, same, type Tracker, UNKNOWN } from './tracker.js';

const CUTS = 'cuts them where it cannot be followed';

/** The axes that a move leaves alone: where the one that was `axis` of input 0 is in its results. */
function movedAxis(node: Node, axis: number, t: Tracker): number | undefined {
  const x = node.input(0);
  const rank = t.rank(x);
  const listed = (i: number, among: number) => numbersOf(node.inputs[i])?.map((a) => axisAmong(a, among));
  switch (node.op) {
    case 'Transpose':
      return node.ints('perm', [...Array(rank).keys()].reverse()).indexOf(axis);
    case 'Squeeze': {
      const gone = node.inputs[1] === undefined ? t.dimsOf(x)?.flatMap((d, i) => (d === 1 ? [i] : [])) : listed(1, rank);
      return gone === undefined || gone.includes(axis) ? undefined : axis - gone.filter((a) => a < axis).length;
    }
    case 'Unsqueeze': {
      const added = listed(1, t.rank(node.output()));
      return added && [...Array(t.rank(node.output())).keys()].filter((a) => !added.includes(a))[axis];
    }
    case 'Gather': {
      const at = axisAmong(node.int('axis', 0), rank);
      return at === axis ? undefined : at < axis ? axis + t.rank(node.input(1)) - 1 : axis;
    }
    case 'Split':
      return axisAmong(node.int('axis', 0), rank) === axis ? undefined : axis;
    case 'Slice': {
      const axes = node.inputs[3] === undefined ? numbersOf(node.inputs[1])?.map((_, i) => i) : listed(3, rank);
      return axes === undefined || axes.includes(axis) ? undefined : axis;
    }
    case 'Reshape': {
      const group = groupAt(node, axis, t);
      const wide = (axes: readonly number[], v: Value) => axes.filter((a) => t.dimsOf(v)?.[a] !== 1);
      const to = group && wide(group.to, node.output());
      return group !== undefined && wide(group.from, x).length === 1 && to?.length === 1 ? to[0] : undefined;
    }
    default:
      return undefined;
  }
}

/** The dimensions that this one is reshaped with, and those that they become. */
function groupAt(node: Node, axis: number, t: Tracker) {
  const [from, to] = [t.dimsOf(node.input(0)), t.dimsOf(node.output())];
  return from && to && reshapeGroups(from, to)?.find((g) => g.from.includes(axis));
}

const move: Rule = (node, t) => {
  const lane = t.lanes.get(node.input(0));
  const axis = lane && movedAxis(node, lane.axis, t);
  return lane === undefined || axis === undefined ? CUTS : same(node, t, { axis, units: lane.units });
};

const split: Rule = (node, t) => {
  const lane = t.lanes.get(node.input(0));
  if (lane === undefined) return undefined;
  if (axisAmong(node.int('axis', 0), t.rank(node.input(0))) !== lane.axis) return move(node, t);
  const parts: number[][] = [];
  let from = 0;
  for (const y of node.outputs) {
    const size = y.shape?.[lane.axis];
    if (typeof size !== 'number') return UNKNOWN;
    parts.push(lane.units.slice(from, from + size));
    from += size;
  }
  t.edits.push({ node, kind: 'parts', parts });
  return node.outputs.every((y, i) => t.carry(y, { axis: lane.axis, units: parts[i] as number[] }) || !t.isRead(y)) || UNKNOWN;
};

const slice: Rule = (node, t) => {
  const x = node.input(0);
  const lane = t.lanes.get(x);
  if (lane === undefined) return undefined;
  const [starts, ends, steps] = [1, 2, 4].map((i) => numbersOf(node.inputs[i]));
  const axes = node.inputs[3] === undefined ? starts?.map((_, i) => i) : numbersOf(node.inputs[3])?.map((a) => axisAmong(a, t.rank(x)));
  const at = axes?.indexOf(lane.axis);
  if (at === undefined || starts === undefined || ends === undefined) return CUTS;
  if (at < 0) return same(node, t, lane);
  if (node.inputs[4] !== undefined && steps?.[at] !== 1) return CUTS;
  const size = lane.units.length;
  const within = (v: number) => Math.min(size, Math.max(0, v < 0 ? v + size : v));
  const [from, to] = [within(starts[at] as number), within(ends[at] as number)];
  if (node.inputs[1]?.constant === undefined || node.inputs[2]?.constant === undefined) return CUTS;
  t.edits.push(
    { node, kind: 'position', input: 1, at, units: lane.units.slice(0, from) },
    { node, kind: 'position', input: 2, at, units: lane.units.slice(0, to) },
  );
  return same(node, t, { axis: lane.axis, units: lane.units.slice(from, to) });
};

/** Channels of zeros around the others may go as well. */
const pad: Rule = (node, t) => {
  const x = node.input(0);
  const lane = t.lanes.get(x);
  const pads = node.inputs[1]?.constant && numbersOf(node.inputs[1]);
  const axes = node.inputs[3] === undefined ? [...Array(t.rank(x)).keys()] : numbersOf(node.inputs[3])?.map((a) => axisAmong(a, t.rank(x)));
  if (lane === undefined || pads === undefined || axes === undefined) return CUTS;
  const at = axes.indexOf(lane.axis);
  const [before, after] = at < 0 ? [0, 0] : [pads[at] as number, pads[at + axes.length] as number];
  if (before === 0 && after === 0) return same(node, t, lane);
  if (before < 0 || after < 0 || node.string('mode', 'constant') !== 'constant') return CUTS;
  const [first, last] = [t.units.fresh(before), t.units.fresh(after)];
  t.edits.push({ node, kind: 'length', input: 1, at, units: first }, { node, kind: 'length', input: 1, at: at + axes.length, units: last });
  return same(node, t, { axis: lane.axis, units: [...first, ...lane.units, ...last] });
};

/** Whether this axis becomes one of the batch of a product of two tensors, with moves and factors on the way. */
function meetsProduct(v: Value, axis: number, t: Tracker, steps = 12): boolean {
  return t.readers(v).some((node) => {
    if (node.op === 'MatMul') return node.input(0).constant === undefined && node.input(1).constant === undefined && axis < t.rank(v) - 2;
    const y = node.output();
    const isFactor = (node.op === 'Mul' || node.op === 'Div' || node.op === 'Add') && t.rank(y) === t.rank(v);
    const next = isFactor || node.op === 'Identity' || node.op === 'Cast' ? axis : node.inputs[0] === v ? movedAxis(node, axis, t) : undefined;
    return next !== undefined && steps > 0 && node.outputs.some((out) => meetsProduct(out, next, t, steps - 1));
  });
}

const reshape: Rule = (node, t) => {
  const [x, y] = [node.input(0), node.output()];
  const lane = t.lanes.get(x);
  const [from, to] = [t.dimsOf(x), t.dimsOf(y)];
  const group = lane && groupAt(node, lane.axis, t);
  if (lane === undefined || from === undefined || to === undefined || group === undefined) return UNKNOWN;
  const wide = group.to.filter((a) => to[a] !== 1);
  const isCut = wide.length > 1;
  const axis = isCut ? wide.find((a) => meetsProduct(y, a, t)) : (wide[0] ?? group.to[0]);
  if (axis === undefined || (isCut && group.from.some((a) => a !== lane.axis && from[a] !== 1))) return CUTS;
  const count = (axes: readonly number[]) => axes.reduce((n, a) => n * (from[a] as number), 1);
  const inner = count(group.from.filter((a) => a > lane.axis));
  const repeated = () => {
    const once = lane.units.flatMap((u) => Array.from({ length: inner }, () => u));
    return Array.from({ length: count(group.from.filter((a) => a < lane.axis)) }, () => once).flat();
  };
  const units = isCut ? joinedHeads(lane.units, group.to, to, axis, t) : repeated();
  if (node.op === 'Reshape') t.edits.push({ node, kind: 'length', input: 1, at: axis, units });
  return same(node, t, { axis, units });
};

/** All units at one position of `axis`, one of several that a lane is cut into, go together. */
function joinedHeads(units: readonly number[], axes: readonly number[], dims: readonly number[], axis: number, t: Tracker): number[] {
  const heads = dims[axis] as number;
  const inner = axes.filter((a) => a > axis).reduce((n, a) => n * (dims[a] as number), 1);
  const first: number[] = [];
  for (const [i, u] of units.entries()) {
    const head = Math.floor(i / inner) % heads;
    first[head] ??= u;
    t.units.unite(first[head] as number, u);
  }
  t.units.markHeads(first);
  return first;
}

export const moveRules: readonly (readonly [string, Rule])[] = [
  ...['Transpose', 'Squeeze', 'Unsqueeze', 'Gather'].map((op) => [op, move] as const),
  ['Split', split],
  ['Slice', slice],
  ['Pad', pad],
  ['Reshape', reshape],
  ['Flatten', reshape],
];
