/** Products with weights of few bits: integers and their order of addition bit for bit, floats within their rounding. */
import { describe, expect, it } from 'vitest';
import { type LowBitCase, lowBitCases } from '../../bench/cases/lowbit.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import {
  LOWBIT_GROUP,
  lowBitFloatParams,
  lowBitGemmParams,
  lowBitPackedBytes,
  lowBitPackParams,
  lowBitQuantizeParams,
  lowBitZeros,
} from '../../lib/kernels/lowbit.js';
import { callKernel, mulberry32, randomFloats, rowNamed, rowsOf } from './harness.js';

const f = Math.fround;

/** To the nearest integer, ties to even. */
function rint(v: number): number {
  const r = Math.round(v);
  return Math.abs(v % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

interface Operands {
  readonly x: Float32Array;
  /** [n, k], unsigned. */
  readonly codes: Uint8Array;
  /** [n, blocks] */
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly blocks: number;
}

function operandsOf(c: LowBitCase): Operands {
  const next = mulberry32(c.n * 7 + c.k + c.bits);
  const blocks = Math.ceil(c.k / c.block);
  const levels = 2 ** c.bits;
  const whole = () => Math.floor(next() * levels);
  const count = c.n * blocks;
  return {
    x: randomFloats(c.m * c.k, 3),
    codes: Uint8Array.from({ length: c.n * c.k }, whole),
    scales: Float32Array.from({ length: count }, () => 0.01 + next()),
    zeros: Float32Array.from({ length: count }, () => (c.zeros === 'packed' ? whole() : c.zeros === 'floats' ? next() * levels : levels / 2)),
    bias: c.bias ? randomFloats(c.n, 5) : undefined,
    blocks,
  };
}

/** A stream of bits, rows beginning at whole bytes. */
function bitsOf(values: ArrayLike<number>, rows: number, bits: number): { bytes: Uint8Array; stride: number } {
  const row = rows === 0 ? 0 : values.length / rows;
  const stride = Math.ceil((row * bits) / 8);
  const bytes = new Uint8Array(rows * stride);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < row; i++) {
      for (let b = 0; b < bits; b++) {
        const at = i * bits + b;
        if ((((values[r * row + i] as number) >> b) & 1) === 1) bytes[r * stride + (at >> 3)] = (bytes[r * stride + (at >> 3)] as number) | (1 << (at & 7));
      }
    }
  }
  return { bytes, stride: stride * 8 };
}

const groupOf = (c: LowBitCase) => (c.block <= LOWBIT_GROUP ? Math.ceil(c.block / 16) * 16 : LOWBIT_GROUP);
const shapeOf = (c: LowBitCase) => ({ n: c.n, k: c.k, group: groupOf(c), bits: c.bits, zeros: c.zeros === undefined ? 0 : 1 });
const paramsOf = (c: LowBitCase) => ({ m: c.m, ldc: c.n + (c.gap ?? 0), ...shapeOf(c), zero: 2 ** (c.bits - 1) });

function pack(c: LowBitCase, o: Operands, nr: number, threads = 1): Uint8Array {
  // Rows of k in whole units, as files have them; rows of codes must be whole codes apart.
  const padded = Math.ceil(c.k / 8) * 8;
  const wide = new Uint8Array(c.n * padded);
  for (let n = 0; n < c.n; n++) wide.set(o.codes.subarray(n * c.k, (n + 1) * c.k), n * padded);
  const zeros = c.zeros === 'packed' ? bitsOf(o.zeros, c.n, c.bits) : undefined;
  const panels = new Uint8Array(lowBitPackedBytes(shapeOf(c), nr)).fill(0xab);
  callKernel(
    rowNamed('lowbit_pack_scalar'),
    lowBitPackParams,
    {
      n: c.n,
      k: c.k,
      strideN: padded,
      strideK: 1,
      block: c.block,
      scaleN: o.blocks,
      scaleBlock: 1,
      zeroN: zeros?.stride ?? o.blocks,
      zeroBlock: zeros === undefined ? 1 : c.bits,
      group: groupOf(c),
      bits: c.bits,
      nr,
      flip: 0,
      zeros: lowBitZeros.value(c.zeros ?? 'constant'),
      reserved: 0,
    },
    [panels],
    [bitsOf(wide, c.n, c.bits).bytes, o.scales, zeros?.bytes ?? (c.zeros === 'floats' ? o.zeros : undefined)],
    { threads },
  );
  return panels;
}

