import { describe, expect, it } from 'vitest';
import { compile, DsnkError, GraphBuilder, InferenceSession, type Operand, ops, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const f32 = (values: number[], dims: number[] = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);
const failure = (code: string, message: RegExp) => expect.objectContaining({ name: 'DsnkError', code, message: expect.stringMatching(message) });
const input = (b: GraphBuilder, name: string, shape: (number | string)[], dataType: 'float32' | 'int64' | 'uint8' = 'float32') =>
  b.input(name, { dataType, shape });

describe('GraphBuilder', () => {
  it('carries symbolic dimensions through and runs any of them', async () => {
    const b = new GraphBuilder('symbolic');
    const x = input(b, 'x', ['batch', 3, 'h', 'h']);
    const y = b.reduceMean(b.relu(x), { axes: [2, 3] });
    expect(y.shape).toEqual(['batch', 3]);
    expect(b.transpose(x).shape).toEqual(['h', 'h', 3, 'batch']);
    expect(b.concat([x, x], 1).shape).toEqual(['batch', 6, 'h', 'h']);
    await using session = await InferenceSession.fromGraph(b.build({ y }));
    for (const [n, h] of [
      [1, 2],
      [4, 5],
    ] as const) {
      const data = randomFloats(n * 3 * h * h, n, 0, 1);
      expect((await session.run({ x: new Tensor('float32', data, [n, 3, h, h]) }))['y']?.dims).toEqual([n, 3]);
    }
    await expect(session.run({ x: new Tensor('float32', new Float32Array(18), [1, 3, 2, 3]) })).rejects.toEqual(
      failure('ERR_DSNK_SHAPE_MISMATCH', /input "x": shape must be \[batch,3,h,h\], \[1,3,2,3\] came/),
    );
  });

  it('cuts what has no elements into any number of parts', () => {
    const b = new GraphBuilder('empty');
    const parts = (count: number) => b.split(input(b, `x${count}`, [0, 4]), count).map(({ shape }) => shape);
    expect(parts(3)).toEqual([
      [0, 4],
      [0, 4],
      [0, 4],
    ]);
    expect(() => parts(2 ** 31)).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /split: parts must be from 1 to 65536/));
  });

  it('names outputs by the keys, also for inputs, constants and one value twice', async () => {
    const b = new GraphBuilder('outputs');
    const x = input(b, 'x', [2]);
    const y = b.relu(x);
    await using session = await InferenceSession.fromGraph(b.build({ same: x, first: y, second: y, fixed: b.constant(7) }));
    expect(session.outputNames).toEqual(['same', 'first', 'second', 'fixed']);
    const out = await session.run({ x: f32([-1, 2]) });
    expect(Object.values(out).map((t) => [...(t.data as Float32Array)])).toEqual([[-1, 2], [0, 2], [0, 2], [7]]);
  });

  it('copies constants', async () => {
    const b = new GraphBuilder('copies');
    const c = f32([1, 2]);
    const y = b.add(input(b, 'x', [2]), b.constant(c));
    const z = b.mul(y, c);
    (c.data as Float32Array).fill(100);
    await using session = await InferenceSession.fromGraph(b.build({ z }));
    const out = await session.run({ x: f32([1, 1]) });
    expect(out['z']?.data).toEqual(Float32Array.of(2, 6));
  });

  it('puts the label into messages', () => {
    const b = new GraphBuilder('labels');
    expect(() => b.conv2d(input(b, 'x', [1, 3, 8, 8]), input(b, 'w', [4, 5, 3, 3]), { label: 'stem' })).toThrow(/Conv "stem": .*5.*3|Conv "stem": .*3.*5/);
  });

  it.each<[string, (b: GraphBuilder) => unknown, string, RegExp]>([
    ['shapes that do not broadcast', (b) => b.add(input(b, 'x', [2, 3]), input(b, 'y', [4])), 'ERR_DSNK_SHAPE_MISMATCH', /Add ".*": .*\[2,3\].*\[4\]/],
    ['types that differ', (b) => b.add(input(b, 'x', [2]), input(b, 'y', [2], 'int64')), 'ERR_DSNK_DTYPE_MISMATCH', /Add ".*": .*int64/],
    ['products that do not fit', (b) => b.matmul(input(b, 'x', [2, 3]), input(b, 'y', [4, 5])), 'ERR_DSNK_SHAPE_MISMATCH', /MatMul ".*"/],
    ['an axis outside', (b) => b.softmax(input(b, 'x', [2, 3]), 2), 'ERR_DSNK_SHAPE_MISMATCH', /Softmax ".*": .*2/],
    ['a reshape of another size', (b) => b.reshape(input(b, 'x', [2, 3]), [4]), 'ERR_DSNK_SHAPE_MISMATCH', /Reshape ".*"/],
    ['an input name twice', (b) => [input(b, 'x', [1]), input(b, 'x', [1])], 'ERR_DSNK_INVALID_ARGUMENT', /input "x": input names must be unique/],
    ['an operand of another builder', (b) => b.add(input(b, 'x', [1]), input(new GraphBuilder(), 'y', [1])), 'ERR_DSNK_INVALID_ARGUMENT', /one builder/],
    ['an output of another builder', (b) => b.build({ y: input(new GraphBuilder(), 'y', [1]) }), 'ERR_DSNK_INVALID_ARGUMENT', /output "y"/],
    ['a fraction beside integers', (b) => b.add(input(b, 'x', [1], 'int64'), 0.5), 'ERR_DSNK_INVALID_ARGUMENT', /Add: a number beside int64 .* 0.5 came/],
    ['a number out of range', (b) => b.add(input(b, 'x', [1], 'uint8'), 256), 'ERR_DSNK_INVALID_ARGUMENT', /Add: a number beside uint8 .* 256 came/],
    [
      'data of the wrong length',
      (b) => b.constant({ type: 'float32', dims: [3], data: new Float32Array(2) }),
      'ERR_DSNK_SHAPE_MISMATCH',
      /constant: data must hold 3/,
    ],
    [
      'another layout of recurrent gates',
      (b) => b.gru(input(b, 'x', [1, 1, 2]), input(b, 'w', [1, 6, 2]), input(b, 'r', [1, 6, 2]), 1, 2, { layout: 'rzn' as never }),
      'ERR_DSNK_INVALID_ARGUMENT',
      /layout must be 'zrn'/,
    ],
  ])('refuses %s', (_, make, code, message) => {
    expect(() => make(new GraphBuilder('wrong'))).toThrow(failure(code, message));
  });

  it('refuses empty and inherited nonsense with its own error', async () => {
    for (const descriptor of [
      undefined,
      { dataType: 'float33', shape: [1] },
      { dataType: 'float32', shape: 3 },
      { dataType: 'float32', shape: [-1, 'n', 1.5] },
    ]) {
      expect(() => new GraphBuilder().input('x', descriptor as never)).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /input "x": (dataType|shape) must be/));
    }
    expect(() => new GraphBuilder().build(null as never)).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /at least one/));
    expect(() => new GraphBuilder().build({})).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /at least one/));
    expect(() => ops.relu(undefined as never)).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /Relu/));
    expect(() => ops.add(f32([1]), null as never)).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /Add/));
    expect(() => new GraphBuilder().build({ y: null as never })).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', /output "y".*null came/));
  });

  it.each(Object.entries(ops) as [string, (...args: unknown[]) => unknown][])('%s: whatever is missing or null', (name, fn) => {
    const x = new GraphBuilder().input('x', { dataType: 'float32', shape: [1, 2, 4, 4] });
    const t = new Tensor('float32', new Float32Array(32), [1, 2, 4, 4]);
    const others = [undefined, null, [1], 'float32', {}, 5, Symbol('none')];
    for (const first of [x, t, null, undefined]) {
      expect(() => fn()).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', new RegExp(name)));
      for (const second of [first, ...others])
        for (const rest of [[], [null], [first, null], [first, first, null], [[1], null], [first, 1, 1, null]]) {
          try {
            fn(first, second, ...rest);
          } catch (error) {
            expect(error).toBeInstanceOf(DsnkError);
          }
        }
    }
  });
});

