// The sysroots of the prebuilt addons: packages of Debian 11 (glibc 2.31), named with version and sha256 in sysroots.json,
// kept in build/.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPackage, relativeLinks, sha256 } from './packages.mjs';

const pins = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'sysroots.json'), 'utf8'));

/** The folder of the sysroot for `arch` (x64, arm64, arm) under `folder`; fetched and unpacked unless it is there as pinned. */
export function sysroot(arch, folder) {
  const packages = pins.packages[arch];
  const root = join(folder, arch);
  // Written last: a sysroot with this mark is complete, and of these packages.
  const mark = join(root, '.pins');
  const state = sha256(JSON.stringify(packages));
  if (existsSync(mark) && readFileSync(mark, 'utf8') === state) return root;

  const files = Object.entries(packages).map(([path, hash]) => fetchPackage(path, hash, join(folder, 'packages'), pins.mirrors));
  const fresh = join(folder, `${arch}.${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const file of files) {
    const { status, stderr } = spawnSync('dpkg-deb', ['-x', file, fresh], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${file}: must unpack with dpkg-deb, ${stderr || 'there is no dpkg-deb'}`);
  }
  relativeLinks(fresh, fresh);
  writeFileSync(join(fresh, '.pins'), state);
  rmSync(root, { recursive: true, force: true });
  renameSync(fresh, root);
  return root;
}
