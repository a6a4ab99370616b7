/** Which addon file is loaded, and what a user reads when none can be. Every case is a process on a package folder made for it. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { addonPath, cacheFolder, prebuiltName } from '../../lib/runtime/native.js';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dsnk-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

const home = join(folder, 'package');
mkdirSync(home);
for (const name of ['package.json', 'dist']) cpSync(join(checkout, name), join(home, name), { recursive: true });
symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
const good = readFileSync(addonPath());
const prebuilt = join('prebuilds', prebuiltName() as string);
const built = join('build', 'Release', 'ds_native_kernels.node');

function put(path: string, bytes: Uint8Array | string): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}
beforeEach(() => {
  for (const name of ['prebuilds', 'build', 'cache']) rmSync(join(home, name), { recursive: true, force: true });
});

/** The addon with some bytes replaced by as many others. */
function patched(from: string, to: string): Buffer {
  const bytes = Buffer.from(good);
  const at = bytes.indexOf(`${from}\0`, 0, 'latin1');
  expect(at).toBeGreaterThan(0);
  expect(to).toHaveLength(from.length);
  bytes.write(to, at, 'latin1');
  return bytes;
}

interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  /** Code that runs before the package: it may tell another machine. */
  readonly before?: string;
  readonly node?: readonly string[];
  readonly program?: string;
}

/** `info` in that package: the path of the loaded addon below the package, or the error. */
function load({ env = {}, before = '', node = [process.execPath], program = home }: Circumstances = {}): {
  path?: string | undefined;
  error?: string | undefined;
} {
  const first = join(folder, 'before.mjs');
  writeFileSync(first, before);
  const { DS_NATIVE_KERNELS_PREBUILD: _, PREBUILDS_ONLY: __, NODE_OPTIONS: ___, ...rest } = process.env;
  const [command = '', ...args] = node;
  const main = join(program, 'dist', 'cli', 'main.js');
  const answer = spawnSync(command, [...args, '--import', first, main, 'info', '--json'], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...rest, XDG_CACHE_HOME: join(home, 'cache'), ...env },
  });
  expect(answer.stderr).toBe('');
  expect(answer.status).toBe(0);
  const { addon } = JSON.parse(answer.stdout);
  const plain = (text?: string) =>
    text
      ?.replace(/[^\s/]+-\w{12}-(\w+)-glibc/g, '<installation>-$1-glibc')
      .replaceAll(home, '<package>')
      .replaceAll(folder, '<folder>')
      .replace(/dist\/(runtime\/native|cli\/main)\.js/, 'dist/<module>.js') // one module, or a bundle's
      .replace(/glibc 2[\d.]+/g, 'glibc <version>');
  return addon.error === undefined ? { path: plain(addon.path) } : { error: plain(addon.error) };
}

const pretend = (platform: string, arch: string) => `Object.defineProperties(process, { platform: { value: '${platform}' }, arch: { value: '${arch}' } });`;
/** A 32-bit process on a kernel that reports these capabilities. */
const arm = (hwcap: number, kernel = 'armv7l') => `
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import os from 'node:os';
  const read = fs.readFileSync;
  fs.readFileSync = (path, ...more) =>
    path === '/proc/self/auxv' ? Buffer.from(Uint32Array.of(3, 0x10034, 16, ${hwcap}, 0, 0).buffer) : read(path, ...more);
  os.machine = () => '${kernel}';
  syncBuiltinESMExports();
  ${pretend('linux', 'arm')}`;
