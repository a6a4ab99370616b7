/** Ways into a session, what it keeps, and what happens to many at once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { exportModel, GraphBuilder, InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';
import { TensorProto_DataLocation } from '../onnx/generated/onnx_pb.js';
import { encode, f32, node } from '../onnx/models.js';

const folder = mkdtempSync(join(tmpdir(), 'dsnk-loading-'));
afterAll(() => rmSync(folder, { recursive: true }));
const floats = (values: number[], dims = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);

/** y = x·w + 1 with w [64,64], for any batch. */
function dense() {
  const b = new GraphBuilder('dense');
  const x = b.input('x', { dataType: 'float32', shape: ['batch', 64] });
  return b.build({ y: b.add(b.matmul(x, { type: 'float32', dims: [64, 64], data: randomFloats(4096, 1) }), 1) });
}
const batch = (n: number) => new Tensor('float32', randomFloats(n * 64, n), [n, 64]);
const bytes = exportModel(dense());

describe('create', () => {
  it('takes a path, a URL, bytes, a buffer, and a part of a buffer', async () => {
    const path = join(folder, 'dense model.onnx');
    writeFileSync(path, bytes);
    const padded = new Uint8Array(bytes.length + 24);
    padded.set(bytes, 8);
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    const x = batch(2);
    await using first = await InferenceSession.create(path);
    const want = (await first.run({ x }))['y']?.data;
    const others = [
      () => InferenceSession.create(pathToFileURL(path)),
      () => InferenceSession.create(bytes),
      () => InferenceSession.create(Buffer.from(bytes)),
      () => InferenceSession.create(padded.subarray(8, 8 + bytes.length)),
      () => InferenceSession.create(padded.buffer, 8, bytes.length),
      () => InferenceSession.create(padded.buffer, 8, bytes.length, { intraOpNumThreads: 1 }),
      () => InferenceSession.create(bytes.slice().buffer),
      () => InferenceSession.create(shared),
      () => InferenceSession.create(runInNewContext('(bytes) => Uint8Array.from(bytes).buffer')(bytes) as ArrayBuffer),
    ];
    for (const make of others) {
      await using session = await make();
      expect((await session.run({ x }))['y']?.data).toEqual(want);
    }
  });

  it('copies bytes: they may be changed and transferred, and other shapes still find their weights', async () => {
    const copy = bytes.slice();
    await using session = await InferenceSession.create(copy);
    await using other = await InferenceSession.create(bytes);
    structuredClone(copy.buffer, { transfer: [copy.buffer] });
    for (const n of [1, 3]) expect((await session.run({ x: batch(n) }))['y']?.data).toEqual((await other.run({ x: batch(n) }))['y']?.data);
  });

  it.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['no such file', () => InferenceSession.create(join(folder, 'none.onnx')), 'ERR_DSNK_INVALID_MODEL', /none\.onnx": file must be readable/],
    ['a folder', () => InferenceSession.create(folder), 'ERR_DSNK_INVALID_MODEL', /file must be/],
    ['no bytes', () => InferenceSession.create(new Uint8Array(0)), 'ERR_DSNK_INVALID_MODEL', /model/],
    ['noise', () => InferenceSession.create(Uint8Array.from({ length: 100 }, (_, i) => i * 37)), 'ERR_DSNK_INVALID_MODEL', /model/],
    ['a number', () => InferenceSession.create(3 as never), 'ERR_DSNK_INVALID_ARGUMENT', /model must be a path, .* number came/],
    ['nothing', () => InferenceSession.create(undefined as never), 'ERR_DSNK_INVALID_ARGUMENT', /undefined came/],
    ['a URL of the web', () => InferenceSession.create(new URL('https://example.com/m.onnx')), 'ERR_DSNK_INVALID_ARGUMENT', /file:/],
    ['a range outside', () => InferenceSession.create(new ArrayBuffer(8), 4, 8), 'ERR_DSNK_INVALID_ARGUMENT', /byteOffset and byteLength/],
    ['options that are none', () => InferenceSession.create(bytes, { intraOpNumThreads: 1.5 }), 'ERR_DSNK_INVALID_ARGUMENT', /1\.5 came/],
    ['a wrong free dimension', () => InferenceSession.create(bytes, { freeDimensionOverrides: { batch: -1 } }), 'ERR_DSNK_INVALID_ARGUMENT', /batch.*-1 came/],
  ])('refuses %s', async (_, make, code, message) => {
    await expect(make()).rejects.toMatchObject({ name: 'DsnkError', code, message: expect.stringMatching(message) });
  });

  it('lists everything unsupported at once', async () => {
    const model = encode({
      name: 'many',
      input: [f32('x', 1)],
      output: [f32('y', 1)],
      node: [
        node('NoSuchOperator', ['x'], ['a']),
        { ...node('Fancy', ['a'], ['b']), domain: 'com.example' },
        node('Relu', ['b'], ['c']),
        node('AlsoNone', ['c'], ['y']),
      ],
    });
    const error = await InferenceSession.create(model).then(
      () => undefined,
      (e: Error & { code: string }) => e,
    );
    expect(error?.code).toBe('ERR_DSNK_UNSUPPORTED_OP');
    for (const part of ['NoSuchOperator "a"', 'com.example.Fancy "b"', 'AlsoNone "y"']) expect(error?.message).toContain(part);
    expect(error?.message.split('\n')).toHaveLength(4);
  });

  it('reads external data beside the model', async () => {
    const weights = Float32Array.of(1, 2, 3, 4);
    writeFileSync(join(folder, 'weights.bin'), Buffer.from(weights.buffer));
    const model = encode({
      name: 'external',
      input: [f32('x', 'n', 2)],
      output: [f32('y', 'n', 2)],
      initializer: [
        {
          name: 'w',
          dims: [2n, 2n],
          dataType: 1,
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          externalData: [
            { key: 'location', value: 'weights.bin' },
            { key: 'length', value: '16' },
          ],
        },
      ],
      node: [node('MatMul', ['x', 'w'], ['y'])],
    });
    const path = join(folder, 'external.onnx');
    writeFileSync(path, model);
    await using session = await InferenceSession.create(path);
    expect([...((await session.run({ x: floats([1, 1], [1, 2]) }))['y'] as Tensor).data]).toEqual([4, 6]);
    expect([...((await session.run({ x: floats([1, 0, 0, 1], [2, 2]) }))['y'] as Tensor).data]).toEqual([1, 2, 3, 4]);
    await expect(InferenceSession.create(model)).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_MODEL', message: expect.stringMatching(/loaded by path/) });
  });
});

