/** `quantize` on small models: what it writes, what the runtime makes of it, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { exportModel, InferenceSession, importModel, type QuantizeOptions, quantize, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';
import { constant, op, outputOf } from './nets.js';

/** Stem with batch normalization, a residual block, a pool, a classifier. */
function residualNet(spoil: (g: Graph) => void = () => {}): Graph {
  const g = new Graph('residual');
  const x = g.addInput('x', 'float32', ['N', 3, 8, 8]);
  const pads = [1, 1, 1, 1];
  const stem = op(g, 'Conv', [x, constant(g, [8, 3, 3, 3], 1), constant(g, [8], 2)], { pads, kernel_shape: [3, 3] }, 'stem');
  const positive = Constant.of('float32', [8], [1, 2, 0.5, 1, 1.5, 1, 1, 3]);
  const norm = op(g, 'BatchNormalization', [stem, constant(g, [8], 3, 1), constant(g, [8], 4), constant(g, [8], 5), g.addConstant(positive)], {}, 'norm');
  const a = op(g, 'Relu', [norm]);
  const b = op(g, 'Conv', [a, constant(g, [8, 8, 3, 3], 6), constant(g, [8], 7)], { pads, kernel_shape: [3, 3] }, 'block');
  const sum = op(g, 'Relu', [op(g, 'Add', [b, a])]);
  const pooled = op(g, 'GlobalAveragePool', [op(g, 'MaxPool', [sum], { kernel_shape: [2, 2], strides: [2, 2] })]);
  const flat = op(g, 'Flatten', [pooled]);
  const y = op(g, 'Gemm', [flat, constant(g, [5, 8], 8, 1), constant(g, [5], 9)], { transB: 1 }, 'classifier');
  y.name = 'y';
  g.outputs.push(y);
  spoil(g);
  return g;
}

const feed = (seed: number, batch = 4) => ({ x: new Tensor('float32', randomFloats(batch * 192, seed), [batch, 3, 8, 8]) });
const calibration = () => Array.from({ length: 6 }, (_, i) => feed(100 + i));

const counts = (g: Graph) => {
  const of: Record<string, number> = {};
  for (const n of g.nodes) of[n.op] = (of[n.op] ?? 0) + 1;
  return of;
};

