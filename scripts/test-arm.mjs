#!/usr/bin/env node
// Runs the test files on emulated ARM CPUs: real ARM Node under qemu, the addons of prebuilds/, the same tests.
//   npm run test:arm                                     what .ci/run does: see scripts/test-arm/selection.mjs
//   npm run test:arm -- --full                           every file on every CPU
//   npm run test:arm -- --arch arm64 --cpu cortex-a53 --only kernels/gemm,models/golden --names 'neon'
//   --no-build       takes prebuilds/ and dist/ as they are
//   --processes 2    how many run at a time, with --per-process 6 files one after the other
//   --patience 600   seconds without a sign of life after which a process is ended
//   --slowest        names the slowest tests of each file
// Ends with a table of passed tests and seconds of processor time, file by CPU, and exit code 1 if anything failed or did not end.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addonFile } from './prebuild/addons.mjs';
import { machines, nodeFor } from './test-arm/machine.mjs';
import { mirror } from './test-arm/mirror.mjs';
import { everything, possible, trimmed } from './test-arm/selection.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const build = join(root, 'build');
const tree = join(build, 'arm-tests');
const { values: options } = parseArgs({
  options: {
    arch: { type: 'string' },
    cpu: { type: 'string' },
    only: { type: 'string' },
    names: { type: 'string' },
    full: { type: 'boolean', default: false },
    slowest: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    processes: { type: 'string', default: '2' },
    'per-process': { type: 'string', default: '6' },
    patience: { type: 'string', default: '600' },
  },
});

function fail(message) {
  console.error(`test:arm: ${message}`);
  process.exit(1);
}

const listed = (text) => text?.split(',').filter(Boolean);
const archs = listed(options.arch) ?? Object.keys(machines);
for (const arch of archs) if (!machines[arch]) fail(`--arch must be of ${Object.keys(machines).join(', ')}, ${arch} came`);

const files = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? files(path) : path.endsWith('.test.ts') ? [path] : [];
  });
const all = files('test').sort();

/** What to run: { arch, cpu, file, names }. */
function plan() {
  const cpus = listed(options.cpu);
  const only = listed(options.only);
  const jobs = [];
  for (const arch of archs) {
    const chosen =
      options.full || cpus || only ? (cpus ?? machines[arch].cpus).flatMap((cpu) => everything(all).map((file) => ({ arch, cpu, file }))) : trimmed(arch, all);
    jobs.push(
      ...chosen.filter(({ file }) => !only || only.some((text) => file.includes(text))).map((job) => ({ names: options.names ?? possible(arch), ...job })),
    );
  }
  return jobs;
}

const jobs = plan();
if (jobs.length === 0) fail('no test file has such a name');

if (!options['no-build']) {
  const run = (program, ...args) => {
    if (spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status !== 0) fail(`${program} ${args.join(' ')} must end well`);
  };
  run('npm', 'run', '--silent', 'build:ts');
  run(process.execPath, 'scripts/prebuild.mjs', '--arch', archs.join(','));
}
for (const arch of archs) if (!existsSync(join(root, addonFile(arch)))) fail(`${addonFile(arch)} must be there: npm run prebuild -- --arch ${arch}`);
const nodes = {};
try {
  for (const arch of archs) nodes[arch] = nodeFor(arch, build);
} catch (error) {
  fail(error.message);
}
await mirror(root, tree);

// ---------------------------------------------------------------------------------------------------------------- runs

