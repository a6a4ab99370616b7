/** What an application sees around a run: a free event loop, aborts, release, workers, flat memory, no idle CPU. */
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { exportModel } from '../../lib/onnx/export.js';
import { median, slowGraph, slowInput, tinyGraph } from './fixtures.js';

const LAYERS = 16;

describe('event loop', () => {
  it('stays free during runs of 200 ms and more', async () => {
    await using session = await InferenceSession.fromGraph(slowGraph(LAYERS), { intraOpNumThreads: 1 });
    const x = slowInput();
    await session.run({ x });
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    const durations: number[] = [];
    histogram.enable();
    for (let i = 0; i < 6; i++) {
      const start = performance.now();
      await session.run({ x });
      durations.push(performance.now() - start);
    }
    histogram.disable();
    expect(median(durations)).toBeGreaterThan(200);
    // The copies of 4 MB in and out happen here; nothing else may.
    expect(histogram.percentile(99) / 1e6).toBeLessThan(5);
  });

  it('leaves the thread pool of files and names alone while 8 runs are queued', async () => {
    await using session = await InferenceSession.fromGraph(slowGraph(LAYERS), { intraOpNumThreads: 1 });
    const x = slowInput();
    let running = true;
    const runs = Promise.all(Array.from({ length: 8 }, () => session.run({ x }))).then(() => {
      running = false;
    });
    const reads: number[] = [];
    while (running && reads.length < 40) {
      const start = performance.now();
      await readFile(fileURLToPath(import.meta.url));
      reads.push(performance.now() - start);
      await sleep(5);
    }
    expect(reads.length).toBeGreaterThan(10);
    expect(median(reads)).toBeLessThan(10);
    await runs;
  });
});

describe('abort', () => {
  it('rejects a long run at once and leaves the session usable', async () => {
    await using session = await InferenceSession.fromGraph(slowGraph(60), { intraOpNumThreads: 1 });
    const x = slowInput();
    const start = performance.now();
    const reason = new Error('too slow');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    await expect(session.run({ x }, { signal: controller.signal })).rejects.toBe(reason);
    expect(performance.now() - start).toBeLessThan(150);
    // The work itself stops too: a short run behind it does not wait a second.
    await using small = await InferenceSession.fromGraph(slowGraph(1), { intraOpNumThreads: 1 });
    const next = performance.now();
    const { y } = await small.run({ x });
    expect(performance.now() - next).toBeLessThan(400);
    expect((y?.data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  it('does not start with a signal that is aborted already', async () => {
    await using session = await InferenceSession.fromGraph(tinyGraph());
    await expect(session.run({ x: new Tensor('float32', new Float32Array(4), [1, 4]) }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('release', () => {
  it('waits for a run in flight and refuses the next', async () => {
    const session = await InferenceSession.fromGraph(slowGraph(4), { intraOpNumThreads: 2 });
    const x = slowInput();
    const run = session.run({ x });
    const released = session.release();
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    expect((await run)['y']?.dims).toEqual([1024, 1024]);
    await released;
  });

  it('gives memory back: 1,000 × load, run, release', async () => {
    const bytes = exportModel(slowGraph(1));
    const x = slowInput();
    const rss: number[] = [];
    for (let i = 0; i < 1000; i++) {
      const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
      // One real run now and then; the rest of the cycle is what leaks would come from.
      if (i % 50 === 0) await session.run({ x });
      await session.release();
      if (i >= 100) {
        if (i % 50 === 0) globalThis.gc?.();
        rss.push(process.memoryUsage.rss());
      }
    }
    // Least-squares slope over the last 900 cycles.
    const n = rss.length;
    const meanX = (n - 1) / 2;
    const meanY = rss.reduce((a, b) => a + b, 0) / n;
    let [sxy, sxx] = [0, 0];
    rss.forEach((v, i) => {
      sxy += (i - meanX) * (v - meanY);
      sxx += (i - meanX) ** 2;
    });
    expect((sxy / sxx) * n).toBeLessThan(1e6 + 8e6 /* V8 decides when it returns its own garbage */);
  });
});

describe('workers', () => {
  it('load, run and are terminated in mid-run', async () => {
    const bytes = exportModel(slowGraph(LAYERS));
    const source = `
      import { workerData, parentPort } from 'node:worker_threads';
      const { InferenceSession, Tensor } = await import(workerData.entry);
      const session = await InferenceSession.create(workerData.bytes, { intraOpNumThreads: 1 });
      const x = new Tensor('float32', new Float32Array(1024 * 1024), [1024, 1024]);
      parentPort.postMessage('running');
      for (;;) await session.run({ x });`;
    const entry = new URL('../../dist/index.js', import.meta.url).href;
    const one = () =>
      new Promise<number>((done, fail) => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { bytes, entry } });
        worker.once('error', fail);
        worker.once('message', () => setTimeout(() => worker.terminate().then(done, fail), Math.random() * 40));
      });
    for (let round = 0; round < 5; round++) expect(await Promise.all(Array.from({ length: 8 }, one))).toEqual(new Array(8).fill(1));
    // and the main thread still works
    await using session = await InferenceSession.fromGraph(tinyGraph());
    expect((await session.run({ x: new Tensor('float32', Float32Array.of(-1, 2, -3, 4), [1, 4]) }))['y']?.data).toEqual(Float32Array.of(0, 2, 0, 4));
  });
});

describe('idle', () => {
  it('costs no CPU with a loaded model', async () => {
    await using session = await InferenceSession.fromGraph(slowGraph(2), { intraOpNumThreads: 2 });
    await session.run({ x: slowInput() });
    await sleep(200);
    const before = process.cpuUsage();
    await sleep(3000);
    const { user, system } = process.cpuUsage(before);
    // 5 ms in 10 s is the promise; the test runner's own timers are part of what is measured here.
    expect((user + system) / 1000).toBeLessThan(5);
  });
});
