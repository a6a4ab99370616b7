/** Decoders whose past grows by each call: one program for many lengths, fed and kept in states, against one call with all rows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Emitter } from '../../lib/graph/emitter.js';
import { Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';
import { asset, haveAssets } from '../models/assets.js';

const [HEADS, WIDTH, ROOM] = [2, 8, 200];

/** A graph with inputs x [batch, S, 16] and what else it wants, pasts and presents. */
interface Form {
  readonly name: string;
  readonly pasts: readonly string[];
  /** Dimensions of a past of n tokens. */
  readonly pastDims: (batch: number, n: number) => number[];
  readonly graph: (batch: number | string) => Graph;
  /** Feeds beside x and the pasts. */
  readonly more?: (batch: number, past: number, rows: number) => Record<string, Tensor>;
}

const ints = (dims: number[], at: (i: number) => number) =>
  new Tensor(
    'int64',
    BigInt64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => BigInt(at(i))),
    dims,
  );
const headDims = (batch: number, n: number) => [batch, HEADS, n, WIDTH];
const attentionMask = (batch: number, past: number, rows: number) => ({ attention_mask: ints([batch, past + rows], () => 1) });

/** x and projections of it, the caches, and what makes the outputs. */
function decoder(
  batch: number | string,
  pastShape: (string | number)[][],
  attend: (g: Emitter, q: Value, k: Value, v: Value, pasts: Value[]) => Value[],
): Graph {
  const graph = new Graph('decoder');
  const g = new Emitter(graph);
  const x = graph.addInput('x', 'float32', [batch, 'S', HEADS * WIDTH]);
  const pasts = pastShape.map((shape, i) => graph.addInput(`past${i}`, 'float32', shape));
  const weight = (seed: number) => g.reshape(g.floats(randomFloats((HEADS * WIDTH) ** 2, seed)), HEADS * WIDTH, HEADS * WIDTH);
  const [q, k, v] = [1, 2, 3].map((seed) => g.op('MatMul', [x, weight(seed)]));
  const [y, ...presents] = attend(g, q as Value, k as Value, v as Value, pasts);
  [y as Value, ...presents].forEach((out, i) => {
    out.name = i === 0 ? 'y' : `present${i - 1}`;
    graph.outputs.push(out);
  });
  return graph;
}

const perHead = (batch: number | string) => [0, 1].map(() => [batch, HEADS, 'P', WIDTH]);
const split = (g: Emitter, v: Value) => g.op('Transpose', [g.reshape(v, 0, 0, HEADS, WIDTH)], { perm: [0, 2, 1, 3] });
const joined = (g: Emitter, v: Value) => g.reshape(g.op('Transpose', [v], { perm: [0, 2, 1, 3] }), 0, 0, HEADS * WIDTH);
const sizeOf = (g: Emitter, v: Value, axis: number) => g.op('Gather', [g.op('Shape', [v]), g.int(axis)], { axis: 0 });

/** As exporters write it: a mask from the length of the past and an input, positions from the sum of that input. */
function plain(batch: number | string): Graph {
  return decoder(batch, perHead(batch), (g, q, k, v, [pastK, pastV]) => {
    const mask = g.graph.addInput('attention_mask', 'int64', [batch, 'total']);
    const [past, rows] = [sizeOf(g, pastK as Value, 2), sizeOf(g, q, 1)];
    const total = g.op('Add', [past, rows]);
    const table = g.reshape(g.floats(randomFloats(512 * HEADS * WIDTH, 9)), 512, HEADS * WIDTH);
    const counted = g.op('Sub', [g.op('CumSum', [mask, g.int(1)]), g.int(1)]);
    const places = g.op('Slice', [counted, g.op('Unsqueeze', [past, g.ints(0)]), g.op('Unsqueeze', [total, g.ints(0)]), g.ints(1)]);
    const placed = g.op('Add', [q, g.op('Gather', [table, places], { axis: 0 })]);
    const present = [
      [pastK, k],
      [pastV, v],
    ].map(([before, now]) => g.op('Concat', [before as Value, split(g, now as Value)], { axis: 2 }));
    const scores = g.op('MatMul', [split(g, placed), g.op('Transpose', [present[0] as Value], { perm: [0, 1, 3, 2] })]);
    const row = g.op('Unsqueeze', [g.op('Range', [past, total, g.int(1)]), g.ints(1)]);
    const causal = g.op('LessOrEqual', [g.op('Range', [g.int(0), total, g.int(1)]), row]);
    const given = g.op('Unsqueeze', [g.op('Cast', [mask], { to: 9 }), g.ints(1, 2)]);
    const kept = g.op('Where', [g.op('And', [causal, given]), g.op('Mul', [scores, g.float(0.3)]), g.float(-1e9)]);
    const y = g.op('MatMul', [g.op('Softmax', [kept], { axis: -1 }), present[1] as Value]);
    return [joined(g, y), ...present];
  });
}

