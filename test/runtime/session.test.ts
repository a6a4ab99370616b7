import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';

/** y = reshape(x, [-1, 2]); s = shape(x) */
function reshapeGraph(): Graph {
  const graph = new Graph('reshape');
  const x = graph.addInput('x', 'float32', ['n', 4]);
  const shape = graph.addInput('shape', 'int64', [2]);
  const y = graph.addNode('Reshape', [x, shape], { name: 'y' });
  const s = graph.addNode('Shape', [x], { name: 's' });
  graph.outputs.push(y.output(), s.output());
  return graph;
}

const floats = (dims: number[], from = 0) =>
  new Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => from + i),
    dims,
  );
const shape = (...dims: number[]) => new Tensor('int64', BigInt64Array.from(dims, BigInt), [dims.length]);

describe('InferenceSession', () => {
  it('runs off the event loop and on it, for any batch, with contents that decide shapes', async () => {
    const session = await InferenceSession.fromGraph(reshapeGraph(), { intraOpNumThreads: 2 });
    expect(session.inputNames).toEqual(['x', 'shape']);
    expect(session.inputMetadata[0]).toEqual({ name: 'x', isTensor: true, type: 'float32', shape: ['n', 4] });
    for (const n of [1, 3, 0, 2]) {
      const results = await session.run({ x: floats([n, 4]), shape: shape(2 * n, 2) });
      expect(results['y']?.dims).toEqual([2 * n, 2]);
      expect(results['y']?.data).toEqual(floats([n, 4]).data);
      expect(results['s']?.data).toEqual(BigInt64Array.of(BigInt(n), 4n));
    }
    const sync = session.runSync({ x: floats([2, 4], 5), shape: shape(4, 2) }, ['y']);
    expect(Object.keys(sync)).toEqual(['y']);
    expect(sync['y']?.data).toEqual(floats([2, 4], 5).data);
    // same dims, other contents: another program, not a wrong one
    expect((await session.run({ x: floats([2, 4]), shape: shape(8, 1) }))['y']?.dims).toEqual([8, 1]);
    await session.release();
    await expect(session.run({ x: floats([1, 4]), shape: shape(2, 2) })).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    await session.release();
  });

  it('has copied its inputs when run returns, whether it compiles first or not', async () => {
    await using session = await InferenceSession.fromGraph(reshapeGraph());
    for (const note of ['compiles', 'compiled']) {
      const x = floats([1, 4]);
      const s = shape(2, 2);
      const running = session.run({ x, shape: s });
      (x.data as Float32Array).fill(9);
      (s.data as BigInt64Array).set([1n, 4n]);
      expect((await running)['y'], note).toMatchObject({ dims: [2, 2], data: Float32Array.of(0, 1, 2, 3) });
    }
    // bytes in a Buffer, whose slices are views; and a length that only the run tells
    const graph = new Graph('filter');
    const bytes = graph.addInput('bytes', 'uint8', ['n']);
    const keep = graph.addInput('keep', 'bool', ['n']);
    graph.outputs.push(graph.addNode('Compress', [bytes, keep], { name: 'kept' }).output());
    await using filter = await InferenceSession.fromGraph(graph);
    for (const note of ['compiles', 'compiled']) {
      const feeds = {
        bytes: { type: 'uint8', dims: [3], data: Buffer.from([5, 6, 7]) },
        keep: { type: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) },
      };
      const running = filter.run(feeds);
      feeds.bytes.data.fill(9);
      feeds.keep.data.fill(1);
      expect((await running)['kept'], note).toMatchObject({ dims: [2], data: Uint8Array.of(5, 7) });
    }
  });

  it('says what memory is missing for a result', async () => {
    const graph = new Graph('large');
    const x = graph.addInput('x', 'float32', [1]);
    const s = graph.addInput('shape', 'int64', [1]);
    graph.outputs.push(graph.addNode('Expand', [x, s], { name: 'y' }).output());
    await using session = await InferenceSession.fromGraph(graph);
    // in 32 bits also what would wrap around to 4 KB
    for (const length of process.arch === 'arm' ? [2 ** 40, 2 ** 30 + 1024, 2 ** 29] : [2 ** 40]) {
      const feeds = { x: floats([1]), shape: shape(length) };
      await expect(session.run(feeds)).rejects.toMatchObject({ code: 'ERR_DSNK_OUT_OF_MEMORY' });
      expect(() => session.runSync(feeds)).toThrow(expect.objectContaining({ code: 'ERR_DSNK_OUT_OF_MEMORY' }));
    }
  });

  it.skipIf(process.arch === 'arm' || process.env['DSNK_EMULATED'] === '1')('says what memory is missing for a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dsnk-memory-'));
    try {
      // A gigabyte of holes, read by a process that may grow by half of that.
      const path = join(folder, 'large.onnx');
      writeFileSync(path, '');
      truncateSync(path, 2 ** 30);
      const code = `
        import { readFileSync } from 'node:fs';
        import { execFileSync } from 'node:child_process';
        import { InferenceSession } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
        await InferenceSession.create('none').catch(() => {});
        const kilobytes = Number(/^VmSize:\\s*(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
        execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (kilobytes * 1024 + 2 ** 29)]);
        await InferenceSession.create(${JSON.stringify(path)}).catch((error) => console.log(error.code, error.message));`;
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
      expect(said).toMatch(/^ERR_DSNK_OUT_OF_MEMORY model ".*large\.onnx": the system must have the memory for the file/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names wrong arguments of every kind', async () => {
    const invalid = { name: 'DsnkError', code: 'ERR_DSNK_INVALID_ARGUMENT' };
    const wrong = (value: unknown) => value as never;
    await expect(InferenceSession.create(new URL('https://example.org/model.onnx'))).rejects.toMatchObject(invalid);
    const bytes = new ArrayBuffer(8);
    await expect(InferenceSession.create(bytes, 9, 4)).rejects.toMatchObject(invalid);
    await expect(InferenceSession.create(bytes, -1)).rejects.toMatchObject(invalid);
    structuredClone(bytes, { transfer: [bytes] });
    await expect(InferenceSession.create(bytes)).rejects.toMatchObject(invalid);
    for (const path of ['.', `${import.meta.filename}\0.onnx`]) {
      await expect(InferenceSession.create(path)).rejects.toThrow(/file must be readable, (Is a directory|Invalid argument)/);
    }
    for (const n of [-1, 1.5, Number.NaN, '3', 3n]) {
      await expect(InferenceSession.fromGraph(reshapeGraph(), { freeDimensionOverrides: { n: wrong(n) } })).rejects.toMatchObject(invalid);
    }
    for (const options of [
      null,
      5,
      { skipPasses: 5 },
      { skipPasses: 'fuse-bands' },
      { skipPasses: ['fuse-band'] },
      { winograd: Object.create(null) },
      { intraOpNumThreads: Symbol('two') },
    ]) {
      await expect(InferenceSession.fromGraph(reshapeGraph(), wrong(options))).rejects.toMatchObject(invalid);
    }
    for (const executionProviders of ['cpu', 5]) {
      await expect(InferenceSession.fromGraph(reshapeGraph(), { executionProviders: wrong(executionProviders) })).rejects.toMatchObject(invalid);
    }
    const unknown = { name: 'DsnkError', code: 'ERR_DSNK_DEVICE_UNAVAILABLE' };
    await expect(InferenceSession.fromGraph(reshapeGraph(), { executionProviders: [wrong(null)] })).rejects.toMatchObject(unknown);

    await using session = await InferenceSession.fromGraph(reshapeGraph());
    const feeds = { x: floats([1, 4]), shape: shape(2, 2) };
    for (const graph of [undefined, null, 5, {}]) await expect(InferenceSession.fromGraph(wrong(graph))).rejects.toMatchObject(invalid);
    for (const second of ['y', 5]) await expect(session.run(feeds, wrong(second))).rejects.toMatchObject(invalid);
    for (const signal of [5, {}]) await expect(session.run(feeds, { signal: wrong(signal) })).rejects.toMatchObject(invalid);
    expect(Object.keys(await session.run(feeds, { signal: wrong(null) }))).toEqual(['y', 's']);
    for (const dims of [[1n, 4n], new Array(2), '14']) {
      await expect(session.run({ ...feeds, x: { type: 'float32', dims: wrong(dims), data: new Float32Array(1) } })).rejects.toMatchObject(invalid);
    }
  });

  it('divides by norms whose inverse is too large for a float', async () => {
    // NEON of 32-bit ARM takes denormal numbers as zeros (ARCHITECTURE.md), and a norm of 0 has elements of 0.
    const half = process.arch === 'arm' ? 0 : 0.5;
    for (const axis of [0, 1]) {
      const graph = new Graph('norm');
      const x = graph.addInput('x', 'float32', [2, 2]);
      graph.outputs.push(graph.addNode('LpNormalization', [x], { name: 'y', attrs: { axis, p: 1 } }).output());
      await using session = await InferenceSession.fromGraph(graph);
      const tiny = new Tensor('float32', new Float32Array(4).fill(2 ** -130), [2, 2]);
      expect(((await session.run({ x: tiny }))['y'] as Tensor).data).toEqual(new Float32Array(4).fill(half));
    }
  });

  it('takes names that every object has', async () => {
    const graph = new Graph('names');
    const x = graph.addInput('x', 'float32', ['toString']);
    graph.outputs.push(graph.addNode('Neg', [x], { name: '__proto__' }).output());
    await using session = await InferenceSession.fromGraph(graph, { freeDimensionOverrides: {} });
    const results = await session.run({ x: floats([2], 1) });
    expect(Object.entries(results).map(([name, t]) => [name, [...(t.data as Float32Array)]])).toEqual([['__proto__', [-1, -2]]]);
  });

  it('writes into tensors of the caller', async () => {
    await using session = await InferenceSession.fromGraph(reshapeGraph());
    const y = floats([2, 2], 100);
    const results = await session.run({ x: floats([1, 4]), shape: shape(2, 2) }, { y });
    expect(results['y']).toBe(y);
    expect([...(y.data as Float32Array)]).toEqual([0, 1, 2, 3]);
    await expect(session.run({ x: floats([1, 4]), shape: shape(2, 2) }, { y: floats([3, 2]) })).rejects.toMatchObject({ code: 'ERR_DSNK_SHAPE_MISMATCH' });
  });

  it('runs the same first shape concurrently with different contents', async () => {
    await using session = await InferenceSession.fromGraph(reshapeGraph());
    const all = await Promise.all([shape(4, 2), shape(2, 4), shape(8, 1), shape(1, 8), shape(4, 2)].map((s) => session.run({ x: floats([2, 4]), shape: s })));
    expect(all.map((r) => r['y']?.dims)).toEqual([
      [4, 2],
      [2, 4],
      [8, 1],
      [1, 8],
      [4, 2],
    ]);
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['an unknown name', { x: floats([1, 4]), shape: shape(4), z: floats([1]) }, 'ERR_DSNK_INVALID_ARGUMENT', /feeds must be named "x", "shape", "z" came/],
    ['a missing feed', { x: floats([1, 4]) }, 'ERR_DSNK_INVALID_ARGUMENT', /"shape" is missing/],
    ['a wrong shape', { x: floats([1, 5]), shape: shape(4, 1) }, 'ERR_DSNK_SHAPE_MISMATCH', /input "x": shape must be \[n,4\], \[1,5\] came/],
    [
      'a wrong type',
      { x: new Tensor('int32', Int32Array.of(1, 2, 3, 4), [1, 4]), shape: shape(4, 1) },
      'ERR_DSNK_DTYPE_MISMATCH',
      /input "x": element type must be float32, int32 came/,
    ],
    [
      'data of another length',
      { x: { type: 'float32', dims: [1, 4], data: new Float32Array(3) }, shape: shape(4, 1) },
      'ERR_DSNK_SHAPE_MISMATCH',
      /data must hold 4 elements/,
    ],
    ['no tensor', { x: null, shape: shape(4, 1) }, 'ERR_DSNK_INVALID_ARGUMENT', /must be a Tensor, null came/],
    ['a reshape that does not fit', { x: floats([1, 4]), shape: shape(3, 3) }, 'ERR_DSNK_SHAPE_MISMATCH', /Reshape "y"/],
  ])('refuses %s and goes on working', async (_, feeds, code, message) => {
    await using session = await InferenceSession.fromGraph(reshapeGraph());
    await expect(session.run(feeds as never)).rejects.toMatchObject({ name: 'DsnkError', code, message: expect.stringMatching(message) });
    expect((await session.run({ x: floats([1, 4]), shape: shape(4, 1) }))['y']?.dims).toEqual([4, 1]);
  });

  it('reads the feeds before run returns, compiled or not', async () => {
    await using session = await InferenceSession.fromGraph(reshapeGraph());
    for (let i = 0; i < 2; i++) {
      const x = floats([2, 4]);
      const s = shape(4, 2);
      const run = session.run({ x, shape: s });
      (x.data as Float32Array).fill(-1);
      (s.data as BigInt64Array).fill(1n);
      const { y } = await run;
      expect(Array.from((y as Tensor).data as Float32Array)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it('rejects at once when it is aborted during the first compile, and works afterwards', async () => {
    await using session = await InferenceSession.fromGraph(reshapeGraph());
    const controller = new AbortController();
    const run = session.run({ x: floats([2, 4]), shape: shape(4, 2) }, { signal: controller.signal });
    let settled = false;
    run.catch(() => {
      settled = true;
    });
    controller.abort(new Error('changed my mind'));
    await Promise.resolve();
    await Promise.resolve();
    expect(settled).toBe(true);
    await expect(run).rejects.toThrow('changed my mind');
    expect((await session.run({ x: floats([2, 4]), shape: shape(4, 2) }))['y']?.dims).toEqual([4, 2]);
  });

  it('keeps no more programs than it may', async () => {
    await using session = await InferenceSession.fromGraph(reshapeGraph(), { maxPrograms: 2 });
    for (let n = 1; n < 6; n++) await session.run({ x: floats([n, 4]), shape: shape(n * 4, 1) });
    expect(session.model.programs).toHaveLength(2);
  });

  it('refuses a provider and thread counts that do not exist', async () => {
    await expect(InferenceSession.fromGraph(reshapeGraph(), { executionProviders: ['tpu'] })).rejects.toMatchObject({ code: 'ERR_DSNK_DEVICE_UNAVAILABLE' });
    await expect(InferenceSession.fromGraph(reshapeGraph(), { intraOpNumThreads: 0 })).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_ARGUMENT' });
  });
});
