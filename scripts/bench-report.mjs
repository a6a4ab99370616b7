#!/usr/bin/env node
// `npm run bench:report [-- --seconds 4 --threads 1,2 --skip-int8 --skip-ops --skip-load --skip-runtime]`: runs the model, quantized model,
// operator, load and runtime benches, keeps their figures as bench/results/<cpu>-<date>.json, renders them as a page beside it, and puts the newest ones between the markers of
// README.md and bench/README.md. No figure is typed by hand. `-- --render` only renders the JSON files that are there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const results = join(root, 'bench', 'results');
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    threads: { type: 'string', default: '1,2' },
    'skip-int8': { type: 'boolean' },
    'skip-ops': { type: 'boolean' },
    'skip-load': { type: 'boolean' },
    'skip-runtime': { type: 'boolean' },
    render: { type: 'boolean' },
  },
});

function run(program, args, capture = false) {
  const { status, stdout, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'] });
  if (status !== 0) {
    console.error(`bench-report: \`${program} ${args.join(' ')}\` must succeed, it ended with ${error?.message ?? status}`);
    process.exit(1);
  }
  return stdout;
}

function measure() {
  const loadBefore = loadavg()[0];
  if (loadBefore > 0.5) console.error(`bench-report: the machine should be quiet, its load average is ${loadBefore.toFixed(2)}`);
  const bench = (name, ...options) => {
    const file = join(root, 'build', `bench-${name}.json`);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    run('npx', ['--no-install', 'tsx', `bench/${name}.ts`, ...options, '--json', file]);
    return JSON.parse(readFileSync(file, 'utf8'));
  };
  const models = bench('models', '--seconds', flags.seconds, '--threads', flags.threads);
  const int8 = flags['skip-int8'] ? undefined : bench('int8', '--seconds', flags.seconds, '--threads', flags.threads, '--fresh').rows;
  const ops = flags['skip-ops'] ? undefined : bench('ops').rows;
  const load = flags['skip-load'] ? undefined : bench('load').rows;
  const runtime = flags['skip-runtime'] ? undefined : JSON.parse(run(process.execPath, ['bench/runtime.mjs', '--json'], true));
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? '';
  const report = {
    date: models.date,
    cpu: models.cpu,
    system: { platform: `${platform()} ${release()}`, memoryBytes: totalmem(), node: models.node, loadAverageBefore: loadBefore },
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? ' with local changes' : ''),
    peer: `onnxruntime-node ${models.peer}`,
    commands: {
      models: `npm run bench:models -- --seconds ${flags.seconds} --threads ${flags.threads}`,
      int8: `npm run bench:int8 -- --seconds ${flags.seconds} --threads ${flags.threads} --fresh`,
      ops: 'npm run bench:ops',
      load: 'npm run bench:load',
      runtime: 'npm run bench:runtime',
    },
    models: models.rows,
    ...(int8 && { int8 }),
    ...(ops && { ops }),
    ...(load && { load }),
    ...(runtime && { runtime }),
  };
  const slug = models.cpu.model
    .toLowerCase()
    .replace(/\(r\)|\(tm\)|@.*|\bcpu\b|processor/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${slug}-${models.date}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

const geomean = (list) => Math.exp(list.reduce((sum, v) => sum + Math.log(v), 0) / list.length);
const times = (s) => `${s.best.toFixed(2)} / ${s.median.toFixed(2)}`;
const threadCounts = (r) => [...new Set(r.models.map((m) => m.threads))];

function geomeans(r) {
  return threadCounts(r).map((threads) => {
    const of = r.models.filter((m) => m.threads === threads);
    return `${threads} thread${threads === 1 ? '' : 's'}: ${geomean(of.map((m) => m.ratioBest)).toFixed(2)} (best), ${geomean(of.map((m) => m.ratioMedian)).toFixed(2)} (median)`;
  });
}

function modelTable(r) {
  return [
    '| model | threads | ours, ms best / median | peer, ms best / median | ratio best | ratio median | largest difference | arena MB | lower bound MB |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...r.models.map((m) => {
      const mb = (n) => (n / 1e6).toFixed(2);
      const cells = [times(m.ours), times(m.peer), m.ratioBest.toFixed(2), m.ratioMedian.toFixed(2), m.largestDifference.toExponential(1)];
      return `| ${m.model} | ${m.threads} | ${cells.join(' | ')} | ${mb(m.arenaBytes)} | ${mb(m.lowerBoundBytes)} |`;
    }),
  ];
}

