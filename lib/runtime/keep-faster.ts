/** Integers only where they are faster: of the model as it was quantized, without its slower islands, and in float32, the fastest. */
import type { Graph } from '../graph/graph.js';
import type { Island, Product } from '../quantize/islands.js';
import type { Costs, ModelCost } from './measure-costs.js';
import { GAIN } from './tune.js';

/** Of a part's nodes together: what fusion has put under the name of another node is in there as well. */
const timeOf = ({ nodesUs }: ModelCost, { nodes }: Island) => [...nodes].reduce((sum, name) => sum + (nodesUs.get(name) ?? 0), 0);

/**
 * `make` quantizes again with some products spared, `measure` runs models in alternation. Whole runs decide, times of nodes only say what is worth
 * trying: an island that is left alone changes what is around it. What has fewer integers must be so much faster that noise does not decide.
 */
export async function keepFaster<A extends { readonly graph: Graph }>(
  float: Graph,
  parts: readonly Island[],
  whole: A,
  make: (spared: ReadonlySet<Product>) => Promise<A>,
  measure: (graphs: readonly Graph[]) => Promise<Costs>,
): Promise<A> {
  const all = new Set(parts.flatMap((p) => p.products));
  const [before, after] = (await measure([float, whole.graph])).models as [ModelCost, ModelCost];
  const slower = parts.filter((p) => timeOf(after, p) > timeOf(before, p));
  const without = slower.length === 0 || slower.length === parts.length ? undefined : await make(new Set(slower.flatMap((p) => p.products)));
  const again = without && ((await measure([float, whole.graph, without.graph])).models as [ModelCost, ModelCost, ModelCost]);
  let [best, time] = [whole, (again?.[1] ?? after).medianMs];
  if (without !== undefined && again !== undefined && again[2].medianMs < GAIN * time) [best, time] = [without, again[2].medianMs];
  return (again?.[0] ?? before).medianMs < GAIN * time ? make(all) : best;
}
