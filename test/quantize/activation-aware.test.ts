/** Activation-aware scaling: what can be scaled, that the float model stays what it was, the error by loops, and what it gains. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { quantize, type WeightOnlyOptions } from '../../lib/index.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { EXPONENTS, findScalable, scaledErrors, scalesOf } from '../../lib/quantize/activation-aware.js';
import { findProducts, type Product } from '../../lib/quantize/islands.js';
import { scaleByActivations } from '../../lib/runtime/scale-by-activations.js';
import { runConstants } from '../../lib/runtime/survey.js';
import { randomFloats } from '../kernels/harness.js';
import { constant, outputOf, tensor } from './nets.js';

const op = (g: Graph, name: string, inputs: (Value | undefined)[], attrs: Record<string, number | number[]> = {}) =>
  g.addNode(name, inputs, { attrs, name: `${name}${g.nodes.length}` }).output();

/** A normalization with channels of very different size, read by three products, of which one gates another; then a convolution behind another. */
function block(): Graph {
  const g = new Graph('block');
  const x = g.addInput('x', 'float32', [24, 16]);
  const norm = op(g, 'LayerNormalization', [x, constant(g, [16], 1, (i) => 2 ** ((i * 5) % 9) / 4), constant(g, [16], 2)]);
  const a = op(g, 'MatMul', [norm, constant(g, [16, 32], 3)]);
  const b = op(g, 'Gemm', [norm, constant(g, [32, 16], 4), constant(g, [32], 5)], { transB: 1 });
  const c = op(g, 'MatMul', [norm, constant(g, [16, 12], 6)]);
  const gated = op(g, 'MatMul', [op(g, 'Mul', [op(g, 'Sigmoid', [a]), b]), constant(g, [32, 12], 7)]);
  const picture = op(g, 'Reshape', [op(g, 'Add', [gated, c]), g.addConstant(Constant.of('int64', [4], [2, 4, 6, 6]))]);
  let v = op(g, 'Conv', [picture, constant(g, [8, 4, 3, 3], 8, (i) => 2 ** (Math.floor(i / 36) - 4)), constant(g, [8], 9)]);
  v = op(g, 'Conv', [op(g, 'Relu', [v]), constant(g, [5, 8, 2, 2], 10)]);
  v.name = 'y';
  g.outputs.push(v);
  inferGraph(g, { concrete: false });
  return g;
}

const productsOf = (g: Graph) => findProducts(g, () => false).products;
const feed = (seed: number) => ({ x: tensor(seed, 24, 16) });
const feeds = () => [feed(20), feed(21), feed(22), feed(23)];
const rounding = { bits: 3, groupSize: 16, symmetric: false, algorithm: 'rtn' } as const;

const run = (g: Graph, seed = 9) => outputOf(g, feed(seed));

