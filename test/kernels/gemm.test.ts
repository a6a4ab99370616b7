import { describe, expect, it } from 'vitest';
import { edgeCases, type GemmCase, gemmCaseParams, gemmDirectCaseParams, gemmSizes } from '../../bench/cases/gemm.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { activation } from '../../lib/kernels/epilogue.js';
import { gemmDirectParams, gemmPackBParams, gemmParams } from '../../lib/kernels/gemm.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';

interface Operands {
  a: Float32Array;
  b: Float32Array;
  bias: Float32Array | undefined;
  residual: Float32Array | undefined;
}

function operandsOf(c: GemmCase): Operands {
  const s = gemmSizes(c, 1);
  return {
    a: randomFloats(s.a.size, 1),
    b: randomFloats(s.b.size, 2),
    bias: c.bias && randomFloats(s.bias, 3),
    residual: c.residual ? randomFloats(s.residual.size, 4) : undefined,
  };
}

const erf = (x: number): number => {
  // Taylor series: enough terms for |x| ≤ 6 in double
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};

/** The activations in double, from their formulas. */
function act(c: GemmCase, x: number): number {
  const { alpha = 0, beta = 0 } = c;
  switch (c.activation ?? 'none') {
    case 'none':
      return x;
    case 'relu':
      return Math.max(x, 0);
    case 'clip':
      return Math.min(Math.max(x, alpha), beta);
    case 'leakyRelu':
      return x < 0 ? alpha * x : x;
    case 'elu':
      return x < 0 ? alpha * Math.expm1(x) : x;
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'hardSigmoid':
      return Math.max(0, Math.min(1, alpha * x + beta));
    case 'silu':
      return x / (1 + Math.exp(-x));
    case 'hardSwish':
      return x * Math.max(0, Math.min(1, x / 6 + 0.5));
    case 'tanh':
      return Math.tanh(x);
    case 'gelu':
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case 'geluTanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 'softplus':
      return Math.log1p(Math.exp(x));
    default:
      return x * Math.tanh(Math.log1p(Math.exp(x)));
  }
}

interface Expected {
  readonly y: Float64Array;
  readonly bound: Float64Array;
}
const known = new Map<GemmCase, Expected>();

/** The reference is slow and every row has the same cases. */
function reference(c: GemmCase, o: Operands): Expected {
  let found = known.get(c);
  if (found === undefined) {
    found = define(c, o);
    known.set(c, found);
  }
  return found;
}

/** The definition in double, and how far a float32 result may be from it. */
function define(c: GemmCase, o: Operands): Expected {
  const s = gemmSizes(c, 1);
  const y = new Float64Array(s.y.size);
  const bound = new Float64Array(s.y.size);
  const f32 = (v: number | undefined) => Math.fround(v ?? 1);
  const at = (strides: readonly number[], index: readonly number[]) => strides.reduce((sum, v, d) => sum + v * (index[d] as number), 0);
  const total = s.batch.reduce((p, d) => p * d, 1);
  for (let i = 0; i < total; i++) {
    const index: number[] = [];
    for (let d = 3, rest = i; d >= 0; d--) {
      index[d] = rest % (s.batch[d] as number);
      rest = Math.floor(rest / (s.batch[d] as number));
    }
    const [a0, b0, y0, r0] = [at(s.a.strides, index), at(s.b.strides, index), at(s.y.strides, index), at(s.residual.strides, index)];
    for (let m = 0; m < c.m; m++) {
      for (let n = 0; n < c.n; n++) {
        let sum = 0;
        let size = 0;
        for (let k = 0; k < c.k; k++) {
          const a = o.a[a0 + (c.transA ? k * c.m + m : m * c.k + k)] as number;
          const b = o.b[b0 + (c.transB ? n * c.k + k : k * c.n + n)] as number;
          sum += a * b;
          size += Math.abs(a * b);
        }
        const biasAt = { column: n, row: m, one: 0, matrix: m * c.n + n }[c.bias ?? 'one'];
        const add = (o.bias?.[biasAt] ?? 0) + (o.residual?.[r0 + m * c.n + n] ?? 0);
        const x = f32(c.scale) * sum + f32(c.addScale) * add;
        // k+4 roundings, each at most 2^-24 of the magnitudes so far; every activation here has slope ≤ 1.13 and its own
        // error of a few ulp of a value that is at most |x|+1
        const magnitude = Math.abs(f32(c.scale)) * size + Math.abs(f32(c.addScale)) * ((o.bias ? 1 : 0) + (o.residual ? 1 : 0));
        const at2 = y0 + m * s.ldc + n;
        y[at2] = act(c, x);
        bound[at2] = 1.2 * (c.k + 4) * 2 ** -24 * magnitude + (c.activation ? 8 * 2 ** -24 * (Math.abs(x) + 1) : 0);
      }
    }
  }
  return { y, bound };
}

