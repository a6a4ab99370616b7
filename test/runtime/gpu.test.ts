/** Sessions on a GPU, and on drivers that are missing, too old, out of memory or lost: on the emulated GPU, which can be all of these. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { packOf, packsFor } from '../../lib/runtime/gpu.js';
import * as images from '../../scripts/cuda/images.mjs';
import { emulatorFolder } from '../gpu.js';

const child = fileURLToPath(new URL('./gpu.child.ts', import.meta.url));
const library = join(emulatorFolder, 'libcuda.so.1');
const emulated = existsSync(library);
if (!emulated) console.warn('skipped: tests of sessions on a GPU need the emulated one (npm run test:cuda builds it)');

interface Attempt {
  readonly provider?: { readonly name: string; readonly device?: string; readonly refused?: string };
  readonly results?: number[][];
  readonly kernels?: string[];
  readonly error?: { readonly code: string; readonly message: string };
  /** What a run after the one that failed said. */
  readonly again?: { readonly code: string; readonly message: string };
}

function scenario(env: Record<string, string>, providers = 'cuda', runs = 1): { asked: Attempt; later: Attempt; onProcessor: Attempt } {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', child, providers, String(runs)], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, DSNK_CUDA_LIBRARY: library, DSNK_CUDA_KERNELS: emulatorFolder, ...env },
  });
  expect({ status, signal, stderr }).toMatchObject({ status: 0, signal: null });
  return JSON.parse(stdout);
}

const unavailable = 'ERR_DSNK_DEVICE_UNAVAILABLE';

/** What happens on the processor is the same whatever became of the GPU. */
function expectUnharmed({ onProcessor }: { onProcessor: Attempt }): number[] {
  expect(onProcessor.error).toBeUndefined();
  return onProcessor.results?.[0] as number[];
}

function expectClose(got: readonly number[] | undefined, want: readonly number[]): void {
  expect(got?.length).toBe(want.length);
  // Results of a softmax over sums of 2,048 products: both sides round as in test/models/golden.test.ts.
  for (const [i, x] of want.entries()) expect(Math.abs((got?.[i] as number) - x)).toBeLessThan(2 ** -23 * Math.sqrt(2048 * 4));
}

describe('without a driver', () => {
  it('names the library, and what to install', () => {
    const out = scenario({ DSNK_CUDA_LIBRARY: '/nowhere/libcuda.so.1' });
    expect(out.asked.error?.code).toBe(unavailable);
    expect(out.asked.error?.message).toMatch(/driver \(libcuda\.so\.1\) must load.*\/nowhere\/libcuda\.so\.1[\s\S]*cure: install the driver/);
    expectUnharmed(out);
  });

  it("'cuda,cpu' falls back to the processor and says why", () => {
    const out = scenario({ DSNK_CUDA_LIBRARY: '/nowhere/libcuda.so.1' }, 'cuda,cpu');
    expect(out.asked.provider).toMatchObject({ name: 'cpu', refused: expect.stringMatching(/must load/) });
    expect(out.asked.results?.[0]).toEqual(expectUnharmed(out));
  });
});

describe('the packs of kernels for a GPU', () => {
  it.each([
    [72, 11_040, ['sm_72']],
    [75, 12_020, ['sm_75']],
    [80, 11_040, ['sm_80']],
    [86, 11_080, ['sm_86', 'compute_80']],
    [87, 11_040, ['sm_87']], // Jetson Orin with JetPack 5
    [89, 12_080, ['sm_86', 'compute_80']],
    [90, 12_080, ['sm_90', 'compute_80']],
    [90, 13_000, ['sm_90a', 'sm_90', 'compute_80']],
    [100, 13_000, ['sm_100', 'compute_80']],
    [103, 13_000, ['sm_100', 'compute_80']],
    [110, 13_000, ['sm_110', 'compute_80']], // Jetson Thor
    [120, 12_080, ['compute_80']], // a driver that does not know what CUDA 13 makes
    [121, 13_000, ['sm_120', 'compute_80']],
    [88, 13_000, ['compute_80']], // nothing was made for it
    [130, 14_000, ['compute_80']],
  ])('of compute capability %i with a driver of CUDA %i, best first', (capability, driverVersion, names) => {
    expect(packsFor({ capability, driverVersion }).slice(0, names.length)).toEqual(names);
  });

  it('are those that are made, each for some GPU', () => {
    const named = [72, 75, 80, 86, 87, 89, 90, 100, 110, 120].flatMap((capability) => packsFor({ capability, driverVersion: 13_000 }));
    expect([...new Set(named)].sort()).toEqual([...images.wholeCodes, 'sm_90a'].sort());
    for (const name of named) expect(packOf(name)).toBe(images.packOf(name));
  });
});

