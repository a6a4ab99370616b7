/**
 * What calibration has to know of a layer's inputs to round its weights: G = Σ x·xᵀ over all rows x that the weights are multiplied with. The
 * rows of a convolution are its windows. A running sum: the graph adds what it sees to what came in.
 */
import { Emitter } from '../graph/emitter.js';
import type { Constant, Graph, Value } from '../graph/graph.js';
import { factorsOf } from './few-bits.js';
import type { Product } from './islands.js';

export interface GramGraph {
  readonly graph: Graph;
  /** By product: names of the running sum on its way in and out, and its dimensions. Left out where windows are not known. */
  readonly sums: ReadonlyMap<Product, RunningSum>;
}

/** `source` computes the inputs of the products, which `at` finds in it. */
export function gramGraph(source: Graph, products: readonly Product[], at: (input: Value) => Value): GramGraph {
  const { graph, map } = source.clone();
  const inputOf = (p: Product) => map.get(at(p.node.input(0))) as Value;
  graph.outputs.length = 0;
  const sums = new Map<Product, RunningSum>();
  products.forEach((product, i) => {
    const seen = seenRows(graph, product, inputOf(product));
    if (seen === undefined) return;
    const { factors, k } = seen;
    sums.set(product, runningSum(graph, `gram:${i}`, summed(graph, seen, seen.columns), [factors, k, k]));
  });
  return { graph, sums };
}

/** A sum over feeds: its names on the way in and out, and its dimensions. */
export interface RunningSum {
  readonly before: string;
  readonly after: string;
  readonly dims: readonly number[];
}

/** Adds what the graph sees, of these dimensions, to what comes in. */
export function runningSum(graph: Graph, name: string, seen: Value, dims: readonly number[]): RunningSum {
  const before = `${name}:before`;
  const sum = graph.addNode('Add', [graph.addInput(before, 'float32', [...dims]), seen]).output();
  sum.name = name;
  graph.outputs.push(sum);
  return { before, after: name, dims };
}

/** All that a layer's weights are multiplied with: the same numbers as columns [batch, factors, k, places] and as rows [batch, factors, places, k]. */
export interface SeenRows {
  readonly columns: Value;
  readonly rows: Value;
  readonly factors: number;
  readonly k: number;
}

/** undefined where windows are not known. */
export function seenRows(graph: Graph, product: Product, input: Value): SeenRows | undefined {
  if (product.node.op === 'ConvTranspose') return undefined;
  const g = new Emitter(graph);
  const turned = (v: Value) => g.op('Transpose', [v], { perm: [0, 1, 3, 2] });
  if (product.node.op === 'Conv') {
    const found = windowsOf(g, product, input);
    return found && { ...found, rows: turned(found.columns) };
  }
  const k = product.weight.constant?.dims[1 - product.axis] as number;
  const rows = g.reshape(input, 1, 1, -1, k);
  return { columns: turned(rows), rows, factors: 1, k };
}

/** Σ y·xᵀ over the batch and all places, for columns y of as many places: [factors, numbers of y, k]. */
export function summed(graph: Graph, { rows }: SeenRows, y: Value): Value {
  const g = new Emitter(graph);
  return g.op('ReduceSum', [g.op('MatMul', [y, rows]), g.ints(0)], { keepdims: 0 });
}

/** Those of a convolution, places being pixels of its result. */
function windowsOf(g: Emitter, product: Product, input: Value): Omit<SeenRows, 'rows'> | undefined {
  const { node, weight } = product;
  const [, depth, ...kernel] = (weight.constant as Constant).dims;
  const out = node.output().shape?.slice(2);
  if (!out?.every((d) => typeof d === 'number') || !['NOTSET', 'VALID'].includes(node.string('auto_pad', 'NOTSET'))) return undefined;
  const rank = kernel.length;
  const ones = kernel.map(() => 1);
  const [strides, dilations] = [node.ints('strides', ones), node.ints('dilations', ones)];
  const pads = node.ints(
    'pads',
    [...ones, ...ones].map(() => 0),
  );
  let x = input;
  if (pads.some((p) => p !== 0)) {
    const all = [0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)];
    x = g.op('Pad', [x, g.ints(...all)]);
  }
  const axes = g.ints(...kernel.map((_, d) => d + 2));
  const taps: Value[] = [];
  const count = kernel.reduce((a, b) => a * b, 1);
  for (let t = 0; t < count; t++) {
    // Tap t by its place on each axis, the last one fast: the order of the weight.
    const at: number[] = [];
    for (let d = rank - 1, rest = t; d >= 0; d--) {
      at.unshift((rest % (kernel[d] as number)) * (dilations[d] as number));
      rest = Math.floor(rest / (kernel[d] as number));
    }
    const ends = at.map((a, d) => a + ((out[d] as number) - 1) * (strides[d] as number) + 1);
    const seen = g.op('Slice', [x, g.ints(...at), g.ints(...ends), axes, g.ints(...strides)]);
    taps.push(g.op('Unsqueeze', [seen, g.ints(2)]));
  }
  const joined = g.op('Concat', taps, { axis: 2 });
  const [factors, k, pixels] = [factorsOf(product), (depth as number) * count, (out as number[]).reduce((a, b) => a * b, 1)];
  return { columns: g.reshape(joined, -1, factors, k, pixels), factors, k };
}
