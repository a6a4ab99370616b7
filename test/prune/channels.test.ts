/** `prune` with channels and heads: what goes, what the smaller model is worth, and what is refused. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { importModel, type PruneOptions, prune, quantize } from '../../lib/index.js';
import { allocate, HeadCount, type Ranking } from '../../lib/prune/allocate.js';
import type { Bundle } from '../../lib/prune/bundles.js';
import { constant, op, outputOf, signalToNoise, tensor } from '../quantize/nets.js';

const pads = [1, 1, 1, 1];
const ints = (g: Graph, ...values: number[]) => g.addConstant(Constant.of('int64', [values.length], values));
const scalar = (g: Graph, value: number) => g.addConstant(Constant.of('float32', [], [value]));

/** A residual block, a depthwise convolution and a product behind a flattened tensor. Channels of `inner` are alike but for the first ones. */
function network(): Graph {
  const g = new Graph('network');
  const x = g.addInput('x', 'float32', ['N', 4, 8, 8]);
  const stem = op(g, 'Relu', [op(g, 'Conv', [x, constant(g, [12, 4, 3, 3], 1), constant(g, [12], 2)], { pads }, 'stem')]);
  // Later channels are small, so that they are what goes.
  const inner = op(g, 'Conv', [stem, constant(g, [16, 12, 3, 3], 3, (i) => (i < 8 * 108 ? 0.3 : 0.03)), constant(g, [16], 4, 0.01)], { pads }, 'inner');
  const back = op(g, 'Conv', [op(g, 'Relu', [inner]), constant(g, [12, 16, 3, 3], 5)], { pads }, 'back');
  const sum = op(g, 'Relu', [op(g, 'Add', [back, stem])]);
  const depthwise = op(g, 'Conv', [sum, constant(g, [12, 1, 3, 3], 6), constant(g, [12], 7)], { pads, group: 12, strides: [2, 2] }, 'depthwise');
  const point = op(g, 'Relu', [op(g, 'Conv', [depthwise, constant(g, [8, 12, 1, 1], 8), constant(g, [8], 9)], {}, 'point')]);
  const y = op(g, 'Gemm', [op(g, 'Flatten', [point]), constant(g, [128, 5], 10), constant(g, [5], 11)], {}, 'last');
  y.name = 'y';
  g.outputs.push(y);
  return g;
}
const feed = (seed: number, batch = 8) => ({ x: tensor(seed, batch, 4, 8, 8) });
const calibration = () => Array.from({ length: 24 }, (_, i) => feed(50 + i));
const run = (graph: Graph | Uint8Array) => outputOf(graph, feed(7));
const channels = (report: { layers: readonly { name: string; channels?: number }[] }) => Object.fromEntries(report.layers.map((l) => [l.name, l.channels]));

/** Attention over [N, 6, 16] with four heads of 4, the last two of which bring little; a feed-forward layer around. */
function transformer(): Graph {
  const g = new Graph('transformer');
  const x = g.addInput('x', 'float32', ['N', 6, 16]);
  const split = (seed: number, name: string, factor?: (i: number) => number) => {
    const p = op(g, 'Add', [op(g, 'MatMul', [x, constant(g, [16, 16], seed, factor ?? 0.5)], {}, name), constant(g, [16], seed + 1, 0.1)]);
    return op(g, 'Transpose', [op(g, 'Reshape', [p, ints(g, 0, 0, 4, 4)])], { perm: [0, 2, 1, 3] });
  };
  const [q, k, v] = [split(1, 'q'), split(3, 'k'), split(5, 'v', (i) => (i % 16 < 8 ? 0.5 : 0.01))];
  const scores = op(g, 'Div', [op(g, 'MatMul', [q, op(g, 'Transpose', [k], { perm: [0, 1, 3, 2] })]), scalar(g, 2)]);
  const seen = op(g, 'Transpose', [op(g, 'MatMul', [op(g, 'Softmax', [scores], { axis: -1 }), v])], { perm: [0, 2, 1, 3] });
  const out = op(g, 'MatMul', [op(g, 'Reshape', [seen, ints(g, 0, 0, 16)]), constant(g, [16, 16], 7)], {}, 'out');
  const sum = op(g, 'LayerNormalization', [op(g, 'Add', [out, x]), constant(g, [16], 8, 1), constant(g, [16], 9)]);
  const hidden = op(g, 'Gelu', [op(g, 'MatMul', [sum, constant(g, [16, 24], 10)], {}, 'up')]);
  const y = op(g, 'Add', [op(g, 'MatMul', [hidden, constant(g, [24, 16], 11)], {}, 'down'), sum]);
  y.name = 'y';
  g.outputs.push(y);
  return g;
}
const text = (seed: number, batch = 8) => ({ x: tensor(seed, batch, 6, 16) });
const texts = () => Array.from({ length: 24 }, (_, i) => text(50 + i));