describe('activation-aware scaling', () => {
  it('finds normalizations, gates and layers one after the other', () => {
    const g = block();
    const found = findScalable(g, productsOf(g)).map((s) => [
      s.made.map((m) => `${m.node.op}:${m.input}`),
      s.readers.map((r) => r.product.node.op),
      s.channels,
    ]);
    expect(found).toEqual([
      [['LayerNormalization:1', 'LayerNormalization:2'], ['MatMul', 'Gemm', 'MatMul'], 16],
      [['Conv:1', 'Conv:2'], ['Conv'], 8],
      [['Gemm:1', 'Gemm:2'], ['MatMul'], 32],
    ]);
  });

  it('finds none where others read the same', () => {
    const g = block();
    g.outputs.push(g.nodes[0]?.output() as Value, g.nodes.find((n) => n.op === 'Mul')?.output() as Value);
    expect(findScalable(g, productsOf(g))).toHaveLength(1);
  });

  it('leaves the float model what it was', async () => {
    const g = block();
    const before = await run(g);
    expect(await scaleByActivations(g, productsOf(g), () => rounding, feeds(), {})).toBeGreaterThan(1);
    const after = await run(g);
    const largest = Math.max(...before.map(Math.abs));
    // five products, one after the other, of at most 36 terms: each adds roundings of its factors and of its terms, a few 2^-24 of the largest
    after.forEach((v, i) => {
      expect(Math.abs(v - (before[i] as number))).toBeLessThanOrEqual(256 * 2 ** -24 * largest);
    });
  });

  it('computes the error that rounding by scales makes', async () => {
    const g = block();
    const product = productsOf(g).find((p) => p.node.op === 'Gemm') as Product;
    const [n, k] = [32, 16];
    const x = randomFloats(40 * k, 3).map((v, i) => v * 2 ** (i % 5));
    const gram = new Float32Array(k * k);
    for (let r = 0; r < 40; r++)
      for (let i = 0; i < k; i++)
        for (let j = 0; j < k; j++) gram[i * k + j] = (gram[i * k + j] as number) + (x[r * k + i] as number) * (x[r * k + j] as number);
    const energy = Array.from({ length: k }, (_, i) => gram[i * k + i] as number);
    const scales = EXPONENTS.map((a) => scalesOf(energy, a));
    const out = await runConstants(scaledErrors(product, rounding, Constant.of('float32', [1, k, k], gram), scales));
    const w = product.weight.constant?.values() as number[];
    for (const [at, a] of EXPONENTS.entries()) {
      const mean = energy.reduce((sum, e) => sum + Math.log(e), 0) / k;
      let want = 0;
      for (let i = 0; i < n; i++) {
        const s = energy.map((e) => Math.exp(0.5 * a * (Math.log(e) - mean)));
        const row = s.map((f, j) => Math.fround((w[i * k + j] as number) * Math.fround(f)));
        const [low, high] = [Math.min(0, ...row), Math.max(0, ...row)];
        const scale = Math.fround((high - low) / 7);
        const zero = Math.round(-low / scale);
        const e = row.map((v, j) => (w[i * k + j] as number) - ((Math.min(Math.max(Math.round(v / scale) + zero, 0), 7) - zero) * scale) / (s[j] as number));
        for (let p = 0; p < k; p++) for (let q = 0; q < k; q++) want += (e[p] as number) * (gram[p * k + q] as number) * (e[q] as number);
      }
      const got = (out[`error:${at}`] as { data: Float32Array }).data[0] as number;
      // 16 terms twice and 512 of them in float32, whose signs differ
      expect(Math.abs(got / want - 1), `${a}`).toBeLessThan(1e-4);
    }
  });

  it('keeps channels that never saw anything, and bounds the others', () => {
    const s = scalesOf([4, 0, 1, 0.25], 1);
    expect(Array.from(s)).toEqual([2, 1, 1, 0.5]);
    expect(Array.from(scalesOf([1e30, 1e-30], 1))).toEqual([256, 1 / 256]);
    expect(Array.from(scalesOf([3, 5, 0], 0))).toEqual([1, 1, 1]);
  });

  it('gains where channels differ, and says what it did', async () => {
    const g = new Graph('uneven');
    const x = g.addInput('x', 'float32', [24, 16]);
    const wide = op(g, 'MatMul', [x, constant(g, [16, 64], 11)]);
    const norm = op(g, 'LayerNormalization', [wide, constant(g, [64], 12, (i) => 2 ** ((i * 5) % 7))]);
    const y = op(g, 'MatMul', [norm, constant(g, [64, 48], 13)]);
    y.name = 'y';
    g.outputs.push(y);
    const want = await run(g);
    const errorOf = async (weights: WeightOnlyOptions['weights']) => {
      const { graph, report } = await quantize(g, { method: 'weight-only', calibration: feeds(), keepFloat: [/^MatMul0/], weights: { ...weights, bits: 4 } });
      expect(report.notes.some((n) => n.includes('scaled by their size'))).toBe(weights?.activationAware === true);
      return (await run(graph)).reduce((sum, v, i) => sum + (v - (want[i] as number)) ** 2, 0);
    };
    const plain = await errorOf({ algorithm: 'rtn' });
    expect(await errorOf({ algorithm: 'rtn', activationAware: true })).toBeLessThan(0.8 * plain);
    for (const algorithm of ['mse', 'hqq', 'gptq'] as const) expect(await errorOf({ algorithm, activationAware: true }), algorithm).toBeLessThan(0.8 * plain);
  });

  it('needs feeds', async () => {
    await expect(quantize(block(), { method: 'weight-only', weights: { activationAware: true } })).rejects.toThrow(/activationAware must have calibration/);
  });
});
