import { describe, expect, it } from 'vitest';
import { dynamicQuantizeParams, integerConvParams, integerMatmulParams, quantizeParams, quantType, scaleLayout } from '../../lib/kernels/quantize.js';
import { callKernel, mulberry32, operandsOf, randomFloats, rowNamed, rowOf, rowsOf } from './harness.js';

type Name = (typeof quantType.members)[number];

const limits: Partial<Record<Name, [number, number]>> = {
  u8: [0, 255],
  i8: [-128, 127],
  u16: [0, 65535],
  i16: [-32768, 32767],
  u4: [0, 15],
  i4: [-8, 7],
  u2: [0, 3],
  i2: [-2, 1],
};
const arrays = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i16: Int16Array, i32: Int32Array, f32: Float32Array } as const;

function bitsOf(name: Name): number {
  return Number(/\d+/.exec(name)?.[0]);
}

/** Numbers as an array of a type; those below 8 bits are packed, low bits first. */
function pack(name: Name, values: readonly number[]) {
  const bits = bitsOf(name);
  if (bits >= 8) return arrays[name as keyof typeof arrays].from(values);
  const out = new Uint8Array(Math.ceil((values.length * bits) / 8));
  values.forEach((v, i) => {
    const at = Math.floor((i * bits) / 8);
    out[at] = (out[at] as number) | ((v & (2 ** bits - 1)) << ((i * bits) % 8));
  });
  return out;
}

function integers(length: number, seed: number, [low, high]: readonly [number, number]): number[] {
  const next = mulberry32(seed);
  return Array.from({ length }, () => low + Math.floor(next() * (high - low + 1)));
}

/** Half to even. */
function rint(v: number): number {
  const floor = Math.floor(v);
  if (v - floor !== 0.5) return Math.round(v);
  return floor % 2 === 0 ? floor : floor + 1;
}

describe.each([
  ['tensor', 1, 1],
  ['axis', 37, 1],
  ['blocked', 37, 8],
] as const)('linear quantization per %s', (layout, _, block) => {
  const [outer, axis, inner] = [3, 37, 11];
  const count = outer * axis * inner;
  const scales = layout === 'tensor' ? 1 : layout === 'axis' ? axis : outer * Math.ceil(axis / block) * inner;
  const scaleOf = (e: number) => {
    const [o, a, i] = [Math.floor(e / (axis * inner)), Math.floor(e / inner) % axis, e % inner];
    return layout === 'tensor' ? 0 : layout === 'axis' ? a : (o * Math.ceil(axis / block) + Math.floor(a / block)) * inner + i;
  };
  const scale = randomFloats(scales, 3, 0.01, 0.2);
  const base = { outer, axis, inner, block, layout: scaleLayout.value(layout), scale: quantType.value('f32'), precision: quantType.value('f32'), saturate: 1 };

  it.each(Object.keys(limits) as Name[])('rounds to %s', (to) => {
    const range = limits[to] as [number, number];
    const x = randomFloats(count, 4, -8, 8);
    x.set([NaN, Infinity, -Infinity, 1e38, -0]);
    const zero = integers(scales, 5, range);
    for (const threads of [1, 3]) {
      const y = pack(to, new Array(count).fill(0));
      callKernel(
        rowOf('quantize_linear', 'any'),
        quantizeParams,
        { ...base, from: quantType.value('f32'), to: quantType.value(to) },
        [y],
        [x, scale, pack(to, zero)],
        { threads },
      );
      const want = [...x].map((v, e) => {
        const q = rint(Math.fround(v / (scale[scaleOf(e)] as number))) + (zero[scaleOf(e)] as number);
        return Number.isNaN(q) ? (zero[scaleOf(e)] as number) : Math.min(Math.max(q, range[0]), range[1]);
      });
      expect(y).toEqual(pack(to, want));
    }
  });

  it.each([...(Object.keys(limits) as Name[]), 'i32' as Name])('reads %s', (from) => {
    const range = limits[from] ?? [-(2 ** 31), 2 ** 31 - 1];
    const x = integers(count, 6, range);
    const zero = integers(scales, 7, range);
    const y = new Float32Array(count);
    callKernel(
      rowOf('dequantize_linear', 'any'),
      quantizeParams,
      { ...base, from: quantType.value(from), to: quantType.value('f32') },
      [y],
      [pack(from, x), scale, pack(from, zero)],
    );
    expect(y).toEqual(Float32Array.from(x, (v, e) => (v - (zero[scaleOf(e)] as number)) * (scale[scaleOf(e)] as number)));
  });

  it('refuses what does not fit', () => {
    const params = { ...base, from: quantType.value('f32'), to: quantType.value('u4') };
    const run =
      (change: object, scaleBytes = scales) =>
      () =>
        callKernel(
          rowOf('quantize_linear', 'any'),
          quantizeParams,
          { ...params, ...change },
          [new Uint8Array(Math.ceil(count / 2))],
          [new Float32Array(count), new Float32Array(scaleBytes), undefined],
        );
    expect(run({})).not.toThrow();
    expect(run({ to: quantType.value('u8') })).toThrow(/output must hold/);
    expect(run({ to: quantType.value('f16') })).toThrow(/one side/);
    expect(run({ from: 17 })).toThrow(/QuantTypes/);
    expect(run({ block: 0 })).toThrow(/block/);
    expect(run({}, scales - 1)).toThrow(/scale must hold/);
    expect(run({ outer: 4 })).toThrow(/must hold/);
  });
});

