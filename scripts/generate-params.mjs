#!/usr/bin/env node
// Writes native/kernels/<family>/params.gen.h from dist/kernels/<family>.js. With --check: compares only.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { generateHeader } = await import('../dist/kernels/params.js');
const check = process.argv.includes('--check');
let stale = 0;
for (const file of readdirSync(join(root, 'dist', 'kernels')).sort()) {
  const family = /^([a-z0-9-]+)\.js$/.exec(file)?.[1];
  if (!family || family === 'params') continue;
  const module = await import(`../dist/kernels/${file}`);
  const schemas = Object.values(module).filter((v) => v && typeof v === 'object' && 'words' in v && 'fields' in v);
  const enums = Object.values(module).filter((v) => v && typeof v === 'object' && 'enumName' in v);
  if (schemas.length + enums.length === 0) continue;
  mkdirSync(join(root, 'native', 'kernels', family), { recursive: true });
  const path = join(root, 'native', 'kernels', family, 'params.gen.h');
  const text = generateHeader(`lib/kernels/${family}.ts`, schemas, enums);
  let before = '';
  try {
    before = readFileSync(path, 'utf8');
  } catch {
    // a new family
  }
  if (before === text) continue;
  if (check) {
    console.error(`${path} is not what lib/kernels/${family}.ts says: run \`npm run generate:params\``);
    stale++;
  } else {
    writeFileSync(path, text);
  }
}
process.exit(stale ? 1 : 0);
