/** Small models to quantize and prune, and what is asked of them. */
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** Random weights, times a factor, of each its own where it is a function of the position. */
export function constant(g: Graph, dims: number[], seed: number, factor: number | ((i: number) => number) = 0.3): Value {
  const times = typeof factor === 'number' ? () => factor : factor;
  const values = randomFloats(size(dims), seed).map((v, i) => v * times(i));
  return g.addConstant(Constant.of('float32', dims, values), `w${seed}`);
}

/** A node with one result. */
export const op = (g: Graph, name: string, inputs: (Value | undefined)[], attrs: Record<string, number | number[]> = {}, as?: string) =>
  g.addNode(name, inputs, { attrs, ...(as !== undefined && { name: as }) }).output();

/** Random numbers for the builder and for feeds. */
export const tensor = (seed: number, ...dims: number[]) => new Tensor('float32', randomFloats(size(dims), seed), dims);

/**
 * Every kind of product: convolutions with and without groups and biases, one that is added to another tensor where a `branch` is wanted, transposed,
 * Gemm in both orders, MatMul. The last but one makes `width` numbers.
 */
export function netOfProducts(width: number, branch: boolean): Graph {
  const g = new Graph('products');
  const x = g.addInput('x', 'float32', ['N', 4, 9, 9]);
  const pads = [1, 1, 1, 1];
  let v = op(g, 'Conv', [x, constant(g, [16, 4, 3, 3], 1), constant(g, [16], 2)], { pads, strides: [2, 2] }, 'stem');
  v = op(g, 'Relu', [v]);
  v = op(g, 'Conv', [v, constant(g, [16, 1, 3, 3], 3), constant(g, [16], 4)], { pads, group: 16 }, 'depthwise');
  if (branch) v = op(g, 'Relu', [op(g, 'Add', [op(g, 'Conv', [v, constant(g, [16, 16, 3, 3], 14)], { pads }, 'branch'), v])]);
  v = op(g, 'Conv', [v, constant(g, [24, 8, 1, 1], 5), constant(g, [24], 6)], { group: 2 }, 'grouped');
  v = op(g, 'Relu', [v]);
  v = op(g, 'ConvTranspose', [v, constant(g, [24, 8, 2, 2], 7), constant(g, [8], 8)], { strides: [2, 2] }, 'up');
  v = op(g, 'Flatten', [op(g, 'GlobalAveragePool', [v])]);
  v = op(g, 'Gemm', [v, constant(g, [8, 40], 9, 1), constant(g, [40], 10)], {}, 'gemm');
  v = op(g, 'Relu', [v]);
  v = op(g, 'Gemm', [v, constant(g, [width, 40], 11, 1), constant(g, [1, width], 12)], { transB: 1 }, 'turned');
  v = op(g, 'MatMul', [v, constant(g, [width, 7], 13, 1)], {}, 'matmul');
  v.name = 'y';
  g.outputs.push(v);
  return g;
}

/** The output `y`. */
export async function outputOf(graph: Graph | Uint8Array, feeds: Readonly<Record<string, Tensor>>): Promise<Float32Array> {
  await using session = graph instanceof Uint8Array ? await InferenceSession.create(graph) : await InferenceSession.fromGraph(graph);
  return (await session.run(feeds))['y']?.data as Float32Array;
}

/** In dB. */
export function signalToNoise(want: Float32Array, got: Float32Array): number {
  let [signal, error] = [0, 0];
  want.forEach((v, i) => {
    signal += v * v;
    error += (v - (got[i] as number)) ** 2;
  });
  return 10 * Math.log10(signal / error);
}
