#!/usr/bin/env node
// Compiles the kernels for NVIDIA's GPUs with the nvcc that is found: build/cuda/<module>.fatbin, and what ptxas says of each entry
// in build/cuda/report.json.
//   npm run build:cuda                          for sm_80, and as PTX for what is newer
//   npm run build:cuda -- --arch sm_90a,sm_87   for these alone
//   npm run build:cuda -- --only gemm           modules with this in their name
//   npm run build:cuda -- --check               for what CI looks at; then scripts/check-cuda.mjs (--update: writes its table anew)
//   npm run build:cuda -- --optional            no nvcc is no failure
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkReport } from './check-cuda.mjs';
import { compileAll, gencodes, linesOf, modules } from './cuda/modules.mjs';
import { cure, installedToolkit } from './cuda/toolkits.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: {
    arch: { type: 'string' },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    check: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
    optional: { type: 'boolean', default: false },
  },
});

function fail(message) {
  console.error(`build:cuda: ${message}`);
  process.exit(1);
}

const toolkit = installedToolkit();
if (toolkit === undefined) {
  if (!options.optional) fail(`nvcc must be on PATH, in CUDA_HOME or in /usr/local/cuda/bin, there is none: ${cure}`);
  console.log(`build:cuda: no nvcc is found, kernels for GPUs are left out: ${cure}`);
  process.exit(0);
}

const check = options.check || options.update;
// What CI compiles is looked at, not run: it has a folder of its own, so that a build for the GPU at hand stays.
const names = (options.arch ?? (check ? 'sm_80,sm_90a' : 'sm_80')).split(',');
for (const name of names) if (!/^(sm|compute)_\d+[a-z]?$/.test(name)) fail(`--arch must be names such as sm_87 or sm_90a, ${name} came`);
const lines = options.arch === undefined && !check ? [['compute_80', 'sm_80', 'compute_80']] : linesOf(names);
const folder = join(root, 'build', check ? 'cuda-check' : 'cuda');
const wanted = new Map([...modules(root)].filter(([name]) => name.includes(options.only)));
try {
  const { entries, warnings } = await compileAll({
    root,
    toolkit,
    folder,
    wanted,
    flags: gencodes(lines),
    jobs: Math.max(1, Number(options.jobs) || 1),
    said: (name, fresh, ms) => fresh && console.log(`${name}: ${names.join(', ')} (${(ms / 1000).toFixed(1)} s)`),
  });
  for (const warning of warnings) console.error(warning);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify({ nvcc: toolkit.version, entries }, null, 1)}\n`);
  console.log(`${wanted.size} modules, ${new Set(entries.map(({ entry }) => entry)).size} entries, nvcc ${toolkit.version}`);
  if (check && !checkReport({ nvcc: toolkit.version, entries }, { update: options.update, part: options.only !== '' })) process.exit(1);
} catch (error) {
  fail(error.message);
}
