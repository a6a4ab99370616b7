/** Products and convolutions of bytes: every row against the definition written out here, bit for bit. */
import { describe, expect, it } from 'vitest';
import { outputSize } from '../../bench/cases/conv.js';
import {
  convCaseParams,
  convCases,
  endingOperands,
  gemmCaseParams,
  gemmCases,
  type IntegerConvCase,
  type IntegerGemmCase,
  integers,
  resultOf,
  signed,
  stripCases,
  unsigned,
} from '../../bench/cases/integer.js';
import { isGpuRow, type KernelRow } from '../../lib/compile/catalogue.js';
import type { TypedArray } from '../../lib/dtype.js';
import {
  activationOffset,
  BYTE_WEIGHTS,
  integerConvolutionParams,
  integerGemmParams,
  integerPackParams,
  packedBytes,
  packedHead,
  packedWidth,
  paddedRows,
} from '../../lib/kernels/integer.js';
import { probeFmaParams } from '../../lib/kernels/probe.js';
import { native } from '../../lib/runtime/native.js';
import { callKernel, rowNamed, rowsOf } from './harness.js';
import { type ConvOperands, convOperands, convReference, type Ending, ended, expectSame, same, total, weights } from './integer-reference.js';

interface Packed {
  readonly panels: Uint8Array;
  readonly bias: Int32Array;
}

/** Packs count matrices [n, k] of which k is (outer, inner) with the outer index fast: the layout of filters. */
function pack(
  row: { nr: number; kr: number; isa: string },
  b: Int8Array,
  count: number,
  n: number,
  outer: number,
  inner: number,
  bias: Int32Array,
  zero = 0,
  threads = 1,
  rowTaps = 0,
): Packed {
  const k = outer * inner;
  const bytes = packedBytes(paddedRows(outer, inner, rowTaps, row.kr), n, row.nr, row.kr);
  const packed = { panels: new Uint8Array(count * bytes).fill(0xab), bias: new Int32Array(count * n) };
  const params = {
    count,
    stride: n * k,
    n,
    strideN: k,
    outer,
    strideOuter: 1,
    inner,
    strideInner: outer,
    nr: row.nr,
    kr: row.kr,
    zero: zero - activationOffset(row.isa),
    flip: 0,
    rowTaps,
    reserved: 0,
  };
  callKernel(rowNamed('integer_pack_scalar'), integerPackParams, params, [packed.panels, packed.bias], [b, bias], { threads });
  return packed;
}

