/** Folders of the user's caches: made where they can be, an error where not, and never a home. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolders } from '../lib/caches.js';

const home = mkdtempSync(join(tmpdir(), 'dsnk-caches-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('makeFolders', () => {
  it('makes what is missing, for this user alone, and leaves what is there', () => {
    const folder = join(home, 'a', 'b', 'c');
    makeFolders(folder, 3);
    makeFolders(folder, 3);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('makes no more levels than it is asked for', () => {
    expect(() => makeFolders(join(home, 'x', 'y', 'z'), 2)).toThrow(/ENOENT/);
    expect(existsSync(join(home, 'x'))).toBe(false);
  });

  // Node's own recursive mkdir loops here for ever.
  it('says so where nothing can be made', () => {
    expect(() => makeFolders('/proc/none/ds-native-kernels/version', 3)).toThrow(/ENOENT/);
  });
});
