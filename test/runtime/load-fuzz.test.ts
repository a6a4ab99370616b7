import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const child = fileURLToPath(new URL('./load-fuzz.child.ts', import.meta.url));
const mutations = 3000;

describe('load', () => {
  it.each([1, 2])('takes or refuses mutated words, seed %i, and never brings the process down', (seed) => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', child, String(mutations), String(seed)], {
      encoding: 'utf8',
      timeout: 55_000,
    });
    expect({ status, signal, stderr }, `the process must end by itself after ${mutations} mutations`).toMatchObject({ status: 0, signal: null });
    const { accepted, refused } = JSON.parse(stdout) as { accepted: number; refused: number };
    expect(accepted + refused).toBe(mutations);
    expect(accepted).toBeGreaterThan(mutations / 50);
    expect(refused).toBeGreaterThan(mutations / 4);
  });
});
