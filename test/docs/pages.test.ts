/** What the pages name must be there: files, commands, variables, passes, operators. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { passes } from '../../lib/passes/index.js';
import { pages, prose, read, root } from './markdown.js';

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('links to files and headings that exist', () => {
    for (const [, target] of prose(text).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target as string)) continue;
      const [path = '', heading] = (target as string).split('#');
      const linked = path === '' ? page : join(dirname(page), path);
      expect(existsSync(join(root, linked)), `${target}`).toBe(true);
      if (heading === undefined) continue;
      const anchors = [...read(linked).matchAll(/^#+ (.*)$/gm)].map(([, h]) =>
        (h as string)
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replace(/\s/g, '-'),
      );
      expect(anchors).toContain(heading);
    }
  });

  it('names files that exist', () => {
    for (const [, path] of prose(text).matchAll(/`((?:lib|native|test|bench|scripts|docs|models|\.ci)\/[\w./-]+)`/g)) {
      // made by a command, or not landed in a bare clone
      if (/^bench\/results\/|^models\//.test(path as string)) continue;
      expect(existsSync(join(root, path as string)), `${path}`).toBe(true);
    }
  });

  it('names npm scripts that exist', () => {
    for (const [, name] of text.matchAll(/npm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(name);
  });

  it('has no tabs and no trailing blanks', () => {
    expect(text).not.toMatch(/[ \t]+$|\t/m);
  });
});

describe('the pages', () => {
  it('explain every environment variable that the code reads', () => {
    const all = pages.map(read).join('\n');
    const sources = ['lib', 'native', 'test', 'scripts'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((f) => /\.(ts|mjs|cc)$/.test(f))
        .map((f) => readFileSync(join(root, folder, f), 'utf8')),
    );
    const names = new Set(sources.flatMap((s) => [...s.matchAll(/(?:env\['|env\.|getenv\(")(DSNK_\w+)/g)].map(([, n]) => n as string)));
    expect(names.size).toBeGreaterThan(0);
    for (const name of names) expect(all.includes(`\`${name}\``), name).toBe(true);
  });

  it('list the passes in order', () => {
    const listed = [...read('ARCHITECTURE.md').matchAll(/^\d+\. `(\w+)`: (.*)$/gm)].map(([, name, what]) => `${name}: ${what}`);
    const source = read('lib/passes/index.ts');
    const declared = [...source.matchAll(/^ {2}(\w+), *\/\/ (.*)$/gm)].map(([, name, what]) => `${name}: ${what}`);
    expect(listed).toEqual(declared);
    expect(declared).toHaveLength(passes.length);
  });

  it('list the operators that the engine has', () => {
    expect(() => execFileSync(process.execPath, [join(root, 'scripts', 'list-operators.mjs'), '--check'], { stdio: 'pipe' })).not.toThrow();
  });
});
