/** Options that nothing reads would silently change results: all calls of our own refuse them and name those there are. */
import { describe, expect, it } from 'vitest';
import {
  compareOutputs,
  compile,
  compress,
  GraphBuilder,
  InferenceSession,
  importModel,
  kernels,
  ops,
  prune,
  quantize,
  quantizePicture,
  Tensor,
} from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const f32 = (seed: number, ...dims: number[]) =>
  new Tensor(
    'float32',
    randomFloats(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
    dims,
  );
function layers() {
  const b = new GraphBuilder('layers');
  const x = b.input('x', { dataType: 'float32', shape: ['n', 16] });
  return b.build({ y: b.matmul(b.relu(b.matmul(x, f32(1, 16, 32))), f32(2, 32, 8)) });
}
const feed = (rows = 4) => ({ x: f32(3, rows, 16) });
const calibration = [feed()];
const one = new Float32Array(1);
const shape = { m: 1, n: 1, k: 1 };
const planes = f32(4, 1, 1, 4, 4);
const wrong = (value: unknown) => value as never;
const refusal = (message: RegExp) => expect.objectContaining({ code: 'ERR_DSNK_INVALID_ARGUMENT', message: expect.stringMatching(message) });

describe('a key that is none', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['prune', () => prune(layers(), wrong({ pattern: '2:4', ration: 0.5 })), /prune options: options must be of pattern, ratio, .*"ration" came/],
    ['quantize', () => quantize(layers(), wrong({ calibration, kepFloat: [] })), /options of method static must be of method, .*"kepFloat" came/],
    ['another method', () => quantize(layers(), wrong({ method: 'weight-only', observer: 'mse' })), /of method weight-only must be of .*"observer" came/],
    [
      'weights',
      () => quantize(layers(), wrong({ calibration, weights: { groupSize: 32 } })),
      /weights must be of bits, perChannel, algorithm, "groupSize" came/,
    ],
    ['few bits', () => quantize(layers(), wrong({ method: 'weight-only', weights: { groupsize: 32 } })), /weights must be of bits, layers, .*"groupsize" came/],
    ['dynamic', () => quantize(layers(), wrong({ method: 'dynamic', weights: { symmetric: true } })), /weights must be of .*"symmetric" came/],
    [
      'layers',
      () => quantize(layers(), wrong({ method: 'weight-only', weights: { layers: 8 } })),
      /weights.layers must be an object of bits by node name, 8 came/,
    ],
    ['target', () => quantize(layers(), wrong({ calibration, target: { sqnr: 20, maxdrop: 1 } })), /target must be of metric, maxDrop, sqnr, "maxdrop" came/],
    ['compile', () => compile((x) => x, wrong({ threads: 2 })), /compile options: options must be of intraOpNumThreads, .*"threads" came/],
    ['kernels', () => kernels.gemm(one, one, shape, wrong({ thread: 2 })), /kernels: options must be of kernel, threads, repeat, "thread" came/],
    ['gemm', () => kernels.gemm(one, one, wrong({ ...shape, alpha: 2 })), /kernels.gemm: shape must be of m, n, k, bias, "alpha" came/],
    ['conv2d', () => kernels.conv2d(one, one, wrong({ input: [1, 1, 1, 1], weight: [1, 1, 1, 1], pads: [0] })), /shape must be of input, .*"pads" came/],
    [
      'a builder function',
      () => ops.layerNormalization(planes, wrong({ axes: [2, 3] })),
      /layerNormalization: options must be of axis, scale, bias, .*"axes" came/,
    ],
    ['an activation', () => ops.leakyRelu(planes, wrong({ alfa: 2 })), /leakyRelu: options must be of alpha, label, "alfa" came/],
    ['behind a number', () => ops.softmax(planes, 1, wrong({ name: 'x' })), /softmax: options must be of label, "name" came/],
    ['a layout', () => ops.conv2d(planes, f32(1, 1, 1, 1, 1), wrong({ inputLayout: 'nhwc' })), /conv2d: options must be of .*"inputLayout" came/],
  ])('of %s', async (_, call, message) => {
    await expect(Promise.resolve().then(call)).rejects.toThrow(refusal(message));
  });

  it('is no mistake where it is undefined', async () => {
    expect((await prune(layers(), wrong({ pattern: '2:4', ration: undefined }))).report.pattern).toBe('2:4');
    expect((ops.relu(planes, wrong({ name: undefined })) as Tensor).dims).toEqual([1, 1, 4, 4]);
  });

  it('of a state', async () => {
    const b = new GraphBuilder('sum');
    const x = b.input('x', { dataType: 'float32', shape: [2] });
    await using session = await InferenceSession.fromGraph(b.build({ y: b.add(x, 1) }));
    expect(() => session.bindState('y', 'x', wrong({ capacty: 4 }))).toThrow(refusal(/options of bindState must be of capacity, "capacty" came/));
    expect(() => session.bindState('y', 'x', wrong(null))).toThrow(refusal(/options of bindState must be an object, null came/));
    expect(() => session.bindState(wrong(Symbol('y')), 'x')).toThrow(refusal(/output must be one of "y", Symbol\(y\) came/));
    await expect(session.run({ x: f32(1, 2) }, wrong([Symbol('y')]))).rejects.toThrow(refusal(/fetches must be named "y", Symbol\(y\) came/));
    await expect(session.run({ x: wrong({ type: 'float32', dims: [Symbol('d')], data: one }) })).rejects.toThrow(refusal(/dims must be non-negative integers/));
    await expect(InferenceSession.fromGraph(layers(), { freeDimensionOverrides: wrong(5) })).rejects.toThrow(
      refusal(/must be an object of sizes by name, 5 came/),
    );
  });
});

