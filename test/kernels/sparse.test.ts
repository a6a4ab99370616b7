/** Weights of which two of four are kept: every row against the definition over all weights, zeros included. */
import { describe, expect, it } from 'vitest';
import { type ConvCase, convParamsOf, outputSize } from '../../bench/cases/conv.js';
import type { GemmCase } from '../../bench/cases/gemm.js';
import { convCaseParams, endingOperands, gemmCaseParams, type IntegerGemmCase, resultOf, unsigned } from '../../bench/cases/integer.js';
import { sparseConvCases, sparseGemmCases, sparseIntegerCases, sparseTileCases, thinned, weightLayout } from '../../bench/cases/sparse.js';
import { isGpuRow, type KernelRow } from '../../lib/compile/catalogue.js';
import type { TypedArray } from '../../lib/dtype.js';
import { convParams } from '../../lib/kernels/conv.js';
import { activation } from '../../lib/kernels/epilogue.js';
import { gemmParams } from '../../lib/kernels/gemm.js';
import { activationOffset, BYTE_WEIGHTS, integerConvolutionParams, integerGemmParams } from '../../lib/kernels/integer.js';
import { narrowOf, narrowTypes } from '../../lib/kernels/narrow.js';
import { compressedBytes, fragmentBytes, pickBytes, sharedByteBytes, sharedBytes, sparseCompressParams, sparseSharedParams } from '../../lib/kernels/sparse.js';
import { convReference, expectPixels } from './conv-reference.js';
import { callKernel, excess, randomFloats, rowNamed, rowsOf } from './harness.js';
import { convOperands, convReference as convReferenceOfBytes, ended, expectSame, same, total, weights } from './integer-reference.js';

type Weights = Float32Array | Int8Array;

interface Compressing {
  readonly nr: number;
  readonly apart?: number;
  readonly zero?: number;
  readonly threads?: number;
}

/** Compresses weights [n, inner, outer]. */
function compress(w: Weights, n: number, outer: number, inner: number, { nr, apart = 0, zero = 0, threads = 1 }: Compressing, bias?: Int32Array) {
  const floats = w instanceof Float32Array;
  const packed = new Uint8Array(compressedBytes(outer * inner, n, nr, w.BYTES_PER_ELEMENT)).fill(0xab);
  const folded = floats ? undefined : new Int32Array(n);
  const row = rowNamed(`sparse_compress_${floats ? 'f32' : 'i8'}_scalar`);
  const params = { ...weightLayout(1, n, outer, inner), nr, apart, zero, flip: 0 };
  callKernel(row, sparseCompressParams, params, [packed, folded], [w, bias], { threads });
  return { packed, folded };
}

interface Fragments {
  readonly kr: number;
  readonly headBytes: number;
  readonly zero?: number;
  readonly threads?: number;
}

/** Compresses weights [n, inner, outer] into fragments of matrix units. */
function fragments(type: string, w: Weights, n: number, outer: number, inner: number, { kr, headBytes, zero = 0, threads = 1 }: Fragments, bias?: Int32Array) {
  const packed = new Uint8Array(fragmentBytes(outer * inner, n, kr, type === 'i8' ? 1 : 2, headBytes)).fill(0xab);
  const folded = type === 'i8' ? new Int32Array(n) : undefined;
  const params = { ...weightLayout(1, n, outer, inner), nr: 64, apart: 0, zero, flip: 0 };
  callKernel(rowNamed(`sparse_fragments_${type}_scalar`), sparseCompressParams, params, [packed, folded], [w, bias], { threads });
  return { packed, folded };
}

/** Compresses weights [n, k] for a row. */
function compressFor(row: KernelRow, w: Weights, n: number, k: number, threads: number, zero = 0, bias?: Int32Array) {
  if (!isGpuRow(row)) return compress(w, n, 1, k, { nr: row.nr, zero, threads }, bias);
  const narrow = narrowOf(row.dtypes);
  return fragments(narrow ?? 'i8', w, n, 1, k, { kr: row.kr, headBytes: narrow ? narrowTypes[narrow].headBytes : 0, zero, threads }, bias);
}

