/**
 * Starts the library as it is shipped: one script, with the compiled form that V8 made of it in an earlier process. To compile each
 * function when it is first called is a quarter of the time of a process's first session, and V8 can keep the result.
 *
 * The compiled form is written where `build` keeps its addon, when a process that has loaded a program ends: a file for each bundle,
 * Node and architecture. NODE_DISABLE_COMPILE_CACHE turns it off, as it does Node's own. Where nothing can be read or written,
 * and where V8 refuses what it finds (another version, other flags), the script is compiled as ever.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { cachesFolder, makeFolders } from './caches.js';

/** The bundle as a function: a CommonJS module, and `module.url`. */
type Bundle = (module: { exports: object; url: string }, exports: object, require: (name: string) => unknown) => void;

/** What a bundle exports beside the public names. */
interface Internal {
  /** Whether enough of the script has run for its compiled form to be worth keeping. */
  hasLoadedProgram(): boolean;
}

/** Runs the bundle. `packages` are what it imports, as the application's modules see it. */
export function start<Exports extends Internal>(url: URL, packages: Readonly<Record<string, unknown>>): Exports {
  const path = fileURLToPath(url);
  const folder = process.env['NODE_DISABLE_COMPILE_CACHE'] ? undefined : cachesFolder();
  // The bundle's name has a digest of its contents: V8 itself compares only their length.
  const kept = folder && join(folder, `${basename(path)}.${process.version}-${process.arch}.v8`);
  const cachedData = kept && readKept(kept);
  const script = new Script(read(path), { filename: path, ...(cachedData && { cachedData }) });
  const module = { exports: {} as Exports, url: url.href };
  (script.runInThisContext() as Bundle)(module, module.exports, (name) => packages[name]);
  if (kept !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    process.once('exit', () => {
      if (module.exports.hasLoadedProgram()) keep(kept, script);
    });
  }
  return module.exports;
}

function read(path: string): string {
  try {
    return `(function (module, exports, require) {${readFileSync(path, 'latin1')}\n})`; // it is ASCII
  } catch (cause) {
    throw new Error(`${path} is not in the folder of the package: a bundler must leave ds-native-kernels external`, { cause });
  }
}

const mine = (path: string) => {
  const { uid, mode } = statSync(path);
  return uid === process.getuid?.() && (mode & 0o022) === 0;
};

/** V8 trusts what it is given, so it must be a file that only this user could write. */
function readKept(file: string): Buffer | undefined {
  try {
    return mine(file) ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all: other processes may read at any time. */
function keep(file: string, script: Script): void {
  const part = `${file}.${process.pid}`;
  try {
    const folder = dirname(file);
    makeFolders(folder, 2);
    if (!mine(folder)) return;
    writeFileSync(part, script.createCachedData(), { mode: 0o600, flag: 'wx', flush: true });
    renameSync(part, file);
  } catch {
    rmSync(part, { force: true });
  }
}
