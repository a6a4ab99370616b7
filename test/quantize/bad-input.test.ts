/** Models and feeds that cannot be quantized as they are: an error that says what and where, or a fallback that the report states. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, type QuantizeOptions, quantize, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const constant = (g: Graph, dims: number[], seed: number, change: (w: Float32Array) => void = () => {}) => {
  const values = randomFloats(
    dims.reduce((a, b) => a * b, 1),
    seed,
  );
  change(values);
  return g.addConstant(Constant.of('float32', dims, values), `w${seed}`);
};

/** A convolution, a pool, two products. */
function network(changes: { readonly conv?: (w: Float32Array) => void; readonly hidden?: (w: Float32Array) => void } = {}): Graph {
  const g = new Graph('network');
  const x = g.addInput('x', 'float32', ['N', 3, 6, 6]);
  const conv = g.addNode('Conv', [x, constant(g, [8, 3, 3, 3], 1, changes.conv), constant(g, [8], 2)], { name: 'conv' }).output();
  const flat = g.addNode('Flatten', [g.addNode('GlobalAveragePool', [g.addNode('Relu', [conv]).output()]).output()]).output();
  const hidden = g.addNode('MatMul', [flat, constant(g, [8, 32], 3, changes.hidden)], { name: 'hidden' }).output();
  const y = g.addNode('Gemm', [hidden, constant(g, [5, 32], 4), constant(g, [5], 5)], { name: 'classes', attrs: { transB: 1 } }).output();
  y.name = 'y';
  g.outputs.push(y);
  return g;
}
const feed = (seed: number, change: (x: Float32Array) => void = () => {}) => {
  const x = randomFloats(4 * 108, seed);
  change(x);
  return { x: new Tensor('float32', x, [4, 3, 6, 6]) };
};

const methods: readonly (readonly [string, Record<string, unknown>])[] = [
  ['static', {}],
  ['static, 4 bits', { weights: { bits: 4 } }],
  ['dynamic', { method: 'dynamic' }],
  ['weight-only', { method: 'weight-only' }],
  ['weight-only, 8 bits', { method: 'weight-only', weights: { bits: 8 } }],
];
const quantized = (options: Record<string, unknown>, model: Graph | Uint8Array = network(), calibration: unknown = [feed(1), feed(2)]) =>
  quantize(model, { ...options, calibration } as QuantizeOptions);
const refused = (...given: Parameters<typeof quantized>) => expect(quantized(...given)).rejects;

