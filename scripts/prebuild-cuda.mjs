#!/usr/bin/env node
// Compiles the kernels for NVIDIA's GPUs as the package ships them, into prebuilds/cuda/: <module>-11.fatbin by a private CUDA 11.8
// that is fetched for this, which every driver since 11.4 loads (JetPack 5 and later), and <module>-13.fatbin by the CUDA 13 that is
// installed, for what 11.8 does not know. One file serves x64 and arm64. Then looks for the instructions that entries must have.
//   npm run prebuild:cuda [-- --only gemm] [-- --toolkit 11]
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkInstructions } from './check-cuda.mjs';
import { compileAll, gencodes, modules } from './cuda/modules.mjs';
import { cure, installedToolkit, privateToolkit } from './cuda/toolkits.mjs';
import { isHook } from './prebuild/hook.mjs';

/** What all files together may have. */
const mostBytes = 12e6;

// gpu.cuh tells three kinds of GPUs before Hopper apart. PTX of the third is what GPUs run that none of these files knows.
const lines = {
  11: [
    ['compute_72', 'sm_72'],
    ['compute_75', 'sm_75'],
    ['compute_80', 'sm_80', 'sm_86', 'sm_87', 'sm_89', 'sm_90', 'compute_80'],
  ],
  13: [
    ['compute_90a', 'sm_90a'],
    ['compute_100', 'sm_100'],
    ['compute_110', 'sm_110'],
    ['compute_120', 'sm_120'],
  ],
};
const smaller = { 11: ['-Xfatbin', '-compress-all'], 13: ['--compress-mode=size'] };

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, jobs: { type: 'string', default: '2' }, toolkit: { type: 'string', default: '11,13' } },
});

function fail(message) {
  console.error(`prebuild:cuda: ${message}`);
  process.exit(1);
}
// who builds for this machine needs no binaries for others
if (isHook('prebuild:cuda')) process.exit(0);
const versions = options.toolkit.split(',');
for (const version of versions) if (!(version in lines)) fail(`--toolkit must be of 11, 13, ${version} came`);

function toolkitOf(version) {
  if (version === '11') return privateToolkit(join(root, 'build', 'toolkits'));
  const toolkit = installedToolkit();
  if (toolkit?.version.startsWith('13.')) return toolkit;
  throw new Error(`nvcc 13 must be there, ${toolkit ? `nvcc ${toolkit.version}` : 'none'} is: ${cure}`);
}

const folder = join(root, 'prebuilds', 'cuda');
mkdirSync(folder, { recursive: true });
try {
  const all = modules(root);
  const wanted = new Map([...all].filter(([name]) => name.includes(options.only)));
  for (const version of versions) {
    const toolkit = toolkitOf(version);
    const work = join(root, 'build', `cuda-${version}`);
    const start = performance.now();
    const { entries, warnings } = await compileAll({
      root,
      toolkit,
      folder: work,
      wanted,
      flags: [...smaller[version], ...gencodes(lines[version])],
      jobs: Math.max(1, Number(options.jobs) || 1),
      said: (name, fresh, ms) => fresh && console.log(`${name}-${version}: ${(ms / 1000).toFixed(0)} s`),
    });
    for (const warning of warnings) console.error(warning);
    for (const { entry, arch, spillStores, spillLoads } of entries) {
      if (spillStores + spillLoads > 0) console.log(`${entry}, ${arch}: ${spillStores + spillLoads} bytes spill`);
    }
    for (const name of wanted.keys()) {
      const file = join(folder, `${name}-${version}.fatbin`);
      copyFileSync(join(work, `${name}.fatbin`), `${file}.${process.pid}`);
      renameSync(`${file}.${process.pid}`, file);
    }
    console.log(`CUDA ${toolkit.version}: ${wanted.size} modules (${Math.round((performance.now() - start) / 1000)} s)`);
    if (version === '11' && !checkInstructions(toolkit.cuobjdump, toolkit.env, folder)) process.exit(1);
  }
  let bytes = 0;
  for (const file of readdirSync(folder).sort()) {
    if (!all.has(/^(.*)-\d+\.fatbin$/.exec(file)?.[1])) {
      rmSync(join(folder, file)); // of a module that is no more
      continue;
    }
    const { size } = statSync(join(folder, file));
    bytes += size;
    console.log(`${String(size).padStart(9)} ${file}`);
  }
  console.log(`${String(bytes).padStart(9)} together`);
  if (bytes > mostBytes) fail(`prebuilds/cuda must have at most ${mostBytes} bytes, ${bytes} came`);
} catch (error) {
  fail(error.message);
}