describe('quantize', () => {
  it('writes one pair of nodes per tensor, int8 weights and int32 biases, after folding', async () => {
    const { bytes, report } = await quantize(residualNet(), { calibration: calibration() });
    const { graph } = importModel(bytes);
    // x, relu, block, relu, maxpool, pool, flatten: what lies between Conv and Relu stays inside, the logits stay float32
    expect(counts(graph)).toMatchObject({ QuantizeLinear: 7, DequantizeLinear: 7 + 3 + 3, Conv: 2, Gemm: 1, Relu: 2, Add: 1 });
    expect(graph.nodes.some((n) => n.op === 'BatchNormalization' || n.op === 'Mul')).toBe(false);
    expect(graph.inputs[0]?.shape?.slice(1)).toEqual([3, 8, 8]);
    expect(typeof graph.inputs[0]?.shape?.[0]).toBe('string');
    for (const d of graph.nodes.filter((n) => n.op === 'DequantizeLinear')) {
      const { dtype } = d.input(0);
      expect(['uint8', 'int8', 'int32']).toContain(dtype);
      if (dtype === 'int8') expect(Math.min(...(d.input(0).constant?.values() ?? []))).toBeGreaterThanOrEqual(-127);
      if (dtype === 'int32') expect(d.inputs[2]).toBeUndefined();
    }
    expect(report.layers.map((l) => [l.name, l.bits])).toEqual([
      ['stem', 8],
      ['block', 8],
      ['classifier', 8],
    ]);
    expect(report.feeds).toBe(6);
  });

  it('keeps max pools and moves at the scale of what they move', async () => {
    const { graph } = await quantize(residualNet(), { calibration: calibration() });
    const scaleAfter = (name: string) =>
      graph.nodes
        .find((n) => n.op === 'QuantizeLinear' && n.input(0).producer?.op === name)
        ?.input(1)
        .constant?.values()?.[0];
    const pool = graph.nodes.find((n) => n.op === 'MaxPool');
    expect(scaleAfter('MaxPool')).toBe(pool?.input(0).producer?.input(1).constant?.values()?.[0]);
    expect(scaleAfter('Flatten')).toBe(scaleAfter('GlobalAveragePool'));
  });

  it.each(['minmax', 'percentile', 'mse', 'entropy'] as const)('stays near the float model: %s', async (observer) => {
    for (const activation of ['u8', 's8'] as const) {
      const { bytes, report } = await quantize(residualNet(), { calibration: calibration(), observer, activation });
      const [want, got] = [await outputOf(residualNet(), feed(7, 16)), await outputOf(bytes, feed(7, 16))];
      const signal = want.reduce((s, v) => s + v * v, 0);
      const noise = want.reduce((s, v, i) => s + (v - (got[i] as number)) ** 2, 0);
      // 8 bits carry some 40 dB in each of six tensors; s8 spends half of its integers on negatives that a ReLU has none of
      expect(10 * Math.log10(signal / noise)).toBeGreaterThan(activation === 'u8' ? 25 : 20);
      expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(activation === 'u8' ? 25 : 20);
    }
  });

  it('takes async calibration, and per-tensor weights rounded to nearest', async () => {
    const stages = new Set<string>();
    async function* feeds() {
      for (let i = 0; i < 3; i++) yield feed(i, 1 + i);
    }
    const { report } = await quantize(exportModel(residualNet()), {
      calibration: feeds(),
      weights: { perChannel: false, algorithm: 'rtn' },
      onProgress: (p) => stages.add(p.stage),
    });
    expect(report.feeds).toBe(3);
    expect([...stages]).toEqual(['calibrate', 'bias', 'measure']);
    const better = await quantize(residualNet(), { calibration: calibration(), weights: { algorithm: 'mse' } });
    report.layers.forEach((l, i) => {
      expect(better.report.layers[i]?.weightSqnrDb).toBeGreaterThanOrEqual(l.weightSqnrDb as number);
    });
  });

  it('keeps named layers in float32, and as many as a target needs', async () => {
    const named = await quantize(residualNet(), { calibration: calibration(), keepFloat: ['stem', /^class/] });
    expect(named.report.layers.map((l) => [l.name, l.bits, l.reason])).toEqual([
      ['block', 8, undefined],
      ['stem', 32, 'asked for'],
      ['classifier', 32, 'asked for'],
    ]);
    const lasting = await quantize(residualNet(), { calibration: calibration(), keepFloat: [/s/g] });
    expect(lasting.report.layers.filter((l) => l.bits === 32).map((l) => l.name)).toEqual(['stem', 'classifier']);
    const least = (named.report.outputs[0]?.sqnrDb as number) - 1;
    const met = await quantize(residualNet(), { calibration: calibration(), target: { sqnr: least } });
    expect(met.report.targetMet).toBe(true);
    expect(met.report.outputs[0]?.sqnrDb).toBeGreaterThanOrEqual(least);
    const impossible = await quantize(residualNet(), { calibration: calibration(), target: { sqnr: 200 } });
    expect(impossible.report.targetMet).toBe(false);
    let asked = 0;
    const sessions: InferenceSession[] = [];
    const metric = (session: InferenceSession) => {
      sessions.push(session);
      return [1, 0.5, 0.99][asked++] as number;
    };
    const measured = await quantize(residualNet(), { calibration: calibration(), target: { metric, maxDrop: 0.05 } });
    expect(measured.report).toMatchObject({ metricBefore: 1, metricAfter: 0.99, targetMet: true });
    for (const session of sessions) await expect(session.run(feed(1))).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    expect(measured.report.layers.filter((l) => l.reason === 'the target')).toHaveLength(1);
  });

  it('corrects biases by what clipping takes from the mean', async () => {
    const noise = async (biasCorrection: boolean) => {
      // 99.99 % of 4,000 elements clip something; per-tensor weights round coarsely
      const options = { calibration: calibration(), observer: 'percentile', biasCorrection, weights: { perChannel: false, algorithm: 'rtn' } } as const;
      const { bytes } = await quantize(residualNet(), options);
      const drift = new Float64Array(5);
      for (const input of calibration()) {
        const [want, got] = [await outputOf(residualNet(), input), await outputOf(bytes, input)];
        want.forEach((v, i) => {
          drift[i % 5] = (drift[i % 5] as number) + (v - (got[i] as number)) / 24;
        });
      }
      return Math.sqrt(drift.reduce((s, v) => s + v * v, 0));
    };
    const [without, corrected] = [await noise(false), await noise(true)];
    expect(corrected).toBeLessThan(without / 4);
  });

  it('survives channels of zeros, tiny weights and large biases', async () => {
    const net = () =>
      residualNet((g) => {
        const block = g.nodes.find((n) => n.name === 'block');
        const w = randomFloats(576, 6).map((v, i) => (i < 72 ? 0 : i < 144 ? v * 1e-42 : v * 0.3));
        const bias = [0.7, 0.3, 1e5, 0, 0, 0, 0, 0];
        if (block !== undefined) {
          block.inputs[1] = g.addConstant(Constant.of('float32', [8, 8, 3, 3], w), 'odd');
          block.inputs[2] = g.addConstant(Constant.of('float32', [8], bias), 'bias');
        }
      });
    const { bytes, report } = await quantize(net(), { calibration: calibration(), observer: 'minmax' });
    expect(report.layers.find((l) => l.name === 'block')?.notes.join()).toMatch(/fits? the bias/);
    const [want, got] = [await outputOf(net(), feed(7)), await outputOf(bytes, feed(7))];
    const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    want.forEach((v, i) => {
      expect(Math.abs(v - (got[i] as number))).toBeLessThan(largest * 0.02);
    });
  });

  it('calibrates where not even a rank is known before the run', async () => {
    const g = new Graph('open');
    const x = g.addInput('x', 'float32', ['N', 3, 8, 8]);
    const shape = g.addInput('shape', 'int64', ['rank']);
    const y = op(g, 'MatMul', [op(g, 'Reshape', [x, shape]), constant(g, [64, 5], 1)]);
    y.name = 'y';
    g.outputs.push(y);
    const feeds = calibration().map((f) => ({ ...f, shape: new Tensor('int64', BigInt64Array.of(-1n, 64n), [2]) }));
    const { report } = await quantize(g, { calibration: feeds });
    expect(report.layers.map((l) => l.bits)).toEqual([8]);
    expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(30);
  });

  it('does not touch the given graph', async () => {
    const g = residualNet();
    const before = g.nodes.map((n) => n.where);
    await quantize(g, { calibration: calibration() });
    expect(g.nodes.map((n) => n.where)).toEqual(before);
  });
});

