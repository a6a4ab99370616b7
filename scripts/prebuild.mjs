#!/usr/bin/env node
// Builds the addons that the package ships: prebuilds/linux-<arch>/ds-native-kernels[.armv7].glibc.node, by the same
// CMakeLists.txt as everywhere, with clang and a pinned old sysroot (cmake/linux.cmake, scripts/prebuild/).
//   npm run prebuild                            all architectures
//   npm run prebuild -- --arch arm64,arm        these
//   npm run prebuild -- --check-reproducible    builds each again in another folder; the bytes must be the same
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addonFile, architectures, LLVM } from './prebuild/addons.mjs';
import { isHook } from './prebuild/hook.mjs';
import { sysroot } from './prebuild/sysroot.mjs';
import { scan } from './scan-prebuilds.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const { values: options } = parseArgs({
  options: { arch: { type: 'string', default: architectures.join(',') }, 'check-reproducible': { type: 'boolean', default: false } },
});

function fail(message) {
  console.error(`prebuild: ${message}`);
  process.exit(1);
}

// who builds for this machine needs no addon for others
if (isHook('prebuild')) process.exit(0);

const wanted = options.arch.split(',');
for (const arch of wanted) if (!architectures.includes(arch)) fail(`--arch must be of ${architectures.join(', ')}, ${arch} came`);

const missing = [
  ['cmake', 'cmake'],
  ['make', 'make'],
  [`clang++-${LLVM}`, `clang-${LLVM}`],
  [`ld.lld-${LLVM}`, `lld-${LLVM}`],
  [`llvm-strip-${LLVM}`, `llvm-${LLVM}`],
].filter(([program]) => spawnSync(program, ['--version']).status !== 0);
if (missing.length > 0) {
  fail(`needs ${missing.map(([program]) => program).join(', ')}: apt-get install -y ${missing.map(([, name]) => name).join(' ')}`);
}

function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) fail(`${program} ${args.join(' ')}\n${stdout.slice(-4000)}${stderr.slice(-8000)}`);
  if (stderr.includes('warning:')) console.error(stderr);
}

/** Builds the tree at `source` for `arch` in `folder`; the path of the stripped addon. */
function build(arch, source, folder) {
  // flags of the toolchain file are read into the cache once: read them again
  rmSync(join(folder, 'CMakeCache.txt'), { force: true });
  run('cmake', [
    ...['-S', source, '-B', folder, '-DCMAKE_BUILD_TYPE=Release', `-DCMAKE_TOOLCHAIN_FILE=${join(source, 'cmake', 'linux.cmake')}`],
    ...[`-DDSNK_TARGET=${arch}`, `-DDSNK_LLVM=${LLVM}`, `-DDSNK_SYSROOT=${sysroots[arch]}`],
    `-DDSNK_NODE_INCLUDE=${require('node-api-headers').include_dir}`,
    `-DDSNK_NAPI_INCLUDE=${dirname(require.resolve('node-addon-api/package.json'))}`,
  ]);
  run('cmake', ['--build', folder, '--parallel', String(availableParallelism()), '--target', 'ds_native_kernels']);
  const stripped = join(folder, 'stripped.node');
  run(`llvm-strip-${LLVM}`, ['--strip-all', join(folder, 'ds_native_kernels.node'), '-o', stripped]);
  return stripped;
}

const sysroots = {};
try {
  for (const arch of wanted) sysroots[arch] = sysroot(arch, join(root, 'build', 'sysroots'));
} catch (error) {
  fail(error.message);
}

for (const arch of wanted) {
  const start = performance.now();
  const folder = join(root, 'build', `prebuild-${arch}`);
  const built = build(arch, root, folder);
  const { wrong, glibc } = scan(arch, built, join(folder, 'ds_native_kernels.node'));
  if (wrong.length > 0) fail(`${addonFile(arch)}\n  ${wrong.join('\n  ')}`);
  const addon = join(root, addonFile(arch));
  mkdirSync(dirname(addon), { recursive: true });
  // in one step: a process that has the file of before mapped keeps it
  copyFileSync(built, `${addon}.${process.pid}`);
  renameSync(`${addon}.${process.pid}`, addon);
  console.log(`${addonFile(arch)}: ${statSync(addon).size} bytes, GLIBC_${glibc} (${Math.round((performance.now() - start) / 1000)} s)`);
  if (!options['check-reproducible']) continue;

  const elsewhere = mkdtempSync(join(tmpdir(), 'dsnk-prebuild-'));
  try {
    for (const part of ['native', 'cmake', 'CMakeLists.txt']) cpSync(join(root, part), join(elsewhere, part), { recursive: true });
    const again = build(arch, elsewhere, join(elsewhere, 'build'));
    if (!readFileSync(again).equals(readFileSync(addon))) fail(`${addonFile(arch)}: must not depend on the folder of the build, but a second build differs`);
    console.log(`${addonFile(arch)}: the same bytes from another folder`);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
}