function int8Table(r) {
  const ratios = (side, ours) => [side.best / ours.best, side.median / ours.median].map((x) => x.toFixed(2));
  return [
    '| quantized model | threads | ours, ms best / median | peer, same file | ratio best | ratio median | our float32 | ratio best | ratio median | agreement with the peer |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...r.int8.map(({ model, threads, int8, peer, float, agreementDb }) => {
      const cells = [times(int8), times(peer), ...ratios(peer, int8), times(float), ...ratios(float, int8), `${agreementDb.toFixed(0)} dB`];
      return `| ${model} | ${threads} | ${cells.join(' | ')} |`;
    }),
  ];
}

function opsTable(r) {
  const us = (s) => `${(s.best * 1e3).toFixed(0)} / ${(s.median * 1e3).toFixed(0)}`;
  return [
    '| operator | kernel | ours, µs best / median | peer, µs best / median | ratio best | ratio median | GFLOP/s | of the probe |',
    '|---|---|--:|--:|--:|--:|--:|--:|',
    ...r.ops.map((o) => {
      const gflops = o.flops / o.ours.best / 1e6;
      const ratios = [o.peer.best / o.ours.best, o.peer.median / o.ours.median];
      return `| ${[o.op, o.kernels.join(' + '), us(o.ours), us(o.peer), ...ratios.map((x) => x.toFixed(2)), gflops.toFixed(0), (gflops / o.peakGflops).toFixed(2)].join(' | ')} |`;
    }),
  ];
}

function loadTable(r) {
  const mb = (s) => `${(s.loadPeakBytes / 1e6).toFixed(0)} / ${(s.runPeakBytes / 1e6).toFixed(0)}`;
  const fromImport = (s) => s.import.best + s.firstResult.best;
  const row = ({ model, threads, ours, peer }) => {
    const cells = [
      times(ours.create),
      times(peer.create),
      (peer.create.best / ours.create.best).toFixed(2),
      (peer.firstResult.best / ours.firstResult.best).toFixed(2),
      times(ours.import),
      times(peer.import),
      (fromImport(peer) / fromImport(ours)).toFixed(2),
    ];
    return `| ${model} | ${threads} | ${cells.join(' | ')} | ${mb(ours)} | ${mb(peer)} | ${(ours.runPeakBytes / peer.runPeakBytes).toFixed(2)} |`;
  };
  return [
    '| model | threads | ours: create, ms best / median | peer, ms best / median | ratio | ratio to the first result | ours: import, ms | peer | ratio from import to first result | ours: MB of load / of runs | peer, MB | memory of runs, ours / peer |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...r.load.map(row),
    '',
    `Geometric means: create ${geomean(r.load.map((m) => m.peer.create.best / m.ours.create.best)).toFixed(2)}, memory of runs ${geomean(r.load.map((m) => m.ours.runPeakBytes / m.peer.runPeakBytes)).toFixed(2)}.`,
  ];
}