describe('dynamic_quantize', () => {
  it.each([[[0, 2, -3, -2.5, 1.34, 0.5]], [[-1, -2.1, -1.3]], [[1, 2.1, 1.3, 5]], [[0, 0]], [[]]])('%j', (values) => {
    const x = Float32Array.from(values);
    const [y, scale, zero] = [new Uint8Array(x.length), new Float32Array(1), new Uint8Array(1)];
    callKernel(rowNamed('dynamic_quantize_scalar'), dynamicQuantizeParams, { count: x.length }, [y, scale, zero], [x]);
    const low = Math.min(0, ...x);
    const want = Math.fround(Math.fround(Math.max(0, ...x) - low) / 255) || 1;
    const z = rint(Math.fround(-low / want)) + 0; // no negative zero
    expect(scale[0]).toBe(want);
    expect(zero[0]).toBe(z);
    expect([...y]).toEqual([...x].map((v) => Math.min(255, Math.max(0, rint(Math.fround(v / want)) + z))));
  });
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 3e38, -3e38, 1e-38];
  it.each(rowsOf('dynamic_quantize', 'f32').filter((row) => row.isa !== 'scalar'))('$name is the scalar row', (row) => {
    for (let count = 0; count < 200; count += count < 70 ? 1 : 13)
      for (const spoiled of [-1, ...odd.keys()]) {
        const x = randomFloats(count, count + 1, spoiled % 2 === 0 ? -3 : 0.5, 4);
        if (spoiled >= 0 && count > 0) x[(7 * spoiled) % count] = odd[spoiled] as number;
        const run = (kernel: typeof row, values: ArrayLike<number>) => {
          const out = [new Uint8Array(count), new Float32Array(1), new Uint8Array(1)] as const;
          callKernel(kernel, dynamicQuantizeParams, { count }, out, [Float32Array.from(values)]);
          return out.map((a) => [...a]);
        };
        const right = operandsOf(row, [...x]).map((values) => run(rowNamed('dynamic_quantize_scalar'), values));
        expect(right, `${count} elements, ${odd[spoiled]} among them`).toContainEqual(run(row, x));
      }
  });
});

const kinds = ['u8', 'i8'] as const;
const range = (kind: 'u8' | 'i8') => limits[kind] as [number, number];

