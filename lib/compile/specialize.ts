/**
 * Types a graph with concrete shapes, node by node, and resolves control flow on the way: `If` becomes the branch its
 * condition chooses, `Loop` and `Scan` are unrolled. Conditions and trip counts must be known by then; where they are
 * not, NeedsValue asks for them (the session takes them from a graph input or from an earlier stage).
 */
import { dsnkError } from '../errors.js';
import { isConcrete } from '../graph/dim.js';
import { Constant, Graph, type Node, type Value } from '../graph/graph.js';
import { inferGraph, inferNode } from '../ops/infer.js';
import { knownElements, NeedsValue } from '../ops/operator.js';

/** An unrolled loop may not grow a program beyond this many nodes. */
const MAX_NODES = 200_000;

export function specialize(graph: Graph): void {
  const substitutes = new Map<Value, Value>();
  // A branch may return what an inner branch returns: follow the chain.
  const resolve = (v: Value): Value => {
    let to = v;
    for (let next = substitutes.get(to); next !== undefined; next = substitutes.get(to)) to = next;
    return to;
  };
  const done: Node[] = [];
  const pending = [...graph.nodes].reverse();
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (let i = 0; i < node.inputs.length; i++) {
      const v = node.inputs[i];
      if (v !== undefined) node.inputs[i] = resolve(v);
    }
    const expand = node.domain === '' ? expansions[node.op] : undefined;
    if (expand === undefined) {
      inferNode(node, { concrete: true });
      done.push(node);
      continue;
    }
    const { nodes, outputs } = expand(node, graph);
    if (done.length + pending.length + nodes.length > MAX_NODES) {
      throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, `unrolled model must have at most ${MAX_NODES} nodes`);
    }
    node.outputs.forEach((v, i) => {
      const to = outputs[i];
      if (to === undefined) return;
      // Later nodes are remapped as they come; an output of this graph keeps its place.
      substitutes.set(v, to);
    });
    for (let i = nodes.length - 1; i >= 0; i--) pending.push(nodes[i] as Node);
  }
  graph.nodes = done;
  for (let i = 0; i < graph.outputs.length; i++) graph.outputs[i] = resolve(graph.outputs[i] as Value);
}

interface Expansion {
  readonly nodes: Node[];
  readonly outputs: (Value | undefined)[];
}

/** A copy of a body with its inputs bound to values of the graph around it. */
function inline(body: Graph, inputs: readonly (Value | undefined)[], prefix: string): Expansion {
  const { graph } = body.clone();
  if (inputs.length !== graph.inputs.length || inputs.includes(undefined)) {
    const came = `${inputs.filter((v) => v !== undefined).length} came`;
    throw dsnkError('ERR_DSNK_INVALID_MODEL', `subgraph of "${prefix}"`, `it must be given its ${graph.inputs.length} inputs`, came);
  }
  graph.inputs.forEach((formal, i) => {
    graph.replaceValue(formal, inputs[i] as Value);
  });
  for (const node of graph.nodes) {
    node.name = `${prefix}/${node.name}`;
    for (const v of node.outputs) v.name = `${prefix}/${v.name}`;
  }
  return { nodes: graph.nodes, outputs: [...graph.outputs] };
}

function bodyOf(node: Node, attr: string): Graph {
  const body = node.attrs.get(attr);
  if (!(body instanceof Graph)) throw dsnkError('ERR_DSNK_INVALID_MODEL', node.where, `attribute ${attr} must be a graph`, 'it is missing');
  return body;
}

function numberOf(v: Value): number {
  const known = knownElements(v)?.[0];
  if (typeof known !== 'number') throw new NeedsValue(v);
  return known;
}

function expandIf(node: Node): Expansion {
  const taken = numberOf(node.input(0)) !== 0 ? 'then_branch' : 'else_branch';
  return inline(bodyOf(node, taken), node.inputs.slice(1), node.name);
}