/** Numbers of so many bits after the point: exact in 16 bits, and so are their products in 32. */
const coarse = (v: Float32Array) => v.map((x) => Math.round(x * 64) / 64);

const fromHalf = (bits: number) => {
  const [e, m] = [(bits >> 10) & 31, bits & 1023];
  return (bits & 0x8000 ? -1 : 1) * (e === 0 ? m * 2 ** -24 : (1024 + m) * 2 ** (e - 25));
};
const fromBfloat = (bits: number) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number;

describe('sparse_fragments', () => {
  it.each([
    ['i8', 7, 1, 100],
    ['i8', 65, 9, 8],
    ['i8', 130, 1, 260],
    ['f16', 70, 3, 20],
    ['f16', 64, 1, 128],
    ['bf16', 17, 1, 200],
    ['bf16', 129, 2, 64],
  ])('gives every lane of a warp what mma.sp wants of it: %s, n %i, k %ix%i', (type, n, outer, inner) => {
    const bytes = type === 'i8';
    const k = outer * inner;
    const options = { kr: bytes ? 128 : 64, headBytes: type === 'f16' ? 4 : 0, zero: 9 };
    const w = thinned(bytes ? weights(n * k, n) : coarse(randomFloats(n * k, 3)), n, outer, inner);
    const { packed, folded } = fragments(type, w, n, outer, inner, options);
    const view = new DataView(packed.buffer);
    const head = 64 * options.headBytes;
    const units = (Math.ceil(k / options.kr) * options.kr) / 64;
    const unitBytes = bytes ? 2560 : 4608;
    const got = new Float64Array(Math.ceil(n / 64) * 64 * units * 64);
    // PTX ISA: lane 4g + t has in register r of a fragment of A, 16 rows by 32 bytes, 4 bytes from byte 4t + 16·(r / 2) of row g + 8·(r % 2).
    // Positions of 8-bit elements: lane 4g + t has those of 32 k from 32·(t / 2) of row g + 8·(t % 2). Of 16-bit ones: selector s, half h and
    // lane 2s + t those of 16 k from 16t on of row g + 8h.
    for (let place = 0; place < (packed.length - Math.ceil(n / 64) * head) / 16; place++) {
      const perPanel = (units * unitBytes) / 16;
      const inUnit = (place % perPanel) % (unitBytes / 16);
      if (inUnit < 32) continue;
      const panel = Math.floor(place / perPanel) * (head + units * unitBytes);
      const unitNumber = Math.floor((place % perPanel) / (unitBytes / 16));
      const unit = panel + head + unitNumber * unitBytes;
      const [fragment, lane] = [Math.floor((inUnit - 32) / 32), inUnit % 32];
      const [step, tile] = [Math.floor(fragment / 4), fragment % 4];
      for (let i = 0; i < 16; i += bytes ? 1 : 2) {
        const register = Math.floor(i / 4);
        const row = Math.floor(lane / 4) + 8 * (register % 2);
        const kept = ((lane % 4) * 4 + (i % 4) + 16 * Math.floor(register / 2)) / (bytes ? 1 : 2);
        const four = Math.floor(kept / 2);
        const upper = Math.floor(row / 8);
        const t = bytes ? 2 * Math.floor(four / 8) + upper : 2 * step + Math.floor(four / 4);
        const nibble = bytes ? four % 8 : (four % 4) + 4 * upper;
        const word = view.getUint32(unit + 16 * (4 * (row % 8) + t) + 4 * tile, true);
        const pair = (word >>> (4 * nibble)) & 15;
        expect(pair & 3).toBeLessThan(pair >> 2);
        const at = unit + 512 + 16 * (inUnit - 32) + i;
        const column = 16 * tile + row;
        const scale = head > 0 ? view.getFloat32(panel + 4 * column, true) : 1;
        const value = bytes ? view.getInt8(at) : (type === 'f16' ? fromHalf : fromBfloat)(view.getUint16(at, true)) * scale;
        const j = Math.floor(place / perPanel) * 64 + column;
        got[j * units * 64 + 64 * unitNumber + 32 * step + 4 * four + (kept % 2 ? pair >> 2 : pair & 3)] = value;
      }
    }
    for (let j = 0; j < Math.ceil(n / 64) * 64; j++) {
      let sum = 0;
      for (let i = 0; i < units * 64; i++) {
        const want = j < n && i < k ? (w[(j * inner + (i % inner)) * outer + Math.floor(i / inner)] as number) : 0;
        if (got[j * units * 64 + i] !== want) expect.fail(`column ${j}, k ${i}: ${got[j * units * 64 + i]}, expected ${want}`);
        sum += want;
      }
      if (folded !== undefined && j < n) expect(folded[j]).toBe(0 - 9 * sum);
    }
    for (const threads of [2, 3]) expect(fragments(type, w, n, outer, inner, { ...options, threads })).toEqual({ packed, folded });
  });

  it('refuses fours that keep more than two, and what its operands do not hold', () => {
    const pack = (w: Weights, n = 1, inner = 4) => fragments(w instanceof Float32Array ? 'f16' : 'i8', w, n, 1, inner, { kr: 128, headBytes: 4 });
    expect(() => pack(Float32Array.of(1, 0, 2, 3))).toThrow(/invalid|value/i);
    expect(() => pack(Int8Array.of(1, 1, 0, 1))).toThrow(/invalid|value/i);
    const good = { ...weightLayout(1, 4, 1, 8), nr: 64, apart: 0, zero: 0, flip: 0 };
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(
        rowNamed('sparse_fragments_i8_scalar'),
        sparseCompressParams,
        { ...good, ...changed },
        [new Uint8Array(5120), new Int32Array(4)],
        [new Int8Array(32), undefined],
      );
    expect(call({})).not.toThrow();
    expect(call({ nr: 32 })).toThrow(/64/);
    expect(call({ apart: 1 })).toThrow(/64/);
    expect(call({ n: 5 })).toThrow(/must/);
    expect(call({ inner: 6 })).toThrow(/fours/);
    expect(call({ zero: 256 })).toThrow(/zero/);
    expect(call({ n: 65, strideN: 0 })).toThrow(/must/);
  });
});

