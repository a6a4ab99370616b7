/** Products in halves: `gemm` and `conv` rows for float32 activations and float16 weights, and the packing of these. */
import { describe, expect, it } from 'vitest';
import { edgeCases, type GemmCase } from '../../bench/cases/gemm.js';
import { isGpuRow, type KernelRow } from '../../lib/compile/catalogue.js';
import { narrowPackParams, narrowTypes, packedNumbers } from '../../lib/kernels/narrow.js';
import { probeFmaParams } from '../../lib/kernels/probe.js';
import { native } from '../../lib/runtime/native.js';
import { expectWithin, gemmReferences, type Operands, operandsOf } from './gemm-reference.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';
import { narrowGemm } from './narrow-calls.js';
import { convolvesLikeAll, exactEpilogue, multipliesLikeAll, nearestMultiple, refusesPacking, same } from './narrow-tests.js';

const type = narrowTypes.f16;

/** The nearest half, ties to even, as a number. */
function half(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x)) + 2 ** -40), -14) - 10);
  const size = Math.abs(nearestMultiple(x, unit));
  return Math.sign(x) * (size > 65504 ? Infinity : size);
}

/** A number's bits, of a half that it is. */
function halfBits(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size === Infinity) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const e = Math.floor(Math.log2(size) + 2 ** -40);
  return sign | ((e + 15) << 10) | ((size / 2 ** e - 1) * 1024);
}

/** 2^e with the largest magnitude in [2^(e-1), 2^e). */
const scaleOf = (column: readonly number[]) => {
  const largest = column.reduce((p, x) => Math.max(p, Math.abs(x)), 0);
  let scale = 1;
  if (largest === 0) return scale;
  while (scale <= largest) scale *= 2;
  while (scale / 2 > largest) scale /= 2;
  return scale;
};
const roundedColumn = (column: readonly number[]) => {
  const scale = scaleOf(column);
  return column.map((x) => half(x / scale) * scale);
};

/** Rounds columns where column j of matrix i has its element k at at(i, j, k). */
function roundedColumns(list: Float32Array, count: number, n: number, k: number, at: (i: number, j: number, k: number) => number): Float32Array {
  const y = new Float32Array(list.length);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < n; j++) {
      const column = Array.from({ length: k }, (_, l) => list[at(i, j, l)] as number);
      roundedColumn(column).forEach((x, l) => {
        y[at(i, j, l)] = x;
      });
    }
  }
  return y;
}

const roundedWeights = (c: GemmCase, b: Float32Array) =>
  roundedColumns(b, c.k * c.n === 0 ? 0 : b.length / (c.k * c.n), c.n, c.k, (i, j, k) => i * c.n * c.k + (c.transB ? j * c.k + k : k * c.n + j));

/**
 * With rounded operands: each product passes at most 32 + 3 roundings to halves (product.inl), (1 + 2^-11)^35 - 1 < 35.5·2^-11
 * of Σ|a||w| together, and each of K operations may be off by 2^-25 of the column's scale (weights here are below 1) where
 * it is denormal; then K/128 additions of floats, and scale, bias and residual. Activations have slopes up to 1.2 and 4 ulp of
 * their own.
 */
function bound(k: number, magnitude: number, y: number, scale: number, activated: boolean): number {
  const sums = (35.5 * 2 ** -11 + (k / 128 + 9) * 2 ** -24) * magnitude + 1.02 * k * 2 ** -25 * scale;
  return 1.2 * sums + (activated ? 8 * 2 ** -24 * (Math.abs(y) + 1) : 0);
}

/** Rows for GPUs sum in float32, where a product is exact and a sum of them loses at most 2^-23 of its terms an addition. */
const sumsFloats = isGpuRow;
const boundOf =
  (row: KernelRow): typeof bound =>
  (k, magnitude, y, scale, activated) =>
    sumsFloats(row) ? 1.2 * (k + 9) * 2 ** -23 * magnitude + (activated ? 8 * 2 ** -24 * (Math.abs(y) + 1) : 0) : bound(k, magnitude, y, scale, activated);