describe('channels', () => {
  it.each(['magnitude', 'wanda', 'sparsegpt'] as const)('%s: a smaller file that runs with other batches, and a report of what went', async (score) => {
    const { bytes, graph, report } = await prune(network(), { pattern: 'channels', ratio: 0.3, score, calibration: calibration() });
    expect(report).toMatchObject({ pattern: 'channels', ratio: 0.3, score, feeds: 24 });
    const [before, after] = [report.macsBefore as number, report.macsAfter as number];
    // Per picture: 64 places of the first four layers but for the strided one, 16 of the others.
    expect(before).toBe(8 * (64 * (108 * 4 + 108 * 16 * 2) + 16 * (108 + 96) + 640));
    expect(Number.isInteger(after)).toBe(true);
    expect(after).toBeLessThanOrEqual(0.7 * before);
    expect(after).toBeGreaterThan(0.6 * before);
    const left = channels(report);
    expect(left['inner']).toBeLessThan(16);
    expect(left['inner']).toBeGreaterThanOrEqual(8);
    expect(left['last']).toBe(5);
    expect(report.layers.find((l) => l.name === 'stem')?.reason).toBe('it is the first');
    expect(report.layers.find((l) => l.name === 'last')?.reason).toBe('"y" is an output of the model');
    const inner = importModel(bytes).graph.nodes.find((n) => n.name === 'inner');
    expect(inner?.input(1).shape).toEqual([left['inner'], 12, 3, 3]);
    expect(graph.nodes.find((n) => n.name === 'back')?.input(1).shape).toEqual([12, left['inner'], 3, 3]);
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore);
    expect(report.axes.map((a) => a.what)).toEqual(['signal to noise of y', 'multiplications', 'file']);
    expect(signalToNoise(await run(network()), await run(bytes))).toBeGreaterThan(15);
  });

  it('without feeds: the smallest go, and what is left is as it was', async () => {
    const { graph, report } = await prune(network(), { pattern: 'channels', ratio: 0.25 });
    expect(report.feeds).toBe(0);
    const left = channels(report)['inner'] as number;
    const weight = graph.nodes
      .find((n) => n.name === 'inner')
      ?.input(1)
      .constant?.values();
    const whole = network()
      .nodes.find((n) => n.name === 'inner')
      ?.input(1)
      .constant?.values() as number[];
    // The first eight are the large ones.
    expect(weight?.slice(0, 8 * 108)).toEqual(whole.slice(0, 8 * 108));
    expect(weight?.length).toBe(left * 108);
  });

  it('loses less where what is left is fitted again', async () => {
    const want = await run(network());
    const many = Array.from({ length: 24 }, (_, i) => feed(50 + i, 32));
    const made = (options: Partial<PruneOptions>) => prune(network(), { pattern: 'channels', ratio: 0.4, calibration: many, ...options });
    const [plain, repaired] = [await made({ repair: false }), await made({})];
    const [before, after] = [signalToNoise(want, await run(plain.bytes)), signalToNoise(want, await run(repaired.bytes))];
    expect(after).toBeGreaterThan(before + 3);
    expect(repaired.graph.nodes.find((n) => n.name === 'back')?.inputs[2]?.constant?.dims).toEqual([12]);
    expect((await made({ biasCorrection: false })).graph.nodes.find((n) => n.name === 'back')?.inputs[2]).toBeUndefined();
  });

  it('takes the same share everywhere, or multiples, where asked to, and keeps what it is told to', async () => {
    const layer = channels((await prune(network(), { pattern: 'channels', ratio: 0.4, scope: 'layer', keepFirst: false })).report);
    for (const [name, all] of [
      ['inner', 16],
      ['back', 12],
      ['point', 8],
    ] as const)
      expect((layer[name] as number) / all).toBeCloseTo(0.77, 0.1);
    expect(layer['stem']).toBe(layer['back']);
    expect(layer['depthwise']).toBe(layer['back']);
    const eights = channels((await prune(network(), { pattern: 'channels', ratio: 0.3, multiple: 4 })).report);
    expect((eights['inner'] as number) % 4).toBe(0);
    const { report } = await prune(network(), { pattern: 'channels', ratio: 0.003, keep: ['inner', /^back/] });
    expect(channels(report)).toMatchObject({ inner: undefined, back: undefined });
    expect(channels(report)['point']).toBeLessThan(8);
  });

  it('gives the same bytes whatever the number of threads', async () => {
    const made = async (intraOpNumThreads: number) => (await prune(network(), { pattern: 'channels', calibration: calibration(), intraOpNumThreads })).bytes;
    expect(Buffer.compare(await made(1), await made(2))).toBe(0);
  });

  it('goes on into integers', async () => {
    const { bytes } = await prune(network(), { pattern: 'channels', ratio: 0.3, calibration: calibration() });
    const small = await quantize(bytes, { calibration: calibration() });
    expect(signalToNoise(await run(network()), await run(small.bytes))).toBeGreaterThan(12);
  });
});

