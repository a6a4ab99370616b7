/** The ordered list of passes is the optimizer. */
import type { Graph } from '../graph/graph.js';
import { verifyGraph } from '../graph/verify.js';

export interface Pass {
  readonly name: string;
  /** One rewrite, applied wherever it fits. New nodes must come out typed (inferNode). Returns the number of rewrites. */
  run(graph: Graph): number;
}

export const passes: readonly Pass[] = [];

/** Runs passes in order; checks the graph after each where DSNK_VERIFY is set (tests set it). */
export function runPasses(graph: Graph, list: readonly Pass[] = passes): Map<string, number> {
  const rewrites = new Map<string, number>();
  for (const pass of list) {
    rewrites.set(pass.name, (rewrites.get(pass.name) ?? 0) + pass.run(graph));
    if (process.env['DSNK_VERIFY']) verifyGraph(graph, `pass ${pass.name}`);
  }
  return rewrites;
}