describe('sparse_compress', () => {
  it.each([
    ['f32', 1, 1, 5, 1, 40],
    ['f32', 1, 0, 5, 1, 40],
    ['f32', 32, 0, 70, 3, 20],
    ['f32', 8, 0, 9, 9, 12],
    ['i8', 1, 1, 7, 1, 100],
    ['i8', 32, 0, 33, 9, 8],
    ['i8', 4, 0, 6, 1, 36],
  ])('keeps two of four and where they stood: %s, %i rows side by side, apart %i, n %i, k %ix%i', (type, nr, apart, n, outer, inner) => {
    const k = outer * inner;
    const w = thinned(type === 'f32' ? randomFloats(n * k, 3) : weights(n * k, n), n, outer, inner);
    const { packed, folded } = compress(w, n, outer, inner, { nr, apart, zero: 9 });
    const [size, blocks, panels] = [w.BYTES_PER_ELEMENT, Math.ceil(k / 32), Math.ceil(n / nr)];
    const view = new DataView(packed.buffer);
    for (let j = 0; j < panels * nr; j++) {
      let sum = 0;
      for (let b = 0; b < blocks; b++) {
        const at = Math.floor(j / nr) * blocks + b;
        const block = apart === 1 ? at * 16 * size : at * nr * (4 + 16 * size);
        const word = view.getUint32(apart === 1 ? panels * blocks * 16 * size + 4 * at : block + 4 * (j % nr), true);
        const values = apart === 1 ? block : block + 4 * nr;
        const got = new Array<number>(32).fill(0);
        for (let i = 0; i < 16; i++) {
          const shift = size === 1 && apart === 0 ? 8 * (i % 4) + 2 * Math.floor(i / 4) : 2 * i;
          const e = (word >>> shift) & 3;
          const before = (word >>> (size === 1 && apart === 0 ? 8 * ((i - 1) % 4) + 2 * Math.floor((i - 1) / 4) : 2 * (i - 1))) & 3;
          if (i % 2 === 1) expect(e).toBeGreaterThan(before);
          const place = size === 4 ? values + 4 * (i * nr + (j % nr)) : values + (Math.floor(i / 4) * nr + (j % nr)) * 4 + (i % 4);
          got[4 * Math.floor(i / 2) + e] = size === 4 ? view.getFloat32(place, true) : view.getInt8(place);
        }
        for (let i = 0; i < 32; i++) {
          const kAt = 32 * b + i;
          const want = j < n && kAt < k ? (w[(j * inner + (kAt % inner)) * outer + Math.floor(kAt / inner)] as number) : 0;
          if (got[i] !== want) expect.fail(`row ${j}, k ${kAt}: ${got[i]}, expected ${want}`);
          sum += want;
        }
      }
      if (folded !== undefined && j < n) expect(folded[j]).toBe(-9 * sum);
    }
    for (const threads of [2, 3]) expect(compress(w, n, outer, inner, { nr, apart, zero: 9, threads })).toEqual({ packed, folded });
  });

  it('refuses fours that keep more than two', () => {
    const w = Float32Array.of(1, 0, 2, 3);
    expect(() => compress(w, 1, 1, 4, { nr: 1 })).toThrow(/invalid|value/i);
    expect(() => compress(Int8Array.of(1, 1, 0, 1), 1, 1, 4, { nr: 4 })).toThrow(/invalid|value/i);
  });

  it('refuses parameters that reach outside its operands', () => {
    const good = { ...weightLayout(1, 4, 1, 8), nr: 4, apart: 0, zero: 0, flip: 0 };
    const row = rowNamed('sparse_compress_i8_scalar');
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, sparseCompressParams, { ...good, ...changed }, [new Uint8Array(80), new Int32Array(4)], [new Int8Array(32), undefined]);
    expect(call({})).not.toThrow();
    expect(call({ n: 5 })).toThrow(/must/);
    expect(call({ inner: 6 })).toThrow(/fours/);
    expect(call({ inner: 12 })).toThrow(/must/);
    expect(call({ inner: -4 })).toThrow(/dimensions/);
    expect(call({ strideN: 9 })).toThrow(/weights/);
    expect(call({ strideInner: -1 })).toThrow(/strides/);
    expect(call({ nr: 0 })).toThrow(/nr/);
    expect(call({ nr: 8 })).toThrow(/output/);
    expect(call({ apart: 1 })).toThrow(/apart/);
    expect(call({ zero: 256 })).toThrow(/zero/);
    expect(call({ flip: 256 })).toThrow(/flip/);
    expect(call({ count: 2 ** 39, stride: 0 })).toThrow(/must/);
    expect(call({ outer: 2 ** 39, inner: 2 ** 38, strideOuter: 0, strideInner: 0 })).toThrow(/at most/);
  });
});

