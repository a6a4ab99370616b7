/** The pruned model: the source with other constants. */
import { Constant, type Graph, type Value } from '../graph/graph.js';
import type { Product } from '../quantize/islands.js';

/** A new graph with these weights and biases, and where the source's values stand in it. */
export function writePruned(
  source: Graph,
  weights: ReadonlyMap<Product, Constant>,
  biases: ReadonlyMap<Product, readonly number[]>,
): { graph: Graph; map: ReadonlyMap<Value, Value> } {
  const { graph, map } = source.clone();
  for (const [product, weight] of weights) {
    const node = map.get(product.node.output())?.producer;
    if (node === undefined) continue;
    const { name } = product.weight;
    node.inputs[1] = graph.addConstant(weight, `${name}/pruned`);
    const bias = biases.get(product);
    if (bias !== undefined) node.inputs[2] = graph.addConstant(Constant.of('float32', [bias.length], bias), `${product.bias?.name ?? name}/bias`);
  }
  return { graph, map };
}

/** Whether a layer may have a bias that is ours to choose. */
export function takesBias({ node, bias }: Product): boolean {
  return bias !== undefined || (node.op !== 'MatMul' && node.inputs[2] === undefined);
}
