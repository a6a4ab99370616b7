// Compiles modules: each .cu file of native/kernels becomes one fat binary of its name. What lies there of the same sources,
// flags and compiler is taken as it is.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { sha256 } from '../prebuild/packages.mjs';
import { parsePtxas } from './report.mjs';

/** The .cu files below native/kernels, by name. Names are those that plans launch from: there can be only one of each. */
export function modules(root) {
  const folder = join(root, 'native', 'kernels');
  const files = readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.cu'))
    .sort();
  const found = new Map();
  for (const file of files) {
    const name = basename(file, '.cu');
    if (found.has(name)) throw new Error(`native/kernels/${file}: its name must be its own, ${relative(root, found.get(name))} has it, too`);
    found.set(name, join(folder, file));
  }
  return found;
}

/** `-gencode` for names such as sm_72, sm_90a, compute_80; those of one line are compiled once: [['compute_80', 'sm_80', 'sm_86']]. */
export const gencodes = (lines) => lines.flatMap(([virtual, ...code]) => ['-gencode', `arch=${virtual},code=[${code.join(',')}]`]);

/** `sm_80` for itself and for what comes after it. */
export const linesOf = (names) => names.map((name) => [name.replace(/^(sm|compute)_/, 'compute_'), name]);

// As gpu.cuh says. Rounding is that of the sources: nothing is contracted.
const always = ['-std=c++17', '-fmad=false', '--expt-relaxed-constexpr', '-Xptxas', '-v', '-fatbin'];

function run(program, args, options) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += piece));
    child.on('error', (error) => resolve({ status: -1, text: error.message }));
    child.on('close', (status) => resolve({ status, text }));
  });
}

const statement = (root, toolkit, flags, files) =>
  sha256([toolkit.version, ...flags, ...files.map((file) => sha256(readFileSync(join(root, file))))].join('\n'));

async function compile({ root, toolkit, flags, folder, name, source }) {
  const result = join(folder, `${name}.fatbin`);
  const notes = join(folder, `${name}.json`);
  if (existsSync(result) && existsSync(notes)) {
    const { files, state, entries } = JSON.parse(readFileSync(notes, 'utf8'));
    if (files.every((file) => existsSync(join(root, file))) && statement(root, toolkit, flags, files) === state) return { entries, fresh: false };
  }
  const [fatbin, dependencies] = [`${result}.${process.pid}`, join(folder, `${name}.d`)];
  const args = [...toolkit.flags, ...always, ...flags, `-I${join(root, 'native')}`, '-MD', '-MF', dependencies, '-o', fatbin, source];
  const { status, text } = await run(toolkit.nvcc, args, { cwd: root, env: toolkit.env });
  if (status !== 0) throw new Error(`${relative(root, source)}: nvcc ${toolkit.version} ended with ${status}\n${text.slice(-8000)}`);
  const warnings = text.split('\n').filter((line) => /warning/i.test(line) && !line.startsWith('ptxas info'));
  const files = readFileSync(dependencies, 'utf8')
    .replace(/^[^:]*:/, '')
    .split(/[\s\\]+/)
    .filter((file) => file.startsWith(root))
    .map((file) => relative(root, file));
  const entries = parsePtxas(text).map((row) => ({ module: name, ...row }));
  writeFileSync(notes, JSON.stringify({ files, state: statement(root, toolkit, flags, files), entries }));
  renameSync(fatbin, result);
  return { entries, fresh: true, warnings };
}

/**
 * Compiles `wanted` (name → source) into `folder`, `jobs` at a time; `said(name, fresh, ms)` after each. Returns what ptxas said of
 * the entries and what the compiler warned of. What does not compile is not in the way of the rest: it is thrown at the end.
 */
export async function compileAll({ root, toolkit, flags, folder, wanted, jobs, said }) {
  mkdirSync(folder, { recursive: true });
  const waiting = [...wanted];
  const done = new Map();
  const failures = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, source] = next;
      const start = performance.now();
      try {
        const result = await compile({ root, toolkit, flags, folder, name, source });
        done.set(name, result);
        said?.(name, result.fresh, performance.now() - start);
      } catch (error) {
        failures.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  if (failures.length > 0) throw new Error(failures.join('\n'));
  const results = [...wanted.keys()].map((name) => done.get(name));
  return { entries: results.flatMap((r) => r.entries), warnings: results.flatMap((r) => r.warnings ?? []) };
}
