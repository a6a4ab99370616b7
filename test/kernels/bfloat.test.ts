/** Products in bfloats: `gemm` and `conv` rows for float32 activations and bfloat16 weights, and the packing of these. */
import { describe, expect, it } from 'vitest';
import { edgeCases, type GemmCase } from '../../bench/cases/gemm.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { narrowPackParams, narrowTypes, packedNumbers } from '../../lib/kernels/narrow.js';
import { probeFmaParams } from '../../lib/kernels/probe.js';
import { native } from '../../lib/runtime/native.js';
import { expectWithin, gemmReferences, type Operands, operandsOf } from './gemm-reference.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';
import { narrowGemm } from './narrow-calls.js';
import { convolvesLikeAll, exactEpilogue, multipliesLikeAll, nearestMultiple, refusesPacking, same } from './narrow-tests.js';

const type = narrowTypes.bf16;
const words = new Uint32Array(1);
const asFloat = new Float32Array(words.buffer);

/** The nearest bfloat, ties to even, as a number; what is no normal float becomes a zero. */
function rounded(x: number): number {
  if (!Number.isFinite(x)) return x;
  if (Math.abs(x) < 2 ** -126) return Math.sign(x) * 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7);
  const y = nearestMultiple(x, unit);
  return Math.abs(y) > 3.39e38 ? Math.sign(y) * Infinity : y;
}

const bits = (x: number): number => {
  asFloat[0] = x;
  return words[0] as number;
};

const roundedAll = (list: Float32Array): Float32Array => list.map(rounded);

/** Rows that this machine cannot run are named as skipped, with the reason. */
function skipOthers(op: string): void {
  const { isa } = native().cpu();
  for (const row of native().catalogue().kernels) {
    if (row.op === op && row.dtypes === type.dtypes && !row.usable) it.skip(`${row.name}: needs ${row.isa}, this process uses ${isa}`, () => {});
  }
}

/**
 * A row's sum of K products of bfloats: each product is exact, each of at most K+40 additions (zeros of the padding to 32
 * counted) rounds by 2^-24 of a partial sum that Σ|a||b| bounds, or flushes less than 2^-126; scale, bias and residual are
 * four more roundings, activations have slopes up to 1.2 and 4 ulp of their own.
 */
function bound(k: number, magnitude: number, y: number, activated: boolean): number {
  return 1.2 * ((k + 44) * 2 ** -24 * magnitude + 2 * (k + 40) * 2 ** -126) + (activated ? 8 * 2 ** -24 * (Math.abs(y) + 1) : 0);
}

describe('bfloat_pack', () => {
  const pack = (row: { nr: number; kr: number }, b: Float32Array, n: number, outer: number, inner: number, threads = 1) => {
    const packed = new Uint16Array(packedNumbers(type, outer * inner, n, row.nr, row.kr)).fill(0xabcd);
    const params = { count: 1, stride: 0, n, strideN: outer * inner, outer, strideOuter: 1, inner, strideInner: outer, ...row };
    callKernel(rowNamed('bfloat_pack_scalar'), narrowPackParams, params, [packed], [b], { threads });
    return packed;
  };

  it('rounds to nearest even, flushes denormals, keeps infinities and NaN', () => {
    const values = [0, -0, 1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1 - 2 ** -8, 3.4e38, -3.4e38, 3.38e38, Infinity, -Infinity];
    values.push(2 ** -126, -(2 ** -126), 2 ** -126 - 2 ** -149, -(2 ** -130), 2 ** -149, 1e-30, Math.PI, 65504, 255.5, 256.5);
    const b = Float32Array.from(values);
    const packed = pack({ nr: 1, kr: 2 }, b, 1, 1, b.length);
    expect([...packed.subarray(0, b.length)]).toEqual([...b].map((x) => bits(rounded(x)) >>> 16));
    words[0] = 0x7f800001; // a NaN whose payload the upper half does not have
    const nan = pack({ nr: 1, kr: 2 }, asFloat.slice(), 1, 1, 1)[0] as number;
    expect(nan & 0x7fff).toBeGreaterThan(0x7f80);
  });

  it.each([
    [4, 2, 9, 3, 5],
    [32, 2, 70, 9, 17],
    [32, 32, 33, 1, 31],
    [32, 32, 64, 9, 64],
    [32, 2, 5, 2, 130],
  ])('lays panels of %i columns and groups of %i k out as pairs: n %i, k %ix%i', (nr, kr, n, outer, inner) => {
    const k = outer * inner;
    const b = randomFloats(n * k, 7);
    const packed = pack({ nr, kr }, b, n, outer, inner);
    const kPadded = Math.ceil(k / kr) * kr;
    for (let j = 0; j < Math.ceil(n / nr) * nr; j++) {
      for (let i = 0; i < kPadded; i++) {
        const at = Math.floor(j / nr) * nr * kPadded + (Math.floor(i / 2) * nr + (j % nr)) * 2 + (i % 2);
        const source = (j * inner + (i % inner)) * outer + Math.floor(i / inner);
        const want = j < n && i < k ? bits(rounded(b[source] as number)) >>> 16 : 0;
        if (packed[at] !== want) expect.fail(`column ${j}, k ${i}: ${packed[at]}, expected ${want}`);
      }
    }
    for (const threads of [2, 3]) expect(pack({ nr, kr }, b, n, outer, inner, threads)).toEqual(packed);
  });

  refusesPacking(type);
});

