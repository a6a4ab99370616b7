/** `prune`: what it writes for every operator, what the model loses, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { compress, exportModel, importModel, type PruneOptions, prune, quantize, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';
import { constant, netOfProducts, op, outputOf, signalToNoise, tensor } from '../quantize/nets.js';

const feed = (seed: number, batch = 4) => ({ x: tensor(seed, batch, 4, 9, 9) });
const everyProduct = () => netOfProducts(36, true);
const run = (graph: Graph | Uint8Array) => outputOf(graph, feed(7));
const calibration = () => Array.from({ length: 16 }, (_, i) => feed(50 + i));

/** Weights of a layer as rows of output channels, the input channels of one tap side by side. */
function rowsOf(graph: Graph, name: string): { rows: number[][]; depth: number } {
  const node = graph.nodes.find((n) => n.name === name);
  const weight = node?.input(1).constant as Constant;
  const w = weight.values() as number[];
  const [a, b, ...kernel] = weight.dims as [number, number, ...number[]];
  const taps = kernel.reduce((p, q) => p * q, 1);
  const outFirst = node?.op === 'Conv' || (node?.op === 'Gemm' && node.int('transB', 0) === 1);
  const [out, depth] = outFirst ? [a, b] : [b, a];
  const at = (o: number, c: number, t: number) => w[((outFirst ? o * b + c : c * b + o) * taps + t) as number] as number;
  const rows = Array.from({ length: out }, (_, o) => Array.from({ length: depth * taps }, (_, i) => at(o, i % depth, Math.floor(i / depth))));
  return { rows, depth };
}

const layers = ['branch', 'grouped', 'up', 'gemm', 'turned', 'matmul'];