describe.each(methods)('%s', (_, options) => {
  it('refuses an empty calibration set', async () => {
    await refused(options, network(), []).toThrow(/ERR_DSNK_INVALID_ARGUMENT|calibration must give at least one feed, none came/);
    await refused(options, network(), []).toMatchObject({ code: 'ERR_DSNK_INVALID_ARGUMENT' });
  });

  it('refuses feeds of another shape or type, by number and name', async () => {
    const odd = { x: new Tensor('float32', new Float32Array(8), [2, 4]) };
    await refused(options, network(), [odd]).toThrow(/calibration feed 0: input "x": shape must be \[N,3,6,6\], \[2,4\] came/);
    await refused(options, network(), [feed(1), odd]).toThrow(/calibration feed 1: input "x": shape must be/);
    await refused(options, network(), [feed(1), { x: new Tensor('int32', new Int32Array(108), [1, 3, 6, 6]) }]).toMatchObject({
      code: 'ERR_DSNK_DTYPE_MISMATCH',
    });
    await refused(options, network(), [feed(1), {}]).toThrow(/calibration feed 1: .*"x" is missing/);
    await refused(options, network(), [feed(1), null]).toThrow(/calibration feed 1: it must be an object/);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %f in weights, with the layer', async (value) => {
    const spoil = (w: Float32Array) => {
      w[3] = value;
    };
    await refused(options, network({ conv: spoil })).toThrow(/Conv "conv": weights must be finite, 1 NaN or infinite elements came in "w1"/);
    await refused(options, network({ hidden: spoil })).toThrow(/MatMul "hidden": weights must be finite/);
    await refused(options, network({ hidden: spoil })).toMatchObject({ code: 'ERR_DSNK_INVALID_MODEL' });
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY])('refuses %f in feeds, by name', async (value) => {
    const spoiled = feed(2, (x) => {
      x[5] = value;
    });
    await refused(options, network(), [feed(1), spoiled]).toThrow(/activations must be finite.*NaN or infinite elements came/);
    await refused(options, network(), [feed(1), spoiled]).toThrow(/"x"|"conv"/);
  });

  it('refuses activations that overflow on the way, with the layer', async () => {
    const large = (w: Float32Array) => {
      w.fill(3e38);
    };
    await refused(options, network({ hidden: large })).toThrow(
      /activations must be finite.*NaN or infinite elements came.*(hidden|classes)|"(hidden|classes)".*activations must be finite/,
    );
  });

  it('takes channels of zeros, and weights of nothing else', async () => {
    const calibration = [feed(1), feed(2)];
    for (const empty of [
      network({ conv: (w) => w.fill(0, 27, 81), hidden: (w) => w.set(w.map((v, i) => (i % 32 < 3 ? 0 : v))) }),
      network({ conv: (w) => w.fill(0), hidden: (w) => w.fill(0) }),
    ]) {
      const { bytes, report } = await quantized(options, empty, calibration);
      expect(report.outputs[0]?.sqnrDb).toBeGreaterThan(8);
      await using session = await InferenceSession.create(bytes);
      for (const input of calibration) {
        const { data } = (await session.run(input))['y'] as { readonly data: unknown };
        expect((data as Float32Array).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('takes activations of zeros, and of one tiny number', async () => {
    for (const value of [0, 1e-42, -1e-30]) {
      const { bytes } = await quantized(options, network(), [feed(1, (x) => x.fill(value))]);
      await using session = await InferenceSession.create(bytes);
      const result = (await session.run(feed(1, (x) => x.fill(value))))['y']?.data as Float32Array;
      await using float = await InferenceSession.fromGraph(network());
      const want = (await float.run(feed(1, (x) => x.fill(value))))['y']?.data as Float32Array;
      const largest = Math.max(...Array.from(want, Math.abs));
      want.forEach((v, i) => {
        expect(Math.abs(v - (result[i] as number))).toBeLessThan(0.25 * largest);
      });
    }
  });

  it('refuses what it has made itself: a model that is quantized already', async () => {
    const { bytes } = await quantized(options);
    for (const [, again] of methods) await refused(again, bytes).toThrow(/it must be a float model, it is quantized already/);
  });

  it.each([1, 5, 7, 16, 0, -4, '8', Number.NaN, null])('refuses weights of %j bits', async (bits) => {
    await refused({ ...options, weights: { bits } }).toMatchObject({
      code: 'ERR_DSNK_INVALID_ARGUMENT',
      message: expect.stringMatching(/weights.bits must be 8/),
    });
  });
});

describe('scales of zero, subnormal or without sense in a QDQ model', () => {
  const TINY = 1e-42;
  interface Scales {
    readonly x?: number;
    readonly w?: readonly number[];
    readonly y?: number;
    readonly bias?: readonly number[];
  }
  /** Bytes in and out of a convolution, or a product, and a sum with its input. */
  function between(kind: 'Conv' | 'MatMul', { x: xScale = 0.02, w = [0.01, 0.02, 0.005, 0.01], y: yScale = 0.05, bias = [0.5, -0.25, 0, 1] }: Scales): Graph {
    const g = new Graph('scaled');
    const scalar = (v: number) => g.addConstant(Constant.of('float32', [], [v]));
    const zero = g.addConstant(Constant.of('uint8', [], [100]));
    const input = g.addInput('x', 'float32', kind === 'Conv' ? [2, 4, 5, 5] : [8, 4]);
    const pair = (v: Value, scale: number) => {
      const q = g.addNode('QuantizeLinear', [v, scalar(scale), zero]).output();
      return g.addNode('DequantizeLinear', [q, scalar(scale), zero]).output();
    };
    const dims = kind === 'Conv' ? [4, 4, 3, 3] : [4, 4];
    const bytes = Array.from({ length: kind === 'Conv' ? 144 : 16 }, (_, i) => ((i * 37) % 255) - 127);
    const weight = g.addNode(
      'DequantizeLinear',
      [g.addConstant(Constant.of('int8', dims, bytes)), g.addConstant(Constant.of('float32', [4], w)), g.addConstant(Constant.of('int8', [4], [0, 0, 0, 0]))],
      { attrs: { axis: kind === 'Conv' ? 0 : 1 } },
    );
    const inputs = [pair(input, xScale), weight.output()];
    const b = g.addConstant(Constant.of('float32', [4], bias));
    let result = g.addNode(kind, kind === 'Conv' ? [...inputs, b] : inputs, kind === 'Conv' ? { attrs: { pads: [1, 1, 1, 1] } } : {}).output();
    if (kind === 'MatMul') result = g.addNode('Add', [result, b]).output();
    const out = pair(g.addNode('Relu', [result]).output(), yScale);
    out.name = 'y';
    g.outputs.push(out);
    return g;
  }
  const everyPass = ['part-quantization', 'fuse-integers', 'take-integer-products', 'fuse-pointwise', 'fold-scale', 'fuse-epilogue', 'sink-transposes'];

  it.each<[string, Scales]>([
    ['of zero for weights', { w: [0.01, 0, 0, 0.02] }],
    ['subnormal for activations', { x: TINY }],
    ['subnormal for the result', { y: TINY }],
    ['subnormal for weights', { w: [0.01, TINY, 1e-45, 0.02] }],
    ['subnormal throughout', { x: TINY, w: [TINY, TINY, TINY, TINY], y: TINY }],
    ['whose product is subnormal', { x: 1e-25, w: [1e-20, 1e-20, 1e-20, 0.01], y: 1e-30 }],
    ['whose ratio is infinite', { x: 1e10, w: [1e20, 1e20, 1, 1], y: 1e-30 }],
    ['so small that the bias fits in no integer', { w: [1e-12, 1e-30, 0.01, 0.01], bias: [3, -3, 0.5, 7] }],
    ['negative', { x: -0.02 }],
    ['negative for weights', { w: [0.01, -0.02, 0.01, 0.01] }],
  ])('%s: results are those of the nodes one by one', async (_, scales) => {
    for (const kind of ['Conv', 'MatMul'] as const) {
      const graph = between(kind, scales);
      const size = kind === 'Conv' ? 200 : 32;
      const feeds = { x: new Tensor('float32', randomFloats(size, 7, -2, 3), kind === 'Conv' ? [2, 4, 5, 5] : [8, 4]) };
      await using session = await InferenceSession.fromGraph(graph);
      await using plain = await InferenceSession.fromGraph(graph, { skipPasses: everyPass });
      const [got, want] = [await session.run(feeds), await plain.run(feeds)].map((r) => r['y']?.data as Float32Array) as [Float32Array, Float32Array];
      const step = Math.abs(scales.y ?? 0.05);
      const wrong = [...want].filter((v, i) => {
        const u = got[i] as number;
        // One step where the rounding of sums decides between two integers.
        return !(Object.is(u, v) || u === v || (Number.isFinite(u) && Math.abs(u - v) <= 1.01 * step));
      });
      expect(wrong.length, `${kind}: ${wrong.slice(0, 4)} of ${want.slice(0, 6)} beside ${got.slice(0, 6)}`).toBe(0);
    }
  });

  it.each<[string, Scales, RegExp]>([
    ['of zero for activations', { x: 0 }, /QuantizeLinear ".*": scale must be finite and not zero, 0 came/],
    ['of zero for the result', { y: 0 }, /QuantizeLinear ".*": scale must be finite and not zero, 0 came/],
    ['infinite', { y: Number.POSITIVE_INFINITY }, /scale must be finite and not zero, Infinity came/],
    ['no number', { w: [0.01, Number.NaN, 0.01, 0.01] }, /DequantizeLinear ".*": scale must be finite, NaN came/],
  ])('%s: refused, with the node', async (_, scales, message) => {
    for (const kind of ['Conv', 'MatMul'] as const) {
      await expect(InferenceSession.fromGraph(between(kind, scales))).rejects.toThrow(message);
      await expect(InferenceSession.fromGraph(between(kind, scales))).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_MODEL' });
    }
  });
});
