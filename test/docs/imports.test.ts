/** The arrows of ARCHITECTURE.md: what imports what by value. Types may be named across. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './markdown.js';

/** Each may import from itself and from those above it; those of one line may not know each other. */
const layers = [
  ['errors', 'caches'],
  ['dtype'],
  ['graph'],
  ['tensor'],
  ['kernels'],
  ['ops'],
  ['onnx', 'build', 'passes'],
  ['quantize', 'compile'],
  ['prune'],
  ['runtime'],
  ['generate'],
  ['cli', 'index', 'start'],
];
const levelOf = (part: string) => layers.findIndex((layer) => layer.includes(part));

const filesIn = (folder: string, extensions: readonly string[]) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((f) => extensions.some((e) => f.endsWith(e)));

describe('imports', () => {
  it('go the ways ARCHITECTURE.md says in lib/', () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const file of filesIn('lib', ['.ts'])) {
      const from = file.split('/')[0]?.replace(/\.ts$/, '') as string;
      const text = readFileSync(join(root, 'lib', file), 'utf8');
      for (const [, clause, path] of text.matchAll(/^(?:import|export)\s([^;'"]*?\sfrom\s|)'(\.[^']+)'/gm)) {
        if (/^type\s/.test(clause ?? '')) continue;
        // `{ type A, type B }` names types only
        const names = /\{([^}]*)\}/
          .exec(clause ?? '')?.[1]
          ?.split(',')
          .map((n) => n.trim());
        if (names?.length && names.filter((n) => n !== '').every((n) => n.startsWith('type '))) continue;
        seen++;
        const to = join('lib', file, '..', path as string)
          .split('/')[1]
          ?.replace(/\.js$/, '') as string;
        if (levelOf(from) < 0 || levelOf(to) < 0) wrong.push(`${file}: ${from} or ${to} has no place in the layers`);
        else if (from !== to && levelOf(to) >= levelOf(from)) wrong.push(`${file} imports ${path}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(100);
  });
});