describe.each(['static', 'dynamic', 'weight-only'] as const)('graphs of other forms, %s', (method) => {
  const feeds = () => [1, 2, 3].map((seed) => ({ x: new Tensor('float32', randomFloats(64, seed), [4, 16]) }));

  it('returns an input that is an output as it went in', async () => {
    const g = new Graph('through');
    const x = g.addInput('x', 'float32', ['N', 16]);
    const y = op(g, 'MatMul', [x, constant(g, [16, 8], 1)], {}, 'product');
    y.name = 'y';
    g.outputs.push(x, y);
    const { bytes, report } = await quantize(g, { method, calibration: feeds() });
    expect(report.outputs[0]).toEqual({ name: 'x', sqnrDb: Number.POSITIVE_INFINITY });
    await using session = await InferenceSession.create(bytes);
    const [input] = feeds();
    const result = await session.run(input as { x: Tensor });
    expect(result['x']?.data).toEqual(input?.x.data);
    expect(result['y']?.dims).toEqual([4, 8]);
  });

  it('gives every node a name of its own where layers share weights and biases', async () => {
    const g = new Graph('shared');
    const x = g.addInput('x', 'float32', ['N', 16]);
    const [weight, bias] = [constant(g, [16, 16], 1), constant(g, [16], 2)];
    const hidden = op(g, 'Relu', [op(g, 'Gemm', [x, weight, bias], {}, 'first')]);
    const y = op(g, 'Gemm', [op(g, 'Gemm', [hidden, weight, bias], { transB: 1 }, 'second'), constant(g, [16, 4], 3), undefined], {}, 'third');
    y.name = 'y';
    g.outputs.push(y);
    const { bytes } = await quantize(g, { method, calibration: feeds() });
    const names = importModel(bytes).graph.nodes.map((n) => n.name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('every operator of an island goes through', () => {
  const between: Readonly<Record<string, (g: Graph, x: Value) => Value>> = {
    Relu: (g, x) => op(g, 'Relu', [x]),
    Clip: (g, x) => op(g, 'Clip', [x, ...[0, 6].map((v) => g.addConstant(Constant.of('float32', [], [v])))]),
    LeakyRelu: (g, x) => op(g, 'LeakyRelu', [x], { alpha: 0.1 }),
    Sigmoid: (g, x) => op(g, 'Sigmoid', [x]),
    HardSigmoid: (g, x) => op(g, 'HardSigmoid', [x]),
    HardSwish: (g, x) => op(g, 'HardSwish', [x]),
    Tanh: (g, x) => op(g, 'Tanh', [x]),
    Add: (g, x) => op(g, 'Add', [op(g, 'Relu', [x]), op(g, 'Tanh', [x])]),
    Mul: (g, x) => op(g, 'Mul', [x, op(g, 'Sigmoid', [x])]),
    Concat: (g, x) => op(g, 'Concat', [op(g, 'Relu', [x]), x], { axis: 2 }),
    MaxPool: (g, x) => op(g, 'MaxPool', [x], { kernel_shape: [2, 2] }),
    AveragePool: (g, x) => op(g, 'AveragePool', [x], { kernel_shape: [2, 2] }),
    GlobalAveragePool: (g, x) => op(g, 'GlobalAveragePool', [x]),
    Transpose: (g, x) => op(g, 'Transpose', [x], { perm: [0, 1, 3, 2] }),
    Reshape: (g, x) => op(g, 'Reshape', [x, g.addConstant(Constant.of('int64', [4], [0, 8, 4, 16]))]),
    Slice: (g, x) => op(g, 'Slice', [x, ...[1, 7, 2].map((v) => g.addConstant(Constant.of('int64', [1], [v])))]),
    Split: (g, x) => g.addNode('Split', [x, g.addConstant(Constant.of('int64', [2], [3, 5]))], { attrs: { axis: 2 }, outputs: 2 }).output(1),
    DepthToSpace: (g, x) => op(g, 'Concat', Array(4).fill(op(g, 'DepthToSpace', [x], { blocksize: 2 })), { axis: 1 }),
  };
  it.each(Object.keys(between))('%s', async (name) => {
    const g = new Graph(name);
    const x = g.addInput('x', 'float32', ['N', 3, 8, 8]);
    const first = op(g, 'Conv', [x, constant(g, [8, 3, 1, 1], 1), constant(g, [8], 2)], { kernel_shape: [1, 1] });
    const y = op(g, 'Conv', [between[name]?.(g, first), constant(g, [4, 8, 1, 1], 3)], { kernel_shape: [1, 1] });
    y.name = 'y';
    g.outputs.push(y);
    const { bytes, graph } = await quantize(g, { calibration: calibration(), observer: 'minmax' });
    const node = graph.nodes.find((n) => n.op === name);
    expect(node?.input(0).producer?.op).toBe(name === 'Relu' || name === 'Clip' ? 'Conv' : 'DequantizeLinear');
    expect(graph.nodes.some((n) => n.op === 'QuantizeLinear' && n.input(0).producer?.op === name)).toBe(true);
    const [want, got] = [await outputOf(g, feed(101)), await outputOf(bytes, feed(101))];
    const [signal, noise] = [want.reduce((s, v) => s + v * v, 0), want.reduce((s, v, i) => s + (v - (got[i] as number)) ** 2, 0)];
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(28);
  });
});

describe('weights below 8 bits', () => {
  it.each([4, 3] as const)('%i bits: int4 in the file, integers in the kernels', async (bits) => {
    const { bytes, report } = await quantize(residualNet(), { calibration: calibration(), weights: { bits } });
    expect(report.weights).toEqual({ bits, perChannel: true, algorithm: 'gptq' });
    expect(report.layers.map((l) => l.bits)).toEqual([bits, bits, bits]);
    const constants = importModel(bytes).graph.nodes.filter((n) => n.op === 'DequantizeLinear' && n.input(0).dtype === 'int4');
    expect(constants).toHaveLength(3);
    await using session = await InferenceSession.create(bytes);
    const { nodes } = await session.profile(feed(1));
    expect(nodes.filter((n) => /^(conv|gemm)_i8/.test(n.kernel))).toHaveLength(3);
    const eight = await quantize(residualNet(), { calibration: calibration() });
    expect(report.outputs[0]?.sqnrDb).toBeLessThan(eight.report.outputs[0]?.sqnrDb as number);
    expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(bits === 4 ? 12 : 6);
  });
});

describe('quantize refuses', () => {
  const refused = (over: { readonly [name: string]: unknown }, graph: Graph | Uint8Array = residualNet()) =>
    expect(quantize(graph, { calibration: calibration(), ...over } as QuantizeOptions)).rejects;

  it('what options cannot be', async () => {
    await refused({ method: 'live' }).toThrow(/method must be static/);
    await refused({ observer: 'median' }).toThrow(/observer must be minmax or percentile or mse or entropy, "median" came/);
    await refused({ activation: 'u4' }).toThrow(/activation must be u8 or s8/);
    await refused({ weights: { bits: 5 } }).toThrow(/weights.bits must be 8 or 4 or 3 or 2, 5 came/);
    await refused({ calibration: 3 }).toThrow(/calibration must be an iterable/);
    await refused({ target: {} }).toThrow(/metric or an sqnr/);
    for (const target of [null, 3]) await refused({ target }).toThrow(/target must be an object, (null|3) came/);
    await refused({ target: { sqnr: Number.NaN } }).toThrow(/target.sqnr must be a number, NaN came/);
    await refused({ target: { metric: () => 1, maxDrop: '1' } }).toThrow(/target.maxDrop must be a number, "1" came/);
    await refused({ target: { metric: () => Number.NaN } }).toThrow(/target.metric must return a number, NaN came/);
    await refused({ target: { metric: () => undefined } }).toThrow(/target.metric must return a number, undefined came/);
    await refused({ method: 'dynamic', target: { sqnr: 20 } }).toThrow(/target must stand with method static or weight-only, "dynamic" came/);
    for (const method of ['static', 'dynamic', 'weight-only']) await refused({ method, weights: null }).toThrow(/weights must be an object, null came/);
    await refused({ onProgress: 3 }).toThrow(/onProgress must be a function, 3 came/);
    await refused({ keepFloat: 'stem' }).toThrow(/keepFloat must be a list/);
    await refused({ keepFloat: ['stem', 'sten'] }).toThrow(/keepFloat must fit nodes of the model, "sten" fits none/);
    await refused({ keepFloat: [/^none$/] }).toThrow(/keepFloat must fit nodes of the model, \/\^none\$\/ fits none/);
  });

  it('an empty calibration set, and feeds that do not fit', async () => {
    await refused({ calibration: [] }).toThrow(/at least one feed, none came/);
    await refused({ calibration: [{}] }).toThrow(/calibration feed 0: .*"x" is missing/);
    await refused({ calibration: [feed(1), { x: new Tensor('float32', new Float32Array(4), [2, 2]) }] }).toThrow(
      /calibration feed 1: input "x": shape must be \[N,3,8,8\], \[2,2\] came/,
    );
    await refused({ calibration: [{ x: new Tensor('int32', new Int32Array(192), [1, 3, 8, 8]) }] }).toThrow(/element type must be float32, int32 came/);
  });

  it('what is not finite, by name', async () => {
    const bad = feed(1);
    (bad.x.data as Float32Array)[5] = Number.NaN;
    await refused({ calibration: [feed(2), bad] }).toThrow(/calibration feed 1: activations must be finite, 1 NaN or infinite elements came in "x"/);
    const net = residualNet((g) => {
      const classifier = g.nodes.find((n) => n.name === 'classifier');
      const w = randomFloats(40, 8);
      w[3] = Infinity;
      if (classifier !== undefined) classifier.inputs[1] = g.addConstant(Constant.of('float32', [5, 8], w), 'spoiled');
    });
    await refused({}, net).toThrow(/Gemm "classifier": weights must be finite, 1 NaN or infinite elements came in "spoiled"/);
    const biased = () =>
      residualNet((g) => {
        const classifier = g.nodes.find((n) => n.name === 'classifier');
        if (classifier !== undefined) classifier.inputs[2] = g.addConstant(Constant.of('float32', [5], [1, 2, Number.NaN, 4, 5]), 'bias');
      });
    for (const over of [{}, { weights: { bits: 4 } }, { method: 'weight-only' }])
      await refused(over, biased()).toThrow(/Gemm "classifier": bias must be finite, NaN or infinite elements came in "bias"/);
  });

  it('a model that is quantized already, and one without products', async () => {
    const { bytes } = await quantize(residualNet(), { calibration: calibration() });
    await refused({}, bytes).toThrow(/float model, it is quantized already/);
    const g = new Graph('sum');
    const x = g.addInput('x', 'float32', ['N', 3, 8, 8]);
    g.outputs.push(op(g, 'Add', [x, x]));
    await refused({}, g).toThrow(/convolution or product with constant weights to quantize, it has none/);
  });
});
