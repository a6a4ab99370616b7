#!/usr/bin/env node
// `npm run bench:runtime [-- <measurement>… --json]`: what an application sees around a run. Each measurement prints what was
// asked and what was found; test/runtime/lifecycle.test.ts runs them too and asserts. Runs itself with --expose-gc.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

const self = fileURLToPath(import.meta.url);
if (typeof globalThis.gc !== 'function') {
  process.exit(spawnSync(process.execPath, ['--expose-gc', self, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1);
}
const entry = new URL('../dist/index.js', import.meta.url).href;
const { GraphBuilder, InferenceSession, Tensor, exportModel } = await import(entry);

const WIDTH = 1024;
const noise = (length, scale) => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) * scale);

/** `layers` products of [1024,1024] matrices, about 20 ms each on one core. */
function slowGraph(layers) {
  const b = new GraphBuilder('slow');
  let x = b.input('x', { dataType: 'float32', shape: [WIDTH, WIDTH] });
  const w = b.constant({ type: 'float32', dims: [WIDTH, WIDTH], data: noise(WIDTH * WIDTH, 0.04) });
  for (let i = 0; i < layers; i++) x = b.matmul(x, w);
  return b.build({ y: x });
}

function tinyGraph(length = 4) {
  const b = new GraphBuilder('tiny');
  return b.build({ y: b.relu(b.input('x', { dataType: 'float32', shape: [1, length] })) });
}

/** A model file of about `megabytes`, of many medium-sized weights, as real ones are. */
function weightyFile(megabytes) {
  const b = new GraphBuilder('weighty');
  let x = b.input('x', { dataType: 'float32', shape: [1, WIDTH] });
  for (let i = 0; i < megabytes / 4; i++) x = b.matmul(x, b.constant({ type: 'float32', dims: [WIDTH, WIDTH], data: noise(WIDTH * WIDTH, 0.04) }));
  const path = join(tmpdir(), `dsnk-weighty-${process.pid}.onnx`);
  writeFileSync(path, exportModel(b.build({ y: x })));
  return path;
}

