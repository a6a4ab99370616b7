/** What the quantizer's report says of time and memory. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Operand, type QuantizeOptions, quantize } from '../../lib/index.js';
import { measureCosts } from '../../lib/runtime/measure-costs.js';
import { tensor } from './nets.js';

/** A convolution, a depthwise one between two of 1x1, which float32 runs as one, and a product. */
function network() {
  const b = new GraphBuilder('network');
  const x = b.input('x', { dataType: 'float32', shape: ['N', 8, 14, 14] });
  const padding = [1, 1, 1, 1] as const;
  const stem = b.relu(b.conv2d(x, tensor(1, 16, 8, 3, 3), { padding, label: 'stem' })) as Operand;
  const wide = b.relu(b.conv2d(stem, tensor(2, 32, 16, 1, 1), { label: 'wide' })) as Operand;
  const deep = b.relu(b.conv2d(wide, tensor(3, 32, 1, 3, 3), { padding, groups: 32, label: 'deep' })) as Operand;
  const narrow = b.conv2d(deep, tensor(4, 16, 32, 1, 1), { label: 'narrow' }) as Operand;
  const pooled = b.reshape(b.averagePool2d(narrow) as Operand, [-1, 16]) as Operand;
  return b.build({ y: b.matmul(pooled, tensor(5, 16, 10), { label: 'classes' }) as Operand });
}
const feeds = (batch: number) => [1, 2].map((seed) => ({ x: tensor(10 + seed, batch, 8, 14, 14) }));

describe('timing', () => {
  it.each<[string, Partial<Omit<QuantizeOptions, 'calibration'>>]>([
    ['static', {}],
    ['dynamic', { method: 'dynamic' }],
    ['weight-only', { method: 'weight-only' }],
  ])('has the time of layers and models, and their memory: %s', async (_, method) => {
    const stages = new Set<string>();
    const options = { ...method, calibration: feeds(2), timing: true, onProgress: (p: { stage: string }) => stages.add(p.stage) };
    const { report, bytes } = await quantize(network(), options as QuantizeOptions);
    const { speed, memory, axes, layers } = report;
    expect(stages).toContain('timing');
    expect(speed?.runs).toBeGreaterThanOrEqual(5);
    const named = layers.filter((l) => l.medianUsBefore !== undefined && l.medianUsAfter !== undefined).map((l) => l.name);
    for (const name of ['stem', 'classes']) expect(named).toContain(name);
    for (const side of ['Before', 'After'] as const) {
      expect(memory?.[`arenaBytes${side}`]).toBeGreaterThan(0);
      // The layers' calls are part of the run.
      const sum = layers.reduce((s, l) => s + (l[`medianUs${side}`] ?? 0), 0);
      expect(sum).toBeGreaterThan(0);
    }
    expect(memory?.weightBytesAfter).toBeLessThanOrEqual(memory?.weightBytesBefore as number);
    expect(report.bytesAfter).toBe(bytes.byteLength);
    expect(axes).toEqual([
      { axis: 'accuracy', what: 'signal to noise of y', unit: 'dB', after: report.outputs[0]?.sqnrDb },
      { axis: 'speed', what: 'run', unit: 'ms', before: speed?.medianMsBefore, after: speed?.medianMsAfter },
      { axis: 'memory', what: 'file', unit: 'bytes', before: report.bytesBefore, after: report.bytesAfter },
      { axis: 'memory', what: 'weights', unit: 'bytes', before: memory?.weightBytesBefore, after: memory?.weightBytesAfter },
      { axis: 'memory', what: 'intermediate results', unit: 'bytes', before: memory?.arenaBytesBefore, after: memory?.arenaBytesAfter },
    ]);
    expect(JSON.parse(JSON.stringify(report)).axes).toHaveLength(5);
  });

  it('is not done unasked, and has the metric of a target beside it', async () => {
    const { report } = await quantize(network(), { calibration: feeds(1), target: { metric: () => 0.5, maxDrop: 1 } });
    expect([report.speed, report.memory]).toEqual([undefined, undefined]);
    expect(report.layers.every((l) => l.medianUsBefore === undefined)).toBe(true);
    expect(report.axes[0]).toEqual({ axis: 'accuracy', what: 'metric', unit: '', before: 0.5, after: 0.5 });
    expect(report.axes.map((a) => a.axis)).toEqual(['accuracy', 'accuracy', 'memory']);
  });

  it('refuses to time on nothing', async () => {
    await expect(quantize(network(), { method: 'weight-only', timing: true })).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_ARGUMENT' });
    await expect(quantize(network(), { calibration: feeds(1), timing: 1 as never })).rejects.toThrow(/timing must be true or false/);
  });

  it('measures models in turn, and every one as often', async () => {
    const graph = network();
    const { models, runs } = await measureCosts([graph, graph], feeds(1), { intraOpNumThreads: 1 }, () => {});
    expect(models).toHaveLength(2);
    expect(runs).toBeGreaterThanOrEqual(5);
    expect([...(models[0]?.nodesUs.keys() ?? [])].sort()).toEqual([...(models[1]?.nodesUs.keys() ?? [])].sort());
    expect(models[0]?.arenaBytes).toBe(models[1]?.arenaBytes);
  });
});
