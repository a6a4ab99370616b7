import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

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
