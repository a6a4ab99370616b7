/** onnxruntime's operators of transformers against their formulas in float64, and caches of GroupQueryAttention kept by a session. */
import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { type AttrValue, Graph } from '../../lib/graph/graph.js';
import { exportModel, InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

interface Floats {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}
let seed = 1;
const floats = (...dims: number[]): Floats => ({
  dims,
  data: randomFloats(
    dims.reduce((a, b) => a * b, 1),
    seed++,
  ),
});
const tensor = (x: Floats | Tensor) => (x instanceof Tensor ? x : new Tensor('float32', x.data, x.dims));
const int32 = (dims: number[], ...values: number[]) => new Tensor('int32', Int32Array.from(values), dims);
const int64 = (dims: number[], ...values: number[]) => new Tensor('int64', BigInt64Array.from(values.map(BigInt)), dims);

/** Outputs of one node of com.microsoft; those whose name is '' are left out. */
async function run(
  op: string,
  inputs: readonly (Floats | Tensor | undefined)[],
  attrs: Record<string, AttrValue> = {},
  names = ['y'],
  domain = 'com.microsoft',
) {
  const g = new Graph(op);
  const feeds: Record<string, Tensor> = {};
  const values = inputs.map((x, i) => {
    if (x === undefined) return undefined;
    const t = tensor(x);
    feeds[`x${i}`] = t;
    return g.addInput(`x${i}`, t.type as DType, t.dims);
  });
  const node = g.addNode(op, values, { domain: domain as 'com.microsoft', attrs, outputs: names.length });
  node.outputs.forEach((v, i) => {
    v.name = names[i] as string;
    if (v.name !== '') g.outputs.push(v);
  });
  await using session = await InferenceSession.create(exportModel(g));
  return session.run(feeds);
}

/** Float32 sums of some dozen terms of order one. */
function expectClose(got: Tensor | undefined, want: readonly number[], bound = 2e-6): void {
  expect(got?.data.length).toBe(want.length);
  const worst = Math.max(...want.map((w, i) => Math.abs(w - Number(got?.data[i]))));
  expect(worst).toBeLessThanOrEqual(bound);
}

const rowsOf = (x: Floats, width = x.dims.at(-1) as number) =>
  Array.from({ length: x.data.length / width }, (_, r) => [...x.data.subarray(r * width, (r + 1) * width)]);
const tanhGelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
/** Abramowitz and Stegun 7.1.26 is too coarse: the integral itself, by Simpson's rule. */
function erf(x: number): number {
  const n = 200;
  const f = (t: number) => Math.exp(-t * t);
  let sum = f(0) + f(x);
  for (let i = 1; i < n; i++) sum += (i % 2 === 0 ? 2 : 4) * f((i * x) / n);
  return ((2 / Math.sqrt(Math.PI)) * (x / n) * sum) / 3;
}
const plus = (a: readonly number[], b: ArrayLike<number>) => a.map((v, i) => v + (b[i % b.length] as number));

describe('functions of one tensor', () => {
  const [x, bias] = [floats(2, 5, 16), floats(16)];
  it('are Gelu by erf and by tanh, with and without a bias, and x·sigmoid(α·x)', async () => {
    const biased = plus([...x.data], bias.data);
    expectClose((await run('FastGelu', [x, bias]))['y'], biased.map(tanhGelu));
    expectClose((await run('FastGelu', [x]))['y'], [...x.data].map(tanhGelu));
    const byErf = (v: number) => 0.5 * v * (1 + erf(v / Math.SQRT2));
    expectClose((await run('BiasGelu', [x, bias]))['y'], biased.map(byErf));
    expectClose((await run('Gelu', [x]))['y'], [...x.data].map(byErf));
    expectClose(
      (await run('QuickGelu', [x], { alpha: 1.5 }))['y'],
      [...x.data].map((v) => v / (1 + Math.exp(-1.5 * v))),
    );
  });
});

describe('norms', () => {
  const [x, skip, gamma, beta, bias] = [floats(2, 3, 16), floats(2, 3, 16), floats(16), floats(16), floats(16)] as const;
  const mean = (row: readonly number[]) => row.reduce((a, b) => a + b, 0) / row.length;
  const variance = (row: readonly number[]) => mean(row.map((v) => (v - mean(row)) ** 2));
  const square = (row: readonly number[]) => mean(row.map((v) => v * v));
  const sums = rowsOf(x).map((row, r) => row.map((v, c) => v + (skip.data[r * 16 + c] as number) + (bias.data[c] as number)));

  it('add what was skipped, and return the sum', async () => {
    const y = await run('SkipLayerNormalization', [x, skip, gamma, beta, bias], { epsilon: 1e-5 }, ['y', 'mean', 'root', 'sum']);
    expectClose(y['sum'], sums.flat());
    expectClose(y['mean'], sums.map(mean));
    const root = (row: readonly number[]) => 1 / Math.sqrt(variance(row) + 1e-5);
    expectClose(y['root'], sums.map(root));
    const norm = (row: readonly number[]) => row.map((v, c) => (v - mean(row)) * root(row) * (gamma.data[c] as number) + (beta.data[c] as number));
    expectClose(y['y'], sums.flatMap(norm), 4e-6);
  });

  it('are simplified without the mean', async () => {
    const root = (row: readonly number[]) => 1 / Math.sqrt(square(row) + 1e-5);
    const norm = (row: readonly number[]) => row.map((v, c) => v * root(row) * (gamma.data[c] as number));
    const y = await run('SkipSimplifiedLayerNormalization', [x, skip, gamma, bias], { epsilon: 1e-5 }, ['y', 'mean', 'root', 'sum']);
    expectClose(y['y'], sums.flatMap(norm), 4e-6);
    expectClose(y['root'], sums.map(root));
    expectClose(y['sum'], sums.flat());
    const plain = await run('SimplifiedLayerNormalization', [x, gamma], { epsilon: 1e-5, axis: -1 }, ['y'], '');
    expectClose(plain['y'], rowsOf(x).flatMap(norm), 4e-6);
  });

  it('follow the sum of embeddings', async () => {
    const [words, positions, segments] = [floats(10, 16), floats(8, 16), floats(2, 16)];
    const [ids, kinds, mask] = [int32([2, 3], 9, 0, 4, 1, 1, 7), int32([2, 3], 0, 1, 1, 0, 0, 1), int32([2, 3], 1, 1, 0, 1, 0, 0)];
    const table = (t: Floats, i: number) => rowsOf(t)[i] as number[];
    const places = [2, 3, 4, 0, 1, 2];
    const y = await run('EmbedLayerNormalization', [ids, kinds, words, positions, segments, gamma, beta, mask, int32([2, 3], ...places)], { epsilon: 1e-5 }, [
      'y',
      'count',
      'sum',
    ]);
    const want = places.map((p, i) => plus(plus(table(words, Number(ids.data[i])), table(positions, p)), table(segments, Number(kinds.data[i]))));
    expectClose(y['sum'], want.flat());
    expectClose(y['count'], [2, 1]);
    const norm = (row: readonly number[]) =>
      row.map((v, c) => ((v - mean(row)) / Math.sqrt(variance(row) + 1e-5)) * (gamma.data[c] as number) + (beta.data[c] as number));
    expectClose(y['y'], want.flatMap(norm), 4e-6);
  });
});

interface Attended {
  readonly heads: number;
  readonly keyHeads?: number;
  readonly scale?: number;
  readonly softcap?: number;
  /** -∞ where a query may not see a key. */
  readonly bias?: (b: number, head: number, query: number, key: number) => number;
}

/** [batch, rows, heads·width] of queries, keys and values, all by row. */
function attended(q: Floats, k: Floats, v: Floats, { heads, keyHeads = heads, scale, softcap, bias = () => 0 }: Attended): number[] {
  const [batch, rows, keys] = [q.dims[0] as number, q.dims[1] as number, k.dims[1] as number];
  const [width, depth] = [(q.dims[2] as number) / heads, (v.dims[2] as number) / keyHeads];
  const at = (x: Floats, b: number, row: number, c: number) => x.data[(b * (x.dims[1] as number) + row) * (x.dims[2] as number) + c] as number;
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < rows; i++) {
      for (let h = 0; h < heads; h++) {
        const own = Math.floor(h / (heads / keyHeads));
        const scores = Array.from({ length: keys }, (_, j) => {
          let dot = 0;
          for (let c = 0; c < width; c++) dot += at(q, b, i, h * width + c) * at(k, b, j, own * width + c);
          dot *= scale ?? 1 / Math.sqrt(width);
          return (softcap === undefined ? dot : softcap * Math.tanh(dot / softcap)) + bias(b, h, i, j);
        });
        const most = Math.max(...scores);
        const weights = scores.map((s) => Math.exp(s - most));
        const total = weights.reduce((a, c) => a + c, 0);
        for (let c = 0; c < depth; c++) out.push(weights.reduce((sum, w, j) => sum + (w / total) * at(v, b, j, own * depth + c), 0));
      }
    }
  }
  return out;
}

