/**
 * Subgraphs of ONNX read values of the graph around them by name. Here they become closed: what they capture is added
 * to the node's inputs (after its own) and to the subgraph's inputs (after its own), in one order for all subgraphs of
 * the node. Nobody else has to know about scopes then: a captured value is an ordinary use.
 */
import { type AttrValue, Graph, type Node, Value } from './graph.js';

export function closeSubgraphs(graph: Graph): void {
  for (const node of graph.nodes) closeNode(node);
}

function subgraphsOf(node: Node): Graph[] {
  return [...node.attrs.values()].flatMap((a: AttrValue) =>
    a instanceof Graph ? [a] : Array.isArray(a) ? a.filter((g): g is Graph => g instanceof Graph) : [],
  );
}

function closeNode(node: Node): void {
  const subgraphs = subgraphsOf(node);
  if (subgraphs.length === 0) return;
  const captured = new Set<Value>();
  for (const sub of subgraphs) {
    closeSubgraphs(sub); // inner captures become inputs of inner nodes first
    const own = new Set<Value>(sub.inputs);
    const note = (v: Value | undefined) => {
      if (v !== undefined && v.constant === undefined && !own.has(v)) captured.add(v);
    };
    for (const n of sub.nodes) {
      for (const v of n.inputs) note(v);
      for (const v of n.outputs) own.add(v);
    }
    for (const v of sub.outputs) note(v);
  }
  // Formal inputs come first whatever the node leaves out; `captures` says how many of the last are captured.
  node.attrs.set('captures', captured.size);
  for (const outer of captured) node.inputs.push(outer);
  for (const sub of subgraphs) {
    for (const outer of captured) {
      const inner = new Value(outer.name, { dtype: outer.dtype, shape: outer.shape });
      sub.replaceValue(outer, inner);
      sub.inputs.push(inner);
    }
  }
}
