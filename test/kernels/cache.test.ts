/** attention_cached and attention_merge. */
import { describe, expect, it } from 'vitest';
import { type CachedCase, type CacheType, cachedInputs, cachedLayout, cacheTypes, edgeCases } from '../../bench/cases/cache.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { cachedAttentionParams } from '../../lib/kernels/cache.js';
import { cachedReference, type Reference, type Rounding } from './cache-reference.js';
import { callKernel, rowsOf } from './harness.js';

const references = new Map<string, Reference>();
function referenceOf(c: CachedCase, type: CacheType, rounding: Rounding): Reference {
  const key = `${type} ${rounding} ${c.name}`;
  let r = references.get(key);
  if (r === undefined) {
    r = cachedReference(c, type, cachedInputs(c, type), rounding);
    references.set(key, r);
  }
  return r;
}

/** Matrix units of GPUs take many queries, rounded to the type of the cache; what else such a row computes is not rounded. */
const usesMatrixUnits = (c: CachedCase) => c.rows > 16 && c.bias === undefined && !c.slopes && Math.max(c.width, c.depth ?? 0) <= 256;
const roundingOf = (row: KernelRow, c: CachedCase): Rounding =>
  ['avx512vnni', 'dotprod'].includes(row.isa) ? 'integers' : row.isa === 'sm80' && usesMatrixUnits(c) ? 'type' : 'none';
const bytes = (a: Float32Array) => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

function run(row: KernelRow, c: CachedCase, inputs: ReturnType<typeof cachedInputs>, threads = 1, changed: object = {}): Float32Array {
  const { params, sizes } = cachedLayout(c);
  const y = new Float32Array(sizes.y).fill(77);
  callKernel(row, cachedAttentionParams, { ...params, ...changed }, [y], inputs, { threads });
  return y;
}

/** The same by partial sums of splits. */
function runSplit(row: KernelRow, c: CachedCase, inputs: ReturnType<typeof cachedInputs>, threads: number): Float32Array {
  const { params, sizes, partials } = cachedLayout(c);
  const sums = new Float32Array(partials).fill(77);
  callKernel(row, cachedAttentionParams, { ...params, split: 1 }, [sums], inputs, { threads });
  const merge = rowsOf('attention_merge', 'f32').find((r) => r.isa === row.isa) ?? rowsOf('attention_merge', 'f32')[0];
  const y = new Float32Array(sizes.y).fill(77);
  callKernel(merge as KernelRow, cachedAttentionParams, { ...params, split: 1 }, [y], [sums, inputs[5], inputs[9]], { threads });
  return y;
}

