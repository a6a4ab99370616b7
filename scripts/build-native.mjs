#!/usr/bin/env node
// Builds the addon with plain CMake into build/cmake-<platform>-<arch>-<config> and puts it into build/<config>/.
// Serves `npm run build`, cmake-js, binding.gyp and `prebuildify --node-gyp` alike.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const config = process.argv.includes('--debug') ? 'Debug' : 'Release';

/** Ends with one sentence and its cure when a program is not there, or older than [major, minor]. */
function need(program, cure, oldest) {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const [major, minor] = (stdout ?? '').match(/\d+(?=\.)|(?<=\.)\d+/g)?.map(Number) ?? [];
  if (status === 0 && (!oldest || major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) return;
  const came = status === 0 ? `, ${major}.${minor} is there` : '';
  console.error(`ds-native-kernels: building needs ${program}${oldest ? ` ${oldest.join('.')} or newer` : ''}${came}: ${cure}`);
  process.exit(1);
}
need('cmake', 'install it with `apt-get install cmake` or from cmake.org', [3, 18]);
need(process.env.CXX ?? 'c++', 'install a C++20 compiler, for example with `apt-get install g++`');
// CMake's choice on Linux unless told otherwise
if (!process.env.CMAKE_GENERATOR) need('make', 'install it with `apt-get install make`');

function includeDir() {
  const candidates = [
    process.env.npm_config_nodedir && join(process.env.npm_config_nodedir, 'include', 'node'),
    join(dirname(process.execPath), '..', 'include', 'node'),
  ];
  try {
    candidates.unshift(require('node-api-headers').include_dir);
  } catch {
    // not installed: the headers that came with node serve too
  }
  const found = candidates.find((dir) => dir && existsSync(join(dir, 'node_api.h')));
  if (!found) {
    console.error('ds-native-kernels: building needs the Node-API headers: run `npm i node-api-headers`');
    process.exit(1);
  }
  return resolve(found);
}

const napiDir = dirname(require.resolve('node-addon-api/package.json'));
const buildDir = join(root, 'build', `cmake-${process.platform}-${process.arch}-${config}`);
const run = (args) => {
  const { status } = spawnSync('cmake', args, { stdio: ['ignore', process.argv.includes('--quiet') ? 'ignore' : 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
};
run(['-S', root, '-B', buildDir, `-DCMAKE_BUILD_TYPE=${config}`, `-DDSNK_NODE_INCLUDE=${includeDir()}`, `-DDSNK_NAPI_INCLUDE=${napiDir}`]);
run(['--build', buildDir, '--parallel', String(cpus().length), '--target', 'ds_native_kernels']);
mkdirSync(join(root, 'build', config), { recursive: true });
copyFileSync(join(buildDir, 'ds_native_kernels.node'), join(root, 'build', config, 'ds_native_kernels.node'));
