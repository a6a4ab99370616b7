/**
 * Cross-layer equalization: for s > 0, W₂·f(W₁·x + b₁) = (W₂·s)·f((W₁·x + b₁) / s) where f(x/s) = f(x)/s, channel by channel. With
 * s = √(r₁/r₂), r the largest magnitudes of a channel in W₁ and W₂, both are as large, so that one scale for a whole weight
 * serves all its channels.
 *
 * Source: Nagel, van Baalen, Blankevoort, Welling, "Data-Free Quantization Through Weight Equalization and Bias Correction",
 * ICCV 2019, §4.1.
 */
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import type { Product } from './islands.js';
import { ConstantGraph } from './observe.js';

/** f(x·s) = f(x)·s for s > 0, each channel by itself. */
const homogeneous = new Set(['Relu', 'LeakyRelu', 'PRelu', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'Identity']);

/** Two products, of which the second reads what the first makes, and nothing else does. */
export interface Pair {
  readonly first: Product;
  readonly second: Product;
  /** The axis of the channels between them in the weights of the second. */
  readonly axis: number;
}

/** The axis of input channels in the weights, one entry per channel of the input. */
export function inputAxis({ node, axis, weight }: Product): number | undefined {
  const group = node.int('group', 1);
  if (node.op !== 'Conv') return group === 1 ? 1 - axis : undefined;
  const [outputs, perGroup] = weight.dims as readonly [number, number];
  if (group === 1) return 1;
  // Depthwise with one result a channel: its weights have the channel on the first axis.
  return perGroup === 1 && outputs === group ? 0 : undefined;
}

/** Adding what is not scaled along would be wrong: a bias must be one number per channel. */
const hasPlainBias = ({ node, bias }: Product) => node.inputs[2] === undefined || bias !== undefined;

export function findPairs(graph: Graph, products: readonly Product[]): Pair[] {
  const uses = graph.uses();
  const byNode = new Map(products.map((p) => [p.node, p]));
  const alone = (v: Value) => uses.get(v)?.length === 1;
  const follower = (v: Value): Product | undefined => {
    const [reader] = uses.get(v) ?? [];
    if (reader === undefined || !alone(v) || graph.outputs.includes(v) || reader.input(0) !== v) return undefined;
    const product = byNode.get(reader);
    if (product !== undefined) return product;
    return reader.domain === '' && homogeneous.has(reader.op) && reader.outputs.length === 1 ? follower(reader.output()) : undefined;
  };
  return products.flatMap((first) => {
    const second = follower(first.node.output());
    if (second === undefined || !alone(first.weight) || !alone(second.weight) || !hasPlainBias(first)) return [];
    const axis = inputAxis(second);
    return axis !== undefined && second.weight.dims[axis] === first.weight.dims[first.axis] ? [{ first, second, axis }] : [];
  });
}

/** One number per channel between the products of each pair. */
export type Scales = readonly Float32Array[];

/** Rounds until no channel moves by more than a tenth: chains of pairs settle in three or four. */
export const SWEEPS = 6;
export const SETTLED = Math.log(1.1);

const along = (rank: number, axis: number, count: number) => Array.from({ length: rank }, (_, i) => (i === axis ? count : 1));
const others = (rank: number, axis: number) => Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);

/** Largest magnitudes per channel on both sides of every pair, under the input `scale:i`: outputs `first:i` and `second:i`. */
export function rangeGraph(pairs: readonly Pair[]): ConstantGraph {
  const g = new ConstantGraph();
  const weights = new Map<Product, Value>();
  const scaled = (p: Product) => weights.get(p) ?? g.constant(p.weight.constant as Constant);
  pairs.forEach(({ first, second, axis }, i) => {
    const channels = first.weight.dims[first.axis] as number;
    const scale = g.graph.addInput(`scale:${i}`, 'float32', [channels]);
    for (const [op, product, on] of [
      ['Div', first, first.axis],
      ['Mul', second, axis],
    ] as const) {
      const { length } = product.weight.dims;
      weights.set(product, g.op(op, [scaled(product), g.reshape(scale, ...along(length, on, channels))]));
    }
  });
  pairs.forEach(({ first, second, axis }, i) => {
    for (const [name, product, on] of [
      ['first', first, first.axis],
      ['second', second, axis],
    ] as const) {
      const { length } = product.weight.dims;
      g.output(g.op('ReduceMax', [g.op('Abs', [scaled(product)]), g.ints(...others(length, on))], { keepdims: 0 }), `${name}:${i}`);
    }
  });
  return g;
}

/** Multiplies `scale` by √(first/second), and returns the largest step as |log|. A channel without weights on either side stays. */
export function step(scale: Float32Array, first: ArrayLike<number>, second: ArrayLike<number>): number {
  let most = 0;
  for (let c = 0; c < scale.length; c++) {
    const factor = Math.sqrt((first[c] as number) / (second[c] as number));
    if (!(factor > 0 && Number.isFinite(factor))) continue;
    scale[c] = (scale[c] as number) * factor;
    most = Math.max(most, Math.abs(Math.log(factor)));
  }
  return most;
}

/** A constant input of a node, to be multiplied or divided by one number per position on an axis. */
export interface Factor {
  readonly node: Node;
  readonly input: number;
  readonly axis: number;
  readonly op: 'Mul' | 'Div';
  readonly scales: Float32Array;
}

/** Writes factors into the graph, as nodes on constants, in their order: an input may have several. */
export function scaleConstants(graph: Graph, factors: readonly Factor[], suffix: string): void {
  const before = factors.map(({ node, input, axis, op, scales }) => {
    const v = node.input(input);
    const constant = Constant.of('float32', along(v.dims.length, axis, scales.length), scales);
    const scaled = graph.createNode(op, [v, graph.addConstant(constant)]);
    Object.assign(scaled.output(), { name: `${v.name}/${suffix}`, dtype: v.dtype, shape: v.shape });
    node.inputs[input] = scaled.output();
    return scaled;
  });
  graph.nodes = [...before, ...graph.nodes];
}

export function insertScales(graph: Graph, pairs: readonly Pair[], all: Scales): void {
  const factors = pairs.flatMap(({ first, second, axis }, i): Factor[] => {
    const scales = all[i] as Float32Array;
    const bias: Factor[] = first.bias === undefined ? [] : [{ node: first.node, input: 2, axis: first.bias.dims.length - 1, op: 'Div', scales }];
    return [{ node: first.node, input: 1, axis: first.axis, op: 'Div', scales }, ...bias, { node: second.node, input: 1, axis, op: 'Mul', scales }];
  });
  scaleConstants(graph, factors, 'equalized');
}