interface Rows {
  readonly q: Int8Array;
  readonly scales: Float32Array;
  readonly sums: Int32Array;
}

/** What lowbit_quantize should do. */
function quantized(x: Float32Array, m: number, k: number, group: number): Rows {
  const [padded, groups] = [Math.ceil(k / 16) * 16, Math.ceil(k / group)];
  const rows = { q: new Int8Array(m * padded), scales: new Float32Array(m * groups), sums: new Int32Array(m * groups) };
  for (let i = 0; i < m; i++) {
    for (let g = 0; g < groups; g++) {
      const part = x.subarray(i * k + g * group, Math.min(i * k + (g + 1) * group, (i + 1) * k));
      const most = part.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, Math.abs(b)) : Number.NaN), 0);
      if (!(most >= 2 ** -100)) {
        rows.scales[i * groups + g] = Number.isNaN(most) ? Number.NaN : 0;
        continue;
      }
      rows.scales[i * groups + g] = f(most / 127);
      const inverse = f(127 / most);
      part.forEach((v, j) => {
        const whole = rint(f(v * inverse));
        rows.q[i * padded + g * group + j] = whole;
        rows.sums[i * groups + g] = (rows.sums[i * groups + g] as number) + whole;
      });
    }
  }
  return rows;
}

/** One result of lowbit_gemm, every operation as its header orders it. */
function result(c: LowBitCase, o: Operands, rows: Rows, i: number, n: number): number {
  const group = groupOf(c);
  const [padded, groups] = [Math.ceil(c.k / 16) * 16, Math.ceil(c.k / group)];
  let y = 0;
  for (let g = 0; g < groups; g++) {
    let acc = 0;
    for (let k = g * group; k < Math.min((g + 1) * group, c.k); k++) acc += (o.codes[n * c.k + k] as number) * (rows.q[i * padded + k] as number);
    const block = n * o.blocks + Math.floor((g * group) / c.block);
    const whole = f(acc - f((o.zeros[block] as number) * (rows.sums[i * groups + g] as number)));
    y = f(y + f(whole * f((o.scales[block] as number) * (rows.scales[i * groups + g] as number))));
  }
  return o.bias === undefined ? y : f(y + (o.bias[n] as number));
}

const titled = (rows: readonly KernelRow[]) => rows.flatMap((row) => lowBitCases.map((c) => ({ title: `${row.name}: ${c.bits} bits, ${c.name}`, row, c })));

describe('lowbit_gemm', () => {
  it.each(titled(rowsOf('lowbit_gemm', 'f32')))('$title', ({ row, c }) => {
    const o = operandsOf(c);
    const rows = quantized(o.x, c.m, c.k, groupOf(c));
    const params = paramsOf(c);
    for (const threads of [1, 3]) {
      const y = new Float32Array(Math.max(0, (c.m - 1) * params.ldc + c.n));
      callKernel(row, lowBitGemmParams, params, [y], [rows.q, rows.scales, rows.sums, pack(c, o, row.nr, threads), o.bias], { threads });
      for (let i = 0; i < c.m; i++) {
        for (let n = 0; n < c.n; n++) {
          const want = result(c, o, rows, i, n);
          if (!Object.is(y[i * params.ldc + n], want)) expect.fail(`row ${i}, column ${n}: ${y[i * params.ldc + n]}, expected ${want}`);
        }
      }
    }
  });
});

