import { describe, expect, it } from 'vitest';
import { convPackParams, convScaleParams } from '../../lib/kernels/conv.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';

describe.each(rowsOf('conv_scale', 'f32'))('$name', (row) => {
  const pack = (w: Float32Array, columns: number, depth: number) => {
    const packed = new Float32Array(depth * Math.ceil(columns / row.kr) * row.kr);
    const params = { group: 1, outPerGroup: columns, inPerGroup: depth, taps: 1, transposed: 0, lanes: row.kr, vectors: row.nr / row.kr };
    callKernel(rowNamed('conv_pack_scalar'), convPackParams, params, [packed], [w]);
    return packed;
  };

  it.each([
    [1, 1],
    [3, 7],
    [16, 5],
    [24, 96],
    [65, 33],
    [144, 40],
    [200, 300],
  ])('%i columns, depth %i: as if the weights had been scaled before', (columns, depth) => {
    const w = randomFloats(columns * depth, 1);
    const scale = randomFloats(depth, 2);
    const before = pack(
      w.map((v, i) => v * (scale[i % depth] as number)),
      columns,
      depth,
    );
    for (const threads of [1, 2, 3, 4]) {
      const y = new Float32Array(before.length);
      callKernel(row, convScaleParams, { depth, columns }, [y], [pack(w, columns, depth), scale], { threads });
      // zeros that fill the panels may have either sign
      expect(y.findIndex((v, i) => v !== before[i])).toBe(-1);
    }
  });

  it('refuses what its operands do not hold', () => {
    const w = pack(randomFloats(20 * 6, 1), 20, 6);
    const call = (change: Partial<{ depth: number; columns: number }>, y = w.length, scale = 6) =>
      callKernel(row, convScaleParams, { depth: 6, columns: 20, ...change }, [new Float32Array(y)], [w, new Float32Array(scale)]);
    call({});
    expect(() => call({}, w.length - 1)).toThrow(/scaled weights/);
    expect(() => call({}, w.length, 5)).toThrow(/scale must hold/);
    expect(() => call({ depth: -1 })).toThrow(/negative/);
    expect(() => call({ depth: 2 ** 31 - 1, columns: 2 ** 31 - 1 })).toThrow(/must hold/);
  });
});