describe('integer_pack', () => {
  it.each([
    [4, 4, 9, 3, 5],
    [32, 4, 70, 9, 17],
    [16, 2, 33, 1, 31],
    [16, 2, 5, 9, 7],
    [32, 64, 64, 9, 64],
    [32, 64, 33, 1, 31],
    [32, 4, 5, 2, 130],
    [8, 8, 21, 3, 9],
    [4, 16, 33, 9, 24],
  ])('lays panels of %i columns and groups of %i k out: n %i, k %ix%i', (nr, kr, n, outer, inner) => {
    const k = outer * inner;
    const b = signed(2 * n * k, 7);
    const bias = integers(2 * n, 8, 1e9);
    const packed = pack({ nr, kr, isa: 'scalar' }, b, 2, n, outer, inner, bias, 200);
    const [kPadded, width] = [Math.ceil(k / kr) * kr, packedWidth(kr)];
    const numbers = width === 2 ? new Int16Array(packed.panels.buffer) : new Int8Array(packed.panels.buffer);
    const per = kr === 8 || kr === 16 ? kr : 4 / width;
    const columns = Math.ceil(n / nr) * nr;
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let at = 0; at < kPadded; at++) {
          const want = j < n && at < k ? (b[i * n * k + (j * inner + (at % inner)) * outer + Math.floor(at / inner)] as number) : 0;
          const panel = (i * columns) / nr + Math.floor(j / nr);
          const got = numbers[panel * (nr * kPadded + packedHead(kr)) + packedHead(kr) + (Math.floor(at / per) * nr + (j % nr)) * per + (at % per)];
          if (got !== want) expect.fail(`matrix ${i}, column ${j}, k ${at}: ${got}, expected ${want}`);
          sum += want;
        }
        if (j < n) expect(packed.bias[i * n + j]).toBe(((bias[i * n + j] as number) - 200 * sum) | 0);
      }
    }
    if (packedHead(kr) > 0) {
      for (let panel = 0; panel < (2 * columns) / nr; panel++) {
        const [i, first] = [Math.floor((panel * nr) / columns), (panel * nr) % columns];
        const own = b.subarray((i * n + first) * k, (i * n + Math.min(first + nr, n)) * k);
        const head = numbers.subarray(panel * (nr * kPadded + packedHead(kr)), panel * (nr * kPadded + packedHead(kr)) + packedHead(kr));
        expect([...head]).toEqual([own.includes(-128) ? 1 : 0, ...Array<number>(packedHead(kr) - 1).fill(0)]);
      }
    }
    for (const threads of [2, 3]) expect(pack({ nr, kr, isa: 'scalar' }, b, 2, n, outer, inner, bias, 200, threads)).toEqual(packed);
  });

  it('turns bits over, takes no bias, wraps', () => {
    const params = {
      count: 1,
      stride: 0,
      n: 2,
      strideN: 1,
      outer: 1,
      strideOuter: 0,
      inner: 1,
      strideInner: 2,
      nr: 2,
      kr: 4,
      zero: -255,
      flip: 0x80,
      rowTaps: 0,
      reserved: 0,
    };
    const [panels, bias] = [new Int8Array(8), new Int32Array(2)];
    callKernel(rowNamed('integer_pack_scalar'), integerPackParams, params, [panels, bias], [Uint8Array.of(255, 0), undefined]);
    expect([...panels]).toEqual([127, 0, 0, 0, -128, 0, 0, 0]);
    expect([...bias]).toEqual([255 * 127, 255 * -128]);
    const edge = Int32Array.of(2 ** 31 - 1, -(2 ** 31));
    callKernel(rowNamed('integer_pack_scalar'), integerPackParams, params, [panels, bias], [Uint8Array.of(255, 0), edge]);
    expect([...bias]).toEqual([(2 ** 31 - 1 + 255 * 127) | 0, (-(2 ** 31) - 255 * 128) | 0]);
  });

  it('refuses parameters that reach outside its operands', () => {
    const good = {
      count: 2,
      stride: 12,
      n: 4,
      strideN: 3,
      outer: 1,
      strideOuter: 0,
      inner: 3,
      strideInner: 1,
      nr: 4,
      kr: 4,
      zero: 0,
      flip: 0,
      rowTaps: 0,
      reserved: 0,
    };
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(
        rowNamed('integer_pack_scalar'),
        integerPackParams,
        { ...good, ...changed },
        [new Uint8Array(32), new Int32Array(8)],
        [signed(24, 1), undefined],
      );
    expect(call({})).not.toThrow();
    expect(call({ count: 3 })).toThrow(/must hold/);
    expect(call({ n: 5 })).toThrow(/must hold/);
    expect(call({ kr: 2 })).toThrow(/output must hold/);
    expect(call({ stride: 13 })).toThrow(/b must hold/);
    expect(call({ strideInner: 2 })).toThrow(/b must hold/);
    expect(call({ n: -1 })).toThrow(/dimensions/);
    expect(call({ strideN: -1 })).toThrow(/strides/);
    expect(call({ kr: 3 })).toThrow(/kr/);
    expect(call({ nr: 257 })).toThrow(/nr/);
    expect(call({ zero: 256 })).toThrow(/zero/);
    expect(call({ flip: -1 })).toThrow(/flip/);
    expect(call({ outer: 2 ** 39, inner: 2 ** 39 })).toThrow(/at most/);
    expect(call({ rowTaps: -1 })).toThrow(/rows of taps/);
    expect(call({ rowTaps: 2 })).toThrow(/must hold/);
    expect(call({ rowTaps: 1, kr: 8 })).toThrow(/quads/);
    expect(call({ rowTaps: 2 ** 20, inner: 2 ** 30 })).toThrow(/at most/);
  });
});

interface GemmOperands {
  readonly a: Uint8Array;
  /** [n, k] */
  readonly b: Int8Array;
  readonly rest: Ending;
}

