/** Normalisations from node to result, against their definitions in float64. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** (x - mean) / (deviation + 1e-9) over all elements that agree in the dimensions left out of `axes`. */
function centered(x: Float32Array, dims: readonly number[], axes: readonly number[]): number[] {
  const groups = new Map<string, number[]>();
  const keys = Array.from(x, (v, i) => {
    const index = dims.map((n, d) => Math.floor(i / count(dims.slice(d + 1))) % n);
    const key = index.filter((_, d) => !axes.includes(d)).join();
    groups.set(key, [...(groups.get(key) ?? []), v]);
    return key;
  });
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  return Array.from(x, (v, i) => {
    const group = groups.get(keys[i] as string) as number[];
    const m = mean(group);
    return (v - m) / (Math.sqrt(mean(group.map((e) => (e - m) ** 2))) + 1e-9);
  });
}

describe('MeanVarianceNormalization', () => {
  it.each([
    [[2, 3, 4, 5], undefined],
    [
      [2, 3, 4, 5],
      [2, 3],
    ],
    [
      [2, 3, 4, 5],
      [0, 1, 2, 3],
    ],
    [
      [2, 3, 4, 5],
      [1, 3],
    ],
    [
      [2, 3, 4, 5],
      [0, 2],
    ],
    [
      [2, 3, 4, 5],
      [-3, -1],
    ],
    [
      [3, 2, 5, 2, 4],
      [0, 2, 4],
    ],
    [
      [3, 1, 5, 2, 4],
      [2, 4],
    ],
    [
      [0, 3, 4, 5],
      [1, 3],
    ],
  ])('of %j along %j', async (dims, axes) => {
    const graph = new Graph('norm');
    const x = graph.addInput('x', 'float32', dims);
    graph.outputs.push(graph.addNode('MeanVarianceNormalization', [x], { name: 'y', attrs: axes === undefined ? {} : { axes } }).output());
    await using session = await InferenceSession.fromGraph(graph, { intraOpNumThreads: 2 });
    const values = randomFloats(count(dims), 3);
    const result = (await session.run({ x: new Tensor('float32', values, dims) }))['y']?.data as Float32Array;
    const want = centered(
      values,
      dims,
      (axes ?? [0, 2, 3]).map((a) => (a < 0 ? a + dims.length : a)),
    );
    expect(result).toHaveLength(want.length);
    // Sums of at most 120 values below 1, each off by 2^-24 a step, over deviations of about 0.5.
    for (const [i, v] of want.entries()) expect(Math.abs((result[i] as number) - v)).toBeLessThan(2e-5);
  });
});
