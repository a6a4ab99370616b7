/** cache_append: rows of floats narrowed into a cache in place. */
import { describe, expect, it } from 'vitest';
import { type CacheType, cacheTypes, pageTable } from '../../bench/cases/cache.js';
import { bfloatBits, halfBits } from '../../lib/build/scalar.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { roundHalfEven, type TypedArray } from '../../lib/dtype.js';
import { CACHE_PAGE, cacheAppendParams } from '../../lib/kernels/cache.js';
import { callKernel, randomFloats, rowsOf } from './harness.js';

interface AppendCase {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly rows: number;
  readonly keyHeads?: number;
  readonly width: number;
  readonly depth?: number;
  readonly capacity: number;
  readonly paged?: boolean;
  /** New rows are [batch, keyHeads, rows, width]. */
  readonly headsFirst?: boolean;
  readonly keysOnly?: boolean;
}

const cases: readonly AppendCase[] = [
  ...[1, 3, 4, 7, 8, 15, 16, 17, 31, 64, 100].map((width) => ({ name: `width ${width}`, lengths: [5], rows: 2, width, capacity: 20 })),
  { name: 'batch', lengths: [0, 17, 3], rows: 3, width: 12, depth: 5, capacity: 20 },
  { name: 'heads first', lengths: [0, 17, 3], rows: 3, width: 12, depth: 5, capacity: 20, headsFirst: true },
  { name: 'pages', lengths: [60, 128, 0], rows: 70, width: 8, capacity: 256, paged: true },
  { name: 'keys only', lengths: [4], rows: 1, width: 8, capacity: 5, keysOnly: true },
  { name: 'no rows', lengths: [5], rows: 0, width: 8, capacity: 5 },
  { name: 'many', lengths: [100, 3], rows: 200, keyHeads: 4, width: 48, capacity: 300 },
];

/** What a row of floats becomes, and its scale. */
function narrowed(type: CacheType, x: Float32Array): { stored: number[]; scale: number } {
  if (type === 'f32') return { stored: [...x], scale: 1 };
  if (type === 'f16') return { stored: [...x].map(halfBits), scale: 1 };
  if (type === 'bf16') return { stored: [...x].map(bfloatBits), scale: 1 };
  const largest = x.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  if (largest === 0) return { stored: [...x].map(() => 0), scale: 0 };
  const tries = x.length > 64 ? 1 : x.length > 16 ? Math.floor(1024 / x.length) : 64;
  const ways = Array.from({ length: tries }, (_, t) => {
    const range = 127 - t / 4;
    const inverse = Math.fround(range / largest);
    const stored = [...x].map((v) => roundHalfEven(Math.fround(v * inverse)));
    const squares = stored.reduce((sum, code, i) => sum + roundHalfEven((Math.fround((x[i] as number) * inverse) - code) * 256) ** 2, 0);
    return { stored, scale: Math.fround(largest / range), loss: Math.fround(squares / Math.fround(range * range)) };
  });
  return ways.reduce((best, way) => (way.loss < best.loss ? way : best));
}

const arrays = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, i8: Int8Array };

function layoutOf(c: AppendCase) {
  const { keyHeads = 2, width, capacity, rows } = c;
  const batch = c.lengths.length;
  const depth = c.depth ?? width;
  const blocks = capacity / CACHE_PAGE;
  const pages = c.paged ? batch * blocks + 1 : 0;
  const strides = (n: number) => (c.headsFirst ? [keyHeads * rows * n, n, rows * n] : [rows * keyHeads * n, keyHeads * n, n]);
  const params = { batch, keyHeads, rows, capacity, pages, width, depth, strideK: strides(width), strideV: strides(depth) };
  return { params, tokens: pages > 0 ? pages * keyHeads * CACHE_PAGE : batch * keyHeads * capacity, table: c.paged ? pageTable(batch, blocks) : undefined };
}

function operandsOf(c: AppendCase, type: CacheType) {
  const { params: p, tokens, table } = layoutOf(c);
  const scales = () => (type === 'i8' ? new Float32Array(tokens).fill(7) : undefined);
  const cache = (n: number) => new arrays[type](tokens * n).fill(7);
  const count = p.batch * p.rows * p.keyHeads;
  const v = !c.keysOnly;
  return {
    outputs: [cache(p.width), v ? cache(p.depth) : undefined, scales(), v ? scales() : undefined] as (TypedArray | undefined)[],
    inputs: [randomFloats(count * p.width, 1, -3, 3), v ? randomFloats(count * p.depth, 2, -3, 3) : undefined, Int32Array.from(c.lengths), table],
  };
}

