/** What a session keeps between runs: values, memory, order, and what is refused. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';

const numbers = (t: { data: unknown } | undefined) => Array.from((t?.data ?? []) as Float32Array);
const row = (...values: number[]) => new Tensor('float32', Float32Array.from(values), [1, values.length]);

/** sum' = sum + x; y = 2·sum'. */
function runningSum(): Graph {
  const b = new GraphBuilder('running sum');
  const x = b.input('x', { dataType: 'float32', shape: [1, 3] });
  const sum = b.input('sum', { dataType: 'float32', shape: [1, 3] });
  const next = b.add(sum, x) as Operand;
  return b.build({ y: b.mul(next, 2) as Operand, next });
}

async function summing(): Promise<InferenceSession> {
  const session = await InferenceSession.fromGraph(runningSum());
  session.bindState('next', 'sum');
  return session;
}

/** A cache of four rows that TensorScatter appends to, and its sum. */
function cacheGraph(readBefore = false): Graph {
  const g = new Graph('cache');
  const row = g.addInput('row', 'float32', [1, 1, 2]);
  const at = g.addInput('at', 'int64', [1]);
  const cache = g.addInput('cache', 'float32', [1, 4, 2]);
  const present = g.addNode('TensorScatter', [cache, row, at], { name: 'append', attrs: { axis: 1 } }).output();
  present.name = 'present';
  const axes = g.addConstant(Constant.of('int64', [1], [1]));
  const total = g.addNode('ReduceSum', [present, axes], { attrs: { keepdims: 0 } }).output();
  total.name = 'total';
  g.outputs.push(total, present);
  if (readBefore) {
    const before = g.addNode('ReduceSum', [cache, axes], { attrs: { keepdims: 0 } }).output();
    before.name = 'before';
    g.outputs.push(before);
  }
  return g;
}

describe('bindState', () => {
  it('keeps an output for the next run', async () => {
    await using session = await summing();
    expect(session.inputNames).toEqual(['x']);
    expect(session.outputNames).toEqual(['y']);
    expect(numbers((await session.run({ x: row(1, 2, 3) }))['y'])).toEqual([2, 4, 6]);
    expect(numbers(session.runSync({ x: row(1, 1, 1) })['y'])).toEqual([4, 6, 8]);
    await session.state.reset();
    expect(numbers((await session.run({ x: row(5, 5, 5) }))['y'])).toEqual([10, 10, 10]);
  });

  it('lets runs that were called together follow each other', async () => {
    await using session = await summing();
    const x = row(1, 1, 1);
    const runs = Array.from({ length: 50 }, () => session.run({ x }));
    // What waits has a copy of its feeds.
    (x.data as Float32Array).fill(100);
    expect((await Promise.all(runs)).map((r) => numbers(r['y'])[0])).toEqual(Array.from({ length: 50 }, (_, i) => 2 * (i + 1)));
  });

  it('has states of their own for streams of their own', async () => {
    await using session = await summing();
    const [a, b] = [session.createState(), session.createState()];
    const say = async (state: typeof a, v: number) => numbers((await session.run({ x: row(v, v, v) }, { state }))['y'])[0];
    expect(await Promise.all([say(a, 1), say(b, 10), say(a, 1), say(b, 10), say(a, 1)])).toEqual([2, 20, 4, 40, 6]);
    expect(numbers((await session.run({ x: row(7, 7, 7) }))['y'])).toEqual([14, 14, 14]);
    expect(a.byteLength).toBe(64);
    a.release();
    await expect(session.run({ x: row(1, 1, 1) }, { state: a })).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    expect(await say(b, 1)).toBe(42);
    // What was called before a release still runs.
    const last = [say(b, 1), say(b, 1)];
    b.release();
    expect(await Promise.all(last)).toEqual([44, 46]);
    await expect(say(b, 1)).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    expect(b.byteLength).toBe(0);
  });

  it.each([1, 2])('is one state for all shapes of the other inputs, with %i rows first', async (rows) => {
    const g = new Graph('rows');
    const x = g.addInput('x', 'float32', ['rows', 2]);
    const sum = g.addInput('sum', 'float32', [2]);
    const axes = g.addConstant(Constant.of('int64', [1], [0]));
    const next = g.addNode('Add', [sum, g.addNode('ReduceSum', [x, axes], { attrs: { keepdims: 0 } }).output()]).output();
    next.name = 'next';
    g.outputs.push(g.addNode('Identity', [next], { name: 'y' }).output(), next);
    await using session = await InferenceSession.fromGraph(g);
    session.bindState('next', 'sum');
    const ones = (n: number) => new Tensor('float32', new Float32Array(2 * n).fill(1), [n, 2]);
    expect(numbers((await session.run({ x: ones(rows) }))['y'])).toEqual([rows, rows]);
    expect(numbers((await session.run({ x: ones(3) }))['y'])).toEqual([rows + 3, rows + 3]);
    expect(numbers((await session.run({ x: ones(rows) }))['y'])).toEqual([2 * rows + 3, 2 * rows + 3]);
  });

  it('exchanges states that become each other', async () => {
    const g = new Graph('exchange');
    const [a, b, x] = [g.addInput('a', 'float32', [2]), g.addInput('b', 'float32', [2]), g.addInput('x', 'float32', [2])];
    const sum = g.addNode('Add', [a, x], { name: 'sum' }).output();
    g.outputs.push(sum, b, a);
    await using session = await InferenceSession.fromGraph(g);
    // next a = b, next b = a + x: written as outputs that are inputs, each of the other state.
    session.bindState('b', 'a');
    session.bindState('sum', 'b');
    const seen: number[] = [];
    for (const v of [1, 10, 100, 1000, 0, 0]) seen.push(numbers((await session.run({ x: new Tensor('float32', [v, v], [2]) }))['a'])[0] as number);
    let [p, q] = [0, 0];
    const expected = [1, 10, 100, 1000, 0, 0].map((v) => {
      const was = p;
      [p, q] = [q, p + v];
      return was;
    });
    expect(seen).toEqual(expected);
  });
});