/** Loop-16: inputs M?, cond?, carried…, captured…; body (iteration, cond, carried…, captured…) → (cond, carried…, scanned…). */
function expandLoop(node: Node, graph: Graph): Expansion {
  const body = bodyOf(node, 'body');
  const captures = node.int('captures', 0);
  const carriedCount = node.inputs.length - 2 - captures;
  const captured = node.inputs.slice(node.inputs.length - captures);
  const trips = node.inputs[0] === undefined ? Number.POSITIVE_INFINITY : numberOf(node.inputs[0]);
  let going = node.inputs[1] === undefined || numberOf(node.inputs[1]) !== 0;
  let carried = node.inputs.slice(2, 2 + carriedCount);
  const scanned: Value[][] = body.outputs.slice(1 + carriedCount).map(() => []);
  const nodes: Node[] = [];
  for (let i = 0; i < trips && going; i++) {
    const iteration = graph.addConstant(Constant.of('int64', [], [i]));
    const condition = graph.addConstant(Constant.of('bool', [], [1]));
    const round = inline(body, [iteration, condition, ...carried, ...captured], `${node.name}#${i}`);
    for (const n of round.nodes) {
      // Inner nodes are typed now, so that the condition is known where constants decide it.
      if (expansions[n.op] === undefined) inferNode(n, { concrete: true });
    }
    nodes.push(...round.nodes);
    carried = round.outputs.slice(1, 1 + carriedCount);
    round.outputs.slice(1 + carriedCount).forEach((v, k) => {
      if (v !== undefined) scanned[k]?.push(v);
    });
    const next = round.outputs[0] as Value;
    if (next !== condition) {
      const known = knownElements(next)?.[0];
      if (typeof known !== 'number') throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, 'loop condition must not depend on tensor contents', 'it does');
      going = known !== 0;
    }
    if (nodes.length > MAX_NODES) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, `unrolled loop must have at most ${MAX_NODES} nodes`);
  }
  const none = () => typesOfRound(body, [{ dtype: 'int64', shape: [] }, { dtype: 'bool', shape: [] }, ...carried, ...captured]).slice(1 + carriedCount);
  return { nodes, outputs: [...carried, ...stackAll(graph, node, scanned, [], nodes, none)] };
}

/** Scan-9: inputs carried…, scan inputs…, captured…; body (carried…, slices…, captured…) → (carried…, scanned…). */
function expandScan(node: Node, graph: Graph): Expansion {
  const body = bodyOf(node, 'body');
  const captures = node.int('captures', 0);
  const scanCount = node.int('num_scan_inputs');
  const carriedCount = node.inputs.length - captures - scanCount;
  const captured = node.inputs.slice(node.inputs.length - captures);
  const scans = node.inputs.slice(carriedCount, carriedCount + scanCount) as Value[];
  const inAxes = node.ints(
    'scan_input_axes',
    scans.map(() => 0),
  );
  const inReverse = node.ints(
    'scan_input_directions',
    scans.map(() => 0),
  );
  const outCount = body.outputs.length - carriedCount;
  if (scanCount < 0 || carriedCount < 0 || outCount < 0) {
    const came = `${node.inputs.length - captures} inputs, num_scan_inputs ${scanCount} and ${body.outputs.length} outputs came`;
    throw dsnkError('ERR_DSNK_INVALID_MODEL', node.where, 'inputs and outputs of the body must fit num_scan_inputs', came);
  }
  const outAxes = node.ints('scan_output_axes', new Array(outCount).fill(0));
  const outReverse = node.ints('scan_output_directions', new Array(outCount).fill(0));
  const axisOf = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
  const length = scans.length === 0 ? 0 : (scans[0]?.dims[axisOf(inAxes[0] ?? 0, scans[0].dims.length)] ?? 0);
  let carried = node.inputs.slice(0, carriedCount);
  const scanned: Value[][] = Array.from({ length: outCount }, () => []);
  const nodes: Node[] = [];
  const typed = (n: Node) => {
    inferNode(n, { concrete: true });
    nodes.push(n);
    return n.output();
  };
  for (let i = 0; i < length; i++) {
    const slices = scans.map((v, k) => {
      const at = inReverse[k] ? length - 1 - i : i;
      const index = graph.addConstant(Constant.of('int64', [], [at]));
      return typed(graph.createNode('Gather', [v, index], { name: `${node.name}#${i}/slice${k}`, attrs: { axis: axisOf(inAxes[k] ?? 0, v.dims.length) } }));
    });
    const round = inline(body, [...carried, ...slices, ...captured], `${node.name}#${i}`);
    for (const n of round.nodes) {
      if (expansions[n.op] === undefined) inferNode(n, { concrete: true });
      nodes.push(n);
    }
    carried = round.outputs.slice(0, carriedCount);
    round.outputs.slice(carriedCount).forEach((v, k) => {
      if (v === undefined) return;
      if (outReverse[k]) scanned[k]?.unshift(v);
      else scanned[k]?.push(v);
    });
  }
  const slice = (v: Value, k: number) => ({ dtype: v.dtype, shape: v.dims.filter((_, d) => d !== axisOf(inAxes[k] ?? 0, v.dims.length)) });
  const none = () => typesOfRound(body, [...carried, ...scans.map(slice), ...captured]).slice(carriedCount);
  return { nodes, outputs: [...carried, ...stackAll(graph, node, scanned, outAxes, nodes, none)] };
}