function gemmOperands(c: IntegerGemmCase): GemmOperands {
  const lda = c.k + (c.gapA ?? 0);
  return { a: unsigned(c.m * lda, 1), b: weights(c.n * c.k, c.n), rest: endingOperands(c, c.n, c.m * c.n, c.k) };
}

function gemm(row: KernelRow, c: IntegerGemmCase, o: GemmOperands, threads = 1): TypedArray {
  const packed = pack(row, o.b, 1, c.n, 1, c.k, o.rest[0] as Int32Array, c.aZero ?? 0, threads);
  const y = resultOf(c, c.m * (c.n + (c.gap ?? 0)));
  callKernel(row, integerGemmParams, gemmCaseParams(c), [y], [o.a, packed.panels, packed.bias, ...o.rest.slice(1)], { threads });
  return y;
}

const known = new Map<IntegerGemmCase, TypedArray>();
function gemmReference(c: IntegerGemmCase, o: GemmOperands): TypedArray {
  const found = known.get(c);
  if (found !== undefined) return found;
  const ldc = c.n + (c.gap ?? 0);
  const lda = c.k + (c.gapA ?? 0);
  const y = resultOf(c, c.m * ldc);
  for (let i = 0; i < c.m; i++) {
    for (let j = 0; j < c.n; j++) {
      let acc = (o.rest[0] as Int32Array)[j] as number;
      for (let k = 0; k < c.k; k++) acc += ((o.a[i * lda + k] as number) - (c.aZero ?? 0)) * (o.b[j * c.k + k] as number);
      y[i * ldc + j] = ended(c, acc, j, i * c.n + j, o.rest);
    }
  }
  known.set(c, y);
  return y;
}

describe.each(rowsOf('gemm_i8', BYTE_WEIGHTS))('$name', (row) => {
  it.each(gemmCases)('$name', (c) => {
    const o = gemmOperands(c);
    const one = gemm(row, c, o);
    expectSame(one, gemmReference(c, o));
    for (const threads of [2, 3]) expect(same(gemm(row, c, o, threads), one)).toBe(true);
  });

  it.each([
    [255, -128],
    [255, -127],
    [255, 127],
    [0, -128],
    [0, -127],
    [0, 127],
    [128, -128],
    [1, 1],
  ])('adds products of %i and %i exactly', (a, b) => {
    for (const k of [3, 64, 1030]) {
      const c: IntegerGemmCase = { name: '', m: 15, n: 33, k, output: 'i32', aZero: 0 };
      const y = gemm(row, c, {
        a: new Uint8Array(15 * k).fill(a),
        b: new Int8Array(33 * k).fill(b),
        rest: [new Int32Array(33), undefined, undefined, undefined],
      });
      expect(y.every((v) => v === k * a * b)).toBe(true);
    }
  });

  it('wraps sums', () => {
    const bias = new Int32Array(9).fill(2 ** 31 - 1);
    const c: IntegerGemmCase = { name: '', m: 5, n: 9, k: 4, output: 'i32' };
    const y = gemm(row, c, { a: new Uint8Array(20).fill(255), b: new Int8Array(36).fill(127), rest: [bias, undefined, undefined, undefined] });
    expect(y.every((v) => v === ((2 ** 31 - 1 + 4 * 255 * 127) | 0))).toBe(true);
  });

  it('does not depend on the number of threads where tiles are many', () => {
    for (const c of [
      { name: 'tall', m: 700, n: 90, k: 300 },
      { name: 'wide', m: 5, n: 2500, k: 301 },
    ]) {
      const o = gemmOperands(c);
      const one = gemm(row, c, o);
      for (const threads of [2, 3, 4]) expect(same(gemm(row, c, o, threads), one)).toBe(true);
    }
  });

  it('refuses parameters that reach outside its operands', () => {
    const c: IntegerGemmCase = { name: '', m: 4, n: 5, k: 3, residual: true };
    const o = gemmOperands(c);
    const good = gemmCaseParams(c);
    const panels = new Uint8Array(packedBytes(3, 5, row.nr, row.kr));
    const call =
      (changed: Partial<typeof good>, y: TypedArray = new Uint8Array(20), rest: Ending = o.rest) =>
      () =>
        callKernel(row, integerGemmParams, { ...good, ...changed }, [y], [o.a, panels, ...rest]);
    expect(call({})).not.toThrow();
    for (const field of ['m', 'n', 'k'] as const) {
      expect(call({ [field]: -1 })).toThrow(/dimensions/);
      expect(call({ [field]: good[field] + 65 })).toThrow(/must hold|at least/);
      expect(call({ [field]: 2 ** 52 })).toThrow(/dimensions/);
    }
    expect(call({ lda: 4 })).toThrow(/a must hold/);
    expect(call({ lda: -1 })).toThrow(/strides/);
    expect(call({ ldc: 4 })).toThrow(/ldc/);
    expect(call({ ldc: 6 })).toThrow(/output must hold/);
    expect(call({ residualRow: 6 })).toThrow(/residual must hold/);
    expect(call({ output: 3 })).toThrow(/output must/);
    expect(call({ output: 2 })).toThrow(/output must hold/);
    expect(call({ output: 2 }, new Int32Array(20))).toThrow(/only bytes/);
    expect(call({ perColumn: 2 })).toThrow(/flags/);
    for (const field of ['zero', 'low', 'high', 'sumZero', 'sumLow', 'sumHigh', 'residualZero'] as const) {
      expect(call({ [field]: 256 })).toThrow(/bytes/);
      expect(call({ [field]: -1 })).toThrow(/bytes/);
    }
    expect(call({ low: 9, high: 8 })).toThrow(/bound/);
    const [bias, multipliers, residual] = o.rest as [Int32Array, Float32Array, Uint8Array];
    expect(call({}, undefined, [bias.slice(1), multipliers, residual, undefined])).toThrow(/bias/);
    expect(call({}, undefined, [bias, multipliers.slice(1), residual, undefined])).toThrow(/multipliers/);
    expect(call({}, undefined, [bias, undefined, residual, undefined])).toThrow(/multipliers/);
    expect(call({ perColumn: 0 }, undefined, [bias, multipliers.slice(1), residual, undefined])).not.toThrow();
    expect(call({}, undefined, [bias, multipliers, undefined, new Float32Array(5)])).toThrow(/addend/);
  });
});

