/** Results whose shape only the data tells, in the middle of a graph. */
import { describe, expect, it } from 'vitest';
import { Graph, InferenceSession, Tensor } from '../../lib/index.js';
import { attrs, encode, f32, type GraphInit, node } from '../onnx/models.js';

const floats = (values: number[], dims = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);
const values = (t: Tensor | undefined) => Array.from(t?.data as Float32Array, Number);
const constant = (name: string, list: number[], dims = [list.length]) => ({
  name,
  dims: dims.map(BigInt),
  dataType: 7,
  rawData: new Uint8Array(BigInt64Array.from(list, BigInt).buffer),
});
const noise = (n: number, seed: number) => Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed) * 4);

describe('a result of open length in the middle', () => {
  it('NonZero: the positive elements, doubled', async () => {
    const graph: GraphInit = {
      name: 'positive',
      input: [f32('x', 'n')],
      output: [f32('y', 'm'), f32('all', 'n')],
      initializer: [constant('flat', [-1])],
      node: [
        node('Relu', ['x'], ['r']),
        node('NonZero', ['r'], ['where']),
        node('Reshape', ['where', 'flat'], ['index']),
        node('Gather', ['x', 'index'], ['found']),
        node('Add', ['found', 'found'], ['y']),
        node('Neg', ['r'], ['all']),
      ],
    };
    await using session = await InferenceSession.create(encode(graph));
    for (const [n, seed] of [
      [10, 1],
      [10, 2],
      [1000, 3],
      [10, 1],
      [0, 0],
    ] as const) {
      const x = noise(n, seed).map(Math.fround);
      const want = x.filter((v) => v > 0).map((v) => 2 * v);
      for (const out of [await session.run({ x: floats(x) }), session.runSync({ x: floats(x) })]) {
        expect(values(out['y'])).toEqual(want);
        expect(values(out['all'])).toEqual(x.map((v) => -Math.max(v, 0)));
      }
    }
    const nothing = await session.run({ x: floats([-1, -2]) }, ['y']);
    expect(nothing['y']?.dims).toEqual([0]);
    expect(Object.keys(nothing)).toEqual(['y']);
    // concurrently, with different outcomes
    const many = await Promise.all(Array.from({ length: 10 }, (_, i) => session.run({ x: floats(noise(20, i)) })));
    many.forEach((out, i) => {
      expect(values(out['y'])).toEqual(
        noise(20, i)
          .map(Math.fround)
          .filter((v) => v > 0)
          .map((v) => 2 * v),
      );
    });
  });

  it('Compress, then a product over what is left', async () => {
    const graph: GraphInit = {
      name: 'rows',
      input: [f32('x', 4, 3), f32('score', 4)],
      output: [f32('y', 'kept', 2)],
      initializer: [
        { name: 'w', dims: [3n, 2n], dataType: 1, rawData: new Uint8Array(Float32Array.of(1, 0, 0, 1, 1, 1).buffer) },
        { name: 'half', dims: [], dataType: 1, rawData: new Uint8Array(Float32Array.of(0.5).buffer) },
      ],
      node: [node('Greater', ['score', 'half'], ['keep']), node('Compress', ['x', 'keep'], ['rows'], attrs({ axis: 0 })), node('MatMul', ['rows', 'w'], ['y'])],
    };
    await using session = await InferenceSession.create(encode(graph));
    const x = floats([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [4, 3]);
    for (const keep of [
      [1, 0, 1, 0],
      [0, 0, 0, 0],
      [1, 1, 1, 1],
      [0, 0, 0, 1],
    ]) {
      const y = (await session.run({ x, score: floats(keep) }))['y'];
      const rows = [0, 1, 2, 3].filter((r) => keep[r]);
      expect(y?.dims).toEqual([rows.length, 2]);
      expect(values(y)).toEqual(rows.flatMap((r) => [3 * r + 1 + 3 * r + 3, 3 * r + 2 + 3 * r + 3]));
    }
  });

  it('NonMaxSuppression: scores of the boxes that are kept', async () => {
    const graph: GraphInit = {
      name: 'detector',
      input: [f32('raw', 1, 'n', 4), f32('scores', 1, 1, 'n')],
      output: [f32('best', 'kept')],
      initializer: [
        constant('most', [10]),
        { name: 'iou', dims: [1n], dataType: 1, rawData: new Uint8Array(Float32Array.of(0.5).buffer) },
        { name: 'low', dims: [1n], dataType: 1, rawData: new Uint8Array(Float32Array.of(0.2).buffer) },
        constant('last', [2], []),
        constant('flat', [-1]),
      ],
      node: [
        node('Relu', ['raw'], ['boxes']),
        node('NonMaxSuppression', ['boxes', 'scores', 'most', 'iou', 'low'], ['kept']),
        node('Gather', ['kept', 'last'], ['index'], attrs({ axis: 1 })),
        node('Reshape', ['scores', 'flat'], ['line']),
        node('Gather', ['line', 'index'], ['best']),
      ],
    };
    await using session = await InferenceSession.create(encode(graph));
    const raw = floats([0, 0, 10, 10, 0, 0, 10, 9, 20, 20, 30, 30, 50, 50, 60, 60], [1, 4, 4]);
    const scores = (...s: number[]) => floats(s, [1, 1, 4]);
    expect(values((await session.run({ raw, scores: scores(0.5, 0.75, 0.25, 0.125) }))['best'])).toEqual([0.75, 0.25]);
    expect(values((await session.run({ raw, scores: scores(0, 0, 0, 0) }))['best'])).toEqual([]);
    expect(values((await session.run({ raw, scores: scores(1, 0, 0.5, 0.75) }))['best'])).toEqual([1, 0.75, 0.5]);
  });

  it('a Reshape whose shape is computed from data', async () => {
    const graph: GraphInit = {
      name: 'reshaped',
      input: [f32('x', 600), f32('wide', 600)],
      output: [f32('y', 'r', 'c'), f32('s', 'c')],
      initializer: [constant('all', [-1]), constant('first', [0])],
      node: [
        node('ReduceMax', ['wide'], ['w'], attrs({ keepdims: 1 })),
        node('Cast', ['w'], ['columns'], attrs({ to: 7 })),
        node('Concat', ['all', 'columns'], ['shape'], attrs({ axis: 0 })),
        node('Exp', ['x'], ['e']),
        node('Reshape', ['e', 'shape'], ['y']),
        node('ReduceSum', ['y', 'first'], ['s'], attrs({ keepdims: 0 })),
      ],
    };
    await using session = await InferenceSession.create(encode(graph));
    for (const columns of [3, 20, 600, 3]) {
      const out = await session.run({ x: floats(new Array(600).fill(0)), wide: floats(new Array(600).fill(columns)) });
      expect(out['y']?.dims).toEqual([600 / columns, columns]);
      expect(values(out['s'])).toEqual(new Array(columns).fill(600 / columns));
    }
    await expect(session.run({ x: floats(new Array(600).fill(0)), wide: floats(new Array(600).fill(7)) })).rejects.toMatchObject({
      code: 'ERR_DSNK_SHAPE_MISMATCH',
    });
    expect(session.model.programs.length).toBeGreaterThan(1);
  });

  it('two of them, one behind the other', async () => {
    const graph: GraphInit = {
      name: 'twice',
      input: [f32('x', 'n')],
      output: [f32('y', 'm')],
      initializer: [constant('flat', [-1]), { name: 'one', dims: [], dataType: 1, rawData: new Uint8Array(Float32Array.of(1).buffer) }],
      node: [
        node('Relu', ['x'], ['r']),
        node('NonZero', ['r'], ['a']),
        node('Reshape', ['a', 'flat'], ['ai']),
        node('Gather', ['x', 'ai'], ['positive']),
        node('Sub', ['positive', 'one'], ['less']),
        node('Relu', ['less'], ['lr']),
        node('NonZero', ['lr'], ['b']),
        node('Reshape', ['b', 'flat'], ['bi']),
        node('Gather', ['positive', 'bi'], ['y']),
      ],
    };
    await using session = await InferenceSession.create(encode(graph));
    for (const seed of [1, 2]) {
      const x = noise(50, seed).map(Math.fround);
      expect(values((await session.run({ x: floats(x) }))['y'])).toEqual(x.filter((v) => Math.fround(v - 1) > 0));
    }
  });

  it('ends with an error where an input that decides a shape is too long to be followed', async () => {
    const g = new Graph('long');
    const axes = g.addInput('axes', 'int64', [1100]);
    const y = g.addNode('Unsqueeze', [g.addInput('x', 'float32', [2]), axes], { name: 'y' }).output();
    g.outputs.push(y);
    await using session = await InferenceSession.fromGraph(g);
    const feeds = {
      x: new Tensor('float32', [1, 2], [2]),
      axes: new Tensor(
        'int64',
        BigInt64Array.from({ length: 1100 }, (_, i) => BigInt(i)),
        [1100],
      ),
    };
    await expect(session.run(feeds)).rejects.toThrow(/input "axes": contents that decide a shape must be at most 1024 numbers, it is \[1100\]/);
  });
});
