/** Both models in one graph, with the energy of every layer's result and of its error: what the report measures, without a stored tensor. */
import { Graph, type Node, type Value } from '../graph/graph.js';

/** Outputs `signal:i` and `noise:i` for the i-th pair of values. */
export function comparisonGraph(float: Graph, quantized: Graph, pairs: readonly (readonly [Value, Value])[]): Graph {
  const graph = new Graph('comparison');
  const a = float.clone();
  const b = quantized.clone();
  graph.inputs.push(...a.graph.inputs);
  b.graph.inputs.forEach((v, i) => {
    b.graph.replaceValue(v, a.graph.inputs[i] as Value);
  });
  graph.nodes = [...a.graph.nodes, ...b.graph.nodes];
  const energy = (v: Value, name: string) => {
    const sum: Node = graph.addNode('ReduceSumSquare', [v], { attrs: { keepdims: 0 } });
    sum.output().name = name;
    graph.outputs.push(sum.output());
  };
  pairs.forEach(([x, y], i) => {
    const left = a.map.get(x) as Value;
    energy(left, `signal:${i}`);
    energy(graph.addNode('Sub', [left, b.map.get(y)]).output(), `noise:${i}`);
  });
  return graph;
}

/** 10·log₁₀ of signal over noise; Infinity where there is no noise. */
export function decibels(signal: number, noise: number): number {
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}
