/** Which rows cores of the Cortex-A53 kind take, and others. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Names of the rows of neona53, and of the first usable row of gemm, in a process of its own. */
function rows(isa: string): { own: string[]; gemm: string } {
  const script = `
    import { native } from ${JSON.stringify(new URL('../../dist/runtime/native.js', import.meta.url))};
    const usable = native().catalogue().kernels.filter((row) => row.usable);
    const own = usable.filter((row) => row.isa === 'neona53').map((row) => row.name);
    console.log(JSON.stringify({ own, gemm: usable.find((row) => row.op === 'gemm' && row.dtypes === 'f32').name }));`;
  const env = { ...process.env, DSNK_ISA: isa };
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' }));
}

describe.skipIf(process.arch !== 'arm64')('cores that issue in order', () => {
  it('are told to be such by DSNK_ISA', () => {
    const told = rows('neona53');
    expect(told.own).toContain('conv_f32_neona53');
    expect(told.gemm).toBe('gemm_f32_neona53');
    expect(rows('neon')).toEqual({ own: [], gemm: 'gemm_f32_neon' });
    expect(rows('scalar')).toEqual({ own: [], gemm: 'gemm_f32_scalar' });
  });

  // Emulated, /proc/cpuinfo is that of the machine below: the core itself is asked.
  const cpu = process.env.QEMU_CPU;
  it.skipIf(cpu === undefined)('are known by their kind', () => {
    expect(rows('').own.length > 0).toBe(cpu === 'cortex-a53');
  });
});
