/**
 * With DSNK_TEST_GPU set, the tests of kernel rows take the GPU's rows, and tests of models run there: `npm run test:cuda` sets it for
 * the emulated GPU, `npm run test:gpu` for a real one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isGpuRow, type KernelRow } from '../lib/compile/catalogue.js';
import type { InferenceSession } from '../lib/index.js';
import { catalogueOn } from '../lib/runtime/gpu.js';
import { native } from '../lib/runtime/native.js';

export const testsGpu = Boolean(process.env['DSNK_TEST_GPU']);

/** Where sessions of the tests run. */
export const testedProviders = testsGpu ? ['cuda'] : ['cpu'];

/** The rows under test. */
export const testedRows = (): readonly KernelRow[] =>
  testsGpu ? catalogueOn(native().catalogue(), 'cuda').kernels.filter(isGpuRow) : native().catalogue().kernels;

/** Leaves word, for scripts/test-cuda.mjs, that a row has been called: one that no test calls is an error. */
export function noteCalled(row: KernelRow): void {
  const folder = process.env['DSNK_CALLED_ROWS'];
  if (folder !== undefined && isGpuRow(row) && !noted.has(row.name)) writeFileSync(join(folder, row.name), '');
  noted.add(row.name);
}

const noted = new Set<string>();

/** What a session on a GPU leaves to the processor. */
export const leftToProcessor = (session: InferenceSession): string[] => {
  const gpuRows = new Set(testedRows().map((row) => row.name));
  const calls = session.report().programs.flatMap(({ kernels }) => kernels);
  return calls.filter(({ kernel }) => !gpuRows.has(kernel)).map(({ op, node, kernel }) => `${op} ${node}: ${kernel}`);
};

/** The folder of the emulated GPU's library and kernels. */
export const emulatorFolder = join(fileURLToPath(new URL('..', import.meta.url)), 'build', 'cuda-emulator');
