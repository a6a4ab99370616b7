/** Appending to caches and attending to them, against plain loops over all tokens so far. */
import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { randomFloats } from '../kernels/harness.js';

interface Shape {
  readonly heads: number;
  readonly keyHeads: number;
  readonly width: number;
  readonly depth: number;
  readonly capacity: number;
  readonly batch: number;
  readonly window?: number;
}

function cached(s: Shape, dtype: DType): Graph {
  const g = new Graph('cached');
  const rows = (name: string, width: number) => g.addInput(name, 'float32', [s.batch, 'rows', width]);
  const [q, newK, newV] = [rows('q', s.heads * s.width), rows('k', s.keyHeads * s.width), rows('v', s.keyHeads * s.depth)];
  const lengths = g.addInput('lengths', 'int32', [s.batch]);
  const cache = (name: string, width: number) => g.addInput(name, dtype, [s.batch, s.keyHeads, s.capacity, width]);
  const caches = [cache('past k', s.width), cache('past v', s.depth)];
  const scales = dtype === 'int8' ? ['k scales', 'v scales'].map((name) => g.addInput(name, 'float32', [s.batch, s.keyHeads, s.capacity])) : [];
  const append = g.addNode('CacheAppend', [...caches, newK, newV, lengths, ...scales], { domain: 'dsnk', outputs: caches.length + scales.length });
  const [k, v, ...presentScales] = append.outputs;
  const attend = g.addNode('CachedAttention', [q, k, v, lengths, ...presentScales], {
    domain: 'dsnk',
    name: 'y',
    attrs: { scale: 0.3, ...(s.window !== undefined && { window: s.window }) },
  });
  g.outputs.push(attend.output(), ...append.outputs);
  append.outputs.forEach((_, i) => {
    g.states.push({ input: g.inputs.length - append.outputs.length + i, output: 1 + i });
  });
  return g;
}