describe('half_pack', () => {
  const pack = (row: { nr: number; kr: number }, b: Float32Array, n: number, outer: number, inner: number, threads = 1) => {
    const packed = new Uint16Array(packedNumbers(type, outer * inner, n, row.nr, row.kr)).fill(0xabcd);
    const params = { count: 1, stride: 0, n, strideN: outer * inner, outer, strideOuter: 1, inner, strideInner: outer, ...row };
    callKernel(rowNamed('half_pack_scalar'), narrowPackParams, params, [packed], [b], { threads });
    return packed;
  };
  /** Scale and halves of one column. */
  const column = (...b: number[]) => {
    const packed = pack({ nr: 1, kr: 2 }, Float32Array.from(b), 1, 1, b.length);
    return { scale: new Float32Array(packed.buffer, 0, 1)[0], halves: [...packed.subarray(2, 2 + b.length)] };
  };

  it('brings the largest magnitude of a column into [1/2, 1), exactly, and rounds to nearest even', () => {
    const values = [0.75, 0, -0, 0.5, 2 ** -14, 2 ** -24, 2 ** -25, 3 * 2 ** -25, -(2 ** -26), 0.1, -0.3, 0.5 + 2 ** -12, 0.5 + 3 * 2 ** -12];
    expect(column(...values)).toEqual({ scale: 1, halves: values.map((x) => halfBits(half(Math.fround(x)))) });
    for (const scale of [2 ** -20, 2 ** 20, 2 ** 100]) {
      expect(column(...values.map((x) => x * scale))).toEqual({ scale, halves: values.map((x) => halfBits(half(Math.fround(x)))) });
    }
    expect(column(1, -0.5)).toEqual({ scale: 2, halves: [0x3800, 0xb400] });
    expect(column(0, -0)).toEqual({ scale: 1, halves: [0, 0x8000] });
  });

  it('stays in range at both ends of float32, keeps infinities and NaN', () => {
    expect(column(2 ** -149, 2 ** -127)).toEqual({ scale: 2 ** -126, halves: [halfBits(2 ** -23), halfBits(0.5)] });
    expect(column(3.4e38, 1)).toEqual({ scale: 2 ** 127, halves: [halfBits(half(Math.fround(3.4e38) / 2 ** 127)), 0] });
    expect(column(Infinity, -Infinity, 1)).toEqual({ scale: 1, halves: [0x7c00, 0xfc00, 0x3c00] });
    const { scale, halves } = column(Number.NaN, 2);
    expect(scale).toBe(1);
    expect((halves[0] as number) & 0x7fff).toBeGreaterThan(0x7c00);
  });

  it.each([
    [16, 8, 9, 3, 5],
    [16, 8, 70, 9, 17],
    [16, 8, 33, 1, 31],
    [4, 2, 5, 2, 130],
  ])('lays panels of %i columns and groups of %i k out behind their scales: n %i, k %ix%i', (nr, kr, n, outer, inner) => {
    const k = outer * inner;
    const b = randomFloats(n * k, 7).map((x, i) => x * 4 ** ((Math.floor(i / k) % 5) - 2));
    const packed = pack({ nr, kr }, b, n, outer, inner);
    const floats = new Float32Array(packed.buffer);
    const kPadded = Math.ceil(k / kr) * kr;
    for (let j = 0; j < Math.ceil(n / nr) * nr; j++) {
      const panel = Math.floor(j / nr) * nr * (kPadded + 2);
      const values = j < n ? Array.from({ length: k }, (_, i) => b[(j * inner + (i % inner)) * outer + Math.floor(i / inner)] as number) : [];
      const scale = scaleOf(values);
      if (j < n) expect(floats[panel / 2 + (j % nr)]).toBe(scale);
      for (let i = 0; i < kPadded; i++) {
        const got = packed[panel + 2 * nr + i * nr + (j % nr)];
        const want = i < k && j < n ? halfBits(half((values[i] as number) / scale)) : 0;
        if (got !== want) expect.fail(`column ${j}, k ${i}: ${got}, expected ${want}`);
      }
    }
    for (const threads of [2, 3]) expect(pack({ nr, kr }, b, n, outer, inner, threads)).toEqual(packed);
  });

  refusesPacking(type);
  it('refuses panels wider than its own', () => {
    const params = { count: 0, stride: 0, n: 4, strideN: 3, outer: 1, strideOuter: 0, inner: 3, strideInner: 1, nr: 128, kr: 2 };
    expect(() => callKernel(rowNamed('half_pack_scalar'), narrowPackParams, params, [new Uint16Array(48)], [new Float32Array(24)])).toThrow(/nr/);
  });
});