function conv(row: KernelRow, c: IntegerConvCase, o: ConvOperands, threads: number): TypedArray {
  const group = c.group ?? 1;
  const packed = pack(row, o.w, group, c.outChannels / group, total(c.kernel), c.channels / group, o.rest[0] as Int32Array, c.aZero ?? 0, threads);
  const y = resultOf(c, c.batch * total(outputSize(c)) * (c.outChannels + (c.gap ?? 0)));
  callKernel(row, integerConvolutionParams, convCaseParams(c), [y], [o.x, packed.panels, packed.bias, ...o.rest.slice(1)], { threads });
  return y;
}

const knownConv = new Map<IntegerConvCase, TypedArray>();

describe.each(rowsOf('conv_i8', BYTE_WEIGHTS))('$name', (row) => {
  it.each(convCases)('$name', (c) => {
    const o = convOperands(c);
    const want = knownConv.get(c) ?? convReference(c, o);
    knownConv.set(c, want);
    for (const threads of [1, 2, 3]) expectSame(conv(row, c, o, threads), want);
  });

  it('refuses parameters that reach outside its operands', () => {
    const c = convCases.find((x) => x.name === '12→24 groups') as IntegerConvCase;
    const o = convOperands(c);
    const good = convCaseParams(c);
    const panels = new Uint8Array(3 * packedBytes(36, 8, row.nr, row.kr));
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, integerConvolutionParams, { ...good, ...changed }, [new Uint8Array(35 * 24)], [o.x, panels, ...o.rest]);
    expect(call({})).not.toThrow();
    expect(call({ batch: 2 })).toThrow(/must hold/);
    expect(call({ channels: 15 })).toThrow(/x must hold/);
    expect(call({ outChannels: 27, ldc: 27 })).toThrow(/must hold/);
    expect(call({ group: 5 })).toThrow(/group/);
    expect(call({ kernel: [1, 9, 9] })).toThrow(/packed/);
    expect(call({ strides: [1, 0, 1] })).toThrow(/positive/);
    expect(call({ ldc: 23 })).toThrow(/ldc/);
    expect(call({ padding: 256 })).toThrow(/padding/);
    expect(call({ high: -1 })).toThrow(/bytes/);
  });
});