/** Attention of one query over rows of keys and values, in float64. */
function attended(q: Float32Array, keys: readonly Float32Array[], values: readonly Float32Array[]): number[] {
  const scores = keys.map((k) => 0.3 * k.reduce((sum, x, i) => sum + x * (q[i] as number), 0));
  const most = Math.max(...scores);
  const weights = scores.map((x) => Math.exp(x - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return Array.from(values[0] as Float32Array, (_, d) => values.reduce((sum, v, t) => sum + ((weights[t] as number) / total) * (v[d] as number), 0));
}

// Relative to the largest value: float32 sums of at most 900 terms; halves round to 2^-11 or 2^-8; int8 to 1/254 of a row's largest, in
// keys, where it moves a score by width·0.3·max|q|·max|k|/254, and in values.
const tolerances: Readonly<Record<string, number>> = { float32: 2e-5, float16: 4e-3, bfloat16: 3e-2, int8: 6e-2 };

describe('dsnk.CachedAttention', () => {
  const shapes: readonly (readonly [string, Shape])[] = [
    ['one head', { heads: 1, keyHeads: 1, width: 8, depth: 8, capacity: 40, batch: 1 }],
    ['shared keys, two rows', { heads: 6, keyHeads: 2, width: 16, depth: 24, capacity: 70, batch: 2 }],
    ['tokens over threads', { heads: 4, keyHeads: 2, width: 32, depth: 32, capacity: 900, batch: 1 }],
    ['a window', { heads: 2, keyHeads: 2, width: 8, depth: 8, capacity: 64, batch: 1, window: 7 }],
  ];
  const types: readonly DType[] = ['float32', 'float16', 'bfloat16', 'int8'];
  it.each(shapes.flatMap(([name, s]) => types.map((dtype) => [name, dtype, s] as const)))('%s, %s', async (_, dtype, s) => {
    await using session = await InferenceSession.fromGraph(cached(s, dtype), { intraOpNumThreads: 2 });
    const keys: Float32Array[][] = Array.from({ length: s.batch * s.keyHeads }, () => []);
    const values: Float32Array[][] = keys.map(() => []);
    const steps = s.capacity === 900 ? [600, 1, 4, 1] : [5, 1, 1, 13, 2];
    let length = 0;
    for (const [step, rows] of steps.entries()) {
      const feed = (width: number, seed: number) => new Tensor('float32', randomFloats(s.batch * rows * width, seed + step), [s.batch, rows, width]);
      const feeds = { q: feed(s.heads * s.width, 1), k: feed(s.keyHeads * s.width, 101), v: feed(s.keyHeads * s.depth, 201) };
      const lengths = new Tensor('int32', new Int32Array(s.batch).fill(length), [s.batch]);
      const y = (await session.run({ ...feeds, lengths }))['y']?.data as Float32Array;
      const [q, k, v] = [feeds.q.data, feeds.k.data, feeds.v.data] as [Float32Array, Float32Array, Float32Array];
      const piece = (all: Float32Array, b: number, row: number, h: number, count: number, width: number) =>
        all.subarray(((b * rows + row) * count + h) * width, ((b * rows + row) * count + h + 1) * width);
      const group = s.heads / s.keyHeads;
      for (let b = 0; b < s.batch; b++) {
        for (let row = 0; row < rows; row++) {
          for (let h = 0; h < s.keyHeads; h++) {
            const at = b * s.keyHeads + h;
            (keys[at] as Float32Array[]).push(piece(k, b, row, h, s.keyHeads, s.width));
            (values[at] as Float32Array[]).push(piece(v, b, row, h, s.keyHeads, s.depth));
          }
          if (rows > 100 && row % 50 !== 0) continue;
          for (let h = 0; h < s.heads; h++) {
            const at = b * s.keyHeads + Math.floor(h / group);
            const seen = (list: Float32Array[]) => list.slice(-(s.window ?? list.length));
            const want = attended(piece(q, b, row, h, s.heads, s.width), seen(keys[at] as Float32Array[]), seen(values[at] as Float32Array[]));
            const got = piece(y, b, row, h, s.heads, s.depth);
            const worst = Math.max(...want.map((w, d) => Math.abs(w - (got[d] as number))));
            expect(worst).toBeLessThanOrEqual(tolerances[dtype] as number);
          }
        }
      }
      length += rows;
    }
    // One program for every number of rows, and no copy of a cache in any.
    const { programs } = session.report();
    expect(programs.length).toBe(new Set(steps).size);
    for (const p of programs) expect(p.kernels.map((c) => c.kernel).filter((k) => k.startsWith('copy'))).toEqual([]);
  });

  it('refuses tokens beyond the capacity, at the run', async () => {
    const s = { heads: 1, keyHeads: 1, width: 4, depth: 4, capacity: 8, batch: 1 };
    await using session = await InferenceSession.fromGraph(cached(s, 'float32'));
    const one = new Tensor('float32', new Float32Array(4), [1, 1, 4]);
    const run = (length: number) => session.run({ q: one, k: one, v: one, lengths: new Tensor('int32', Int32Array.of(length), [1]) });
    await run(7);
    for (const length of [8, -1, 2 ** 31 - 1]) await expect(run(length)).rejects.toMatchObject({ code: 'ERR_DSNK_RUNTIME_FAULT' });
    await run(0);
  });

  it('names what does not fit', () => {
    const s = { heads: 2, keyHeads: 2, width: 4, depth: 4, capacity: 8, batch: 1 };
    const broken = (spoil: (g: Graph) => void) => {
      const g = cached(s, 'float32');
      spoil(g);
      return () => inferGraph(g, { concrete: false });
    };
    const input = (g: Graph, name: string) => g.inputs.find((v) => v.name === name) as Graph['inputs'][number];
    expect(broken((g) => void (input(g, 'k').shape = [1, 'rows', 9]))).toThrow(/rows must be \[1, rows, 8\]/);
    expect(broken((g) => void (input(g, 'k').shape = [1, 9, 8]))).toThrow(/new rows must fit the capacity/);
    expect(broken((g) => void (input(g, 'q').shape = [1, 'rows', 9]))).toThrow(/queries must be \[1, rows, a multiple of 8\]/);
    expect(broken((g) => void (input(g, 'past v').dtype = 'float16'))).toThrow(/caches must both be/);
    expect(broken((g) => void (input(g, 'past v').shape = [1, 2, 9, 4]))).toThrow(/alike but for the width/);
    expect(broken((g) => void (input(g, 'lengths').dtype = 'int64'))).toThrow(/lengths must be int32/);
    expect(broken((g) => void g.nodes[0]?.inputs.push(input(g, 'q')))).toThrow(/scales must be there where caches are int8, and nowhere else/);
  });
});
