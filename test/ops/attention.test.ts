/** Spelled-out attention computes the same whether it is taken together or not. */
import { describe, expect, it } from 'vitest';
import type { Value } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { excess, mulberry32, randomFloats } from '../kernels/harness.js';
import { Build } from '../passes/graphs.js';

type Make = (b: Build) => Value;

const transpose = (b: Build, x: Value, ...perm: number[]) => b.op('Transpose', [x], { perm });
const reshape = (b: Build, x: Value, ...dims: number[]) => b.op('Reshape', [x, b.ints(...dims)]);
const softmax = (b: Build, x: Value) => b.op('Softmax', [x], { axis: -1 });

/** q, k, v of [batch, heads, length, width] from [batch, length, heads·width]. */
const split = (b: Build, name: string, batch: number, length: number, heads: number, width: number) =>
  transpose(b, reshape(b, b.input(name, [batch, length, heads * width]), batch, length, heads, width), 0, 2, 1, 3);
const joined = (b: Build, y: Value, batch: number, length: number, width: number) => reshape(b, transpose(b, y, 0, 2, 1, 3), batch, length, width);

const spellings: readonly [string, Make][] = [
  [
    'packed projections, scaled after the product',
    (b) => {
      const x = transpose(b, reshape(b, b.input('x', [2, 19, 3 * 2 * 8]), 2, 19, 3, 2, 8), 2, 0, 3, 1, 4);
      const [q, k, v] = [0, 1, 2].map((i) => b.op('Gather', [x, b.int(i)], { axis: 0 })) as [Value, Value, Value];
      const s = b.op('Mul', [b.op('MatMul', [q, transpose(b, k, 0, 1, 3, 2)]), b.scalar(0.3535)]);
      return joined(b, b.op('MatMul', [softmax(b, s), v]), 2, 19, 16);
    },
  ],
  [
    'scale divided, mask per key, other lengths, and a projection behind',
    (b) => {
      const [q, k, v] = [split(b, 'q', 1, 9, 3, 4), split(b, 'k', 1, 21, 3, 4), split(b, 'v', 1, 21, 3, 6)];
      const s = b.op('Div', [b.op('MatMul', [q, transpose(b, k, 0, 1, 3, 2)]), b.scalar(2)]);
      const y = b.op('MatMul', [softmax(b, b.op('Add', [s, b.input('mask', [1, 1, 1, 21])])), v]);
      return b.op('Add', [b.op('MatMul', [joined(b, y, 1, 9, 18), b.f32([18, 5])]), b.f32([5])]);
    },
  ],
  [
    'two masks',
    (b) => {
      const [q, k, v] = [split(b, 'q', 2, 6, 2, 4), split(b, 'k', 2, 6, 2, 4), split(b, 'v', 2, 6, 2, 4)];
      const s = b.op('Add', [b.op('Add', [b.op('MatMul', [q, transpose(b, k, 0, 1, 3, 2)]), b.input('bias', [2, 6, 6])]), b.input('mask', [2, 1, 1, 6])]);
      return joined(b, b.op('MatMul', [softmax(b, s), v]), 2, 6, 8);
    },
  ],
  [
    'scores that a condition replaces, keys repeated for groups of heads, one query',
    (b) => {
      const repeated = (name: string) =>
        reshape(b, b.op('Expand', [reshape(b, b.input(name, [1, 2, 7, 4]), 1, 2, 1, 7, 4), b.ints(1, 2, 3, 7, 4)]), 1, 6, 7, 4);
      const s = b.op('MatMul', [b.input('q', [1, 6, 1, 4]), transpose(b, repeated('k'), 0, 1, 3, 2)]);
      const kept = b.op('Where', [b.input('keep', [1, 1, 1, 7], 'bool'), s, b.scalar(-1e9)]);
      return joined(b, b.op('MatMul', [softmax(b, kept), repeated('v')]), 1, 1, 24);
    },
  ],
  [
    'three dimensions, causal mask as a condition, sequence first',
    (b) => {
      const part = (name: string) => transpose(b, reshape(b, b.input(name, [11, 2, 8]), 11, 4, 4), 1, 0, 2);
      const s = b.op('MatMul', [b.op('Mul', [part('q'), b.scalar(0.5)]), transpose(b, part('k'), 0, 2, 1)]);
      const kept = b.op('Where', [b.input('hide', [11, 11], 'bool'), b.scalar(-3e38), s]);
      return reshape(b, transpose(b, b.op('MatMul', [softmax(b, kept), part('v')]), 1, 0, 2), 11, 2, 8);
    },
  ],
  [
    'windows with a table of biases',
    (b) => {
      const [q, k, v] = [split(b, 'q', 6, 9, 2, 4), split(b, 'k', 6, 9, 2, 4), split(b, 'v', 6, 9, 2, 4)];
      const s = b.op('Add', [b.op('MatMul', [q, transpose(b, k, 0, 1, 3, 2)]), b.f32([1, 2, 9, 9])]);
      return joined(b, b.op('MatMul', [softmax(b, s), v]), 6, 9, 8);
    },
  ],
];