describe('2:4', () => {
  it.each(['magnitude', 'wanda', 'sparsegpt'] as const)('%s: two of every four input channels, in a file that runs', async (score) => {
    const { bytes, report } = await prune(everyProduct(), { pattern: '2:4', score, calibration: calibration() });
    const { graph } = importModel(bytes);
    for (const name of layers) {
      const { rows } = rowsOf(graph, name);
      for (const r of rows)
        for (let i = 0; i < r.length; i += 4) {
          const zeros = r.slice(i, i + 4).filter((v) => v === 0).length;
          if (zeros !== 2) throw new Error(`${name}: ${zeros} zeros of four`);
        }
    }
    expect(report).toMatchObject({ pattern: '2:4', ratio: 0.5, score, feeds: 16 });
    expect(report.layers.map((l) => [l.name, l.zeros, l.reason])).toEqual([
      ...layers.map((name) => [name, 0.5, undefined]),
      ['stem', 0, 'it is the first'],
      ['depthwise', 0, '1 input channels are no multiple of 4'],
    ]);
    expect(report.bytesAfter).toBe(bytes.byteLength);
    const up = report.layers.find((l) => l.name === 'up');
    expect(up?.notes).toEqual(score === 'magnitude' ? [] : ['its weights were judged by their size alone, as the windows it reads are not known']);
    expect(report.axes.map((a) => a.axis)).toEqual(['accuracy', 'memory']);
    // The report measures on feeds that were fitted to, and this is one that was not; 6 dB for chance.
    expect(signalToNoise(await run(everyProduct()), await run(bytes))).toBeGreaterThan((report.outputs[0]?.sqnrDb as number) - 6);
  });

  it('zeros the smallest of each four, and nothing else changes', async () => {
    const before = everyProduct();
    const { graph } = await prune(before, { pattern: '2:4' });
    for (const name of layers) {
      const [want, got] = [rowsOf(before, name).rows, rowsOf(graph, name).rows];
      want.forEach((r, o) => {
        for (let i = 0; i < r.length; i += 4) {
          const four = r.slice(i, i + 4);
          const kept = four.map((v, j) => (four.filter((u, m) => Math.abs(u) < Math.abs(v) || (Math.abs(u) === Math.abs(v) && m < j)).length >= 2 ? v : 0));
          expect(got[o]?.slice(i, i + 4)).toEqual(kept);
        }
      });
    }
  });

  it('wanda judges weights times the size of their inputs', async () => {
    const g = new Graph('one');
    const x = g.addInput('x', 'float32', ['N', 8]);
    const y = op(g, 'MatMul', [x, constant(g, [8, 5], 1)], {}, 'only');
    y.name = 'y';
    g.outputs.push(y);
    const samples = [3, 4].map((seed) => randomFloats(16, seed).map((v, i) => v * 2 ** (i % 8)));
    const feeds = samples.map((s) => ({ x: new Tensor('float32', s, [2, 8]) }));
    const { graph } = await prune(g, { pattern: 'unstructured', ratio: 0.25, score: 'wanda', calibration: feeds, keepFirst: false });
    const squares = Array.from({ length: 8 }, (_, k) => samples.flatMap((s) => [s[k], s[8 + k]]).reduce((sum, v) => sum + (v as number) ** 2, 0));
    const [want, got] = [rowsOf(g, 'only').rows, rowsOf(graph, 'only').rows];
    want.forEach((r, o) => {
      const scores = r.map((w, k) => w * w * (squares[k] as number));
      const line = [...scores].sort((a, b) => a - b)[2] as number;
      expect(got[o]).toEqual(r.map((w, k) => ((scores[k] as number) < line ? 0 : w)));
    });
  });

  it('loses less the more it looks at, and adds biases where there were none', async () => {
    const want = await run(everyProduct());
    const made = (options: Partial<PruneOptions>) => prune(everyProduct(), { pattern: '2:4', ...options });
    const plain = signalToNoise(want, await run((await made({})).bytes));
    const corrected = signalToNoise(want, await run((await made({ score: 'magnitude', calibration: calibration(), biasCorrection: true })).bytes));
    const { bytes, graph } = await made({ calibration: calibration() });
    expect(corrected).toBeGreaterThan(plain);
    expect(signalToNoise(want, await run(bytes))).toBeGreaterThan(corrected + 3);
    expect(graph.nodes.find((n) => n.name === 'branch')?.inputs[2]?.constant?.dims).toEqual([16]);
    const without = await made({ calibration: calibration(), biasCorrection: false });
    expect(without.graph.nodes.find((n) => n.name === 'branch')?.inputs[2]).toBeUndefined();
    expect(signalToNoise(want, await run(without.bytes))).toBeGreaterThan(plain);
  });

  it('stays where the model is quantized afterwards', async () => {
    const { bytes } = await prune(everyProduct(), { pattern: '2:4', calibration: calibration() });
    const quantized = importModel((await quantize(bytes, { calibration: calibration() })).bytes).graph;
    const weights = quantized.nodes.filter((n) => n.op === 'DequantizeLinear' && n.inputs[0]?.constant?.dtype === 'int8' && n.input(0).name.startsWith('w14'));
    const values = weights[0]?.input(0).constant?.values() as number[];
    expect(values.length).toBe(16 * 16 * 9);
    expect(values.filter((v) => v === 0).length).toBeGreaterThanOrEqual(values.length / 2);
  });
});

describe('unstructured', () => {
  it.each([0.3, 0.75])('%f of every output channel', async (ratio) => {
    for (const score of ['magnitude', 'sparsegpt'] as const) {
      const { graph, report } = await prune(everyProduct(), { pattern: 'unstructured', ratio, score, calibration: calibration(), keep: ['up', /^turn/] });
      for (const name of ['depthwise', 'branch', 'grouped', 'gemm', 'matmul'])
        for (const r of rowsOf(graph, name).rows) expect(r.filter((v) => v === 0).length).toBe(Math.round(ratio * r.length));
      expect(report.layers.filter((l) => l.reason !== undefined).map((l) => [l.name, l.reason])).toEqual([
        ['up', 'asked for'],
        ['turned', 'asked for'],
        ['stem', 'it is the first'],
      ]);
    }
  });

  it('leaves a little less than everything', async () => {
    const mild = await prune(everyProduct(), { pattern: 'unstructured', ratio: 0.1, calibration: calibration(), keepFirst: false });
    const harsh = await prune(everyProduct(), { pattern: 'unstructured', ratio: 0.6, calibration: calibration() });
    expect(mild.report.outputs[0]?.sqnrDb).toBeGreaterThan((harsh.report.outputs[0]?.sqnrDb as number) + 6);
  });
});

it('times both models where asked to, and tells how far it is', async () => {
  const stages = new Set<string>();
  const { report } = await prune(everyProduct(), { pattern: '2:4', calibration: calibration(), timing: true, onProgress: (p) => stages.add(p.stage) });
  expect([...stages]).toEqual(['calibrate', 'weights', 'measure', 'timing']);
  expect(report.axes.map((a) => a.axis)).toEqual(['accuracy', 'speed', 'memory', 'memory', 'memory']);
});