/** Rows of [batch, heads, length, width] behind which others are joined, as [batch, length, heads·width]. */
function joined(past: Floats | undefined, now: Floats, heads: number): Floats {
  const [batch, rows, all] = now.dims as [number, number, number];
  const [held, width] = [(past?.dims[2] as number | undefined) ?? 0, all / heads];
  const data = new Float32Array(batch * (held + rows) * all);
  for (let b = 0; b < batch; b++) {
    for (let j = 0; j < held + rows; j++) {
      for (let c = 0; c < all; c++) {
        const [h, w] = [Math.floor(c / width), c % width];
        data[(b * (held + rows) + j) * all + c] =
          j < held ? (past?.data[((b * heads + h) * held + j) * width + w] as number) : (now.data[(b * rows + j - held) * all + c] as number);
      }
    }
  }
  return { dims: [batch, held + rows, all], data };
}

describe('Attention', () => {
  const [x, weights, bias] = [floats(2, 5, 16), floats(16, 48), floats(48)];
  const projected = (part: number): Floats => {
    const data = rowsOf(x).flatMap((row) =>
      Array.from({ length: 16 }, (_, c) =>
        row.reduce((sum, v, k) => sum + v * (weights.data[k * 48 + part * 16 + c] as number), bias.data[part * 16 + c] as number),
      ),
    );
    return { dims: [2, 5, 16], data: Float32Array.from(data) };
  };
  const parts = [projected(0), projected(1), projected(2)] as const;
  const never = -10000;
  it.each([
    ['plain', [], {}, () => 0],
    ['causal', [], { unidirectional: 1 }, (_b: number, _h: number, i: number, j: number) => (j > i ? -Infinity : 0)],
    [
      'a mask of tokens',
      [int32([2, 5], 1, 1, 1, 0, 0, 0, 1, 1, 1, 1)],
      {},
      (b: number, _h: number, _i: number, j: number) => ((b === 0 ? j > 2 : j < 1) ? never : 0),
    ],
    ['lengths', [int32([2], 3, 4)], {}, (b: number, _h: number, _i: number, j: number) => (j >= 3 + b ? never : 0)],
    ['ends and beginnings', [int32([4], 3, 4, 1, 0)], {}, (b: number, _h: number, _i: number, j: number) => ((b === 0 ? j < 1 || j > 2 : j > 3) ? never : 0)],
  ] as const)('%s', async (_, mask, attrs, of) => {
    const y = await run('Attention', [x, weights, bias, ...mask], { num_heads: 4, ...attrs });
    expectClose(y['y'], attended(...parts, { heads: 4, bias: of }), 1e-5);
  });

  it('reads and returns a past', async () => {
    const past = floats(2, 2, 4, 3, 4);
    const half = (i: number): Floats => ({ dims: [2, 4, 3, 4], data: past.data.subarray(i * 96, (i + 1) * 96) });
    const y = await run('Attention', [x, weights, bias, undefined, past], { num_heads: 4, unidirectional: 1 }, ['y', 'present']);
    const [k, v] = [joined(half(0), parts[1], 4), joined(half(1), parts[2], 4)];
    expectClose(y['y'], attended(parts[0], k, v, { heads: 4, bias: (_b, _h, i, j) => (j > i + 3 ? -Infinity : 0) }), 1e-5);
    expect(y['present']?.dims).toEqual([2, 2, 4, 8, 4]);
    expect(y['present']?.data.slice(0, 12)).toEqual(past.data.slice(0, 12));
  });
});

