/** The order in which nodes run. */
import type { Graph } from '../graph/graph.js';

/** Keeps the model's topological order, which exporters write depth first and which is hard to beat on memory. */
export function schedule(graph: Graph): void {
  void graph;
}
