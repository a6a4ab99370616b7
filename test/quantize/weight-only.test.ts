/** `quantize` with method weight-only: what it writes for every operator, what the runtime makes of it, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { Constant, type Graph, type Value } from '../../lib/graph/graph.js';
import { exportModel, importModel, quantize, Tensor, type WeightOnlyOptions } from '../../lib/index.js';
import { netOfProducts, outputOf, signalToNoise, tensor } from './nets.js';

const feed = (seed: number, batch = 3) => ({ x: tensor(seed, batch, 4, 9, 9) });
const everyProduct = () => netOfProducts(33, false);
const run = (graph: Graph | Uint8Array) => outputOf(graph, feed(7));
const calibration = () => Array.from({ length: 4 }, (_, i) => feed(50 + i));

describe('weight-only', () => {
  it.each([8, 4, 3, 2] as const)('%i bits: writes every product, and the result is near', async (bits) => {
    const want = await run(everyProduct());
    for (const groupSize of [16, 'channel'] as const) {
      for (const symmetric of [true, false]) {
        if (bits === 2 && symmetric) continue;
        const { bytes, report } = await quantize(everyProduct(), { method: 'weight-only', weights: { bits, groupSize, symmetric } });
        const { graph } = importModel(bytes);
        const count = (name: string) => graph.nodes.filter((n) => n.op === name).length;
        expect(count('MatMulNBits')).toBe(groupSize === 16 ? 3 : 0);
        expect(count('DequantizeLinear')).toBe(groupSize === 16 ? 4 : 7);
        expect(report.layers.map((l) => [l.name, l.bits])).toEqual(
          ['stem', 'depthwise', 'grouped', 'up', 'gemm', 'turned', 'matmul'].map((n, i) => [n, bits < 4 && i % 6 === 0 ? 8 : bits]),
        );
        expect(report.bytesAfter).toBe(bytes.byteLength);
        // The errors of seven layers add up, and those of activations that MatMulNBits rounds to 8 bits; 5 dB for chance.
        const weights = report.layers.reduce((sum, l) => sum + 10 ** (-(l.weightSqnrDb as number) / 10), 10 ** -4);
        expect(signalToNoise(want, await run(bytes)), `${groupSize}, ${symmetric}`).toBeGreaterThan(-10 * Math.log10(weights) - 5);
        expect(report.layers[1]?.weightSqnrDb).toBeGreaterThan(5.5 * bits - 7);
      }
    }
  });

  it('loses less with calibration, and says how much', async () => {
    const want = await run(everyProduct());
    const options = { method: 'weight-only', weights: { bits: 3, groupSize: 32 } } as const;
    const alone = await quantize(everyProduct(), options);
    const { bytes, report } = await quantize(everyProduct(), { ...options, calibration: calibration() });
    expect(signalToNoise(want, await run(bytes))).toBeGreaterThan(signalToNoise(want, await run(alone.bytes)) + 1);
    expect(report.weights).toMatchObject({ bits: 3, groupSize: 32, symmetric: false, algorithm: 'gptq' });
    expect(report.feeds).toBe(4);
    expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(5);
    for (const l of report.layers) expect(l.outputSqnrDb, l.name).toBeGreaterThan(0);
    expect(report.layers.find((l) => l.name === 'up')?.notes[0]).toMatch(/one by one/);
    expect(alone.report.layers[0]?.outputSqnrDb).toBeUndefined();
  });

  it('rounds in the order of energy where asked to', async () => {
    const options = { method: 'weight-only', calibration: calibration(), weights: { bits: 3, actOrder: true } } as const;
    const want = await run(everyProduct());
    const { bytes } = await quantize(everyProduct(), options);
    expect(bytes).not.toEqual((await quantize(everyProduct(), { ...options, weights: { bits: 3 } })).bytes);
    expect(signalToNoise(want, await run(bytes))).toBeGreaterThan(30);
    await expect(refused({ weights: { actOrder: 1 as never } })).rejects.toThrow(/weights.actOrder/);
  });

  it('gives layers eight bits until a target is met', async () => {
    const { report } = await quantize(everyProduct(), {
      method: 'weight-only',
      calibration: calibration(),
      weights: { bits: 2 },
      target: { sqnr: 36 },
    });
    expect(report.targetMet).toBe(true);
    expect(report.outputs[0]?.sqnrDb).toBeGreaterThanOrEqual(36);
    expect(report.layers.filter((l) => l.bits === 8).length).toBeGreaterThan(2);
  });

  it('gives single layers the bits they are to have', async () => {
    const { report } = await quantize(everyProduct(), { method: 'weight-only', weights: { bits: 3, layers: { stem: 4, gemm: 2 } } });
    expect(report.layers.map((l) => l.bits)).toEqual([4, 3, 3, 3, 2, 3, 8]);
    await expect(refused({ weights: { layers: { stern: 4 } } })).rejects.toThrow(/"stern" is none/);
    await expect(refused({ weights: { layers: { stem: 6 as never } } })).rejects.toThrow(/layers\["stem"\] must be/);
  });

  it('keeps what it is asked to keep', async () => {
    const { report, graph } = await quantize(everyProduct(), { method: 'weight-only', keepFloat: ['stem', /gemm|turned/] });
    expect(report.layers.filter((l) => l.bits === 32).map((l) => l.name)).toEqual(['stem', 'gemm', 'turned']);
    expect(graph.nodes.filter((n) => n.op === 'Gemm')).toHaveLength(2);
  });

  it('writes channels of zeros as zeros', async () => {
    const g = everyProduct();
    const stem = g.nodes[0]?.inputs[1] as Value;
    const values = (stem.constant as Constant).values() as number[];
    stem.constant = Constant.of('float32', [16, 4, 3, 3], values.fill(0, 36, 72));
    const bytes = (await quantize(g, { method: 'weight-only' })).bytes;
    expect((await run(bytes)).every(Number.isFinite)).toBe(true);
    const model = exportModel(g);
    expect(signalToNoise(await run(model), await run(bytes))).toBeGreaterThan(12);
  });

  const refused = (options: Partial<WeightOnlyOptions>, g = everyProduct()) => quantize(g, { method: 'weight-only', ...options });
  it('refuses what it cannot do, by name', async () => {
    await expect(refused({ weights: { bits: 5 as never } })).rejects.toThrow(/weights.bits must be 8 or 4 or 3 or 2/);
    await expect(refused({ weights: { groupSize: 48 } })).rejects.toThrow(/groupSize/);
    await expect(refused({ weights: { algorithm: 'gptq' } })).rejects.toThrow(/calibration/);
    await expect(refused({ target: { sqnr: 20 } })).rejects.toThrow(/calibration/);
    await expect(refused({ calibration: [] })).rejects.toThrow(/at least one feed/);
    await expect(refused({ calibration: [{ x: new Tensor('float32', new Float32Array(81), [1, 1, 9, 9]) }] })).rejects.toThrow(/feed 0.*shape/);
    await expect(refused({ keepFloat: [/./] })).rejects.toThrow(/convolution or product/);
    const nan = feed(1);
    (nan.x.data as Float32Array)[100] = Number.NaN;
    await expect(refused({ calibration: [feed(2), nan] })).rejects.toThrow(/Conv "stem".*finite/);
    const spoiled = everyProduct();
    const weight = spoiled.nodes[0]?.inputs[1] as Value;
    weight.constant = Constant.of('float32', [16, 4, 3, 3], new Array(576).fill(Number.POSITIVE_INFINITY));
    await expect(refused({}, spoiled)).rejects.toThrow(/Conv "stem".*finite/);
    const again = (await refused({})).graph;
    await expect(refused({}, again)).rejects.toThrow(/quantized already/);
  });
});
