/** Touvron et al., "DeiT": ViT-Tiny/16, 12 blocks of width 192 with 3 heads, 197 tokens; weights are seeded noise. */
import type { Operand } from '../../lib/build/operand.js';
import type { Graph } from '../../lib/graph/graph.js';
import { Net } from './net.js';

export function vitTiny(): Graph {
  const net = new Net('vit-tiny-16', 9);
  const { b } = net;
  const [width, heads, depth] = [192, 3, 12];
  const headDim = width / heads;
  const norm = (x: Operand) => b.layerNormalization(x, { scale: net.weights([width], 1), bias: net.weights([width], 0.1), epsilon: 1e-6 }) as Operand;
  const patches = net.conv(net.image(), width, 16, { stride: 16, padding: 0 });
  const tokens = b.transpose(b.reshape(patches, [1, width, 196]), { permutation: [0, 2, 1] }) as Operand;
  let x = b.add(b.concat([net.weights([1, 1, width], 0.5), tokens], 1), net.weights([1, 197, width], 0.5)) as Operand;
  for (let i = 0; i < depth; i++) {
    const qkv = b.transpose(b.reshape(net.dense(norm(x), 3 * width), [1, 197, 3, heads, headDim]), { permutation: [2, 0, 3, 1, 4] }) as Operand;
    const [q, k, v] = b.split(qkv, 3, { axis: 0 }).map((t) => b.reshape(t, [1, heads, 197, headDim])) as [Operand, Operand, Operand];
    const scores = b.mul(b.matmul(q, b.transpose(k, { permutation: [0, 1, 3, 2] })), headDim ** -0.5) as Operand;
    const mixed = b.matmul(b.softmax(scores), v) as Operand;
    const joined = b.reshape(b.transpose(mixed, { permutation: [0, 2, 1, 3] }), [1, 197, width]) as Operand;
    x = b.add(x, net.dense(joined, width)) as Operand;
    x = b.add(x, net.dense(b.gelu(net.dense(norm(x), 4 * width)) as Operand, width)) as Operand;
  }
  const cls = b.reshape(b.slice(norm(x), [0, 0, 0], [1, 1, width]), [1, width]) as Operand;
  return net.done(net.dense(cls, 1000));
}
