/** What is in the tarball, and how much of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { addonFile, architectures, mostBytes } from '../../scripts/prebuild/addons.mjs';

const { packed, home } = inject('installed');
const MB = 1e6;
const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));

describe('the tarball', () => {
  it('is small', () => {
    console.log(`tarball ${(packed.size / MB).toFixed(2)} MB, unpacked ${(packed.unpackedSize / MB).toFixed(2)} MB, ${packed.files.length} files`);
    // the kernels for GPUs, which have a limit of their own (gpu.test.ts) and are compressed already
    const gpu = packed.files.filter((f) => f.path.startsWith('prebuilds/cuda/')).reduce((sum, f) => sum + f.size, 0);
    expect(packed.size - gpu).toBeLessThanOrEqual(6 * MB);
    expect(packed.unpackedSize - gpu).toBeLessThanOrEqual(16 * MB);
    for (const { path, size } of packed.files.filter((f) => f.path.endsWith('.node'))) expect(size, path).toBeLessThanOrEqual(mostBytes);
  });
  it('has one addon for each architecture', () => {
    expect(
      packed.files
        .map((f) => f.path)
        .filter((path) => path.endsWith('.node'))
        .sort(),
    ).toEqual(architectures.map(addonFile).sort());
  });
  it('has these folders and files only', () => {
    const top = [...new Set(packed.files.map((f) => f.path.replace(/\/.*/, '/')))];
    expect(top.sort()).toEqual(
      [
        ...['dist/', 'prebuilds/', 'native/', 'node-api/', 'cmake/', 'scripts/', 'models/', 'docs/'],
        ...['CMakeLists.txt', 'CHANGELOG.md', 'LICENSE', 'README.md', 'index.d.cts', 'package.json'],
      ].sort(),
    );
    expect(packed.files.filter((f) => /\.map$|\.test\.|^scripts\/(?!build-native\.mjs$)|\.gyp$/.test(f.path))).toEqual([]);
  });
  it('has the licences of what it carries', () => {
    const files = packed.files.map((f) => f.path);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'node-api/LICENSE.node-addon-api', 'node-api/LICENSE.node-api-headers', 'node-api/napi.h']));
  });
});

describe('its package.json', () => {
  it('runs nothing when it is installed', () => {
    for (const name of ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']) {
      expect(manifest.scripts, name).not.toHaveProperty(name);
    }
    expect(manifest.gypfile).toBe(false);
  });
  it('says where it runs', () => {
    expect(manifest).toMatchObject({ os: ['linux'], cpu: [...architectures], engines: { node: '>=20.19' } });
  });
  it('depends on little', () => {
    expect(Object.keys(manifest.dependencies)).toMatchInlineSnapshot(`
      [
        "@bufbuild/protobuf",
        "@huggingface/jinja",
        "@huggingface/tokenizers",
        "commander",
        "onnxruntime-common",
      ]
    `);
    expect(manifest.peerDependenciesMeta).toEqual({ sharp: { optional: true } });
  });
});
