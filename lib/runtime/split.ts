/** Cuts a graph in two where a value must be seen before the rest can be compiled. */
import { byteSize } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import { Graph, type Node, type Value } from '../graph/graph.js';
import { type DynamicOperator, dynamicOperators } from '../ops/dynamic.js';
import type { HostTensor } from '../tensor.js';

/** Everything that a value is computed from. */
export function ancestors(graph: Graph, value: Value): { nodes: Set<Node>; values: Set<Value> } {
  const nodes = new Set<Node>();
  const values = new Set<Value>([value]);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node;
    if (!node.outputs.some((v) => values.has(v))) continue;
    nodes.add(node);
    for (const v of node.inputs) if (v !== undefined) values.add(v);
  }
  return { nodes, values };
}

export interface Split {
  readonly first: Graph;
  readonly second: Graph;
  /** Inputs of the second stage from those of the whole and the outputs of the first. */
  readonly feed: (inputs: readonly HostTensor[], firstOutputs: readonly HostTensor[]) => HostTensor[];
}

/** What the first stage hands over for one value of the second. */
interface Crossing {
  /** As the second stage knows it. */
  readonly value: Value;
  /** What the first stage returns for it, and how it is made of these. */
  readonly from: readonly Value[];
  readonly take: (tensors: readonly HostTensor[]) => HostTensor;
}

function cut(graph: Graph, firstNodes: readonly Node[], rest: readonly Node[], crossings: readonly Crossing[]): Split {
  const returned = [...new Set(crossings.flatMap((c) => c.from))];
  const first = new Graph(`${graph.name}:1`);
  first.inputs.push(...graph.inputs);
  first.nodes = [...firstNodes];
  first.outputs.push(...returned);
  const { graph: firstCopy } = first.clone();

  const second = new Graph(`${graph.name}:2`);
  second.inputs.push(...graph.inputs, ...crossings.map((c) => c.value));
  second.nodes = [...rest];
  second.outputs.push(...graph.outputs);
  const { graph: secondCopy } = second.clone();
  for (const v of secondCopy.inputs) {
    v.producer = undefined;
    v.known = undefined;
  }
  const sources = crossings.map((c) => c.from.map((v) => returned.indexOf(v)));
  return {
    first: firstCopy,
    second: secondCopy,
    feed: (inputs, outs) => [...inputs, ...crossings.map((c, i) => c.take((sources[i] as number[]).map((k) => outs[k] as HostTensor)))],
  };
}

/** Values of `made` that other nodes or the caller read. */
function readOutside(graph: Graph, inside: ReadonlySet<Node>, rest: readonly Node[]): Value[] {
  const made = new Set<Value>();
  for (const node of inside) for (const v of node.outputs) made.add(v);
  const crossing = new Set<Value>();
  for (const node of rest) for (const v of node.inputs) if (v !== undefined && made.has(v)) crossing.add(v);
  for (const v of graph.outputs) if (made.has(v)) crossing.add(v);
  return [...crossing];
}

const whole = (value: Value): Crossing => ({ value, from: [value], take: ([t]) => t as HostTensor });

/** Cuts after the ancestors of `value`: the second stage sees its contents before it is compiled. */
export function splitGraph(graph: Graph, value: Value): Split {
  const { nodes } = ancestors(graph, value);
  const rest = graph.nodes.filter((n) => !nodes.has(n));
  const crossing = new Set([value, ...readOutside(graph, nodes, rest)]);
  return cut(
    graph,
    graph.nodes.filter((n) => nodes.has(n)),
    rest,
    [...crossing].map(whole),
  );
}

/** The first node whose result has a length that only the run tells. */
export function dynamicNode(graph: Graph): Node | undefined {
  return graph.nodes.find((n) => n.domain === '' && dynamicOperators.has(n.op));
}

/** Cuts after such a node, which runs in its padded form; its results are trimmed on the way to the second stage. */
export function splitDynamic(graph: Graph, node: Node): Split {
  const { node: padded, trims } = (dynamicOperators.get(node.op) as DynamicOperator).toPadded(node, graph);
  const { nodes } = ancestors(graph, node.output(0));
  nodes.delete(node);
  const rest = graph.nodes.filter((n) => n !== node && !nodes.has(n));
  const used = new Set<Value>([...graph.outputs, ...rest.flatMap((n) => n.inputs.filter((v) => v !== undefined))]);
  const crossings = readOutside(graph, nodes, rest).map(whole);
  for (const { result, padded: from, axis, count } of trims) {
    if (!used.has(result)) continue;
    crossings.push({
      value: result,
      from: axis === undefined ? [from] : [from, count],
      take: ([t, n]) => (axis === undefined ? (t as HostTensor) : trimmed(t as HostTensor, axis, Number((n as HostTensor).data[0]))),
    });
  }
  return cut(graph, [...graph.nodes.filter((n) => nodes.has(n)), padded], rest, crossings);
}

/** The kernels write the trimmed tensor contiguously, so it is the first bytes of the padded one. */
function trimmed(t: HostTensor, axis: number, count: number): HostTensor {
  const dims = t.dims.map((d, i) => (i === axis ? count : d));
  const length = byteSize(t.dtype, elementCount(dims)) / t.data.BYTES_PER_ELEMENT;
  return { dtype: t.dtype, dims, data: t.data.subarray(0, length) };
}
