import { describe, expect, it } from 'vitest';
import { type AttentionCase, attentionInputs, attentionLayout, edgeCases } from '../../bench/cases/attention.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { attentionParams } from '../../lib/kernels/attention.js';
import { callKernel, rowsOf } from './harness.js';

type Inputs = ReturnType<typeof attentionInputs>;
const U = 2 ** -24;

/** Element types of rows, and the unit roundoff of what they round operands and weights to. */
const units = { f32: 0, f32f16: 2 ** -11, f32bf16: 2 ** -8 } as const;
type Types = keyof typeof units;

/** The definition in double, and how far a result may be from it that comes of float32, or of operands rounded before. */
function define(c: AttentionCase, [q, k, v, mask]: Inputs, types: Types): { y: Float64Array; bound: Float64Array } {
  const unit = units[types];
  // What is below the normal halves is off by so much.
  const least = types === 'f32f16' ? 2 ** -25 : 0;
  const { params: p, sizes } = attentionLayout(c);
  const y = new Float64Array(sizes.y);
  const bound = new Float64Array(sizes.y);
  const scale = Math.fround(p.scale);
  const at = (strides: readonly number[], index: readonly number[]) => strides.reduce((sum, s, d) => sum + s * (index[d] as number), 0);
  for (let b = 0; b < p.batch.reduce((n, d) => n * d, 1); b++) {
    const index: number[] = [];
    for (let d = 3, rest = b; d >= 0; d--) {
      index[d] = rest % (p.batch[d] as number);
      rest = Math.floor(rest / (p.batch[d] as number));
    }
    for (let i = 0; i < p.rows; i++) {
      const scores: number[] = [];
      let off = 0; // largest error of a score
      for (let j = 0; j < p.keys; j++) {
        if (p.causal && j > i + p.causalOffset) continue;
        let s = 0;
        let size = 0;
        let queries = 0;
        for (let d = 0; d < p.width; d++) {
          const term =
            (q[p.offsetQ + at(p.strideQ, index) + i * p.rowQ + d] as number) * (k[p.offsetK + at(p.strideK, index) + j * p.rowK + d] as number) * scale;
          s += term;
          size += Math.abs(term);
          queries += Math.abs(scale * (q[p.offsetQ + at(p.strideQ, index) + i * p.rowQ + d] as number));
        }
        const m = mask?.[p.offsetMask + at(p.strideMask, index) + i * p.rowMask + j * p.columnMask] as number;
        if (c.mask?.kind === 'add') s += m;
        else if (c.mask !== undefined && (m !== 0) !== (c.mask.kind === 'keepTrue')) s = Math.fround(p.fill);
        scores.push(s);
        // width products and sums, the scale and the mask: each rounds at most 2^-24 of what is there so far; both operands
        const rounded = (2.01 * unit + (unit > 0 ? 4 * U : 0)) * size + least * 1.01 * queries;
        if (Number.isFinite(s)) off = Math.max(off, (p.width + 3) * U * size + (unit > 0 ? 4 : 1) * U * Math.abs(s) + rounded);
      }
      const top = Math.max(...scores, -Infinity);
      const bottom = Math.min(...scores.filter(Number.isFinite), top);
      const e = scores.map((s) => Math.exp(s - top));
      const total = e.reduce((a, b) => a + b, 0);
      for (let d = 0; d < p.depth; d++) {
        let sum = 0;
        let size = 0;
        let lost = 0; // by values and weights that are no normal halves, which are times 2^15
        e.forEach((w, j) => {
          const x = v[p.offsetV + at(p.strideV, index) + j * p.rowV + d] as number;
          sum += w * x;
          size += w * Math.abs(x);
          lost += least * w + least * 2 ** -14 * Math.abs(x);
        });
        const to = at(p.strideY, index) + i * p.rowY + d;
        const none = p.keys === 0 ? 0 : c.empty === 'zero' || c.empty === 'zeroNan' ? 0 : Number.NaN;
        y[to] = top === -Infinity ? none : sum / total;
        // A weight is off by the errors of its score and of the largest one, by rounding s-m (|s-m| above 104 gives zero), by
        // exp (1 ulp, of rows that round 4) and by a factor for each block; sums of `keys` terms twice, the quotient; weights and values.
        const blocks = Math.ceil(p.keys / 32);
        const relative = 2 * off + 2.01 * unit + U * (Math.min(104, top - bottom) + 2 * p.keys + 6 * blocks + (unit > 0 ? 16 : 10));
        bound[to] = top === -Infinity ? 0 : (1.01 * (relative * size + lost)) / total + 1e-37;
      }
    }
  }
  return { y, bound };
}

const references = new Map<string, ReturnType<typeof define>>();
function reference(c: AttentionCase, types: Types): ReturnType<typeof define> {
  const key = `${types} ${c.name}`;
  let r = references.get(key);
  if (r === undefined) {
    r = define(c, attentionInputs(c), types);
    references.set(key, r);
  }
  return r;
}

function run(row: KernelRow, c: AttentionCase, inputs: Inputs, threads: number): Float32Array {
  const { params, sizes } = attentionLayout(c);
  const y = new Float32Array(sizes.y).fill(77);
  callKernel(row, attentionParams, params, [y], inputs, { threads });
  return y;
}

const bytes = (a: Float32Array) => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