/** Numbers for every input; the first key is never hidden. */
function feedsOf(inputs: readonly Value[]): Record<string, Tensor> {
  const next = mulberry32(9);
  return Object.fromEntries(
    inputs.map((v, i) => {
      const count = v.dims.reduce((p, n) => p * n, 1);
      if (v.dtype !== 'bool') return [v.name, new Tensor('float32', randomFloats(count, i + 1), v.dims)];
      const keys = v.dims.at(-1) as number;
      const bits = Uint8Array.from({ length: count }, (_, k) => (k % keys === 0 ? Number(v.name === 'keep') : Number(next() < 0.5)));
      return [v.name, new Tensor('bool', bits, v.dims)];
    }),
  );
}

describe('attention', () => {
  it.each(spellings)('%s', async (_, make) => {
    const results: Float32Array[] = [];
    for (const skipPasses of [['name-attention'], []]) {
      const b = new Build();
      const graph = b.done(make(b));
      const feeds = feedsOf(graph.inputs);
      await using session = await InferenceSession.fromGraph(graph, { intraOpNumThreads: 2, skipPasses });
      results.push(Object.values(await session.run(feeds))[0]?.data as Float32Array);
      const { nodes } = await session.profile(feeds);
      expect(nodes.some((n) => n.kernel.startsWith('attention_f32'))).toBe(skipPasses.length === 0);
    }
    // both are within the bounds of their kernels: elements are below 60, and at most 24 keys are summed
    expect(excess(results[1] as Float32Array, results[0] as Float32Array, 2e-5, 2e-5)).toBeLessThanOrEqual(0);
  });
});

describe('the operator Attention', () => {
  const made = (q: number[], k: number[], v: number[], mask?: number[], past?: number[], lengths?: number[]) => {
    const b = new Build();
    const inputs = [b.input('q', q), b.input('k', k), b.input('v', v), mask && b.input('mask', mask)];
    inputs.push(past && b.input('pk', past), past && b.input('pv', past), lengths && b.input('lengths', lengths, 'int64'));
    b.graph.outputs.push(b.op('Attention', inputs));
    return InferenceSession.fromGraph(b.graph);
  };
  it.each<[string, Parameters<typeof made>]>([
    [
      'batches',
      [
        [1, 2, 3, 4],
        [2, 2, 5, 4],
        [2, 2, 5, 4],
      ],
    ],
    [
      'lengths of keys and values',
      [
        [1, 2, 3, 4],
        [1, 2, 5, 4],
        [1, 2, 6, 4],
      ],
    ],
    [
      'widths of queries and keys',
      [
        [1, 2, 3, 4],
        [1, 2, 5, 6],
        [1, 2, 5, 4],
      ],
    ],
    [
      'heads of keys and values',
      [
        [1, 2, 3, 4],
        [1, 1, 5, 4],
        [1, 2, 5, 4],
      ],
    ],
    [
      'masks with more columns than keys',
      [
        [1, 2, 3, 4],
        [1, 2, 5, 4],
        [1, 2, 5, 4],
        [3, 6],
      ],
    ],
    [
      'masks with other rows than queries',
      [
        [1, 2, 3, 4],
        [1, 2, 5, 4],
        [1, 2, 5, 4],
        [4, 5],
      ],
    ],
    [
      'masks of other heads',
      [
        [1, 2, 3, 4],
        [1, 2, 5, 4],
        [1, 2, 5, 4],
        [3, 3, 5],
      ],
    ],
    ['pasts of other heads', [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4], undefined, [1, 1, 2, 4]]],
    ['lengths of another batch', [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4], undefined, undefined, [2]]],
  ])('refuses %s that do not agree', async (_, shapes) => {
    await expect(made(...shapes)).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
  });
  it('gives zeros where a mask has no columns', async () => {
    for (const keys of [1, 4]) {
      await using session = await made([1, 1, 2, 3], [1, 1, keys, 3], [1, 1, keys, 3], [2, 0]);
      const [q, rows] = [new Tensor('float32', randomFloats(6, 1), [1, 1, 2, 3]), new Tensor('float32', randomFloats(3 * keys, 2), [1, 1, keys, 3])];
      const y = Object.values(await session.run({ q, k: rows, v: rows, mask: new Tensor('float32', new Float32Array(), [2, 0]) }))[0];
      expect(Array.from(y?.data as Float32Array)).toEqual([0, 0, 0, 0, 0, 0]);
    }
  });
});