describe('numbers as scalars', () => {
  it.each([
    ['float64', new Tensor('float64', Float64Array.of(1, 2), [2]), [1.1, 2.1]],
    ['float32', f32([1, 2]), [1.1, 2.1].map(Math.fround)],
  ] as const)('take the type %s', (type, x, want) => {
    const y = ops.add(x, 0.1);
    expect(y.type).toBe(type);
    Array.from(y.data as Float32Array).forEach((v, i) => {
      expect(v).toBeCloseTo(want[i] as number, 6);
    });
  });

  it('are rounded to float16', () => {
    // 0x3c00 = 1; 1 + 0.1 = 1.1 → 0x3c66; 65504 is the largest; 2^-24 the smallest; beyond half of it 0
    const half = (bits: number) => ({ type: 'float16', dims: [1], data: Uint16Array.of(bits) });
    const sum = (bits: number, x: number) => ((ops.add(half(bits), x) as Tensor).data as unknown as Uint16Array)[0];
    expect(sum(0x3c00, 0.1)).toBe(0x3c66);
    for (const [x, bits] of [
      [1, 0x3c00],
      [-2, 0xc000],
      [65504, 0x7bff],
      [1e6, 0x7c00],
      [2 ** -24, 1],
      [2 ** -14, 0x0400],
      [2 ** -26, 0],
      [1.9999, 0x4000],
      [2049, 0x6800],
      [2051, 0x6802],
    ] as const) {
      expect(sum(0, x)).toBe(bits);
    }
  });
});

