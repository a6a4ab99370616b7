/**
 * The order of channels, for patterns of four neighbours: layers that make channels and all that read them are put into another order together, so
 * that the model computes the same and nothing is gathered when it runs.
 */
import { Emitter } from '../graph/emitter.js';
import { Constant, Graph } from '../graph/graph.js';
import { inferGraph } from '../ops/infer.js';
import { diagonal, rowsOf, weightRows } from '../quantize/few-bits.js';
import { ConstantGraph } from '../quantize/observe.js';
import type { Bundle } from './bundles.js';
import type { ChannelGroups } from './channel-groups.js';
import type { Shrunk } from './shrink.js';

/** Units that may change places: a bundle, and how its roots lie wherever it is. */
export interface Movable {
  readonly bundle: Bundle;
  readonly order: readonly number[];
}

/** Bundles whose channels lie in one order everywhere, alone and each once: not in concatenations, parts or flattened tensors. */
export function movableBundles({ units, edits, lanes }: ChannelGroups, bundles: readonly Bundle[]): Movable[] {
  const lists = [...edits.flatMap((e) => (e.kind === 'parts' ? e.parts : [e.units])), ...[...lanes.values()].map((l) => l.units)].map((list) =>
    list.map((u) => units.root(u)),
  );
  const places = new Map<number, (readonly number[])[]>();
  for (const list of lists) for (const root of new Set(list)) places.set(root, [...(places.get(root) ?? []), list]);
  return bundles.flatMap((bundle) => {
    const order = places.get(bundle.roots[0] as number)?.[0] ?? [];
    const isAlone = order.length === bundle.roots.length && new Set(order).size === order.length;
    const isSame = (list: readonly number[]) => list.length === order.length && list.every((r, i) => r === order[i]);
    const fits = isAlone && bundle.readers.length > 0 && bundle.roots.every((r) => places.get(r)?.every(isSame));
    return fits && order.length % 4 === 0 && order.length > 4 ? [{ bundle, order }] : [];
  });
}

/** Output `scores` [channels, rows]: what each weight of a layer that reads them is worth, as a share of all. */
export function worthGraph({ bundle }: Movable, gramOf: (reader: Bundle['readers'][0]) => Constant | undefined): Graph {
  const g = new ConstantGraph();
  const parts = bundle.readers.map((layer) => {
    const l = weightRows(layer.product);
    const channels = layer.in?.length as number;
    const w = rowsOf(g, l);
    const gram = gramOf(layer);
    const squares = g.op('Mul', [w, w]);
    const worth = gram === undefined ? squares : g.op('Mul', [squares, diagonal(g, g.constant(gram), gram.dims)]);
    const share = g.op('Div', [worth, g.op('Max', [g.op('ReduceSum', [worth], { keepdims: 0 }), g.float(1e-30)])]);
    return g.reshape(g.op('Transpose', [g.reshape(share, l.rows, channels, l.k / channels)], { perm: [1, 0, 2] }), channels, -1);
  });
  g.output(g.op('Concat', parts, { axis: 1 }), 'scores');
  return g.graph;
}

/** From `fours` [n, 4], positions, to `kept` [n]: what the better two of every four are worth. */
export function keptGraph(scores: Constant): Graph {
  const g = new Emitter(new Graph('kept'));
  const seen = g.op('Gather', [g.constant(scores), g.graph.addInput('fours', 'int64', ['n', 4])], { axis: 0 });
  const [a, b, c, d] = g.ops('Split', [seen, g.ints(1, 1, 1, 1)], 4, { axis: 1 }) as readonly [never, never, never, never];
  const [more, less] = [g.op('Max', [a, b]), g.op('Min', [a, b])];
  const [moreToo, lessToo] = [g.op('Max', [c, d]), g.op('Min', [c, d])];
  const first = g.op('Max', [more, moreToo]);
  const second = g.op('Max', [g.op('Min', [more, moreToo]), g.op('Max', [less, lessToo])]);
  const kept = g.op('ReduceSum', [g.op('Add', [first, second]), g.ints(1, 2)], { keepdims: 0 });
  kept.name = 'kept';
  g.graph.outputs.push(kept);
  return g.graph;
}

/** The same model with channels in other orders: for the first root of a bundle, the positions in the order that they are to have. */
export function reordered(source: Graph, { units, edits }: ChannelGroups, orders: ReadonlyMap<number, readonly number[]>): Shrunk {
  const { graph, map } = source.clone();
  for (const edit of edits) {
    const order = edit.kind === 'take' ? orders.get(units.root(edit.units[0] as number)) : undefined;
    const node = map.get(edit.node.output())?.producer;
    if (order === undefined || node === undefined || edit.kind !== 'take') continue;
    const positions = graph.addConstant(Constant.of('int64', [order.length], order));
    const gather = graph.createNode('Gather', [node.input(edit.input), positions], { attrs: { axis: edit.axis } });
    gather.output().name = graph.freshName(edit.node.input(edit.input).name);
    graph.nodes.unshift(gather);
    // A weight may be put in order along both axes: the later one reads the earlier.
    const before = gather.input(0).producer;
    if (before !== undefined) graph.nodes = [before, ...graph.nodes.filter((n) => n !== before)];
    node.inputs[edit.input] = gather.output();
  }
  inferGraph(graph, { concrete: false });
  return { graph, map };
}