describe('MultiHeadAttention', () => {
  const [q, k, v] = [floats(2, 5, 16), floats(2, 7, 16), floats(2, 7, 16)] as const;
  const packed = (list: readonly Floats[]): Floats => {
    const rows = list[0]?.dims[1] as number;
    const data = new Float32Array(2 * rows * 16 * list.length);
    list.forEach((x, part) => {
      x.data.forEach((value, at) => {
        const [row, c] = [Math.floor(at / 16), at % 16];
        data[((row * 4 + Math.floor(c / 4)) * list.length + part) * 4 + (c % 4)] = value;
      });
    });
    return { dims: [2, rows, 4, list.length, 4], data };
  };

  it('takes queries, keys and values apart or packed, with masks and biases', async () => {
    const want = attended(q, k, v, { heads: 4 });
    expectClose((await run('MultiHeadAttention', [q, k, v], { num_heads: 4 }))['y'], want);
    expectClose((await run('MultiHeadAttention', [q, packed([k, v])], { num_heads: 4 }))['y'], want);
    const [a, b] = [floats(2, 5, 16), floats(2, 5, 16)];
    expectClose((await run('MultiHeadAttention', [packed([q, a, b])], { num_heads: 4, scale: 0.3 }))['y'], attended(q, a, b, { heads: 4, scale: 0.3 }));
    const bias = floats(48);
    const biased = ([q, k, v] as const).map(
      (x, i): Floats => ({ dims: x.dims, data: Float32Array.from(plus([...x.data], bias.data.slice(16 * i, 16 * i + 16))) }),
    );
    const [bq, bk, bv] = biased as [Floats, Floats, Floats];
    const masked = int32([2, 7], 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0);
    const of = (b: number, _h: number, _i: number, j: number) => (Number(masked.data[b * 7 + j]) === 0 ? -10000 : 0);
    expectClose((await run('MultiHeadAttention', [q, k, v, bias, masked], { num_heads: 4 }))['y'], attended(bq, bk, bv, { heads: 4, bias: of }), 1e-5);
  });

  it('returns keys and values behind a past', async () => {
    const [pastK, pastV, now] = [floats(2, 4, 3, 4), floats(2, 4, 3, 4), floats(2, 5, 16)];
    const y = await run('MultiHeadAttention', [q, now, now, undefined, undefined, undefined, pastK, pastV], { num_heads: 4, unidirectional: 1 }, [
      'y',
      'k',
      'v',
    ]);
    const of = (_b: number, _h: number, i: number, j: number) => (j > i + 3 ? -Infinity : 0);
    expectClose(y['y'], attended(q, joined(pastK, now, 4), joined(pastV, now, 4), { heads: 4, bias: of }));
    expect(y['k']?.dims).toEqual([2, 4, 8, 4]);
  });
});

