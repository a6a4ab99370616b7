/** The kernels for GPUs in the installed package: that a driver is given them. The emulated driver stands for NVIDIA's. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { hopper, isForHopper, mostPackBytes, packed as packedImages, packOf, unpacked, wholeCodes } from '../../scripts/cuda/images.mjs';
import { modules } from '../../scripts/cuda/modules.mjs';
import { emulatorFolder } from '../gpu.js';
import { checkout, home, packed, project, start } from './project.js';

const { missingKernels } = inject('installed');
const folder = join(home, 'prebuilds', 'cuda');
const library = join(emulatorFolder, 'libcuda.so.1');
const shipped = packed.files.filter(({ path }) => path.startsWith('prebuilds/cuda/'));

const script = join(project, 'gpu.mjs');
writeFileSync(
  script,
  `import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'ds-native-kernels';
const model = fileURLToPath(new URL('models/shapes.onnx', import.meta.resolve('ds-native-kernels/package.json')));
const image = new Tensor('float32', new Float32Array(3 * 64 * 64).fill(0.5), [1, 3, 64, 64]);
const scores = async (executionProviders) => {
  const session = await InferenceSession.create(model, { executionProviders });
  return [...(await session.run({ image })).scores.data];
};
console.log(JSON.stringify(await scores(['cuda']).then(async (gpu) => ({ gpu, cpu: await scores(['cpu']) }), ({ code, message }) => ({ code, message }))));
`,
);
function onGpu(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = start(process.execPath, [script], { env: { PREBUILDS_ONLY: '1', DSNK_CUDA_LIBRARY: library, ...env } });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as { gpu?: number[]; cpu?: number[]; code?: string; message?: string };
}

if (missingKernels.length > 0) console.warn(`kernels for GPUs are not whole (npm run prebuild:cuda): ${missingKernels.join('; ')}`);

describe('the kernels for GPUs in the tarball', () => {
  it('are packs below their limit, without what emulates a GPU', () => {
    const bytes = shipped.reduce((sum, { size }) => sum + size, 0);
    console.log(`kernels for GPUs: ${(bytes / 1e6).toFixed(2)} MB in ${shipped.length} packs`);
    expect(bytes).toBeLessThanOrEqual(mostPackBytes);
    for (const { path } of shipped) expect(path).toMatch(/^prebuilds\/cuda\/(sm_72|sm_75|sm_80|sm_90a|sm_100|compute_80)\.br$/);
    expect(packed.files.filter(({ path }) => path.startsWith('native/cuda/emulator/'))).toEqual([]);
  });

  it.skipIf(missingKernels.length > 0)('are all modules, for all GPUs', () => {
    expect(shipped.map(({ path }) => path)).toEqual(expect.arrayContaining(wholeCodes.map((name) => `prebuilds/cuda/${packOf(name)}.br`)));
    const names = [...modules(checkout).keys()].sort();
    const codes = [...wholeCodes, hopper[1] as string];
    for (const pack of new Set(codes.map(packOf))) {
      const images = unpacked(readFileSync(join(folder, `${pack}.br`)));
      const own = codes.filter((code) => packOf(code) === pack);
      const wanted = own.flatMap((code) => names.filter((name) => isForHopper(name) === (code === hopper[1])).map((name) => `${code}/${name}`));
      expect([...images.keys()].sort(), pack).toEqual(wanted.sort());
      for (const [name, bytes] of images) {
        // PTX is text; machine code an ELF file of NVIDIA's (machine 190).
        if (pack.startsWith('compute')) expect(bytes.toString('utf8', 0, 2000), name).toMatch(/\.target sm_80/);
        else expect([bytes.toString('latin1', 0, 4), bytes.readUInt16LE(18)], `${pack}: ${name}`).toEqual(['\x7fELF', 190]);
      }
    }
  });
});

describe.skipIf(!existsSync(library))('a driver', () => {
  const file = join(folder, 'sm_80.br');
  const real = existsSync(file) ? readFileSync(file) : undefined;
  afterAll(() => {
    if (real) writeFileSync(file, real);
  });

  it.skipIf(real === undefined)('is given machine code from the package', () => {
    // which the emulated one refuses: it knows none
    expect(onGpu({})).toMatchObject({ code: 'ERR_DSNK_DEVICE_UNAVAILABLE', message: expect.stringMatching(/the package's: CUDA_ERROR_INVALID_IMAGE/) });
  });

  it.skipIf(real === undefined)('computes with what lies there', () => {
    const names = readdirSync(emulatorFolder).filter((name) => name.endsWith('.fatbin'));
    writeFileSync(file, packedImages(names.map((name) => [`sm_87/${name.slice(0, -'.fatbin'.length)}`, readFileSync(join(emulatorFolder, name))])));
    const { gpu, cpu, message } = onGpu({});
    expect(gpu, message).toHaveLength(cpu?.length ?? -1);
    // sums of at most 9·64 products in another order, see test/models/bundled.test.ts
    for (const [i, x] of (gpu ?? []).entries()) expect(Math.abs(x - (cpu?.[i] as number))).toBeLessThan(4 * 2 ** -23 * Math.sqrt(9 * 64 * 7) * 32);
  });
});
