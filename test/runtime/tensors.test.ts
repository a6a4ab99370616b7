/** What may be fed and fetched: element types, odd memory, empty tensors, numbers that are none. */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { GraphBuilder, InferenceSession, type Operand, Tensor } from '../../lib/index.js';

const floats = (values: number[], dims = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);
const values = (t: Tensor | undefined) => Array.from(t?.data as ArrayLike<number | bigint>, Number);

async function session(body: (b: GraphBuilder, x: Operand) => Record<string, Operand>, shape: (number | string)[] = ['n'], dataType: DType = 'float32') {
  const b = new GraphBuilder('tensors');
  return InferenceSession.fromGraph(b.build(body(b, b.input('x', { dataType, shape }))));
}
const relu = () => session((b, x) => ({ y: b.relu(x) }));

describe('element types', () => {
  it.each<[DType, { new (n: number[]): ArrayBufferView } | { from(n: bigint[]): ArrayBufferView }, number[]]>([
    ['float64', Float64Array, [0.1, -2, 1e300]],
    ['int64', BigInt64Array as never, [1, -2, 2 ** 53]],
    ['uint64', BigUint64Array as never, [1, 2, 2 ** 53]],
    ['int32', Int32Array, [1, -2, 2 ** 31 - 1]],
    ['uint32', Uint32Array, [1, 2, 2 ** 32 - 1]],
    ['int16', Int16Array, [1, -2, 32767]],
    ['uint16', Uint16Array, [1, 2, 65535]],
    ['int8', Int8Array, [1, -2, 127]],
    ['uint8', Uint8Array, [1, 2, 255]],
    ['bool', Uint8Array, [0, 1, 1]],
    ['float16', Uint16Array, [0x3c00, 0xc000, 0x7bff]],
    ['bfloat16', Uint16Array, [0x3f80, 0xc000, 0x7f7f]],
  ])('%s in and out', async (type, ctor, list) => {
    await using s = await session((b, x) => ({ y: b.reshape(x, [3, 1]), same: x }), [3], type);
    const big = type === 'int64' || type === 'uint64';
    const data = big ? (ctor as typeof BigInt64Array).from(list.map(BigInt)) : (ctor as typeof Float64Array).from(list);
    const out = await s.run({ x: { type, dims: [3], data } });
    for (const name of ['y', 'same']) {
      expect(out[name]?.type).toBe(type);
      expect(out[name]?.data).toEqual(data);
    }
    expect(out['y']?.dims).toEqual([3, 1]);
  });

  it('Float16Array, where it exists', async () => {
    const F16 = (globalThis as { Float16Array?: { from(v: number[]): ArrayBufferView } }).Float16Array;
    if (F16 === undefined) return;
    await using s = await session((b, x) => ({ y: b.add(x, x) }), [2], 'float16');
    const out = await s.run({ x: { type: 'float16', dims: [2], data: F16.from([1, -0.5]) } });
    const y = out['y'] as unknown as { data: Uint16Array };
    expect(new Uint16Array(y.data.buffer)).toEqual(Uint16Array.of(0x4000, 0xbc00));
  });
});

