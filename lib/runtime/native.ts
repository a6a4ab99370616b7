/**
 * Finds and loads the addon. Tried in this order, until one loads:
 * 1. what DS_NATIVE_KERNELS_PREBUILD names, a file or a folder; then nothing else;
 * 2. what was built here: `build/Release` and `build/Debug` of the package, then the user's cache (left out with PREBUILDS_ONLY);
 * 3. the package's prebuilt file for this architecture and C library.
 * The architecture is that of Node, `process.arch`: a 32-bit Node on a 64-bit kernel needs the 32-bit addon.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { machine } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachesFolder } from '../caches.js';
import { DsnkError, dsnkError } from '../errors.js';
import { libc, libcText, machineText, refusal } from './addon-file.js';
import type { Binding } from './binding.js';

/** This file. undefined where a bundler has made CommonJS of it, which knows no such thing. */
const self = import.meta.url === undefined ? undefined : fileURLToPath(import.meta.url);
const requireAddon = createRequire(self ?? process.execPath); // asked for absolute paths, and for packages that this one depends on
let loaded: { readonly binding: Binding; readonly path: string } | undefined;

/** Loads the addon once per environment. Throws ERR_DSNK_NO_BINARY with all that was tried and the cure. */
export function native(): Binding {
  if (loaded !== undefined) return loaded.binding;
  const found = loadAddon();
  const { isas, unknownCap } = found.binding.cpu();
  if (unknownCap !== '') {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'DSNK_ISA', `must be one of ${isas.join(', ')} on this processor`, `"${unknownCap}" came`);
  }
  loaded = found;
  return found.binding;
}

/** A package that this one depends on, found from here. */
export const requirePackage = (name: string): unknown => requireAddon(name);

/** Where the loaded addon lies. */
export function addonPath(): string {
  native();
  return (loaded as { path: string }).path;
}

/** The package's folder: the nearest above this file that has its package.json, wherever in `dist/` a build puts this file. */
export const packageRoot = (() => {
  if (self === undefined) return undefined;
  const file = self;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const ours = ['dist', 'lib'].some((part) => file.startsWith(join(folder, part, sep)));
    if (ours && readPackage(folder)?.name === 'ds-native-kernels') return folder;
  }
  return undefined; // swallowed by the bundle of an application
})();

function readPackage(folder: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

export function packageVersion(): string {
  return (packageRoot !== undefined && readPackage(packageRoot)?.version) || 'unknown';
}

/** Where `build` puts its files when it may not write into the package: one folder per installation and version. undefined where the user has no cache. */
export function cacheFolder(root: string): string | undefined {
  const caches = cachesFolder();
  if (caches === undefined) return undefined;
  const { createHash } = process.getBuiltinModule('node:crypto');
  return join(caches, `${packageVersion()}-${createHash('sha256').update(root).digest('hex').slice(0, 12)}-${process.arch}-${libc()}`);
}

export const builtName = 'ds_native_kernels.node';

/** The prebuilt file of this architecture and C library, below `prebuilds/`; undefined where none is ever made. */
export function prebuiltName(): string | undefined {
  const tag = { x64: '', arm64: '', arm: '.armv7' }[process.arch as string];
  return tag === undefined ? undefined : join(`linux-${process.arch}`, `ds-native-kernels${tag}.${libc()}.node`);
}

const set = (variable: string) => process.env[variable] || undefined;

/** All files to try, best first; each is only worked out when those before it did not load. */
function* candidates(): Generator<string> {
  const own = set('DS_NATIVE_KERNELS_PREBUILD');
  const prebuilt = prebuiltName();
  if (own !== undefined) {
    const path = resolve(own);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
      yield path;
      return;
    }
    for (const name of [builtName, ...(prebuilt === undefined ? [] : [prebuilt, join('prebuilds', prebuilt)])]) yield join(path, name);
    return;
  }
  if (packageRoot === undefined) return;
  if (!set('PREBUILDS_ONLY')) {
    for (const folderOf of [() => join(packageRoot, 'build'), () => cacheFolder(packageRoot)]) {
      const folder = folderOf();
      if (folder !== undefined) for (const kind of ['Release', 'Debug']) yield join(folder, kind, builtName);
    }
  }
  if (prebuilt !== undefined) yield join(packageRoot, 'prebuilds', prebuilt);
}

const noCure = 'there is none: neither a prebuilt addon nor one built here would run on this processor';

