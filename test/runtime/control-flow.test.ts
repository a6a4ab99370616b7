/** If, Loop and Scan in models: chosen and unrolled where the inputs decide, in stages where computed data does. */
import { describe, expect, it } from 'vitest';
import { InferenceSession, importModel, Tensor } from '../../lib/index.js';
import { AttributeProto_AttributeType as Kind } from '../onnx/generated/onnx_pb.js';
import { attrs, encode, f32, type GraphInit, node } from '../onnx/models.js';

const typed =
  (elemType: number) =>
  (name: string, ...dims: number[]) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: { elemType, shape: { dim: dims.map((d) => ({ value: { case: 'dimValue' as const, value: BigInt(d) } })) } },
      },
    },
  });
const [i64, bool] = [typed(7), typed(9)];
const graphs = (values: Record<string, GraphInit>) => Object.entries(values).map(([name, g]) => ({ name, type: Kind.GRAPH, g }));
const floats = (values: number[], dims = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);
const scalar = (name: string, value: number, dataType = 1) => ({
  name,
  dims: [],
  dataType,
  rawData: new Uint8Array((dataType === 7 ? BigInt64Array.of(BigInt(value)) : dataType === 9 ? Uint8Array.of(value) : Float32Array.of(value)).buffer),
});
const branch = (op: string, inputs: string[], out: string): GraphInit => ({ name: op, output: [{ name: out }], node: [node(op, inputs, [out])] });

/** Both ways in: bytes, and the imported graph. */
async function* sessions(graph: GraphInit) {
  const bytes = encode(graph);
  yield await InferenceSession.create(bytes);
  const imported = importModel(bytes).graph;
  yield await InferenceSession.fromGraph(imported);
  yield await InferenceSession.fromGraph(imported); // the first did not change it
}
const values = (t: Tensor | undefined) => Array.from(t?.data as Float32Array, Number);

describe('If', () => {
  const fed: GraphInit = {
    name: 'fed',
    input: [bool('c'), f32('x', 2)],
    output: [f32('y', 2)],
    node: [{ ...node('If', ['c'], ['y']), attribute: graphs({ then_branch: branch('Neg', ['x'], 't'), else_branch: branch('Abs', ['x'], 'e') }) }],
  };
  it('follows a condition that is fed', async () => {
    for await (const session of sessions(fed)) {
      for (const c of [1, 0, 1]) {
        const out = await session.run({ c: new Tensor('bool', Uint8Array.of(c), []), x: floats([-1, 2]) });
        expect(values(out['y'])).toEqual(c ? [1, -2] : [1, 2]);
      }
      expect(values(session.runSync({ c: new Tensor('bool', Uint8Array.of(1), []), x: floats([3, 4]) })['y'])).toEqual([-3, -4]);
      await session.release();
    }
  });

  it('follows a condition that is computed, with branches of different shapes', async () => {
    const graph: GraphInit = {
      name: 'computed',
      input: [f32('x', 600)],
      output: [f32('y', 'n')],
      initializer: [scalar('zero', 0), { name: 'two', dims: [1n], dataType: 7, rawData: new Uint8Array(BigInt64Array.of(2n).buffer) }],
      node: [
        node('ReduceSum', ['x'], ['s'], attrs({ keepdims: 0 })),
        node('Greater', ['s', 'zero'], ['c']),
        node('Exp', ['x'], ['before']),
        {
          ...node('If', ['c'], ['z']),
          attribute: graphs({ then_branch: branch('Tile', ['before', 'two'], 't'), else_branch: branch('Identity', ['x'], 'e') }),
        },
        node('Neg', ['z'], ['y']),
      ],
    };
    for await (const session of sessions(graph)) {
      for (const v of [1, -1, 0, 2]) {
        const y = (await session.run({ x: floats(new Array(600).fill(v)) }))['y'];
        expect(y?.dims).toEqual([v > 0 ? 1200 : 600]);
        for (const got of values(y)) expect(got).toBeCloseTo(v > 0 ? -Math.exp(v) : -v, 5);
      }
      await session.release();
    }
  });

  it('nests', async () => {
    const inner: GraphInit = {
      name: 'inner',
      output: [{ name: 'o' }],
      node: [
        node('Add', ['x', 'x'], ['twice']),
        { ...node('If', ['d'], ['o']), attribute: graphs({ then_branch: branch('Neg', ['twice'], 'a'), else_branch: branch('Add', ['twice', 'x'], 'b') }) },
      ],
    };
    const graph: GraphInit = {
      name: 'nested',
      input: [bool('c'), bool('d'), f32('x', 1)],
      output: [f32('y', 1)],
      node: [{ ...node('If', ['c'], ['y']), attribute: graphs({ then_branch: inner, else_branch: branch('Identity', ['x'], 'e') }) }],
    };
    for await (const session of sessions(graph)) {
      for (const [c, d, want] of [
        [1, 1, -10],
        [1, 0, 15],
        [0, 1, 5],
        [0, 0, 5],
      ] as const) {
        const out = await session.run({ c: new Tensor('bool', Uint8Array.of(c), []), d: new Tensor('bool', Uint8Array.of(d), []), x: floats([5]) });
        expect(values(out['y'])).toEqual([want]);
      }
      await session.release();
    }
  });
});

