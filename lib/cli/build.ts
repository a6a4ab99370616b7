/** `build`: compiles the addon on this machine from the sources in the package. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../caches.js';
import { dsnkError } from '../errors.js';
import { addonPath, builtName, cacheFolder, packageRoot } from '../runtime/native.js';

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export function build(options: { debug?: boolean }): void {
  if (packageRoot === undefined) throw dsnkError('ERR_DSNK_NO_BINARY', 'build', 'must run from the installed package', 'its folder was not found');
  const inside = writable(packageRoot);
  const folder = inside ? join(packageRoot, 'build') : cacheFolder(packageRoot);
  const mustHold = `must be able to write into ${packageRoot} or a cache of the user`;
  if (folder === undefined) throw dsnkError('ERR_DSNK_NO_BINARY', 'build', mustHold, 'neither XDG_CACHE_HOME nor HOME names a folder');
  try {
    if (!inside) makeFolders(folder, 3); // the user's caches, the package's, this installation's
  } catch (cause) {
    throw dsnkError('ERR_DSNK_NO_BINARY', 'build', mustHold, (cause as Error).message, cause);
  }
  if (!inside) console.error(`${packageRoot} is not writable: the addon goes to ${folder}, where it is found too`);
  const script = join(packageRoot, 'scripts', 'build-native.mjs');
  const args = [script, '--folder', folder, ...(options.debug ? ['--debug'] : [])];
  // What cmake prints is progress, and what the script prints on failure says its cure.
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', process.stderr, process.stderr] });
  if (status !== 0) {
    process.exitCode = 1;
    return;
  }
  const built = join(folder, options.debug ? 'Debug' : 'Release', builtName);
  console.log(built);
  const used = addonPath();
  if (used !== built) console.error(`${used} comes before it: to use the new one, remove that or set DS_NATIVE_KERNELS_PREBUILD=${built}`);
}
