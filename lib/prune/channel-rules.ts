/** Where units lie behind each operator: element by element, norms, pools, sums, concatenations, products of two tensors. Moves are in channel-moves.ts. */
import type { Node, Value } from '../graph/graph.js';
import { broadcastSteps } from '../ops/elementwise-binary.js';
import { unarySteps } from '../ops/elementwise-unary.js';
import { numbersOf } from '../passes/editor.js';
import { moveRules } from './channel-moves.js';
import { axisAmong, type Lane, type Rule, same, type Tracker, UNKNOWN } from './tracker.js';

const input = (node: Node, t: Tracker) => t.lanes.get(node.input(0));

/** One axis, an attribute, on which every number depends on the others. */
const acrossAxis =
  (fallback: number, all = false): Rule =>
  (node, t) => {
    const lane = input(node, t);
    if (lane === undefined) return undefined;
    const axis = axisAmong(node.int('axis', fallback), t.rank(node.input(0)));
    return (all ? lane.axis >= axis : lane.axis === axis) ? 'looks at all of them together' : same(node, t, lane);
  };

/** Broadcasting: all lanes lie on one axis of the result and go together; constants of as many positions lose those that go. */
const elementwise: Rule = (node, t) => {
  const rank = t.rank(node.output());
  let first: Lane | undefined;
  const aligned = (v: Value, axis: number) => axis + rank - t.rank(v);
  for (const v of node.inputs) {
    const lane = v && t.lanes.get(v);
    if (lane === undefined || v === undefined) continue;
    const axis = aligned(v, lane.axis);
    first ??= { axis, units: lane.units };
    if (axis !== first.axis || lane.units.length !== first.units.length) return 'joins them with others that lie elsewhere';
  }
  if (first === undefined) return undefined;
  for (const v of node.inputs) {
    if (v === undefined) continue;
    const lane = t.lanes.get(v);
    if (lane !== undefined) {
      t.units.uniteAll(first.units, lane.units);
      continue;
    }
    const own = first.axis - (rank - t.rank(v));
    const size = own < 0 ? 1 : (t.dimsOf(v) ?? v.shape ?? [])[own];
    if (size === 1) continue;
    if (v.constant === undefined || size !== first.units.length) return `joins them with "${v.name}", which stays`;
    t.edits.push({ node, kind: 'take', input: node.inputs.indexOf(v), axis: own, units: first.units });
  }
  return same(node, t, first);
};

/** One number per channel in each of the later inputs. */
const perChannel =
  (inputs: number): Rule =>
  (node, t) => {
    const lane = input(node, t);
    if (lane?.axis !== 1) return undefined;
    for (let i = 1; i < inputs; i++) {
      if (node.inputs[i]?.constant === undefined) return 'has factors that are not constant';
      t.edits.push({ node, kind: 'take', input: i, axis: 0, units: lane.units });
    }
    return same(node, t, lane);
  };

const pool: Rule = (node, t) => {
  const lane = input(node, t);
  return lane === undefined || lane.axis > 1 ? undefined : same(node, t, lane);
};

const resize: Rule = (node, t) => {
  const lane = input(node, t);
  const [x, y] = [node.input(0), node.output()];
  if (lane === undefined || t.dimsOf(x)?.[lane.axis] !== t.dimsOf(y)?.[lane.axis]) return 'changes their number';
  const sizes = node.inputs[3];
  const listed = node.has('axes') ? node.ints('axes').map((a) => axisAmong(a, t.rank(x))) : undefined;
  const at = listed === undefined ? lane.axis : listed.indexOf(lane.axis);
  if (sizes !== undefined && at >= 0) t.edits.push({ node, kind: 'length', input: 3, at, units: lane.units });
  return same(node, t, lane);
};

const reduce: Rule = (node, t) => {
  const lane = input(node, t);
  const rank = t.rank(node.input(0));
  const given = node.inputs[1] === undefined ? [] : numbersOf(node.inputs[1]);
  if (lane === undefined || given === undefined) return undefined;
  if (given.length === 0 && node.int('noop_with_empty_axes', 0) !== 0) return same(node, t, lane);
  const axes = given.map((a) => axisAmong(a, rank));
  if (axes.length === 0 || axes.includes(lane.axis)) return 'looks at all of them together';
  const before = node.int('keepdims', 1) !== 0 ? 0 : axes.filter((a) => a < lane.axis).length;
  return same(node, t, { axis: lane.axis - before, units: lane.units });
};