describe('integer products', () => {
  const [m, n, k] = [5, 7, 33];
  // batches [2, 3] against [3] and [2, 1]
  const sizes = { m, n, k, batch: [1, 1, 1, 1, 2, 3], aStride: [0, 0, 0, 0, 0, 1], bStride: [0, 0, 0, 0, 1, 0], scale: quantType.value('f32'), unused: 0 };
  const sums = (a: ArrayLike<number>, b: ArrayLike<number>, za: readonly number[], zb: readonly number[]) => {
    const out = new Int32Array(6 * m * n);
    for (let t = 0; t < 6; t++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++)
            sum +=
              ((a[((t % 3) * m + i) * k + l] as number) - (za[i % za.length] as number)) *
              ((b[(Math.floor(t / 3) * k + l) * n + j] as number) - (zb[j % zb.length] as number));
          out[(t * m + i) * n + j] = sum;
        }
    return out;
  };
  for (const ta of kinds)
    for (const tb of kinds)
      it(`${ta} by ${tb}`, () => {
        const a = integers(3 * m * k, 1, range(ta));
        const b = integers(2 * k * n, 2, range(tb));
        for (const [az, bz] of [
          [1, n],
          [m, 1],
        ] as const) {
          const za = integers(az, 3, range(ta));
          const zb = integers(bz, 4, range(tb));
          const want = sums(a, b, za, zb);
          const inputs = [pack(ta, a), pack(tb, b), pack(ta, za), pack(tb, zb)];
          for (const threads of [1, 3]) {
            const y = new Int32Array(want.length);
            callKernel(
              rowNamed(`matmul_integer_${ta}${tb}_scalar`),
              integerMatmulParams,
              { ...sizes, aZeros: az, bZeros: bz, aScales: 1, bScales: 1 },
              [y],
              inputs,
              { threads },
            );
            expect(y).toEqual(want);
          }
          for (const ty of kinds) {
            const [as, bs, ys] = [randomFloats(az, 5, 0.01, 0.02), randomFloats(bz, 6, 0.01, 0.02), Float32Array.of(0.3)];
            const zy = ty === 'u8' ? 100 : -3;
            const y = pack(ty, new Array(want.length).fill(0));
            callKernel(
              rowNamed(`qlinear_matmul_${ta}${tb}${ty}_scalar`),
              integerMatmulParams,
              { ...sizes, aZeros: az, bZeros: bz, aScales: az, bScales: bz },
              [y],
              [...inputs, as, bs, ys, pack(ty, [zy])],
            );
            const quantized = [...want].map((sum, e) => {
              const [i, j] = [Math.floor(e / n) % m, e % n];
              const scale = Math.fround(Math.fround((as[i % az] as number) * (bs[j % bz] as number)) / (ys[0] as number));
              return Math.min(Math.max(rint(Math.fround(sum * scale)) + zy, range(ty)[0]), range(ty)[1]);
            });
            expect([...(y as Uint8Array)]).toEqual(quantized);
          }
        }
      });
  it('wraps, and refuses what does not fit', () => {
    const long = 40000;
    const one = { ...sizes, batch: [1, 1, 1, 1, 1, 1], m: 1, n: 1, k: long, aZeros: 1, bZeros: 1, aScales: 1, bScales: 1 };
    const y = new Int32Array(1);
    const run = (change: object) => () =>
      callKernel(
        rowNamed('matmul_integer_u8u8_scalar'),
        integerMatmulParams,
        { ...one, ...change },
        [y],
        [new Uint8Array(long).fill(255), new Uint8Array(long).fill(255), undefined, undefined],
      );
    run({})();
    expect(y[0]).toBe((long * 255 * 255) | 0);
    expect(run({ k: long + 1 })).toThrow(/must hold/);
    expect(run({ m: 2 })).toThrow(/must hold/);
    expect(run({ aZeros: 2 })).toThrow(/zeros must be/);
    expect(run({ batch: [1, 1, 1, 1, 0, 1] })).not.toThrow();
    expect(run({ aStride: [0, 0, 0, 0, 0, -1] })).toThrow(/must hold/);
    expect(run({ k: 0 })).not.toThrow();
  });
});