/** Beyond those of float32: ends of chains (32) and of sums of chains (128), of tiles of 8 rows and of panels. */
const cases: readonly GemmCase[] = [
  ...edgeCases,
  ...[2, 4, 5, 7, 8, 9, 15, 16, 17, 49].map((m) => ({ name: `tiles, m ${m}`, m, n: 50, k: 33, bias: 'column' as const })),
  ...[8, 9, 16, 17, 24, 31, 32, 33].map((n) => ({ name: `panels, n ${n}`, m: 6, n, k: 20, residual: true })),
  ...[7, 8, 9, 31, 32, 33, 39, 40, 41, 64, 65, 96, 97, 127, 128, 129, 136, 160, 255, 257].map((k) => ({ name: `chains, k ${k}`, m: 9, n: 20, k })),
  { name: 'long k', m: 19, n: 37, k: 2049, bias: 'column', residual: true },
  { name: 'rows in pieces', m: 300, n: 40, k: 1030, bias: 'row', activation: 'relu' },
  { name: 'long k, a transposed', m: 40, n: 9, k: 1500, transA: true },
];

const gemm = (row: KernelRow, c: GemmCase, o: Operands, threads = 1) => narrowGemm(type, row, c, o, threads);

const gemmRows = rowsOf('gemm', type.dtypes);
const definition = rowNamed('gemm_f16_scalar');

const referencesOf = (row: KernelRow) =>
  gemmReferences(
    (c, magnitude, _, y) => boundOf(row)(c.k, magnitude, y, Math.max(1, Math.abs(c.scale ?? 1)), c.activation !== undefined),
    (o, c) => ({ ...o, a: o.a.map(half), b: roundedWeights(c, o.b) }),
  );

