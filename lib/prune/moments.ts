/**
 * What the weights of a layer are fitted to: sums over calibration feeds of its inputs in the pruned model and of the results wanted from it, those
 * of the float model. Where a layer's result is only added to another tensor, the sum is what is wanted, so that errors which came
 * in by the other way are made up for as well.
 */
import { dtypes } from '../dtype.js';
import { Emitter } from '../graph/emitter.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { joined } from '../quantize/compare.js';
import { type RunningSum, runningSum, seenRows, summed } from '../quantize/gram.js';
import type { Product } from '../quantize/islands.js';

export interface MomentsGraph {
  readonly graph: Graph;
  /** `gram` Σ x·xᵀ [factors, k, k], `cross` Σ y·xᵀ [factors, rows, k], `inputs` Σ x [factors, k], `results` Σ y [factors, rows], and of how many, `count`. */
  readonly sums: readonly RunningSum[];
}

/** A layer with fewer channels. */
export interface SmallerProduct {
  readonly product: Product;
  /** Output channels that are left. */
  readonly rows: readonly number[];
}

/** undefined where the layer's windows are not known. */
export function momentsGraph(
  float: Graph,
  pruned: { readonly graph: Graph; readonly map: ReadonlyMap<Value, Value> },
  product: Product,
  smaller?: SmallerProduct,
): MomentsGraph | undefined {
  const { graph, here } = joined(float, pruned.graph);
  const g = new Emitter(graph);
  const both = (v: Value) => here([v, pruned.map.get(v) as Value]);
  const seen = seenRows(graph, smaller?.product ?? product, both(product.node.input(0))[1]);
  if (seen === undefined) return undefined;
  const { factors, k, columns } = seen;
  const rows = (smaller?.rows.length ?? (product.weight.constant?.dims[product.axis] as number)) / factors;
  const chosen = (v: Value) =>
    smaller === undefined ? v : g.op('Gather', [v, g.ints(...smaller.rows)], { axis: product.node.op.startsWith('Conv') ? 1 : -1 });
  const y = columnsOf(g, product, wantedOf(float, graph, product, both, chosen), factors, rows);
  const total = (v: Value) => g.op('ReduceSum', [v, g.ints(0, 3)], { keepdims: 0 });
  // Every place has k inputs of each factor; here they are counted in rows of k.
  const one = g.op('Cast', [g.op('Size', [columns])], { to: dtypes.float32.onnx });
  return {
    graph,
    sums: [
      runningSum(graph, 'gram', summed(graph, seen, columns), [factors, k, k]),
      runningSum(graph, 'cross', summed(graph, seen, y), [factors, rows, k]),
      runningSum(graph, 'inputs', total(columns), [factors, k]),
      runningSum(graph, 'results', total(y), [factors, rows]),
      runningSum(graph, 'count', one, []),
    ],
  };
}

function wantedOf(
  float: Graph,
  graph: Graph,
  { node }: Product,
  both: (v: Value) => readonly [Value, Value],
  /** Channels that the pruned model has, of a value of the other. */
  chosen: (v: Value) => Value,
): Value {
  const y = node.output();
  const sum = addition(float, y);
  if (sum === undefined) return chosen(both(y)[0]);
  const other = sum.inputs.find((v) => v !== y) as Value;
  return graph.addNode('Sub', [chosen(both(sum.output())[0]), both(other)[1]]).output();
}

/** The only reader of a result, where that adds a tensor of the same shape to it. */
export function addition(float: Graph, y: Value): Node | undefined {
  const [reader, ...more] = float.uses().get(y) ?? [];
  if (reader?.op !== 'Add' || reader.domain !== '' || more.length > 0 || float.outputs.includes(y)) return undefined;
  const others = reader.inputs.filter((v) => v !== y);
  const same = (a: Value, b: Value) => a.shape !== undefined && a.shape.length === b.shape?.length && a.shape.every((d, i) => d === b.shape?.[i]);
  return others.length === 1 && others[0] !== undefined && others[0].constant === undefined && same(y, others[0]) ? reader : undefined;
}

/** Results as columns [batch, factors, rows, places], the places being those of the inputs. */
export function columnsOf(g: Emitter, { node }: Product, y: Value, factors: number, rows: number): Value {
  if (node.op === 'Conv') {
    const places = (node.output().shape ?? []).slice(2).reduce<number>((a, b) => a * (b as number), 1);
    return g.reshape(y, -1, factors, rows, places);
  }
  return g.op('Transpose', [g.reshape(y, 1, 1, -1, rows)], { perm: [0, 1, 3, 2] });
}