/** Types of a body's outputs for inputs of these types: what a round that never happens would give. */
function typesOfRound(body: Graph, inputs: readonly (Pick<Value, 'dtype' | 'shape'> | undefined)[]): Value[] {
  const { graph } = body.clone();
  graph.inputs.forEach((v, i) => {
    v.dtype = inputs[i]?.dtype ?? v.dtype;
    v.shape = inputs[i]?.shape ?? v.shape;
  });
  inferGraph(graph, { concrete: false });
  return graph.outputs;
}

/** The scan outputs; where no round ran, empty ones of the type that `none` tells. */
function stackAll(graph: Graph, node: Node, scanned: readonly (readonly Value[])[], axes: readonly number[], nodes: Node[], none: () => Value[]): Value[] {
  let types: Value[] | undefined;
  return scanned.map((values, k) => {
    const axis = axes[k] ?? 0;
    if (values.length > 0) return stack(graph, values, axis, nodes, `${node.name}:scan${k}`);
    types ??= none();
    const { dtype, shape } = types[k] as Value;
    if (dtype === undefined || shape === undefined || !isConcrete(shape)) {
      throw dsnkError(
        'ERR_DSNK_UNSUPPORTED_OP',
        node.where,
        'the shape of what a loop collects must be known where it runs 0 times',
        'it depends on its contents',
      );
    }
    const dims = shape.toSpliced(axis < 0 ? axis + shape.length + 1 : axis, 0, 0);
    return graph.addConstant(Constant.of(dtype, dims, []));
  });
}

/** Joins the slices of all iterations along a new axis. */
function stack(graph: Graph, values: readonly Value[], axis: number, nodes: Node[], name: string): Value {
  const rank = (values[0] as Value).dims.length + 1;
  const axes = graph.addConstant(Constant.of('int64', [1], [axis < 0 ? axis + rank : axis]));
  const rows = values.map((v, i) => {
    const n = graph.createNode('Unsqueeze', [v, axes], { name: `${name}/${i}` });
    inferNode(n, { concrete: true });
    nodes.push(n);
    return n.output();
  });
  const joined = graph.createNode('Concat', rows, { name, attrs: { axis: axis < 0 ? axis + rank : axis } });
  nodes.push(joined);
  return joined.output();
}

const expansions: Readonly<Record<string, (node: Node, graph: Graph) => Expansion>> = { If: expandIf, Loop: expandLoop, Scan: expandScan };
