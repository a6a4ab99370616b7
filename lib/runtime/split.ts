/** Cuts a graph in two where a value must be seen before the rest can be compiled. */
import { Graph, type Node, type Value } from '../graph/graph.js';
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
  readonly feed: (inputs: readonly HostTensor[], firstOutputs: readonly HostTensor[]) => HostTensor[];
}

/**
 * first: the ancestors of `value`, returning it and whatever else of theirs the rest reads; second: the rest, with those
 * as inputs.
 */
export function splitGraph(graph: Graph, value: Value): Split {
  return splitAfter(graph, ancestors(graph, value).nodes, [value]);
}

/** Like splitGraph, for a set of nodes closed under "is computed from"; `extra` values are returned in any case. */
export function splitAfter(graph: Graph, nodes: ReadonlySet<Node>, extra: readonly Value[]): Split {
  const made = new Set<Value>();
  for (const node of nodes) for (const v of node.outputs) made.add(v);
  const crossing = new Set<Value>(extra);
  for (const node of graph.nodes) {
    if (nodes.has(node)) continue;
    for (const v of node.inputs) if (v !== undefined && made.has(v)) crossing.add(v);
  }
  for (const v of graph.outputs) if (made.has(v)) crossing.add(v);
  const outs = [...crossing];

  const first = new Graph(`${graph.name}:1`);
  first.inputs.push(...graph.inputs);
  first.nodes = graph.nodes.filter((n) => nodes.has(n));
  first.outputs.push(...outs);
  const { graph: firstCopy } = first.clone();

  const second = new Graph(`${graph.name}:2`);
  second.inputs.push(...graph.inputs, ...outs.filter((v) => !graph.inputs.includes(v)));
  second.nodes = graph.nodes.filter((n) => !nodes.has(n));
  second.outputs.push(...graph.outputs);
  const { graph: secondCopy } = second.clone();
  for (const v of secondCopy.inputs) {
    v.producer = undefined;
    v.known = undefined;
  }
  const fromFirst = outs.map((v, i) => ({ v, i })).filter(({ v }) => !graph.inputs.includes(v));
  return {
    first: firstCopy,
    second: secondCopy,
    feed: (inputs, firstOutputs) => [...inputs, ...fromFirst.map(({ i }) => firstOutputs[i] as HostTensor)],
  };
}
