/**
 * Activation-aware scaling: channels whose inputs are large get larger weights, whose rounding errors are smaller beside them, and what makes
 * these inputs is divided by as much: W·x = (W·s)·(x/s). s = (energy of the channel)^(a/2), a the one of a grid with the least tr(E·G·Eᵀ),
 * E the error of the weights and G = Σ x·xᵀ.
 *
 * Source: Lin, Tang, Tang, Yang, Chen, Wang, Xiao, Dang, Gan, Han, "AWQ: Activation-aware Weight Quantization for LLM Compression and
 * Acceleration", MLSys 2024, §3.2; with the energy in place of the mean magnitude, as the diagonal of G has it.
 */
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import { type Factor, findPairs, inputAxis, scaleConstants } from './equalize.js';
import { diagonal, type FewBitsOptions, fitAttributes, layerOf, rowsOf } from './few-bits.js';
import type { Product } from './islands.js';
import { ConstantGraph } from './observe.js';

/** What can be divided by one number per channel, and every product that reads it. */
export interface Scalable {
  /** Constants of a node: its input, and the axis of channels in it. */
  readonly made: readonly { readonly node: Node; readonly input: number; readonly axis: number }[];
  readonly readers: readonly { readonly product: Product; readonly axis: number }[];
  readonly channels: number;
}

const normalizations: Readonly<Record<string, readonly number[]>> = {
  LayerNormalization: [1, 2],
  RMSNormalization: [1],
  SimplifiedLayerNormalization: [1],
};

export function findScalable(graph: Graph, products: readonly Product[]): Scalable[] {
  const uses = graph.uses();
  const byNode = new Map(products.map((p) => [p.node, p]));
  const found: Scalable[] = [];
  const taken = new Set<Product>();
  const take = (made: Scalable['made'], readers: Scalable['readers'], channels: number) => {
    if (readers.some(({ product }) => taken.has(product) || product.node.int('group', 1) !== 1)) return;
    for (const { product } of readers) taken.add(product);
    found.push({ made, readers, channels });
  };
  const isOwn = (v: Value | undefined): v is Value => v?.constant !== undefined && uses.get(v)?.length === 1;
  for (const node of graph.nodes) {
    const v = node.outputs[0];
    const readers = v === undefined || graph.outputs.includes(v) ? [] : (uses.get(v) ?? []).map((n) => (n.input(0) === v ? byNode.get(n) : undefined));
    const inputs = normalizations[node.op] ?? (node.op === 'Mul' ? [0, 1].filter((i) => node.inputs[i]?.constant !== undefined) : []);
    const factors = node.inputs[inputs[0] ?? -1];
    const channels = factors?.dims.at(-1);
    if (typeof channels !== 'number' || channels < 2 || node.outputs.length !== 1 || readers.length === 0) continue;
    const given = inputs.filter((i) => node.inputs[i] !== undefined);
    const plain = given.every((i) => isOwn(node.inputs[i]) && node.input(i).constant?.dims.every((d, k, all) => d === (k === all.length - 1 ? channels : 1)));
    // The last axis, which is that of a product of matrices and not of a convolution.
    const all = readers.flatMap((p) => (p !== undefined && p.node.op !== 'Conv' && p.node.op !== 'ConvTranspose' ? [{ product: p, axis: 1 - p.axis }] : []));
    if (!plain || all.length !== readers.length || all.some(({ product, axis }) => product.weight.dims[axis] !== channels || !isOwn(product.weight))) continue;
    take(
      given.map((input) => ({ node, input, axis: node.input(input).dims.length - 1 })),
      all,
      channels,
    );
  }
  for (const { first, second, axis } of [...findPairs(graph, products), ...gatedPairs(graph, byNode, uses)]) {
    const bias = first.bias === undefined ? [] : [{ node: first.node, input: 2, axis: first.bias.dims.length - 1 }];
    take([{ node: first.node, input: 1, axis: first.axis }, ...bias], [{ product: second, axis }], first.weight.dims[first.axis] as number);
  }
  return found;
}