describe('GroupQueryAttention', () => {
  const attrs = { num_heads: 4, kv_num_heads: 2 };
  const causal = (past: number) => (_b: number, _h: number, i: number, j: number) => (j > i + past ? -Infinity : 0);

  it('attends to a prompt, and to a past that grows', async () => {
    const [q, k, v] = [floats(2, 5, 32), floats(2, 5, 16), floats(2, 5, 16)] as const;
    const first = await run('GroupQueryAttention', [q, k, v, undefined, undefined, int32([2], 4, 4), int32([1], 5)], attrs, ['y', 'k', 'v']);
    expectClose(first['y'], attended(q, k, v, { heads: 4, keyHeads: 2, bias: causal(0) }));
    const [q2, k2, v2] = [floats(2, 1, 32), floats(2, 1, 16), floats(2, 1, 16)] as const;
    const past = [first['k'], first['v']] as [Tensor, Tensor];
    const second = await run('GroupQueryAttention', [q2, k2, v2, ...past, int32([2], 5, 5), int32([1], 6)], { ...attrs, softcap: 2.5, scale: 0.2 }, [
      'y',
      'k',
      'v',
    ]);
    const all = (t: Tensor, now: Floats) => joined({ dims: t.dims, data: t.data as Float32Array }, now, 2);
    expectClose(second['y'], attended(q2, all(past[0], k2), all(past[1], v2), { heads: 4, keyHeads: 2, scale: 0.2, softcap: 2.5 }));
    expect(second['k']?.dims).toEqual([2, 2, 6, 8]);
  });

  it('sees no more than its window', async () => {
    const [q, k, v] = [floats(1, 6, 32), floats(1, 6, 16), floats(1, 6, 16)] as const;
    const y = await run('GroupQueryAttention', [q, k, v, undefined, undefined, int32([1], 5), int32([1], 6)], { ...attrs, local_window_size: 2 }, [
      'y',
      'k',
      'v',
    ]);
    const of = (_b: number, _h: number, i: number, j: number) => (j > i || j <= i - 2 ? -Infinity : 0);
    expectClose(y['y'], attended(q, k, v, { heads: 4, keyHeads: 2, bias: of }));
  });

  it('turns queries and keys by their positions, which packed rows do as well', async () => {
    const packed = floats(1, 3, 64);
    const [cos, sin] = [floats(9, 4), floats(9, 4)];
    const part = (from: number, to: number): Floats => ({ dims: [1, 3, to - from], data: Float32Array.from(rowsOf(packed).flatMap((r) => r.slice(from, to))) });
    const turned = (x: Floats): Floats => {
      const data = x.data.slice();
      for (let row = 0; row < 3; row++) {
        for (let at = row * (x.dims[2] as number); at < (row + 1) * (x.dims[2] as number); at += 8) {
          for (let i = 0; i < 4; i++) {
            const [a, b, c, s] = [x.data[at + i], x.data[at + i + 4], cos.data[row * 4 + i], sin.data[row * 4 + i]] as [number, number, number, number];
            [data[at + i], data[at + i + 4]] = [a * c - b * s, a * s + b * c];
          }
        }
      }
      return { dims: x.dims, data };
    };
    const inputs = [packed, undefined, undefined, undefined, undefined, int32([1], 2), int32([1], 3), cos, sin];
    const y = await run('GroupQueryAttention', inputs, { ...attrs, do_rotary: 1 }, ['y', 'k', 'v']);
    expectClose(y['y'], attended(turned(part(0, 32)), turned(part(32, 48)), part(48, 64), { heads: 4, keyHeads: 2, bias: causal(0) }), 1e-5);
    const rotated = await run('RotaryEmbedding', [part(0, 32), int64([1], 0), cos, sin]);
    expectClose(rotated['y'], [...turned(part(0, 32)).data]);
  });

  it('keeps its caches in a session: one program for prompts of one length, one for all steps', async () => {
    const g = new Graph('decoder');
    const rows = (name: string, width: number) => g.addInput(name, 'float32', [1, 'rows', width]);
    const [q, k, v] = [rows('q', 32), rows('k', 16), rows('v', 16)];
    const [pastK, pastV] = ['past k', 'past v'].map((name) => g.addInput(name, 'float32', [1, 2, 64, 8]));
    const [valid, total] = [g.addInput('seqlens_k', 'int32', [1]), g.addInput('total', 'int32', [1])];
    const node = g.addNode('GroupQueryAttention', [q, k, v, pastK, pastV, valid, total], { domain: 'com.microsoft', attrs, outputs: 3 });
    for (const [i, name] of ['y', 'present k', 'present v'].entries()) {
      (node.outputs[i] as { name: string }).name = name;
      g.outputs.push(node.output(i));
    }
    await using session = await InferenceSession.create(exportModel(g));
    session.bindState('present k', 'past k');
    session.bindState('present v', 'past v');
    let [keys, values]: Floats[] = [];
    for (let at = 0; at < 40; ) {
      const count = at === 0 ? 7 : 1;
      const feeds = { q: floats(1, count, 32), k: floats(1, count, 16), v: floats(1, count, 16) };
      const join = (old: Floats | undefined, now: Floats): Floats => ({
        dims: [1, at + count, 16],
        data: Float32Array.from([...(old?.data ?? []), ...now.data]),
      });
      [keys, values] = [join(keys, feeds.k), join(values, feeds.v)];
      const fed = Object.fromEntries(Object.entries(feeds).map(([name, x]) => [name, tensor(x)]));
      const y = await session.run({ ...fed, seqlens_k: int32([1], at + count - 1), total: int32([1], at + count) });
      expectClose(y['y'], attended(feeds.q, keys, values, { heads: 4, keyHeads: 2, bias: causal(at) }), 4e-6);
      at += count;
    }
    const { programs } = session.report();
    expect(programs).toHaveLength(2);
    for (const p of programs) expect(p.kernels.map((c) => c.op)).not.toContain('copy');
  });

  it('refuses what this version has not', async () => {
    const [q, k] = [floats(1, 2, 32), floats(1, 2, 16)];
    const lengths = [int32([1], 1), int32([1], 2)];
    await expect(run('GroupQueryAttention', [q, k, k, undefined, undefined, ...lengths], { ...attrs, smooth_softmax: 1 }, ['y', 'k', 'v'])).rejects.toThrow(
      /attention_bias, head_sink and smooth_softmax must be left out/,
    );
    await expect(
      run('GroupQueryAttention', [q, k, k, undefined, undefined, ...lengths], { ...attrs, local_window_size: 2 ** 31 }, ['y', 'k', 'v']),
    ).rejects.toThrow(/local_window_size must be below 2\^31, 2147483648 came/);
    await expect(run('GroupQueryAttention', [q, k, k, undefined, undefined, ...lengths], { num_heads: 3, kv_num_heads: 2 }, ['y', 'k', 'v'])).rejects.toThrow(
      /num_heads must be a multiple of kv_num_heads/,
    );
  });

  it('refuses a past of other dimensions and a length that is none', async () => {
    const [q, k, past] = [floats(1, 2, 32), floats(1, 2, 16), floats(1, 2)];
    await expect(run('GroupQueryAttention', [q, k, k, past, past, int32([1], 1), int32([1], 2)], attrs, ['y', 'k', 'v'])).rejects.toThrow(
      /past must be \[batch, heads, length, width\]/,
    );
    const cache = floats(1, 2, 8, 8);
    await expect(run('GroupQueryAttention', [q, k, k, cache, cache, int32([1], 1), int32([0])], attrs, ['y', 'k', 'v'])).rejects.toThrow(
      /total_sequence_length must be a number/,
    );
  });
});
