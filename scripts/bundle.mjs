#!/usr/bin/env node
// Replaces the entry points that tsc wrote, dist/index.js and dist/cli/main.js, by bundles of all they import: Node finds,
// opens and compiles each module by itself, which for the package's many small ones takes three times as long as for one
// large one. What both entries need is in one chunk, so every class exists once. The single modules stay for tests and
// scripts. `bundle.mjs [folder]` writes elsewhere than to dist/.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(process.argv[2] ?? join(root, 'dist'));

const { outputFiles } = await build({
  entryPoints: ['index.ts', 'cli/main.ts'].map((entry) => join(root, 'lib', entry)),
  outdir: dist,
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
});

/** esbuild calls a class _X inside where it names itself; stack traces and printed objects should say X. */
const named = (text) => {
  const selfNaming = [...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  return selfNaming.length === 0 ? text : text.replace(new RegExp(`\\b_(${selfNaming.join('|')})\\b`, 'g'), '$1');
};

if (existsSync(dist)) for (const file of readdirSync(dist)) if (/^chunk-\w+\.js$/.test(file)) rmSync(join(dist, file));
for (const map of ['index.js.map', 'cli/main.js.map']) rmSync(join(dist, map), { force: true });
for (const { path, text } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, named(text));
}
