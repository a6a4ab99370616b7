// The sysroots of the prebuilt addons: packages of Debian 11 (glibc 2.31), named with version and sha256 in sysroots.json.
// They are fetched by apt's own downloader (its proxies and mirrors hold), never installed, and kept in build/.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const pins = JSON.parse(readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'sysroots.json'), 'utf8'));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The folder of the sysroot for `arch` (x64, arm64, arm) under `folder`; fetched and unpacked unless it is there as pinned. */
export function sysroot(arch, folder) {
  const packages = pins.packages[arch];
  const root = join(folder, arch);
  // Written last: a sysroot with this mark is complete, and of these packages.
  const mark = join(root, '.pins');
  const state = sha256(JSON.stringify(packages));
  if (existsSync(mark) && readFileSync(mark, 'utf8') === state) return root;

  const files = Object.entries(packages).map(([path, hash]) => fetchPackage(path, hash, join(folder, 'packages')));
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

function fetchPackage(path, hash, folder) {
  const file = join(folder, basename(path));
  if (existsSync(file) && sha256(readFileSync(file)) === hash) return file;
  mkdirSync(folder, { recursive: true });
  const mirrors = process.env.DSNK_DEBIAN_MIRROR ? [process.env.DSNK_DEBIAN_MIRROR] : pins.mirrors;
  const reasons = [];
  for (const mirror of mirrors) {
    const fetched = `${file}.${process.pid}`;
    // -o: its sandbox user may not be able to write here, and the hash is what counts
    const run = spawnSync('/usr/lib/apt/apt-helper', ['-o', 'APT::Sandbox::User=root', 'download-file', `${mirror}/${path}`, fetched, `SHA256:${hash}`], {
      encoding: 'utf8',
    });
    if (run.status === 0 && sha256(readFileSync(fetched)) === hash) {
      renameSync(fetched, file);
      return file;
    }
    rmSync(fetched, { force: true });
    reasons.push(`${mirror}: ${(run.stderr || run.error?.message || 'wrong contents').trim().split('\n')[0]}`);
  }
  throw new Error(`${basename(path)}: must be fetched with sha256 ${hash}\n  ${reasons.join('\n  ')}\n  another mirror: DSNK_DEBIAN_MIRROR=<address>`);
}

/** Absolute links lead out of the sysroot: a linker would not find the library and take its static twin. */
function relativeLinks(folder, root) {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    const stat = lstatSync(path);
    if (stat.isDirectory()) relativeLinks(path, root);
    if (!stat.isSymbolicLink()) continue;
    const target = readlinkSync(path);
    if (!target.startsWith('/')) continue;
    unlinkSync(path);
    symlinkSync(relative(folder, join(root, target)), path);
  }
}
