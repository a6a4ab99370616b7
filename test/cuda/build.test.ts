/** What the build of GPU code reads from nvcc's and cuobjdump's reports, and what it holds them to. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { imagesOf, missingFromPacks, packed, packOf, unpacked, wholeCodes } from '../../scripts/cuda/images.mjs';
import { gencodes, linesOf, modules } from '../../scripts/cuda/modules.mjs';
import { differences, missingInstructions, parsePtxas, parseSass, tableOf, tableText } from '../../scripts/cuda/report.mjs';

const root = join(import.meta.dirname, '../..');

const ptxas = `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'sum_64x64' for 'sm_80'
ptxas info    : Function properties for sum_64x64
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 128 registers, used 1 barriers, 49152 bytes smem, 764 bytes cmem[0], 8 bytes cmem[2]
ptxas info    : Compile time = 127.586 ms
ptxas info    : Compiling entry function 'far' for 'sm_90a'
ptxas info    : Function properties for far
    24 bytes stack frame, 8 bytes spill stores, 16 bytes spill loads
ptxas info    : Function properties for _Z5powfff
    96 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 255 registers, 764 bytes cmem[0]
`;
const [sum, far] = [
  { entry: 'sum_64x64', arch: 'sm_80', registers: 128, stack: 0, spillStores: 0, spillLoads: 0, staticShared: 49152 },
  { entry: 'far', arch: 'sm_90a', registers: 255, stack: 24, spillStores: 8, spillLoads: 16, staticShared: 0 },
];

const sass = `
Fatbin elf code:
================
arch = sm_80

	code for sm_80
		Function : sum_64x64
	.headerflags    @"EF_CUDA_SM80 EF_CUDA_PTX_SM(EF_CUDA_SM80)"
        /*0000*/                   IMAD.MOV.U32 R1, RZ, RZ, c[0x0][0x28] ;                 /* 0x00000a00ff017624 */
                                                                                           /* 0x000fc400078e00ff */
        /*0010*/              @!P0 LDGSTS.E.BYPASS.128 [R3], [R4.64] ;                      /* 0x00009f0000077a13 */
        /*0020*/             @!UP1 IMMA.16832.S8.S8 R8, R4.ROW, R6.COL, R8 ;                /* 0x00009f0000077a13 */
        /*10030*/                  IMMA.16832.S8.S8 R8, R4.ROW, R6.COL, R8 ;                /* 0x00009f0000077a13 */
		Function : far
        /*0000*/                   EXIT ;                                                   /* 0x00009f0000077a13 */
	code for sm_75
		Function : sum_64x64
        /*0000*/                   EXIT ;                                                   /* 0x00009f0000077a13 */