const floatParams = (c: GemmCase) => ({
  m: c.m,
  n: c.n,
  k: c.k,
  lda: c.k,
  ldc: c.ldc ?? c.n,
  residualRow: c.n,
  biasRow: c.bias === 'row' ? 1 : 0,
  batch: [1, 1, 1, 1],
  strideA: [0, 0, 0, 0],
  strideB: [0, 0, 0, 0],
  strideC: [0, 0, 0, 0],
  strideResidual: [0, 0, 0, 0],
  biasColumn: c.bias === 'row' ? 0 : 1,
  transA: 0,
  scale: c.scale ?? 1,
  addScale: c.addScale ?? 1,
  activation: activation.value(c.activation ?? 'none'),
  alpha: c.alpha ?? 0,
  beta: c.beta ?? 0,
  reserved: 0,
});

function floatOperands(c: GemmCase, rounded = (v: Float32Array) => v) {
  return {
    a: rounded(randomFloats(c.m * c.k, 1)),
    b: thinned(rounded(randomFloats(c.n * c.k, 2)), c.n, 1, c.k),
    bias: c.bias && randomFloats(c.bias === 'row' ? c.m : c.n, 3),
    residual: c.residual ? randomFloats(c.m * c.n, 4) : undefined,
  };
}

function floatProduct(row: KernelRow, c: GemmCase, threads = 1, operands = floatOperands(c)): Float32Array {
  const { a, b, bias, residual } = operands;
  const { packed } = compressFor(row, b, c.n, c.k, threads);
  const y = new Float32Array(c.m * (c.ldc ?? c.n));
  callKernel(row, gemmParams, floatParams(c), [y], [a, packed, bias, residual], { threads });
  return y;
}

