#!/usr/bin/env node
// Compiles the kernels for NVIDIA's GPUs as the package ships them: prebuilds/cuda/sm_80.br and so on, one pack for alike GPUs
// (scripts/cuda/images.mjs). For GPUs up to Hopper by a private CUDA 11.8 that is fetched for this, whose code every driver since 11.4
// loads (JetPack 5 and later); for what 11.8 does not know by the CUDA 13 that is installed. One pack serves x64 and arm64. Then looks
// for the instructions that entries must have. What has not changed since the last time is taken as it is.
//   npm run prebuild:cuda                        everything, which takes half an hour
//   npm run prebuild:cuda -- --only gemm,conv    modules with one of these in their name; others stay as they are in the packs
//   npm run prebuild:cuda -- --toolkit 11        what one CUDA makes
//   npm run prebuild:cuda -- --optional          a toolkit that cannot be had is no failure
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkInstructions } from './check-cuda.mjs';
import { compilations, hopper, imagesOf, isForHopper, mostPackBytes, packed, packFolder, packOf, packsIn, unpacked, wholeCodes } from './cuda/images.mjs';
import { compileAll, gencodes, modules } from './cuda/modules.mjs';
import { cure, installedToolkit, privateToolkit } from './cuda/toolkits.mjs';
import { isHook } from './prebuild/hook.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    toolkit: { type: 'string', default: '11,13' },
    optional: { type: 'boolean', default: false },
  },
});

function fail(message) {
  console.error(`prebuild:cuda: ${message}`);
  process.exit(1);
}
// who builds for this machine needs no binaries for others
if (isHook('prebuild:cuda')) process.exit(0);
const versions = options.toolkit.split(',');
for (const version of versions) if (!(version in compilations)) fail(`--toolkit must be of 11, 13, ${version} came`);

function toolkitOf(version) {
  if (version === '11') return privateToolkit(join(root, 'build', 'toolkits'));
  const toolkit = installedToolkit();
  if (toolkit?.version.startsWith('13.')) return toolkit;
  throw new Error(`nvcc 13 must be there, ${toolkit ? `nvcc ${toolkit.version}` : 'none'} is: ${cure}`);
}

const folder = packFolder(root);
const all = modules(root);
const wanted = new Map([...all].filter(([name]) => options.only.split(',').some((part) => name.includes(part))));

/** Compiles modules for one version's GPUs, `lines` of them; notes their images by pack. */
async function compile(version, toolkit, some, lines, packs) {
  const work = join(root, 'build', `cuda-${version}`);
  const { entries, warnings } = await compileAll({
    root,
    toolkit,
    folder: work,
    wanted: some,
    flags: ['-no-compress', ...gencodes(lines)],
    jobs: Math.max(1, Number(options.jobs) || 1),
    said: (name, fresh, ms) => fresh && console.log(`${name}, CUDA ${version}: ${(ms / 1000).toFixed(0)} s`),
  });
  for (const warning of warnings) console.error(warning);
  for (const { entry, arch, spillStores, spillLoads } of entries) {
    if (spillStores + spillLoads > 0) console.log(`${entry}, ${arch}: ${spillStores + spillLoads} bytes spill`);
  }
  const codes = lines.flatMap(([, ...names]) => names);
  for (const name of some.keys()) {
    for (const { capability, ptx, bytes } of imagesOf(readFileSync(join(work, `${name}.fatbin`)))) {
      const found = codes.find((code) => code.startsWith(ptx ? 'compute_' : 'sm_') && Number.parseInt(code.split('_')[1], 10) === capability);
      if (found === undefined) throw new Error(`${name}: has an image for ${capability} that nobody asked for`);
      const pack = packOf(found);
      packs.set(pack, [...(packs.get(pack) ?? []), [`${found}/${name}`, bytes]]);
    }
  }
}

const moduleOf = (image) => image.split('/')[1];

/** Writes a pack unless it is what lies there. With --only, what else lies there stays. */
function write(name, images) {
  const file = join(folder, `${name}.br`);
  let before = new Map();
  try {
    before = unpacked(readFileSync(file));
  } catch {} // none, or of an older form
  const now = new Map([...(options.only ? before : []), ...images].filter(([image]) => all.has(moduleOf(image))));
  if (now.size === before.size && [...now].every(([module, bytes]) => before.get(module)?.equals(bytes))) return;
  writeFileSync(`${file}.${process.pid}`, packed([...now].sort(([a], [b]) => (moduleOf(a) + a < moduleOf(b) + b ? -1 : 1)))); // what is alike side by side
  renameSync(`${file}.${process.pid}`, file);
}

mkdirSync(folder, { recursive: true });
try {
  let toolkits;
  try {
    toolkits = versions.map((version) => [version, toolkitOf(version)]);
  } catch (error) {
    if (!options.optional) throw error;
    console.log(`prebuild:cuda: kernels for GPUs are not packed here: ${error.message}`);
    process.exit(0);
  }
  for (const [version, toolkit] of toolkits) {
    const start = performance.now();
    const packs = new Map();
    const [forHopper, others] = [true, false].map((yes) => new Map([...wanted].filter(([name]) => isForHopper(name) === yes)));
    await compile(version, toolkit, others, compilations[version], packs);
    if (version === '13') await compile(version, toolkit, forHopper, [hopper], packs);
    for (const [name, images] of packs) write(name, images);
    console.log(`CUDA ${toolkit.version}: ${wanted.size} modules (${Math.round((performance.now() - start) / 1000)} s)`);
    if (version === '11' && !checkInstructions(toolkit, root, others.keys())) process.exit(1);
  }
  let bytes = 0;
  for (const file of packsIn(folder)) {
    if (![...wholeCodes, hopper[1]].some((code) => file === `${packOf(code)}.br`)) {
      rmSync(join(folder, file)); // of GPUs that are no more
      continue;
    }
    const { size } = statSync(join(folder, file));
    bytes += size;
    console.log(`${String(size).padStart(9)} ${file}`);
  }
  console.log(`${String(bytes).padStart(9)} together`);
  if (bytes > mostPackBytes) fail(`prebuilds/cuda must have at most ${mostPackBytes} bytes, ${bytes} came`);
} catch (error) {
  fail(error.message);
}
