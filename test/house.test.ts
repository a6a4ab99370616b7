/** The rules of the house that a machine can check. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as api from '../lib/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const walk = (folder: string): string[] =>
  readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    return statSync(join(root, path)).isDirectory() ? walk(path) : [path];
  });
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const sources = walk('lib').filter((f) => f.endsWith('.ts'));
const handWritten = sources.filter((f) => !f.includes('/generated/'));
const native = walk('native');

describe('public names', () => {
  it('are these', () => {
    expect(Object.keys(api)).toMatchInlineSnapshot(`
      [
        "GraphBuilder",
        "ops",
        "Operand",
        "DsnkError",
        "errorCodes",
        "TextGenerator",
        "Graph",
        "exportModel",
        "importModel",
        "quantizePicture",
        "compareOutputs",
        "compress",
        "kernels",
        "prune",
        "quantize",
        "InferenceSession",
        "compile",
        "Tensor",
      ]
    `);
    expect(Object.keys(api.kernels)).toMatchInlineSnapshot(`
      [
        "prepareKernel",
        "gemm",
        "conv2d",
      ]
    `);
  });
  it('documents every error code in the README', () => {
    const readme = text('README.md');
    expect(Object.keys(api.errorCodes).filter((code) => !readme.includes(code))).toEqual([]);
  });
});

describe('the types of C++', () => {
  /** Those of namespace dsnk itself: neither nested, nor in an unnamed namespace or in that of an ISA. */
  function typesOf(path: string): string[] {
    const names: string[] = [];
    let hidden = false;
    for (const line of text(path).split('\n')) {
      if (line === 'namespace {' || /^#include "simd\/.*-begin\.h"/.test(line)) hidden = true;
      if (line === '}  // namespace' || /^#include "simd\/.*-end\.h"/.test(line)) hidden = false;
      const name = /^(?:struct|class|enum class) (\w+)(?: final)?(?: :[^:].*)? \{/.exec(line)?.[1];
      if (name !== undefined && !hidden) names.push(name);
    }
    return names;
  }

  // Two of one name are one to the linker, which takes the member functions of either for both.
  it('have one definition', () => {
    const files = native.filter((f) => f.endsWith('.cc') || f.endsWith('.h'));
    const where = new Map<string, string[]>();
    for (const f of files) for (const name of typesOf(f)) where.set(name, [...(where.get(name) ?? []), f]);
    expect(where.size).toBeGreaterThan(100);
    expect([...where].filter(([, list]) => list.length > 1)).toEqual([]);
  });
});

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Import and re-export lines between files of lib/. */
const imports: Import[] = handWritten.flatMap((file) =>
  [...text(file).matchAll(/^(?:import|export)\s+(?:(type\s+)?([^;]*?)\s*from\s+)?'(\.[^']+)'/gms)].map(([, type, list = '', to = '']) => ({
    from: relative('lib', file),
    to: relative(join(root, 'lib'), resolve(root, dirname(file), to)).replace(/\.js$/, '.ts'),
    typeOnly:
      type !== undefined ||
      (/^\{.*\}$/s.test(list) &&
        list
          .slice(1, -1)
          .split(',')
          .every((name) => /^\s*(type\s|$)/.test(name))),
  })),
);
/** A folder, or a file that stands alone. */
const layer = (file: string) => (file.includes('/') ? file.split('/')[0] : file.replace('.ts', '')) as string;