const curves: Readonly<Record<string, (x: number) => number>> = {
  relu: (x) => Math.max(x, 0),
  silu: (x) => x / (1 + Math.exp(-x)),
  clip: (x) => Math.min(Math.max(x, -0.5), 0.75),
};

/** The definition over all weights, and the largest sum of magnitudes. */
function floatReference(c: GemmCase, { a, b, bias, residual }: ReturnType<typeof floatOperands>) {
  const want = new Float64Array(c.m * (c.ldc ?? c.n));
  let magnitude = 0;
  for (let i = 0; i < c.m; i++) {
    for (let j = 0; j < c.n; j++) {
      let [sum, size] = [0, 0];
      for (let k = 0; k < c.k; k++) {
        const term = (a[i * c.k + k] as number) * (b[j * c.k + k] as number);
        [sum, size] = [sum + term, size + Math.abs(term)];
      }
      const add = ((bias?.[c.bias === 'row' ? i : j] ?? 0) + (residual?.[i * c.n + j] ?? 0)) * (c.addScale ?? 1);
      const x = sum * (c.scale ?? 1) + add;
      want[i * (c.ldc ?? c.n) + j] = (curves[c.activation ?? ''] ?? ((v: number) => v))(x);
      magnitude = Math.max(magnitude, size + 2 * Math.abs(add));
    }
  }
  return { want, magnitude };
}

describe.each(rowsOf('sparse_gemm', 'f32'))('$name', (row) => {
  it.each(sparseGemmCases)('$name', (c) => {
    const y = floatProduct(row, c);
    const { want, magnitude } = floatReference(c, floatOperands(c));
    // A chain of k/2 products and as many sums, scale, bias and residual, each rounded by 2^-24 of a partial sum; silu has slopes up to 1.1 and errors of 4 ulp.
    expect(excess(y, want, 1.1 * (c.k + 4) * 2 ** -24 * magnitude + (c.activation === 'silu' ? 2 ** -21 : 0), 0)).toBeLessThanOrEqual(0);
    for (const threads of [2, 3]) expect(same(floatProduct(row, c, threads), y)).toBe(true);
    // One chain of fused operations in one order on every row but the scalar one, which rounds products as well.
    const [first] = rowsOf('sparse_gemm', 'f32') as [KernelRow];
    if (c.activation !== 'silu' && row.isa !== 'scalar') expect(same(floatProduct(first, c), y)).toBe(true);
  });

  it('refuses what its operands do not hold', () => {
    const c = { name: '', m: 3, n: 35, k: 40, bias: 'column' as const };
    const { a, b, bias } = floatOperands(c);
    const { packed } = compress(b, c.n, 1, c.k, { nr: row.nr });
    const y = new Float32Array(c.m * c.n);
    const call = (change: Partial<ReturnType<typeof floatParams>>, inputs: readonly (TypedArray | undefined)[] = [a, packed, bias]) =>
      callKernel(row, gemmParams, { ...floatParams(c), ...change }, [y], [...inputs, undefined]);
    call({});
    expect(() => call({}, [a.slice(1), packed, bias])).toThrow(/a must hold/);
    expect(() => call({}, [a, packed.slice(4), bias])).toThrow(/compressed b/);
    expect(() => call({}, [a, packed, bias?.slice(1)])).toThrow(/bias/);
    expect(() => call({ batch: [1, 1, 1, 2] })).toThrow(/one product/);
    expect(() => call({ transA: 1 })).toThrow(/rows/);
    expect(() => call({ k: 2 ** 41, lda: 0 })).toThrow(/must/);
    expect(() => call({ m: 4 })).toThrow(/must hold/);
    expect(() => call({ ldc: 3 })).toThrow(/ldc/);
  });
});