describe.each(rowsOf('conv_rows_i8', BYTE_WEIGHTS))('$name', (row) => {
  const strips = (c: IntegerConvCase, o: ConvOperands, threads: number) => {
    const k = total(c.kernel);
    const rowTaps = c.kernel[1] as number;
    const packed = pack(row, o.w, 1, c.outChannels, k, c.channels, o.rest[0] as Int32Array, c.aZero ?? 0, threads, rowTaps);
    const y = resultOf(c, c.batch * total(outputSize(c)) * (c.outChannels + (c.gap ?? 0)));
    callKernel(row, integerConvolutionParams, convCaseParams(c), [y], [o.x, packed.panels, packed.bias, ...o.rest.slice(1)], { threads });
    return y;
  };

  it.each(stripCases)('$name', (c) => {
    const o = convOperands(c);
    const want = knownConv.get(c) ?? convReference(c, o);
    knownConv.set(c, want);
    for (const threads of [1, 2, 3]) expectSame(strips(c, o, threads), want);
  });

  it('refuses what it does not compute and what reaches outside its operands', () => {
    const c = stripCases.find((x) => x.name === '16→33 plain') as IntegerConvCase;
    const o = convOperands(c);
    const good = convCaseParams(c);
    const panels = new Uint8Array(packedBytes(144, 33, row.nr, row.kr));
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, integerConvolutionParams, { ...good, ...changed }, [new Uint8Array(9 * 17 * 33)], [o.x, panels, ...o.rest]);
    expect(call({})).not.toThrow();
    expect(call({ batch: 2 })).toThrow(/must hold/);
    expect(call({ channels: 20 })).toThrow(/must hold/);
    expect(call({ group: 2 })).toThrow(/group/);
    expect(call({ dilations: [1, 1, 2] })).toThrow(/small/);
    expect(call({ strides: [1, 1, 9] })).toThrow(/small/);
    expect(call({ strides: [1, 0, 1] })).toThrow(/positive/);
    expect(call({ kernel: [1, 17, 3] })).toThrow(/small/);
    expect(call({ kernel: [1, 5, 3] })).toThrow(/packed/);
    expect(call({ kernel: [2, 3, 3] })).toThrow(/two dimensions/);
    expect(call({ inSize: [2, 5, 7] })).toThrow(/two dimensions|must hold/);
    expect(call({ outSize: [1, 9, 13] })).toThrow(/wide/);
    expect(call({ outSize: [1, 1, 90] })).toThrow(/small/);
    expect(call({ inSize: [1, 0, 17] })).toThrow(/small/);
    expect(call({ outSize: [1, 9, 18] })).toThrow(/y must hold/);
    expect(call({ outChannels: 34, ldc: 34 })).toThrow(/must hold/);
    expect(call({ channels: 2 ** 20 })).toThrow(/must hold|channels/);
    expect(call({ padding: -1 })).toThrow(/padding/);
    expect(call({ ldc: 32 })).toThrow(/ldc/);
    expect(call({ high: -1 })).toThrow(/bytes/);
  });
});

describe('rows of other processors', () => {
  const { isa } = native().cpu();
  for (const row of native().catalogue().kernels) {
    if (row.dtypes === BYTE_WEIGHTS && !row.usable) it.skip(`${row.name}: needs ${row.isa}, this process uses ${isa}`, () => {});
  }
  it.each(rowsOf('probe_fma', BYTE_WEIGHTS).filter((row) => !isGpuRow(row)))('$name counts on every tile', (row) => {
    // products of 1·1 in each step of twelve chains that start at 0 … 11
    const y = new Int32Array(32);
    callKernel(row, probeFmaParams, { iterations: 5, tiles: 2 }, [y], []);
    const lanes = row.isa === 'avx512vnni' ? 16 : /avx/.test(row.isa) ? 8 : 4;
    const step: Readonly<Record<string, number>> = { avx2: 2 * 0x101 * 0x101, i8mm: 8 };
    for (let t = 0; t < 2; t++) for (let i = 0; i < lanes; i++) expect(y[16 * t + i]).toBe(66 + 12 * 5 * (step[row.isa] ?? 4));
  });
});