it('gives the same bytes whatever the number of threads', async () => {
  const made = async (intraOpNumThreads: number) => (await prune(everyProduct(), { pattern: '2:4', calibration: calibration(), intraOpNumThreads })).bytes;
  expect(Buffer.compare(await made(1), await made(2))).toBe(0);
});

describe('compress', () => {
  it('is its stages one after the other, with the report of each', async () => {
    const [first, second] = [{ pattern: '2:4', calibration: calibration() }, { calibration: calibration() }] as const;
    const once = await quantize((await prune(everyProduct(), first)).bytes, second);
    const { bytes, reports } = await compress(everyProduct(), [prune(first), quantize(second)]);
    expect(Buffer.compare(bytes, once.bytes)).toBe(0);
    expect(reports[0].pattern).toBe('2:4');
    expect(reports[1]).toEqual(once.report);
  });

  it('refuses what are no stages, and stages that cannot be', async () => {
    await expect(compress(everyProduct(), [])).rejects.toThrow(/compress: stages must be a list/);
    await expect(compress(everyProduct(), [{ pattern: '2:4' } as never])).rejects.toThrow(/compress: stages must be a list/);
    expect(() => prune({ pattern: '2:4', ratio: 1 })).toThrow(/ratio must lie between 0 and 1/);
    expect(() => quantize('model.onnx' as never)).toThrow(/options must be an object/);
  });
});

describe('refuses', () => {
  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /options must be an object/],
    ['a pattern', { pattern: '1:3' }, /pattern must be 2:4 or unstructured or channels or heads, "1:3" came/],
    ['a ratio of 0', { pattern: 'unstructured', ratio: 0 }, /ratio must lie between 0 and 1, 0 came/],
    ['a ratio of 1', { pattern: 'unstructured', ratio: 1 }, /ratio must lie between 0 and 1/],
    ['a ratio that is none', { pattern: 'unstructured', ratio: Number.NaN }, /ratio must lie between 0 and 1/],
    ['another ratio than that of the pattern', { pattern: '2:4', ratio: 0.25 }, /ratio must be 0.5 with 2:4/],
    ['a score', { pattern: '2:4', score: 'random' }, /score must be magnitude or wanda or sparsegpt/],
    ['wanda without feeds', { pattern: '2:4', score: 'wanda' }, /calibration must be there for wanda/],
    ['timing without feeds', { pattern: '2:4', timing: true }, /calibration must be there for timing/],
    ['feeds that are none', { pattern: '2:4', calibration: 3 }, /calibration must be an iterable/],
    ['an onProgress that cannot be called', { pattern: '2:4', onProgress: 5 }, /prune options: onProgress must be a function, 5 came/],
    ['no feed', { pattern: '2:4', calibration: [] }, /prune: calibration must give at least one feed/],
    ['a keep that fits nothing', { pattern: '2:4', keep: ['nobody'] }, /keep must fit nodes of the model, "nobody" fits none/],
    ['to leave a channel nothing', { pattern: 'unstructured', ratio: 0.95 }, /Conv "depthwise".*ratio must leave every output channel a weight/],
    ['a model of which everything is kept', { pattern: '2:4', keep: [/./] }, /must have a convolution or product with constant weights to prune/],
  ])('%s', async (_, options, message) => {
    await expect(prune(everyProduct(), options as PruneOptions)).rejects.toThrow(message);
  });

  it('what is not finite, and what is quantized already', async () => {
    const g = everyProduct();
    const branch = g.nodes.find((n) => n.name === 'branch');
    if (branch) branch.inputs[1] = g.addConstant(Constant.of('float32', [16, 16, 3, 3], new Float32Array(2304).fill(Number.NaN)));
    await expect(prune(g, { pattern: '2:4' })).rejects.toThrow(/Conv "branch": weights must be finite/);
    const bad = feed(1);
    (bad.x.data as Float32Array)[5] = Number.POSITIVE_INFINITY;
    await expect(prune(everyProduct(), { pattern: '2:4', calibration: [bad] })).rejects.toThrow(/activations must be finite/);
    const { bytes } = await quantize(exportModel(everyProduct()), { calibration: calibration() });
    await expect(prune(bytes, { pattern: '2:4' })).rejects.toThrow(/must be a float model, it is quantized already/);
  });
});