/** Products of which one factor is the other's result: x·(W·y) is linear in W. */
function gatedPairs(graph: Graph, byNode: ReadonlyMap<Node, Product>, uses: ReadonlyMap<Value, readonly Node[]>) {
  const alone = (v: Value) => uses.get(v)?.length === 1 && !graph.outputs.includes(v);
  return graph.nodes.flatMap((gate) => {
    if (gate.op !== 'Mul' || gate.domain !== '' || !alone(gate.output())) return [];
    const reader = uses.get(gate.output())?.[0] as Node;
    const second = reader.input(0) === gate.output() ? byNode.get(reader) : undefined;
    const first = gate.inputs.map((v) => v?.producer && byNode.get(v.producer)).find((p) => p !== undefined && alone(p.node.output()));
    const axis = second && inputAxis(second);
    if (first === undefined || second === undefined || axis === undefined || !alone(first.weight) || !alone(second.weight)) return [];
    const plain = first.node.inputs[2] === undefined || first.bias !== undefined;
    const isAlike = gate.inputs.every((v) => JSON.stringify(v?.shape) === JSON.stringify(gate.output().shape));
    return plain && isAlike && second.weight.dims[axis] === first.weight.dims[first.axis] ? [{ first, second, axis }] : [];
  });
}

/** Exponents that are tried; 0 leaves the weights as they are. */
export const EXPONENTS = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1];

/** Energies to the power a/2, their geometric mean 1; channels that never saw anything are left out of it, and stay. */
export function scalesOf(energy: ArrayLike<number>, a: number): Float32Array {
  const logs = Array.from(energy, (e) => (e > 0 ? 0.5 * a * Math.log(e) : Number.NaN));
  const known = logs.filter((l) => !Number.isNaN(l));
  const mean = known.reduce((sum, l) => sum + l, 0) / Math.max(1, known.length);
  // Within 2^±8: float32 keeps its digits, and biases their size.
  return Float32Array.from(logs, (l) => (Number.isNaN(l) ? 1 : Math.min(Math.max(Math.exp(l - mean), 2 ** -8), 2 ** 8)));
}

/** Outputs `error:i` for the i-th scales, each [k] along the rows of the weight: tr(E·G·Eᵀ) where weights times scales are rounded. */
export function scaledErrors(product: Product, options: FewBitsOptions, gram: Constant, scales: readonly Float32Array[]): Graph {
  const g = new ConstantGraph();
  const layer = layerOf(product, { ...options, algorithm: options.algorithm === 'gptq' || options.algorithm === 'expected' ? 'mse' : options.algorithm });
  const w = rowsOf(g, layer);
  const own = g.constant(gram);
  const energy = diagonal(g, own, gram.dims);
  const seen = g.reshape(own, layer.k, layer.k);
  scales.forEach((s, i) => {
    const factors = g.constant(Constant.of('float32', [1, layer.k], s));
    const importance = g.op('Div', [energy, g.op('Mul', [factors, factors])]);
    const fit = g.graph.addNode('FitWeights', [g.op('Mul', [w, factors]), undefined, undefined, importance], {
      domain: 'dsnk',
      outputs: 3,
      attrs: fitAttributes(layer),
    });
    const back = g.op('DequantizeLinear', [...fit.outputs], { axis: 1, block_size: layer.group });
    const error = g.op('Sub', [w, g.op('Div', [back, factors])]);
    g.output(g.op('ReduceSum', [g.op('Mul', [g.op('MatMul', [error, seen]), error])], { keepdims: 0 }), `error:${i}`);
  });
  return g.graph;
}

export function insertFactors(graph: Graph, places: readonly (readonly [Scalable, Float32Array])[]): void {
  const factors = places.flatMap(([{ made, readers }, scales]) => [
    ...made.map(({ node, input, axis }): Factor => ({ node, input, axis, op: 'Div', scales })),
    ...readers.map(({ product, axis }): Factor => ({ node: product.node, input: 1, axis, op: 'Mul', scales })),
  ]);
  scaleConstants(graph, factors, 'scaled');
}
