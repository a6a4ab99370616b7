/**
 * With DSNK_TEST_GPU set, the tests of kernel rows take the GPU's rows, and tests of models run there: `npm run test:cuda` sets it for
 * the emulated GPU, `npm run test:gpu` for a real one.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isGpuRow, type KernelRow } from '../lib/compile/catalogue.js';
import { catalogueOn } from '../lib/runtime/gpu.js';
import { native } from '../lib/runtime/native.js';

export const testsGpu = Boolean(process.env['DSNK_TEST_GPU']);

/** Where sessions of the tests run. */
export const testedProviders = testsGpu ? ['cuda'] : ['cpu'];

/** The rows under test. */
export const testedRows = (): readonly KernelRow[] =>
  testsGpu ? catalogueOn(native().catalogue(), 'cuda').kernels.filter(isGpuRow) : native().catalogue().kernels;

/** The folder of the emulated GPU's library and kernels. */
export const emulatorFolder = join(fileURLToPath(new URL('..', import.meta.url)), 'build', 'cuda-emulator');