describe('a value that is none', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a rounding',
      () => ops.maxPool2d(planes, { windowDimensions: [2, 2], outputShapeRounding: wrong('ciel') }),
      /outputShapeRounding must be 'floor' or 'ceil'/,
    ],
    ['padding', () => ops.conv2d(planes, f32(1, 1, 1, 1, 1), { padding: wrong([1, 1]) }), /conv2d: padding must be a list of 4 integers, 1,1 came/],
    ['strides', () => ops.maxPool2d(planes, { windowDimensions: [2, 2], strides: wrong(Number.NaN) }), /strides must be a list of 2 integers, NaN came/],
    ['a label', () => ops.relu(planes, { label: wrong(Symbol('x')) }), /label must be a string, Symbol\(x\) came/],
    ['parts', () => ops.split(planes, 2 ** 31, { axis: 3 }), /split: parts must be from 1 to 4, 2147483648 came/],
    ['sizes', () => ops.slice(planes, [0, 0], wrong(5)), /slice: starts and sizes must be lists of as many sizes, 0,0 and 5 came/],
    ['a start from the end', () => ops.slice(planes, [-1], [1]), /slice: starts and sizes must be lists of as many sizes, -1 and 1 came/],
    ['an axis', () => ops.argMax(planes, Number.NaN), /ArgMax: axis must be an integer, NaN came/],
    ['axes', () => ops.reduceSum(planes, { axes: wrong(Number.NaN) }), /axes, shapes and sizes: must be lists of integers, NaN came/],
    ['a shape', () => ops.expand(planes, wrong('')), /axes, shapes and sizes: must be lists of integers/],
    ['no parts', () => ops.split(planes, []), /split: parts must be from 1 to 1/],
    ['a mode', () => ops.resample2d(planes, { scales: [2, 2], mode: wrong('cubic') }), /mode must be 'nearest-neighbor' or 'linear', "cubic" came/],
    ['a direction', () => ops.gru(f32(1, 1, 1, 2), f32(1, 1, 3, 2), f32(1, 1, 3, 1), 1, 1, { direction: wrong('up') }), /direction must be 'forward' or/],
    ['a name of a graph', () => new GraphBuilder(wrong(5)), /GraphBuilder: name must be a string, 5 came/],
    [
      'a name of an input',
      () => new GraphBuilder().input(wrong(Symbol('x')), { dataType: 'float32', shape: [1] }),
      /its name must be a string, Symbol\(x\) came/,
    ],
    ['a kernel', () => kernels.gemm(one, one, shape, { kernel: wrong(Symbol('x')) }), /kernel must be a name of the catalogue, Symbol\(x\) came/],
    ['a bias', () => kernels.gemm(one, one, { ...shape, bias: wrong(0) }), /must be a Float32Array of 1 elements/],
    ['outputs', () => compareOutputs(wrong(null), {}), /compareOutputs: reference and outputs must be objects/],
    ['a report', () => quantizePicture(wrong({})), /quantizePicture: report must be one of quantize/],
    ['import options', () => importModel(one as never, wrong(null)), /importModel: options must be an object, null came/],
    ['an address', () => prune(new URL('https://host/x.onnx'), { pattern: '2:4' }), /prune: a URL must be a file: URL, https: came/],
    ['a ratio', () => prune(layers(), { pattern: '2:4', ratio: wrong(null) }), /ratio must lie between 0 and 1, null came/],
    ['a stage', () => compress(layers(), [wrong(async () => null)]), /compress: stage 1: it must give a model as bytes, graph and report, null came/],
    ['a second stage', () => compress(layers(), [prune({ pattern: '2:4' }), wrong(() => ({ bytes: 5 }))]), /compress: stage 2: .* an object with bytes came/],
  ])('as %s', async (_, call, message) => {
    await expect(Promise.resolve().then(call)).rejects.toMatchObject({
      code: expect.stringMatching(/INVALID_ARGUMENT|SHAPE_MISMATCH/),
      message: expect.stringMatching(message),
    });
  });

  it('is not what a pool has by default', () => {
    const whole = { windowDimensions: [4, 4], padding: [1, 1, 1, 1] } as const;
    const { padding } = whole;
    expect(ops.maxPool2d(planes, { padding })).toEqual(ops.maxPool2d(planes, whole));
    expect(ops.averagePool2d(planes, { padding: [0, 0, 0, 0], strides: [1, 1] })).toEqual(ops.averagePool2d(planes));
  });
});