const concat: Rule = (node, t) => {
  const rank = t.rank(node.output());
  const axis = axisAmong(node.int('axis'), rank);
  const lanes = node.inputs.map((v) => v && t.lanes.get(v));
  const along = lanes.find((l) => l !== undefined && l.axis !== axis);
  if (along !== undefined) {
    const isAlike = (v: Value | undefined, i: number) => lanes[i]?.axis === along.axis || v?.constant?.dims[along.axis] === along.units.length;
    if (!node.inputs.every(isAlike)) return 'joins them with others that lie elsewhere';
    for (const [i, l] of lanes.entries()) {
      if (l !== undefined) t.units.uniteAll(along.units, l.units);
      else t.edits.push({ node, kind: 'take', input: i, axis: along.axis, units: along.units });
    }
    return same(node, t, along);
  }
  const units: number[] = [];
  for (const [i, v] of node.inputs.entries()) {
    const size = lanes[i]?.units.length ?? v?.shape?.[axis];
    if (typeof size !== 'number') return UNKNOWN;
    const own = lanes[i]?.units ?? t.units.fresh(size);
    if (lanes[i] === undefined) t.units.pin(own, `"${v?.name}" stays`);
    units.push(...own);
  }
  return same(node, t, { axis, units });
};

/** Two tensors: heads are positions of the batch; what lies along the last axis of the second is in the result as it was. */
const product: Rule = (node, t) => {
  const [a, b] = [node.input(0), node.input(1)];
  const rank = t.rank(node.output());
  const place = (v: Value) => {
    const lane = t.lanes.get(v);
    return lane && { lane, axis: lane.axis + rank - t.rank(v) };
  };
  const [p, q] = [place(a), place(b)];
  if (p === undefined && q !== undefined && q.axis === rank - 1) return same(node, t, { axis: q.axis, units: q.lane.units });
  if (p === undefined || q === undefined || p.axis !== q.axis || p.axis > rank - 3) return 'multiplies them with each other';
  if (p.lane.units.length !== q.lane.units.length) return 'repeats them';
  t.units.uniteAll(p.lane.units, q.lane.units);
  t.units.markHeads(p.lane.units);
  t.headProducts.push({ node, units: p.lane.units });
  return same(node, t, { axis: p.axis, units: p.lane.units });
};

/** Sizes may be asked for where the number of these is not among what is looked at. */
const shape: Rule = (node, t) => {
  const axis = input(node, t)?.axis;
  const asks = (reader: Node) => reader.op === 'Gather' && numbersOf(reader.inputs[1])?.every((i) => i >= 0 && i !== axis);
  return t.readers(node.output()).every(asks) || 'asks for their number';
};

const list = (names: Iterable<string>, rule: Rule): [string, Rule][] => [...names].map((name) => [name, rule]);

export const rules: ReadonlyMap<string, Rule> = new Map([
  ...list(unarySteps.keys(), elementwise),
  ...list(broadcastSteps.keys(), elementwise),
  ...list(['Clip', 'Cast', 'Identity', 'Dropout', 'PRelu', 'Sum', 'Mean', 'Max', 'Min'], elementwise),
  ...list(['BatchNormalization'], perChannel(5)),
  ...list(['InstanceNormalization'], perChannel(3)),
  ...list(['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'LpPool', 'GlobalLpPool'], pool),
  ...list(['Softmax', 'LogSoftmax', 'Hardmax', 'LpNormalization'], acrossAxis(-1)),
  ...list(['LayerNormalization', 'RMSNormalization'], acrossAxis(-1, true)),
  ...list(['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp'], reduce),
  ...list(['Resize'], resize),
  ...list(['Concat'], concat),
  ...list(['MatMul'], product),
  ...list(['Shape'], shape),
  ...moveRules,
]);
