/** Both models in one graph, with the energy of every layer's result and of its error: what the report measures, without a stored tensor. */
import { Constant, Graph, type Node, type Value } from '../graph/graph.js';

/** A value of the float model and its twin in the quantized one. */
export type Pair = readonly [Value, Value];

/** Outputs `signal:i` and `noise:i` for the i-th pair of values. */
export function comparisonGraph(float: Graph, quantized: Graph, pairs: readonly Pair[]): Graph {
  const { graph, here } = joined(float, quantized);
  const energy = (v: Value, name: string) => output(graph, graph.addNode('ReduceSumSquare', [v], { attrs: { keepdims: 0 } }), name);
  pairs.forEach((pair, i) => {
    const [x, y] = here(pair);
    energy(x, `signal:${i}`);
    energy(graph.addNode('Sub', [x, y]).output(), `noise:${i}`);
  });
  return graph;
}

/** Outputs `mean:i`: the i-th value on average, per position on `axis` (-1: the last). `graph` keeps no other output. */
export function meanGraph(source: Graph, list: readonly { readonly value: Value; readonly axis: number }[]): Graph {
  const { graph, map } = source.clone();
  graph.outputs.length = 0;
  list.forEach(({ value, axis }, i) => {
    const rank = value.shape?.length ?? 0;
    const axes = Array.from({ length: rank }, (_, k) => k).filter((k) => k !== (axis + rank) % rank);
    const constant = graph.addConstant(Constant.of('int64', [axes.length], axes));
    output(graph, graph.addNode('ReduceMean', [map.get(value), constant], { attrs: { keepdims: 0 } }), `mean:${i}`);
  });
  return graph;
}

function output(graph: Graph, node: Node, name: string): void {
  node.output().name = name;
  graph.outputs.push(node.output());
}

/** Both on the same inputs, without outputs. */
export function joined(float: Graph, quantized: Graph): { graph: Graph; here: (pair: Pair) => Pair } {
  const graph = new Graph('comparison');
  const a = float.clone();
  const b = quantized.clone();
  graph.inputs.push(...a.graph.inputs);
  const inputs = new Map(b.graph.inputs.map((v, i) => [v, a.graph.inputs[i] as Value]));
  for (const [v, shared] of inputs) b.graph.replaceValue(v, shared);
  graph.nodes = [...a.graph.nodes, ...b.graph.nodes];
  const second = (y: Value) => {
    const there = b.map.get(y) as Value;
    return inputs.get(there) ?? there;
  };
  return { graph, here: ([x, y]) => [a.map.get(x) as Value, second(y)] };
}

/** 10·log₁₀ of signal over noise; Infinity where there is no noise. */
export function decibels(signal: number, noise: number): number {
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}
