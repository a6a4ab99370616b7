#!/usr/bin/env node
// `npm run test:native [-- --mutations 50000]`: the native part under AddressSanitizer + UBSan (program fuzzing) and under
// ThreadSanitizer (teams and lanes). The programs to mutate are the small calls of the kernel tests (DSNK_CORPUS).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: args } = parseArgs({ options: { mutations: { type: 'string', default: '50000' }, seed: { type: 'string', default: '1' } } });

function run(program, argv, env = {}) {
  const { status } = spawnSync(program, argv, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

function build(sanitizer) {
  const dir = join(root, 'build', `cmake-sanitize-${sanitizer}`);
  run('cmake', ['-S', root, '-B', dir, `-DDSNK_SANITIZE=${sanitizer}`, '-DDSNK_TESTS=ON', '-DCMAKE_BUILD_TYPE=Debug', '-Wno-dev', '--log-level=WARNING']);
  run('cmake', ['--build', dir, '--parallel', String(cpus().length), '--', '--quiet']);
  return dir;
}

const corpus = join(root, 'build', 'fuzz-corpus');
rmSync(corpus, { recursive: true, force: true });
mkdirSync(corpus, { recursive: true });
run('npx', ['--no-install', 'vitest', 'run', 'test/kernels', 'test/native', '--reporter=dot'], { DSNK_CORPUS: corpus });
const address = build('address');
run(join(address, 'fuzz_load'), [args.mutations, args.seed, ...readdirSync(corpus).map((f) => join(corpus, f))], {
  UBSAN_OPTIONS: 'print_stacktrace=1',
  ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=1',
});
const thread = build('thread');
run(join(thread, 'stress_threads'), [], { TSAN_OPTIONS: 'halt_on_error=1' });
