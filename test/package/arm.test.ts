/** The installed package on emulated Arm boards: the same tarball, the same pictures, the same scores. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addonFile } from '../../scripts/prebuild/addons.mjs';
import { machines, nodeFor } from '../../scripts/test-arm/machine.mjs';
import { classified, difference, home, kept, offline } from './project.js';

const boards = Object.entries(machines).flatMap(([arch, { cpus }]) => cpus.map((cpu) => [arch, cpu] as const));

describe('the installed package', () => {
  it.for(boards)('runs on %s %s', ([arch, cpu], { skip }) => {
    let node: string;
    try {
      node = nodeFor(arch, kept);
    } catch (error) {
      if (offline(error) || !existsSync(`/usr/bin/${machines[arch as keyof typeof machines].qemu}`)) skip(`${error}`);
      throw error;
    }
    const { scores, addon, arch: came } = classified(node, [], { PREBUILDS_ONLY: '1', QEMU_CPU: cpu });
    expect(came).toBe(arch);
    expect(addon).toBe(join(home, addonFile(arch)));
    expect(difference(scores)).toBeLessThanOrEqual(1);
  });
});
