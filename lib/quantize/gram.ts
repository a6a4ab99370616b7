/**
 * What calibration has to know of a layer's inputs to round its weights: G = Σ x·xᵀ over all rows x that the weights are multiplied with. The
 * rows of a convolution are its windows. A running sum: the graph adds what it sees to what came in.
 */
import { Constant, type Graph, type Value } from '../graph/graph.js';
import { factorsOf } from './few-bits.js';
import type { Product } from './islands.js';

export interface GramGraph {
  readonly graph: Graph;
  /** By product: names of the running sum on its way in and out, and its dimensions. Left out where windows are not known. */
  readonly sums: ReadonlyMap<Product, { readonly before: string; readonly after: string; readonly dims: readonly number[] }>;
}

/** `source` computes the inputs of the products, which `at` finds in it. */
export function gramGraph(source: Graph, products: readonly Product[], at: (input: Value) => Value): GramGraph {
  const { graph, map } = source.clone();
  const inputOf = (p: Product) => map.get(at(p.node.input(0))) as Value;
  graph.outputs.length = 0;
  const sums = new Map<Product, { before: string; after: string; dims: number[] }>();
  products.forEach((product, i) => {
    const made = product.node.op === 'Conv' ? convolutionGram(graph, product, inputOf(product)) : productGram(graph, product, inputOf(product));
    if (made === undefined) return;
    const [before, after] = [`gram:${i}:before`, `gram:${i}`];
    const sum = graph.addNode('Add', [graph.addInput(before, 'float32', made.dims), made.gram]).output();
    sum.name = after;
    graph.outputs.push(sum);
    sums.set(product, { before, after, dims: made.dims });
  });
  return { graph, sums };
}

interface Gram {
  readonly gram: Value;
  readonly dims: number[];
}

const ints = (graph: Graph, values: readonly number[]) => graph.addConstant(Constant.of('int64', [values.length], values));

function productGram(graph: Graph, { node, weight, axis }: Product, input: Value): Gram | undefined {
  if (node.op === 'ConvTranspose') return undefined;
  const k = weight.constant?.dims[1 - axis] as number;
  const rows = graph.addNode('Reshape', [input, ints(graph, [-1, k])]).output();
  const columns = graph.addNode('Transpose', [rows], { attrs: { perm: [1, 0] } }).output();
  const gram = graph.addNode('MatMul', [columns, rows]).output();
  return { gram: graph.addNode('Reshape', [gram, ints(graph, [1, k, k])]).output(), dims: [1, k, k] };
}

function convolutionGram(graph: Graph, product: Product, input: Value): Gram | undefined {
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
    x = graph.addNode('Pad', [x, ints(graph, all)]).output();
  }
  const axes = ints(
    graph,
    kernel.map((_, d) => d + 2),
  );
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
    const seen = graph.addNode('Slice', [x, ints(graph, at), ints(graph, ends), axes, ints(graph, strides)]).output();
    taps.push(graph.addNode('Unsqueeze', [seen, ints(graph, [2])]).output());
  }
  const joined = graph.addNode('Concat', taps, { attrs: { axis: 2 } }).output();
  const [factors, k, pixels] = [factorsOf(product), (depth as number) * count, (out as number[]).reduce((a, b) => a * b, 1)];
  const windows = graph.addNode('Reshape', [joined, ints(graph, [-1, factors, k, pixels])]).output();
  const turned = graph.addNode('Transpose', [windows], { attrs: { perm: [0, 1, 3, 2] } }).output();
  const each = graph.addNode('MatMul', [windows, turned]).output();
  return { gram: graph.addNode('ReduceSum', [each, ints(graph, [0])], { attrs: { keepdims: 0 } }).output(), dims: [factors, k, k] };
}
