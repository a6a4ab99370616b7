/** What scripts/scan-prebuilds.mjs refuses in an addon for users. The addons themselves are scanned when they are made. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LLVM } from '../../scripts/prebuild/addons.mjs';
import { scan } from '../../scripts/scan-prebuilds.mjs';

const clang = `clang-${LLVM}`;
const haveTools = [clang, `llvm-objdump-${LLVM}`].every((tool) => spawnSync(tool, ['--version']).status === 0) && process.arch === 'x64';
const folder = mkdtempSync(join(tmpdir(), 'dsnk-scan-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A library made of assembly, of which nothing but what it names is linked. */
function library(target: string, assembly: string): string {
  const source = join(folder, 'code.s');
  const file = join(folder, 'code.so');
  writeFileSync(source, `.text\n${assembly}\n`);
  const object = join(folder, 'code.o');
  execFileSync(clang, [`--target=${target}`, '-c', source, '-o', object]);
  execFileSync(`ld.lld-${LLVM}`, ['-shared', '--build-id=sha1', object, '-o', file]);
  return file;
}

const fn = (name: string, ...lines: string[]) => `.globl ${name}\n.type ${name}, %function\n${name}:\n${lines.join('\n')}\n`;

describe.skipIf(!haveTools)('scan of an addon', () => {
  const x64 = (code: string) => library('x86_64-linux-gnu', code);
  const arm64 = (code: string) => library('aarch64-linux-gnu', `.arch armv9-a+sve+fp16+bf16+i8mm\n${code}`);
  const arm = (code: string) => library('armv7-linux-gnueabihf', `.syntax unified\n.arch armv8-a\n.fpu neon-fp-armv8\n${code}`);
  const wrong = (arch: string, file: string) => scan(arch, file, file).wrong as string[];

  it('finds nothing in code of the baseline', () => {
    expect(wrong('x64', x64(fn('f', 'pshufb %xmm0, %xmm1', 'popcnt %eax, %eax', 'andnps %xmm0, %xmm1', 'ret')))).toEqual([]);
    expect(wrong('arm64', arm64(fn('f', 'fmla v0.4s, v1.4s, v2.4s', 'ldaxr w0, [x1]', 'ret')))).toEqual([]);
    expect(wrong('arm', arm(fn('f', 'vfma.f32 q0, q1, q2', 'vld1.32 {d0}, [r0]', 'dmb ish', 'bx lr')))).toEqual([]);
  });

  it.each([
    ['vaddps %ymm0, %ymm1, %ymm2'],
    ['vaddps %xmm0, %xmm1, %xmm2'],
    ['vaddps %zmm0, %zmm1, %zmm2'],
    ['kmovw %k1, %eax'],
    ['shlx %eax, %ebx, %ecx'],
    ['lzcntl %eax, %eax'],
    ['tilerelease'],
    ['aesenc %xmm0, %xmm1'],
  ])('x64: %s belongs into a namespace', (line) => {
    expect(wrong('x64', x64(fn('f', line, 'ret')))).toHaveLength(1);
  });

  it.each([
    ['sdot v0.4s, v1.16b, v2.16b'],
    ['smmla v0.4s, v1.16b, v2.16b'],
    ['fmla v0.8h, v1.8h, v2.8h'],
    ['ldadd w0, w1, [x2]'],
    ['cas w0, w1, [x2]'],
    ['ptrue p0.b'],
    ['bfdot v0.4s, v1.8h, v2.8h'],
  ])('arm64: %s belongs into a namespace', (line) => {
    expect(wrong('arm64', arm64(fn('f', line, 'ret')))).toHaveLength(1);
  });

  it.each([['vmaxnm.f32 q0, q1, q2'], ['sdiv r0, r1, r2'], ['lda r0, [r1]']])('arm: %s is beyond every 32-bit board', (line) => {
    expect(wrong('arm', arm(fn('f', line, 'bx lr')))).toHaveLength(1);
  });

  it('knows what each namespace may use', () => {
    const avx2 = '_ZN4dsnk4avx21fEv'; // dsnk::avx2::f()
    const avx512 = '_ZN4dsnk6avx5121fEv';
    expect(wrong('x64', x64(fn(avx2, 'vaddps %ymm0, %ymm1, %ymm2', 'ret') + fn(avx512, 'vaddps %zmm0, %zmm1, %zmm2', 'ret')))).toEqual([]);
    expect(wrong('x64', x64(fn(avx2, 'vaddps %zmm0, %zmm1, %zmm2', 'ret')))).toEqual([expect.stringContaining('dsnk::avx2::f()')]);
    expect(wrong('x64', x64(fn(avx512, 'vdpbf16ps %zmm0, %zmm1, %zmm2', 'ret')))).toHaveLength(1);
  });

  it('refuses libraries and symbols that an old system lacks', () => {
    const stub = join(folder, 'libnew.so');
    const needs = join(folder, 'needs.so');
    const [stubSource, source, versions] = ['stub.c', 'needs.c', 'versions'].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(stubSource, 'double exp(double x) { return x; }\n');
    writeFileSync(versions, 'GLIBC_2.29 { exp; };\n');
    writeFileSync(source, 'double exp(double); int missing(void); double f(double x) { return exp(x) + missing(); }\n');
    const link = [`-fuse-ld=lld-${LLVM}`, '-nostdlib', '-shared', '-fPIC', '-fno-builtin'];
    execFileSync(clang, [...link, `-Wl,--version-script=${versions}`, stubSource, '-o', stub]);
    execFileSync(clang, [...link, source, stub, '-o', needs]);
    expect(scan('x64', needs).wrong).toEqual([
      expect.stringMatching(/must not need .*libnew\.so/),
      expect.stringContaining('exp@GLIBC_2.29'),
      expect.stringContaining('missing'),
    ]);
  });
});