describe('a cache', () => {
  const append = (session: InferenceSession, at: number, ...values: number[]) =>
    session.run({ row: new Tensor('float32', values, [1, 1, 2]), at: new Tensor('int64', BigInt64Array.of(BigInt(at)), [1]) });

  it('is appended to where it lies', async () => {
    await using session = await InferenceSession.fromGraph(cacheGraph());
    session.bindState('present', 'cache');
    expect(numbers((await append(session, 0, 1, 2))['total'])).toEqual([1, 2]);
    expect(numbers((await append(session, 1, 10, 20))['total'])).toEqual([11, 22]);
    expect(numbers((await append(session, 0, 5, 5))['total'])).toEqual([15, 25]);
    const [program] = session.report().programs;
    expect(program?.kernels.map((c) => c.op)).not.toContain('copy');
    expect(program?.kernels.filter((c) => c.kernel.startsWith('copy'))).toEqual([]);
    expect(program?.memory.stateBytes).toBe(64);
  });

  it('is copied where its old contents are read as well', async () => {
    await using session = await InferenceSession.fromGraph(cacheGraph(true));
    session.bindState('present', 'cache');
    await append(session, 0, 1, 2);
    const second = await append(session, 1, 10, 20);
    expect(numbers(second['before'])).toEqual([1, 2]);
    expect(numbers(second['total'])).toEqual([11, 22]);
  });
});

describe('bindState refuses', () => {
  it('names that are not there, twice the same, and other types and shapes', async () => {
    const b = new GraphBuilder('types');
    const x = b.input('x', { dataType: 'float32', shape: [2] });
    b.input('whole', { dataType: 'int64', shape: [2] });
    b.input('wide', { dataType: 'float32', shape: [3] });
    b.input('open', { dataType: 'float32', shape: ['n'] });
    await using session = await InferenceSession.fromGraph(b.build({ y: b.relu(x) as Operand }));
    const refused = (output: string, input: string) => expect(() => session.bindState(output, input));
    refused('z', 'x').toThrow(/bindState\("z", "x"\): output must be one of "y", "z" came/);
    refused('y', 'z').toThrow(/input must be one of "x", "whole", "wide", "open", "z" came/);
    refused('y', 'whole').toThrow(/output must be int64 as the input is, it is float32/);
    refused('y', 'wide').toThrow(/output must have the input's shape \[3\], it has \[2\]/);
    refused('y', 'open').toThrow(/input must have a fixed shape .*, \[n\] came/);
    session.bindState('y', 'x');
    refused('y', 'x').toThrow(/input must be one of "whole", "wide", "open", "x" came/);
  });

  it('what is in use, and states of others', async () => {
    const session = await summing();
    const other = await summing();
    const busy = session.run({ x: row(1, 1, 1) });
    expect(() => session.bindState('y', 'x')).toThrow(/before the first run or between runs/);
    expect(() => session.runSync({ x: row(1, 1, 1) })).toThrow(/runSync must not use a state that a run is at work in/);
    await busy;
    await expect(session.run({ x: row(1, 1, 1) }, { state: other.createState() })).rejects.toThrow(/state must be one that this session has created/);
    await expect(session.run({ x: row(1, 1, 1) }, { state: {} as never })).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_ARGUMENT' });
    await session.release();
    expect(() => session.createState()).toThrow(/after release/);
    expect(() => session.bindState('y', 'x')).toThrow(/after release/);
    await expect(session.state.reset()).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    await other.release();
  });
});