const attentionOp = (batch: number | string) =>
  decoder(batch, perHead(batch), (g, q, k, v, pasts) => {
    const none = undefined as unknown as Value;
    return [...g.ops('Attention', [q, k, v, none, ...pasts], 3, { q_num_heads: HEADS, kv_num_heads: HEADS, is_causal: 1, scale: 0.3 })];
  });

const maskedAttention = (batch: number | string) =>
  decoder(batch, perHead(batch), (g, q, k, v, pasts) => {
    const mask = g.graph.addInput('mask', 'bool', ['S', 'total']);
    return [...g.ops('Attention', [q, k, v, mask, ...pasts], 3, { q_num_heads: HEADS, kv_num_heads: HEADS, scale: 0.3 })];
  });

const multiHead = (batch: number | string) =>
  decoder(batch, perHead(batch), (g, q, k, v, pasts) => {
    const none = undefined as unknown as Value;
    return [...g.ops('MultiHeadAttention', [q, k, v, none, none, none, ...pasts], 3, { num_heads: HEADS, unidirectional: 1, scale: 0.3 }, 'com.microsoft')];
  });

const stacked = (batch: number | string) => {
  const graph = new Graph('stacked');
  const g = new Emitter(graph);
  const x = graph.addInput('x', 'float32', [batch, 'S', HEADS * WIDTH]);
  const past = graph.addInput('past0', 'float32', [2, batch, HEADS, 'P', WIDTH]);
  const mask = graph.addInput('mask', 'int32', [batch, 'total']);
  const weight = g.reshape(g.floats(randomFloats(3 * (HEADS * WIDTH) ** 2, 5)), HEADS * WIDTH, 3 * HEADS * WIDTH);
  const none = undefined as unknown as Value;
  const outputs = g.ops('Attention', [x, weight, none, mask, past], 2, { num_heads: HEADS, unidirectional: 1 }, 'com.microsoft');
  outputs.forEach((v, i) => {
    v.name = ['y', 'present0'][i] as string;
    graph.outputs.push(v);
  });
  return graph;
};

const groupQuery = (batch: number | string) =>
  decoder(batch, perHead(batch), (g, q, k, v, pasts) => {
    const mask = g.graph.addInput('attention_mask', 'int64', [batch, 'total']);
    const lengths = g.op('Cast', [g.op('Sub', [g.op('ReduceSum', [mask, g.ints(1)], { keepdims: 0 }), g.int(1)])], { to: 6 });
    const total = g.op('Cast', [sizeOf(g, mask, 1)], { to: 6 });
    return [...g.ops('GroupQueryAttention', [q, k, v, ...pasts, lengths, total], 3, { num_heads: HEADS, kv_num_heads: HEADS, scale: 0.3 }, 'com.microsoft')];
  });