const reports = mkdtempSync(join(tmpdir(), 'dsnk-arm-'));
const results = [];
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One process for several files of one CPU: starting Node takes seconds here. Resolves with the files that it did not get to. */
function runGroup(group, number) {
  const { arch, cpu, names } = group[0];
  const report = join(reports, String(number));
  const child = spawn(nodes[arch], [join(root, 'scripts/test-arm/child.mjs'), report, ...group.map(({ file }) => join(tree, file.replace(/\.ts$/, '.js')))], {
    cwd: tree,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      QEMU_CPU: cpu,
      PREBUILDS_ONLY: '1',
      DSNK_VERIFY: '1',
      DSNK_EMULATED: '1',
      DSNK_ASSETS: process.env.DSNK_ASSETS ?? join(root, '..', 'shared', 'assets'),
      DSNK_ARM_NODE: nodes[arch],
      DSNK_HOST_NODE: process.execPath,
      DSNK_TEST_NAMES: names ?? '',
    },
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output = (output + text).slice(-4000)));
  let [taken, ended, doing, alive] = [0, 0, 'start', performance.now()];
  const take = () => {
    const lines = existsSync(report) ? readFileSync(report, 'utf8').split('\n').slice(taken, -1) : [];
    if (lines.length > 0) alive = performance.now();
    for (const event of lines.map((line) => JSON.parse(line))) {
      taken++;
      if (event.running) doing = event.running;
      if (!event.failures) continue;
      record(group[ended++], event);
    }
    if (performance.now() - alive > Number(options.patience) * 1000) child.kill('SIGKILL');
  };
  const watch = setInterval(take, 1000);

  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(watch);
      running.delete(child);
      take();
      if (ended === group.length) return resolve([]);
      const reason = `the process ended with ${signal ?? code} in: ${doing}\n${output.trim()}`;
      record(group[ended], { passed: 0, failed: 1, skipped: 0, seconds: 0, failures: [{ name: doing, reasons: [reason] }] });
      resolve(group.slice(ended + 1));
    });
  });
}

function record(job, { passed, failed, skipped, seconds, failures, slowest = [] }) {
  results.push({ ...job, passed, failed, skipped, seconds });
  console.log(
    `${failed ? 'FAILED' : '    ok'} ${job.arch} ${job.cpu} ${job.file}: ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds.toFixed(1)} s`,
  );
  if (options.slowest) for (const [ms, name] of slowest) console.log(`       ${ms} ms: ${name}`);
  for (const { name, reasons } of failures.slice(0, 10)) console.log(`       ${name}\n${reasons.join('\n').replace(/^/gm, '         ')}`);
}

const start = performance.now();
const groups = [];
for (const job of jobs) {
  const last = groups.at(-1);
  const same = last && last.length < Number(options['per-process']) && ['arch', 'cpu', 'names'].every((key) => last[0][key] === job[key]);
  if (same) last.push(job);
  else groups.push([job]);
}
let number = 0;
async function worker() {
  while (groups.length > 0) {
    const rest = await runGroup(groups.shift(), number++);
    if (rest.length > 0) groups.unshift(rest);
  }
}
await Promise.all(Array.from({ length: Number(options.processes) }, worker));
rmSync(reports, { recursive: true, force: true });

// --------------------------------------------------------------------------------------------------------------- table

const columns = [...new Set(jobs.map(({ arch, cpu }) => `${arch} ${cpu}`))];
const rows = [...new Set(jobs.map(({ file }) => file))].sort();
const cell = (file, column) => {
  const r = results.find((x) => x.file === file && `${x.arch} ${x.cpu}` === column);
  return r ? `${r.passed}${r.failed ? ` FAILED ${r.failed}` : ''} ${r.seconds.toFixed(0)} s` : '';
};
const sum = (column, key) => results.filter((r) => `${r.arch} ${r.cpu}` === column).reduce((n, r) => n + r[key], 0);
const table = [
  ['file: passed, seconds', ...columns],
  ...rows.map((file) => [file, ...columns.map((c) => cell(file, c))]),
  ['all', ...columns.map((c) => `${sum(c, 'passed')}${sum(c, 'failed') ? ` FAILED ${sum(c, 'failed')}` : ''} ${sum(c, 'seconds').toFixed(0)} s`)],
];
const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
console.log(`\n${table.map((row) => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ')).join('\n')}`);
const total = (key) => results.reduce((n, r) => n + r[key], 0);
console.log(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped in ${((performance.now() - start) / 1000).toFixed(0)} s`);
process.exit(total('failed') > 0 || results.length < jobs.length ? 1 : 0);
