/**
 * Constant weights of few bits stay in their bits until they are multiplied.
 *
 *     %w = DequantizeLinear(W int4[K,N], s[K/32,N], z) {axis=0, block_size=32}; %y = MatMul(%x, %w)
 *         →   %y = dsnk.LowBitMatMul(%x, W, s, z) {block=32}
 *     the same with Gemm(%x, %w, c[N]) {transB=0 or 1} and int8 or uint8 weights in blocks along K
 *
 * Activations stay floats, as the model has them. Refuses: blocks along N, or of no multiple of 16; scales other than float32; activations
 * that come out of integers themselves, as one scale a column makes an integer product of those (fuse-integers); Gemm with
 * transA, alpha, beta or a bias that is no row.
 */
import { elementCount } from '../graph/dim.js';
import type { Node, Value } from '../graph/graph.js';
import { packedGroup } from '../ops/lowbit.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const types = new Set(['int4', 'uint4', 'int2', 'uint2', 'int8', 'uint8']);

interface Kept {
  readonly inputs: readonly (Value | undefined)[];
  readonly block: number;
}

/** What a DequantizeLinear makes, where it is a matrix with k along `axis` that the kernels read as it is. */
function keptBits(node: Node | undefined, axis: number): Kept | undefined {
  if (node?.domain !== '' || node.op !== 'DequantizeLinear') return undefined;
  const [codes, scale, zero] = [node.input(0), node.input(1), node.inputs[2]];
  const constants = codes.constant !== undefined && scale.constant !== undefined && (zero === undefined || zero.constant !== undefined);
  if (!constants || !types.has(codes.type) || codes.dims.length !== 2 || scale.type !== 'float32') return undefined;
  const [k, n] = [codes.dims[axis] as number, codes.dims[1 - axis] as number];
  const along = (node.int('axis', 1) + 2) % 2;
  const [rank, count] = [scale.dims.length, elementCount(scale.dims)];
  if (rank === 2) {
    const blocks = scale.dims[axis] as number;
    const block = node.int('block_size', 0) || Math.ceil(k / blocks);
    if (along !== axis || scale.dims[1 - axis] !== n || blocks !== Math.ceil(k / block) || packedGroup(block, k) === undefined) return undefined;
    return { inputs: [codes, scale, zero], block };
  }
  // Weights of eight bits and one scale a column belong to integer products.
  if (codes.type === 'int8' || codes.type === 'uint8') return undefined;
  if (count !== 1 && (rank !== 1 || along === axis || count !== n)) return undefined;
  return { inputs: [codes, scale, zero], block: Math.max(k, 1) };
}

export const keepLowBits: Pass = {
  name: 'keep-low-bits',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '' || (node.op !== 'MatMul' && node.op !== 'Gemm')) continue;
      const transB = node.op === 'Gemm' && node.int('transB', 0) !== 0;
      const [x, w, bias] = [node.input(0), node.input(1), node.inputs[2]];
      if (x.type !== 'float32' || w.dims.length !== 2 || x.dims.length < 1 || x.producer?.op === 'DequantizeLinear') continue;
      const kept = keptBits(w.producer, transB ? 1 : 0);
      if (kept === undefined) continue;
      if (node.op === 'Gemm') {
        if (node.int('transA', 0) !== 0 || node.float('alpha', 1) !== 1 || node.float('beta', 1) !== 1) continue;
        if (bias !== undefined && (elementCount(bias.dims) !== w.dims[transB ? 0 : 1] || bias.dims.at(-1) !== elementCount(bias.dims))) continue;
      }
      const inputs = [x, kept.inputs[0], kept.inputs[1], kept.inputs[2], bias];
      const taken = edit.add('LowBitMatMul', inputs, {
        domain: 'dsnk',
        name: node.name,
        attrs: { block: kept.block, ...(transB && { transB: 1 }) },
      });
      const y = node.output();
      edit.replaceValue(y, taken.output());
      taken.output().name = y.name;
      edit.rewrites++;
    }
    return edit.finish();
  },
};
