// The emulated GPU is held to the PTX manual and the driver API by a program of its own (emulator.cc): kernels are tested on it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('the emulated GPU and its driver do what a GPU and NVIDIA’s do', { timeout: 300_000 }, () => {
  const build = spawnSync(process.execPath, [join(root, 'scripts/build-cuda-emulator.mjs')], { encoding: 'utf8' });
  expect(build.status, build.stderr).toBe(0);
  const folder = join(root, 'build/cuda-emulator');
  for (const seed of ['1', '2', '3']) {
    const check = spawnSync(join(folder, 'check-emulator'), [folder], { encoding: 'utf8', env: { ...process.env, DSNK_EMULATOR_SEED: seed } });
    expect(check.stdout, check.stderr).toMatch(/^0 of \d+ checks failed\n$/);
    expect(check.status).toBe(0);
  }
});
