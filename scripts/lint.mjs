#!/usr/bin/env node
// Formatter and linter for both languages: biome for TypeScript, clang-format for C++; then the types of the tests and benches, which
// `npm run build` does not compile. With --write: mends what it can.
import { spawnSync } from 'node:child_process';

const write = process.argv.includes('--write');
const files = spawnSync('git', ['ls-files', '-co', '--exclude-standard', 'native', 'test/native', 'test/cuda'], { encoding: 'utf8' })
  .stdout.split('\n')
  .filter((f) => /\.(cc|h|inl|cu|cuh)$/.test(f));
const run = (program, args) => spawnSync('npx', ['--no-install', program, ...args], { stdio: 'inherit' }).status ?? 1;
const types = run('tsc', ['-p', 'test']);
const ts = run('biome', ['check', ...(write ? ['--write'] : []), '.']);
const cpp = files.length ? run('clang-format', write ? ['-i', ...files] : ['--dry-run', '--Werror', ...files]) : 0;
process.exit(types || ts || cpp);
