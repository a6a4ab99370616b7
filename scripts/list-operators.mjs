#!/usr/bin/env node
// Prints the supported operators as a Markdown page, from the table of operators itself (dist/ops/index.js).
// `npm run docs:operators` writes docs/operators.md with --write; --check compares only (a test does that).
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NEWEST_OPSET } from '../dist/onnx/import.js';
import { upgradedOperators } from '../dist/onnx/upgrade.js';
import { allOperators, findOperator } from '../dist/ops/index.js';

const target = join(dirname(fileURLToPath(import.meta.url)), '..', 'docs', 'operators.md');

const byName = (a, b) => (a.name < b.name ? -1 : 1);
const operators = allOperators();
const standard = operators.filter((op) => op.domain === '').sort(byName);
const others = operators.filter((op) => op.domain !== '' && op.domain !== 'dsnk').sort(byName);
const retired = upgradedOperators()
  .filter((name) => findOperator('', name) === undefined)
  .sort();

const page = [
  '# Supported operators',
  '',
  '<!-- Written by `npm run docs:operators`. Do not edit. -->',
  '',
  `${standard.length} operators of \`ai.onnx\`, up to opset ${NEWEST_OPSET}. The column says which opset introduced the operator; every form since then is read.`,
  'A model may still use an element type that an operator has no kernel for. The load or the first run then says so, with the name of the node',
  '(`npx ds-native-kernels inspect <model>` lists what is missing).',
  '',
  '| operator | since opset |',
  '|---|---|',
  ...standard.map((op) => `| ${op.name} | ${op.since ?? 1} |`),
  '',
  ...(retired.length > 0 ? ['Retired operators that are read as newer ones:', '', retired.map((name) => `\`${name}\``).join(', '), ''] : []),
  '## Other domains',
  '',
  '| domain | operator |',
  '|---|---|',
  ...others.map((op) => `| ${op.domain} | ${op.name} |`),
  '',
].join('\n');

if (process.argv.includes('--write')) {
  writeFileSync(target, page);
} else if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== page) {
    console.error('docs/operators.md must list the operators of lib/ops/index.ts: run `npm run docs:operators`');
    process.exit(1);
  }
} else {
  process.stdout.write(page);
}
