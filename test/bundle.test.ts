/** scripts/bundle.mjs: the two entry points as they are shipped, in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as api from '../lib/index.js';
import { addonPath } from '../lib/runtime/native.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dependencies = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dsnk-bundle-'));
  mkdirSync(join(folder, 'models'));
  for (const file of ['package.json', 'models/shapes.onnx', 'models/shapes.png']) cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(root, 'scripts', 'bundle.mjs'), join(folder, 'dist')]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a module beside the bundle and returns what it prints, as JSON. */
function run(code: string): unknown {
  const args = ['--input-type=module', '-e', code];
  const env = { ...process.env, DS_NATIVE_KERNELS_PREBUILD: addonPath(), NODE_NO_WARNINGS: '1' };
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' }));
}

describe('the bundle', () => {
  it('is two entries and one chunk that both share', () => {
    const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).sort();
    expect(files.map((f) => f.replace(/chunk-\w+/, 'chunk'))).toEqual(['chunk.js', 'cli', 'cli/main.js', 'index.js']);
    for (const file of files.filter((f) => f.endsWith('.js'))) {
      const text = readFileSync(join(folder, 'dist', file), 'utf8');
      expect(text, file).not.toMatch(/= class _/);
      const packages = [...text.matchAll(/^(?:import|export) [^;]*from "([^".][^"]*)"/gm)].map(([, name]) => name as string);
      const known = (name: string) => name.startsWith('node:') || dependencies.some((d) => name === d || name.startsWith(`${d}/`));
      expect(packages.filter((name) => !known(name))).toEqual([]);
    }
  });

  it('has the public names, each class once however it is loaded', () => {
    const code = `
      import { createRequire } from 'node:module';
      const imported = await import('./dist/index.js');
      const required = createRequire(${JSON.stringify(join(folder, 'x.js'))})('./dist/index.js');
      console.log(JSON.stringify({
        names: Object.keys(imported).sort(),
        different: Object.keys(imported).filter((name) => imported[name] !== required[name]),
        called: ['InferenceSession', 'DsnkError', 'Graph'].filter((name) => imported[name].name !== name),
      }));`;
    expect(run(code)).toEqual({ names: Object.keys(api).sort(), different: [], called: [] });
  });

  it('runs a model, and fails with the classes it exports', () => {
    const code = `
      import { readFileSync } from 'node:fs';
      const { DsnkError, InferenceSession, Tensor } = await import('./dist/index.js');
      const session = await InferenceSession.create('models/shapes.onnx');
      const [{ name, shape }] = session.inputMetadata;
      const dims = shape.map((d) => (typeof d === 'number' ? d : 1));
      const x = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)), dims);
      const results = Object.values(await session.run({ [name]: x }));
      const error = await InferenceSession.create(Uint8Array.of(1, 2)).catch((e) => e);
      console.log(JSON.stringify({ tensors: results.every((t) => t instanceof Tensor), refused: error instanceof DsnkError && error.code }));`;
    expect(run(code)).toEqual({ tensors: true, refused: 'ERR_DSNK_INVALID_MODEL' });
  });

  it('says to leave it external where a bundler has made CommonJS of it, and loads the addon that is named even so', () => {
    const outfile = join(folder, 'app', 'app.cjs');
    const app = `require(${JSON.stringify(join(folder, 'dist/index.js'))}).InferenceSession.create('models/shapes.onnx').then((s) => console.log(s.inputNames.join()), (e) => console.log(e.message));`;
    buildSync({ stdin: { contents: app, resolveDir: folder }, bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' });
    const started = (env: Record<string, string>) => {
      const { DS_NATIVE_KERNELS_PREBUILD: _, PREBUILDS_ONLY: __, ...rest } = process.env;
      return execFileSync(process.execPath, [outfile], { cwd: folder, env: { ...rest, ...env }, encoding: 'utf8' });
    };
    expect(started({})).toContain('is not in the folder of the package: a bundler must leave ds-native-kernels external');
    expect(started({ DS_NATIVE_KERNELS_PREBUILD: addonPath() })).toBe('image\n');
  });

  it('finds the bundled model from the command line', () => {
    const env = { ...process.env, DS_NATIVE_KERNELS_PREBUILD: addonPath() };
    const out = execFileSync(process.execPath, [join(folder, 'dist/cli/main.js'), 'run', '--json', '--repeat', '1'], { cwd: tmpdir(), env, encoding: 'utf8' });
    expect(JSON.parse(out)).toHaveProperty('model');
  });
});