function pack(row: KernelRow, c: GemmCase, b: Float32Array, threads = 1): Float32Array {
  const s = gemmSizes(c, row.nr);
  const packed = new Float32Array(s.packed.size);
  const params = { count: s.count, k: c.k, n: c.n, ldb: c.transB ? c.k : c.n, stride: c.n * c.k, transB: c.transB ? 1 : 0, nr: row.nr };
  callKernel(rowNamed('gemm_pack_b_scalar'), gemmPackBParams, params, [packed], [b], { threads });
  return packed;
}

function gemm(row: KernelRow, c: GemmCase, o: Operands, threads: number): Float32Array {
  const s = gemmSizes(c, row.nr);
  const y = new Float32Array(s.y.size);
  const params = gemmCaseParams(c, row.nr, activation.value(c.activation ?? 'none'));
  callKernel(row, gemmParams, params, [y], [o.a, pack(row, c, o.b), o.bias, o.residual], { threads });
  return y;
}

describe.each(rowsOf('gemm', 'f32'))('$name', (row) => {
  it.each(edgeCases)('$name', (c) => {
    const o = operandsOf(c);
    const { y, bound } = reference(c, o);
    const one = gemm(row, c, o, 1);
    for (let i = 0; i < y.length; i++) {
      const error = Math.abs((one[i] as number) - (y[i] as number));
      if (!(error <= (bound[i] as number))) expect.fail(`element ${i}: ${one[i]} instead of ${y[i]}, off by ${error}, at most ${bound[i]}`);
    }
    for (const threads of [2, 3]) expect(gemm(row, c, o, threads)).toEqual(one);
  });

  it('does not depend on the number of threads where tiles are many', () => {
    for (const c of [
      { name: 'tall', m: 700, n: 90, k: 300 },
      { name: 'wide', m: 5, n: 2500, k: 300 },
      { name: 'batch', m: 60, n: 60, k: 60, batch: [7] },
    ]) {
      const o = operandsOf(c);
      const one = gemm(row, c, o, 1);
      for (const threads of [2, 3]) expect(Buffer.compare(Buffer.from(gemm(row, c, o, threads).buffer), Buffer.from(one.buffer))).toBe(0);
    }
  });

  it('passes NaN and infinities through sums and clamps', () => {
    const c: GemmCase = { name: '', m: 2, n: 3, k: 2, activation: 'relu' };
    const o: Operands = {
      a: Float32Array.of(Number.NaN, 1, 1, 1),
      b: Float32Array.of(1, Infinity, -Infinity, 1, 1, -1),
      bias: undefined,
      residual: undefined,
    };
    expect([...gemm(row, c, o, 1)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 2, Infinity, 0]);
    expect([...gemm(row, { ...c, activation: 'clip', alpha: -1, beta: 1 }, o, 1)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 1, 1, -1]);
  });

  it('refuses parameters that reach outside its operands', () => {
    const c: GemmCase = { name: '', m: 4, n: 5, k: 3, bias: 'column', residual: true };
    const o = operandsOf(c);
    const good = gemmCaseParams(c, row.nr, 0);
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, gemmParams, { ...good, ...changed }, [new Float32Array(20)], [o.a, pack(row, c, o.b), o.bias, o.residual]);
    expect(call({})).not.toThrow();
    for (const field of ['m', 'n', 'k'] as const) {
      expect(call({ [field]: -1 })).toThrow(/must not be negative/);
      expect(call({ [field]: good[field] + row.nr })).toThrow(/must hold/);
      expect(call({ [field]: 2 ** 52 })).toThrow(/kernel/);
    }
    expect(call({ batch: [1, 1, 1, 2] })).toThrow(/must hold/);
    expect(call({ batch: [2 ** 40, 2 ** 40, 1, 1] })).toThrow(/overflow/);
    expect(call({ lda: 4 })).toThrow(/a must hold/);
    expect(call({ lda: -1 })).toThrow(/row strides/);
    expect(call({ ldc: 6 })).toThrow(/output must hold/);
    expect(call({ ldc: 4 })).toThrow(/ldc/);
    expect(call({ biasRow: 1 })).toThrow(/bias/);
    expect(call({ residualRow: 6 })).toThrow(/residual/);
    expect(call({ activation: 99 })).toThrow(/activation/);
    expect(call({ transA: 2 })).toThrow(/flags/);
    expect(call({ strideA: [0, 0, 0, -1] })).toThrow(/strides/);
  });
});