describe('compile(fn)', () => {
  it.each([{ maxPrograms: 0 }, { maxPrograms: 1.5 }, { intraOpNumThreads: 0 }, { intraOpNumThreads: 257 }])('refuses %o', (options) => {
    expect(() => compile((a) => ops.relu(a), options)).toThrow(expect.objectContaining({ code: 'ERR_DSNK_INVALID_ARGUMENT' }));
  });

  const x = f32([-1, 2, -3, 4], [2, 2]);

  it('fuses a chain into one kernel call', async () => {
    const b = new GraphBuilder('chain');
    const v = input(b, 'x', [64]);
    const y = b.mul(b.sigmoid(b.add(b.mul(v, 2), 1)), b.tanh(b.sub(v, 0.5)));
    await using session = await InferenceSession.fromGraph(b.build({ y }));
    await session.run({ x: f32(new Array(64).fill(0.25)) });
    expect(session.model.programs[0]?.compiled.steps.map((s) => s.kernel.op)).toEqual(['pointwise']);
    const dense = new GraphBuilder('dense');
    const w = dense.constant({ type: 'float32', dims: [8, 8], data: randomFloats(64, 2) });
    const z = dense.relu(dense.add(dense.matmul(input(dense, 'x', [4, 8]), w), dense.constant({ type: 'float32', dims: [8], data: randomFloats(8, 3) })));
    await using second = await InferenceSession.fromGraph(dense.build({ z }));
    expect(second.model.programs[0]?.compiled.steps.map((s) => s.kernel.op)).toEqual(['gemm']);
  });

  it('returns the structure that fn returns', async () => {
    const one = compile((a) => ops.relu(a));
    expect([...((await one(x)).data as Float32Array)]).toEqual([0, 2, 0, 4]);
    const several = compile((a) => [ops.relu(a), ops.neg(a)]);
    expect((await several(x)).map((t) => (t as Tensor).data[0])).toEqual([0, 1]);
    const named = compile((a) => ({ positive: ops.relu(a), same: a, fixed: ops.add(ops.mul(a, 0), 3) }));
    const result = named.sync(x);
    expect(Object.keys(result)).toEqual(['positive', 'same', 'fixed']);
    expect([...(result.fixed.data as Float32Array)]).toEqual([3, 3, 3, 3]);
    for (const f of [one, several, named]) f.dispose();
  });

  it('traces once per signature and forgets the oldest', async () => {
    let traces = 0;
    const f = compile(
      (a) => {
        traces++;
        return ops.mul(a, 2);
      },
      { maxPrograms: 2 },
    );
    await f(x);
    await f(x);
    f.sync(x);
    expect(traces).toBe(1);
    await f(f32([1]));
    await f(x); // [2,2] is now the youngest
    await f(new Tensor('int32', Int32Array.of(1), [1])); // drops [1] of float32
    expect(traces).toBe(3);
    await f(x);
    expect(traces).toBe(3);
    await f(f32([1]));
    expect(traces).toBe(4);
    f.dispose();
  });

  it('may capture tensors, which become weights', async () => {
    const w = f32([1, 0, 0, 1], [2, 2]);
    const f = compile((a) => ops.matmul(a, w));
    expect([...((await f(x)).data as Float32Array)]).toEqual([-1, 2, -3, 4]);
    f.dispose();
  });

  it('runs concurrently and refuses after dispose', async () => {
    const f = compile((a) => ops.add(a, 1));
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => f(f32(new Array((i % 5) + 1).fill(i)))));
    all.forEach((t, i) => {
      expect([...(t.data as Float32Array)]).toEqual(new Array((i % 5) + 1).fill(i + 1));
    });
    f.dispose();
    f.dispose();
    await expect(f(x)).rejects.toEqual(failure('ERR_DSNK_DISPOSED', /must not be called after dispose/));
    expect(() => f.sync(x)).toThrow(failure('ERR_DSNK_DISPOSED', /dispose/));
  });

  it('finishes a run that its eviction overtakes', async () => {
    const f = compile((a) => ops.exp(ops.matmul(a, a)), { maxPrograms: 1 });
    const square = (n: number) => new Tensor('float32', new Float32Array(n * n), [n, n]);
    const results = await Promise.all([300, 200, 100, 300, 200].map((n) => f(square(n))));
    expect(results.map((t) => t.dims[0])).toEqual([300, 200, 100, 300, 200]);
    expect(results.every((t) => (t.data as Float32Array).every((v) => v === 1))).toBe(true);
    f.dispose();
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no function', () => compile(5 as never), /fn must be a function, number came/],
    ['nothing returned', () => compile(() => undefined as never).sync(x), /fn must return/],
    ['a tensor returned', () => compile(() => x as never).sync(x), /fn must return/],
    [
      'an argument that is no tensor',
      () =>
        compile(function twice(a) {
          return ops.add(a, a);
        }).sync(3 as never),
      /argument 0 of twice: must be a Tensor, number came/,
    ],
    ['an empty list', () => compile(() => [] as Operand[]).sync(x), /fn must return/],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(failure('ERR_DSNK_INVALID_ARGUMENT', message));
  });
});

describe('eager calls', () => {
  it('keep one program per operator, shapes and types, and stay right when many pass through', () => {
    for (let round = 0; round < 3; round++) {
      for (let n = 1; n < 40; n++) expect([...(ops.add(f32(new Array(n).fill(n)), 1).data as Float32Array)]).toEqual(new Array(n).fill(n + 1));
    }
  });
  it('do not mix attributes', () => {
    for (const alpha of [0.1, 0.2, 0.3]) expect((ops.leakyRelu(f32([-1]), { alpha }).data as Float32Array)[0]).toBe(Math.fround(-alpha));
  });
});
