/**
 * The examples of the README are programs: each runs in a process of its own against dist/, as a user's would, and prints
 * what the comments after its console.log calls say. TypeScript examples also pass the compiler.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../../lib/errors.js';
import * as publicNames from '../../lib/index.js';
import { blocks, read, root } from './markdown.js';

const readme = read('README.md');
// Inside the package, so that its own name resolves to it.
const folder = join(root, 'build', 'readme');
const haveModel = existsSync(join(root, 'models', 'shapes.onnx'));
const examples = blocks(readme)
  .filter((b) => (b.language === 'js' || b.language === 'ts') && (haveModel || !b.text.includes('models/shapes.onnx')))
  .map((b) => ({ ...b, file: join(folder, `line-${b.line}.m${b.language}`) }));

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const e of examples) writeFileSync(e.file, `${e.text}\n`);
});

/** `console.log(…); // text` and comment lines that stand at the end of the block. */
function expectedOutput(text: string): string {
  const lines = text.split('\n');
  const printed = lines.map((line) => /console\.log\(.*; \/\/ (.*)$/.exec(line)?.[1]).filter((l) => l !== undefined);
  const trailing: string[] = [];
  for (let i = lines.length - 1; i >= 0; i--) {
    const comment = /^\/\/ (.*)$/.exec(lines[i] as string)?.[1];
    if (comment === undefined) break;
    trailing.unshift(comment);
  }
  return [...printed, ...trailing].map((l) => `${l}\n`).join('');
}

describe('README.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(5));

  it.each(examples.map((e) => [e.line, e] as const))('the example on line %i runs and prints what it says', (_, example) => {
    const runner = example.language === 'ts' ? ['--import', 'tsx'] : [];
    const output = execFileSync(process.execPath, [...runner, example.file], { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
    const expected = expectedOutput(example.text);
    expect(expected).not.toBe('');
    expect(output).toBe(expected);
  });

  it('has TypeScript examples that the compiler takes', () => {
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable',
      '--types',
      'node',
    ];
    const files = examples.filter((e) => e.language === 'ts').map((e) => e.file);
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    expect(() => execFileSync(tsc, [...options, '--ignoreConfig', ...files], { cwd: root, encoding: 'utf8', stdio: 'pipe' })).not.toThrow();
  });

  it('has every error code with its meaning', () => {
    for (const [code, meaning] of Object.entries(errorCodes)) expect(readme).toContain(`| \`${code}\` | ${meaning} |`);
    for (const code of readme.match(/ERR_DSNK_\w+/g) ?? []) expect(Object.keys(errorCodes)).toContain(code);
  });

  it('names every public name and every session option', () => {
    for (const name of Object.keys(publicNames)) expect(readme.match(new RegExp(`\\b${name}\\b`)), name).not.toBeNull();
    const options = /interface SessionOptions \{([\s\S]*?)\n\}/.exec(read('lib/runtime/session-options.ts'))?.[1] ?? '';
    const names = [...options.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(readme).toContain(`| \`${name}\` |`);
  });

  it.skipIf(!haveModel)('shows what the bundled model says to its picture', () => {
    const output = execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'run', '--repeat', '1'], { encoding: 'utf8' });
    const label = /^ {2}(\w+) [\d.]+ /.exec(output)?.[1];
    expect(readme).toContain(`\n  ${label} `);
  });

  it('names options of the command line that exist', () => {
    const section = readme.slice(readme.indexOf('## Command line'), readme.indexOf('## Options'));
    const help = (...command: string[]) => execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...command, '--help'], { encoding: 'utf8' });
    const commands: [string, string[]][] = [
      ['info', ['info']],
      ['inspect', ['inspect']],
      ['run', ['run']],
      ['quantize', ['quantize']],
      ['prune', ['prune']],
      ['bench model', ['bench', 'model']],
      ['bench kernel', ['bench', 'kernel']],
    ];
    for (const [name, command] of commands) {
      const row = section.split('\n').find((l) => l.startsWith(`| \`${name}`));
      expect(row, name).toBeDefined();
      const text = help(...command);
      for (const option of row?.match(/--[a-z]+(?: <[^>]+>)?/g) ?? []) expect(text).toContain(option);
    }
  });
});