function expected(c: AppendCase, type: CacheType): (TypedArray | undefined)[] {
  const { params: p, table } = layoutOf(c);
  const { outputs, inputs } = operandsOf(c, type);
  [0, 1].forEach((which) => {
    const [to, scales, from] = [outputs[which] as Float32Array | undefined, outputs[2 + which] as Float32Array | undefined, inputs[which] as Float32Array];
    if (to === undefined) return;
    const [n, stride] = which === 0 ? [p.width, p.strideK] : [p.depth, p.strideV];
    c.lengths.forEach((length, b) => {
      for (let i = 0; i < p.rows; i++)
        for (let h = 0; h < p.keyHeads; h++) {
          const t = length + i;
          const page = table?.[(b * p.capacity) / CACHE_PAGE + Math.floor(t / CACHE_PAGE)];
          const row = page === undefined ? (b * p.keyHeads + h) * p.capacity + t : (page * p.keyHeads + h) * CACHE_PAGE + (t % CACHE_PAGE);
          const at = b * (stride[0] as number) + i * (stride[1] as number) + h * (stride[2] as number);
          const { stored, scale } = narrowed(type, from.subarray(at, at + n));
          to.set(stored, row * n);
          if (scales !== undefined) scales[row] = scale;
        }
    });
  });
  return outputs;
}

const bytes = (a: TypedArray | undefined) => Buffer.from((a as Float32Array).buffer);

describe.each(cacheTypes)('%s', (type) => {
  describe.each(rowsOf('cache_append', type))('$name', (row: KernelRow) => {
    it.each(cases)('$name', (c) => {
      for (const threads of [1, 3]) {
        const { outputs, inputs } = operandsOf(c, type);
        callKernel(row, cacheAppendParams, layoutOf(c).params, outputs, inputs, { threads });
        const wrong = expected(c, type).findIndex((want, i) => want !== outputs[i] && Buffer.compare(bytes(want), bytes(outputs[i])) !== 0);
        expect(wrong).toBe(-1);
      }
    });

    const small: AppendCase = { name: '', lengths: [3, 60], rows: 4, width: 6, capacity: 128, paged: true };

    it('finds lengths and pages outside of the cache while it runs', () => {
      for (const paged of [true, false]) {
        const c = { ...small, paged };
        const call = (lengths: number[], table?: number[]) => () => {
          const { outputs, inputs } = operandsOf(c, type);
          callKernel(row, cacheAppendParams, layoutOf(c).params, outputs, [
            inputs[0],
            inputs[1],
            Int32Array.from(lengths),
            table === undefined ? inputs[3] : Int32Array.from(table),
          ]);
        };
        expect(call([3, 124])).not.toThrow();
        for (const bad of [-1, 125, -(2 ** 31), 2 ** 31 - 1]) expect(call([3, bad])).toThrow(/index/i);
        if (!paged) continue;
        expect(call([3, 60], [0, 0, 0, 0])).not.toThrow();
        for (const bad of [-1, 5, 2 ** 31 - 1]) expect(call([3, 60], [0, 0, 1, bad])).not.toThrow();
        for (const bad of [-1, 5, 2 ** 31 - 1]) expect(call([3, 62], [0, 0, 1, bad])).toThrow(/index/i);
      }
    });

    it('refuses parameters that reach outside its operands', () => {
      const { params: good } = layoutOf(small);
      const call = (changed: Partial<typeof good>, short = -1) => {
        const { outputs, inputs } = operandsOf(small, type);
        const all = [...outputs, ...inputs].map((a, i) => (i === short ? a?.slice(1) : a)) as (TypedArray | undefined)[];
        return () => callKernel(row, cacheAppendParams, { ...good, ...changed }, all.slice(0, 4), all.slice(4));
      };
      expect(call({})).not.toThrow();
      for (const field of ['batch', 'keyHeads', 'rows', 'capacity', 'pages', 'width', 'depth'] as const) {
        expect(call({ [field]: -1 })).toThrow(/kernel/);
        expect(call({ [field]: 2 ** 52 })).toThrow(/kernel/);
        expect(call({ [field]: 2 * good[field] })).toThrow(/must/);
      }
      for (const field of ['strideK', 'strideV'] as const) {
        expect(call({ [field]: [-1, 0, 0] })).toThrow(/strides/);
        expect(call({ [field]: [1, 1, 1 << 20] })).toThrow(/strides/);
      }
      for (let i = 0; i < 8; i++) if (type === 'i8' || (i !== 2 && i !== 3)) expect(call({}, i)).toThrow(/must/);
    });

    if (type === 'i8') {
      it('marks a row that is not finite, and keeps zeros', () => {
        const c: AppendCase = { name: '', lengths: [0], rows: 4, keyHeads: 1, width: 19, capacity: 4, keysOnly: true };
        const { outputs, inputs } = operandsOf(c, type);
        const x = inputs[0] as Float32Array;
        x[3] = Number.NaN;
        x[20] = -Infinity;
        x.fill(0, 38, 57);
        x.fill(1e-35, 57);
        callKernel(row, cacheAppendParams, layoutOf(c).params, outputs, inputs);
        expect([...(outputs[2] as Float32Array)]).toEqual([Number.NaN, Number.NaN, 0, 0]);
        expect((outputs[0] as Int8Array).subarray(38)).toEqual(new Int8Array(38));
      });
    }
  });
});
