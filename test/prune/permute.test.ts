/** Channels in another order for 2:4: the model means the same, and two of four are worth more. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/graph/graph.js';
import { type PruneOptions, prune } from '../../lib/index.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { permuteChannels } from '../../lib/runtime/permute-channels.js';
import { constant, op, outputOf, signalToNoise, tensor } from '../quantize/nets.js';

const pads = [1, 1, 1, 1];

/** A residual block whose channels are large by fours, the worst order for the pattern, before a depthwise convolution and a concatenation. */
function network(): Graph {
  const g = new Graph('network');
  const x = g.addInput('x', 'float32', ['N', 4, 8, 8]);
  const byFours = (width: number, taps: number) => (i: number) => (Math.floor((Math.floor(i / taps) % width) / 4) % 2 === 0 ? 0.4 : 0.02);
  const stem = op(g, 'Relu', [op(g, 'Conv', [x, constant(g, [16, 4, 3, 3], 1), constant(g, [16], 2)], { pads }, 'stem')]);
  const inner = op(g, 'Relu', [op(g, 'Conv', [stem, constant(g, [16, 16, 3, 3], 3, byFours(16, 9)), constant(g, [16], 4)], { pads }, 'inner')]);
  const sum = op(g, 'Add', [op(g, 'Conv', [inner, constant(g, [16, 16, 3, 3], 5, byFours(16, 9))], { pads }, 'back'), stem]);
  const depthwise = op(g, 'Conv', [op(g, 'Relu', [sum]), constant(g, [16, 1, 3, 3], 6), constant(g, [16], 7)], { pads, group: 16 }, 'depthwise');
  const [a, b] = [op(g, 'Conv', [depthwise, constant(g, [8, 16, 1, 1], 8)], {}, 'a'), op(g, 'Conv', [depthwise, constant(g, [8, 16, 1, 1], 9)], {}, 'b')];
  const y = op(g, 'Conv', [op(g, 'Concat', [a, b], { axis: 1 }), constant(g, [3, 16, 1, 1], 10)], {}, 'last');
  y.name = 'y';
  g.outputs.push(y);
  return g;
}
const feed = (seed: number) => ({ x: tensor(seed, 4, 4, 8, 8) });
const calibration = () => Array.from({ length: 8 }, (_, i) => feed(50 + i));

describe('permute', () => {
  it('leaves the model what it is, without a node more', async () => {
    const graph = network();
    inferGraph(graph, { concrete: false });
    const other = await permuteChannels(graph, () => false, calibration(), {});
    expect(other.nodes.map((n) => n.op)).toEqual(graph.nodes.map((n) => n.op));
    const weight = (g: Graph, name: string) =>
      g.nodes
        .find((n) => n.name === name)
        ?.input(1)
        .constant?.values();
    for (const name of ['stem', 'inner', 'back', 'depthwise', 'a']) expect(weight(other, name)).not.toEqual(weight(graph, name));
    // Parts of a concatenation stay where they are.
    expect(weight(other, 'last')).toEqual(weight(graph, 'last'));
    const [want, got] = [await outputOf(graph, feed(3)), await outputOf(other, feed(3))];
    // Sums in another order.
    want.forEach((v, i) => {
      expect(Math.abs(v - (got[i] as number))).toBeLessThan(1e-4);
    });
  });

  const made = (score: 'magnitude' | 'wanda' | 'sparsegpt', more: Partial<PruneOptions> = {}) =>
    prune(network(), { pattern: '2:4', score, calibration: calibration(), ...more });

  it.each(['magnitude', 'wanda'] as const)('%s: more of the weights is left', async (score) => {
    const [plain, permuted] = [await made(score), await made(score, { permute: true })];
    for (const name of ['inner', 'back']) {
      const left = ({ report }: typeof plain) => report.layers.find((l) => l.name === name)?.weightSqnrDb as number;
      expect(left(permuted)).toBeGreaterThan(left(plain) + 6);
    }
  });

  it('sparsegpt: the result is nearer, and the same every time', async () => {
    const want = await outputOf(network(), feed(3));
    const [plain, permuted] = [(await made('sparsegpt')).bytes, (await made('sparsegpt', { permute: true })).bytes];
    expect(signalToNoise(want, await outputOf(permuted, feed(3)))).toBeGreaterThan(signalToNoise(want, await outputOf(plain, feed(3))) + 3);
    expect(Buffer.compare(permuted, (await made('sparsegpt', { permute: true })).bytes)).toBe(0);
  });

  it('is for 2:4', async () => {
    await expect(prune(network(), { pattern: 'unstructured', permute: true })).rejects.toThrow(/permute must be left out without 2:4/);
    await expect(prune(network(), { pattern: '2:4', permute: 1 as never })).rejects.toThrow(/permute must be true or false, 1 came/);
  });
});
