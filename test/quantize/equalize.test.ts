/** Cross-layer equalization: which layers are paired, that the float model stays what it was, and what it gains. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, quantize, Tensor } from '../../lib/index.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { findPairs } from '../../lib/quantize/equalize.js';
import { findIslands } from '../../lib/quantize/islands.js';
import { equalize } from '../../lib/runtime/equalize.js';
import { randomFloats } from '../kernels/harness.js';
import { op, outputOf, tensor } from './nets.js';

const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
/** Weights whose channels on `axis` differ by up to 2^±spread. */
const uneven = (g: Graph, dims: number[], axis: number, spread: number, seed: number) => {
  const inner = size(dims.slice(axis + 1));
  const values = randomFloats(size(dims), seed).map((v, i) => 0.3 * v * 2 ** (spread * Math.sin(5 * (Math.floor(i / inner) % (dims[axis] as number)))));
  return g.addConstant(Constant.of('float32', dims, values), `w${seed}`);
};
const conv = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };

/** Convolution, depthwise convolution with pools around it, pointwise convolution, classifier. */
function chain(): Graph {
  const g = new Graph('chain');
  const x = g.addInput('x', 'float32', [2, 3, 8, 8]);
  const a = op(g, 'Relu', [op(g, 'Conv', [x, uneven(g, [12, 3, 3, 3], 0, 5, 1), uneven(g, [12], 0, 5, 2)], conv)]);
  const b = op(g, 'LeakyRelu', [op(g, 'MaxPool', [a], { kernel_shape: [2, 2], strides: [2, 2] })], { alpha: 0.1 });
  const c = op(g, 'Relu', [op(g, 'Conv', [b, uneven(g, [12, 1, 3, 3], 0, -4, 3), uneven(g, [12], 0, 1, 4)], { ...conv, group: 12 })]);
  const d = op(g, 'GlobalAveragePool', [op(g, 'Relu', [op(g, 'Conv', [c, uneven(g, [6, 12, 1, 1], 1, -3, 5)])])]);
  const y = op(g, 'Gemm', [op(g, 'Relu', [op(g, 'Gemm', [op(g, 'Flatten', [d]), uneven(g, [7, 6], 0, 3, 6)], { transB: 1 })]), uneven(g, [7, 4], 0, -3, 7)]);
  y.name = 'y';
  g.outputs.push(y);
  inferGraph(g, { concrete: false });
  return g;
}

const products = (g: Graph) => findIslands(g, () => false).products;
const feed = (seed: number) => ({ x: tensor(seed, 2, 3, 8, 8) });

const run = (g: Graph) => outputOf(g, feed(9));

describe('equalization', () => {
  it('leaves the float model what it was', async () => {
    const g = chain();
    const before = await run(g);
    expect(await equalize(g, products(g))).toBe(3);
    const after = await run(g);
    const largest = Math.max(...before.map(Math.abs));
    // each product of a chain of five adds roundings of its factors and of its terms, a few 2^-24 of the largest
    after.forEach((v, i) => {
      expect(Math.abs(v - (before[i] as number))).toBeLessThanOrEqual(64 * 2 ** -24 * largest);
    });
  });

  it('gains where one scale serves all channels', async () => {
    const calibration = [feed(20), feed(21), feed(22)];
    const sqnr = async (equalized: boolean) => {
      const { report } = await quantize(chain(), { calibration, equalize: equalized, weights: { perChannel: false } });
      return report.outputs[0]?.sqnrDb as number;
    };
    expect((await sqnr(true)) - (await sqnr(false))).toBeGreaterThan(6);
    const { report } = await quantize(chain(), { calibration, weights: { perChannel: false } });
    expect(report.notes).toEqual(['weights of 3 pairs of layers were equalized before they were quantized']);
    expect((await quantize(chain(), { calibration })).report.notes).toEqual([]);
  });

  it('moves no channel that has no weights on one side', async () => {
    const g = new Graph('empty');
    const x = g.addInput('x', 'float32', [2, 3]);
    const first = g.addConstant(Constant.of('float32', [3, 2], [1, 0, 2, 0, 3, 0]));
    const second = g.addConstant(Constant.of('float32', [2, 1], [8, 5]));
    const y = op(g, 'MatMul', [op(g, 'MatMul', [x, first]), second]);
    g.outputs.push(y);
    inferGraph(g, { concrete: false });
    expect(await equalize(g, products(g))).toBe(1);
    await using session = await InferenceSession.fromGraph(g);
    const [out] = Object.values(await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, -1, 0, 1), [2, 3]) }));
    expect(out?.data[0]).toBeCloseTo(8 * 14, 3);
    expect(out?.data[1]).toBeCloseTo(8 * 2, 4);
  });

  it.each<[string, (g: Graph, v: Value) => Value]>([
    ['an activation with a bound', (g, v) => op(g, 'Clip', [v, undefined, g.addConstant(Constant.of('float32', [], [6]))])],
    ['an activation that is not homogeneous', (g, v) => op(g, 'Sigmoid', [v])],
    ['a sum', (g, v) => op(g, 'Add', [v, v])],
    [
      'a second reader',
      (g, v) => {
        g.outputs.push(op(g, 'Neg', [v]));
        return v;
      },
    ],
    [
      'an output of the model',
      (g, v) => {
        g.outputs.push(v);
        return v;
      },
    ],
  ])('does not pair layers across %s', (_, between) => {
    const g = new Graph('apart');
    const x = g.addInput('x', 'float32', [1, 3, 4, 4]);
    const first = op(g, 'Conv', [x, uneven(g, [4, 3, 1, 1], 0, 1, 1)]);
    g.outputs.push(op(g, 'Conv', [between(g, first), uneven(g, [2, 4, 1, 1], 0, 1, 2)]));
    inferGraph(g, { concrete: false });
    expect(products(g)).toHaveLength(2);
    expect(findPairs(g, products(g))).toEqual([]);
  });

  it('does not pair layers of groups with several channels, nor weights that another layer reads', () => {
    const g = new Graph('groups');
    const x = g.addInput('x', 'float32', [1, 4, 4, 4]);
    const w = uneven(g, [4, 4, 1, 1], 0, 1, 1);
    const first = op(g, 'Conv', [x, w]);
    const second = op(g, 'Conv', [first, w]);
    g.outputs.push(op(g, 'Conv', [op(g, 'Conv', [second, uneven(g, [4, 4, 1, 1], 0, 1, 2)]), uneven(g, [2, 2, 1, 1], 0, 1, 3)], { group: 2 }));
    inferGraph(g, { concrete: false });
    expect(findPairs(g, products(g))).toEqual([]);
  });
});
