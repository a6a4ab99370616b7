/** Operators that move elements, from node to result: every output element against where its definition takes it from. */
import { describe, expect, it } from 'vitest';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { inferNode } from '../../lib/ops/infer.js';
import { mulberry32 } from '../kernels/harness.js';

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const ints = (...values: number[]) => Constant.of('int64', [values.length], values);
const scalar = (value: number) => Constant.of('int64', [], [value]);

interface Result {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** Runs one node on 0, 1, 2, … in that shape (uint8 to meet odd addresses, or float32), the rest constants. */
async function run(
  op: string,
  dims: readonly number[],
  rest: readonly (Constant | undefined)[],
  attrs: Record<string, AttrValue> = {},
  outputs = 1,
): Promise<Result[]> {
  const results: Result[][] = [];
  for (const dtype of ['float32', 'uint8'] as const) {
    const graph = new Graph(op);
    const x = graph.addInput('x', dtype, dims);
    // Identity views on both sides: operands are then neither graph inputs nor outputs.
    const inner = graph.addNode('Reshape', [x, graph.addConstant(ints(...dims))], { attrs: { allowzero: 1 } }).output();
    const node = graph.addNode(op, [inner, ...rest.map((c) => c && graph.addConstant(c))], { name: 'y', attrs, outputs });
    graph.outputs.push(...node.outputs);
    const data = Array.from({ length: count(dims) }, (_, i) => i % 251);
    const tensor = dtype === 'uint8' ? new Tensor('uint8', Uint8Array.from(data), dims) : new Tensor('float32', Float32Array.from(data), dims);
    await using session = await InferenceSession.fromGraph(graph, { intraOpNumThreads: 2 });
    const made = await session.run({ x: tensor });
    results.push(node.outputs.map((v) => ({ dims: made[v.name]?.dims as number[], values: Array.from(made[v.name]?.data as Uint8Array) })));
  }
  expect(results[1]).toEqual(results[0]);
  return results[0] as Result[];
}

/** The result in which element [i0, i1, …] of the output is element `source` of the input, or 0. */
function expected(dims: readonly number[], from: readonly number[], source: (index: number[]) => readonly number[] | undefined): Result {
  const values = Array.from({ length: count(dims) }, (_, k) => {
    const index = dims.map((n, d) => Math.floor(k / count(dims.slice(d + 1))) % n);
    const at = source(index);
    return at === undefined ? 0 : at.reduce((sum, i, d) => sum * (from[d] as number) + i, 0) % 251;
  });
  return { dims, values };
}

const range = (n: number, random: () => number) => Math.floor(random() * n);

describe('views and copies', () => {
  it('Transpose by every kind of permutation', async () => {
    for (const [dims, perm] of [
      [
        [3, 4],
        [1, 0],
      ],
      [
        [2, 3, 4],
        [2, 0, 1],
      ],
      [
        [1, 3, 1, 5],
        [2, 1, 0, 3],
      ],
      [
        [2, 17, 5, 3],
        [0, 2, 3, 1],
      ],
      [
        [2, 5, 3, 17],
        [0, 3, 1, 2],
      ],
      [
        [2, 3, 2, 3, 2],
        [4, 2, 0, 3, 1],
      ],
      [
        [0, 3],
        [1, 0],
      ],
      [[], []],
    ] as const) {
      const out = perm.map((p) => dims[p] as number);
      const want = expected(out, dims, (index) => dims.map((_, d) => index[perm.indexOf(d as never)] as number));
      expect(await run('Transpose', dims, [], { perm })).toEqual([want]);
    }
  });

  it('Slice with any starts, ends and steps', async () => {
    const random = mulberry32(1);
    for (let round = 0; round < 40; round++) {
      const dims = Array.from({ length: 1 + range(4, random) }, () => 1 + range(6, random));
      const starts = dims.map(() => range(16, random) - 8);
      const ends = dims.map(() => (range(5, random) === 0 ? 2 ** 63 : range(16, random) - 8));
      const steps = dims.map(() => (range(2, random) ? 1 : [-3, -1, 2, 3][range(4, random)]) as number);
      const picked = dims.map((n, d) => {
        const list: number[] = [];
        const step = steps[d] as number;
        const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v < 0 ? v + n : v, low), high);
        const stop = step > 0 ? clamp(ends[d] as number, 0, n) : clamp(ends[d] as number, -1, n - 1);
        for (let i = step > 0 ? clamp(starts[d] as number, 0, n) : clamp(starts[d] as number, 0, n - 1); step > 0 ? i < stop : i > stop; i += step)
          list.push(i);
        return list;
      });
      const want = expected(
        picked.map((l) => l.length),
        dims,
        (index) => index.map((i, d) => picked[d]?.[i] as number),
      );
      const axes = dims.map((_, d) => (range(2, random) ? d : d - dims.length));
      expect(await run('Slice', dims, [ints(...starts), ints(...ends), ints(...axes), ints(...steps)])).toEqual([want]);
    }
  });

