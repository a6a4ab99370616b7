/**
 * Weights of 8, 4, 3 or 2 bits in groups: which form a layer has in the file, and the graphs that compute it.
 *
 * - MatMul and Gemm with groups become com.microsoft MatMulNBits.
 * - Everything else reads DequantizeLinear: of the weight itself, with one scale a channel, or of a matrix of output channels by the rest, in blocks
 *   along its rows, and what gives that the dimensions of the weight.
 * - ONNX has no type of three bits, and runtimes know two only in MatMulNBits: such codes stand in four.
 */
import { type DType, dtypes } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import type { FewBitsAlgorithm } from './algorithms.js';
import type { Product } from './islands.js';
import { ConstantGraph } from './observe.js';

export type WeightBits = 8 | 4 | 3 | 2;

export interface FewBitsOptions {
  readonly bits: WeightBits;
  /** undefined: by the length of rows. */
  readonly groupSize: number | 'channel' | undefined;
  readonly symmetric: boolean;
  readonly algorithm: FewBitsAlgorithm;
  /** Later inputs are those of less energy, where rounding has an order. */
  readonly actOrder?: boolean;
}

/** The group where none is asked for: where levels are few, scales have to be many, and short rows have four all the same. */
export function defaultGroup(bits: WeightBits, k: number): number {
  const most = { 8: 128, 4: 64, 3: 32, 2: 16 }[bits];
  return Math.min(most, Math.max(16, 2 ** Math.floor(Math.log2(k / 4))));
}

/** A weight as rows of k numbers: output channels by the rest. */
export interface WeightRows {
  readonly product: Product;
  readonly rows: number;
  readonly k: number;
}

/** Rows that share scales in groups along k. */
export interface FewBitsLayer extends FewBitsOptions, WeightRows {
  /** Elements of a group, `k` at most. */
  readonly group: number;
  /** Written as MatMulNBits. */
  readonly packed: boolean;
}

export interface FewBitsWeight {
  readonly layer: FewBitsLayer;
  /** A stream of codes: bytes of MatMulNBits, or elements of `type`. */
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  /** As codes; undefined where symmetric. */
  readonly zeros: Uint8Array | undefined;
  readonly sqnrDb: number;
}

/** Bits that a code has in a file. */
const storedBits = ({ bits, packed }: FewBitsLayer) => (bits === 8 ? 8 : bits === 2 && packed ? 2 : 4);

const dimsOf = (p: Product) => (p.weight.constant as Constant).dims;

/** Axes 0 and 1 exchanged, where output channels are not the first: the way to rows and back. */
function exchanged(p: Product): number[] | undefined {
  return p.axis === 0 ? undefined : dimsOf(p).map((_, i) => (i < 2 ? 1 - i : i));
}

export function weightRows(product: Product): WeightRows {
  const dims = dimsOf(product);
  const rows = dims[product.axis] as number;
  return { product, rows, k: elementCount(dims) / rows };
}

export function layerOf(product: Product, options: FewBitsOptions): FewBitsLayer {
  const { rows, k } = weightRows(product);
  const { node } = product;
  const plainBias = node.op === 'MatMul' || node.inputs[2] === undefined || product.bias !== undefined;
  const asked = options.groupSize ?? defaultGroup(options.bits, k);
  const packed = asked !== 'channel' && (node.op === 'MatMul' || node.op === 'Gemm') && plainBias;
  const group = asked === 'channel' ? k : packed ? asked : Math.min(asked, k);
  return { ...options, product, rows, k, group, packed };
}

/** Groups of the convolution whose weight this is: each has inputs of its own. */
export const factorsOf = ({ node }: Product) => (node.op === 'Conv' ? node.int('group', 1) : 1);

const groupsOf = (l: FewBitsLayer) => Math.ceil(l.k / l.group);

/** The weight as float32 rows. */
export function rowsOf(g: ConstantGraph, l: WeightRows): Value {
  const w = g.constant(l.product.weight.constant as Constant);
  const perm = exchanged(l.product);
  const turned = perm === undefined ? w : g.op('Transpose', [w], { perm });
  return g.reshape(turned, l.rows, l.k);
}

/** What is added to the diagonal of the sums, as a share of its mean. */
export const DAMPING = 0.01;
/** Times that all codes and scales are looked at again. More change nothing that can be measured. */
const SWEEPS = 4;