describe('heads', () => {
  it.each(['magnitude', 'sparsegpt'] as const)('%s: those that bring little go, and projections shrink', async (score) => {
    const { bytes, report } = await prune(transformer(), { pattern: 'heads', ratio: 0.5, score, calibration: texts() });
    expect(channels(report)).toEqual({ q: 8, k: 8, v: 8, out: 16, up: 24, down: 16 });
    const { graph } = importModel(bytes);
    expect(graph.nodes.find((n) => n.name === 'out')?.input(1).shape).toEqual([8, 16]);
    const got = await outputOf(bytes, text(7));
    expect(signalToNoise(await outputOf(transformer(), text(7)), got)).toBeGreaterThan(20);
  });

  it('the same as slices of the projections', async () => {
    const { graph } = await prune(transformer(), { pattern: 'heads', ratio: 0.5, keepFirst: false });
    const whole = transformer();
    const half = (name: string) => {
      const w = whole.nodes
        .find((n) => n.name === name)
        ?.input(1)
        .constant?.values() as number[];
      return name === 'out' ? w.slice(0, 128) : w.filter((_, i) => i % 16 < 8);
    };
    for (const name of ['v', 'out', 'q', 'k'])
      expect(
        graph.nodes
          .find((n) => n.name === name)
          ?.input(1)
          .constant?.values(),
      ).toEqual(half(name));
  });
});

describe('allocation', () => {
  const ranking = (costs: number[], from: number): Ranking => {
    const order = costs.map((_, i) => from + i);
    let sum = 0;
    return { bundle: { roots: order } as unknown as Bundle, order, costs: [0, ...costs.map((c) => (sum += c))] };
  };
  const plan = { ratio: 0.5, scope: 'global', multiple: 1 } as const;

  it('takes what costs least, leaves every bundle one, and gives back what is not needed', () => {
    const rankings = [ranking([1, 2, 3, 4], 0), ranking([2.5, 9, 9, 9], 10)];
    expect([...(allocate(rankings, new HeadCount(8), plan) as Set<number>)].sort((a, b) => a - b)).toEqual([0, 1, 2, 10]);
    expect(allocate(rankings, new HeadCount(8), { ...plan, ratio: 0.76 })).toBeUndefined();
    expect([...(allocate(rankings, new HeadCount(8), { ...plan, scope: 'layer' }) as Set<number>)]).toEqual([0, 1, 10, 11]);
    expect([...(allocate(rankings, new HeadCount(8), { ...plan, ratio: 0.2, multiple: 2 }) as Set<number>)]).toEqual([0, 1]);
  });
});

describe('refuses', () => {
  it.each<[string, unknown, RegExp]>([
    ['a share that cannot be', { pattern: 'channels', ratio: 0.99 }, /ratio must be at most 0\.\d+, the share of multiplications/],
    ['to take all heads', { pattern: 'heads', ratio: 0.9 }, /must have heads of attention that can go, .*Conv "inner": it makes no heads/],
    ['a scope', { pattern: 'channels', scope: 'model' }, /scope must be layer or global, "model" came/],
    ['half a channel', { pattern: 'channels', multiple: 0.5 }, /multiple must be a positive integer, 0.5 came/],
    ['multiples of zeros', { pattern: '2:4', multiple: 8 }, /multiple must be left out with 2:4/],
    ['to repair without feeds', { pattern: 'channels', repair: true }, /calibration must be there to repair/],
    ['a model of which everything is kept', { pattern: 'channels', keep: [/./] }, /must have a convolution or product with constant weights to prune/],
    ['a keep that fits nothing', { pattern: 'channels', keep: ['nobody'] }, /keep must fit nodes of the model, "nobody" fits none/],
  ])('%s', async (_, options, message) => {
    await expect(prune(network(), options as PruneOptions)).rejects.toThrow(message);
  });

  it('heads beyond those that leave every layer one, and what is not finite', async () => {
    await expect(prune(transformer(), { pattern: 'heads', ratio: 0.8, keepFirst: false })).rejects.toThrow(/ratio must be at most 0.75, the share of heads/);
    const g = network();
    const inner = g.nodes.find((n) => n.name === 'inner');
    if (inner) inner.inputs[1] = g.addConstant(Constant.of('float32', [16, 12, 3, 3], new Float32Array(1728).fill(Number.NaN)));
    await expect(prune(g, { pattern: 'channels' })).rejects.toThrow(/Conv "inner": weights must be finite/);
    const bad = feed(1);
    (bad.x.data as Float32Array)[5] = Number.POSITIVE_INFINITY;
    await expect(prune(network(), { pattern: 'channels', calibration: [bad] })).rejects.toThrow(/activations must be finite/);
  });
});
