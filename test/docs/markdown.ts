/** The pages of the project, and the fenced blocks in them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'docs/operators.md'];
export const read = (path: string) => readFileSync(join(root, path), 'utf8');

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of the page on which the block opens. */
  readonly line: number;
}

export function blocks(page: string): Block[] {
  const found: Block[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [i, line] of page.split('\n').entries()) {
    if (open === undefined) {
      const language = /^```(\w+)$/.exec(line)?.[1];
      if (language !== undefined) open = { language, line: i + 1, lines: [] };
    } else if (line === '```') {
      found.push({ language: open.language, text: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  return found;
}

/** A page without its fenced blocks. */
export const prose = (page: string) => page.replace(/^```[\s\S]*?^```$/gm, '');
