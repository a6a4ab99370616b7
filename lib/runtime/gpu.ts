/** The GPU of the process: found and opened when the first session asks for it. */
import { join } from 'node:path';
import { type Catalogue, rowsOn } from '../compile/catalogue.js';
import type { Device } from '../compile/compile.js';
import { type DsnkError, dsnkError } from '../errors.js';
import type { GpuInfo } from './binding.js';
import { native, packageRoot } from './native.js';

/** NVIDIA's driver, as every Linux names it. */
const DRIVER = 'libcuda.so.1';
const where = "execution provider 'cuda'";

/** What the driver's refusal means, by Refusal::Cause in native/cuda/driver.h, and what cures it. */
const refusals: Readonly<Record<number, readonly [must: string, cure: string]>> = {
  1: [
    `NVIDIA's driver (${DRIVER}) must load`,
    'install the driver (on Jetson: JetPack 5 or later); start a container with `--runtime nvidia` or `--gpus all`; the toolkit is not needed',
  ],
  2: ['the driver must be that of CUDA 11.4 or later', 'update it (R470 or later; on Jetson: JetPack 5 or later)'],
  3: [
    'a GPU of compute capability 7.2 or later must be visible',
    'check `nvidia-smi` (on Jetson: `/dev/nvhost-gpu`), CUDA_VISIBLE_DEVICES, and that this user may open the device (group video)',
  ],
  4: ['the GPU must open', 'restart the process, then the machine; `dmesg` names what the driver says of it'],
};

/** Files of kernels, `*` for the module's name, best first: those built here, then those of the package, by CUDA version. */
function kernelFiles(): string[] {
  const own = process.env['DSNK_CUDA_KERNELS'];
  if (own) return [join(own, '*.fatbin')];
  if (packageRoot === undefined) return [];
  const built = process.env['PREBUILDS_ONLY'] ? [] : [join(packageRoot, 'build', 'cuda', '*.fatbin')];
  return [...built, ...['13', '11'].map((version) => join(packageRoot as string, 'prebuilds', 'cuda', `*-${version}.fatbin`))];
}

let opened: GpuInfo | undefined;

/** Opens the GPU, or finds that it has been lost since. Throws ERR_DSNK_DEVICE_UNAVAILABLE with the cause and its cure. */
export function openGpu(): GpuInfo {
  const answer = native().openGpu(process.env['DSNK_CUDA_LIBRARY'] || DRIVER, kernelFiles());
  if (!('name' in answer)) {
    const [must, cure] = refusals[answer.cause] ?? ['the GPU must open', 'update the driver'];
    throw dsnkError('ERR_DSNK_DEVICE_UNAVAILABLE', where, must, `${answer.detail}\n  cure: ${cure}`);
  }
  opened = answer;
  return answer;
}

/** `12.4` of 12040. */
export const cudaVersion = (version: number) => `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;

/** Where a session runs, and why not where it was asked to first. */
export interface Provider {
  readonly name: Device;
  /** Name of the GPU. */
  readonly device?: string;
  /** Why a provider that stands before this one in `executionProviders` could not be used. */
  readonly refused?: DsnkError;
}

/** The first of these providers that can be used; throws what the last one threw. */
export function settleProvider(names: readonly Device[]): Provider {
  let refused: DsnkError | undefined;
  for (const name of names) {
    if (name === 'cpu') return { name, ...(refused && { refused }) };
    try {
      return { name, device: openGpu().name };
    } catch (error) {
      refused = error as DsnkError;
    }
  }
  throw refused;
}

/** The table of kernels for programs of a provider: on a GPU its own rows, and the processor's for what has none. */
export function catalogueOn(catalogue: Catalogue, device: Device): Catalogue {
  if (device === 'cpu') return catalogue;
  let table = tables.get(catalogue);
  if (table === undefined) {
    const { isas, paramBytes } = opened ?? openGpu();
    // The rows of sm90 have not run on a GPU yet: who wants them asks for them.
    const asked = isas.filter((isa) => isa !== 'sm90' || process.env['DSNK_GPU_ROWS'] === isa);
    table = rowsOn(catalogue, asked, paramBytes);
    tables.set(catalogue, table);
  }
  return table;
}

const tables = new WeakMap<Catalogue, Catalogue>();