const causalMask = (_: number, past: number, rows: number) => ({
  mask: new Tensor(
    'bool',
    Uint8Array.from({ length: rows * (past + rows) }, (_, i) => (i % (past + rows) <= past + Math.floor(i / (past + rows)) ? 1 : 0)),
    [rows, past + rows],
  ),
});
const forms: readonly Form[] = [
  { name: 'plain operators', pasts: ['past0', 'past1'], pastDims: headDims, graph: plain, more: attentionMask },
  { name: 'Attention', pasts: ['past0', 'past1'], pastDims: headDims, graph: attentionOp },
  { name: 'Attention with a mask', pasts: ['past0', 'past1'], pastDims: headDims, graph: maskedAttention, more: causalMask },
  { name: 'com.microsoft.MultiHeadAttention', pasts: ['past0', 'past1'], pastDims: headDims, graph: multiHead },
  { name: 'com.microsoft.GroupQueryAttention', pasts: ['past0', 'past1'], pastDims: headDims, graph: groupQuery, more: attentionMask },
  {
    name: 'com.microsoft.Attention',
    pasts: ['past0'],
    pastDims: (batch, n) => [2, batch, HEADS, n, WIDTH],
    graph: stacked,
    more: (batch, past, rows) => ({ mask: new Tensor('int32', new Int32Array(batch * (past + rows)).fill(1), [batch, past + rows]) }),
  },
];

/** Rows from … of a text of ROOM rows. */
function rowsOf(batch: number, from: number, rows: number): Tensor {
  const all = randomFloats(batch * ROOM * HEADS * WIDTH, 77);
  const out = new Float32Array(batch * rows * HEADS * WIDTH);
  for (let b = 0; b < batch; b++) out.set(all.subarray((b * ROOM + from) * HEADS * WIDTH, (b * ROOM + from + rows) * HEADS * WIDTH), b * rows * HEADS * WIDTH);
  return new Tensor('float32', out, [batch, rows, HEADS * WIDTH]);
}

const fed = (form: Form, batch: number, past: number, rows: number) => ({ x: rowsOf(batch, past, rows), ...form.more?.(batch, past, rows) });
const noPast = (form: Form, batch: number) =>
  Object.fromEntries(form.pasts.map((name) => [name, new Tensor('float32', new Float32Array(0), form.pastDims(batch, 0))]));

/** All rows in one call, as programs for one length compute them. */
async function whole(form: Form, batch: number, rows: number): Promise<Record<string, Tensor>> {
  await using session = await InferenceSession.fromGraph(form.graph('B'));
  return (await session.run({ ...fed(form, batch, 0, rows), ...noPast(form, batch) })) as Record<string, Tensor>;
}

/** Largest difference between rows `from` … of y, and those of a call with all. Sums of at most 150 terms in another order. */
function expectRows(y: Tensor, all: Tensor, batch: number, from: number): void {
  const rows = y.dims[1] as number;
  const wide = HEADS * WIDTH;
  const total = all.dims[1] as number;
  const [a, b] = [y.data as Float32Array, all.data as Float32Array];
  let worst = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows * wide; i++) worst = Math.max(worst, Math.abs((a[n * rows * wide + i] as number) - (b[(n * total + from) * wide + i] as number)));
  expect(worst).toBeLessThan(2e-5);
}

const steps = [5, 1, 1, 3, ...Array<number>(130).fill(1)];
const LENGTH = steps.reduce((a, b) => a + b, 0);