describe.each((Object.keys(units) as Types[]).flatMap((types) => rowsOf('attention', types)))('$name', (row) => {
  it.each(edgeCases)('$name', (c) => {
    const inputs = attentionInputs(c);
    const { y, bound } = reference(c, row.dtypes as Types);
    const one = run(row, c, inputs, 1);
    for (let i = 0; i < y.length; i++) {
      const [have, want] = [one[i] as number, y[i] as number];
      if (Number.isNaN(want) ? !Number.isNaN(have) : !(Math.abs(have - want) <= (bound[i] as number)))
        expect.fail(`element ${i}: ${have} instead of ${want}, at most ${bound[i]} off`);
    }
    for (const threads of [2, 3, 4]) expect(Buffer.compare(bytes(run(row, c, inputs, threads)), bytes(one))).toBe(0);
  });

  const plain: AttentionCase = { name: '', rows: 16, keys: 300, width: 4 };
  const few: AttentionCase = { ...plain, rows: 2 };
  const many: AttentionCase = { ...plain, rows: 40 };
  const inputsOf = (c: AttentionCase): Inputs => attentionInputs(c);

  it.each([plain, few])('gives huge scores all the weight, $rows rows', (c) => {
    const [q, k, v] = inputsOf(c);
    q.fill(1e15);
    k.fill(-1e15);
    k.fill(1e15, 4 * 270, 4 * 271);
    const y = run(row, c, [q, k, v, undefined], 1);
    for (let i = 0; i < y.length; i++) expect(y[i]).toBe(v[4 * 270 + (i % 4)]);
  });

  it.each([plain, few, many])('passes NaN and +∞ on to the whole row and no further, $rows rows', (c) => {
    for (const bad of [Number.NaN, Infinity]) {
      const [q, k, v] = inputsOf(c);
      const clean = run(row, c, [q, k, v, undefined], 1);
      q[4] = bad;
      q[5] = 0;
      const y = run(row, c, [q, k, v, undefined], 1);
      expect([...y.subarray(4, 8)]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
      expect(y.subarray(0, 4)).toEqual(clean.subarray(0, 4));
      expect(y.subarray(8)).toEqual(clean.subarray(8));
      const zero = run(row, { ...c, empty: 'zeroNan' }, [q, k, v, undefined], 1);
      expect([...zero.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
    }
  });

  it.each([plain, many])('does not read keys that no query sees, $rows rows', ({ rows }) => {
    const c: AttentionCase = { ...plain, rows, causal: 0 };
    const [q, k, v] = inputsOf(c);
    const clean = run(row, c, [q, k, v, undefined], 1);
    k.fill(Number.NaN, 4 * rows);
    v.fill(Number.NaN, 4 * rows);
    expect(run(row, c, [q, k, v, undefined], 1)).toEqual(clean);
  });

  it('takes any size of what is not there', () => {
    const { params } = attentionLayout({ name: '', rows: 6, keys: 0, width: 8 });
    const huge = 2 ** 50;
    const y = new Float32Array(48).fill(7);
    callKernel(row, attentionParams, { ...params, width: huge }, [y], [new Float32Array(1), new Float32Array(1), new Float32Array(1), undefined]);
    expect(y).toEqual(new Float32Array(48));
    const none = { ...params, rows: 0, width: huge, keys: huge };
    callKernel(row, attentionParams, none, [y], [new Float32Array(1), new Float32Array(1), new Float32Array(1), undefined]);
  });

  it('refuses parameters that reach outside its operands', () => {
    const c: AttentionCase = { name: '', heads: 2, rows: 5, keys: 7, width: 3, mask: { kind: 'add', perRow: true, perKey: true } };
    const inputs = attentionInputs(c);
    const { params: good, sizes } = attentionLayout(c);
    const call = (changed: Partial<typeof good>) => () => callKernel(row, attentionParams, { ...good, ...changed }, [new Float32Array(sizes.y)], inputs);
    expect(call({})).not.toThrow();
    for (const field of ['rows', 'keys', 'width', 'depth'] as const) {
      expect(call({ [field]: -1 })).toThrow(/must not be negative/);
      expect(call({ [field]: good[field] + 1 })).toThrow(/must hold|at least/);
      expect(call({ [field]: 2 ** 52 })).toThrow(/kernel/);
    }
    expect(call({ batch: [1, 2, 2, 1] })).toThrow(/must hold/);
    expect(call({ batch: [2 ** 40, 2 ** 40, 1, 1] })).toThrow(/overflow/);
    for (const field of ['rowQ', 'rowK', 'rowV', 'rowY'] as const) {
      expect(call({ [field]: good[field] + 1 })).toThrow(/must hold/);
      expect(call({ [field]: -1 })).toThrow(/strides/);
    }
    expect(call({ rowK: 2 })).toThrow(/rowK/);
    expect(call({ rowV: 2 })).toThrow(/rowV/);
    expect(call({ rowY: 2 })).toThrow(/rowY/);
    for (const field of ['offsetQ', 'offsetK', 'offsetV', 'offsetMask'] as const) expect(call({ [field]: 1 })).toThrow(/must hold/);
    expect(call({ rowMask: 8 })).toThrow(/mask must hold/);
    expect(call({ columnMask: 2 })).toThrow(/flags/);
    expect(call({ mask: 9 })).toThrow(/AttentionMask/);
    expect(call({ empty: -1 })).toThrow(/AttentionEmpty/);
    expect(call({ causal: 2 })).toThrow(/flags/);
    expect(call({ causal: 1, causalOffset: 2 ** 50 })).toThrow(/causalOffset/);
    expect(call({ strideQ: [-1, 0, 0, 0] })).toThrow(/strides/);
  });
});