/** Of weights of 16 bits there are rows for GPUs only. */
describe.each([...rowsOf('sparse_gemm', 'f32f16'), ...rowsOf('sparse_gemm', 'f32bf16')])('$name', (row) => {
  // Products of numbers with 8 bits are exact; a matrix unit loses at most 2^-23 of its terms in an addition, and there are k/2 + 4.
  const bound = (c: GemmCase, magnitude: number) => 1.1 * (c.k + 4) * 2 ** -23 * magnitude + (c.activation === 'silu' ? 2 ** -21 : 0);

  it.each([...sparseGemmCases, ...sparseTileCases])('$name', (c) => {
    const operands = floatOperands(c, coarse);
    const { want, magnitude } = floatReference(c, operands);
    expect(excess(floatProduct(row, c, 1, operands), want, bound(c, magnitude), 0)).toBeLessThanOrEqual(0);
  });

  it('rounds both operands to nearest', () => {
    const c: GemmCase = { name: '', m: 20, n: 70, k: 132 };
    const operands = floatOperands(c);
    const { want, magnitude } = floatReference(c, operands);
    const y = floatProduct(row, c, 1, operands);
    // Half a unit of the last place of each: of weights scaled below 1, of half their largest one at least.
    const unit = row.dtypes === 'f32f16' ? 2 ** -11 : 2 ** -8;
    expect(excess(y, want, 2.1 * unit * magnitude + bound(c, magnitude), 0)).toBeLessThanOrEqual(0);
    expect(same(y, Float32Array.from(want))).toBe(false);
  });

  it('does not multiply what is not kept', () => {
    const c: GemmCase = { name: '', m: 3, n: 5, k: 64 };
    const operands = floatOperands(c, coarse);
    for (let j = 0; j < c.n; j++) for (let k = 0; k < c.k; k += 4) operands.b.set([0.5, 0, 0.25, 0], j * c.k + k);
    for (let i = 0; i < c.m; i++) for (let k = 1; k < c.k; k += 2) operands.a[i * c.k + k] = k % 4 === 1 ? Number.NaN : Infinity;
    expect(floatProduct(row, c, 1, operands).every(Number.isFinite)).toBe(true);
  });
});

function integerProduct(row: KernelRow, c: IntegerGemmCase, threads = 1): { readonly y: TypedArray; readonly want: () => TypedArray } {
  const lda = c.k + (c.gapA ?? 0);
  const [a, b] = [unsigned(c.m * lda, 1), thinned(weights(c.n * c.k, c.n), c.n, 1, c.k)];
  const rest = endingOperands(c, c.n, c.m * c.n, c.k);
  const zero = (c.aZero ?? 0) - activationOffset(row.isa);
  const { packed, folded } = compressFor(row, b, c.n, c.k, threads, zero, rest[0] as Int32Array);
  const ldc = c.n + (c.gap ?? 0);
  const y = resultOf(c, c.m * ldc);
  callKernel(row, integerGemmParams, gemmCaseParams(c), [y], [a, packed, folded, ...rest.slice(1)], { threads });
  const want = () => {
    const r = resultOf(c, c.m * ldc);
    for (let i = 0; i < c.m; i++) {
      for (let j = 0; j < c.n; j++) {
        let acc = (rest[0] as Int32Array)[j] as number;
        for (let k = 0; k < c.k; k++) acc += ((a[i * lda + k] as number) - (c.aZero ?? 0)) * (b[j * c.k + k] as number);
        r[i * ldc + j] = ended(c, acc, j, i * c.n + j, rest);
      }
    }
    return r;
  };
  return { y, want };
}

