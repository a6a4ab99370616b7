#!/usr/bin/env node
// Builds the addon with plain CMake in <folder>/cmake-<platform>-<arch>-<config> and puts it into <folder>/<config>/; the folder
// is build/ of the package unless --folder says otherwise. Serves `npm run build`, `npx ds-native-kernels build`, cmake-js and
// binding.gyp alike. Needs no network: an installed package carries the headers of Node-API in node-api/.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: {
    debug: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(root, 'build') },
  },
});
const config = options.debug ? 'Debug' : 'Release';

function fail(sentence) {
  console.error(`ds-native-kernels: ${sentence}`);
  process.exit(1);
}

/** Ends with one sentence and its cure when a program is not there, or older than [major, minor]. */
function need(program, cure, oldest) {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const [major, minor] = (stdout ?? '').match(/\d+(?=\.)|(?<=\.)\d+/g)?.map(Number) ?? [];
  if (status === 0 && (!oldest || major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) return;
  const came = status === 0 ? `, ${major}.${minor} is there` : '';
  fail(`building needs ${program}${oldest ? ` ${oldest.join('.')} or newer` : ''}${came}: ${cure}`);
}
need('cmake', 'install it with `apt-get install cmake` or from cmake.org', [3, 18]);
need((process.env.CXX || 'c++').split(' ')[0], 'install a C++20 compiler, for example with `apt-get install g++`');
// CMake's choice on Linux unless told otherwise
if (!process.env.CMAKE_GENERATOR) need('make', 'install it with `apt-get install make`');

/** Folders of node_api.h and napi.h: those that came in the package, else those of the development dependencies. */
function headers() {
  const packed = join(root, 'node-api');
  if (existsSync(join(packed, 'napi.h'))) return { node: packed, napi: packed };
  const require = createRequire(import.meta.url);
  try {
    return { node: require('node-api-headers').include_dir, napi: dirname(require.resolve('node-addon-api/package.json')) };
  } catch {
    return fail('building needs the headers of Node-API: run `npm i node-api-headers node-addon-api`');
  }
}

// A compiler takes up to 600 MB for one of our files: a board of 1 GB has four cores and room for one.
const memoryBytes = Math.max(freemem(), totalmem() / 2);
const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(memoryBytes / 600e6)));

const { node, napi } = headers();
const work = join(options.folder, `cmake-${process.platform}-${process.arch}-${config}`);
const run = (args) => {
  const { status } = spawnSync('cmake', args, { stdio: ['ignore', options.quiet ? 'ignore' : 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
};
run(['-S', root, '-B', work, `-DCMAKE_BUILD_TYPE=${config}`, `-DDSNK_NODE_INCLUDE=${node}`, `-DDSNK_NAPI_INCLUDE=${napi}`]);
run(['--build', work, '--parallel', String(jobs), '--target', 'ds_native_kernels']);
mkdirSync(join(options.folder, config), { recursive: true });
const addon = join(options.folder, config, 'ds_native_kernels.node');
// in one step: a process that has the file of before mapped keeps it
copyFileSync(join(work, 'ds_native_kernels.node'), `${addon}.${process.pid}`);
renameSync(`${addon}.${process.pid}`, addon);
