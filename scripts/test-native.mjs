#!/usr/bin/env node
// `npm run test:native [-- --mutations 50000 --seed 1 --corpus folder --kernels]`: the native part under AddressSanitizer +
// UBSan (program fuzzing) and under ThreadSanitizer (teams, lanes, concurrent runs). The programs to mutate are those that
// tests leave (DSNK_CORPUS, see test/native/corpus.ts): run here, or before, into the folder that --corpus names. With
// --kernels the kernel tests, too, run on an addon built with sanitizers.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: args } = parseArgs({
  options: {
    mutations: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    corpus: { type: 'string' },
    kernels: { type: 'boolean', default: false },
  },
});

function run(program, argv, env = {}) {
  const { status } = spawnSync(program, argv, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

/** Several at once; ends the process when one fails. */
async function runAll(commands, env) {
  const ends = commands.map(
    ([program, argv]) =>
      new Promise((resolve) =>
        spawn(program, argv, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).on('close', (status) => resolve(status ?? 1)),
      ),
  );
  for (const status of await Promise.all(ends)) if (status !== 0) process.exit(status);
}

function stage(name) {
  console.log(`== ${name} (${Math.round(process.uptime())} s)`);
}

function build(sanitizer, options = []) {
  stage(`build with the ${sanitizer} sanitizer`);
  const dir = join(root, 'build', `cmake-sanitize-${sanitizer}`);
  run('cmake', [
    '-S',
    root,
    '-B',
    dir,
    `-DDSNK_SANITIZE=${sanitizer}`,
    '-DDSNK_TESTS=ON',
    '-DCMAKE_BUILD_TYPE=Debug',
    '-Wno-dev',
    '--log-level=WARNING',
    ...options,
  ]);
  run('cmake', ['--build', dir, '--parallel', String(cpus().length), '--', '--quiet', '--no-print-directory']);
  return dir;
}

/** Has the addon built too, beside the fuzzers. */
function addonOptions() {
  const require = createRequire(import.meta.url);
  return [`-DDSNK_NODE_INCLUDE=${require('node-api-headers').include_dir}`, `-DDSNK_NAPI_INCLUDE=${dirname(require.resolve('node-addon-api/package.json'))}`];
}

/** The kernel tests and the tests of loading, on the addon in `dir`; node itself has no sanitizers, so theirs come first. */
function testAddon(dir) {
  const library = (name) => spawnSync(process.env.CXX ?? 'c++', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
  vitest(['test/kernels', 'test/native'], {
    DS_NATIVE_KERNELS_PREBUILD: join(dir, 'ds_native_kernels.node'),
    LD_PRELOAD: ['libasan.so', 'libubsan.so', 'libstdc++.so.6'].map(library).join(' '),
    UBSAN_OPTIONS: 'print_stacktrace=1',
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
  });
}

const vitest = (files, env = {}) => run('npx', ['--no-install', 'vitest', 'run', ...files, '--reporter=dot'], { ...env, NO_COLOR: '1' });

if (!existsSync(join(root, 'build', 'Release', 'ds_native_kernels.node'))) run(process.execPath, [join('scripts', 'build-native.mjs'), '--quiet']);

const corpus = resolve(args.corpus ?? join(root, 'build', 'fuzz-corpus'));
if (args.corpus === undefined) {
  stage('programs to mutate');
  rmSync(corpus, { recursive: true, force: true });
  mkdirSync(corpus, { recursive: true });
  vitest(['test/kernels', 'test/native'], { DSNK_CORPUS: corpus });
}
const samples = readdirSync(corpus).map((file) => join(corpus, file));
if (samples.length === 0) throw new Error(`${corpus} must hold programs: run the tests with DSNK_CORPUS set to it`);

// UBSan aborts so that the fuzzer can name the program; ASan calls it back.
const sanitizers = { UBSAN_OPTIONS: 'print_stacktrace=1:abort_on_error=1', ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=1' };
const address = build('address', args.kernels ? addonOptions() : []);
stage('tiles of GPUs');
run(join(address, 'gpu_tiles'), [], sanitizers);
stage('program fuzzing');
const processes = Math.max(2, Math.min(4, cpus().length));
const each = Math.ceil(Number(args.mutations) / processes);
await runAll(
  Array.from({ length: processes }, (_, i) => [join(address, 'fuzz_load'), [String(each), String(Number(args.seed) + i), ...samples]]),
  sanitizers,
);

if (args.kernels) {
  stage('kernel tests with the address sanitizer');
  testAddon(address);
}

const thread = build('thread');
stage('threads');
run(
  join(thread, 'stress_threads'),
  samples.filter((file) => /[\\/]net-/.test(file)),
  { TSAN_OPTIONS: 'halt_on_error=1' },
);
stage('done');
