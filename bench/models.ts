/**
 * `npm run bench:models [-- --threads 1,2 --seconds 4 --only resnet --json file --precision bf16]`: the eight networks on this package and
 * on onnxruntime-node, in alternation in one process. The same exported ONNX file, the same input, the same thread count,
 * default options on both sides. Ratios > 1 mean that this package is faster.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Precision } from '../lib/compile/precision.js';
import { InferenceSession, Tensor } from '../lib/index.js';
import { exportModel } from '../lib/onnx/export.js';
import { native } from '../lib/runtime/native.js';
import { benchModels } from './models/index.js';
import { loadPeer } from './peer.js';
import { geomean, type Summary, summarize, table } from './statistics.js';
import { takeTurn } from './turns.js';

const { values: args } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
    json: { type: 'string' },
    precision: { type: 'string', default: 'f32' },
  },
});

interface Row {
  readonly model: string;
  readonly threads: number;
  readonly ours: Summary;
  readonly peer: Summary;
  readonly ratioBest: number;
  readonly ratioMedian: number;
  readonly largestDifference: number;
  readonly arenaBytes: number;
  readonly lowerBoundBytes: number;
}

const peer = loadPeer();
const folder = join(import.meta.dirname, '..', 'build', 'bench-models');
mkdirSync(folder, { recursive: true });
const cpu = native().cpu();
console.log(
  `${cpu.model}, ${cpu.isa}, ${cpu.threads} threads; node ${process.version}; onnxruntime-node ${peer.version}; ${args.seconds} s per model and thread count`,
);

const rows: Row[] = [];
for (const { name, build } of benchModels) {
  if (args.only && !name.toLowerCase().includes(args.only.toLowerCase())) continue;
  const path = join(folder, `${name.replace(/\W/g, '-')}.onnx`);
  writeFileSync(path, exportModel(build()));
  for (const threads of args.threads.split(',').map(Number)) {
    const ours = await InferenceSession.create(path, { intraOpNumThreads: threads, precision: args.precision as Precision });
    const theirs = await peer.create(path, threads);
    const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) * 2);
    const feedOurs = { input: new Tensor('float32', data, [1, 3, 224, 224]) };
    const feedTheirs = { input: new peer.Tensor('float32', data, [1, 3, 224, 224]) };
    const [a, b] = [await ours.run(feedOurs), await theirs.run(feedTheirs)];
    const [x, y] = [a['output']?.data as Float32Array, b['output']?.data as Float32Array];
    let [difference, largest] = [0, 0];
    for (let i = 0; i < y.length; i++) {
      difference = Math.max(difference, Math.abs((x[i] as number) - (y[i] as number)));
      largest = Math.max(largest, Math.abs(y[i] as number));
    }
    const sides = [() => ours.run(feedOurs), () => theirs.run(feedTheirs)] as const;
    const samples: [number[], number[]] = [[], []];
    const end = performance.now() + Number(args.seconds) * 1000;
    for (let round = 0; round < 4 || performance.now() < end; round++) {
      const first = round & 1; // who goes first changes every round
      for (const side of [first, 1 - first] as const) await takeTurn(sides[side as 0 | 1], samples[side as 0 | 1]);
    }
    const memory = ours.model.programs[0]?.compiled.memory;
    const [o, p] = [summarize(samples[0]), summarize(samples[1])];
    rows.push({
      model: name,
      threads,
      ours: o,
      peer: p,
      ratioBest: p.best / o.best,
      ratioMedian: p.median / o.median,
      largestDifference: difference / largest,
      arenaBytes: memory?.peakBytes ?? 0,
      lowerBoundBytes: memory?.lowerBoundBytes ?? 0,
    });
    await ours.release();
    await theirs.release();
    console.log(line(rows[rows.length - 1] as Row).join('  '));
  }
}

function line(r: Row): string[] {
  const ms = (s: Summary) => `${s.best.toFixed(2)} / ${s.median.toFixed(2)}`;
  const mb = (n: number) => `${(n / 1e6).toFixed(2)}`;
  return [
    r.model,
    `${r.threads}T`,
    ms(r.ours),
    ms(r.peer),
    r.ratioBest.toFixed(2),
    r.ratioMedian.toFixed(2),
    r.largestDifference.toExponential(1),
    mb(r.arenaBytes),
    mb(r.lowerBoundBytes),
  ];
}

console.log(
  `\n${table([['model', 'threads', 'ours ms best/median', 'peer ms best/median', 'ratio best', 'ratio median', 'max diff', 'arena MB', 'bound MB'], ...rows.map(line)])}`,
);
for (const threads of new Set(rows.map((r) => r.threads))) {
  const of = rows.filter((r) => r.threads === threads);
  console.log(
    `geomean, ${threads} thread(s): ${geomean(of.map((r) => r.ratioBest)).toFixed(2)} (best), ${geomean(of.map((r) => r.ratioMedian)).toFixed(2)} (median)`,
  );
}
if (args.json)
  writeFileSync(
    args.json,
    `${JSON.stringify({ cpu, node: process.version, peer: peer.version, date: new Date().toISOString().slice(0, 10), rows }, null, 2)}\n`,
  );