describe('memory', () => {
  it('takes plain objects and tensors of other classes', async () => {
    await using s = await relu();
    class OtherTensor {
      readonly type = 'float32';
      readonly dims = [2];
      get data() {
        return Float32Array.of(-1, 2);
      }
    }
    expect(values((await s.run({ x: new OtherTensor() }))['y'])).toEqual([0, 2]);
    expect(values((await s.run({ x: { type: 'float32', dims: [1], data: Float32Array.of(5) } }))['y'])).toEqual([5]);
  });

  it('takes views, shared memory and Node buffers', async () => {
    await using s = await relu();
    const whole = Float32Array.of(9, -1, 2, 9);
    expect(values((await s.run({ x: { type: 'float32', dims: [2], data: whole.subarray(1, 3) } }))['y'])).toEqual([0, 2]);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([3, -4]);
    expect(values((await s.run({ x: { type: 'float32', dims: [2], data: shared } }))['y'])).toEqual([3, 0]);
    const into = new Float32Array(new SharedArrayBuffer(16)).subarray(1, 3);
    await s.run({ x: { type: 'float32', dims: [2], data: shared } }, { y: { type: 'float32', dims: [2], data: into } });
    expect([...into]).toEqual([3, 0]);
    await using bytes = await session((b, x) => ({ y: b.identity(x) }), ['n'], 'uint8');
    expect(values((await bytes.run({ x: { type: 'uint8', dims: [3], data: Buffer.from([1, 2, 3]) } }))['y'])).toEqual([1, 2, 3]);
  });

  it('takes arrays of subclasses and of other realms', async () => {
    await using s = await relu();
    class Samples extends Float32Array {}
    for (const data of [Samples.of(-1, 2), runInNewContext('Float32Array.of(-1, 2)') as Float32Array]) {
      expect(values((await s.run({ x: { type: 'float32', dims: [2], data } }))['y'])).toEqual([0, 2]);
    }
    const wrong = runInNewContext('new Float64Array(2)') as Float64Array;
    await expect(s.run({ x: { type: 'float32', dims: [2], data: wrong } })).rejects.toThrow(
      'input "x": float32 data must be a Float32Array, a Float64Array came',
    );
  });

  it('refuses what is no tensor, and a tensor whose data are gone', async () => {
    await using s = await relu();
    const invalid = (message: string) => expect.objectContaining({ code: 'ERR_DSNK_INVALID_ARGUMENT', message });
    await expect(s.run({ x: [1, 2] as never })).rejects.toEqual(invalid('input "x": must be a Tensor, or { type, dims, data }, a bare Array came'));
    await expect(s.run({ x: new Float32Array(2) as never })).rejects.toEqual(
      invalid('input "x": must be a Tensor, or { type, dims, data }, a bare Float32Array came'),
    );
    const x = new Tensor('float32', Float32Array.of(1, 2), [2]);
    x.dispose();
    await expect(s.run({ x })).rejects.toEqual(invalid('input "x": data must be there to read, The tensor is disposed.'));
  });

  it('copies feeds at once: changing them after run() changes nothing', async () => {
    await using s = await session((b, x) => ({ y: b.matmul(x, x) }), [256, 256]);
    const data = new Float32Array(65536);
    for (let i = 0; i < 256; i++) data[i * 257] = 2;
    await s.run({ x: { type: 'float32', dims: [256, 256], data } });
    const run = s.run({ x: { type: 'float32', dims: [256, 256], data } });
    data.fill(7);
    const y = values((await run)['y']);
    expect(y[0]).toBe(4);
    expect(y[1]).toBe(0);
  });

  it('refuses detached feeds and survives feeds and fetches that go away during a run', async () => {
    await using s = await session((b, x) => ({ y: b.relu(b.matmul(x, x)) }), [512, 512]);
    const dims = [512, 512];
    const fresh = () => new Float32Array(512 * 512);
    const gone = fresh();
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await expect(s.run({ x: { type: 'float32', dims, data: gone } })).rejects.toMatchObject({ name: 'DsnkError' });
    expect(() => s.runSync({ x: { type: 'float32', dims, data: gone } })).toThrow(expect.objectContaining({ name: 'DsnkError' }));

    const feed = fresh();
    const running = s.run({ x: { type: 'float32', dims, data: feed } });
    structuredClone(feed.buffer, { transfer: [feed.buffer] });
    expect((await running)['y']?.dims).toEqual(dims);

    const into = fresh();
    const writing = s.run({ x: { type: 'float32', dims, data: fresh() } }, { y: { type: 'float32', dims, data: into } });
    structuredClone(into.buffer, { transfer: [into.buffer] });
    await expect(writing).rejects.toMatchObject({ name: 'DsnkError', code: 'ERR_DSNK_INVALID_ARGUMENT' });

    const Resizable = ArrayBuffer as unknown as { new (n: number, o: { maxByteLength: number }): ArrayBuffer & { resize(n: number): void } };
    const buffer = new Resizable(512 * 512 * 4, { maxByteLength: 512 * 512 * 4 });
    const resized = new Float32Array(buffer);
    const shrinking = s.run({ x: { type: 'float32', dims, data: fresh() } }, { y: { type: 'float32', dims, data: resized } });
    buffer.resize(16);
    await expect(shrinking).rejects.toMatchObject({ name: 'DsnkError', code: 'ERR_DSNK_INVALID_ARGUMENT' });
    expect((await s.run({ x: { type: 'float32', dims, data: fresh() } }))['y']?.dims).toEqual(dims);
  });
});

