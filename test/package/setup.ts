/** Packs the package and installs it as a user does: into an empty project, offline, with an empty cache and no scripts. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { missingFromPacks, packFolder } from '../../scripts/cuda/images.mjs';
import { modules } from '../../scripts/cuda/modules.mjs';
import { addonFile, architectures } from '../../scripts/prebuild/addons.mjs';

export interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[];
}

export interface Installed {
  /** What `npm pack --json` says of the tarball. */
  readonly packed: Packed;
  /** The project that the tarball is installed in. */
  readonly project: string;
  /** The package in it. */
  readonly home: string;
  /** What its kernels for GPUs lack: they take long to compile, and not every machine can. */
  readonly missingKernels: readonly string[];
}

declare module 'vitest' {
  interface ProvidedContext {
    installed: Installed;
  }
}

const checkout = fileURLToPath(new URL('../..', import.meta.url));

export default function setup(suite: TestProject): () => void {
  const missing = architectures.map(addonFile).filter((file) => !existsSync(join(checkout, file)));
  if (missing.length > 0) throw new Error(`${missing.join(', ')} must be there: npm run prebuild`);
  // Not in the checkout: modules would be found in its node_modules.
  const missingKernels = missingFromPacks(packFolder(checkout), [...modules(checkout).keys()]);
  if (missingKernels.length > 0) process.env['DSNK_PACK_WITHOUT_GPU'] = '1';
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-package-'));
  const npm = (cwd: string, ...args: string[]) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const [packed] = JSON.parse(npm(checkout, 'pack', '--json', '--pack-destination', folder)) as [Packed];
  const { dependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const tarballs = Object.keys(dependencies).map((name) => {
    const source = `./node_modules/${name}`;
    return (JSON.parse(npm(checkout, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder, source)) as [Packed])[0].filename;
  });
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true }');
  npm(
    project,
    'install',
    '--ignore-scripts',
    '--offline',
    '--cache',
    join(folder, 'cache'),
    ...[packed.filename, ...tarballs].map((file) => join(folder, file)),
  );
  suite.provide('installed', { packed, project, home: join(project, 'node_modules', 'ds-native-kernels'), missingKernels });
  return () => rmSync(folder, { recursive: true, force: true });
}
