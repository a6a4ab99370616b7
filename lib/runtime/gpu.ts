/** The GPU of the process: found and opened when the first session asks for it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { type Catalogue, rowsOn } from '../compile/catalogue.js';
import type { Device } from '../compile/compile.js';
import { type DsnkError, dsnkError } from '../errors.js';
import type { Binding, GpuInfo } from './binding.js';
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

/** Files of kernels that were built on this machine, `*` for the module's name. They come before those of the package. */
function kernelFiles(): string[] {
  const own = process.env['DSNK_CUDA_KERNELS'];
  if (own) return [join(own, '*.fatbin')];
  return packageRoot === undefined || process.env['PREBUILDS_ONLY'] ? [] : [join(packageRoot, 'build', 'cuda', '*.fatbin')];
}

/**
 * What the package has in packs (scripts/cuda/images.mjs), best first: for which compute capabilities, and the CUDA version that a driver must
 * have for what was compiled by CUDA 13. Code for 8.6 serves 8.9, and that of the first GPU of a later generation serves the others.
 */
const packs: readonly (readonly [name: string, least: number, most: number, driver: number])[] = [
  ['sm_120', 120, 129, 13_000],
  ['sm_110', 110, 119, 13_000],
  ['sm_100', 100, 109, 13_000],
  ['sm_90a', 90, 90, 13_000],
  ['sm_90', 90, 90, 11_040],
  ['sm_86', 86, 86, 11_040],
  ['sm_86', 89, 89, 11_040],
  ['sm_87', 87, 87, 11_040],
  ['sm_80', 80, 80, 11_040],
  ['sm_75', 75, 75, 11_040],
  ['sm_72', 72, 72, 11_040],
  ['compute_80', 80, Number.POSITIVE_INFINITY, 11_080], // PTX, which the driver compiles, for GPUs that came later
];
/** This one has modules of instructions that one GPU alone has: the next one has all others. */
const OVERLAY = 'sm_90a';

/** The file that has the code for a GPU among that for others like it. */
export const packOf = (code: string): string => (/^sm_(8\d|90)$/.test(code) ? 'sm_80' : /^sm_1\d\d$/.test(code) ? 'sm_100' : code);

/** Names of what is compiled for a GPU, best first. */
export const packsFor = ({ capability, driverVersion }: Pick<GpuInfo, 'capability' | 'driverVersion'>): string[] =>
  packs.filter(([, least, most, driver]) => capability >= least && capability <= most && driverVersion >= driver).map(([name]) => name);

/** Gives the GPU the kernels of the package. All that a pack has for it is kept, once all packs have been read; the driver loads the modules in use. */
function offerPacks(gpu: GpuInfo): void {
  const folder = process.env['DSNK_CUDA_KERNELS'] || (packageRoot && join(packageRoot, 'prebuilds', 'cuda'));
  if (folder === undefined) return;
  const offers: Parameters<Binding['offerKernels']>[] = [];
  for (const name of packsFor(gpu)) {
    const file = join(folder, `${packOf(name)}.br`);
    if (!existsSync(file)) continue;
    try {
      const bytes = brotliDecompressSync(readFileSync(file));
      const begin = 4 + bytes.readUInt32LE(0);
      const table: readonly [name: string, at: number, size: number][] = JSON.parse(bytes.toString('utf8', 4, begin));
      const own = table.filter(([image]) => image.startsWith(`${name}/`));
      if (own.length === 0) continue;
      let length = 0;
      const places = own.map(([, , size]) => {
        const place = length;
        length += Math.ceil((size + 1) / 16) * 16; // aligned, and with a zero behind it
        return place;
      });
      const kept = Buffer.alloc(length);
      for (const [i, [, at, size]] of own.entries()) bytes.copy(kept, places[i], begin + at, begin + at + size);
      const modules = own.map(([image]) => image.slice(name.length + 1));
      offers.push([kept, modules, places]);
    } catch (error) {
      const reason = `${file}: ${(error as Error).message}\n  cure: install the package again, or npm run prebuild:cuda in a checkout`;
      throw dsnkError('ERR_DSNK_DEVICE_UNAVAILABLE', where, 'the kernels of the package must be whole', reason);
    }
    if (name !== OVERLAY) break;
  }
  for (const offer of offers) native().offerKernels(...offer);
}

let opened: GpuInfo | undefined;

/** Opens the GPU, or finds that it has been lost since. Throws ERR_DSNK_DEVICE_UNAVAILABLE with the cause and its cure. */
export function openGpu(): GpuInfo {
  const answer = native().openGpu(process.env['DSNK_CUDA_LIBRARY'] || DRIVER, kernelFiles());
  if (!('name' in answer)) {
    const [must, cure] = refusals[answer.cause] ?? ['the GPU must open', 'update the driver'];
    throw dsnkError('ERR_DSNK_DEVICE_UNAVAILABLE', where, must, `${answer.detail}\n  cure: ${cure}`);
  }
  if (!answer.hasKernels) offerPacks(answer);
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
