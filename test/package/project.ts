/** Runs things in the project that the package is installed in. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { batch } from '../../scripts/bundled-model/pictures.mjs';

export const { project, home, packed } = inject('installed');
export const checkout = fileURLToPath(new URL('../..', import.meta.url));
/** Where programs fetched for tests are kept. */
export const kept = join(checkout, 'build');

const PICTURES = 16;
const pixels = batch(971_000, PICTURES).images as Float32Array;
const dims = [PICTURES, 3, 64, 64];
writeFileSync(join(project, 'pixels.bin'), pixels);

/** Prints the scores of the bundled model as JSON, and the addon that made them. */
export const classify = join(project, 'classify.mjs');
writeFileSync(
  classify,
  `import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'ds-native-kernels';
const pixels = new Float32Array(Uint8Array.from(readFileSync(new URL('pixels.bin', import.meta.url))).buffer);
const model = fileURLToPath(new URL('models/shapes.onnx', import.meta.resolve('ds-native-kernels/package.json')));
const session = await InferenceSession.create(model);
const { scores } = await session.run({ image: new Tensor('float32', pixels, ${JSON.stringify(dims)}) });
await session.release();
const addon = readFileSync('/proc/self/maps', 'utf8').match(/\\S+\\.node$/m)?.[0];
console.log(JSON.stringify({ scores: [...scores.data], addon, arch: process.arch, node: process.version }));
`,
);

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process in the project, with no variable set that would change what is loaded. */
export function start(program: string, args: readonly string[], options: { env?: Readonly<Record<string, string>>; uid?: number } = {}): Answer {
  const { DS_NATIVE_KERNELS_PREBUILD: _, PREBUILDS_ONLY: __, NODE_OPTIONS: ___, DSNK_ISA: ____, FORCE_COLOR: _____, ...rest } = process.env;
  return spawnSync(program, args, { cwd: project, encoding: 'utf8', timeout: 600_000, ...options, env: { ...rest, ...options.env } });
}

export interface Classified {
  readonly scores: readonly number[];
  readonly addon: string;
  readonly arch: string;
  readonly node: string;
}

/** The classifier in a process that must end well and quietly. */
export function classified(program: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = { PREBUILDS_ONLY: '1' }): Classified {
  const { status, stdout, stderr } = start(program, [...args, classify], { env });
  if (status !== 0 || stderr !== '') throw new Error(`exit ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

const session = await InferenceSession.create(join(checkout, 'models', 'shapes.onnx'));
const expected = (await session.run({ image: new Tensor('float32', pixels, dims) }))['scores']?.data as Float32Array;
await session.release();

/** The worst difference from the scores of the checkout's own addon, in units of what rounding explains (see test/models/bundled.test.ts). */
export function difference(scores: readonly number[]): number {
  const tolerance = 4 * 2 * 2 ** -24 * Math.sqrt(9 * 64 * 7);
  const largest = expected.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  if (scores.length !== expected.length) return Number.POSITIVE_INFINITY;
  return scores.reduce((a, v, i) => Math.max(a, Math.abs(v - (expected[i] as number))), 0) / (tolerance * largest);
}

/** Whether an error is that of a machine without a network: then there is nothing to test. */
export const offline = (error: unknown) => /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/.test(String(error));