/** What each layer may import. Types that a lower layer borrows from a higher one have no arrow at run time. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  dtype: ['errors'],
  graph: ['dtype', 'errors'],
  // Only graph/dim.ts, the arithmetic of dimensions.
  tensor: ['dtype', 'errors', 'graph'],
  // Parameter schemas: what TypeScript and C++ agree on. Operators encode them, so they lie below.
  kernels: ['dtype'],
  ops: ['dtype', 'errors', 'graph', 'kernels', 'tensor'],
  // An operator's lowering is written against the interface of the compiler that calls it.
  'ops (types)': ['compile'],
  passes: ['dtype', 'errors', 'graph', 'kernels', 'ops'],
  onnx: ['dtype', 'errors', 'graph', 'ops'],
  build: ['dtype', 'errors', 'graph', 'ops', 'tensor'],
  // Works on graphs as passes do; sessions that compute for it are the runtime's.
  quantize: ['dtype', 'errors', 'graph', 'ops', 'passes'],
  // Reads weights and inputs as the quantizer does.
  prune: ['dtype', 'graph', 'ops', 'passes', 'quantize'],
  compile: ['dtype', 'errors', 'graph', 'kernels', 'ops', 'passes'],
  runtime: ['caches', 'dtype', 'errors', 'tensor', 'graph', 'kernels', 'ops', 'onnx', 'build', 'quantize', 'prune', 'compile'],
  generate: ['dtype', 'errors', 'tensor', 'graph', 'onnx', 'runtime'],
  start: ['caches'],
  index: ['dtype', 'errors', 'tensor', 'graph', 'onnx', 'build', 'quantize', 'prune', 'runtime', 'generate'],
  cli: ['caches', 'dtype', 'errors', 'tensor', 'graph', 'ops', 'quantize', 'prune', 'compile', 'runtime', 'generate'],
};

describe('arrows', () => {
  it('of TypeScript point one way', () => {
    expect(imports.length).toBeGreaterThan(300);
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      const [a, b] = [layer(from), layer(to)];
      if (a === b) return false;
      return !(arrows[a]?.includes(b) || (typeOnly && arrows[`${a} (types)`]?.includes(b)));
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('from tensor.ts reach dimensions only', () => {
    expect(imports.filter((i) => i.from === 'tensor.ts' && layer(i.to) === 'graph').map((i) => i.to)).toEqual(['graph/dim.ts']);
  });

  it('to the addon start in runtime/native.ts', () => {
    expect(handWritten.filter((f) => /createRequire\(|node-gyp-build'|process\.dlopen/.test(text(f)))).toEqual(['lib/runtime/native.ts']);
    expect(imports.filter((i) => i.to === 'runtime/native.ts' && layer(i.from) !== 'runtime' && layer(i.from) !== 'cli')).toEqual([]);
  });

  /** Project headers that a native file includes, by path below native/; a bare name is one of the same folder. */
  const includes = (file: string) =>
    [...text(file).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map(([, name = '']) =>
      name.includes('/') ? name : relative('native', join(dirname(file), name)),
    );
  const below = (folder: string) => native.filter((f) => f.startsWith(`native/${folder}/`) && /\.(h|cc|inl)$/.test(f));

  it('of C++ go from the addon to the runtime to the kernels', () => {
    const wrong: string[] = [];
    const allow = (folder: string, ok: RegExp) => {
      for (const f of below(folder)) for (const i of includes(f)) if (!ok.test(i)) wrong.push(`${f} includes ${i}`);
    };
    allow('simd', /^simd\//);
    // A family may build on another's algorithm; none knows the runtime.
    allow('kernels', /^(simd|kernels)\/|^cuda\/work\.h$/);
    // The runtime sees kernels as a struct and their table, never a family.
    allow('runtime', /^(runtime\/|kernels\/[a-z_]+\.(h|inc)$)/);
    // An accelerator as the runtime defines it; rows for it are planned in their families.
    allow('cuda', /^(cuda|runtime)\/|^kernels\/(gpu|kernel)\.h$|^simd\/half\.h$/);
    // The one place that knows which accelerator there is.
    allow('addon', /^(addon|runtime)\/|^cuda\/device\.h$/);
    expect(wrong).toEqual([]);
  });

  it('to Node-API stay in the addon', () => {
    expect(native.filter((f) => /#\s*include\s*[<"](napi|node_api)/.test(text(f)) && !f.startsWith('native/addon/'))).toEqual([]);
  });
});

describe('files', () => {
  it('stay under 450 lines', () => {
    const measured = [...handWritten, ...native.filter((f) => /\.(h|cc|inl|inc)$/.test(f) && !f.endsWith('.gen.h'))];
    expect(measured.filter((f) => text(f).split('\n').length > 450)).toEqual([]);
  });

  it('that are generated are up to date', () => {
    expect(() => execFileSync('node', ['scripts/generate-params.mjs', '--check'], { cwd: root, stdio: 'pipe' })).not.toThrow();
  });
});

describe('examples in docs', () => {
  const examples = handWritten.flatMap((file) =>
    [...text(file).matchAll(/@example\s*\n((?:\s*\*(?!\/).*\n)+)/g)].map(
      ([, body = '']) => [file, body.replace(/^\s*\* ?/gm, '').replace(/^```\w*$/gm, '')] as const,
    ),
  );
  it('exist', () => expect(examples.length).toBeGreaterThan(0));
  it.each(examples)('of %s run', async (_, body) => {
    const { Tensor, ops, ...rest } = api;
    const noise = (dims: number[]) => new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(0.5), dims);
    const names = { ...ops, ...rest, ops, Tensor, x: noise([4, 4]), w: noise([4, 4]) };
    const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...values: unknown[]) => Promise<unknown>;
    // Names that the example declares itself are not given.
    const given = Object.entries(names).filter(([name]) => !new RegExp(`\\b(const|let)\\s+${name}\\b`).test(body));
    await new AsyncFunction(...given.map(([name]) => name), body)(...given.map(([, value]) => value));
  });
});
