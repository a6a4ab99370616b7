import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('keeps what the types promise', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const options =
    '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipLibCheck --target es2022 --lib es2023,esnext.disposable --module nodenext --types node';
  const check = () =>
    execFileSync('npx', ['--no-install', 'tsc', ...options.split(' '), 'test/build/types.check.ts'], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  let report = '';
  try {
    check();
  } catch (error) {
    report = String((error as { stdout: string }).stdout);
  }
  expect(report).toBe('');
});
