import { readFileSync } from 'node:fs';

/**
 * npm runs a script called `prebuild…` before the script `build…`, too, and tells it nothing of that but the title of its own
 * process. Whether `name` runs for that reason only.
 */
export function isHook(name) {
  if (process.env.npm_lifecycle_event !== name) return false;
  for (let pid = process.ppid, up = 0; pid > 1 && up < 3; up++) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    if (/(^|\/)npm(-cli\.js)?\s/.test(command)) return !command.split(/\s/).includes(name);
    pid = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  }
  return false;
}
