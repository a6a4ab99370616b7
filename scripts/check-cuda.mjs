#!/usr/bin/env node
// Holds compiled kernels for GPUs to what is written of them: registers, shared memory and spills of each entry
// (native/cuda/resources.json, by `npm run build:cuda -- --check`), and the instructions that entries were written for
// (native/cuda/instructions.json) in the machine code that `npm run prebuild:cuda` has left in build/cuda-11.
//   node scripts/check-cuda.mjs            both, of what lies in build/cuda-check and build/cuda-11
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

/** Says which entries of these modules, as the private toolkit has compiled them, lack instructions; true where none does. */
export function checkInstructions({ cuobjdump, env }, root, names) {
  const wrong = [];
  for (const name of names) {
    const file = join(root, 'build', 'cuda-11', `${name}.fatbin`);
    const { status, stdout, stderr } = spawnSync(cuobjdump, ['-sass', file], { encoding: 'utf8', env, maxBuffer: 1 << 30 });
    if (status !== 0) wrong.push(`${name}: must be read by cuobjdump, ${stderr?.trim() || 'which ended early'}`);
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
  const [toolkit, folder] = [fetchedToolkit(join(root, 'build', 'toolkits')), join(root, 'build', 'cuda-11')];
  const compiled = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.fatbin')) : [];
  if (toolkit && compiled.length > 0) right = checkInstructions(toolkit, root, compiled.map((file) => file.slice(0, -'.fatbin'.length)).sort()) && right;
  else console.log('check:cuda: instructions are not looked at; `npm run prebuild:cuda` makes what is needed');
  process.exit(right ? 0 : 1);
}