describe.each(forms)('$name', (form) => {
  it.each([1, 3])('grows by what is fed, batch %i', async (batch) => {
    const all = await whole(form, batch, LENGTH);
    await using session = await InferenceSession.fromGraph(form.graph('B'));
    let pasts: Record<string, Tensor> = noPast(form, batch);
    let past = 0;
    for (const rows of steps) {
      const results = (await session.run({ ...fed(form, batch, past, rows), ...pasts })) as Record<string, Tensor>;
      expectRows(results['y'] as Tensor, all['y'] as Tensor, batch, past);
      pasts = Object.fromEntries(form.pasts.map((name) => [name, results[name.replace('past', 'present')] as Tensor]));
      past += rows;
    }
    for (const name of form.pasts) {
      const present = name.replace('past', 'present');
      expect(pasts[name]?.dims).toEqual(form.pastDims(batch, LENGTH));
      expect(pasts[name]?.data).toEqual(all[present]?.data);
    }
    // No past; 1 row for 64, 128 and 256 tokens; 3 rows for 64.
    expect(session.report().programs).toHaveLength(5);
  });

  it('grows in states', async () => {
    const all = await whole(form, 1, LENGTH);
    await using session = await InferenceSession.fromGraph(form.graph(1));
    for (const name of form.pasts) session.bindState(name.replace('past', 'present'), name, { capacity: LENGTH });
    const other = session.createState();
    let past = 0;
    for (const rows of steps) {
      for (const state of [session.state, other]) {
        const results = (await session.run(fed(form, 1, past, rows), { state })) as Record<string, Tensor>;
        expectRows(results['y'] as Tensor, all['y'] as Tensor, 1, past);
        expect(Object.keys(results)).toEqual(['y']);
      }
      past += rows;
    }
    expect(session.state.held).toBe(LENGTH);
    // 5, 1 and 3 rows.
    expect(session.report().programs).toHaveLength(3);
    await expect(session.run(fed(form, 1, past, 1))).rejects.toThrow(/past and new tokens must fit the 140 of bindState's capacity, 140 and 1 came/);
    await session.state.reset();
    expectRows((await session.run(fed(form, 1, 0, 5)))['y'] as Tensor, all['y'] as Tensor, 1, 0);
  });
});

it('a call that is refused changes nothing for those after it', async () => {
  const form = forms[5] as Form;
  await using session = await InferenceSession.fromGraph(form.graph(1));
  const run = (n: number, more: number) => {
    const mask = new Tensor('int32', new Int32Array(n + more).fill(1), [1, n + more]);
    return session.run({ x: rowsOf(1, n, 1), mask, past0: new Tensor('float32', new Float32Array(2 * n * HEADS * WIDTH), form.pastDims(1, n)) });
  };
  for (let n = 5; n < 12; n++) await run(n, 1);
  await expect(run(5, 4)).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
  for (let n = 5; n < 12; n++) await run(n, 1);
  expect(session.report().programs).toHaveLength(1);
});

describe('a thousand steps', () => {
  const form = forms[1] as Form;
  const x = new Tensor('float32', randomFloats(HEADS * WIDTH, 3), [1, 1, HEADS * WIDTH]);

  it('compile once where the past is kept, and copy nothing of it', async () => {
    await using session = await InferenceSession.fromGraph(form.graph(1), { intraOpNumThreads: 1 });
    for (const name of form.pasts) session.bindState(name.replace('past', 'present'), name, { capacity: 1000 });
    await session.run({ x });
    const bytes = session.state.byteLength;
    for (let i = 1; i < 1000; i++) await session.run({ x });
    expect([session.state.held, session.state.byteLength]).toEqual([1000, bytes]);
    const { programs } = session.report();
    expect(programs).toHaveLength(1);
    // Whatever is as large as a cache is modified where it lies: the queries' scores are the largest of the rest.
    expect(programs[0]?.kernels.filter((k) => k.kernel.startsWith('copy') || k.kernel.startsWith('spread_rows'))).toEqual([]);
    expect(programs[0]?.memory.arenaBytes).toBeLessThan(bytes / 4);
  });

  it('compile for twice as many tokens each time where the past is fed', async () => {
    await using session = await InferenceSession.fromGraph(form.graph(1), { intraOpNumThreads: 1 });
    let pasts: Record<string, Tensor> = noPast(form, 1);
    for (let i = 0; i < 1000; i++) {
      const results = (await session.run({ x, ...pasts })) as Record<string, Tensor>;
      pasts = Object.fromEntries(form.pasts.map((name) => [name, results[name.replace('past', 'present')] as Tensor]));
    }
    expect(pasts['past0']?.dims).toEqual([1, HEADS, 1000, WIDTH]);
    expect(session.report().programs).toHaveLength(6);
  });
});

describe('what only some lengths answer otherwise', () => {
  const ROWS = 24;
  const rows = Array.from({ length: ROWS }, (_, i) => randomFloats(4, i + 1));
  /** y is the mean of past and new rows times `factor`. */
  const model = (factor: (g: Emitter, x: Value, past: Value) => Value) => {
    const graph = new Graph('asks');
    const g = new Emitter(graph);
    const x = graph.addInput('x', 'float32', [1, 1, 4]);
    const past = graph.addInput('past', 'float32', [1, 'P', 4]);
    const present = g.op('Concat', [past, x], { axis: 1 });
    const scores = g.op('MatMul', [g.op('Mul', [x, g.float(0)]), g.op('Transpose', [present], { perm: [0, 2, 1] })]);
    const mean = g.op('MatMul', [g.op('Softmax', [scores], { axis: -1 }), present]);
    const length = sizeOf(g, past, 1);
    const y = g.op('Mul', [mean, factor(g, x, length)]);
    [y, present].forEach((v, i) => {
      v.name = ['y', 'present'][i] as string;
      graph.outputs.push(v);
    });
    return graph;
  };
  const chosen = (g: Emitter, asked: Value) => g.op('Where', [asked, g.float(1), g.float(100)]);
  const between = (g: Emitter, length: Value) => g.op('And', [g.op('Greater', [length, g.int(10)]), g.op('Less', [length, g.int(20)])]);
  const flag = (i: number) => (i % 3 === 1 ? 4 : 2);
  const cases: readonly (readonly [name: string, (g: Emitter, x: Value, past: Value) => Value, (past: number) => number])[] = [
    ['is there none', (g, _, n) => chosen(g, g.op('Equal', [n, g.int(0)])), (n) => (n === 0 ? 1 : 100)],
    ['is it one at most', (g, _, n) => chosen(g, g.op('LessOrEqual', [n, g.int(1)])), (n) => (n <= 1 ? 1 : 100)],
    ['is it seventeen', (g, _, n) => chosen(g, g.op('Equal', [n, g.int(17)])), (n) => (n === 17 ? 1 : 100)],
    ['is it between ten and twenty', (g, _, n) => chosen(g, between(g, n)), (n) => (n > 10 && n < 20 ? 1 : 100)],
    ['one at least', (g, _, n) => g.op('Cast', [g.op('Max', [n, g.int(1)])], { to: 1 }), (n) => Math.max(n, 1)],
    [
      'an input of one number that is no length',
      (g, x) => {
        const columns = g.op('Where', [g.op('Equal', [g.graph.addInput('flag', 'int64', [1]), g.ints(1)]), g.ints(4), g.ints(2)]);
        return g.op('ReduceSum', [g.op('Slice', [x, g.ints(0), columns, g.ints(2)]), g.ints(2)]);
      },
      (n) => (rows[n] as Float32Array).subarray(0, flag(n)).reduce((a, b) => a + b, 0),
    ],
  ];

  it.each(cases.flatMap((c) => [[...c, 'fed'] as const, [...c, 'kept'] as const]))('%s', async (name, factor, wanted, how) => {
    await using session = await InferenceSession.fromGraph(model(factor));
    if (how === 'kept') session.bindState('present', 'past', { capacity: ROWS });
    let past: Tensor = new Tensor('float32', new Float32Array(0), [1, 0, 4]);
    const sum = [0, 0, 0, 0];
    for (const [n, row] of rows.entries()) {
      const feeds = { x: new Tensor('float32', row, [1, 1, 4]), ...(name.startsWith('an input') && { flag: ints([1], () => n % 3) }) };
      const results = await session.run(how === 'fed' ? { ...feeds, past } : feeds);
      if (how === 'fed') past = results['present'] as Tensor;
      row.forEach((v, i) => {
        sum[i] = (sum[i] as number) + v;
        const want = ((sum[i] as number) / (n + 1)) * wanted(n);
        expect(Math.abs((results['y']?.data[i] as number) - want), `${n} tokens`).toBeLessThan(1e-5 * Math.max(1, wanted(n)));
      });
    }
  });
});

describe.runIf(haveAssets)('stories260K', () => {
  const LAYERS = [0, 1, 2, 3, 4].flatMap((layer) => ['key', 'value'].map((name) => `${layer}.${name}`));
  const likeliest = (logits: Float32Array) => logits.reduce((best, v, i) => (v > (logits[best] as number) ? i : best), 0);
  const one = (v: number) => new Tensor('int64', BigInt64Array.of(BigInt(v)), [1, 1]);
  const wanted = () => (JSON.parse(readFileSync(asset('golden/stories260K.json'), 'utf8')) as { greedyIds: number[] }).greedyIds;

  it.each(['fed', 'kept'])('writes its story with a past that is %s', async (how) => {
    await using session = await InferenceSession.create(asset('llm/stories260K_kv.onnx'), { freeDimensionOverrides: { B: 1 } });
    if (how === 'kept') for (const name of LAYERS) session.bindState(`present.${name}`, `past_key_values.${name}`, { capacity: 512 });
    let past: Record<string, Tensor> = {};
    if (how === 'fed') for (const name of LAYERS) past[`past_key_values.${name}`] = new Tensor('float32', new Float32Array(0), [1, 4, 0, 8]);
    const greedy = wanted();
    const ids = [greedy[0] as number];
    while (ids.length < greedy.length) {
      const at = ids.length - 1;
      const results = (await session.run({ input_ids: one(ids[at] as number), position_ids: one(at), ...past })) as Record<string, Tensor>;
      if (how === 'fed') past = Object.fromEntries(LAYERS.map((name) => [`past_key_values.${name}`, results[`present.${name}`] as Tensor]));
      ids.push(likeliest(results['logits']?.data as Float32Array));
    }
    expect(ids).toEqual(greedy);
    expect(session.report().programs.length).toBeLessThanOrEqual(how === 'fed' ? 4 : 1);
  });
});

describe('what cannot grow', () => {
  /** y = x; present = past and x; and the largest of all, which zeros behind the tokens would change. */
  function largest(): Graph {
    const graph = new Graph('largest');
    const g = new Emitter(graph);
    const x = graph.addInput('x', 'float32', [1, 'S']);
    const past = graph.addInput('past', 'float32', [1, 'P']);
    const present = g.op('Concat', [past, x], { axis: 1 }, 'present');
    graph.outputs.push(g.op('ReduceMax', [present, g.ints(1)], { keepdims: 0 }, 'y'), present);
    return graph;
  }
  const row = (...values: number[]) => new Tensor('float32', Float32Array.from(values), [1, values.length]);

  it('is compiled for every length', async () => {
    await using session = await InferenceSession.fromGraph(largest());
    expect((await session.run({ x: row(-1), past: row(-3, -2) }))['y']?.data).toEqual(Float32Array.of(-1));
    expect((await session.run({ x: row(-1), past: row(-3, -2, -4) }))['present']?.data).toEqual(Float32Array.of(-3, -2, -4, -1));
  });

  it('is refused where it is to be kept, with the reason', async () => {
    await using session = await InferenceSession.fromGraph(largest());
    session.bindState('present', 'past', { capacity: 10 });
    await expect(session.run({ x: row(1) })).rejects.toThrow(/one program must serve pasts of all lengths .*ReduceMax "y": sums over what means nothing/);
  });

  it('capacities that are missing, wrong or differ, and pasts that are kept in part', async () => {
    const form = forms[1] as Form;
    await using session = await InferenceSession.fromGraph(form.graph(1));
    const bind =
      (capacity?: unknown, i = 0) =>
      () =>
        session.bindState(`present${i}`, `past${i}`, { capacity } as { capacity: number });
    expect(bind()).toThrow(/options.capacity must be the tokens to make room for, as the past grows, undefined came/);
    for (const wrong of [0, 1.5, Number.NaN, 2 ** 40, '7']) expect(bind(wrong)).toThrow(/options.capacity must be the tokens/);
    bind(20)();
    expect(bind(30, 1)).toThrow(/options.capacity must be 20, as for the inputs bound before, 30 came/);
    const feeds = { x: rowsOf(1, 0, 1), past1: new Tensor('float32', new Float32Array(0), headDims(1, 0)) };
    await expect(session.run(feeds)).rejects.toThrow(/bindState must have bound all inputs with the length of the past, "past1" is left/);
    bind(20, 1)();
    await expect(session.run({ x: rowsOf(1, 0, 21) })).rejects.toThrow(/must fit the 20 of bindState's capacity, 0 and 21 came/);
    await session.run({ x: rowsOf(1, 0, 20) });
    expect(session.state.held).toBe(20);
  });
});