`;
const expectations = [{ entry: '^sum_\\d+x\\d+$', from: 80, has: ['^IMMA\\.16832', '^LDGSTS'] }];

describe('ptxas', () => {
  it('says of each entry and architecture what it takes', () => {
    expect(parsePtxas(ptxas)).toEqual([sum, far]);
    expect(parsePtxas('nvcc warning : nothing')).toEqual([]);
  });

  it('is held to a table: of the same nvcc all must be equal', () => {
    const table = tableOf('13.0', [far, sum]);
    expect(tableText(table)).toBe(`{
  "nvcc": "13.0",
  "entries": {
    "far": {"sm_90a":{"registers":255,"spills":24}},
    "sum_64x64": {"sm_80":{"registers":128,"shared":49152}}
  }
}
`);
    expect(JSON.parse(tableText(table))).toEqual(table);
    expect(differences(table, '13.0', [sum, far], expectations)).toEqual({ wrong: [], unknown: [] });
    expect(differences(table, '13.0', [{ ...sum, registers: 130 }, far], expectations).wrong).toEqual([
      'sum_64x64, sm_80: the table says registers 128, shared 49152, compiled it takes registers 130, shared 49152',
    ]);
    expect(differences(table, '13.0', [far, { ...sum, entry: 'other' }], expectations)).toEqual({
      wrong: [],
      unknown: ['other, sm_80: the table does not have it, compiled it takes registers 128, shared 49152', 'sum_64x64, sm_80: the sources do not have it'],
    });
  });

  it('may differ for another nvcc, but for what spills', () => {
    const table = tableOf('13.0', [far, sum]);
    expect(differences(table, '12.4', [{ ...sum, registers: 130 }, far], expectations).wrong).toEqual([]);
    expect(differences(table, '12.4', [{ ...far, spillLoads: 17 }], expectations).wrong).toEqual(['far, sm_90a: 25 bytes spill']);
  });

  it('must not spill in an entry with expected instructions, whatever the table says', () => {
    const spilling = { ...sum, spillStores: 4 };
    const wrong = ['sum_64x64, sm_80: must keep its registers, 4 bytes spill'];
    expect(differences(tableOf('13.0', [spilling]), '13.0', [spilling], expectations).wrong).toEqual(wrong);
    const before = { ...spilling, arch: 'sm_75' };
    expect(differences(tableOf('13.0', [before]), '13.0', [before], expectations).wrong).toEqual([]);
  });
});

describe('cuobjdump', () => {
  it('counts instructions of each entry', () => {
    const parsed = parseSass(sass);
    expect([...parsed.keys()]).toEqual(['sm_80', 'sm_75']);
    expect(Object.fromEntries(parsed.get('sm_80')?.get('sum_64x64') ?? [])).toEqual({ 'IMAD.MOV.U32': 1, 'LDGSTS.E.BYPASS.128': 1, 'IMMA.16832.S8.S8': 2 });
  });

  it('shows what an entry lacks, from the capability on that has it', () => {
    expect(missingInstructions(parseSass(sass), expectations)).toEqual([]);
    expect(missingInstructions(parseSass(sass.replaceAll('LDGSTS', 'LDG')), expectations)).toEqual(['sum_64x64, sm_80: must have ^LDGSTS']);
    expect(missingInstructions(parseSass(sass), [{ ...expectations[0], from: 75 }])).toEqual(['sum_64x64, sm_75: must have ^IMMA\\.16832, ^LDGSTS']);
  });
});

describe('modules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-modules-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are the .cu files, each with a name of its own', () => {
    for (const family of ['a', 'b']) mkdirSync(join(folder, 'native', 'kernels', family), { recursive: true });
    const file = (name: string) => join(folder, 'native', 'kernels', name);
    writeFileSync(file('a/x.cu'), '');
    writeFileSync(file('b/y.cu'), '');
    expect([...modules(folder)]).toEqual([
      ['x', file('a/x.cu')],
      ['y', file('b/y.cu')],
    ]);
    writeFileSync(file('b/x.cu'), '');
    expect(() => modules(folder)).toThrow('native/kernels/b/x.cu: its name must be its own, native/kernels/a/x.cu has it, too');
  });

  it('are compiled once for what is of one kind', () => {
    expect(gencodes([['compute_80', 'sm_80', 'sm_87']])).toEqual(['-gencode', 'arch=compute_80,code=[sm_80,sm_87]']);
    expect(linesOf(['sm_90a', 'compute_80'])).toEqual([
      ['compute_90a', 'sm_90a'],
      ['compute_80', 'compute_80'],
    ]);
  });
});

describe('packs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-packs-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  /** As fatbinary lays it out: a mark, then images, each behind a head of its own length. */
  const fatbin = (...images: readonly { kind: number; capability: number; head: number; bytes: Buffer; folded?: number }[]) => {
    const begin = Buffer.alloc(16);
    begin.writeUInt32LE(0xba55ed50);
    begin.writeUInt16LE(1, 4);
    begin.writeUInt16LE(16, 6);
    const parts = images.map(({ kind, capability, head: length, bytes, folded = 0 }) => {
      const head = Buffer.alloc(length);
      head.writeUInt16LE(kind, 0);
      head.writeUInt32LE(length, 4);
      head.writeBigUInt64LE(BigInt(bytes.length), 8);
      head.writeUInt32LE(folded, 16);
      head.writeUInt32LE(capability, 28);
      return Buffer.concat([head, bytes]);
    });
    return Buffer.concat([begin, ...parts]);
  };
  const code = { kind: 2, capability: 87, head: 64, bytes: Buffer.from('code of one GPU.') };
  const text = { kind: 1, capability: 80, head: 88, bytes: Buffer.from('.version') };

  it('take the images of a fat binary apart', () => {
    expect(imagesOf(fatbin(code, text))).toEqual([
      { capability: 87, ptx: false, bytes: code.bytes },
      { capability: 80, ptx: true, bytes: text.bytes },
    ]);
    expect(() => imagesOf(fatbin({ ...code, folded: 9 }))).toThrow('images in a fat binary must not be packed');
    expect(() => imagesOf(Buffer.from('no fat binary'))).toThrow('a fat binary must begin with its mark');
  });

  it('keep every image as it was, with a zero behind it', () => {
    const images = [1, 15, 16, 17, 4000].map((size) => [`m${size}`, Buffer.alloc(size, size)] as const);
    const got = unpacked(packed(images));
    expect([...got]).toEqual(images);
    for (const bytes of got.values()) {
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length + 1);
      expect(whole[bytes.length]).toBe(0);
    }
  });

  it('are not whole where a module or a pack is missing, and only what is for Hopper is asked of its own', () => {
    const files = [...new Set(wholeCodes.map(packOf))];
    const codesIn = (pack: string) => wholeCodes.filter((name) => packOf(name) === pack);
    for (const pack of files) writeFileSync(join(folder, `${pack}.br`), packed(codesIn(pack).map((name) => [`${name}/plain`, code.bytes])));
    expect(missingFromPacks(folder, ['plain'])).toEqual([]);
    expect(missingFromPacks(folder, ['plain', 'other', 'gemm_sm90']).sort()).toEqual(
      [
        'sm_90a.br: must have been made',
        ...files.map(
          (pack) =>
            `${pack}.br: must have ${codesIn(pack)
              .map((name) => `${name}/other`)
              .join(', ')}`,
        ),
      ].sort(),
    );
    rmSync(join(folder, 'sm_72.br'));
    expect(missingFromPacks(folder, ['plain'])).toEqual(['sm_72.br: must have been made']);
  });
});

it('expected instructions are those of entries that exist, and their entries have a row in the table', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(root, 'native', 'cuda', name), 'utf8'));
  const entries = Object.keys(read('resources.json').entries);
  for (const { entry } of read('instructions.json'))
    expect(
      entries.some((name) => new RegExp(entry).test(name)),
      entry,
    ).toBe(true);
});

it('without nvcc: says so with the cure, and is a failure only where nobody said that it is optional', () => {
  // there is none on this PATH; where the usual place has one, this is not the machine to test it on
  if (spawnSync('/usr/local/cuda/bin/nvcc', ['--version']).status === 0) return;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'scripts/build-cuda.mjs'), ...args], { encoding: 'utf8', env: { PATH: '/nonexistent' } });
  const [alone, optional] = [run(), run('--optional')];
  expect(alone.status).toBe(1);
  expect(alone.stderr).toMatch(/^build:cuda: nvcc must be on PATH, .*install the CUDA toolkit/);
  expect(optional.status).toBe(0);
  expect(optional.stdout).toMatch(/^build:cuda: no nvcc is found, .*install the CUDA toolkit/);
});
