/** bench/results/arm-mca.*: what `npm run bench:mca` wrote has every loop, its floors hold, and it is what the sources give. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { effects, hottestLoop, multiplyAdds } from '../../scripts/mca/assembly.mjs';
import { cyclesInOrder } from '../../scripts/mca/in-order.mjs';
import { cores, loops, missedFloors } from '../../scripts/mca/loops.mjs';
import { render } from '../../scripts/mca/render.mjs';
import { root } from './markdown.js';

const read = (name: string) => readFileSync(join(root, 'bench', 'results', name), 'utf8');
const missing = ['clang++-19', 'llvm-mca-19'].filter((program) => spawnSync(program, ['--version']).status !== 0);

describe('ARM loops on paper', () => {
  const report = JSON.parse(read('arm-mca.json'));

  it('are all there, with the figures of every core, and their floors hold', () => {
    expect(missedFloors(report)).toEqual([]);
    expect(report.rows).toHaveLength(loops.length);
    for (const [i, { kernel, what, cores: only }] of loops.entries()) {
      expect(report.rows[i]).toMatchObject({ kernel, what });
      expect(Object.keys(report.rows[i].cores)).toEqual(only ?? Object.keys(cores));
    }
    expect(read('arm-mca.md')).toBe(render(report));
  });

  it('miss a floor where a share falls below it, or a loop is gone', () => {
    const changed = structuredClone(report);
    changed.rows[0].cores.n1.share = 0.89;
    changed.rows.pop();
    expect(missedFloors(changed)).toEqual([
      'gemm_f32_neon, tile 8x12: n1 must reach 0.9 of its ceiling, 0.89 came',
      expect.stringContaining('not in the report'),
    ]);
  });

  it.skipIf(missing.length > 0)('are those of the sources', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/mca.mjs', '--check'], { cwd: root, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
  if (missing.length > 0) console.log(`arm-mca: the sources are not compiled, ${missing.join(' and ')} are not installed`);
});

describe('loops of an assembly', () => {
  const assembly = `
_Z1fv:                                  // @_Z1fv
\tmov\tx8, x0
.LBB0_1:                                // =>This Loop Header
.LBB0_2:                                //   Parent Loop
\tldr\tq0, [x1], #16
\tfmla\tv1.4s, v0.4s, v2.s[1]
\tsubs\tx2, x2, #1
\tb.ne\t.LBB0_2
\tfmla\tv3.4s, v0.4s, v2.s[1]
\tfmla\tv4.4s, v0.4s, v2.s[1]
\tcbnz\tx8, .LBB0_1
\tret
`;

  it('are the innermost ones', () => {
    const loop = hottestLoop(assembly, 'f()') as string[];
    expect(loop.map((line) => line.split(/\s+/)[0])).toEqual(['ldr', 'fmla', 'subs', 'b.ne']);
    expect(multiplyAdds(loop)).toBe(1);
    expect(hottestLoop(assembly, 'g()')).toBeUndefined();
  });

  it('read and write registers', () => {
    expect(effects('ldr\tq0, [x1], #16')).toEqual({ writes: ['v0'], reads: ['x1'], base: 'x1' });
    expect(effects('fmla\tv1.4s, v0.4s, v2.s[1]')).toMatchObject({ writes: ['v1'], reads: ['v1', 'v0', 'v2'] });
    expect(effects('ldp\tq3, q4, [x5, #32]')).toEqual({ writes: ['v3', 'v4'], reads: ['x5'], base: undefined });
    expect(effects('str\tq3, [x5, x6]')).toMatchObject({ writes: [], reads: ['v3', 'x5', 'x6'] });
    expect(effects('mov\tv3.d[1], x6')).toMatchObject({ writes: ['v3'], reads: ['v3', 'x6'] });
    expect(effects('subs\tx2, x2, #1')).toMatchObject({ writes: ['x2', 'flags'], reads: ['x2'] });
  });

  it('issue in order, two a cycle, through units of 64 bits', () => {
    const cycles = (...texts: string[]) =>
      cyclesInOrder(
        texts.map((text) => ({
          text,
          latency: /^fmla/.test(text) ? 10 : /^ld/.test(text) ? 4 : /d\[1\]/.test(text) ? 6 : 1,
          units: [[/^ld/.test(text) ? 'load' : /^fmla/.test(text) ? 'multiply' : 'other', 1]],
        })),
      );
    const fmla = (i: number) => `fmla\tv${i}.4s, v30.4s, v31.s[0]`;
    const twelve = Array.from({ length: 12 }, (_, i) => fmla(i));
    expect(cycles(...twelve)).toBe(12); // one a cycle, later than their latency
    expect(cycles(fmla(0), fmla(1))).toBe(10); // one after the other's result
    expect(cycles(...twelve, 'ldr\tx5, [x6]')).toBe(12); // beside the last one
    expect(cycles(...twelve, 'ldr\td20, [x6]')).toBe(13); // both vector units are taken
    expect(cycles(...twelve, 'ldr\td20, [x6]', 'mov\tv21.d[1], x5')).toBe(13); // one each
    expect(cycles(...twelve, 'ldr\tq20, [x6]')).toBe(14); // alone, two cycles
  });
});
