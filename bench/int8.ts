/**
 * `npm run bench:int8 [-- --threads 1 --seconds 4 --only mobilenet --json file --nodes]`: networks that `quantize` made 8-bit, on this
 * package, on onnxruntime-node with the same file, and in float32 on this package, in alternation in one process. Ratios > 1
 * mean that the quantized model on this package is faster. `--nodes` lists what every kernel of ours took instead.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Graph } from '../lib/graph/graph.js';
import { InferenceSession, quantize, Tensor } from '../lib/index.js';
import { exportModel } from '../lib/onnx/export.js';
import { native } from '../lib/runtime/native.js';
import { mobileNetV2, mobileNetV3Large, resNet18, resNet50 } from './models/cnn.js';
import { loadPeer } from './peer.js';
import { type Summary, summarize, table } from './statistics.js';
import { takeTurn } from './turns.js';

const { values: args } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
    json: { type: 'string' },
    nodes: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
  },
});

const models: readonly { readonly name: string; readonly build: () => Graph }[] = [
  { name: 'ResNet18', build: resNet18 },
  { name: 'ResNet50', build: resNet50 },
  { name: 'MobileNetV2', build: mobileNetV2 },
  { name: 'MobileNetV3-L', build: mobileNetV3Large },
];

const dims = [1, 3, 224, 224];
/** Waves of several lengths and directions: smooth, as pictures are, and no two alike. */
const picture = (seed: number) =>
  Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => {
    const [x, y, c] = [i % 224, Math.floor(i / 224) % 224, Math.floor(i / 224 / 224)];
    return Math.sin(x * 0.03 * (seed + 1) + c) + Math.cos(y * 0.05 * (seed + 2) - c) * Math.sin((x + y) * 0.011 * seed);
  });

const folder = join(import.meta.dirname, '..', 'build', 'bench-models');
mkdirSync(folder, { recursive: true });

async function files(name: string, build: () => Graph): Promise<{ float: string; int8: string }> {
  const paths = { float: join(folder, `${name}.onnx`), int8: join(folder, `${name}.int8.onnx`) };
  if (args.fresh || !existsSync(paths.float)) writeFileSync(paths.float, exportModel(build()));
  if (args.fresh || !existsSync(paths.int8)) {
    const calibration = Array.from({ length: 8 }, (_, i) => ({ input: new Tensor('float32', picture(i), dims) }));
    writeFileSync(paths.int8, (await quantize(paths.float, { calibration, biasCorrection: false })).bytes);
  }
  return paths;
}

/** How much of the peer's result ours keeps, in dB. */
function agreement(ours: Float32Array, theirs: Float32Array): number {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < theirs.length; i++) {
    signal += (theirs[i] as number) ** 2;
    noise += ((ours[i] as number) - (theirs[i] as number)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

interface Row {
  readonly model: string;
  readonly threads: number;
  readonly int8: Summary;
  readonly peer: Summary;
  readonly float: Summary;
  readonly agreementDb: number;
}

const cpu = native().cpu();
const peer = loadPeer();
console.log(`${cpu.model}, ${cpu.isa}; node ${process.version}; onnxruntime-node ${peer.version}; ${args.seconds} s per model and thread count`);

async function listNodes(path: string, threads: number): Promise<void> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: threads });
  const feeds = { input: new Tensor('float32', picture(3), dims) };
  const best = new Map<number, number>();
  let nodes = (await session.profile(feeds)).nodes;
  for (let run = 0; run < 30; run++) {
    nodes = (await session.profile(feeds)).nodes;
    for (const [i, n] of nodes.entries()) best.set(i, Math.min(best.get(i) ?? Number.POSITIVE_INFINITY, n.timeNs));
  }
  const us = (i: number) => ((best.get(i) as number) / 1e3).toFixed(1);
  console.log(table([['us', 'kernel', 'op', 'node'], ...nodes.map((n, i) => [us(i), n.kernel, n.op, n.node])]));
  console.log(`sum ${([...best.values()].reduce((a, b) => a + b, 0) / 1e6).toFixed(2)} ms`);
  await session.release();
}

async function measure(model: string, paths: { float: string; int8: string }, threads: number): Promise<Row> {
  const options = { intraOpNumThreads: threads };
  const [int8, float, theirs] = [
    await InferenceSession.create(paths.int8, options),
    await InferenceSession.create(paths.float, options),
    await peer.create(paths.int8, threads),
  ];
  const data = picture(3);
  const [feeds, peerFeeds] = [{ input: new Tensor('float32', data, dims) }, { input: new peer.Tensor('float32', data, dims) }];
  const [a, b] = [await int8.run(feeds), await theirs.run(peerFeeds)];
  const sides = [() => int8.run(feeds), () => theirs.run(peerFeeds), () => float.run(feeds)] as const;
  const samples: [number[], number[], number[]] = [[], [], []];
  const end = performance.now() + Number(args.seconds) * 1000;
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    for (let i = 0; i < 3; i++) {
      const side = ((round + i) % 3) as 0 | 1 | 2; // who goes first changes every round
      await takeTurn(sides[side], samples[side]);
    }
  }
  for (const session of [int8, float, theirs]) await session.release();
  return {
    model,
    threads,
    int8: summarize(samples[0]),
    peer: summarize(samples[1]),
    float: summarize(samples[2]),
    agreementDb: agreement(a['output']?.data as Float32Array, b['output']?.data as Float32Array),
  };
}

const line = (r: Row): string[] => {
  const ms = (s: Summary) => `${s.best.toFixed(2)} / ${s.median.toFixed(2)}`;
  const ratios = (s: Summary) => [(s.best / r.int8.best).toFixed(2), (s.median / r.int8.median).toFixed(2)];
  return [r.model, `${r.threads}T`, ms(r.int8), ms(r.peer), ...ratios(r.peer), ms(r.float), ...ratios(r.float), r.agreementDb.toFixed(1)];
};

const rows: Row[] = [];
for (const { name, build } of models) {
  if (args.only && !name.toLowerCase().includes(args.only.toLowerCase())) continue;
  const paths = await files(name, build);
  for (const threads of args.threads.split(',').map(Number)) {
    if (args.nodes) await listNodes(paths.int8, threads);
    else rows.push(await measure(name, paths, threads));
  }
}
if (rows.length > 0) {
  const [best, median] = ['ratio best', 'ratio median'];
  const head = ['model', 'threads', 'int8 ms best/median', 'peer int8 ms', best, median, 'our float32 ms', best, median, 'agreement dB'];
  console.log(table([head, ...rows.map(line)]));
}
if (args.json) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(args.json, `${JSON.stringify({ cpu, node: process.version, peer: peer.version, date, rows }, null, 2)}\n`);
}
