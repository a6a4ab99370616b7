/**
 * Which nodes will compute in integers, and which tensors between them are quantized.
 *
 * - Products with constant weights: Conv, ConvTranspose, Gemm, MatMul.
 * - What stands between products: sums, products of tensors, concatenations, pools, activations, moves; taken where all its
 *   tensors come out of such nodes and one of its results goes into one.
 * - A tensor is quantized where one of these nodes reads it. What leaves an island stays float32: the last product before the
 *   model's outputs is not rounded.
 * - A Relu or Clip after a product or sum is part of it: only its result is quantized.
 * - Moves and max pools keep the scale of what they move.
 */
import { dsnkError } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import type { Graph, Node, Value } from '../graph/graph.js';

export interface Product {
  readonly node: Node;
  readonly weight: Value;
  /** The axis of output channels in the weight. */
  readonly axis: number;
  /** A constant with one number per channel. */
  readonly bias: Value | undefined;
}

export interface Islands {
  readonly products: readonly Product[];
  /** Every tensor that gets a QuantizeLinear, with the one whose scale it has: itself, but behind moves. */
  readonly tensors: ReadonlyMap<Value, Value>;
  /** Products that stay in float32, and why. */
  readonly kept: ReadonlyMap<Node, string>;
}

const productOps = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
/** Results are elements of the input. */
const moves = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Split', 'DepthToSpace', 'SpaceToDepth', 'MaxPool', 'Identity']);
const between = new Set([
  'Add',
  'Mul',
  'Concat',
  'AveragePool',
  'GlobalAveragePool',
  'Relu',
  'Clip',
  'LeakyRelu',
  'Sigmoid',
  'HardSigmoid',
  'HardSwish',
  'Tanh',
]);
const clamps = new Set(['Relu', 'Clip']);

export type Keep = (node: Node) => boolean;

export function findIslands(graph: Graph, keep: Keep): Islands {
  const uses = graph.uses();
  const users = (v: Value) => uses.get(v) ?? [];
  const kept = new Map<Node, string>();
  const products = new Map<Node, Product>();
  const inside = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.domain !== '') continue;
    if (productOps.has(node.op)) {
      const product = keep(node) ? 'asked for' : productOf(node);
      if (typeof product === 'string') kept.set(node, product);
      else {
        products.set(node, product);
        inside.add(node);
      }
    } else if ((moves.has(node.op) || between.has(node.op)) && !keep(node) && isBetween(node, inside, users)) inside.add(node);
  }
  // What no integer node reads is left out again, from the end on.
  for (const node of [...graph.nodes].reverse()) {
    if (inside.has(node) && !products.has(node) && !node.outputs.some((v) => users(v).some((u) => inside.has(u)))) inside.delete(node);
  }
  return { products: [...products.values()], tensors: quantizedTensors(graph, inside, products, users), kept };
}

/** Every product that can be quantized, and why the others stay. */
export function findProducts(graph: Graph, keep: Keep): Pick<Islands, 'products' | 'kept'> {
  const products: Product[] = [];
  const kept = new Map<Node, string>();
  for (const node of graph.nodes) {
    if (node.domain !== '' || !productOps.has(node.op)) continue;
    const product = keep(node) ? 'asked for' : productOf(node);
    if (typeof product === 'string') kept.set(node, product);
    else products.push(product);
  }
  return { products, kept };
}

/** Error ERR_DSNK_INVALID_ARGUMENT, with the reason of every layer that is kept, where nothing is left to do. */
export function assertProducts(
  graph: Graph,
  { products, kept }: Pick<Islands, 'products' | 'kept'>,
  wanted = 'a convolution or product',
  purpose = 'quantize',
): void {
  if (products.length > 0) return;
  const came = [...kept].map(([node, reason]) => `${node.where}: ${reason}`).join('; ') || 'it has none';
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${graph.name}"`, `model must have ${wanted} with constant weights to ${purpose}`, came);
}

/** Products that tensors of integers lead between: in integers they are fast or slow together. */
export interface Island {
  readonly products: readonly Product[];
  /** Names of all its nodes, with those around its tensors in the quantized graph. */
  readonly nodes: ReadonlySet<string>;
}