describe('free dimensions', () => {
  it('are fixed by name, and compiled when the session is made', async () => {
    await using session = await InferenceSession.create(bytes, { freeDimensionOverrides: { batch: 3, other: 5 } });
    expect(session.inputMetadata[0]?.shape).toEqual([3, 64]);
    expect(session.outputMetadata[0]?.shape).toEqual([3, 64]);
    expect(session.model.programs).toHaveLength(1);
    await session.run({ x: batch(3) });
    expect(session.model.programs).toHaveLength(1);
    await expect(session.run({ x: batch(2) })).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
  });
});

describe('many programs of one session', () => {
  it('share their weights, also those that passes make', async () => {
    const b = new GraphBuilder('folded');
    const x = b.input('x', { dataType: 'float32', shape: ['batch', 8, 'h', 'h'] });
    const vector = (seed: number) => ({ type: 'float32', dims: [16], data: randomFloats(16, seed, 0.5, 1) });
    const conv = b.conv2d(x, { type: 'float32', dims: [16, 8, 3, 3], data: randomFloats(1152, 1) }, { padding: [1, 1, 1, 1] });
    const normal = b.batchNormalization(conv, vector(2), vector(3), { scale: vector(4), bias: vector(5) });
    const y = b.mul(b.add(b.relu(normal), 0.5), { type: 'float32', dims: [1, 16, 1, 1], data: randomFloats(16, 6) });
    await using folded = await InferenceSession.create(exportModel(b.build({ y })));
    const run = (n: number, h: number) => folded.run({ x: new Tensor('float32', new Float32Array(n * 8 * h * h), [n, 8, h, h]) });
    // The choice of an algorithm may differ with the size, and with it one packing: never a packing a shape.
    const packings = new Map<string, number>();
    for (const [n, h] of [
      [1, 12],
      [2, 12],
      [1, 20],
      [3, 7],
      [2, 24],
      [4, 9],
      [1, 31],
    ] as const) {
      await run(n, h);
      const { kernels } = folded.report().programs.at(-1) as { kernels: readonly { op: string; kernel: string }[] };
      const { kernel } = kernels.find((k) => k.op === 'Conv') as { kernel: string };
      if (!packings.has(kernel)) packings.set(kernel, folded.model.weightBytes);
    }
    expect(folded.model.weightBytes).toBe(Math.max(...packings.values()));
    expect(packings.size).toBeLessThanOrEqual(3);

    await using session = await InferenceSession.create(bytes);
    await session.run({ x: batch(8) });
    const before = session.model.weightBytes;
    expect(before).toBeGreaterThanOrEqual(64 * 64 * 4);
    for (const n of [16, 9, 33]) await session.run({ x: batch(n) });
    expect(session.model.programs).toHaveLength(4);
    expect(session.model.weightBytes).toBe(before);
  });

  it('run concurrently for more shapes than are kept, and beside runSync', async () => {
    await using session = await InferenceSession.create(bytes, { maxPrograms: 2 });
    await using alone = await InferenceSession.create(bytes);
    const sizes = Array.from({ length: 40 }, (_, i) => (i % 7) + 1);
    const runs = sizes.map((n) => session.run({ x: batch(n) }));
    const sync = [3, 9, 11].map((n) => session.runSync({ x: batch(n) }));
    const results = await Promise.all(runs);
    const want = new Map<number, unknown>();
    for (const n of new Set([...sizes, 3, 9, 11])) want.set(n, (await alone.run({ x: batch(n) }))['y']?.data);
    results.forEach((out, i) => {
      expect(out['y']?.data).toEqual(want.get(sizes[i] as number));
    });
    sync.forEach((out, i) => {
      expect(out['y']?.data).toEqual(want.get([3, 9, 11][i] as number));
    });
    expect(session.model.programs.length).toBeLessThanOrEqual(2);
  });

  it('stand beside a runSync at any moment of a load', async () => {
    const want = new Map<number, unknown>();
    await using alone = await InferenceSession.create(bytes);
    for (const n of [1, 2]) want.set(n, (await alone.run({ x: batch(n) }))['y']?.data);
    for (let moment = 0; moment < 12; moment++) {
      await using session = await InferenceSession.create(bytes);
      const run = session.run({ x: batch(2) });
      for (let i = 0; i < moment; i++) await undefined;
      for (const n of [1, 2]) expect(session.runSync({ x: batch(n) })['y']?.data).toEqual(want.get(n));
      expect((await run)['y']?.data).toEqual(want.get(2));
    }
  });

  it('may be released while shapes are still being compiled', async () => {
    const session = await InferenceSession.create(bytes);
    const runs = [1, 2, 3, 4].map((n) => session.run({ x: batch(n) }));
    await session.release();
    const results = await Promise.allSettled(runs);
    expect(results.map((r) => r.status)).toEqual(new Array(4).fill('fulfilled'));
    expect(() => session.runSync({ x: batch(1) })).toThrow(expect.objectContaining({ code: 'ERR_DSNK_DISPOSED' }));
  });
});