describe('Loop', () => {
  /** a ← a·2 + x, collecting every a. */
  const body: GraphInit = {
    name: 'body',
    input: [i64('i'), bool('go'), f32('a', 2)],
    output: [bool('goes'), f32('b', 2), f32('each', 2)],
    node: [node('Identity', ['go'], ['goes']), node('Add', ['a', 'a'], ['d']), node('Add', ['d', 'x'], ['b']), node('Identity', ['b'], ['each'])],
  };
  const graph: GraphInit = {
    name: 'loop',
    input: [i64('count'), f32('x', 2)],
    output: [f32('last', 2), f32('all', 'n', 2)],
    initializer: [{ name: 'start', dims: [2n], dataType: 1, rawData: new Uint8Array(Float32Array.of(1, 0).buffer) }, scalar('yes', 1, 9)],
    node: [{ ...node('Loop', ['count', 'yes', 'start'], ['last', 'all']), attribute: graphs({ body }) }],
  };
  it('runs as often as it is told', async () => {
    for await (const session of sessions(graph)) {
      for (const n of [3, 0, 1, 5]) {
        const out = await session.run({ count: new Tensor('int64', BigInt64Array.of(BigInt(n)), []), x: floats([1, 2]) });
        let a = [1, 0];
        const all: number[] = [];
        for (let i = 0; i < n; i++) all.push(...(a = [2 * (a[0] as number) + 1, 2 * (a[1] as number) + 2]));
        expect(values(out['last'])).toEqual(a);
        expect(out['all']?.dims).toEqual([n, 2]);
        expect(values(out['all'])).toEqual(all);
      }
      await session.release();
    }
  });

  it('takes a count that is computed', async () => {
    const computed: GraphInit = {
      ...graph,
      input: [f32('many', 600), f32('x', 2)],
      node: [node('ReduceMax', ['many'], ['m'], attrs({ keepdims: 0 })), node('Cast', ['m'], ['count'], attrs({ to: 7 })), ...(graph.node ?? [])],
    };
    for await (const session of sessions(computed)) {
      for (const n of [2, 4]) {
        const out = await session.run({ many: floats(new Array(600).fill(n)), x: floats([0, 0]) });
        expect(values(out['last'])).toEqual([2 ** n, 0]);
      }
      await session.release();
    }
  });
});

describe('Scan', () => {
  it('carries a state over slices', async () => {
    const body: GraphInit = {
      name: 'body',
      input: [f32('sum', 2), f32('slice', 2)],
      output: [f32('next', 2), f32('out', 2)],
      node: [node('Add', ['sum', 'slice'], ['next']), node('Mul', ['next', 'k'], ['out'])],
    };
    const graph: GraphInit = {
      name: 'scan',
      input: [f32('zero', 2), f32('x', 'n', 2), f32('k', 1)],
      output: [f32('total', 2), f32('running', 'n', 2)],
      node: [{ ...node('Scan', ['zero', 'x'], ['total', 'running'], attrs({ num_scan_inputs: 1 })) }],
    };
    (graph.node as { attribute: unknown[] }[])[0]?.attribute.push(...graphs({ body }));
    for await (const session of sessions(graph)) {
      for (const n of [3, 1]) {
        const x = Array.from({ length: 2 * n }, (_, i) => i);
        const out = await session.run({ zero: floats([0, 0]), x: floats(x, [n, 2]), k: floats([10]) });
        const sums = [0, 0];
        const running = x.map((v, i) => 10 * (sums[i % 2] = (sums[i % 2] as number) + v));
        expect(values(out['total'])).toEqual(sums);
        expect(values(out['running'])).toEqual(running);
      }
      await session.release();
    }
  });
});