describe.each(rowsOf('sparse_gemm_i8', BYTE_WEIGHTS))('$name', (row) => {
  it.each([...sparseIntegerCases, ...(isGpuRow(row) ? sparseTileCases.map((c): IntegerGemmCase => ({ ...c, zero: 30, aZero: 140, residual: true })) : [])])(
    '$name',
    (c) => {
      const { y, want } = integerProduct(row, c);
      expectSame(y, want());
      for (const threads of [2, 3]) expect(same(integerProduct(row, c, threads).y, y)).toBe(true);
    },
  );

  it('adds the largest products exactly', () => {
    for (const [a, b] of [
      [255, -128],
      [255, 127],
      [0, -128],
    ] as const) {
      const k = 64;
      const w = Int8Array.from({ length: 33 * k }, (_, i) => (i % 4 < 2 ? b : 0));
      const { packed, folded } = compressFor(row, w, 33, k, 1, -activationOffset(row.isa), new Int32Array(33));
      const c: IntegerGemmCase = { name: '', m: 3, n: 33, k, output: 'i32' };
      const y = new Int32Array(99);
      const inputs = [new Uint8Array(3 * k).fill(a), packed, folded, undefined, undefined, undefined];
      callKernel(row, integerGemmParams, gemmCaseParams(c), [y], inputs);
      expect(y.every((v) => v === (k / 2) * a * b)).toBe(true);
    }
  });
});

/** Packs weights [group·n, inner, outer] whose panels share a mask. */
function share(row: KernelRow, w: Weights, group: number, n: number, outer: number, inner: number, threads: number, zero = 0, bias?: Int32Array) {
  const floats = w instanceof Float32Array;
  const k = outer * inner;
  const bytes = floats ? sharedBytes(k, n, row.nr, row.kr) : sharedByteBytes(k, n, row.nr, row.kr);
  const packed = new Uint8Array(group * bytes).fill(0xab);
  const folded = floats ? undefined : new Int32Array(group * n);
  const params = { ...weightLayout(group, n, outer, inner), nr: row.nr, kr: row.kr, vectorBytes: pickBytes(row.isa), zero, flip: 0, reserved: 0 };
  callKernel(rowNamed(`sparse_shared_${floats ? 'f32' : 'i8'}_scalar`), sparseSharedParams, params, [packed, folded], [w, bias], { threads });
  return { packed, folded };
}

describe('sparse_shared', () => {
  it('refuses panels that keep more than two of four', () => {
    const w = Float32Array.of(1, 2, 0, 0, 0, 2, 3, 0);
    const row = rowNamed('sparse_conv_f32_scalar');
    expect(() => share(row, w, 1, 2, 1, 4, 1)).toThrow(/invalid|value/i);
    expect(() => share(row, Float32Array.of(1, 2, 0, 0, 5, 0, 0, 0), 1, 2, 1, 4, 1)).not.toThrow();
    expect(() => share(rowNamed('sparse_conv_i8_scalar'), Int8Array.from(w), 1, 2, 1, 4, 1)).toThrow(/invalid|value/i);
  });

  it('refuses parameters that reach outside its operands', () => {
    const good = { ...weightLayout(1, 4, 1, 32), nr: 4, kr: 4, vectorBytes: 16, zero: 0, flip: 0, reserved: 0 };
    const row = rowNamed('sparse_shared_i8_scalar');
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, sparseSharedParams, { ...good, ...changed }, [new Uint8Array(128), new Int32Array(4)], [new Int8Array(128), undefined]);
    expect(call({})).not.toThrow();
    expect(call({ n: 5 })).toThrow(/must/);
    expect(call({ inner: 30 })).toThrow(/fours/);
    expect(call({ inner: 64 })).toThrow(/must/);
    expect(call({ nr: 8 })).toThrow(/output/);
    expect(call({ nr: 65 })).toThrow(/nr/);
    expect(call({ kr: 2 })).toThrow(/output/);
    expect(call({ kr: 8 })).toThrow(/kr/);
    expect(call({ vectorBytes: 24 })).toThrow(/vectors/);
    expect(call({ flip: -1 })).toThrow(/flip/);
  });
});