describe.each(cacheTypes)('%s', (type) => {
  describe.each(rowsOf('attention_cached', type))('$name', (row) => {
    it.each(edgeCases)('$name', (c) => {
      const inputs = cachedInputs(c, type);
      const { y, bound } = referenceOf(c, type, roundingOf(row, c));
      const one = run(row, c, inputs);
      for (let i = 0; i < y.length; i++) {
        const [have, want] = [one[i] as number, y[i] as number];
        if (Number.isNaN(want) ? !Number.isNaN(have) : !(Math.abs(have - want) <= (bound[i] as number)))
          expect.fail(`element ${i}: ${have} instead of ${want}, at most ${bound[i]} off`);
      }
      expect(Buffer.compare(bytes(run(row, c, inputs, 3)), bytes(one))).toBe(0);
      if (c.rows > 4) return;
      expect(Buffer.compare(bytes(runSplit(row, c, inputs, 3)), bytes(one))).toBe(0);
    });

    const small: CachedCase = { name: '', heads: 2, keyHeads: 1, rows: 1, capacity: 128, width: 8, lengths: [64, 3], causal: true };

    it.each([1, 9])('finds lengths and pages outside of the cache while it runs, %i queries', (rows) => {
      for (const paged of [false, true]) {
        const c = { ...small, rows, paged };
        const inputs = cachedInputs(c, type);
        const lengths = inputs[5] as Int32Array;
        for (const bad of [-1, -(2 ** 31), 129 - rows, 2 ** 31 - 1]) {
          lengths[1] = bad;
          expect(() => run(row, c, inputs)).toThrow(/index/i);
          if (rows === 1) expect(() => runSplit(row, c, inputs, 1)).toThrow(/index/i);
        }
        lengths[1] = 128 - rows;
        run(row, c, inputs);
        if (!paged) continue;
        const pages = inputs[6] as Int32Array;
        for (const bad of [-1, cachedLayout(c).params.pages, 2 ** 31 - 1]) {
          const good = pages[1] as number;
          pages[1] = bad;
          expect(() => run(row, c, inputs)).toThrow(/index/i);
          pages[1] = good;
        }
      }
    });

    it.each([1, 9])('does not read tokens that no query sees, %i queries', (rows) => {
      const c = { ...small, rows, lengths: [10, 20], window: 4 };
      const inputs = cachedInputs(c, type);
      const clean = run(row, c, inputs);
      const [k, v, kScales, vScales] = inputs.slice(1, 5) as [Float32Array, Float32Array, Float32Array, Float32Array];
      c.lengths.forEach((length, b) => {
        for (let t = 0; t < c.capacity; t++) {
          if (t >= length - 3 && t < length + rows) continue;
          const at = b * c.capacity + t;
          if (type !== 'i8') {
            k.fill(type === 'f32' ? Number.NaN : 0xffff, at * 8, at * 8 + 8);
            v.fill(type === 'f32' ? Number.NaN : 0xffff, at * 8, at * 8 + 8);
          } else {
            kScales[at] = Number.NaN;
            vScales[at] = Number.NaN;
          }
        }
      });
      expect(run(row, c, inputs)).toEqual(clean);
    });

    it.each([1, 9])('passes NaN and +∞ of a query on to its row and no further, %i queries', (rows) => {
      const c = { ...small, rows, lengths: [10, 20] };
      const inputs = cachedInputs(c, type);
      const clean = run(row, c, inputs);
      for (const bad of [Number.NaN, Infinity]) {
        const q = Float32Array.from(inputs[0] as Float32Array);
        q[8] = bad;
        q[9] = Number.NaN;
        const y = run(row, c, [q, ...inputs.slice(1)]);
        expect([...y.subarray(8, 16)]).toEqual(new Array(8).fill(Number.NaN));
        expect(y.subarray(0, 8)).toEqual(clean.subarray(0, 8));
        expect(y.subarray(16)).toEqual(clean.subarray(16));
      }
    });

    it('refuses parameters that reach outside its operands', () => {
      const c: CachedCase = { ...small, bias: { perHead: true, perToken: true }, slopes: true, sinks: true, paged: true };
      const inputs = cachedInputs(c, type);
      const good = cachedLayout(c).params;
      const call = (changed: Partial<typeof good>) => () => run(row, c, inputs, 1, changed);
      expect(call({})).not.toThrow();
      for (const field of ['batch', 'heads', 'keyHeads', 'rows', 'fresh', 'capacity', 'pages', 'width', 'depth', 'window'] as const) {
        expect(call({ [field]: -1 })).toThrow(/kernel/);
        if (field !== 'window') expect(call({ [field]: 2 ** 52 })).toThrow(/kernel/);
      }
      for (const field of ['batch', 'heads', 'rows', 'capacity', 'pages', 'width', 'depth'] as const)
        expect(call({ [field]: 2 * good[field] })).toThrow(/must/);
      expect(call({ keyHeads: 0 })).toThrow(/keyHeads/);
      expect(call({ heads: 3, keyHeads: 2 })).toThrow(/keyHeads/);
      expect(call({ capacity: 96 })).toThrow(/multiple of 64/);
      expect(call({ fresh: 129 })).toThrow(/fresh/);
      expect(call({ pages: 0 })).not.toThrow();
      for (const field of ['strideQ', 'strideY', 'strideBias'] as const) {
        expect(call({ [field]: [-1, 0, 0] })).toThrow(/strides/);
        expect(call({ [field]: [good[field][0] as number, 1 << 20, 1 << 20] })).toThrow(/strides/);
      }
      expect(call({ causal: 2 })).toThrow(/flags/);
      expect(call({ columnBias: 2 })).toThrow(/flags/);
      expect(call({ split: 1 })).toThrow(/partials/);
      expect(call({ empty: 3 })).toThrow(/AttentionEmpty/);
      const short = (i: number) => () =>
        run(
          row,
          c,
          inputs.map((a, j) => (i === j ? a?.slice(1) : a)),
        );
      inputs.forEach((a, i) => {
        if (a !== undefined) expect(short(i)).toThrow(/must/);
      });
    });
  });
});