const neonAndVfp4 = (1 << 12) | (1 << 16);

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the addon', () => {
  it('that was built here comes first, then the prebuilt one', () => {
    put(prebuilt, good);
    expect(load()).toEqual({ path: `<package>/${prebuilt}` });
    put(built, good);
    expect(load()).toEqual({ path: `<package>/${built}` });
    expect(load({ env: { PREBUILDS_ONLY: '1' } })).toEqual({ path: `<package>/${prebuilt}` });
  });

  it('may be in the cache of the user', () => {
    put(join('cache', 'ds-native-kernels', basename(cacheFolder(home) as string), 'Release', 'ds_native_kernels.node'), good);
    expect(load()).toEqual({ path: '<package>/cache/ds-native-kernels/<installation>-x64-glibc/Release/ds_native_kernels.node' });
  });

  it.each([
    ['no entry in /etc/passwd', "import os from 'node:os'; os.homedir = () => { throw new Error('ENOENT'); }; syncBuiltinESMExports();"],
    ['an empty home', "import os from 'node:os'; os.homedir = () => ''; syncBuiltinESMExports();"],
  ])('is the prebuilt one for a user without a cache: %s', (_, before) => {
    const env = { XDG_CACHE_HOME: 'cache' }; // a relative one does not count
    const program = { before: `import { syncBuiltinESMExports } from 'node:module'; ${before}`, env };
    put(prebuilt, good);
    expect(load(program)).toEqual({ path: `<package>/${prebuilt}` });
    rmSync(join(home, prebuilt));
    expect(load(program).error).not.toContain('cache');
  });

  it('is another where a broken one lies before it', () => {
    put(built, good.subarray(0, 1000));
    put(prebuilt, good);
    expect(load()).toEqual({ path: `<package>/${prebuilt}` });
  });

  it('may be named: a file, a folder, a folder of prebuilt ones', () => {
    put(prebuilt, good);
    put('own/ds_native_kernels.node', good);
    for (const [value, path] of [
      ['package/own/ds_native_kernels.node', 'own/ds_native_kernels.node'],
      [join(home, 'own'), 'own/ds_native_kernels.node'],
      [join(home, 'prebuilds'), prebuilt],
      [home, prebuilt],
    ] as const) {
      expect(load({ env: { DS_NATIVE_KERNELS_PREBUILD: value } })).toEqual({ path: `<package>/${path}` });
    }
  });
});

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the error', () => {
  it('names all that was looked for', () => {
    expect(load().error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        <package>/build/Release/ds_native_kernels.node: not there
        <package>/build/Debug/ds_native_kernels.node: not there
        <package>/cache/ds-native-kernels/<installation>-x64-glibc/Release/ds_native_kernels.node: not there
        <package>/cache/ds-native-kernels/<installation>-x64-glibc/Debug/ds_native_kernels.node: not there
        <package>/prebuilds/linux-x64/ds-native-kernels.glibc.node: not there
        cure: \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
  });
  it('tells another architecture', () => {
    const bytes = Buffer.from(good);
    bytes.writeUInt16LE(183, 18);
    put(prebuilt, bytes);
    expect(load({ env: { PREBUILDS_ONLY: '1' } }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        <package>/prebuilds/linux-x64/ds-native-kernels.glibc.node: built for aarch64, this Node is x86-64
        cure: unset PREBUILDS_ONLY, then \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
  });
  it.each<[string, Uint8Array | string]>([
    ['an empty file', ''],
    ['a page instead of the file', '<html>404 Not Found</html>'.repeat(9)],
    ['half of the file', good.subarray(0, good.length >> 1)],
    ['all but the last bytes', good.subarray(0, good.length - 100)],
    ['a byte too many', Buffer.concat([good.subarray(0, 5000), Buffer.from('\r'), good.subarray(5000)])],
    ['a program', Buffer.concat([good.subarray(0, 16), Buffer.from([2, 0]), good.subarray(18)])],
    ['a library of nothing of ours', patched('napi_register_module_v1', 'napi_register_module_v0')],
  ])('tells %s', (_, bytes) => {
    put(prebuilt, bytes);
    expect(load({ env: { PREBUILDS_ONLY: '1' } }).error?.replace(/\d{5,}/g, '<n>')).toMatchSnapshot();
  });
  it('tells a file that may not be read', () => {
    mkdirSync(join(home, prebuilt), { recursive: true });
    expect(load({ env: { PREBUILDS_ONLY: '1' } }).error).toContain(`${prebuilt}: a folder, not a file\n`);
  });
  it('tells a pipe, without waiting for what comes out of it', () => {
    mkdirSync(dirname(join(home, prebuilt)), { recursive: true });
    expect(spawnSync('mkfifo', [join(home, prebuilt)]).status).toBe(0);
    expect(load({ env: { PREBUILDS_ONLY: '1' } }).error).toContain(`${prebuilt}: no regular file\n`);
  });
  it('tells a C library that is too old, or another', () => {
    const newest = [...good.toString('latin1').matchAll(/\0(GLIBC_2\.[\d.]+)(?=\0)/g)].map(([, v]) => v as string).find((v) => v.length === 10) as string;
    put(prebuilt, patched(newest, 'GLIBC_9.87'));
    expect(load({ env: { PREBUILDS_ONLY: '1' } }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        <package>/prebuilds/linux-x64/ds-native-kernels.glibc.node: needs glibc 9.87 or newer, this system has glibc <version>
        cure: unset PREBUILDS_ONLY, then \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
    put(prebuilt, patched('libc.so.6', 'libc.musl'));
    expect(load({ env: { PREBUILDS_ONLY: '1' } }).error).toContain(': built for musl, this Node runs on glibc');
  });
  it('tells a 32-bit Node on a 64-bit kernel', () => {
    put(prebuilt.replaceAll('x64', 'arm').replace('kernels.', 'kernels.armv7.'), good);
    expect(load({ before: arm(neonAndVfp4, 'aarch64') }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-arm (glibc <version>) and Node-API 8 must load, none did
        <package>/build/Release/ds_native_kernels.node: not there
        <package>/build/Debug/ds_native_kernels.node: not there
        <package>/cache/ds-native-kernels/<installation>-arm-glibc/Release/ds_native_kernels.node: not there
        <package>/cache/ds-native-kernels/<installation>-arm-glibc/Debug/ds_native_kernels.node: not there
        <package>/prebuilds/linux-arm/ds-native-kernels.armv7.glibc.node: built for x86-64, this Node is arm (32-bit)
        the kernel is aarch64, but this Node is arm (32-bit): what counts is Node
        cure: \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
  });
  it('tells a processor that is too old', () => {
    put(prebuilt, good);
    expect(load({ before: arm(1 << 12) }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-arm (glibc <version>) and Node-API 8 must load, none did
        the processor must be an ARMv7 with NEON and VFPv4 (Raspberry Pi 2 and later), this one lacks VFPv4
        cure: there is none: neither a prebuilt addon nor one built here would run on this processor"
    `);
    expect(load({ before: arm(0) }).error).toContain('this one lacks NEON and VFPv4');
  });
  it('tells an old x86 processor, before any instruction that it lacks', (test) => {
    const qemu = '/usr/bin/qemu-x86_64-static';
    if (!existsSync(qemu)) test.skip('qemu-user-static is not installed');
    put(prebuilt, good);
    expect(load({ node: [qemu, '-cpu', 'core2duo', process.execPath] }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        the processor must be of x86-64-v2 (2009 and later), this one lacks SSE4.1, SSE4.2, POPCNT
        cure: there is none: neither a prebuilt addon nor one built here would run on this processor"
    `);
  });
  it.each([
    ['darwin', 'arm64'],
    ['win32', 'x64'],
    ['linux', 'riscv64'],
  ])('tells an unsupported platform: %s %s', (platform, arch) => {
    expect(load({ before: pretend(platform, arch) }).error).toMatchSnapshot();
  });
  it('tells a Node that loads no addons', () => {
    put(prebuilt, good);
    expect(load({ node: [process.execPath, '--no-addons'] }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        <package>/prebuilds/linux-x64/ds-native-kernels.glibc.node: this Node was told to load no addons
        cure: start Node without \`--no-addons\`; where \`--permission\` stands, with \`--allow-addons\` too"
    `);
  });
  it('tells variables that are set', () => {
    expect(load({ env: { DS_NATIVE_KERNELS_PREBUILD: '/nowhere' } }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        /nowhere: not there
        cure: unset DS_NATIVE_KERNELS_PREBUILD, then \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
    expect(load({ env: { DS_NATIVE_KERNELS_PREBUILD: home } }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        <package>/ds_native_kernels.node: not there
        <package>/linux-x64/ds-native-kernels.glibc.node: not there
        <package>/prebuilds/linux-x64/ds-native-kernels.glibc.node: not there
        cure: unset DS_NATIVE_KERNELS_PREBUILD, then \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
  });
  it('tells a bundler that has swallowed the package', () => {
    const other = join(folder, 'bundled');
    cpSync(join(home, 'dist'), join(other, 'dist'), { recursive: true });
    writeFileSync(join(other, 'package.json'), '{ "type": "module" }');
    expect(load({ program: other }).error).toMatchInlineSnapshot(`
      "ds-native-kernels: an addon for linux-x64 (glibc <version>) and Node-API 8 must load, none did
        <folder>/bundled/dist/<module>.js is not in the folder of the package: a bundler must leave ds-native-kernels external
        cure: \`npx ds-native-kernels build\` compiles one here (needs cmake 3.18, make and a C++20 compiler)"
    `);
  });
});
