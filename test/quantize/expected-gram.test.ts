/** What inputs are expected to be like, against loops over the definition; and what it gains where they are like that. */
import { describe, expect, it } from 'vitest';
import { Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, quantize, Tensor } from '../../lib/index.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { defaultGroup } from '../../lib/quantize/few-bits.js';
import { findProducts } from '../../lib/quantize/islands.js';
import { expectedInputs } from '../../lib/runtime/fit-layers.js';
import { mulberry32, randomFloats } from '../kernels/harness.js';
import { constant as weights } from './nets.js';

const constant = (g: Graph, dims: number[], seed: number) => weights(g, dims, seed, 1);
const op = (g: Graph, name: string, inputs: (Value | undefined)[], attrs: Record<string, number | number[]> = {}) =>
  g.addNode(name, inputs, { attrs, name: `${name}${g.nodes.length}` }).output();

async function expectations(g: Graph) {
  inferGraph(g, { concrete: false });
  return await Promise.all(
    findProducts(g, () => false).products.map(async (p) => {
      const gram = await expectedInputs(p);
      return gram && { dims: gram.dims, values: gram.values() as number[] };
    }),
  );
}

/** x·xᵀ of channels with taps at places along two axes. */
function naive(channels: number, places: readonly (readonly [number, number])[], mean: number): number[] {
  const want: number[] = [];
  for (let c = 0; c < channels; c++)
    for (const a of places)
      for (let d = 0; d < channels; d++)
        for (const b of places) want.push(mean + (c === d ? (1 - mean) * 0.5 ** (Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1])) : 0));
  return want;
}

const grid = (rows: number, columns: number, by = 1) =>
  Array.from({ length: rows * columns }, (_, i) => [by * Math.floor(i / columns), by * (i % columns)] as const);
const near = (got: readonly number[] | undefined, want: readonly number[]) => {
  expect(got).toHaveLength(want.length);
  want.forEach((v, i) => {
    expect(Math.abs((got?.[i] as number) - v)).toBeLessThan(1e-6);
  });
};

describe('expected inputs', () => {
  it('of convolutions: neighbouring taps are alike, and behind Relu there is a mean', async () => {
    const g = new Graph('convolutions');
    const x = g.addInput('x', 'float32', [1, 3, 12, 12]);
    let v = op(g, 'Conv', [x, constant(g, [4, 3, 3, 2], 1)]);
    v = op(g, 'MaxPool', [op(g, 'Relu', [v])], { kernel_shape: [2, 2] });
    v = op(g, 'Conv', [v, constant(g, [6, 2, 2, 2], 2)], { group: 2, dilations: [2, 2] });
    v = op(g, 'Conv', [v, constant(g, [5, 6, 1, 1], 3)]);
    v = op(g, 'Gemm', [op(g, 'Flatten', [op(g, 'GlobalAveragePool', [op(g, 'Sigmoid', [v])])]), constant(g, [7, 5], 4)], { transB: 1 });
    g.outputs.push(op(g, 'MatMul', [v, constant(g, [7, 2], 5)]));
    const [stem, grouped, pointwise, gemm, last] = await expectations(g);
    expect(stem?.dims).toEqual([1, 18, 18]);
    near(stem?.values, naive(3, grid(3, 2), 0));
    near(grouped?.values, naive(2, grid(2, 2, 2), 1 / Math.PI));
    expect(pointwise).toBeUndefined();
    near(gemm?.values, naive(5, [[0, 0]], 1 / Math.PI));
    expect(last).toBeUndefined();
  });

  it('behind normalizations: as large as their factors', async () => {
    const g = new Graph('norms');
    const x = g.addInput('x', 'float32', [2, 6]);
    const a = op(g, 'LayerNormalization', [x, constant(g, [6], 1), constant(g, [6], 2)]);
    const b = op(g, 'Mul', [op(g, 'MatMul', [a, constant(g, [6, 4], 3)]), constant(g, [4], 4)]);
    const c = op(g, 'Mul', [op(g, 'MatMul', [b, constant(g, [4, 4], 5)]), constant(g, [1], 6)]);
    g.outputs.push(op(g, 'MatMul', [c, constant(g, [4, 3], 7)]));
    const got = await expectations(g);
    expect(got.map((e) => e?.dims)).toEqual([[1, 6], [1, 4], undefined]);
    near(
      got[0]?.values,
      Array.from(randomFloats(6, 1), (v) => v * v),
    );
    near(
      got[1]?.values,
      Array.from(randomFloats(4, 4), (v) => v * v),
    );
  });

  it('lose less where pictures are smooth and activations positive', async () => {
    const g = new Graph('smooth');
    const x = g.addInput('x', 'float32', [2, 8, 16, 16]);
    let v = op(g, 'Relu', [op(g, 'Conv', [x, constant(g, [32, 8, 3, 3], 1)])]);
    v = op(g, 'Relu', [op(g, 'Conv', [v, constant(g, [32, 32, 3, 3], 2)])]);
    v = op(g, 'Conv', [v, constant(g, [16, 32, 3, 3], 3)]);
    v.name = 'y';
    g.outputs.push(v);
    const next = mulberry32(9);
    const [phases, values] = [Array.from({ length: 16 }, () => 6 * next()), new Float32Array(2 * 8 * 256)];
    for (let i = 0; i < values.length; i++)
      values[i] = Math.sin((phases[i >> 8] as number) + 0.5 * ((i >> 4) % 16)) * Math.cos(0.4 * (i % 16)) + 0.2 * (next() - 0.5);
    const run = async (graph: Graph) => {
      await using session = await InferenceSession.fromGraph(graph);
      return (await session.run({ x: new Tensor('float32', values, [2, 8, 16, 16]) }))['y']?.data as Float32Array;
    };
    const want = await run(g);
    const errors = async (algorithm?: 'mse' | 'hqq') => {
      const { graph, report } = await quantize(g, { method: 'weight-only', weights: { ...(algorithm && { algorithm }) } });
      expect(report.weights.algorithm).toBe(algorithm ?? 'expected');
      return (await run(graph)).reduce((sum, v, i) => sum + (v - (want[i] as number)) ** 2, 0);
    };
    const expected = await errors();
    expect(expected).toBeLessThan(0.5 * (await errors('hqq')));
    expect(expected).toBeLessThan(0.5 * (await errors('mse')));
  });
});

it('groups are shorter where rows are: four a row, of 16 at least', () => {
  expect([8, 64, 172, 256, 4096].map((k) => defaultGroup(4, k))).toEqual([16, 16, 32, 64, 64]);
  expect([64, 512, 1e6].map((k) => defaultGroup(8, k))).toEqual([16, 128, 128]);
  expect(defaultGroup(2, 4096)).toBe(16);
});