const dims = (c: ConvCase) => ({ group: c.group ?? 1, n: c.outChannels / (c.group ?? 1), taps: total(c.kernel), inner: c.channels / (c.group ?? 1) });

describe.each(rowsOf('sparse_conv', 'f32'))('$name', (row) => {
  it.each(sparseConvCases)('$name', (c) => {
    const { group, n, taps, inner } = dims(c);
    const pixels = total(outputSize(c)) * c.batch;
    const x = randomFloats(total(c.size) * c.batch * c.channels, 1);
    const w = thinned(randomFloats(c.outChannels * inner * taps, 2), c.outChannels, taps, inner, Math.min(n % 32 === 0 ? 32 : n, row.nr));
    const bias = c.bias ? randomFloats(c.outChannels, 3) : undefined;
    const residual = c.residual ? randomFloats(pixels * c.outChannels, 4) : undefined;
    const reference = convReference(c, x, w, bias, residual);
    const params = convParamsOf(c);
    expectPixels(
      (y, threads) => callKernel(row, convParams, params, [y], [x, share(row, w, group, n, taps, inner, threads).packed, bias, residual], { threads }),
      reference,
      { pixels, ldc: params.ldc, channels: c.outChannels },
      // As for dense convolutions: at most K + 3 roundings, here two for each kept product on the scalar row.
      (at) => 1.2 * (taps * inner + 3) * 2 ** -24 * (reference.magnitude[at] as number),
    );
  });

  it('refuses what its operands do not hold', () => {
    const c = sparseConvCases.find((v) => v.outChannels === 32) as ConvCase;
    const { n, taps, inner } = dims(c);
    const x = randomFloats(total(c.size) * c.channels, 1);
    const { packed } = share(row, thinned(randomFloats(n * taps * inner, 2), n, taps, inner, 32), 1, n, taps, inner, 1);
    const y = new Float32Array(total(outputSize(c)) * n);
    const call = (change: Partial<ReturnType<typeof convParamsOf>>, weights = packed) =>
      callKernel(row, convParams, { ...convParamsOf(c), ...change }, [y], [x, weights, undefined, undefined]);
    call({});
    expect(() => call({}, packed.slice(4))).toThrow(/packed/);
    expect(() => call({ channels: 14 })).toThrow(/fours/);
    expect(() => call({ channels: 20 })).toThrow(/must hold/);
    expect(() => call({ kernel: [1, 3, 4] })).toThrow(/packed|must/);
  });
});

describe.each(rowsOf('sparse_conv_i8', BYTE_WEIGHTS))('$name', (row) => {
  it.each(sparseConvCases)('$name', (c) => {
    const { group, n, taps, inner } = dims(c);
    const operands = convOperands(c);
    const w = thinned(operands.w, c.outChannels, taps, inner, n % 32 === 0 ? 32 : n);
    const want = convReferenceOfBytes(c, { ...operands, w });
    const run = (threads: number) => {
      const zero = (c.aZero ?? 0) - activationOffset(row.isa);
      const { packed, folded } = share(row, w, group, n, taps, inner, threads, zero, operands.rest[0] as Int32Array);
      const y = resultOf(c, want.length);
      callKernel(row, integerConvolutionParams, convCaseParams(c), [y], [operands.x, packed, folded, ...operands.rest.slice(1)], { threads });
      return y;
    };
    const y = run(1);
    expectSame(y, want);
    for (const threads of [2, 3]) expect(same(run(threads), y)).toBe(true);
  });
});