/** Attributes of FitWeights for the layer as it is. */
export const fitAttributes = ({ bits, group, symmetric, algorithm }: FewBitsLayer) => ({ bits, group, symmetric: symmetric ? 1 : 0, algorithm });

/**
 * Outputs `codes`, `scales`, `zeros`, `signal` and `noise`; `gram` [factors, k, k] is what the layer's inputs are like. With `gptq` and `expected`
 * it decides where errors go, otherwise its diagonal, or what came in place of it as [factors, k], says how much an error of each k matters.
 */
export function fitGraph(l: FewBitsLayer, gram: Constant | undefined): Graph {
  const g = new ConstantGraph();
  const w = rowsOf(g, l);
  const seen = gram && g.constant(gram);
  const isMatrix = gram?.dims.length === 3;
  const solves = isMatrix && (l.algorithm === 'gptq' || l.algorithm === 'expected');
  const sorted = l.actOrder ? 1 : 0;
  const [factors, order] = solves ? g.ops('FactorHessian', [seen], 2, { damping: DAMPING, sorted }, 'dsnk') : [];
  const importance = seen === undefined || solves ? undefined : isMatrix ? diagonal(g, seen, gram.dims) : seen;
  const algorithm = l.algorithm === 'gptq' ? 'mse' : l.algorithm === 'expected' ? (seen === undefined ? 'hqq' : 'mse') : l.algorithm;
  const attrs = { ...fitAttributes(l), algorithm, ...(solves && { damping: DAMPING, sweeps: SWEEPS }) };
  const inputs = [w, factors, l.actOrder ? order : undefined, importance, solves ? seen : undefined];
  const fit = g.graph.addNode('FitWeights', inputs, { domain: 'dsnk', name: l.product.node.name, outputs: 3, attrs });
  const [codes, scales, zeros] = fit.outputs as [Value, Value, Value];
  const stored = storedBits(l);
  // Symmetric codes stand around the middle of the stored ones; signed types have the sign bit turned over.
  const offset = l.symmetric ? 2 ** (stored - 1) - 2 ** (l.bits - 1) : 0;
  const flip = l.symmetric && !l.packed ? 2 ** (stored - 1) : 0;
  const groups = groupsOf(l);
  // Blocks of MatMulNBits are whole; elements of a tensor lie one after the other.
  const stream = l.packed ? codes : g.reshape(groups === 1 ? asWeight(g, l, codes) : codes, 1, -1);
  const row = l.packed ? groups * l.group : l.rows * l.k;
  g.output(g.op('PackBits', [stream], { bits: stored, offset, flip, row_bits: row * stored }, undefined, 'dsnk'), 'codes');
  g.output(scales, 'scales');
  const zeroRow = l.packed ? Math.ceil((groups * stored) / 8) * 8 : groups * stored;
  if (!l.symmetric) g.output(g.op('PackBits', [zeros], { bits: stored, row_bits: zeroRow }, undefined, 'dsnk'), 'zeros');
  const back = g.op('DequantizeLinear', [codes, scales, zeros], { axis: 1, block_size: l.group });
  g.output(g.op('ReduceSumSquare', [w], { keepdims: 0 }), 'signal');
  g.output(g.op('ReduceSumSquare', [g.op('Sub', [w, back])], { keepdims: 0 }), 'noise');
  return g.graph;
}

export function diagonal(g: ConstantGraph, gram: Value, dims: readonly number[]): Value {
  const k = dims[1] as number;
  const square = g.op('ConstantOfShape', [g.ints(k, k)]);
  const eye = g.op('EyeLike', [square], { dtype: dtypes.float32.onnx });
  return g.op('ReduceSum', [g.op('Mul', [gram, eye]), g.ints(2)], { keepdims: 0 });
}

/** Rows as the weight has them. */
export function asWeight(g: ConstantGraph, l: WeightRows, rows: Value): Value {
  const [dims, perm] = [dimsOf(l.product), exchanged(l.product)];
  const turned = perm === undefined ? dims : perm.map((i) => dims[i] as number);
  const shaped = g.reshape(rows, ...turned);
  return perm === undefined ? shaped : g.op('Transpose', [shaped], { perm });
}

/** Bytes in a file: codes, scales, zero points. */
export function bytesOf({ codes, scales, zeros }: FewBitsWeight): number {
  return codes.byteLength + 4 * scales.length + (zeros?.byteLength ?? 0);
}

