import { describe, expect, it } from 'vitest';
import type { TypedArray } from '../../lib/dtype.js';
import { castParams, castRound, castType } from '../../lib/kernels/cast.js';
import { callKernel, mulberry32, rowOf } from './harness.js';

type CastName = (typeof castType.members)[number];
const row = rowOf('cast', 'any');

function cast<T extends TypedArray>(
  from: CastName,
  to: CastName,
  x: TypedArray,
  y: T,
  options: { count?: number; saturate?: number; threads?: number } = {},
): T {
  const count = options.count ?? x.length;
  const params = { count, from: castType.value(from), to: castType.value(to), saturate: options.saturate ?? 1, round: castRound.value('up') };
  callKernel(row, castParams, params, [y], [x], { threads: options.threads ?? 1 });
  return y;
}

const ramp = Uint8Array.from({ length: 256 }, (_, i) => i);

/** Magnitudes of the formats by their definition: [exponent bits, mantissa bits, bias]. */
const formats: readonly { name: CastName; mantissa: number; bias: number; special: (code: number) => number | undefined }[] = [
  { name: 'f8e4m3fn', mantissa: 3, bias: 7, special: (c) => ((c & 127) === 127 ? NaN : undefined) },
  { name: 'f8e4m3fnuz', mantissa: 3, bias: 8, special: (c) => (c === 128 ? NaN : undefined) },
  { name: 'f8e5m2', mantissa: 2, bias: 15, special: (c) => ((c & 127) > 124 ? NaN : (c & 127) === 124 ? Infinity : undefined) },
  { name: 'f8e5m2fnuz', mantissa: 2, bias: 16, special: (c) => (c === 128 ? NaN : undefined) },
];

describe.each(formats)('$name', ({ name, mantissa, bias, special }) => {
  const value = (code: number) => {
    const exponent = (code & 127) >> mantissa;
    const fraction = code & (2 ** mantissa - 1);
    const magnitude =
      special(code) ?? (exponent === 0 ? fraction * 2 ** (1 - bias - mantissa) : (2 ** mantissa + fraction) * 2 ** (exponent - bias - mantissa));
    return code & 128 ? -magnitude : magnitude;
  };
  const wide = cast(name, 'f32', ramp, new Float32Array(256));
  it('decodes every code', () => {
    for (let c = 0; c < 256; c++) {
      if (Number.isNaN(value(c))) expect(wide[c]).toBeNaN();
      else expect(wide[c]).toBe(value(c));
    }
  });
  it('encodes every value back, rounds halfway cases to even, saturates or overflows', () => {
    const back = cast('f32', name, wide, new Uint8Array(256));
    const finite = [...ramp].filter((c) => Number.isFinite(value(c)));
    for (const c of finite) expect(back[c]).toBe(c);
    const positive = finite.filter((c) => c < 128);
    for (const c of positive.slice(0, -1)) {
      const [low, high] = [value(c), value(c + 1)];
      const middle = (low + high) / 2;
      const x = Float32Array.of(middle, middle * (1 - 2 ** -20), middle * (1 + 2 ** -20));
      expect([...cast('f32', name, x, new Uint8Array(3))]).toEqual([c % 2 === 0 ? c : c + 1, c, c + 1]);
    }
    const largest = positive[positive.length - 1] as number;
    expect([...cast('f32', name, Float32Array.of(1e30, -1e30, Infinity), new Uint8Array(3))]).toEqual([largest, largest | 128, largest]);
    const over = cast('f32', name, Float32Array.of(1e30), new Uint8Array(1), { saturate: 0 });
    expect(Number.isFinite(value(over[0] as number))).toBe(false);
  });
});

describe('integers', () => {
  it('wrap when they narrow, and floats are truncated first', () => {
    expect([...cast('i32', 'i8', Int32Array.of(127, 128, 255, 256, -129), new Int8Array(5))]).toEqual([127, -128, -1, 0, 127]);
    expect([...cast('f32', 'i32', Float32Array.of(1.9, -1.9, 0.5, 1e9), new Int32Array(4))]).toEqual([1, -1, 0, 1e9]);
    expect([...cast('f32', 'u8', Float32Array.of(255.9, -1, 256), new Uint8Array(3))]).toEqual([255, 255, 0]);
    expect([...cast('f64', 'i64', Float64Array.of(NaN, 1e30, -(2 ** 62)), new BigInt64Array(3))]).toEqual([-(2n ** 63n), -(2n ** 63n), -(2n ** 62n)]);
    expect([...cast('f64', 'u64', Float64Array.of(2 ** 63, 5), new BigUint64Array(2))]).toEqual([2n ** 63n, 5n]);
    expect([...cast('u64', 'f64', BigUint64Array.of(2n ** 64n - 1n), new Float64Array(1))]).toEqual([2 ** 64]);
    expect([...cast('i64', 'boolean', BigInt64Array.of(0n, 256n, -1n), new Uint8Array(3))]).toEqual([0, 1, 1]);
    expect([...cast('f32', 'boolean', Float32Array.of(0, -0, NaN, 0.1), new Uint8Array(4))]).toEqual([0, 0, 1, 1]);
  });
  it('become floats with one rounding', () => {
    const x = BigInt64Array.of(2n ** 24n + 1n, 2n ** 53n + 1n, 2n ** 62n + 2n ** 38n + 1n);
    expect([...cast('i64', 'f32', x, new Float32Array(3))]).toEqual([2 ** 24, 2 ** 53, 2 ** 62 + 2 ** 39]);
    // 2049 lies halfway in float16; a hair above must round up although float32 cannot hold the hair
    expect([...cast('f64', 'f16', Float64Array.of(2049, 2049 + 2 ** -40), new Uint16Array(2))]).toEqual([0x6800, 0x6801]);
  });
});