describe('integer convolution', () => {
  const params = {
    batches: 2,
    channels: 4,
    outC: 6,
    groups: 2,
    image: [1, 6, 7],
    out: [1, 3, 4],
    kernel: [1, 3, 2],
    strides: [1, 2, 2],
    pads: [0, 1, 1],
    dilations: [1, 1, 2],
  };
  for (const [tx, tw] of [
    ['u8', 'i8'],
    ['i8', 'i8'],
    ['u8', 'u8'],
  ] as const)
    it(`${tx} by ${tw}`, () => {
      const x = integers(2 * 4 * 42, 1, range(tx));
      const w = integers(6 * 2 * 6, 2, range(tw));
      const zx = integers(1, 3, range(tx))[0] as number;
      const zw = integers(6, 4, range(tw));
      const want = new Int32Array(2 * 6 * 12);
      let at = 0;
      for (let n = 0; n < 2; n++)
        for (let m = 0; m < 6; m++)
          for (let i = 0; i < 3; i++)
            for (let j = 0; j < 4; j++, at++)
              for (let c = 0; c < 2; c++)
                for (let a = 0; a < 3; a++)
                  for (let b = 0; b < 2; b++) {
                    const [h, v] = [i * 2 + a - 1, j * 2 + b * 2 - 1];
                    if (h < 0 || v < 0 || h >= 6 || v >= 7) continue;
                    const left = (x[((n * 4 + Math.floor(m / 3) * 2 + c) * 6 + h) * 7 + v] as number) - zx;
                    want[at] = (want[at] as number) + left * ((w[((m * 2 + c) * 3 + a) * 2 + b] as number) - (zw[m] as number));
                  }
      const inputs = [pack(tx, x), pack(tw, w), pack(tx, [zx]), pack(tw, zw)];
      const y = new Int32Array(want.length);
      callKernel(rowNamed(`conv_integer_${tx}${tw}_scalar`), integerConvParams, { ...params, wZeros: 6, wScales: 1 }, [y], inputs, { threads: 2 });
      expect(y).toEqual(want);

      const q = pack(tx, new Array(want.length).fill(0));
      const ws = randomFloats(6, 5, 0.01, 0.02);
      const bias = Int32Array.from(integers(6, 6, [-5000, 5000]));
      callKernel(
        rowNamed(`qlinear_conv_${tx}${tw}${tx}_scalar`),
        integerConvParams,
        { ...params, wZeros: 6, wScales: 6 },
        [q],
        [...inputs, Float32Array.of(0.02), ws, Float32Array.of(0.5), pack(tx, [7]), bias],
      );
      const quantized = [...want].map((sum, e) => {
        const m = Math.floor(e / 12) % 6;
        const scale = Math.fround(Math.fround(Math.fround(0.02) * (ws[m] as number)) / 0.5);
        return Math.min(Math.max(rint(Math.fround((sum + (bias[m] as number)) * scale)) + 7, range(tx)[0]), range(tx)[1]);
      });
      expect([...(q as Uint8Array)]).toEqual(quantized);
    });
  it('refuses what does not fit', () => {
    const run = (change: object) => () =>
      callKernel(
        rowNamed('conv_integer_u8u8_scalar'),
        integerConvParams,
        { ...params, wZeros: 1, wScales: 1, ...change },
        [new Int32Array(144)],
        [new Uint8Array(336), new Uint8Array(72), undefined, undefined],
      );
    expect(run({})).not.toThrow();
    expect(run({ out: [1, 3, 2 ** 28] })).toThrow(/must hold/);
    expect(run({ pads: [0, 2 ** 28, 2 ** 28], strides: [1, 2 ** 28, 2 ** 28] })).not.toThrow();
    expect(run({ groups: 3 })).toThrow(/divide/);
    expect(run({ strides: [0, 1, 1] })).toThrow(/2\^28/);
    expect(run({ wZeros: 2 })).toThrow(/wZero/);
  });
});
