/**
 * `npm run bench:load [-- --threads 2 --rounds 5 --runs 20 --only resnet --json file]`: how long it takes from a model file
 * to a session and to the first result, and how much memory that and further runs take, on this package and on
 * onnxruntime-node. Every figure comes from a fresh process (load.child.mjs) that loads one model; the sides alternate.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportModel } from '../lib/onnx/export.js';
import { native } from '../lib/runtime/native.js';
import { benchModels } from './models/index.js';
import { loadPeer } from './peer.js';
import { geomean, type Summary, summarize, table } from './statistics.js';

const { values: args } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '20' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});

/** What load.child.mjs prints. */
interface Sample {
  readonly importMs: number;
  readonly createMs: number;
  readonly firstResultMs: number;
  readonly bareBytes: number;
  readonly loadPeakBytes: number;
  readonly runPeakBytes: number;
}
interface Side {
  readonly create: Summary;
  readonly firstResult: Summary;
  readonly import: Summary;
  /** Medians: resident memory before the load, most of it during the load, most of it during runs. */
  readonly bareBytes: number;
  readonly loadPeakBytes: number;
  readonly runPeakBytes: number;
}

const { version } = loadPeer();
const folder = join(import.meta.dirname, '..', 'build', 'bench-models');
mkdirSync(folder, { recursive: true });
const cpu = native().cpu();
console.log(`${cpu.model}, ${cpu.isa}, ${args.threads} threads; node ${process.version}; onnxruntime-node ${version}; ${args.rounds} processes a side`);

function sample(side: 'ours' | 'peer', path: string): Sample {
  const child = join(import.meta.dirname, 'load.child.mjs');
  return JSON.parse(execFileSync(process.execPath, [child, side, path, args.threads, args.runs], { encoding: 'utf8' })) as Sample;
}

function sideOf(samples: readonly Sample[]): Side {
  const of = (name: keyof Sample) => summarize(samples.map((s) => s[name]));
  return {
    create: of('createMs'),
    firstResult: of('firstResultMs'),
    import: of('importMs'),
    bareBytes: of('bareBytes').median,
    loadPeakBytes: of('loadPeakBytes').median,
    runPeakBytes: of('runPeakBytes').median,
  };
}

const rows: { readonly model: string; readonly threads: number; readonly ours: Side; readonly peer: Side }[] = [];
for (const { name, build } of benchModels) {
  if (args.only && !name.toLowerCase().includes(args.only.toLowerCase())) continue;
  const path = join(folder, `${name.replace(/\W/g, '-')}.onnx`);
  if (!existsSync(path)) writeFileSync(path, exportModel(build()));
  sample('ours', path); // the file, the addon and Node come from memory from here on
  const samples: { ours: Sample[]; peer: Sample[] } = { ours: [], peer: [] };
  for (let round = 0; round < Number(args.rounds); round++) {
    for (const side of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) samples[side].push(sample(side, path));
  }
  rows.push({ model: name, threads: Number(args.threads), ours: sideOf(samples.ours), peer: sideOf(samples.peer) });
  console.log(line(rows[rows.length - 1] as (typeof rows)[0]).join('  '));
}

/** From the import of the package to the first result, without Node's own start. */
function fromImport(s: Side): number {
  return s.import.best + s.firstResult.best;
}

function line({ model, ours, peer }: (typeof rows)[0]): string[] {
  const ms = (s: Summary) => `${s.best.toFixed(0)} / ${s.median.toFixed(0)}`;
  const mb = (s: Side) => `${(s.loadPeakBytes / 1e6).toFixed(0)} / ${(s.runPeakBytes / 1e6).toFixed(0)}`;
  return [
    model,
    ms(ours.create),
    ms(peer.create),
    (peer.create.best / ours.create.best).toFixed(2),
    (peer.firstResult.best / ours.firstResult.best).toFixed(2),
    ms(ours.import),
    ms(peer.import),
    (fromImport(peer) / fromImport(ours)).toFixed(2),
    mb(ours),
    mb(peer),
    (ours.runPeakBytes / peer.runPeakBytes).toFixed(2),
  ];
}

const head = [
  'model',
  'ours create ms best/median',
  'peer',
  'ratio',
  'to first result',
  'ours import ms',
  'peer',
  'import to first result',
  'ours MB load/run',
  'peer',
  'run memory ours/peer',
];
console.log(`\n${table([head, ...rows.map(line)])}`);
console.log(
  `geomean: create ${geomean(rows.map((r) => r.peer.create.best / r.ours.create.best)).toFixed(2)}, memory of runs ${geomean(rows.map((r) => r.ours.runPeakBytes / r.peer.runPeakBytes)).toFixed(2)}`,
);
if (args.json) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(args.json, `${JSON.stringify({ cpu, node: process.version, peer: version, date, rows }, null, 2)}\n`);
}
