/** Products in bfloats: `gemm` and `conv` rows for float32 activations and bfloat16 weights, and the packing of these. */
import { describe, expect, it } from 'vitest';
import { type ConvCase, testCases as convCases, convParamsOf, outputSize } from '../../bench/cases/conv.js';
import { edgeCases, type GemmCase, gemmCaseParams } from '../../bench/cases/gemm.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convParams } from '../../lib/kernels/conv.js';
import { gemmParams } from '../../lib/kernels/gemm.js';
import { narrowPackParams, narrowTypes, packedNumbers } from '../../lib/kernels/narrow.js';
import { probeFmaParams } from '../../lib/kernels/probe.js';
import { native } from '../../lib/runtime/native.js';
import { convReference } from './conv-reference.js';
import { expectWithin, gemmReferences, type Operands, operandsOf } from './gemm-reference.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';
import { narrowConv, narrowGemm } from './narrow-calls.js';

const type = narrowTypes.bf16;
const words = new Uint32Array(1);
const asFloat = new Float32Array(words.buffer);

/** The nearest bfloat, ties to even, as a number; what is no normal float becomes a zero. Not the kernel's arithmetic: by comparing neighbours. */
function rounded(x: number): number {
  if (!Number.isFinite(x)) return x;
  if (Math.abs(x) < 2 ** -126) return Math.sign(x) * 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7);
  const exact = x / unit;
  const low = Math.floor(exact);
  const up = exact - low > 0.5 || (exact - low === 0.5 && low % 2 !== 0) ? low + 1 : low;
  const y = up * unit;
  return Math.abs(y) > 3.39e38 ? Math.sign(y) * Infinity : y;
}

const bits = (x: number): number => {
  asFloat[0] = x;
  return words[0] as number;
};

const roundedAll = (list: Float32Array): Float32Array => list.map(rounded);
const same = (a: Float32Array, b: Float32Array) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

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

  it('refuses parameters that reach outside its operands', () => {
    const good = { count: 2, stride: 12, n: 4, strideN: 3, outer: 1, strideOuter: 0, inner: 3, strideInner: 1, nr: 4, kr: 2 };
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(rowNamed('bfloat_pack_scalar'), narrowPackParams, { ...good, ...changed }, [new Uint16Array(32)], [new Float32Array(24)]);
    expect(call({})).not.toThrow();
    expect(call({ count: 3 })).toThrow(/output must hold/);
    expect(call({ stride: 13 })).toThrow(/b must hold/);
    expect(call({ strideInner: 2 })).toThrow(/b must hold/);
    expect(call({ n: -1 })).toThrow(/dimensions/);
    expect(call({ strideN: -1 })).toThrow(/strides/);
    expect(call({ kr: 3 })).toThrow(/kr/);
    expect(call({ nr: 0 })).toThrow(/nr/);
    expect(call({ outer: 2 ** 39, inner: 2 ** 39 })).toThrow(/k must be/);
  });
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

  it('does not depend on the number of threads where tiles are many', () => {
    for (const c of [
      { name: 'tall', m: 700, n: 90, k: 300 },
      { name: 'wide', m: 5, n: 2500, k: 300 },
      { name: 'batch', m: 60, n: 60, k: 61, batch: [7] },
    ]) {
      const o = operandsOf(c);
      const one = gemm(row, c, o);
      for (const threads of [2, 3, 4]) expect(same(gemm(row, c, o, threads), one)).toBe(true);
    }
  });

  it('passes NaN and infinities through sums and clamps, and only to the elements that read them', () => {
    const c: GemmCase = { name: '', m: 2, n: 3, k: 3, activation: 'relu' };
    const o: Operands = {
      a: Float32Array.of(Number.NaN, 1, 0, 1, 1, 0),
      b: Float32Array.of(1, Infinity, -Infinity, 1, 1, -1, 0, 0, 0),
      bias: undefined,
      residual: undefined,
    };
    expect([...gemm(row, c, o)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 2, Infinity, 0]);
    expect([...gemm(row, { ...c, activation: 'clip', alpha: -1, beta: 1 }, o)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 1, 1, -1]);
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

  it('refuses parameters that reach outside its operands', () => {
    const c: GemmCase = { name: '', m: 4, n: 5, k: 3, bias: 'column', residual: true };
    const o = operandsOf(c);
    const good = gemmCaseParams(c, row.nr, 0);
    const packed = new Uint16Array(packedNumbers(type, 3, 5, row.nr, row.kr));
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, gemmParams, { ...good, ...changed }, [new Float32Array(20)], [o.a, packed, o.bias, o.residual]);
    expect(call({})).not.toThrow();
    for (const field of ['m', 'n', 'k'] as const) {
      expect(call({ [field]: -1 })).toThrow(/must not be negative/);
      expect(call({ [field]: good[field] + 33 })).toThrow(/must hold/);
      expect(call({ [field]: 2 ** 52 })).toThrow(/kernel/);
    }
    expect(call({ batch: [1, 1, 1, 2] })).toThrow(/must hold/);
    expect(call({ strideB: [0, 0, 0, 1], batch: [1, 1, 1, 2], strideA: [0, 0, 0, 0], strideC: [0, 0, 0, 0] })).toThrow(/must hold/);
    expect(call({ lda: 4 })).toThrow(/a must hold/);
    expect(call({ ldc: 6 })).toThrow(/output must hold/);
    expect(call({ transA: 2 })).toThrow(/flags/);
    expect(call({ activation: 99 })).toThrow(/activation/);
  });
});