function page(r) {
  const facts = [
    ['date', r.date],
    ['commit', r.commit],
    ['processor', `${r.cpu.model}, ${r.cpu.isa}, ${r.cpu.threads} threads usable`],
    ['memory', `${(r.system.memoryBytes / 1e9).toFixed(1)} GB`],
    ['system', `${r.system.platform}, Node ${r.system.node}`],
    ['load average before', r.system.loadAverageBefore.toFixed(2)],
    ['peer', r.peer],
  ];
  const runtimeRows = Object.entries(r.runtime ?? {}).flatMap(([name, found]) =>
    Object.entries(found).map(([key, v]) => `| ${name} | ${key} | ${typeof v === 'number' ? Number(v.toPrecision(4)) : v} |`),
  );
  return [
    `# ${r.cpu.model}, ${r.date}`,
    '',
    '<!-- Written by `npm run bench:report`. Do not edit. -->',
    '',
    '| | |',
    '|---|---|',
    ...facts.map(([key, value]) => `| ${key} | ${value} |`),
    '',
    '## Models',
    '',
    `\`${r.commands.models}\`. Both sides run in one process, in alternation. A ratio above 1 means that ours is faster.`,
    '',
    ...modelTable(r),
    '',
    `Geometric mean of the ratios: ${geomeans(r).join('; ')}.`,
    '',
    ...(r.int8
      ? [
          '## Quantized models',
          '',
          `\`${r.commands.int8}\`. Networks that \`quantize\` made 8-bit, in one process and in alternation with the peer on the same file and with our float32.`,
          '',
          ...int8Table(r),
          '',
        ]
      : []),
    ...(r.ops
      ? [
          '## Operators',
          '',
          `\`${r.commands.ops}\`. Single operators, one thread, the kernels' own time on both sides. GFLOP/s count the definition's operations.`,
          '',
          ...opsTable(r),
          '',
        ]
      : []),
    ...(r.load
      ? ['## Load', '', `\`${r.commands.load}\`. Each process loads one model. A ratio of times above 1 means that ours is faster.`, '', ...loadTable(r), '']
      : []),
    ...(runtimeRows.length > 0
      ? [
          '## Runtime',
          '',
          `\`${r.commands.runtime}\`. What each name measures stands in bench/runtime.mjs.`,
          '',
          '| measurement | figure | value |',
          '|---|---|--:|',
          ...runtimeRows,
          '',
        ]
      : []),
  ].join('\n');
}

/** Replaces what stands between the markers of a page. */
function fill(path, lines) {
  const begin = '<!-- results: written by `npm run bench:report` -->';
  const end = '<!-- /results -->';
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} must have the markers ${begin} and ${end}`);
  writeFileSync(path, `${text.slice(0, from + begin.length)}\n${lines.join('\n')}\n${text.slice(to)}`);
}

if (!flags.render) measure();
const reports = (existsSync(results) ? readdirSync(results) : [])
  .filter((f) => f.endsWith('.json'))
  .map((f) => ({ name: f.slice(0, -'.json'.length), report: JSON.parse(readFileSync(join(results, f), 'utf8')) }))
  // What was measured on a machine: the estimates of bench:mca stand in the same folder.
  .filter(({ report }) => report.models !== undefined)
  .sort((a, b) => (a.report.date < b.report.date ? 1 : -1));
for (const { name, report } of reports) writeFileSync(join(results, `${name}.md`), page(report));
const newest = reports[0];
if (newest !== undefined) {
  const { name, report } = newest;
  const source = (folder) => `${report.cpu.model}, ${report.date}, \`npm run bench:report\` ([all of it](${folder}${name}.md)):`;
  fill(join(root, 'README.md'), [
    source('bench/results/'),
    '',
    ...modelTable(report),
    '',
    `Geometric mean of the ratios: ${geomeans(report).join('; ')}.`,
    ...(report.int8 ? ['', 'Quantized by `quantize`, 8 bits:', '', ...int8Table(report)] : []),
  ]);
  fill(
    join(root, 'bench', 'README.md'),
    reports.map((r) => `- [${r.report.cpu.model}, ${r.report.date}](results/${r.name}.md): ${geomeans(r.report).join('; ')}`),
  );
  console.log(`bench/results/${name}.md`);
}
