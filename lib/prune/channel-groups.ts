/**
 * Which channels can go, and what goes with them: dependency analysis of the graph alone.
 *
 *     every product has a unit for each output channel → rules say where the units lie in later tensors (a lane: one axis, a unit for each
 *     position), which units have to go together (sums, gates, groups), which stay, and what the nodes on the way have to change
 *
 * An operator without a rule, and whatever a rule does not understand, keeps the units of the tensors that it reads.
 */
import type { Graph, Node, Value } from '../graph/graph.js';
import { findProducts, type Keep, type Product } from '../quantize/islands.js';
import { rules } from './channel-rules.js';
import { type Edit, type HeadProduct, type Lane, Tracker } from './tracker.js';
import type { Units } from './units.js';

/** A product with constant weights: units of its input channels, where they are known, and of its output channels. */
export interface Layer {
  readonly product: Product;
  readonly groups: number;
  readonly in: readonly number[] | undefined;
  readonly out: readonly number[];
}

export interface ChannelGroups {
  readonly units: Units;
  readonly layers: readonly Layer[];
  readonly headProducts: readonly HeadProduct[];
  readonly edits: readonly Edit[];
  readonly lanes: ReadonlyMap<Value, Lane>;
  /** Products that were not looked into, and why. */
  readonly kept: ReadonlyMap<Node, string>;
}

/** `dimsOf` gives dimensions where those of the graph are symbols: of some input that the model takes. */
export function channelGroups(graph: Graph, keep: Keep, dimsOf: (v: Value) => readonly number[] | undefined): ChannelGroups {
  const found = findProducts(graph, keep);
  const products = new Map(found.products.map((p) => [p.node, p]));
  const t = new Tracker(graph, dimsOf);
  const layers: Layer[] = [];
  for (const node of graph.nodes) {
    const product = products.get(node);
    if (product !== undefined) layers.push(layerOf(product, t));
    else if (t.firstLane(node) !== undefined) {
      const why = node.domain === '' && !keep(node) ? rules.get(node.op)?.(node, t) : undefined;
      if (why === true) continue;
      t.pinInputs(node, why === undefined && found.kept.has(node) ? `${node.where}: ${found.kept.get(node)}` : `${node.where} ${why ?? 'needs all'}`);
      for (const v of node.outputs) t.lanes.delete(v);
    }
  }
  for (const v of graph.outputs) t.units.pin(t.lanes.get(v)?.units ?? [], `"${v.name}" is an output of the model`);
  return { units: t.units, layers, headProducts: t.headProducts, edits: t.edits, lanes: t.lanes, kept: found.kept };
}

/** Channels of a product's input and result lie on this axis. */
export function channelAxis({ node }: Product, rank: number): number {
  return node.op === 'MatMul' || node.op === 'Gemm' ? rank - 1 : 1;
}

function layerOf(product: Product, t: Tracker): Layer {
  const { node, weight, axis, bias } = product;
  const dims = weight.constant?.dims as readonly number[];
  const [x, y] = [node.input(0), node.output()];
  const groups = node.op === 'Conv' ? node.int('group', 1) : 1;
  const out = t.units.fresh(dims[axis] as number);
  const seen = t.lanes.get(x);
  const lane = seen?.axis === channelAxis(product, t.rank(x)) ? seen : undefined;
  if (lane === undefined) t.pinInputs(node, `${node.where} reads them along another axis`);
  const addend = node.op === 'MatMul' ? undefined : node.inputs[2];
  if (addend !== undefined && bias === undefined && addend.constant?.byteLength !== 4) t.units.pin(out, `${node.where} adds a tensor to them`);
  if (!t.carry(y, { axis: channelAxis(product, t.rank(y)), units: out })) t.units.pin(out, `${node.where} has a result of unknown shape`);
  if (groups > 1) {
    const [inEach, outEach] = [dims[1] as number, out.length / groups];
    if (lane === undefined) t.units.pin(out, `${node.where} has groups, and its input stays`);
    for (const [o, unit] of out.entries()) {
      const group = Math.floor(o / outEach);
      t.units.unite(out[group * outEach] as number, unit);
      if (lane !== undefined) for (let i = 0; i < inEach; i++) t.units.unite(lane.units[group * inEach + i] as number, unit);
    }
    t.edits.push({ node, kind: 'groups', units: out.filter((_, o) => o % outEach === 0) });
  } else if (lane !== undefined) t.edits.push({ node, kind: 'take', input: 1, axis: 1 - axis, units: lane.units });
  t.edits.push({ node, kind: 'take', input: 1, axis, units: out });
  if (bias !== undefined) t.edits.push({ node, kind: 'take', input: 2, axis: (bias.constant?.dims.length ?? 1) - 1, units: out });
  return { product, groups, in: lane?.units, out };
}
