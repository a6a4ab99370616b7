/** `quantize` with method dynamic: what it writes, and that products with a zero point known at run time only run on bytes. */
import { describe, expect, it } from 'vitest';
import { Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, importModel, quantize, quantizePicture, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';
import { constant as weights } from './nets.js';

const constant = (g: Graph, dims: number[], seed: number) => weights(g, dims, seed, 1);
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

  it('takes convolutions as ConvInteger: padded, strided, in groups, in one to three dimensions', async () => {
    const shapes: [number[], number[], Record<string, number | number[] | string>][] = [
      [[2, 3, 9, 11], [8, 3, 3, 3], { pads: [1, 0, 2, 1], strides: [2, 1] }],
      [[1, 8, 10, 10], [16, 8, 3, 3], { auto_pad: 'SAME_UPPER', dilations: [2, 1] }],
      [[1, 8, 7, 7], [12, 4, 1, 1], { group: 2 }],
      [[2, 6, 20], [5, 6, 5], { pads: [2, 2] }],
      [[1, 4, 5, 6, 7], [6, 4, 2, 3, 2], { pads: [1, 1, 1, 0, 1, 0] }],
    ];
    for (const perChannel of [true, false])
      for (const [dims, weight, attrs] of shapes) {
        const g = new Graph('convolution');
        const x = g.addInput('x', 'float32', dims);
        const y = g.addNode('Conv', [x, constant(g, weight, 7), constant(g, [weight[0] as number], 8)], { name: 'conv', attrs }).output();
        y.name = 'y';
        g.outputs.push(y);
        const size = dims.reduce((a, b) => a * b, 1);
        // All of one sign: the zero point is the end of the bytes, and what is padded is seen.
        const feeds = { x: new Tensor('float32', randomFloats(size, 3, -3, -1), dims) };
        const { bytes, report } = await quantize(g, { method: 'dynamic', weights: { perChannel }, calibration: [feeds] });
        const { graph } = importModel(bytes);
        expect(graph.nodes.map((n) => n.op)).toEqual(['DynamicQuantizeLinear', 'ConvInteger', 'Cast', 'Mul', 'Mul', 'Add']);
        expect(report.layers).toMatchObject([{ name: 'conv', bits: 8 }]);
        expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(28);
        await using session = await InferenceSession.create(bytes);
        const { nodes, outputs } = await session.profile(feeds);
        expect(nodes.filter((n) => /^conv(_rows)?_i8/.test(n.kernel))).toHaveLength(1);
        expect(nodes.some((n) => n.kernel.startsWith('conv_integer') || (n.op === 'Add' && n.shape.length > 1))).toBe(false);
        // By the definition: products of any types, their zero point taken off each element.
        await using plain = await InferenceSession.create(bytes, { skipPasses: ['take-integer-products', 'fold-scale', 'fuse-pointwise'] });
        const defined = await plain.profile(feeds);
        expect(defined.nodes.some((n) => n.kernel.startsWith('conv_integer'))).toBe(true);
        expect(outputs['y']?.data).toEqual(defined.outputs['y']?.data);
      }
  });

  it('leaves convolutions in float32 that would not gain', async () => {
    const g = new Graph('depthwise');
    const x = g.addInput('x', 'float32', [1, 8, 8, 8]);
    const a = op(g, 'Conv', [x, constant(g, [8, 1, 3, 3], 1)], 'deep', { group: 8 });
    const b = op(g, 'ConvTranspose', [a, constant(g, [8, 4, 2, 2], 2)], 'wider');
    g.outputs.push(op(g, 'Conv', [b, constant(g, [4, 4, 1, 1], 3)], 'narrow'));
    const { report } = await quantize(g, { method: 'dynamic' });
    expect(report.layers.map((l) => [l.name, l.bits, l.reason])).toEqual([
      ['narrow', 8, undefined],
      ['deep', 32, 'its filters have few channels'],
      ['wider', 32, 'no operator of ONNX transposes a convolution of integers'],
    ]);
  });

  it('refuses models without such products, and options it does not have', async () => {
    const g = new Graph('convolution');
    const x = g.addInput('x', 'float32', [1, 3, 8, 8]);
    g.outputs.push(op(g, 'Conv', [x, constant(g, [3, 1, 3, 3], 7)], 'conv', { group: 3 }));
    await expect(quantize(g, { method: 'dynamic' })).rejects.toThrow(/convolution or product.*Conv "conv": its filters have few channels/);
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
