// The tests as an ARM Node of any age can run them: every TypeScript file of the checkout as JavaScript in the same place of
// a folder of its own, everything else as a link. Paths that tests build from their own place stay right.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export async function mirror(root, to) {
  rmSync(to, { recursive: true, force: true });
  const sources = ['lib', 'test', 'bench'];
  await build({
    entryPoints: sources.map((folder) => `${folder}/**/*.ts`),
    absWorkingDir: root,
    outdir: to,
    outbase: root,
    bundle: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.11',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'warning',
  });
  for (const entry of readdirSync(root)) {
    if (!sources.includes(entry) && !['node_modules', 'build', 'dist', '.git'].includes(entry)) symlinkSync(join(root, entry), join(to, entry));
  }
  cpSync(join(root, 'dist'), join(to, 'dist'), { recursive: true }); // processes that tests start load it, and stand-ins with it
  for (const folder of sources) linkRest(join(root, folder), join(to, folder));

  // What the tests import by name: the package's own dependencies, and stand-ins for what has no ARM binary here.
  const modules = join(to, 'node_modules');
  mkdirSync(modules);
  for (const entry of readdirSync(join(root, 'node_modules'))) {
    if (!entry.startsWith('.') && !['vitest', 'sharp'].includes(entry)) symlinkSync(join(root, 'node_modules', entry), join(modules, entry));
  }
  for (const name of ['vitest', 'sharp']) {
    const there = join(modules, name);
    mkdirSync(there);
    writeFileSync(join(there, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.mjs' }));
    symlinkSync(join(root, 'scripts', 'test-arm', `${name}.mjs`), join(there, 'index.mjs'));
  }
}

/** Links to the files of `from` that are not TypeScript. */
function linkRest(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = join(to, entry.name);
    if (entry.isDirectory()) linkRest(join(from, entry.name), path);
    else if (!entry.name.endsWith('.ts') && !existsSync(path)) symlinkSync(join(from, entry.name), path);
  }
}
