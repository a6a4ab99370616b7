import { describe, expect, it } from 'vitest';
import { edgeCases, type GemmCase, gemmCaseParams, gemmDirectCaseParams, gemmSizes } from '../../bench/cases/gemm.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { activation } from '../../lib/kernels/epilogue.js';
import { gemmDirectParams, gemmPackBParams, gemmParams } from '../../lib/kernels/gemm.js';
import { expectWithin, gemmReferences, type Operands, operandsOf } from './gemm-reference.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';

/**
 * k+4 roundings, each at most 2^-24 of the magnitudes so far; every activation here has slope ≤ 1.13 and its own error of a
 * few ulp of a value that is at most |x|+1.
 */
const reference = gemmReferences((c, magnitude, x) => 1.2 * (c.k + 4) * 2 ** -24 * magnitude + (c.activation ? 8 * 2 ** -24 * (Math.abs(x) + 1) : 0));

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
    const one = gemm(row, c, o, 1);
    expectWithin(one, reference(c, o));
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

const directCases = edgeCases
  .filter((c) => !c.transA && (c.m <= 30 || c.name === 'many whole tiles'))
  .flatMap((c) => [c, { ...c, name: `${c.name}, b exchanged`, transB: !c.transB }]);

describe.each(rowsOf('gemm_direct', 'f32'))('$name', (row) => {
  const direct = (c: GemmCase, o: Operands, threads: number) => {
    const y = new Float32Array(gemmSizes(c, 1).y.size);
    callKernel(row, gemmDirectParams, gemmDirectCaseParams(c, activation.value(c.activation ?? 'none')), [y], [o.a, o.b, o.bias, o.residual], { threads });
    return y;
  };
  it.each(directCases)('$name', (c) => {
    const o = operandsOf(c);
    const one = direct(c, o, 1);
    expectWithin(one, reference(c, o));
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

describe.each(rowsOf('gemm_pack_b', 'f32'))('$name', (row) => {
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
        callKernel(row, gemmPackBParams, { count, k, n, ldb: transB ? k : n, stride: k * n, transB, nr }, [packed], [b], { threads });
        expect(packed).toEqual(expected);
      }
    }
  });
});
