#!/usr/bin/env node
// Holds compiled kernels for GPUs to what is written of them: registers, shared memory and spills of each entry
// (native/cuda/resources.json, by `npm run build:cuda -- --check`), and the instructions that entries were written for
// (native/cuda/instructions.json) in the machine code of prebuilds/cuda, where the toolkit of `npm run prebuild:cuda` was fetched.
//   node scripts/check-cuda.mjs            both, of what lies in build/cuda-check and prebuilds/cuda
//   node scripts/check-cuda.mjs --update   writes the table of what lies in build/cuda-check
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differences, missingInstructions, parseSass, tableOf, tableText } from './cuda/report.mjs';
import { fetchedToolkit } from './cuda/toolkits.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tableFile = join(root, 'native', 'cuda', 'resources.json');
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const instructions = read(join(root, 'native', 'cuda', 'instructions.json'));

/** Says what is wrong with a report; true where nothing is. `part`: of some modules only. */
export function checkReport({ nvcc, entries }, { update = false, part = false } = {}) {
  const table = existsSync(tableFile) ? read(tableFile) : { nvcc, entries: {} };
  const fresh = tableOf(nvcc, entries);
  if (update) {
    const kept = part && table.nvcc === nvcc ? Object.entries(table.entries).map(([entry, by]) => [entry, fresh.entries[entry] ?? by]) : [];
    const all = new Map([...kept, ...Object.entries(fresh.entries)]);
    writeFileSync(tableFile, tableText({ nvcc, entries: Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))) }));
  }
  const against = update ? read(tableFile) : table;
  const here = part ? { ...against, entries: Object.fromEntries(Object.entries(against.entries).filter(([entry]) => entry in fresh.entries)) } : against;
  const { wrong, unknown } = differences(here, nvcc, entries, instructions);
  for (const line of unknown) console.log(`check:cuda: ${line}`);
  for (const line of wrong) console.error(`check:cuda: ${line}`);
  if (wrong.length + unknown.length > 0)
    console.log('check:cuda: where that is meant, `npm run build:cuda -- --update` writes native/cuda/resources.json anew');
  else if (against.nvcc !== nvcc) console.log(`check:cuda: the table is of nvcc ${against.nvcc}, this is ${nvcc}: only spills were looked at`);
  return wrong.length === 0;
}

/** Says which entries of the fat binaries in `folder` lack instructions; true where none does. */
export function checkInstructions(cuobjdump, env, folder) {
  const wrong = [];
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('-11.fatbin'))
    .sort()) {
    const { status, stdout, stderr } = spawnSync(cuobjdump, ['-sass', join(folder, file)], { encoding: 'utf8', env, maxBuffer: 1 << 30 });
    if (status !== 0) wrong.push(`${file}: must be read by cuobjdump, ${stderr.trim()}`);
    else wrong.push(...missingInstructions(parseSass(stdout), instructions));
  }
  for (const line of wrong) console.error(`check:cuda: ${line}`);
  return wrong.length === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = join(root, 'build', 'cuda-check', 'report.json');
  let right = true;
  if (existsSync(report)) right = checkReport(read(report), { update: process.argv.includes('--update') });
  else console.log('check:cuda: no report; `npm run build:cuda -- --check` makes one');
  const [toolkit, folder] = [fetchedToolkit(join(root, 'build', 'toolkits')), join(root, 'prebuilds', 'cuda')];
  if (toolkit && existsSync(folder)) right = checkInstructions(toolkit.cuobjdump, toolkit.env, folder) && right;
  else console.log('check:cuda: instructions are not looked at; `npm run prebuild:cuda` makes what is needed');
  process.exit(right ? 0 : 1);
}
