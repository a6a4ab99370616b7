/** Where the package keeps what it can make again. */
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/**
 * Where the package keeps what it can make again, in the user's folder for caches. None for a user without a home, as a container's may
 * be; never one that depends on the working directory.
 */
export function cachesFolder(): string | undefined {
  const named = process.env['XDG_CACHE_HOME'];
  if (named !== undefined && isAbsolute(named)) return join(named, 'ds-native-kernels');
  try {
    return isAbsolute(homedir()) ? join(homedir(), '.cache', 'ds-native-kernels') : undefined;
  } catch {
    return undefined; // no HOME, and no entry for the user in /etc/passwd
  }
}

/**
 * Makes a folder, and those above it where they are missing: so many in all, since a home that is not there is not to be made. Not by Node's
 * `recursive`, which never returns where a folder cannot be made and the system says that it is not there (/proc).
 */
export function makeFolders(folder: string, levels: number): void {
  if (existsSync(folder)) return;
  if (levels > 1) makeFolders(dirname(folder), levels - 1);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!existsSync(folder)) throw error; // another process may have made it
  }
}