function loadAddon(): { binding: Binding; path: string } {
  if (process.platform !== 'linux') throw noBinary(['  this version runs on Linux only (x64, arm64, arm)'], 'run it on Linux, or in a Linux container');
  const missing = process.arch === 'arm' ? missingOnArm() : undefined;
  if (missing !== undefined) {
    const must = `  the processor must be an ARMv7 with NEON and VFPv4 (Raspberry Pi 2 and later), this one lacks ${missing}`;
    throw noBinary([must], noCure);
  }
  const tried: string[] = [];
  let cause: unknown;
  for (const path of candidates()) {
    const reason = refusal(path);
    if (reason !== undefined) {
      tried.push(`  ${path}: ${reason}`);
      continue;
    }
    try {
      return { binding: requireAddon(path) as Binding, path };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ERR_DLOPEN_DISABLED') {
        throw noBinary(
          [`  ${path}: this Node was told to load no addons`],
          'start Node without `--no-addons`; where `--permission` stands, with `--allow-addons` too',
          error,
        );
      }
      if (code === 'ERR_DSNK_OLD_CPU') throw noBinary([`  ${message}`], noCure, error);
      cause = error;
      tried.push(`  ${path}: ${loadFailure(message)}`);
    }
  }
  throw noBinary([...tried, ...remarks()], cure(), cause);
}

function noBinary(lines: readonly string[], cure: string, cause?: unknown): DsnkError {
  const platform = process.platform === 'linux' ? `linux-${process.arch} (${libcText()})` : `${process.platform}-${process.arch}`;
  const where = `ds-native-kernels: an addon for ${platform} and Node-API 8 must load, none did`;
  return new DsnkError('ERR_DSNK_NO_BINARY', [where, ...lines, `  cure: ${cure}`].join('\n'), cause === undefined ? undefined : { cause });
}

/** The system's words for why it did not load the file, made plain where they are known. */
function loadFailure(message: string): string {
  const line = message.split('\n')[0] as string;
  const version = /version [`']GLIBC_([\d.]+)' not found/.exec(line)?.[1];
  if (version !== undefined) return `needs glibc ${version} or newer, this system has ${libcText()}`;
  if (/libc\.musl|ld-musl/.test(line)) return `built for musl, this Node runs on ${libcText()}`;
  if (libc() === 'musl' && /GLIBC|ld-linux|symbol not found/.test(line)) return `built for glibc, this Node runs on musl (${line})`;
  return line;
}

/** What this 32-bit Arm processor lacks of NEON and VFPv4, by the kernel's word (AT_HWCAP); undefined where it lacks nothing or nothing is known. */
function missingOnArm(): string | undefined {
  let words: Uint32Array;
  try {
    words = new Uint32Array(Uint8Array.from(readFileSync('/proc/self/auxv')).buffer);
  } catch {
    return undefined;
  }
  const at = words.findIndex((word, i) => i % 2 === 0 && word === 16);
  const hwcap = at < 0 ? undefined : words[at + 1];
  if (hwcap === undefined) return undefined;
  const lacks = (bit: number) => ((hwcap >>> bit) & 1) === 0;
  return [lacks(12) && 'NEON', lacks(16) && 'VFPv4'].filter(Boolean).join(' and ') || undefined;
}

/** What explains a failure without being a file. */
function remarks(): string[] {
  const lines: string[] = [];
  const kernel = machine();
  if ((process.arch === 'arm' && kernel === 'aarch64') || (process.arch === 'ia32' && kernel === 'x86_64')) {
    lines.push(`  the kernel is ${kernel}, but this Node is ${machineText(process.arch)}: what counts is Node`);
  }
  if (packageRoot === undefined) lines.push(`  ${self ?? 'the code'} is not in the folder of the package: a bundler must leave ds-native-kernels external`);
  else if (prebuiltName() === undefined) lines.push(`  the package has no prebuilt addon for ${process.arch}, only for x64, arm64 and arm`);
  return lines;
}

function cure(): string {
  const compile = '`npx ds-native-kernels build` compiles one here (needs cmake 3.18, make and a C++20 compiler)';
  const inCheckout = packageRoot !== undefined && existsSync(join(packageRoot, 'lib')) ? '; in a checkout `npm run build`' : '';
  const variable = ['DS_NATIVE_KERNELS_PREBUILD', 'PREBUILDS_ONLY'].find(set);
  return `${variable === undefined ? '' : `unset ${variable}, then `}${compile}${inCheckout}`;
}
