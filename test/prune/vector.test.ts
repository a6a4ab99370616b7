/** `prune` with `vector`: channels side by side lose the same weights, and rows that skip them are taken. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { InferenceSession, prune, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

function product(n: number): Graph {
  const g = new Graph('product');
  const w = g.addConstant(Constant.of('float32', [n, 64], randomFloats(n * 64, 2)));
  g.outputs.push(g.addNode('Gemm', [g.addInput('x', 'float32', [32, 64]), w], { name: 'y', attrs: { transB: 1 } }).output());
  return g;
}
const x = (seed: number) => new Tensor('float32', randomFloats(32 * 64, seed) as Float32Array<ArrayBuffer>, [32, 64]);

describe('vector', () => {
  it.each([
    [16, 'magnitude'],
    [32, 'wanda'],
  ] as const)('%i channels lose the same two of every four, judged together by %s', async (vector, score) => {
    const source = product(64);
    const before = source.nodes[0]?.input(1).constant?.values() as number[];
    const calibration = score === 'wanda' ? { calibration: [{ x: x(7) }, { x: x(8) }] } : {};
    const { bytes, graph, report } = await prune(source, { pattern: '2:4', vector, score, biasCorrection: false, ...calibration });
    expect(report.layers[0]?.zeros).toBe(0.5);
    const after = graph.nodes[0]?.input(1).constant?.values() as number[];
    const sums = new Float64Array(64);
    if (score === 'magnitude') sums.fill(1);
    for (const seed of score === 'wanda' ? [7, 8] : []) {
      const numbers = x(seed).data;
      for (let i = 0; i < numbers.length; i++) sums[i % 64] = (sums[i % 64] as number) + Number(numbers[i]) ** 2;
    }
    for (let first = 0; first < 64; first += vector) {
      for (let k = 0; k < 64; k += 4) {
        const rows = Array.from({ length: vector }, (_, j) => (first + j) * 64 + k);
        const scores = [0, 1, 2, 3].map((e) => rows.reduce((sum, at) => sum + (before[at + e] as number) ** 2 * (sums[k + e] as number), 0));
        const kept = [0, 1, 2, 3].sort((a, b) => (scores[b] as number) - (scores[a] as number)).slice(0, 2);
        for (const at of rows) for (let e = 0; e < 4; e++) expect(after[at + e]).toBe(kept.includes(e) ? before[at + e] : 0);
      }
    }
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const { nodes } = await session.profile({ x: x(1) });
    await session.release();
    if (nodes.every((n) => !n.kernel.endsWith('scalar'))) expect(nodes.map((n) => n.kernel).join()).toMatch(/sparse_conv/);
  });

  it('leaves layers alone whose channels are no multiple of it, and refuses what it does not go with', async () => {
    await expect(prune(product(24), { pattern: '2:4', vector: 16 })).rejects.toThrow(/24 output channels are no multiple of 16|convolution or product/);
    expect(() => prune({ pattern: '2:4', vector: 8 as never })).toThrow(/16 or 32/);
    expect(() => prune({ pattern: 'unstructured', vector: 16 })).toThrow(/vector/);
    expect(() => prune({ pattern: '2:4', vector: 16, score: 'sparsegpt', calibration: [] })).toThrow(/magnitude or wanda/);
  });
});
