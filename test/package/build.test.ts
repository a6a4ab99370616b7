/** `npx ds-native-kernels build`: from the sources in the tarball, without network, where the package may not be written to. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { classified, difference, home, project, start } from './project.js';

const cli = join(home, 'dist', 'cli', 'main.js');
const nobody = 65534;

describe('build', () => {
  it.each([
    ['cmake', []],
    ['c\\+\\+', ['cmake']],
    ['make', ['cmake', 'c++']],
  ])('says in one sentence that %s is missing', (missing, present) => {
    const folder = join(project, `only-${present.length}`);
    mkdirSync(folder);
    for (const program of present) symlinkSync(`/usr/bin/${program}`, join(folder, program));
    const { status, stderr } = start(process.execPath, [cli, 'build'], { env: { PATH: folder, CXX: 'c++', CMAKE_GENERATOR: '' } });
    expect(stderr).toMatch(new RegExp(`^ds-native-kernels: building needs ${missing}( 3\\.18 or newer)?: install [^\\n]*\\n$`));
    expect(status).toBe(1);
  });

  it('compiles the packed sources, into the cache of a user who may not write into the package', () => {
    const root = process.getuid?.() === 0;
    const user = root ? { uid: nobody, gid: nobody } : {};
    const cache = join(project, 'cache');
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    for (const folder of [dirname(project), project]) chmodSync(folder, 0o755);
    const mode = statSync(home).mode;
    if (!root) chmodSync(home, 0o555);
    try {
      const env = { XDG_CACHE_HOME: cache, HOME: cache, CCACHE_DISABLE: '', DS_NATIVE_KERNELS_PREBUILD: '' };
      const nowhere = start(process.execPath, [cli, 'build'], { env: { ...env, XDG_CACHE_HOME: '/proc/none' }, ...user });
      expect(nowhere.stderr).toMatch(/^ERR_DSNK_NO_BINARY: build: must be able to write into .* or a cache of the user, ENOENT.*\n$/);
      expect(nowhere.status).toBe(1);
      const { status, stdout, stderr } = start(process.execPath, [cli, 'build', '--debug'], { env, ...user });
      expect(stderr).toContain(`${home} is not writable: the addon goes to ${cache}/ds-native-kernels/`);
      expect(status, stderr.slice(-2000)).toBe(0);
      const built = stdout.trim();
      expect(built.startsWith(cache) && built.endsWith('/Debug/ds_native_kernels.node') && existsSync(built)).toBe(true);
      // It comes before the prebuilt one, and computes the same.
      const { scores, addon } = classified(process.execPath, [], env);
      expect(addon).toBe(built);
      expect(difference(scores)).toBeLessThanOrEqual(1);
      expect(readdirSync(home)).not.toContain('build');
    } finally {
      chmodSync(home, mode);
      rmSync(cache, { recursive: true, force: true });
    }
  });
});