describe('lowbit_gemm_floats', () => {
  it.each(titled(rowsOf('lowbit_gemm_floats', 'f32')))('$title', ({ row, c }) => {
    const o = operandsOf(c);
    const params = paramsOf(c);
    const first = new Float32Array(c.m * params.ldc);
    for (const threads of [1, 3]) {
      const y = new Float32Array(c.m * params.ldc);
      callKernel(row, lowBitFloatParams, params, [y], [o.x, pack(c, o, row.nr), o.bias], { threads });
      if (threads === 1) first.set(y);
      else expect(y).toEqual(first);
    }
    for (let i = 0; i < c.m; i++) {
      for (let n = 0; n < c.n; n++) {
        let [sum, magnitude] = [0, 0];
        for (let k = 0; k < c.k; k++) {
          const block = n * o.blocks + Math.floor(k / c.block);
          const term = (o.x[i * c.k + k] as number) * ((o.codes[n * c.k + k] as number) - (o.zeros[block] as number)) * (o.scales[block] as number);
          sum += term;
          magnitude += Math.abs(term);
        }
        const bias = o.bias?.[n] ?? 0;
        // K roundings of the chain, two of each weight, one of the bias; twice as many where fma rounds twice.
        const bound = 2 * (c.k + 3) * 2 ** -24 * (magnitude + Math.abs(bias));
        expect(Math.abs((first[i * params.ldc + n] as number) - (sum + bias))).toBeLessThanOrEqual(bound);
      }
    }
  });
});

describe('lowbit_quantize', () => {
  it.each(rowsOf('lowbit_quantize', 'f32').map((row) => ({ title: row.name, row })))('$title', ({ row }) => {
    for (const [m, k, group] of [
      [5, 100, 32],
      [3, 256, 256],
      [2, 17, 16],
      [4, 300, 256],
    ] as const) {
      const x = randomFloats(m * k, k);
      x.set([0.5, 1.5, -2.5, 127], 0); // ties
      if (m > 2) {
        x.fill(0, k, 2 * k);
        x[2 * k + 1] = Number.NaN;
        x[3 * k - 1] = Number.NEGATIVE_INFINITY;
      }
      if (m > 3) x.fill(2 ** -120, 3 * k, 3 * k + 20);
      const want = quantized(x, m, k, group);
      for (const threads of [1, 2]) {
        const got = { q: new Int8Array(want.q.length).fill(9), scales: new Float32Array(want.scales.length), sums: new Int32Array(want.sums.length) };
        callKernel(row, lowBitQuantizeParams, { m, k, group, reserved: 0 }, [got.q, got.scales, got.sums], [x], { threads });
        expect(got).toEqual(want);
      }
    }
  });
});

describe('refusals', () => {
  const c: LowBitCase = { name: 'plain', m: 2, n: 4, k: 64, bits: 4, block: 32 };
  const row = rowNamed('lowbit_gemm_scalar');
  const call = (params: object, short = 0) => {
    const o = operandsOf(c);
    const rows = quantized(o.x, c.m, c.k, 32);
    const y = new Float32Array(c.m * c.n);
    callKernel(row, lowBitGemmParams, { ...paramsOf(c), ...params }, [y], [rows.q, rows.scales, rows.sums, pack(c, o, row.nr).subarray(short), undefined]);
  };
  it('of sizes and parameters', () => {
    call({});
    for (const bad of [
      { m: 3 },
      { n: 6 },
      { k: 80 },
      { m: -1 },
      { ldc: 3 },
      { group: 0 },
      { group: 24 },
      { group: 512 },
      { bits: 5 },
      { zeros: 2 },
      { zero: 256 },
    ])
      expect(() => call(bad), JSON.stringify(bad)).toThrow();
    expect(() => call({}, 64)).toThrow(/packed/);
  });
});
