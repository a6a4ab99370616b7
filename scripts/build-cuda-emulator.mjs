#!/usr/bin/env node
// `npm run build:cuda-emulator`: the emulated GPU, for tests where there is none. Into build/cuda-emulator/ go libcuda.so.1 (the
// driver, native/cuda/emulator), for each .cu file the library it becomes when the host's compiler compiles it, <stem>.so, and in
// the place of its fatbin one that names it, <stem>.fatbin. Compiles what has changed. DSNK_CUDA_LIBRARY names the driver to use.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build', 'cuda-emulator');
const compiler = (process.env.CXX || 'c++').split(' ');
const common = ['-std=c++20', '-march=native', '-ffp-contract=off', '-fno-math-errno', '-fno-strict-aliasing', '-fPIC', '-fvisibility=hidden', '-I', 'native'];
const warnings = ['-Wall', '-Wextra', '-Wno-unknown-pragmas'];
mkdirSync(folder, { recursive: true });

/** Files under a folder of the package whose names end so. */
const filesOf = (under, end) =>
  readdirSync(join(root, under), { recursive: true })
    .filter((file) => file.endsWith(end))
    .map((file) => join(under, file))
    .sort();

/** Does the command unless its outcome, made by the same command, is younger than all that it was made of. */
async function make(output, args, inputs) {
  const key = `${output}.key`;
  const command = createHash('sha256')
    .update([...compiler, ...args].join('\0'))
    .digest('hex');
  const made = existsSync(output) ? statSync(output).mtimeMs : 0;
  const depends = existsSync(`${output}.d`)
    ? readFileSync(`${output}.d`, 'utf8')
        .replace(/^.*?:|\\\n/gs, ' ')
        .split(/\s+/)
    : [];
  const sources = [...inputs, ...depends].filter(Boolean).map((file) => resolve(root, file));
  if (made && existsSync(key) && readFileSync(key, 'utf8') === command && sources.every((s) => existsSync(s) && statSync(s).mtimeMs <= made)) return;
  const part = `${output}.${process.pid}`; // a test that has the file open keeps the old one
  const status = await new Promise((done) =>
    spawn(compiler[0], [...compiler.slice(1), ...args, '-o', part], { cwd: root, stdio: 'inherit' }).on('close', done),
  );
  if (status !== 0) throw new Error(`build:cuda-emulator: ${compiler[0]} failed on ${inputs[0]}`);
  renameSync(part, output);
  writeFileSync(key, command);
}

/** At most as many at once as there are cores. */
async function all(tasks) {
  const left = [...tasks];
  const failed = [];
  const worker = async () => {
    for (let task = left.shift(); task; task = left.shift()) await task().catch((error) => failed.push(error));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  for (const error of failed) console.error(error.message);
  if (failed.length) process.exit(1);
}

const driver = filesOf('native/cuda/emulator', '.cc');
const object = (file) => join(folder, `${basename(file)}.o`);
await all(driver.map((file) => () => make(object(file), [...common, ...warnings, '-O3', '-c', file, '-MMD', '-MF', `${object(file)}.d`], [file])));
const library = join(folder, 'libcuda.so.1');
const link = ['-shared', '-Wl,-soname,libcuda.so.1', '-Wl,-z,nodelete', '-Wl,-z,defs', ...driver.map(object), '-lpthread', '-ldl'];
await all([() => make(library, link, driver.map(object))]);

const kernels = [...filesOf('native/kernels', '.cu'), ...filesOf('test/cuda', '.cu')];
await all(
  kernels.map((file) => async () => {
    const stem = basename(file, '.cu');
    const output = join(folder, `${stem}.so`);
    // no lazy binding: a fiber's stack is small
    const args = [...common, ...warnings, '-O1', '-fno-gnu-unique', '-shared', '-Wl,-Bsymbolic', '-Wl,-z,defs', '-Wl,-z,now', '-Wl,-rpath,$ORIGIN'];
    await make(output, [...args, '-MMD', '-MF', `${output}.d`, '-x', 'c++', file, '-x', 'none', library], [file]);
    writeFileSync(join(folder, `${stem}.fatbin`), `DSNK-EMULATED\n${stem}\n\0`);
  }),
);
// A program that asks the driver directly.
const check = join(folder, 'check-emulator');
const program = 'test/cuda/emulator.cc';
await all([() => make(check, [...common, ...warnings, '-O1', '-MMD', '-MF', `${check}.d`, program, '-ldl'], [program])]);