  it('Split along any axis, at odd addresses too', async () => {
    for (const [dims, axis, parts] of [
      [[7, 3], 0, [2, 0, 5]],
      [[3, 8], 1, [1, 4, 3]],
      [[2, 5, 3], -2, [3, 2]],
    ] as const) {
      let at = 0;
      const want = parts.map((n) => {
        const first = at;
        at += n;
        const d = axis < 0 ? axis + dims.length : axis;
        return expected((dims as readonly number[]).with(d, n), dims, (index) => index.with(d, (index[d] as number) + first));
      });
      expect(await run('Split', dims, [ints(...parts)], { axis }, parts.length)).toEqual(want);
    }
    const uneven = await run('Split', [7], [], { axis: 0, num_outputs: 3 }, 3);
    expect(uneven.map((r) => r.values)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  });

  it('Expand and Tile', async () => {
    const expand = expected([2, 3, 4, 5], [3, 1, 5], ([, c, , w]) => [c as number, 0, w as number]);
    expect(await run('Expand', [3, 1, 5], [ints(2, 1, 4, 1)])).toEqual([expand]);
    const tile = expected([4, 9, 5], [2, 3, 5], ([a, b, c]) => [(a as number) % 2, (b as number) % 3, c as number]);
    expect(await run('Tile', [2, 3, 5], [ints(2, 3, 1)])).toEqual([tile]);
    const six = [2, 1, 2, 3, 2, 2];
    const tiled = expected(
      six.map((n) => n * 2),
      six,
      (index) => index.map((i, d) => i % (six[d] as number)),
    );
    expect(await run('Tile', six, [ints(2, 2, 2, 2, 2, 2)])).toEqual([tiled]);
  });

  it('Pad, crop, and both at once', async () => {
    const dims = [4, 5];
    const want = expected([4, 6], dims, ([i, j]) => {
      const [y, x] = [(i as number) - 1, (j as number) + 1];
      return y >= 0 && y < 3 && x < 5 ? [y, x] : undefined;
    });
    expect(await run('Pad', dims, [ints(1, -1, -1, 2)])).toEqual([{ ...want, dims: [4, 6] }]);
    const crop = expected([2, 3], dims, ([i, j]) => [(i as number) + 1, (j as number) + 2]);
    expect(await run('Pad', dims, [ints(-1, -2, -1, 0)])).toEqual([crop]);
    const reflect = expected([4, 9], dims, ([i, j]) => [i as number, [2, 1, 0, 1, 2, 3, 4, 3, 2][j as number] as number]);
    expect(await run('Pad', dims, [ints(2, 2), undefined, ints(-1)], { mode: 'reflect' })).toEqual([reflect]);
    const centered = expected([3, 8], dims, ([i, j]) => ((j as number) >= 1 && (j as number) < 6 ? [i as number, (j as number) - 1] : undefined));
    expect(await run('CenterCropPad', dims, [ints(3, 8)])).toEqual([centered]);
  });

  it('Gather of one known index is a slice, of several a call', async () => {
    for (const index of [0, 3, -1]) {
      const want = expected([3, 5], [3, 4, 5], ([a, b]) => [a as number, index < 0 ? index + 4 : index, b as number]);
      expect(await run('Gather', [3, 4, 5], [scalar(index)], { axis: 1 })).toEqual([want]);
    }
    const want = expected([3, 3, 5], [3, 4, 5], ([a, i, b]) => [a as number, [2, 0, 3][i as number] as number, b as number]);
    expect(await run('Gather', [3, 4, 5], [ints(2, 0, -1)], { axis: 1 })).toEqual([want]);
    await expect(run('Gather', [3, 4], [ints(1, 3)], { axis: 0 })).rejects.toMatchObject({ code: 'ERR_DSNK_RUNTIME_FAULT' });
    await expect(run('Gather', [3, 4], [scalar(-4)], { axis: 0 })).rejects.toMatchObject({ code: 'ERR_DSNK_RUNTIME_FAULT' });
  });

  it('DepthToSpace undoes SpaceToDepth', async () => {
    const graph = new Graph('shuffle');
    const x = graph.addInput('x', 'float32', [2, 3, 4, 6]);
    const deep = graph.addNode('SpaceToDepth', [x], { attrs: { blocksize: 2 } }).output();
    graph.outputs.push(graph.addNode('DepthToSpace', [deep], { name: 'y', attrs: { blocksize: 2 } }).output());
    await using session = await InferenceSession.fromGraph(graph);
    const data = Float32Array.from({ length: 144 }, (_, i) => i);
    const y = (await session.run({ x: new Tensor('float32', data, [2, 3, 4, 6]) }))['y'] as Tensor;
    expect(y.data).toEqual(data);
  });
});