describe('calibration', () => {
  const next = (value: unknown) => ({ [Symbol.iterator]: () => ({ next: () => value }) });
  const ways: readonly (readonly [string, (feeds: unknown) => Promise<unknown>])[] = [
    ['quantize', (feeds) => quantize(layers(), { calibration: wrong(feeds) })],
    ['prune', (feeds) => prune(layers(), { pattern: '2:4', calibration: wrong(feeds) })],
  ];
  it.each(ways)('of %s must be what a loop takes', async (name, run) => {
    for (const feeds of [{ [Symbol.iterator]: null }, { [Symbol.asyncIterator]: 5 }, { [Symbol.iterator]: undefined }, {}, null, 'feeds'])
      await expect(run(feeds)).rejects.toThrow(refusal(/calibration must be an iterable or async iterable of feeds/));
    for (const feeds of [{ [Symbol.iterator]: () => null }, { [Symbol.asyncIterator]: () => ({ next: 5 }) }])
      await expect(run(feeds)).rejects.toThrow(refusal(new RegExp(`${name}: calibration's iterator must have next\\(\\)`)));
    for (const feeds of [next(null), next(5)]) await expect(run(feeds)).rejects.toThrow(refusal(/next\(\) of calibration's iterator must give objects/));
  });

  it('must have elements', async () => {
    for (const pattern of ['2:4', 'channels'] as const)
      await expect(prune(layers(), { pattern, calibration: [feed(0)], keepFirst: false })).rejects.toThrow(
        refusal(/calibration feed 0: it must have elements, "x" \[0,16\]/),
      );
    await expect(quantize(layers(), { calibration: [feed(), feed(0)] })).rejects.toThrow(refusal(/calibration feed 1: it must have elements/));
  });

  it('is not what the first layer stays for', async () => {
    const b = new GraphBuilder('one');
    const x = b.input('x', { dataType: 'float32', shape: ['n', 16] });
    const model = b.build({ y: b.matmul(b.relu(b.matmul(x, f32(1, 16, 32), { label: 'first' })), f32(2, 32, 8), { label: 'last' }) });
    const asked = (keep: string[]) => prune(model, { pattern: 'channels', keep });
    await expect(asked([])).rejects.toThrow(refusal(/MatMul "first": it is the first; MatMul "last": "y" is an output of the model/));
    await expect(asked(['first'])).rejects.toThrow(refusal(/MatMul "first": asked for/));
  });

  it('is closed where it is left', async () => {
    let closed = 0;
    async function* feeds(...columns: number[]) {
      try {
        for (const width of columns) yield { x: f32(1, 4, width) };
      } finally {
        closed++;
      }
    }
    for (const columns of [
      [16, 15, 16],
      [15, 16],
    ]) {
      await expect(prune(layers(), { pattern: '2:4', calibration: feeds(...columns) })).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
      await expect(quantize(layers(), { calibration: feeds(...columns) })).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
    }
    await expect(prune(layers(), { pattern: '2:4', calibration: feeds(16, 16), keep: ['nothing'] })).rejects.toThrow(refusal(/nothing/));
    await prune(layers(), { pattern: '2:4', score: 'magnitude', calibration: feeds(16, 16) });
    expect(closed).toBe(6);
  });

  it('is not closed where it has failed itself: its own error comes', async () => {
    let steps = 0;
    const next = () => {
      if (steps++ === 1) throw new Error('torn');
      return { done: false, value: feed() };
    };
    const close = () => {
      throw new Error('closed');
    };
    const feeds = { [Symbol.iterator]: () => ({ next, return: close }) };
    await expect(prune(layers(), { pattern: '2:4', calibration: wrong(feeds) })).rejects.toThrow('torn');
  });
});
