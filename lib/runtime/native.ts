/** Finds and loads the addon: `build/Release` of a checkout, or `prebuilds/` of an installed package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DsnkError } from '../errors.js';
import type { Binding } from './binding.js';

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
let binding: Binding | undefined;

/** Loads the addon once per environment. Throws ERR_DSNK_NO_BINARY with what was looked for and the cure. */
export function native(): Binding {
  binding ??= loadAddon();
  return binding;
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Where the loaded addon lies. */
export function addonPath(): string {
  const build = createRequire(import.meta.url)('node-gyp-build') as { path(dir: string): string };
  return build.path(packageRoot);
}

function loadAddon(): Binding {
  const build = createRequire(import.meta.url)('node-gyp-build') as (dir: string) => Binding;
  try {
    return build(packageRoot);
  } catch (cause) {
    const folder = join(packageRoot, 'prebuilds');
    const there = existsSync(folder) ? readdirSync(folder).join(', ') || 'nothing' : 'no such folder';
    throw new DsnkError(
      'ERR_DSNK_NO_BINARY',
      [
        `ds-native-kernels: a native addon for ${process.platform}-${process.arch} (Node-API 8) must be there, none could be loaded`,
        `  looked in: ${join(packageRoot, 'build', 'Release')} and ${folder} (there: ${there})`,
        `  reason: ${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}`,
        '  cure: in a checkout run `npm run build` (needs cmake and a C++20 compiler)',
      ].join('\n'),
      { cause },
    );
  }
}
