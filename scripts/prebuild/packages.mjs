// Packages of Debian, named by path and sha256: fetched by apt's own downloader (its proxies and mirrors hold), never installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The file of a package in `folder`, fetched from the first mirror that has it unless it is there. */
export function fetchPackage(path, hash, folder, pinned) {
  const file = join(folder, basename(path));
  if (existsSync(file) && sha256(readFileSync(file)) === hash) return file;
  mkdirSync(folder, { recursive: true });
  const mirrors = process.env.DSNK_DEBIAN_MIRROR ? [process.env.DSNK_DEBIAN_MIRROR] : pinned;
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

/** Absolute links lead out of the folder: a linker would not find the library and take its static twin. */
export function relativeLinks(folder, root) {
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
