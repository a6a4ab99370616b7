/** The declarations as a user's compiler finds them, in every way that it may look for them, without skipLibCheck. */
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkout, project, start } from './project.js';

const sources = join(checkout, 'test', 'package', 'types');
for (const file of ['module.mts', 'required.cts']) copyFileSync(join(sources, file), join(project, file));
// A bundler has no CommonJS modules: the same lines, without what comes from one.
const bundled = readFileSync(join(sources, 'module.mts'), 'utf8').replace("'./required.cjs'", "'./required.js'");
writeFileSync(join(project, 'bundled.ts'), bundled);
symlinkSync(join(project, 'required.cts'), join(project, 'required.ts'));

const check = (...args: string[]) =>
  start(process.execPath, [
    join(checkout, 'node_modules', 'typescript', 'bin', 'tsc'),
    ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--lib', 'es2023,esnext.disposable,dom'],
    ...['--types', 'node', '--typeRoots', join(checkout, 'node_modules', '@types'), ...args],
  ]).stdout;

describe('types', () => {
  it.each(['node16', 'node18', 'node20', 'nodenext'])('resolve by import and by require under %s', (module) => {
    const resolution = module === 'nodenext' ? 'nodenext' : 'node16';
    expect(check('--module', module, '--moduleResolution', resolution, 'module.mts', 'required.cts')).toBe('');
  });
  it('resolve under bundler', () => {
    expect(check('--module', 'esnext', '--moduleResolution', 'bundler', 'bundled.ts', 'required.ts')).toBe('');
  });
});