/** Beyond those of float32: the edges of 32x32 blocks of tiles, of blocks of k (1024), odd k there. */
const cases: readonly GemmCase[] = [
  ...edgeCases,
  ...[16, 17, 31, 32, 33, 48, 63, 65, 100].map((m) => ({ name: `tiles, m ${m}`, m, n: 50, k: 33, bias: 'column' as const })),
  ...[30, 31, 33, 34, 62, 63, 64, 65, 66].map((k) => ({ name: `tiles, k ${k}`, m: 18, n: 20, k })),
  ...[1023, 1024, 1025, 2047, 2049].map((k) => ({ name: `blocks of k, ${k}`, m: 19, n: 37, k, bias: 'column' as const, residual: true })),
  { name: 'blocks of k, rows in pieces', m: 300, n: 40, k: 1030, bias: 'row', activation: 'relu' },
  { name: 'blocks of k and of n', m: 20, n: 290, k: 1030 },
  { name: 'long k, a transposed', m: 40, n: 9, k: 1500, transA: true },
];

const gemm = (row: KernelRow, c: GemmCase, o: Operands, threads = 1) => narrowGemm(type, row, c, o, threads);

/** The definition in double over rounded operands, and how far a row may be from it. */
const reference = gemmReferences(
  (c, magnitude, _, y) => bound(c.k, magnitude, y, c.activation !== undefined),
  (o) => ({ ...o, a: roundedAll(o.a), b: roundedAll(o.b) }),
);

const gemmRows = rowsOf('gemm', type.dtypes);
const definition = gemmRows.at(-1) as KernelRow;

describe.each(gemmRows)('$name', (row) => {
  it.each(cases)('$name', (c) => {
    const o = operandsOf(c);
    const one = gemm(row, c, o);
    expectWithin(one, reference(c, o));
    for (const threads of [2, 3]) expect(same(gemm(row, c, o, threads), one)).toBe(true);
  });

  it('takes denormal operands as zeros, rounds finite ones beyond the last bfloat to infinity', () => {
    const c: GemmCase = { name: '', m: 3, n: 1, k: 1 };
    const o: Operands = { a: Float32Array.of(2 ** -127, -(2 ** -126), 3.4e38), b: Float32Array.of(2 ** 100), bias: undefined, residual: undefined };
    expect([...gemm(row, c, o)]).toEqual([0, -(2 ** -26), Infinity]);
    // 2^-63·2^-63 is the smallest product that stays
    const small: Operands = { a: Float32Array.of(2 ** -63, 2 ** -64, 1), b: Float32Array.of(2 ** -63), bias: undefined, residual: undefined };
    const [kept, , last] = gemm(row, c, small);
    expect([kept, last]).toEqual([2 ** -126, 2 ** -63]);
  });

  multipliesLikeAll(type, row);
});

describe('rows agree to the bit', () => {
  skipOthers('gemm');
  skipOthers('conv');
  const exact = cases.filter(exactEpilogue);
  const pairs = [
    ['gemm_bf16_avx512bf16', definition.name],
    ['gemm_bf16_amx', 'gemm_bf16_tiles'],
  ] as const;
  for (const [fast, slow] of pairs) {
    const row = gemmRows.find((r) => r.name === fast);
    it.skipIf(row === undefined)(`${fast} and ${slow}`, () => {
      for (const c of exact) {
        const o = operandsOf(c);
        if (!same(gemm(row as KernelRow, c, o), gemm(rowNamed(slow), c, o))) expect.fail(c.name);
      }
    });
  }
});

describe.each(rowsOf('conv', type.dtypes))('$name', (row) => {
  convolvesLikeAll(type, row, { rounded: (_, x, w) => [roundedAll(x), roundedAll(w)], bound });
});

it.skipIf(rowsOf('probe_fma', type.dtypes).length === 0)('the probe of pairs runs on every tile', () => {
  const y = new Float32Array(32);
  callKernel(rowsOf('probe_fma', type.dtypes)[0] as KernelRow, probeFmaParams, { iterations: 5, tiles: 2 }, [y], []);
  expect(y.every((v) => v > 0)).toBe(true);
});
