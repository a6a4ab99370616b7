#!/usr/bin/env node
// Replaces the entry points that tsc wrote, dist/index.js and dist/cli/main.js, by bundles of all they import: Node finds,
// opens and compiles each module by itself, which for the package's many small ones takes three times as long as for one
// large one. The library is a script, dist/library-<digest>.cjs, whose compiled form can be kept (lib/start.ts); dist/index.js
// starts it and exports the public names. The command line is one module with all it needs. The single modules stay for tests
// and scripts. `bundle.mjs [folder]` writes elsewhere than to dist/.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const lib = join(root, 'lib');

/** Bundles an entry; returns its text and the packages it imports. */
async function bundle(options) {
  const { outputFiles, metafile } = await build({
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20.19',
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
    metafile: true,
    ...options,
  });
  const [output] = Object.values(metafile.outputs);
  const packages = [...new Set(output.imports.filter((i) => i.external).map((i) => i.path))];
  return { text: named(outputFiles[0].text), packages, names: output.exports };
}

/** esbuild calls a class _X inside where it names itself; stack traces and printed objects should say X. */
function named(text) {
  const selfNaming = [...text.matchAll(/^\s*var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  return selfNaming.length === 0 ? text : text.replace(new RegExp(`\\b_(${selfNaming.join('|')})\\b`, 'g'), '$1');
}

/** Characters above ASCII, which esbuild leaves in regular expressions and comments, as escapes: the library is read as bytes. */
const ascii = (text) => text.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const entry = (contents) => ({ stdin: { contents, resolveDir: lib, loader: 'ts' } });

const { names } = await bundle({ entryPoints: [join(lib, 'index.ts')], format: 'esm' });
const library = await bundle({
  ...entry(`export * from './index.js'; export { hasLoadedProgram } from './runtime/loaded-program.js';`),
  format: 'cjs',
  define: { 'import.meta.url': 'module.url' },
});
library.text = ascii(library.text);
const file = `library-${createHash('sha256').update(library.text).digest('hex').slice(0, 12)}.cjs`;
const start = await bundle({ entryPoints: [join(lib, 'start.ts')], format: 'esm' });
// Node has no `require` in such a module, except that of `node -e`, the REPL and workers made of text, which is global and looks elsewhere.
// A bundler that swallows the package finds the library by its own.
const index = `${start.text.replace(/export \{\s*start\s*\};\s*$/, '')}
${library.packages.map((name, i) => `import * as package${i} from "${name}";`).join('\n')}
var packages = { ${library.packages.map((name, i) => `"${name}": package${i}`).join(', ')} };
export const { ${names.join(', ')} } =
  typeof require === "function" && require !== globalThis.require ? require("./${file}") : start(new URL("./${file}", import.meta.url), packages);
`;
const cli = await bundle({ entryPoints: [join(lib, 'cli', 'main.ts')], format: 'esm' });

if (existsSync(dist)) for (const old of readdirSync(dist)) if (/^library-\w+\.cjs$/.test(old)) rmSync(join(dist, old));
for (const map of ['index.js.map', 'cli/main.js.map']) rmSync(join(dist, map), { force: true });
mkdirSync(join(dist, 'cli'), { recursive: true });
for (const [path, text] of Object.entries({ [file]: library.text, 'index.js': index, 'cli/main.js': cli.text })) writeFileSync(join(dist, path), text);