describe.each(gemmRows)('$name', (row) => {
  const references = referencesOf(row);
  it.each(cases)('$name', (c) => {
    const o = operandsOf(c);
    const one = gemm(row, c, o);
    expectWithin(one, references(c, o));
    for (const threads of [2, 3]) expect(same(gemm(row, c, o, threads), one)).toBe(true);
    if (row !== definition && !sumsFloats(row) && exactEpilogue(c)) expect(same(one, gemm(definition, c, o)), 'as the definition').toBe(true);
  });

  it.skipIf(sumsFloats(row))('sums chains of 32 in halves, four of them in halves, and those in floats', () => {
    const c: GemmCase = { name: '', m: 3, n: 18, k: 300 };
    const o = operandsOf(c);
    for (let k = 0; k < c.k; k++) o.b[k * c.n + 3] = (o.b[k * c.n + 3] as number) * 2 ** -30;
    for (let k = 0; k < c.k; k++) o.a[k] = (o.a[k] as number) * 2 ** -18; // denormal products
    const y = gemm(row, c, o);
    for (let m = 0; m < c.m; m++) {
      for (let n = 0; n < c.n; n++) {
        const scale = scaleOf(Array.from({ length: c.k }, (_, k) => o.b[k * c.n + n] as number));
        let sum = 0;
        for (let k0 = 0; k0 < c.k; k0 += 128) {
          let chains = 0;
          for (let k1 = k0; k1 < Math.min(k0 + 128, c.k); k1 += 32) {
            let chain = 0;
            for (let k = k1; k < Math.min(k1 + 32, c.k); k++) {
              chain = half(half(o.a[m * c.k + k] as number) * half((o.b[k * c.n + n] as number) / scale) + chain);
            }
            chains = half(chains + chain);
          }
          sum = Math.fround(sum + chains * scale);
        }
        expect(y[m * c.n + n], `row ${m}, column ${n}`).toBe(sum);
      }
    }
  });

  it('is exact where sums of 128 stay small integers, also of weights far from 1', () => {
    const c: GemmCase = { name: '', m: 5, n: 20, k: 500 };
    const o = operandsOf(c);
    const a = o.a.map((x) => Math.round(x * 3));
    for (const scale of [1, 2 ** -40, 2 ** 60]) {
      const b = o.b.map((x) => Math.round(x * 2) * scale);
      const y = gemm(row, c, { ...o, a, b });
      for (let m = 0; m < c.m; m++) {
        for (let n = 0; n < c.n; n++) {
          let sum = 0;
          for (let k = 0; k < c.k; k++) sum += (a[m * c.k + k] as number) * (b[k * c.n + n] as number);
          expect(y[m * c.n + n]).toBe(sum);
        }
      }
    }
  });

  it('does not overflow while all of a is at most 500, whatever the weights are', () => {
    const c: GemmCase = { name: '', m: 2, n: 2, k: 1000 };
    const o: Operands = { a: new Float32Array(2000).fill(500), b: new Float32Array(2000).fill(1e6), bias: undefined, residual: undefined };
    for (const y of gemm(row, c, o)) expect(Math.abs(y / 5e11 - 1)).toBeLessThan(35.5 * 2 ** -11 + 2 ** -10);
    o.a.fill(65504);
    // 1e6 is 2^20 times a half; in float32 nothing overflows.
    const most = sumsFloats(row) ? 65504 * 1000 * 2 ** 20 * half(1e6 / 2 ** 20) : Infinity;
    for (const y of gemm(row, c, o)) expect(most === Infinity ? y === Infinity : Math.abs(y / most - 1) < 1009 * 2 ** -23).toBe(true);
  });

  it('takes activations below 2^-25 as zeros and those above 65519 as infinite', () => {
    const c: GemmCase = { name: '', m: 6, n: 1, k: 1 };
    // A sum in halves of 2^-25 is zero, one in float32 is not.
    const least = sumsFloats(row) ? 2 ** -24 : 0;
    const a = Float32Array.of(2 ** -24, 2 ** -25, -(2 ** -26), 65504, 65519, -65520);
    expect([...gemm(row, c, { a, b: Float32Array.of(0.5), bias: undefined, residual: undefined })]).toEqual([least / 2, 0, 0, 32752, 32752, -Infinity]);
    expect([...gemm(row, c, { a, b: Float32Array.of(2 ** 13), bias: undefined, residual: undefined })]).toEqual([
      least * 2 ** 13,
      0,
      0,
      65504 * 2 ** 13,
      65504 * 2 ** 13,
      -Infinity,
    ]);
  });

  multipliesLikeAll(type, row);
});

describe.each(rowsOf('conv', type.dtypes))('$name', (row) => {
  convolvesLikeAll(type, row, {
    rounded: (c, x, w, depth) => [x.map(half), roundedColumns(w, 1, c.outChannels, depth, (_, j, k) => j * depth + k)],
    bound: (depth, magnitude, y, activated) => boundOf(row)(depth, magnitude, y, 1, activated),
    ...(sumsFloats(row) ? {} : { definition: rowNamed('conv_f16_scalar') }),
  });
});

it('rows that this processor lacks are named', () => {
  const { isa } = native().cpu();
  const rows = native()
    .catalogue()
    .kernels.filter((k) => k.dtypes === type.dtypes);
  expect(rows.map((k) => k.name)).toEqual(expect.arrayContaining(['gemm_f16_scalar', 'conv_f16_scalar']));
  for (const row of rows) {
    if (!row.usable) console.log(`${row.name}: needs ${row.isa}, this process uses ${isa}`);
    expect(row.slow === true).toBe(row.isa === 'scalar');
  }
});

it.skipIf(rowsOf('probe_fma', type.dtypes).length === 0)('the probe of halves runs on every tile', () => {
  const y = new Float32Array(32);
  callKernel(rowsOf('probe_fma', type.dtypes)[0] as KernelRow, probeFmaParams, { iterations: 5, tiles: 2 }, [y], []);
  expect([...y.subarray(0, 4), ...y.subarray(16, 20)].every((v) => v > 0)).toBe(true);
});
