#!/usr/bin/env node
/**
 * Runs the tests of everything that a GPU computes: every row against its definition, the models of the shared folder, and how
 * sessions meet drivers that fail.
 *
 *     npm run test:cuda                      on the emulated GPU, built here from the same sources
 *     npm run test:cuda -- test/kernels/gemm.test.ts
 *     npm run test:gpu                       on the GPU of this machine, with the kernels of `npm run build:cuda`
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const real = args.includes('--gpu');
const files = args.filter((a) => a !== '--gpu');
const emulator = join(root, 'build', 'cuda-emulator');

function run(command, list, env = process.env) {
  const { status, signal, error } = spawnSync(command, list, { cwd: root, stdio: 'inherit', env });
  if (error) throw error;
  if (status !== 0) {
    console.error(`${[command, ...list].join(' ')}: ${signal ?? `exit code ${status}`}`);
    process.exit(status ?? 1);
  }
}

const env = { ...process.env, DSNK_TEST_GPU: '1', DSNK_GPU_ROWS: 'sm90' };
if (real) {
  run(process.execPath, ['scripts/build-cuda.mjs']);
} else {
  run(process.execPath, ['scripts/build-cuda-emulator.mjs']);
  env.DSNK_CUDA_LIBRARY = join(emulator, 'libcuda.so.1');
  env.DSNK_CUDA_KERNELS = emulator;
  if (!existsSync(env.DSNK_CUDA_LIBRARY)) throw new Error(`${env.DSNK_CUDA_LIBRARY} was not built`);
}
const all = [
  'test/kernels',
  'test/ops/sparse.test.ts',
  'test/models/golden.test.ts',
  'test/models/whole.test.ts',
  'test/generate/stories.test.ts',
  'test/runtime/gpu.test.ts',
];
const called = mkdtempSync(join(tmpdir(), 'dsnk-called-'));
try {
  // Most families have more element types than the GPU has rows: their suites are empty here.
  run('npx', ['vitest', 'run', '--passWithNoTests', ...(files.length > 0 ? files : all)], { ...env, DSNK_CALLED_ROWS: called });
  // The rows of Hopper, on an emulated one: all else has run.
  const hopper = ['half', 'bfloat', 'integer'].map((name) => `test/kernels/${name}.test.ts`);
  if (!real && files.length === 0)
    run('npx', ['vitest', 'run', ...hopper, '-t', '_sm90'], { ...env, DSNK_CALLED_ROWS: called, DSNK_EMULATOR_CAPABILITY: '90' });
  if (files.length === 0) {
    const table = readFileSync(join(root, 'native/kernels/kernels.inc'), 'utf8').replace(/^\/\/.*$/gm, '');
    const rows = [...table.matchAll(/\bDSNK_(GPU|PLAIN|BYTES)\((\w+)(?:, (\w+))?/g)].map(([, kind, name, type]) =>
      kind === 'GPU' ? name : kind === 'PLAIN' ? `${name}_${type}_sm72` : `${name}_sm72`,
    );
    const seen = new Set(readdirSync(called));
    // Those of another generation cannot be called on a real GPU.
    const untested = rows.filter((name) => !seen.has(name) && !name.includes('##') && !(real && name.endsWith('_sm90')));
    console.log(`${seen.size} rows for GPUs were called`);
    if (untested.length > 0) {
      console.error(`no test calls ${untested.join(', ')}`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(called, { recursive: true, force: true });
}
