/** Single operators as models of their own, for benches that time them beside a peer. */
import type { DType } from '../../lib/dtype.js';
import { elementCount } from '../../lib/graph/dim.js';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { GraphBuilder } from '../../lib/index.js';
import { type SingleCall, waves } from '../../lib/runtime/measure.js';

/** One operator of ONNX on one input: uint8, or float32 where it says so. */
export interface QuantizedCall {
  readonly floats?: boolean;
  readonly name: string;
  readonly dims: readonly number[];
  readonly flops: number;
  readonly graph: () => Graph;
}

/** Whether a weight of a product is zero where two of every four k of a column are. */
const isThinned = (k: number, column: number) => (k + column + Math.floor(k / 4)) % 2 === 1;

/** Weights [k, n], two of every four k of a column zero. */
function thinnedRows<T extends Float32Array | number[]>(w: T, n: number): T {
  for (let i = 0; i < w.length; i++) if (isThinned(Math.floor(i / n), i % n)) w[i] = 0;
  return w;
}

/** Bytes in and out, weights of one scale a column. */
function quantized(g: Graph, op: string, x: Value, w: readonly number[], columns: number, attrs: Record<string, AttrValue> = {}, thinned = false): void {
  const of = (type: DType, dims: readonly number[], values: ArrayLike<number>) => g.addConstant(Constant.of(type, dims, Array.from(values)));
  const [depth, n] = [elementCount(w) / columns, columns];
  const whole = waves(elementCount(w)).map((v) => Math.round(127 * v));
  const bytes = thinned ? thinnedRows(whole, columns) : whole;
  const [scale, zero] = [of('float32', [], [0.02]), of('uint8', [], [128])];
  const inputs = [x, scale, zero, of('int8', w, bytes), of('float32', [n], new Float32Array(n).fill(0.002)), of('int8', [n], new Uint8Array(n))];
  inputs.push(of('float32', [], [0.01 * Math.sqrt(depth)]), zero);
  g.outputs.push(g.addNode(op, inputs, { name: 'y', attrs }).output());
}

export function quantizedProduct(m: number, k: number, n: number, thinned = false): QuantizedCall {
  const graph = () => {
    const g = new Graph('product');
    quantized(g, 'QLinearMatMul', g.addInput('x', 'uint8', [m, k]), [k, n], n, {}, thinned);
    return g;
  };
  return { name: `QLinearMatMul ${thinned ? '2:4 ' : ''}${m}x${k}x${n}`, dims: [m, k], flops: 2 * m * k * n, graph };
}

/** A product of floats, two of every four k of a column of its weights zero. */
export function thinnedProduct(m: number, k: number, n: number): QuantizedCall {
  const graph = () => {
    const g = new Graph('product');
    const w = g.addConstant(Constant.of('float32', [k, n], thinnedRows(waves(k * n), n)));
    g.outputs.push(g.addNode('MatMul', [g.addInput('x', 'float32', [m, k]), w], { name: 'y' }).output());
    return g;
  };
  return { name: `MatMul 2:4 ${m}x${k}x${n}`, dims: [m, k], flops: 2 * m * k * n, graph, floats: true };
}

export function quantizedConvolution(size: number, inC: number, outC: number, kernel: number, stride = 1, group = 1): QuantizedCall {
  const pad = (kernel - 1) / 2;
  const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const graph = () => {
    const g = new Graph('convolution');
    const attrs = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], group };
    quantized(g, 'QLinearConv', g.addInput('x', 'uint8', [1, inC, size, size]), [outC, inC / group, kernel, kernel], outC, attrs);
    return g;
  };
  const name = `QLinearConv ${kernel}x${kernel}${stride > 1 ? ` s${stride}` : ''} ${group > 1 ? `depthwise ${inC}` : `${inC}→${outC}`} @${size}`;
  return { name, dims: [1, inC, size, size], flops: 2 * outC * (inC / group) * kernel * kernel * out * out, graph };
}

/** Weights of four bits, activations that may become integers of eight (accuracy level 4) or stay floats (1). */
export function fewBits(m: number, k: number, n: number, block: number, level: number): QuantizedCall {
  const graph = () => {
    const g = new Graph('product');
    const blocks = k / block;
    const codes = new Uint8Array((n * k) / 2).map((_, i) => (i * 2654435761) >>> 13);
    const of = (type: DType, dims: readonly number[], values: ArrayLike<number>) => g.addConstant(Constant.of(type, dims, values));
    const weights = [of('uint8', [n, blocks, block / 2], codes), of('float32', [n, blocks], new Float32Array(n * blocks).fill(0.01))];
    const attrs = { K: k, N: n, bits: 4, block_size: block, accuracy_level: level };
    g.outputs.push(g.addNode('MatMulNBits', [g.addInput('x', 'float32', [m, k]), ...weights], { domain: 'com.microsoft', name: 'y', attrs }).output());
    return g;
  };
  return { name: `MatMulNBits 4 bits ${m}x${k}x${n} block ${block} level ${level}`, dims: [m, k], flops: 2 * m * k * n, graph, floats: true };
}

export const graphOf = (c: SingleCall | QuantizedCall): Graph => {
  if ('graph' in c) return c.graph();
  const b = new GraphBuilder('operator');
  return b.build({ y: c.build(b, b.input('x', { dataType: 'float32', shape: c.dims })) });
};

/** What the input of such a model holds. */
export function inputOf(c: SingleCall | QuantizedCall): { type: 'uint8' | 'float32'; data: Uint8Array | Float32Array } {
  const floats = waves(elementCount(c.dims));
  const bytes = 'graph' in c && c.floats !== true;
  return bytes ? { type: 'uint8', data: Uint8Array.from(floats, (v) => 128 + 127 * v) } : { type: 'float32', data: floats };
}

/** What stands around an operator in a model of its own, and not in a network. */
export const LAYOUT: ReadonlySet<string> = new Set(['ReorderInput', 'ReorderOutput', 'Transpose']);
