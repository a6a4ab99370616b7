/**
 * With DSNK_CORPUS set to a folder, tests leave small programs there for scripts/test-native.mjs, which mutates them under
 * sanitizers. A file is 32-bit little-endian words: how many words, the words, how many sources; then for each source its
 * size in bytes and its bytes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const corpusFolder: string | undefined = process.env['DSNK_CORPUS'] || undefined;

export function keepProgram(name: string, words: Uint32Array, sources: readonly Uint8Array[] = []): void {
  if (corpusFolder === undefined) return;
  const count = (n: number) => Buffer.from(Uint32Array.of(n).buffer);
  const parts = [count(words.length), Buffer.from(words.buffer, words.byteOffset, words.byteLength), count(sources.length)];
  for (const source of sources) parts.push(count(source.byteLength), Buffer.from(source.buffer, source.byteOffset, source.byteLength));
  writeFileSync(join(corpusFolder, `${name}.bin`), Buffer.concat(parts));
}
