/** rope: pairs of elements turned by the angles of their position. */
import { describe, expect, it } from 'vitest';
import { ropeParams, ropePositions } from '../../lib/kernels/cache.js';
import { callKernel, randomFloats, rowsOf } from './harness.js';

interface RopeCase {
  readonly name: string;
  readonly width: number;
  readonly rotary?: number;
  readonly interleaved?: boolean;
  readonly positions?: (typeof ropePositions.members)[number];
  readonly batch?: number;
  readonly rows?: number;
  readonly headsFirst?: boolean;
}

const cases: readonly RopeCase[] = [false, true].flatMap((interleaved) => [
  ...[2, 4, 6, 8, 14, 16, 18, 30, 32, 34, 64, 128].map((width) => ({ name: `width ${width}, ${interleaved}`, width, interleaved })),
  { name: `some of the width, ${interleaved}`, width: 20, rotary: 6, interleaved },
  { name: `nothing, ${interleaved}`, width: 20, rotary: 0, interleaved },
  { name: `positions of each, ${interleaved}`, width: 12, positions: 'each' as const, interleaved },
  { name: `tables by row, ${interleaved}`, width: 12, positions: 'rows' as const, interleaved },
  { name: `heads first, ${interleaved}`, width: 12, headsFirst: true, interleaved },
  { name: `many, ${interleaved}`, width: 64, rows: 90, interleaved },
]);

function callOf(c: RopeCase) {
  const { batch = 2, rows = 3, width } = c;
  const heads = 3;
  const rotary = c.rotary ?? width;
  const tableWidth = rotary / 2 + 1;
  const strides = c.headsFirst ? [heads * rows * width, width, rows * width] : [rows * heads * width, heads * width, width];
  const kind = c.positions ?? 'lengths';
  const params = { batch, rows, heads, width, rotary, tableRows: 300, tableWidth, strideX: strides, strideY: strides };
  const lengths = Int32Array.from({ length: batch }, (_, b) => 200 * b);
  const each = BigInt64Array.from({ length: batch * rows }, (_, i) => BigInt((i * 37) % 300));
  const at = (b: number, i: number) => (kind === 'lengths' ? 200 * b + i : kind === 'each' ? ((b * rows + i) * 37) % 300 : b * rows + i);
  return {
    params: { ...params, interleaved: c.interleaved ? 1 : 0, positions: ropePositions.value(kind) },
    inputs: [
      randomFloats(batch * rows * heads * width, 1),
      randomFloats(300 * tableWidth, 2),
      randomFloats(300 * tableWidth, 3),
      { lengths, each, rows: undefined }[kind],
    ] as const,
    at,
  };
}

function expected(c: RopeCase): Float32Array {
  const { params: p, inputs, at } = callOf(c);
  const [x, cos, sin] = inputs;
  const y = x.slice();
  const f = Math.fround;
  for (let b = 0; b < p.batch; b++)
    for (let i = 0; i < p.rows; i++)
      for (let h = 0; h < p.heads; h++) {
        const from = b * (p.strideX[0] as number) + i * (p.strideX[1] as number) + h * (p.strideX[2] as number);
        for (let j = 0; j < p.rotary / 2; j++) {
          const [first, second] = p.interleaved ? [from + 2 * j, from + 2 * j + 1] : [from + j, from + j + p.rotary / 2];
          const [s, t] = [sin[at(b, i) * p.tableWidth + j] as number, cos[at(b, i) * p.tableWidth + j] as number];
          const [u, v] = [x[first] as number, x[second] as number];
          y[first] = f(f(u * t) - f(v * s));
          y[second] = f(f(v * t) + f(u * s));
        }
      }
  return y;
}

describe.each(rowsOf('rope', 'f32'))('$name', (row) => {
  it.each(cases)('$name', (c) => {
    const { params, inputs } = callOf(c);
    for (const threads of [1, 3]) {
      const y = new Float32Array(inputs[0].length);
      callKernel(row, ropeParams, params, [y], inputs, { threads });
      expect(y).toEqual(expected(c));
    }
  });

  it('finds positions outside of the tables while it runs', () => {
    const { params, inputs } = callOf({ name: '', width: 8 });
    const y = new Float32Array(inputs[0].length);
    for (const bad of [-1, 298, 2 ** 31 - 1])
      expect(() => callKernel(row, ropeParams, params, [y], [...inputs.slice(0, 3), Int32Array.of(0, bad)])).toThrow(/index/i);
    const each = { ...params, positions: ropePositions.value('each') };
    for (const bad of [-1n, 300n, 2n ** 62n])
      expect(() => callKernel(row, ropeParams, each, [y], [...inputs.slice(0, 3), BigInt64Array.of(0n, 1n, 2n, 3n, 4n, bad)])).toThrow(/index/i);
  });

  it('refuses parameters that reach outside its operands', () => {
    const { params: good, inputs } = callOf({ name: '', width: 8 });
    const call = (changed: object) => () => callKernel(row, ropeParams, { ...good, ...changed }, [new Float32Array(inputs[0].length)], inputs);
    expect(call({})).not.toThrow();
    for (const field of ['batch', 'rows', 'heads', 'width', 'rotary', 'tableRows', 'tableWidth'] as const) {
      expect(call({ [field]: -2 })).toThrow(/kernel/);
      expect(call({ [field]: 2 ** 52 })).toThrow(/kernel/);
      expect(call({ [field]: 2 * good[field] })).toThrow(/must/);
    }
    expect(call({ rotary: 5 })).toThrow(/rotary/);
    expect(call({ tableWidth: 3 })).toThrow(/tableWidth/);
    expect(call({ positions: 3 })).toThrow(/RopePositions/);
    expect(call({ positions: ropePositions.value('each') })).toThrow(/positions/);
    expect(call({ interleaved: 2 })).toThrow(/interleaved/);
    for (const field of ['strideX', 'strideY']) expect(call({ [field]: [-1, 0, 0] })).toThrow(/strides/);
    for (const field of ['strideX', 'strideY']) expect(call({ [field]: [0, 0, 1 << 20] })).toThrow(/strides/);
  });
});
