/** `quantize` with method dynamic: what it writes, and that products with a zero point known at run time only run on bytes. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, importModel, quantize, quantizePicture, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const constant = (g: Graph, dims: number[], seed: number) =>
  g.addConstant(
    Constant.of(
      'float32',
      dims,
      randomFloats(
        dims.reduce((a, b) => a * b, 1),
        seed,
      ),
    ),
    `w${seed}`,
  );
const op = (g: Graph, name: string, inputs: Value[], as: string, attrs: Record<string, number> = {}) => g.addNode(name, inputs, { name: as, attrs }).output();

/** Two products that read one tensor, a Gemm in each order, a convolution. */
function model(): Graph {
  const g = new Graph('perceptron');
  const x = g.addInput('x', 'float32', ['N', 24]);
  const sum = op(g, 'Add', [op(g, 'MatMul', [x, constant(g, [24, 40], 1)], 'left'), op(g, 'MatMul', [x, constant(g, [24, 40], 2)], 'right')], 'sum');
  const a = op(g, 'Relu', [op(g, 'Gemm', [sum, constant(g, [40, 32], 3), constant(g, [32], 4)], 'gemm')], 'relu');
  const y = op(g, 'Gemm', [a, constant(g, [7, 32], 5), constant(g, [7], 6)], 'turned', { transB: 1 });
  y.name = 'y';
  g.outputs.push(y);
  return g;
}

const feed = (seed: number) => ({ x: new Tensor('float32', randomFloats(5 * 24, seed, -2, 3), [5, 24]) });

describe('dynamic', () => {
  it('writes standard nodes, one DynamicQuantizeLinear a tensor, and the result is near', async () => {
    for (const perChannel of [true, false]) {
      const { bytes, report } = await quantize(model(), { method: 'dynamic', weights: { perChannel }, calibration: [feed(1), feed(2)] });
      const { graph } = importModel(bytes);
      const count = (name: string) => graph.nodes.filter((n) => n.op === name).length;
      expect([count('DynamicQuantizeLinear'), count('MatMulInteger'), count('MatMul'), count('Gemm')]).toEqual([3, 4, 0, 0]);
      expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(perChannel ? 33 : 30);
      expect(report.layers.map((l) => [l.name, l.bits])).toEqual(['left', 'right', 'gemm', 'turned'].map((n) => [n, 8]));
      await using session = await InferenceSession.create(bytes);
      const { nodes } = await session.profile(feed(3));
      expect(nodes.filter((n) => n.kernel.startsWith('gemm_i8'))).toHaveLength(4);
      expect(nodes.some((n) => n.kernel.startsWith('matmul_integer'))).toBe(false);
      await using float = await InferenceSession.fromGraph(model());
      const [want, got] = [await float.run(feed(3)), await session.run(feed(3))].map((r) => r['y']?.data as Float32Array);
      const largest = Math.max(...Array.from(want as Float32Array, Math.abs));
      want?.forEach((v, i) => {
        expect(Math.abs(v - (got?.[i] as number))).toBeLessThan(0.05 * largest);
      });
    }
  });

  it('refuses models without such products, and options it does not have', async () => {
    const g = new Graph('convolution');
    const x = g.addInput('x', 'float32', [1, 3, 8, 8]);
    g.outputs.push(op(g, 'Conv', [x, constant(g, [4, 3, 3, 3], 7)], 'conv'));
    await expect(quantize(g, { method: 'dynamic' })).rejects.toThrow(/MatMul or Gemm.*Conv "conv"/);
    await expect(quantize(model(), { method: 'dynamic', weights: { algorithm: 'gptq' as 'rtn' } })).rejects.toThrow(/algorithm/);
    await expect(quantize(model(), { method: 'live' as 'dynamic' })).rejects.toThrow(/method/);
  });
});

describe('quantizePicture', () => {
  it('draws one bar a layer', async () => {
    const { report } = await quantize(model(), { method: 'weight-only', weights: { bits: 4 }, keepFloat: ['left'] });
    const svg = quantizePicture({ ...report, layers: report.layers.map((l) => (l.name === 'gemm' ? { ...l, name: 'a<b>&"c"' } : l)) });
    expect(svg.match(/<rect x=/g)).toHaveLength(3);
    expect(svg).toContain('float32: asked for');
    expect(svg).toContain('a&#60;b&#62;&#38;&#34;c&#34;');
    expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+"/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
