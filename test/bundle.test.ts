/** scripts/bundle.mjs and lib/start.ts: the two entry points as they are shipped, in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
function run(code: string, variables: Readonly<Record<string, string>> = {}): unknown {
  const args = ['--input-type=module', '-e', code];
  const env = {
    ...process.env,
    DS_NATIVE_KERNELS_PREBUILD: addonPath(),
    NODE_NO_WARNINGS: '1',
    XDG_CACHE_HOME: join(folder, 'caches'),
    NODE_DISABLE_COMPILE_CACHE: '',
    ...variables,
  };
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' }));
}

const runModel = `
  const { errorCodes, InferenceSession } = await import('./dist/index.js');
  await InferenceSession.create('models/shapes.onnx', { freeDimensionOverrides: { batch: 1, N: 1 } }).then((s) => s.release());
  console.log(JSON.stringify(errorCodes.ERR_DSNK_NO_BINARY));`;

describe('the compiled form of the library', () => {
  const caches = () => join(folder, 'caches', 'ds-native-kernels');
  const kept = () => (existsSync(caches()) ? readdirSync(caches()) : []);
  const text = api.errorCodes.ERR_DSNK_NO_BINARY;
  beforeEach(() => rmSync(join(folder, 'caches'), { recursive: true, force: true }));

  it('is kept by a process that has loaded a program', () => {
    expect(run(`await import('./dist/index.js'); console.log(1)`)).toBe(1);
    expect(kept()).toEqual([]);
    expect(run(runModel)).toBe(text);
    const [file, ...others] = kept();
    expect(file).toMatch(/^library-\w+\.cjs\.v[\d.]+-\w+\.v8$/);
    expect(others).toEqual([]);
    expect(statSync(join(caches(), file as string)).mode & 0o777).toBe(0o600);
  });

  it('is used by the next one, and not made again', () => {
    // the same script with another text in it, as long as the first: V8 takes its compiled form for that of the library
    const library = readdirSync(join(folder, 'dist')).find((f) => f.startsWith('library-')) as string;
    run(runModel);
    const file = join(caches(), kept()[0] as string);
    const planted = `
      import { readFileSync, writeFileSync } from 'node:fs';
      import { Script } from 'node:vm';
      const source = ('(function (module, exports, require) {' + readFileSync('dist/${library}', 'latin1') + '\\n})').replace(${JSON.stringify(text)}, ${JSON.stringify('x'.repeat(text.length))});
      writeFileSync(${JSON.stringify(file)}, new Script(source).createCachedData());
      console.log(0);`;
    run(planted);
    const before = statSync(file);
    expect(run(runModel)).toBe('x'.repeat(text.length));
    expect(statSync(file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
    // what others could have written is left alone, and replaced
    chmodSync(file, 0o666);
    expect(run(runModel)).toBe(text);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is made again where V8 refuses it', () => {
    mkdirSync(caches(), { recursive: true });
    run(runModel);
    const file = join(caches(), kept()[0] as string);
    const { size } = statSync(file);
    for (const damaged of [Buffer.alloc(0), Buffer.alloc(1000, 7), readFileSync(file).subarray(0, size >> 1)]) {
      writeFileSync(file, damaged);
      expect(run(runModel)).toBe(text);
      expect(statSync(file).size).toBeGreaterThan(size * 0.8);
    }
  });

  it('is done without where it is not wanted or cannot be kept', () => {
    expect(run(runModel, { NODE_DISABLE_COMPILE_CACHE: '1' })).toBe(text);
    expect(kept()).toEqual([]);
    expect(run(runModel, { XDG_CACHE_HOME: '/proc/none' })).toBe(text);
    mkdirSync(caches(), { recursive: true });
    chmodSync(caches(), 0o777);
    expect(run(runModel)).toBe(text);
    expect(kept()).toEqual([]);
  });
});

describe('the bundle', () => {
  it('is the command line, the library as a script, and a module that starts it', () => {
    const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).sort();
    expect(files.map((f) => f.replace(/library-\w+/, 'library'))).toEqual(['cli', 'cli/main.js', 'index.js', 'library.cjs']);
    for (const file of files.filter((f) => f.includes('.'))) {
      const text = readFileSync(join(folder, 'dist', file), 'utf8');
      expect(text, file).not.toMatch(/= class _/);
      if (file.endsWith('.cjs')) expect(Buffer.byteLength(text), 'ASCII').toBe(text.length);
      const imports = /^(?:(?:import|export) [^;]*from |.*\brequire\()"([^".][^"]*)"/gm;
      const packages = [...text.matchAll(imports)].map(([, name]) => name as string);
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

  it('starts where scripts made of text have a global require', () => {
    const code = "import('./dist/index.js').then((m) => console.log(typeof m.InferenceSession))";
    const env = { ...process.env, DS_NATIVE_KERNELS_PREBUILD: addonPath(), XDG_CACHE_HOME: join(folder, 'caches') };
    const worker = `new (require('node:worker_threads').Worker)(${JSON.stringify(code)}, { eval: true })`;
    for (const script of [code, worker]) expect(execFileSync(process.execPath, ['-e', script], { cwd: folder, env, encoding: 'utf8' })).toBe('function\n');
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