export function separateIslands(graph: Graph, { products }: Pick<Islands, 'products'>): Island[] {
  const productOf = new Map(products.map((p) => [p.node, p]));
  const parents = new Map<Node, Node>();
  const rootOf = (node: Node): Node => {
    let root = node;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) root = up;
    parents.set(node, root);
    return root;
  };
  for (const node of graph.nodes) {
    const before = activations(node).flatMap((v) => (v.producer !== undefined && parents.has(v.producer) ? [v.producer] : []));
    if (!productOf.has(node) && !(node.domain === '' && (moves.has(node.op) || between.has(node.op)) && before.length > 0)) continue;
    parents.set(node, node);
    for (const maker of before) parents.set(rootOf(maker), node);
  }
  const islands = new Map<Node, { products: Product[]; nodes: Set<string> }>();
  for (const node of parents.keys()) {
    const root = rootOf(node);
    const island = islands.get(root) ?? { products: [], nodes: new Set() };
    islands.set(root, island);
    const product = productOf.get(node);
    if (product !== undefined) island.products.push(product);
    island.nodes.add(node.name);
    for (const v of activations(node)) island.nodes.add(`${v.name}/q`).add(`${v.name}/dq`);
  }
  return [...islands.values()].filter((island) => island.products.length > 0);
}

type Users = (v: Value) => readonly Node[];

/** The tensors a node computes with; shapes, axes and bounds are constants or integers. */
function activations(node: Node): Value[] {
  const list = productOps.has(node.op) ? node.inputs.slice(0, 1) : node.inputs;
  return list.filter((v): v is Value => v !== undefined && v.constant === undefined && v.dtype === 'float32');
}

function isBetween(node: Node, inside: ReadonlySet<Node>, users: Users): boolean {
  if (node.outputs.some((v) => v.dtype !== 'float32' && users(v).length > 0)) return false;
  const read = activations(node);
  // Sums and concatenations with a constant stay float32, unless a pass has moved the constant into a product.
  const data = node.op === 'Add' || node.op === 'Mul' || node.op === 'Concat' ? node.inputs.length : 1;
  return read.length === data && read.every((v) => v.producer !== undefined && inside.has(v.producer));
}

function productOf(node: Node): Product | string {
  const weight = node.input(1);
  if (node.input(0).dtype !== 'float32' || weight.dtype !== 'float32') return 'it is not float32';
  if (weight.constant === undefined) return 'its weights are not constant';
  if (node.input(0).constant !== undefined) return 'its input is constant';
  const rank = weight.constant.dims.length;
  if (elementCount(weight.constant.dims) === 0) return 'its weights are empty';
  if (node.op === 'Gemm' && (node.float('alpha', 1) !== 1 || node.float('beta', 1) !== 1 || node.int('transA', 0) !== 0)) return 'it scales or transposes';
  if (node.op === 'MatMul' && rank !== 2) return 'its weights are not one matrix';
  if (node.op === 'ConvTranspose' && node.int('group', 1) !== 1) return 'its output channels lie on two axes';
  const axis = node.op === 'Conv' ? 0 : node.op === 'Gemm' && node.int('transB', 0) !== 0 ? 0 : 1;
  const channels = weight.constant.dims[axis] as number;
  const bias = node.op === 'MatMul' ? undefined : node.inputs[2];
  const flat =
    bias?.constant !== undefined && bias.dtype === 'float32' && elementCount(bias.constant.dims) === channels && bias.constant.dims.at(-1) === channels;
  return { node, weight, axis, bias: flat ? bias : undefined };
}

function quantizedTensors(graph: Graph, inside: ReadonlySet<Node>, products: ReadonlyMap<Node, Product>, users: Users): Map<Value, Value> {
  /** Goes on inside the kernel that made it. */
  const isPassedOn = (v: Value) => {
    const [maker, readers] = [v.producer, users(v)];
    if (maker === undefined || !inside.has(maker) || !(products.has(maker) || maker.op === 'Add')) return false;
    return readers.length === 1 && clamps.has(readers[0]?.op ?? '') && inside.has(readers[0] as Node) && !graph.outputs.includes(v);
  };
  const tensors = new Map<Value, Value>();
  for (const node of graph.nodes) {
    if (!inside.has(node)) continue;
    for (const v of activations(node)) {
      if (tensors.has(v) || isPassedOn(v)) continue;
      // Nodes stand in order: what a move reads has its root by now.
      const source = v.producer !== undefined && inside.has(v.producer) && moves.has(v.producer.op) ? v.producer.input(0) : undefined;
      tensors.set(v, (source && tensors.get(source)) ?? v);
    }
  }
  return tensors;
}
