/** Checks that a graph is well formed. Run after every pass in tests and whenever DSNK_VERIFY is set. */
import type { Graph, Value } from './graph.js';

/** Throws an Error (a bug in a pass, not a user's mistake) naming the first thing that is wrong. */
export function verifyGraph(graph: Graph, after: string): void {
  const fail = (what: string) => {
    throw new Error(`graph "${graph.name}" after ${after}: ${what}`);
  };
  const defined = new Set<Value>(graph.inputs);
  for (const node of graph.nodes) {
    for (const v of node.inputs) {
      if (v === undefined || v.constant !== undefined || defined.has(v)) continue;
      fail(`${node.where} reads "${v.name}" before it is made`);
    }
    for (const v of node.outputs) {
      if (defined.has(v)) fail(`${node.where} makes "${v.name}" a second time`);
      if (v.producer !== node) fail(`"${v.name}" does not name ${node.where} as its producer`);
      if (v.constant !== undefined) fail(`${node.where} makes the constant "${v.name}"`);
      if (v.dtype === undefined || v.shape === undefined) fail(`${node.where} leaves "${v.name}" without a type`);
      defined.add(v);
    }
  }
  for (const v of graph.outputs) {
    if (v.constant === undefined && !defined.has(v)) fail(`output "${v.name}" is never made`);
  }
}