describe('fetches', () => {
  const three = () => session((b, x) => ({ a: b.neg(x), b: b.mul(x, 2), c: b.constant(4) }), [2]);
  it('by name, by null, and into tensors', async () => {
    await using s = await three();
    const x = floats([1, 2]);
    expect(Object.keys(await s.run({ x }))).toEqual(['a', 'b', 'c']);
    expect(Object.keys(await s.run({ x }, ['b']))).toEqual(['b']);
    expect(Object.keys(await s.run({ x }, { c: null, a: null }))).toEqual(['a', 'c']);
    const into = floats([0, 0]);
    const out = await s.run({ x }, { b: into, a: null });
    expect(out['b']).toBe(into);
    expect(values(into)).toEqual([2, 4]);
    expect(Object.keys(s.runSync({ x }, { b: into }))).toEqual(['b']);
    await expect(s.run({ x }, ['d'])).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_ARGUMENT', message: expect.stringMatching(/"a", "b", "c", "d" came/) });
    await expect(s.run({ x }, { b: new Tensor('int32', new Int32Array(2), [2]) })).rejects.toMatchObject({ code: 'ERR_DSNK_DTYPE_MISMATCH' });
    await expect(s.run({ x }, { b: floats([0, 0, 0]) })).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
    await expect(s.run({ x }, { b: floats([0, 0], [1, 2]) })).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
  });
});

describe('contents', () => {
  it('NaN, infinities and signed zeros pass through', async () => {
    await using s = await session((b, x) => ({ double: b.add(x, x), largest: b.max(x, 0), product: b.matmul(b.reshape(x, [1, -1]), b.reshape(x, [-1, 1])) }));
    const out = await s.run({ x: floats([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-42]) });
    expect(values(out['double'])).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 2 * Math.fround(1e-42)]);
    expect(values(out['largest'])).toEqual([Number.NaN, Number.POSITIVE_INFINITY, 0, 0, Math.fround(1e-42)]);
    expect(values(out['product'])).toEqual([Number.NaN]);
    expect(values((await s.run({ x: floats([Number.POSITIVE_INFINITY]) }))['product'])).toEqual([Number.POSITIVE_INFINITY]);
  });

  it('empty tensors are valid', async () => {
    await using s = await session(
      (b, x) => ({
        relu: b.relu(x),
        sum: b.reduceSum(x, { axes: [0] }),
        joined: b.concat([x, x], 0),
        product: b.matmul(b.transpose(x), x),
        soft: b.softmax(x),
      }),
      ['n', 3],
    );
    const empty = await s.run({ x: floats([], [0, 3]) });
    expect(Object.fromEntries(Object.entries(empty).map(([k, t]) => [k, t.dims]))).toEqual({
      relu: [0, 3],
      sum: [3],
      joined: [0, 3],
      product: [3, 3],
      soft: [0, 3],
    });
    expect(values(empty['sum'])).toEqual([0, 0, 0]);
    expect(values(empty['product'])).toEqual(new Array(9).fill(0));
    expect((await s.run({ x: floats([1, 2, 3], [1, 3]) }))['joined']?.dims).toEqual([2, 3]);
  });
});