describe('a direct pair and the way through float64', () => {
  const next = mulberry32(11);
  const x = Float32Array.from({ length: 3 * 512 + 77 }, (_, i) => (i % 7 === 0 ? Number.NaN : (next() - 0.5) * 10 ** Math.floor(next() * 24)));
  it.each([
    ['i64', BigInt64Array],
    ['i32', Int32Array],
    ['u8', Uint8Array],
    ['i8', Int8Array],
  ] as const)('agree on float32 to %s', (to, Type) => {
    const wide = cast('f32', 'f64', x, new Float64Array(x.length));
    const [a, b] = [cast('f32', to, x, new Type(x.length)), cast('f64', to, wide, new Type(x.length))];
    expect(Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer))).toBe(0);
  });
  it('agree on integers', () => {
    const long = BigInt64Array.from({ length: 1100 }, () => BigInt(Math.floor((next() - 0.5) * 2 ** 52)) * 1031n);
    expect([...cast('i64', 'i32', long, new Int32Array(1100))]).toEqual([...long].map((v) => Number(BigInt.asIntN(32, v))));
    expect([...cast('i64', 'f32', long, new Float32Array(1100), { threads: 2 })]).toHaveLength(1100);
    const bytes = Uint8Array.from({ length: 1100 }, (_, i) => i);
    expect([...cast('u8', 'f32', bytes, new Float32Array(1100))]).toEqual([...bytes]);
    expect([
      ...cast(
        'i32',
        'i64',
        Int32Array.from(bytes, (v) => -v),
        new BigInt64Array(1100),
      ),
    ]).toEqual([...bytes].map((v) => BigInt(-v)));
    expect([...cast('boolean', 'i64', bytes, new BigInt64Array(1100))]).toEqual([...bytes].map((v) => BigInt(v !== 0 ? 1 : 0)));
  });
});

describe('packed types', () => {
  const codes = Uint8Array.of(0x10, 0x32, 0x98, 0xfe);
  it('unpack low bits first and pack back', () => {
    expect([...cast('u4', 'u8', codes, new Uint8Array(8), { count: 8 })]).toEqual([0, 1, 2, 3, 8, 9, 14, 15]);
    expect([...cast('i4', 'i8', codes, new Int8Array(8), { count: 8 })]).toEqual([0, 1, 2, 3, -8, -7, -2, -1]);
    expect([...cast('f4e2m1', 'f32', codes, new Float32Array(8), { count: 8 })]).toEqual([0, 0.5, 1, 1.5, -0, -0.5, -4, -6]);
    expect([...cast('u2', 'u8', Uint8Array.of(0b11100100), new Uint8Array(4), { count: 4 })]).toEqual([0, 1, 2, 3]);
    expect([...cast('i2', 'i8', Uint8Array.of(0b11100100), new Int8Array(4), { count: 4 })]).toEqual([0, 1, -2, -1]);
    expect([...cast('i8', 'i4', Int8Array.of(-8, 7, -1), new Uint8Array(2), { count: 3 })]).toEqual([0x78, 0x0f]);
    expect([...cast('f32', 'f4e2m1', Float32Array.of(0.25, 0.75, 5, 100, -3), new Uint8Array(3), { count: 5 })]).toEqual([0x20, 0x76, 0x0d]);
  });
  it('are cut between threads at whole bytes', () => {
    const next = mulberry32(3);
    const x = Int8Array.from({ length: 300_001 }, () => Math.floor(next() * 16) - 8);
    const once = cast('i8', 'i4', x, new Uint8Array(150_001));
    for (const threads of [2, 3]) expect(Buffer.compare(cast('i8', 'i4', x, new Uint8Array(150_001), { threads }), once)).toBe(0);
    const back = cast('i4', 'i8', once, new Int8Array(300_001), { count: 300_001, threads: 3 });
    expect(Buffer.compare(Buffer.from(back.buffer), Buffer.from(x.buffer))).toBe(0);
  });
});

describe('f8e8m0', () => {
  it('is a power of two, rounded up', () => {
    const wide = cast('f8e8m0', 'f32', ramp, new Float32Array(256));
    expect([wide[0], wide[127], wide[128], wide[254]]).toEqual([2 ** -127, 1, 2, 2 ** 127]);
    expect(wide[255]).toBeNaN();
    expect([...cast('f32', 'f8e8m0', Float32Array.of(1, 1.001, 2, 3, NaN), new Uint8Array(5))]).toEqual([127, 128, 128, 129, 255]);
  });
});

it('moves nothing for no elements and refuses what does not fit', () => {
  cast('f32', 'i8', new Float32Array(0), new Int8Array(0));
  expect(() => cast('f32', 'i8', new Float32Array(4), new Int8Array(3))).toThrow(/output must hold/);
  expect(() => cast('f32', 'i4', new Float32Array(4), new Uint8Array(1))).toThrow(/output must hold/);
  expect(() => cast('f32', 'i8', new Float32Array(4), new Int8Array(9), { count: 5 })).toThrow(/input must hold/);
  expect(() => cast('f32', 'i8', new Float32Array(4), new Int8Array(9), { count: -1 })).toThrow(/must hold/);
});