describe('types without numbers', () => {
  const graph = new Graph();
  type Input = readonly (number | string)[] | Value | Constant;
  const infer = (op: string, inputs: readonly (Input | undefined)[], attrs: Record<string, AttrValue> = {}, outputs = 1) => {
    const values = inputs.map((x) => {
      if (x instanceof Constant) return graph.addConstant(x);
      return Array.isArray(x) ? graph.addInput(graph.freshName('x'), 'float32', x) : (x as Value | undefined);
    });
    const node = graph.createNode(op, values, { attrs, outputs });
    inferNode(node, { concrete: false });
    return node.outputs;
  };
  const shapes = (...args: Parameters<typeof infer>) => infer(...args).map((v) => v.shape);

  it('carries symbols through', () => {
    expect(shapes('Transpose', [['N', 3, 'H']], { perm: [2, 0, 1] })).toEqual([['H', 'N', 3]]);
    expect(shapes('Slice', [['N', 8, 'L'], ints(0, 1), ints(2 ** 63, 2 ** 63), ints(0, 2)])).toEqual([['N', 8, 'L-1']]);
    expect(shapes('Slice', [['N', 8], ints(-2), ints(2 ** 63), ints(0)])).toEqual([[2, 8]]);
    expect(shapes('Slice', [['N', 8], ints(0), ints(-1), ints(0)])).toEqual([['N-1', 8]]);
    expect(shapes('Split', [['N', 8], ints(3, 5)], { axis: 1 }, 2)).toEqual([
      ['N', 3],
      ['N', 5],
    ]);
    expect(shapes('Expand', [['N', 1], ints(1, 7)])).toEqual([['N', 7]]);
    expect(shapes('Tile', [['N', 4], ints(2, 3)])).toEqual([['N*2', 12]]);
    expect(
      shapes(
        'Concat',
        [
          ['N', 4],
          ['N', 'C'],
        ],
        { axis: 1 },
      ),
    ).toEqual([['N', '4+C']]);
    expect(shapes('Pad', [['N', 3, 'H'], ints(0, 0, 1, 0, 0, 1)])).toEqual([['N', 3, '(H+1)+1']]);
    expect(shapes('DepthToSpace', [['N', 12, 'H', 5]], { blocksize: 2 })).toEqual([['N', 3, 'H*2', 10]]);
  });

  it('follows shape arithmetic: Shape, Gather, Slice, Concat, Reshape', () => {
    const [dims] = infer('Shape', [['N', 12, 'L', 64]]);
    const [n] = infer('Gather', [dims as Value, scalar(0)], { axis: 0 });
    expect(n).toMatchObject({ shape: [], known: ['N'] });
    const [one] = infer('Unsqueeze', [n as Value, ints(0)]);
    const [tail] = infer('Slice', [dims as Value, ints(2), ints(2 ** 63), ints(0)]);
    expect(tail).toMatchObject({ shape: [2], known: ['L', 64] });
    const [joined] = infer('Concat', [one as Value, ints(-1), tail as Value], { axis: 0 });
    expect(joined?.known).toEqual(['N', -1, 'L', 64]);
    expect(shapes('Reshape', [['N', 3, 4, 'L', 64], joined as Value])).toEqual([['N', 12, 'L', 64]]);
    const [parts] = [infer('Split', [dims as Value, ints(1, 3)], { axis: 0 }, 2)];
    expect(parts.map((v) => v.known)).toEqual([['N'], [12, 'L', 64]]);
    expect(infer('Tile', [n as Value, ints()])[0]?.known).toEqual(['N']);
    expect(infer('Expand', [n as Value, ints(3)])[0]?.known).toEqual(['N', 'N', 'N']);
    expect(infer('Transpose', [Constant.of('int64', [2, 2], [1, 2, 3, 4])])[0]?.known).toEqual([1, 3, 2, 4]);
  });

  it('refuses what the operators exclude', () => {
    expect(() => infer('Transpose', [[2, 3]], { perm: [0, 0] })).toThrow(/permutation of 2 axes/);
    expect(() => infer('Slice', [[4], ints(0), ints(2), ints(0), ints(0)])).toThrow(/steps must not be 0/);
    expect(() => infer('Split', [[4], ints(1, 2)], {}, 2)).toThrow(/add up to the 4/);
    expect(() => infer('Expand', [[2, 3], ints(4)])).toThrow(/must broadcast/);
    expect(() =>
      infer(
        'Concat',
        [
          [2, 3],
          [3, 3],
        ],
        { axis: 1 },
      ),
    ).toThrow(/agree but for axis 1/);
    expect(() => infer('Pad', [[2, 3], ints(0, -4, 0, 0)])).toThrow(/more than axis 1/);
    expect(() => infer('Gather', [[2, 3], [1]])).toThrow(/int32 or int64/);
    expect(() => infer('DepthToSpace', [[1, 6, 2, 2]], { blocksize: 2 })).toThrow(/multiple of 4/);
  });
});