describe('rows agree to the bit', () => {
  skipOthers('gemm');
  skipOthers('conv');
  // Where the epilogue is exact arithmetic: other activations are computed differently by each ISA.
  const exact = cases.filter((c) => c.activation === undefined || c.activation === 'relu' || c.activation === 'clip');
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

const forward = convCases.filter((c) => !c.transposed);

describe.each(rowsOf('conv', type.dtypes))('$name', (row) => {
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  const conv = (c: ConvCase, x: Float32Array, w: Float32Array, bias: Float32Array | undefined, residual: Float32Array | undefined, threads: number) =>
    narrowConv(type, row, c, [x, w, bias, residual], threads);

  it.each(forward)('$name', (c) => {
    const x = randomFloats(c.batch * product(c.size) * c.channels, 1);
    const w = randomFloats((c.channels * c.outChannels * product(c.kernel)) / (c.group ?? 1), 2);
    const bias = c.bias ? randomFloats(c.outChannels, 3) : undefined;
    const residual = c.residual ? randomFloats(c.batch * product(outputSize(c)) * c.outChannels, 4) : undefined;
    const want = convReference(c, roundedAll(x), roundedAll(w), bias, residual);
    const { ldc } = convParamsOf(c);
    const depth = (product(c.kernel) * c.channels) / (c.group ?? 1);
    const one = conv(c, x, w, bias, residual, 1);
    for (let i = 0; i < one.length; i++) {
      const m = i % ldc;
      if (m >= c.outChannels) {
        if (one[i] !== 0) expect.fail(`wrote ${one[i]} between pixels at ${i}`);
        continue;
      }
      const at = Math.floor(i / ldc) * c.outChannels + m;
      const error = Math.abs((one[i] as number) - (want.y[at] as number));
      const most = bound(depth, want.magnitude[at] as number, want.y[at] as number, c.activation !== undefined);
      if (!(error <= most)) expect.fail(`element ${i}: ${one[i]}, expected ${want.y[at]} within ${most}`);
    }
    for (const threads of [2, 3]) expect(same(conv(c, x, w, bias, residual, threads), one)).toBe(true);
  });

  it('refuses parameters that reach outside its operands', () => {
    const c = forward.find((f) => f.name.includes('asymmetric')) as ConvCase;
    const params = convParamsOf(c);
    const n = packedNumbers(type, 9 * c.channels, c.outChannels, row.nr, row.kr);
    const x = new Float32Array(product(c.size) * c.channels);
    const y = new Float32Array(product(outputSize(c)) * c.outChannels);
    const call =
      (changed: Partial<typeof params>, weights = n) =>
      () =>
        callKernel(row, convParams, { ...params, ...changed }, [y], [x, new Uint16Array(weights), new Float32Array(c.outChannels), undefined]);
    expect(call({})).not.toThrow();
    expect(call({}, n - 1)).toThrow(/packed/);
    expect(call({ kernel: [1, 4, 3] })).toThrow(/packed/);
    expect(call({ batch: 2 })).toThrow(/must hold/);
    expect(call({ group: 5 })).toThrow(/group/);
  });
});

it.skipIf(rowsOf('probe_fma', type.dtypes).length === 0)('the probe of pairs runs on every tile', () => {
  const y = new Float32Array(32);
  callKernel(rowsOf('probe_fma', type.dtypes)[0] as KernelRow, probeFmaParams, { iterations: 5, tiles: 2 }, [y], []);
  expect(y.every((v) => v > 0)).toBe(true);
});
