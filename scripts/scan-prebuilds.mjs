#!/usr/bin/env node
// What must hold for the addons of prebuilds/: they need nothing that an old system lacks, no function outside the namespace of
// an ISA has instructions that an old CPU lacks, and they stay small. Also run by `npm run prebuild`.
//   node scripts/scan-prebuilds.mjs [--arch arm64,arm]
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addonFile, architectures, LLVM, mostBytes } from './prebuild/addons.mjs';
import { strayInstructions } from './prebuild/instructions.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const limits = {
  // Debian 10, Ubuntu 18.10, RHEL 8, every JetPack since 5; Node 20 and later need it themselves
  glibc: [2, 28],
  libraries: /^(libc|libm|libpthread|libdl|librt)\.so\.\d+$|^ld-linux[\w-]*\.so\.\d$/,
};

function tool(name, ...args) {
  const { status, stdout, stderr, error } = spawnSync(`${name}-${LLVM}`, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${name}-${LLVM} ${args.join(' ')}: ${stderr || error?.message} (apt-get install -y llvm-${LLVM})`);
  return stdout;
}

const newer = ([a, b], [c, d]) => a > c || (a === c && b > d);
const buildId = (file) => /Build ID: (\w+)/.exec(tool('llvm-readelf', '--notes', file))?.[1];

/** What the addon for `arch` violates, and what was found. `unstripped` is the same build with its symbols. */
export function scan(arch, file, unstripped) {
  const wrong = [];
  const bytes = statSync(file).size;
  if (bytes > mostBytes) wrong.push(`must have at most ${mostBytes} bytes, ${bytes} came`);

  const libraries = [...tool('llvm-readelf', '--dynamic-table', file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  for (const name of libraries) if (!limits.libraries.test(name)) wrong.push(`must not need ${name}`);

  const undefinedSymbols = tool('llvm-readelf', '--dyn-syms', '--wide', file)
    .split('\n')
    .filter((line) => / UND /.test(line))
    .map((line) => line.trim().split(/\s+/))
    .map(([, , , type, bind, , , symbol = '']) => ({ type, bind, symbol }))
    .filter(({ symbol }) => symbol !== '');
  let glibc = [0, 0];
  for (const { symbol, bind } of undefinedSymbols) {
    const [name, version] = symbol.split(/@+/);
    if (version === undefined) {
      if (!name.startsWith('napi_') && bind !== 'WEAK') wrong.push(`must find every symbol in Node or a library, ${name} came`);
      continue;
    }
    const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
    if (major === undefined) {
      wrong.push(`must need public symbols of glibc only, ${symbol} came`);
      continue;
    }
    const needed = [Number(major), Number(minor)];
    if (newer(needed, glibc)) glibc = needed;
    if (newer(needed, limits.glibc)) wrong.push(`must need at most GLIBC_${limits.glibc.join('.')}, ${symbol} came`);
  }

  if (unstripped !== undefined) {
    if (buildId(file) !== buildId(unstripped)) wrong.push(`must be of the same build as ${unstripped}`);
    wrong.push(...strayInstructions(arch, unstripped));
  }
  return { wrong, bytes, libraries, glibc: glibc.join('.') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { arch: { type: 'string', default: architectures.join(',') } } });
  let failed = 0;
  for (const arch of values.arch.split(',')) {
    const file = join(root, addonFile(arch));
    const unstripped = join(root, 'build', `prebuild-${arch}`, 'ds_native_kernels.node');
    if (!existsSync(file)) {
      console.error(`${addonFile(arch)}: must be there: npm run prebuild -- --arch ${arch}`);
      failed++;
      continue;
    }
    const { wrong, bytes, libraries, glibc } = scan(arch, file, existsSync(unstripped) ? unstripped : undefined);
    failed += wrong.length;
    for (const line of wrong) console.error(`${addonFile(arch)}: ${line}`);
    console.log(
      `${addonFile(arch)}: ${bytes} bytes, GLIBC_${glibc}, ${libraries.join(' ')}, instructions ${existsSync(unstripped) ? 'scanned' : 'not scanned: no build with symbols'}`,
    );
  }
  process.exit(failed === 0 ? 0 : 1);
}