const slowInput = () => new Tensor('float32', noise(WIDTH * WIDTH, 1), [WIDTH, WIDTH]);
const addressSpaceMB = () => Number(/^VmSize:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1e3;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const one = { intraOpNumThreads: 1 };

const measurements = {
  /** p99 of the event loop's delay while runs of ≥ 200 ms follow each other. */
  async eventLoop() {
    const session = await InferenceSession.fromGraph(slowGraph(16), one);
    const x = slowInput();
    await session.run({ x });
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    const runs = [];
    histogram.enable();
    for (let i = 0; i < 8; i++) {
      const start = performance.now();
      await session.run({ x });
      runs.push(performance.now() - start);
    }
    histogram.disable();
    await session.release();
    return { runMs: median(runs), delayP99Ms: histogram.percentile(99) / 1e6 - 1 };
  },

  /** Reading a file while 8 runs are queued. */
  async filesDuringRuns() {
    const session = await InferenceSession.fromGraph(slowGraph(16), one);
    const x = slowInput();
    let running = true;
    const runs = Promise.all(Array.from({ length: 8 }, () => session.run({ x }))).then(() => {
      running = false;
    });
    const reads = [];
    while (running) {
      const start = performance.now();
      await readFile(self);
      reads.push(performance.now() - start);
      await sleep(5);
    }
    await runs;
    await session.release();
    return { reads: reads.length, readMedianMs: median(reads) };
  },

  /** Address space that runs in the queue hold, of a model with 16 MB of intermediate results, 2 kB of inputs and 4 B of outputs. */
  async queue() {
    const b = new GraphBuilder('wide');
    const x = b.input('x', { dataType: 'float32', shape: [512, 1] });
    const wide = b.matmul(x, b.constant({ type: 'float32', dims: [1, 8192], data: noise(8192, 1) }));
    const session = await InferenceSession.fromGraph(b.build({ y: b.reduceMax(b.softmax(wide)) }), one);
    const feeds = { x: new Tensor('float32', noise(512, 1), [512, 1]) };
    await session.run(feeds);
    const arenaMB = session.report().programs[0].memory.arenaBytes / 1e6;
    const before = addressSpaceMB();
    const queued = 256;
    const runs = Promise.all(Array.from({ length: queued }, () => session.run(feeds)));
    const growthMB = addressSpaceMB() - before;
    await runs;
    await session.release();
    return { queued, arenaMB, growthMB };
  },

  /** CPU time of a process with a loaded model and nothing to do. */
  async idle() {
    const session = await InferenceSession.fromGraph(slowGraph(2));
    await session.run({ x: slowInput() });
    await sleep(500);
    const before = process.cpuUsage();
    await sleep(10_000);
    const { user, system } = process.cpuUsage(before);
    await session.release();
    return { cpuMsIn10s: (user + system) / 1000 };
  },

  /**
   * Growth of the resident set over the last 900 of 1,000 × load, run, release (least-squares slope × 900), after 1,000 cycles
   * in which V8 optimizes the compiler's own code: a loop of imports and compiles alone, without the addon, grows by 2 MB
   * there and is flat afterwards.
   */
  async release() {
    const b = new GraphBuilder('small');
    let v = b.input('x', { dataType: 'float32', shape: [16, 256] });
    for (let i = 0; i < 4; i++) v = b.relu(b.matmul(v, b.constant({ type: 'float32', dims: [256, 256], data: noise(256 * 256, 0.1) })));
    const bytes = exportModel(b.build({ y: v }));
    const x = new Tensor('float32', noise(16 * 256, 1), [16, 256]);
    const rss = [];
    const warmUp = 1000;
    for (let i = -warmUp; i < 1000; i++) {
      const session = await InferenceSession.create(bytes, one);
      await session.run({ x });
      await session.release();
      globalThis.gc();
      if (i < 100 || i % 10 !== 0) continue;
      await sleep(1); // finalizers run between tasks
      rss.push(process.memoryUsage.rss());
    }
    const mean = rss.reduce((a, b) => a + b, 0) / rss.length;
    const middle = (rss.length - 1) / 2;
    let [sxy, sxx] = [0, 0];
    rss.forEach((v, i) => {
      sxy += (i - middle) * (v - mean);
      sxx += (i - middle) ** 2;
    });
    return { growthMB: ((sxy / sxx) * rss.length) / 1e6, rssMB: mean / 1e6 };
  },

  /** 8 workers load, run and are terminated in mid-run, 50 times. */
  async workers(rounds = 50) {
    const bytes = exportModel(slowGraph(16));
    const source = `
      import { workerData, parentPort } from 'node:worker_threads';
      const { InferenceSession, Tensor } = await import(workerData.entry);
      const session = await InferenceSession.create(workerData.bytes, { intraOpNumThreads: 1 });
      const x = new Tensor('float32', new Float32Array(1024 * 1024), [1024, 1024]);
      parentPort.postMessage('running');
      for (;;) await session.run({ x });`;
    const worker = () =>
      new Promise((done, fail) => {
        const w = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { bytes, entry } });
        w.once('error', fail);
        w.once('message', () => setTimeout(() => w.terminate().then(done, fail), Math.random() * 20));
      });
    let ended = 0;
    for (let round = 0; round < rounds; round++) ended += (await Promise.all(Array.from({ length: 8 }, worker))).length;
    return { workersEnded: ended };
  },

  /** Abort at 100 ms of a run of a second. */
  async abort() {
    const session = await InferenceSession.fromGraph(slowGraph(60), one);
    const x = slowInput();
    const controller = new AbortController();
    const start = performance.now();
    setTimeout(() => controller.abort(), 100);
    let rejectedMs = Number.NaN;
    await session.run({ x }, { signal: controller.signal }).catch(() => {
      rejectedMs = performance.now() - start;
    });
    const next = await InferenceSession.fromGraph(slowGraph(1), one);
    const { y } = await next.run({ x });
    const right = y.data.every(Number.isFinite) && y.data.some((v) => v !== 0);
    const nextMs = performance.now() - start - rejectedMs;
    await session.release();
    await next.release();
    return { rejectedAfterMs: rejectedMs - 100, nextRunMs: nextMs, nextRunRight: right };
  },

  /** What a call costs beside the work: a model of one small node. */
  async overhead() {
    const session = await InferenceSession.fromGraph(tinyGraph(), one);
    const feeds = { x: new Tensor('float32', new Float32Array(4), [1, 4]) };
    await session.run(feeds);
    const sync = [];
    for (let i = 0; i < 200; i++) {
      const start = process.hrtime.bigint();
      for (let k = 0; k < 200; k++) session.runSync(feeds);
      sync.push(Number(process.hrtime.bigint() - start) / 200e3);
    }
    const async = [];
    for (let i = 0; i < 3000; i++) {
      const start = process.hrtime.bigint();
      await session.run(feeds);
      async.push(Number(process.hrtime.bigint() - start) / 1e3);
    }
    await session.release();
    return { runSyncUs: median(sync), runMedianUs: median(async) };
  },

  /** Highest resident set while a model file is loaded, over that before. */
  async load() {
    const path = weightyFile(200);
    const fileMB = statSync(path).size / 1e6;
    // A process of its own: the peak of a process never falls.
    const child = `
      const { readFileSync } = await import('node:fs');
      const { InferenceSession } = await import(${JSON.stringify(entry)});
      const status = (key) => Number(new RegExp(key + ':[^0-9]+([0-9]+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1e3;
      globalThis.gc();
      const before = status('VmRSS');
      const start = performance.now();
      const session = await InferenceSession.create(${JSON.stringify(path)});
      const ms = performance.now() - start;
      console.log(JSON.stringify({ peakMB: status('VmHWM') - before, ms }));
      await session.release();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', child], { encoding: 'utf8' });
    spawnSync('rm', ['-f', path]);
    if (!stdout) throw new Error(stderr);
    const { peakMB, ms } = JSON.parse(stdout);
    return { fileMB, peakOverBaseMB: peakMB, limitMB: 1.5 * fileMB + 40, loadMs: ms };
  },

  /**
   * A decoder's steps, its past fed and kept: growth of the resident set over the last 480 of 1,000, whose past has more than a megabyte; and what
   * of a state with room for 32,768 tokens is taken, after 100 steps and a reset.
   */
  async decode() {
    const [heads, width] = [64, 8];
    const b = new GraphBuilder('decoder');
    const x = b.input('x', { dataType: 'float32', shape: [1, heads, 1, width] });
    const past = b.input('past', { dataType: 'float32', shape: [1, heads, 'P', width] });
    const present = b.concat([past, x], 2);
    const scores = b.softmax(b.matmul(x, b.transpose(present, { permutation: [0, 1, 3, 2] })), 3);
    const graph = b.build({ y: b.matmul(scores, present), present });
    const row = new Tensor('float32', noise(heads * width, 1), [1, heads, 1, width]);
    const rssMB = async () => {
      globalThis.gc();
      await sleep(20); // arrays are swept by another thread
      return process.memoryUsage.rss() / 1e6;
    };
    const growthMB = async (step) => {
      // Programs double the tokens that they have room for: the last compiles for the 512th.
      for (let i = 0; i < 520; i++) await step();
      const before = await rssMB();
      for (let i = 520; i < 1000; i++) await step();
      return (await rssMB()) - before;
    };
    const fed = await InferenceSession.fromGraph(graph, one);
    let kept = new Tensor('float32', new Float32Array(), [1, heads, 0, width]);
    const fedGrowthMB = await growthMB(async () => {
      kept = (await fed.run({ x: row, past: kept })).present;
    });
    await fed.release();
    const bound = async (capacity) => {
      const session = await InferenceSession.fromGraph(graph, one);
      session.bindState('present', 'past', { capacity });
      return session;
    };
    const session = await bound(1000);
    const keptGrowthMB = await growthMB(() => session.run({ x: row }));
    await session.release();
    const roomy = await bound(32_768);
    const empty = await rssMB();
    for (let i = 0; i < 100; i++) await roomy.run({ x: row });
    const [roomMB, takenMB] = [roomy.state.byteLength / 1e6, (await rssMB()) - empty];
    await roomy.state.reset();
    const resetMB = (await rssMB()) - empty;
    await roomy.release();
    return { fedGrowthMB, keptGrowthMB, roomMB, takenMB, resetMB };
  },

  /** Highest resident set of a process that quantizes a network, calibrated on 20 feeds and on 1,000 of them: nothing of a feed is kept but what biases are corrected on. */
  async calibration() {
    const child = (feeds) => `
      const { readFileSync } = await import('node:fs');
      const { GraphBuilder, quantize, Tensor } = await import(${JSON.stringify(entry)});
      const noise = (length, seed) => Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed));
      const b = new GraphBuilder('network');
      let x = b.input('x', { dataType: 'float32', shape: [4, 3, 64, 64] });
      let channels = 3;
      for (const wide of [16, 32, 32, 64]) {
        const w = b.constant({ type: 'float32', dims: [wide, channels, 3, 3], data: noise(wide * channels * 9, wide) });
        x = b.relu(b.conv2d(x, w, { padding: [1, 1, 1, 1], strides: [2, 2] }));
        channels = wide;
      }
      async function* calibration() {
        for (let i = 0; i < ${feeds}; i++) yield { x: new Tensor('float32', noise(4 * 3 * 64 * 64, i), [4, 3, 64, 64]) };
      }
      const { report } = await quantize(b.build({ y: x }), { calibration: calibration(), intraOpNumThreads: 1 });
      const peakMB = Number(/VmHWM:[^0-9]+([0-9]+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1e3;
      console.log(JSON.stringify({ peakMB, feeds: report.feeds }));`;
    const peakOf = (feeds) => {
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', child(feeds)], { encoding: 'utf8' });
      if (!stdout) throw new Error(stderr);
      const found = JSON.parse(stdout);
      if (found.feeds !== feeds) throw new Error(`${found.feeds} feeds were read`);
      return found.peakMB;
    };
    const [few, many] = [peakOf(20), peakOf(1000)];
    return { feedsMB: (1000 * 4 * 3 * 64 * 64 * 4) / 1e6, peakOf20MB: few, peakOf1000MB: many, apartMB: many - few };
  },
};

const { values: flags, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' }, rounds: { type: 'string' } } });
const results = {};
for (const name of positionals.length ? positionals : Object.keys(measurements)) {
  results[name] = await measurements[name](name === 'workers' && flags.rounds ? Number(flags.rounds) : undefined);
  if (!flags.json) {
    const text = Object.entries(results[name]).map(([key, v]) => `${key} ${typeof v === 'number' ? Number(v.toPrecision(4)) : v}`);
    console.log(`${name.padEnd(16)} ${text.join('   ')}`);
  }
}
if (flags.json) console.log(JSON.stringify(results));