/** What a module prints that has `catalogueOn`, `openGpu` and `native` at hand. */
function evaluated(code: string, env: Readonly<Record<string, string>>): string {
  const names = "const { catalogueOn, openGpu } = await import('./lib/runtime/gpu.ts'); const { native } = await import('./lib/runtime/native.ts');";
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const answer = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', names + code], {
    encoding: 'utf8',
    env: { ...process.env, DSNK_CUDA_LIBRARY: library, ...env },
    cwd,
  });
  expect(answer.stderr).toBe('');
  return answer.stdout.trim();
}

describe.skipIf(!emulated)('on the emulated GPU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-gpu-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('computes what the processor computes, run after run', () => {
    const out = scenario({}, 'cuda', 4);
    expect(out.asked.error).toBeUndefined();
    expect(out.asked.provider?.name).toBe('cuda');
    const want = expectUnharmed(out);
    for (const got of out.asked.results ?? []) {
      expectClose(got, want);
      expect(got).toEqual(out.asked.results?.[0]);
    }
  });

  it('does so where the GPU shares the memory of the processor', () => {
    const out = scenario({ DSNK_EMULATOR_INTEGRATED: '1' }, 'cuda', 3);
    expect(out.asked.error).toBeUndefined();
    const want = expectUnharmed(out);
    for (const got of out.asked.results ?? []) expectClose(got, want);
  });

  it('uses rows up to its compute capability', () => {
    for (const capability of ['72', '75', '87', '90']) {
      const out = scenario({ DSNK_EMULATOR_CAPABILITY: capability });
      expect(out.asked.error).toBeUndefined();
      for (const kernel of out.asked.kernels ?? []) {
        const least = /_sm(\d+)$/.exec(kernel)?.[1];
        if (least !== undefined) expect(Number(least)).toBeLessThanOrEqual(Number(capability));
      }
    }
  });

  it('uses rows of Hopper there, and where they are asked for', () => {
    const print = "console.log(catalogueOn(native().catalogue(), 'cuda').kernels.filter((k) => k.usable && k.isa === 'sm90').length)";
    const count = (capability: string, rows: string) => Number(evaluated(print, { DSNK_EMULATOR_CAPABILITY: capability, DSNK_GPU_ROWS: rows }));
    expect([count('90', 'sm90') > 0, count('90', ''), count('120', 'sm90')]).toEqual([true, 0, 0]);
  });

  it.each([
    ['an old driver', { DSNK_EMULATOR_DRIVER_VERSION: '11020' }, /driver must be that of CUDA 11\.4 or later, 11\.2[\s\S]*cure: update it/],
    ['a function that is missing', { DSNK_EMULATOR_MISSING: 'cuGraphLaunch' }, /driver must be that of CUDA 11\.4.*without cuGraphLaunch/],
    ['no device', { DSNK_EMULATOR_DEVICES: '0' }, /compute capability 7\.2 or later must be visible/],
    ['a GPU that is too old', { DSNK_EMULATOR_CAPABILITY: '61' }, /compute capability 7\.2 or later must be visible.*6\.1/],
  ])('refuses %s with cause and cure', (_, env, words) => {
    const out = scenario(env as unknown as Record<string, string>);
    expect(out.asked.error?.code).toBe(unavailable);
    expect(out.asked.error?.message).toMatch(words);
    expectUnharmed(out);
  });

  it('says how much memory is missing', () => {
    const out = scenario({ DSNK_EMULATOR_MEMORY: '20000' });
    expect(out.asked.error?.code).toBe('ERR_DSNK_OUT_OF_MEMORY');
    expect(out.asked.error?.message).toMatch(/\d+ bytes/);
    expectUnharmed(out);
  });

  it('ends with a typed error where the GPU is lost in mid-run', () => {
    const out = scenario({ DSNK_EMULATOR_LOSE_AFTER: '6' }, 'cuda', 20);
    expect(out.asked.error?.code).toBe(unavailable);
    expect(out.asked.error?.message).toMatch(/CUDA_ERROR_[A-Z_]+[\s\S]*cure: restart the process/);
    expect(out.later.provider).toMatchObject({ name: 'cpu', refused: expect.stringMatching(/the GPU must open, cuStreamSynchronize: CUDA_ERROR_/) });
    expect(out.later.results?.[0]).toEqual(expectUnharmed(out));
  });

  it('does not call it a lack of memory that a lost GPU gives none', () => {
    for (const after of ['0', '7']) {
      const out = scenario({ DSNK_EMULATOR_LOSE_AFTER: after }, 'cuda', 3);
      expect([out.asked.error?.code, out.asked.again?.code]).toEqual([unavailable, unavailable]);
      expect(out.asked.again?.message).toMatch(/CUDA_ERROR_[A-Z_]+/);
    }
  });

  it('takes the kernels from the pack of its compute capability, and is refused where that is damaged', () => {
    const modules = readdirSync(emulatorFolder).filter((file) => file.endsWith('.fatbin'));
    const of = (code: string) => modules.map((file) => [`${code}/${file.slice(0, -'.fatbin'.length)}`, readFileSync(join(emulatorFolder, file))] as const);
    const none = (code: string) => of(code).map(([name]) => [name, Buffer.from('not a module')] as const);
    const { packed } = images;
    const packs = join(folder, 'packs');
    mkdirSync(packs);
    writeFileSync(join(packs, 'sm_80.br'), packed([...none('sm_86'), ...of('sm_87')]));
    const out = scenario({ DSNK_CUDA_KERNELS: packs });
    expect(out.asked.error).toBeUndefined();
    expectClose(out.asked.results?.[0], expectUnharmed(out));
    expect(scenario({ DSNK_CUDA_KERNELS: packs, DSNK_EMULATOR_CAPABILITY: '75' }).asked.error?.message).toMatch(/were not found/);
    // What Hopper alone runs comes first, and what that pack lacks comes from the other.
    writeFileSync(join(packs, 'sm_90a.br'), packed(none('sm_90a').slice(1)));
    writeFileSync(join(packs, 'sm_80.br'), packed([...of('sm_90'), ...none('sm_87')]));
    expect(scenario({ DSNK_CUDA_KERNELS: packs, DSNK_EMULATOR_CAPABILITY: '90', DSNK_EMULATOR_DRIVER_VERSION: '13000' }).asked.error).toBeUndefined();
    writeFileSync(join(packs, 'sm_80.br'), packed(none('sm_90')));
    const refused = scenario({ DSNK_CUDA_KERNELS: packs, DSNK_EMULATOR_CAPABILITY: '90' });
    expect(refused.asked.error?.message).toMatch(/the package's: CUDA_ERROR_INVALID_IMAGE/);
    writeFileSync(join(packs, 'sm_80.br'), 'torn');
    const torn = scenario({ DSNK_CUDA_KERNELS: packs }, 'cuda,cpu');
    expect(torn.asked.provider).toMatchObject({ name: 'cpu', refused: expect.stringMatching(/must be whole, .*sm_80\.br: [\s\S]*cure: install/) });
    expectUnharmed(torn);
  });

  it('reads its pack once for all threads of a process', () => {
    const packs = mkdtempSync(join(folder, 'once-'));
    const file = join(packs, 'sm_80.br');
    writeFileSync(file, images.packed([['sm_87/copy', Buffer.from('never loaded')]]));
    // The thread, of compiled sources since tsx is not in it, would be refused if it read what lies there by then.
    const thread = "import('./dist/runtime/gpu.js').then(({ openGpu }) => console.log(openGpu().hasKernels))";
    const code = `console.log(openGpu().hasKernels); (await import('node:fs')).writeFileSync(${JSON.stringify(file)}, 'torn');
      new (await import('node:worker_threads')).Worker(${JSON.stringify(thread)}, { eval: true });`;
    expect(evaluated(code, { DSNK_CUDA_KERNELS: packs }).split('\n')).toEqual(['false', 'true']);
  });

  it('refuses kernels that are damaged, and kernels that are not there', () => {
    for (const name of ['copy', 'gemm', 'gemm_f32', 'conv', 'conv_f32', 'softmax', 'strided', 'pointwise'])
      writeFileSync(join(folder, `${name}.fatbin`), 'not a module');
    const damaged = scenario({ DSNK_CUDA_KERNELS: folder });
    expect(damaged.asked.error?.code).toBe(unavailable);
    expect(damaged.asked.error?.message).toMatch(/CUDA_ERROR_INVALID_IMAGE|were not found/);
    const missing = scenario({ DSNK_CUDA_KERNELS: '/nowhere' });
    expect(missing.asked.error?.message).toMatch(/were not found/);
    expectUnharmed(missing);
  });
});