const directCases = edgeCases.filter((c) => !c.transA && c.m <= 30).flatMap((c) => [c, { ...c, name: `${c.name}, b exchanged`, transB: !c.transB }]);

describe.each(rowsOf('gemm_direct', 'f32'))('$name', (row) => {
  const direct = (c: GemmCase, o: Operands, threads: number) => {
    const y = new Float32Array(gemmSizes(c, 1).y.size);
    callKernel(row, gemmDirectParams, gemmDirectCaseParams(c, activation.value(c.activation ?? 'none')), [y], [o.a, o.b, o.bias, o.residual], { threads });
    return y;
  };
  it.each(directCases)('$name', (c) => {
    const o = operandsOf(c);
    const { y, bound } = reference(c, o);
    const one = direct(c, o, 1);
    for (let i = 0; i < y.length; i++) {
      const error = Math.abs((one[i] as number) - (y[i] as number));
      if (!(error <= (bound[i] as number))) expect.fail(`element ${i}: ${one[i]} instead of ${y[i]}, off by ${error}, at most ${bound[i]}`);
    }
    for (const threads of [2, 3]) expect(direct(c, o, threads)).toEqual(one);
  });
  it('refuses parameters that reach outside its operands', () => {
    const c: GemmCase = { name: '', m: 4, n: 5, k: 3, bias: 'column', residual: true };
    const o = operandsOf(c);
    const good = gemmDirectCaseParams(c, 0);
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, gemmDirectParams, { ...good, ...changed }, [new Float32Array(20)], [o.a, o.b, o.bias, o.residual]);
    expect(call({})).not.toThrow();
    expect(call({ ldb: 4 })).toThrow(/at least a row/);
    expect(call({ ldb: 6 })).toThrow(/b must hold/);
    expect(call({ lda: 4 })).toThrow(/a must hold/);
    expect(call({ transB: 1 })).toThrow(/b must hold|least/);
    expect(call({ k: 2 ** 52 })).toThrow(/kernel/);
    expect(call({ n: 6 })).toThrow(/must hold/);
    expect(call({ transB: 2 })).toThrow(/flags/);
  });
});

describe('gemm_pack_b_scalar', () => {
  it.each([
    [1, 5, 7, 4],
    [2, 33, 17, 16],
    [1, 3, 64, 32],
    [3, 16, 31, 32],
  ])('count %i k %i n %i nr %i', (count, k, n, nr) => {
    for (const transB of [0, 1]) {
      const b = randomFloats(count * k * n, 5);
      const panels = Math.ceil(n / nr);
      const expected = new Float32Array(count * panels * k * nr);
      for (let c = 0; c < count; c++) {
        for (let i = 0; i < k; i++) {
          for (let j = 0; j < n; j++) {
            expected[((c * panels + Math.floor(j / nr)) * k + i) * nr + (j % nr)] = b[c * k * n + (transB ? j * k + i : i * n + j)] as number;
          }
        }
      }
      for (const threads of [1, 2, 3]) {
        const packed = new Float32Array(expected.length).fill(9);
        callKernel(rowNamed('gemm_pack_b_scalar'), gemmPackBParams, { count, k, n, ldb: transB ? k : n, stride: k * n, transB, nr }, [packed], [b], {
          threads,
        });
        expect(packed).toEqual(expected);
      }
    }
  });
});
