/**
 * Weights of 8, 4, 3 or 2 bits in groups: which form a layer has in the file, and the graphs that compute it.
 *
 * - MatMul and Gemm with groups become com.microsoft MatMulNBits.
 * - Conv and ConvTranspose, and everything with one scale a channel, read DequantizeLinear: a matrix of output channels, or for ConvTranspose of
 *   input channels, by everything else, in blocks along its rows, and a Reshape to the dimensions of the weight.
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
  readonly groupSize: number | 'channel';
  readonly symmetric: boolean;
  readonly algorithm: FewBitsAlgorithm;
}

/** A weight as rows of k numbers that share scales in groups along k. */
export interface FewBitsLayer extends FewBitsOptions {
  readonly product: Product;
  readonly rows: number;
  readonly k: number;
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

/** Whether the weight stands as [k, n] and is transposed for its rows. */
const isTransposed = ({ node }: Product) => node.op === 'MatMul' || (node.op === 'Gemm' && node.int('transB', 0) === 0);

export function layerOf(product: Product, options: FewBitsOptions): FewBitsLayer {
  const dims = dimsOf(product);
  const rows = (isTransposed(product) ? dims[1] : dims[0]) as number;
  const k = elementCount(dims) / rows;
  const { node } = product;
  const plainBias = node.op === 'MatMul' || node.inputs[2] === undefined || product.bias !== undefined;
  const packed = options.groupSize !== 'channel' && (node.op === 'MatMul' || node.op === 'Gemm') && plainBias;
  const group = options.groupSize === 'channel' ? k : packed ? options.groupSize : Math.min(options.groupSize, k);
  return { ...options, product, rows, k, group, packed };
}

/** Groups of the convolution whose weight this is: each has inputs of its own. */
export const factorsOf = ({ node }: Product) => (node.op === 'Conv' ? node.int('group', 1) : 1);

const groupsOf = (l: FewBitsLayer) => Math.ceil(l.k / l.group);

/** The weight as float32 rows. */
function rowsOf(g: ConstantGraph, l: FewBitsLayer): Value {
  const w = g.constant(l.product.weight.constant as Constant);
  if (isTransposed(l.product)) return g.node('Transpose', [w], { perm: [1, 0] });
  return g.node('Reshape', [w, g.constant(Constant.of('int64', [2], [l.rows, l.k]))]);
}

/**
 * Outputs `codes`, `scales`, `zeros`, `signal` and `noise`; `gram` [factors, k, k] is what calibration saw of the layer's inputs. With `gptq`
 * it decides where errors go, otherwise its diagonal says how much an error of each k matters.
 */
export function fitGraph(l: FewBitsLayer, gram: Constant | undefined): Graph {
  const g = new ConstantGraph();
  const w = rowsOf(g, l);
  const seen = gram && g.constant(gram);
  const solves = l.algorithm === 'gptq' && seen !== undefined;
  const factors = solves ? g.node('FactorHessian', [seen], { damping: 0.01 }, 'dsnk') : undefined;
  const importance = seen !== undefined && !solves ? diagonal(g, seen, (gram as Constant).dims) : undefined;
  const attrs = { bits: l.bits, group: l.group, symmetric: l.symmetric ? 1 : 0, algorithm: l.algorithm === 'gptq' ? 'mse' : l.algorithm };
  const fit = g.graph.addNode('FitWeights', [w, factors, importance], { domain: 'dsnk', name: l.product.node.name, outputs: 3, attrs });
  const [codes, scales, zeros] = fit.outputs as [Value, Value, Value];
  const stored = storedBits(l);
  // Symmetric codes stand around the middle of the stored ones; signed types have the sign bit turned over.
  const offset = l.symmetric ? 2 ** (stored - 1) - 2 ** (l.bits - 1) : 0;
  const flip = l.symmetric && !l.packed ? 2 ** (stored - 1) : 0;
  const [groups, row] = [groupsOf(l), l.packed ? groupsOf(l) * l.group : l.k];
  g.output(g.node('PackBits', [codes], { bits: stored, offset, flip, row_bits: row * stored }, 'dsnk'), 'codes');
  g.output(scales, 'scales');
  const zeroRow = l.packed ? Math.ceil((groups * stored) / 8) * 8 : groups * stored;
  if (!l.symmetric) g.output(g.node('PackBits', [zeros], { bits: stored, row_bits: zeroRow }, 'dsnk'), 'zeros');
  const back = g.node('DequantizeLinear', [codes, scales, zeros], { axis: 1, block_size: l.group });
  g.output(g.node('ReduceSumSquare', [w], { keepdims: 0 }), 'signal');
  g.output(g.node('ReduceSumSquare', [g.node('Sub', [w, back])], { keepdims: 0 }), 'noise');
  return g.graph;
}

function diagonal(g: ConstantGraph, gram: Value, dims: readonly number[]): Value {
  const k = dims[1] as number;
  const square = g.node('ConstantOfShape', [g.constant(Constant.of('int64', [2], [k, k]))]);
  const eye = g.node('EyeLike', [square], { dtype: dtypes.float32.onnx });
  return g.node('ReduceSum', [g.node('Mul', [gram, eye]), g.constant(Constant.of('int64', [1], [2]))], { keepdims: 0 });
}

/** Bytes in a file: codes, scales, zero points. */
export function bytesOf({ codes, scales, zeros }: FewBitsWeight): number {
  return codes.byteLength + 4 * scales.length + (zeros?.byteLength ?? 0);
}

/** The type of codes behind DequantizeLinear. */
function codeType(l: FewBitsLayer): DType {
  if (storedBits(l) === 8) return l.symmetric ? 'int8' : 'uint8';
  return l.symmetric ? 'int4' : 'uint4';
}

/** The value that stands for the weight: DequantizeLinear, and what gives it its dimensions again. */
export function writeDequantized(graph: Graph, w: FewBitsWeight, nodes: Node[]): Value {
  const { layer: l } = w;
  const { name } = l.product.weight;
  const dims = dimsOf(l.product);
  const type = codeType(l);
  const groups = groupsOf(l);
  const scaleDims = groups === 1 ? [l.rows] : [l.rows, groups];
  const inputs = [
    graph.addConstant(new Constant(type, [l.rows, l.k], () => w.codes), `${name}/q`),
    graph.addConstant(Constant.of('float32', scaleDims, w.scales), `${name}/scale`),
    w.zeros && graph.addConstant(new Constant(type, scaleDims, () => w.zeros as Uint8Array), `${name}/zero`),
  ];
  const attrs = groups === 1 ? { axis: 0 } : { axis: 1, block_size: l.group };
  const d = graph.createNode('DequantizeLinear', inputs, { name: `${name}/dq`, attrs });
  nodes.push(d);
  let v = d.output();
  const add = (op: string, more: Value[], options: { attrs?: Record<string, number[]> } = {}) => {
    const node = graph.createNode(op, [v, ...more], { name: `${name}/${op.toLowerCase()}`, ...options });
    nodes.push(node);
    v = node.output();
  };
  if (isTransposed(l.product)) add('Transpose', [], { attrs: { perm: [1, 0] } });
  else if (dims.length !== 2 || dims[0] !== l.rows) add('Reshape', [graph.addConstant(Constant.of('int64', [dims.length], dims), `${name}/dims`)]);
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
