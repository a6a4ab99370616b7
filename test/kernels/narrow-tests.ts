/** Tests of products with weights of 16 bits that hold whatever these are. */
import { expect, it } from 'vitest';
import { type ConvCase, testCases as convCases, convParamsOf, outputSize } from '../../bench/cases/conv.js';
import { type GemmCase, gemmCaseParams } from '../../bench/cases/gemm.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convParams } from '../../lib/kernels/conv.js';
import { gemmParams } from '../../lib/kernels/gemm.js';
import { type NarrowType, narrowPackParams, packedNumbers } from '../../lib/kernels/narrow.js';
import { convReference, expectPixels } from './conv-reference.js';
import { type Operands, operandsOf } from './gemm-reference.js';
import { callKernel, randomFloats, rowNamed } from './harness.js';
import { narrowConv, narrowGemm } from './narrow-calls.js';

export const same = (a: Float32Array, b: Float32Array) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

/** The multiple of `unit` that is nearest to x, ties to even. Not the kernels' arithmetic: by comparing neighbours. */
export function nearestMultiple(x: number, unit: number): number {
  const exact = x / unit;
  const low = Math.floor(exact);
  return (exact - low > 0.5 || (exact - low === 0.5 && low % 2 !== 0) ? low + 1 : low) * unit;
}

/** Where the epilogue is exact arithmetic. Other activations are computed differently by each ISA. */
export const exactEpilogue = (c: { readonly activation?: string }) => c.activation === undefined || c.activation === 'relu' || c.activation === 'clip';

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

export function refusesPacking(type: NarrowType): void {
  it('refuses parameters that reach outside its operands', () => {
    const good = { count: 2, stride: 12, n: 4, strideN: 3, outer: 1, strideOuter: 0, inner: 3, strideInner: 1, nr: 4, kr: 2 };
    const packed = new Uint16Array(2 * packedNumbers(type, 3, 4, 4, 2));
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(rowNamed(`${type.pack}_scalar`), narrowPackParams, { ...good, ...changed }, [packed], [new Float32Array(24)]);
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
}

export function multipliesLikeAll(type: NarrowType, row: KernelRow): void {
  const gemm = (c: GemmCase, o: Operands, threads = 1) => narrowGemm(type, row, c, o, threads);

  it('does not depend on the number of threads where tiles are many', () => {
    for (const c of [
      { name: 'tall', m: 700, n: 90, k: 300 },
      { name: 'wide', m: 5, n: 2500, k: 300 },
      { name: 'batch', m: 60, n: 60, k: 61, batch: [7] },
    ]) {
      const o = operandsOf(c);
      const one = gemm(c, o);
      for (const threads of [2, 3, 4]) expect(same(gemm(c, o, threads), one)).toBe(true);
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
    expect([...gemm(c, o)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 2, Infinity, 0]);
    expect([...gemm({ ...c, activation: 'clip', alpha: -1, beta: 1 }, o)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 1, 1, -1]);
  });

  it('takes packed matrices that begin at any word', () => {
    const c: GemmCase = { name: '', m: 5, n: 37, k: 70, batch: [3] };
    const o = operandsOf(c);
    expect(same(narrowGemm(type, row, c, o, 1, 2), gemm(c, o))).toBe(true);
  });

  it('refuses parameters that reach outside its operands', () => {
    const c: GemmCase = { name: '', m: 4, n: 5, k: 3, bias: 'column', residual: true };
    const o = operandsOf(c);
    const good = gemmCaseParams(c, row.nr, 0);
    const size = packedNumbers(type, 3, 5, row.nr, row.kr);
    const call =
      (changed: Partial<typeof good>, packed = size) =>
      () =>
        callKernel(row, gemmParams, { ...good, ...changed }, [new Float32Array(20)], [o.a, new Uint16Array(packed), o.bias, o.residual]);
    expect(call({})).not.toThrow();
    expect(call({}, size - 1)).toThrow(/packed b must hold/);
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
    const ofTwo = { ...good, batch: [1, 1, 1, 2], strideA: [0, 0, 0, 0], strideC: [0, 0, 0, 20], strideResidual: [0, 0, 0, 0] };
    const two = (apart: number) => () =>
      callKernel(row, gemmParams, { ...ofTwo, strideB: [0, 0, 0, apart] }, [new Float32Array(40)], [o.a, new Uint16Array(2 * size), o.bias, o.residual]);
    expect(two(size)).not.toThrow();
    expect(two(size - 1)).toThrow(/words/);
  });
}

export interface NarrowConvTests {
  /** x and w as the row multiplies them. `depth` is the k of the product. */
  readonly rounded: (c: ConvCase, x: Float32Array, w: Float32Array, depth: number) => readonly [x: Float32Array, w: Float32Array];
  /** How far a result may be from the definition over these. */
  readonly bound: (depth: number, magnitude: number, y: number, activated: boolean) => number;
  /** A row that has the same bits where the epilogue is exact. */
  readonly definition?: KernelRow;
}

export function convolvesLikeAll(type: NarrowType, row: KernelRow, { rounded, bound, definition }: NarrowConvTests): void {
  const forward = convCases.filter((c) => !c.transposed);

  it.each(forward)('$name', (c) => {
    const pixels = c.batch * product(outputSize(c));
    const depth = (product(c.kernel) * c.channels) / (c.group ?? 1);
    const x = randomFloats(c.batch * product(c.size) * c.channels, 1);
    const w = randomFloats(c.outChannels * depth, 2);
    const bias = c.bias ? randomFloats(c.outChannels, 3) : undefined;
    const residual = c.residual ? randomFloats(pixels * c.outChannels, 4) : undefined;
    const want = convReference(c, ...rounded(c, x, w, depth), bias, residual);
    const conv = (of: KernelRow, threads = 1) => narrowConv(type, of, c, [x, w, bias, residual], threads);
    expectPixels(
      (y, threads) => y.set(conv(row, threads)),
      want,
      { pixels, ldc: convParamsOf(c).ldc, channels: c.outChannels },
      (at, y) => bound(depth, want.magnitude[at] as number, y, c.activation !== undefined),
    );
    if (definition !== undefined && exactEpilogue(c)) expect(same(conv(row), conv(definition)), 'as the definition').toBe(true);
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
}