/** The type of codes behind DequantizeLinear. */
export function codeType(l: FewBitsLayer): DType {
  if (storedBits(l) === 8) return l.symmetric ? 'int8' : 'uint8';
  return l.symmetric ? 'int4' : 'uint4';
}

/** The value that stands for the weight: DequantizeLinear, and what gives it its dimensions again. */
function writeDequantized(graph: Graph, w: FewBitsWeight, nodes: Node[]): Value {
  const { layer: l } = w;
  const { name } = l.product.weight;
  const dims = dimsOf(l.product);
  const type = codeType(l);
  const groups = groupsOf(l);
  const plain = groups === 1;
  const scaleDims = plain ? [l.rows] : [l.rows, groups];
  const inputs = [
    graph.addConstant(new Constant(type, plain ? dims : [l.rows, l.k], () => w.codes), `${name}/q`),
    graph.addConstant(Constant.of('float32', scaleDims, w.scales), `${name}/scale`),
    w.zeros && graph.addConstant(new Constant(type, scaleDims, () => w.zeros as Uint8Array), `${name}/zero`),
  ];
  const attrs = plain ? { axis: l.product.axis } : { axis: 1, block_size: l.group };
  const d = graph.createNode('DequantizeLinear', inputs, { name: `${name}/dq`, attrs });
  nodes.push(d);
  let v = d.output();
  if (plain) return v;
  const add = (op: string, more: Value[], given: Record<string, number[]> = {}) => {
    const node = graph.createNode(op, [v, ...more], { name: `${name}/${op.toLowerCase()}`, attrs: given });
    nodes.push(node);
    v = node.output();
  };
  const perm = exchanged(l.product);
  const turned = perm === undefined ? dims : perm.map((i) => dims[i] as number);
  if (turned.length !== 2) add('Reshape', [graph.addConstant(Constant.of('int64', [turned.length], turned), `${name}/dims`)]);
  if (perm !== undefined) add('Transpose', [], { perm });
  return v;
}

/** The node that stands for a MatMul or Gemm. `bias` as it is to be written. */
function packedProduct(graph: Graph, node: Node, w: FewBitsWeight, bias: Value | undefined): Node {
  const { layer: l } = w;
  const { name } = l.product.weight;
  const [groups, stored] = [groupsOf(l), storedBits(l)];
  const inputs: (Value | undefined)[] = [
    node.input(0),
    graph.addConstant(new Constant('uint8', [l.rows, groups, (l.group * stored) / 8], () => w.codes), `${name}/q`),
    graph.addConstant(Constant.of('float32', [l.rows, groups], w.scales), `${name}/scale`),
    w.zeros && graph.addConstant(new Constant('uint8', [l.rows, Math.ceil((groups * stored) / 8)], () => w.zeros as Uint8Array), `${name}/zero`),
    undefined,
    bias,
  ];
  const attrs = { K: l.k, N: l.rows, bits: stored, block_size: l.group, accuracy_level: 4 };
  return graph.createNode('MatMulNBits', inputs, { domain: 'com.microsoft', name: node.name, attrs });
}

/** A new graph with these weights, and where the source's values stand in it. */
export function writeFewBits(
  source: Graph,
  weights: ReadonlyMap<Product, FewBitsWeight>,
  biasOf: (p: Product) => ArrayLike<number> | undefined,
): { graph: Graph; map: ReadonlyMap<Value, Value> } {
  const { graph, map: cloned } = source.clone();
  const map = new Map(cloned);
  const before: Node[] = [];
  const replaced = new Map<Node, Node>();
  for (const [product, weight] of weights) {
    const y = cloned.get(product.node.output()) as Value;
    const node = y.producer as Node;
    const numbers = biasOf(product);
    const bias = numbers && graph.addConstant(Constant.of('float32', [numbers.length], numbers), `${product.bias?.name}`);
    if (!weight.layer.packed) {
      node.inputs[1] = writeDequantized(graph, weight, before);
      if (bias !== undefined) node.inputs[2] = bias;
      continue;
    }
    const taken = packedProduct(graph, node, weight, bias);
    const { name } = y;
    taken.output().dtype = y.dtype;
    taken.output().shape = y.shape;
    graph.replaceValue(y, taken.output());
    y.name = `${name}/float`;
    taken.output().name = name;
    replaced.set(node, taken);
    map.set(product.node.output(), taken.output());
  }
  graph.nodes = [...before, ...graph.nodes.map((n) => replaced.get(n) ?? n)];
  return { graph, map };
}
