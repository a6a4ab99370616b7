/** Depthwise convolutions of bytes: every row against the definition written out in integer-reference.ts, bit for bit. */
import { describe, expect, it } from 'vitest';
import { outputSize } from '../../bench/cases/conv.js';
import { type IntegerConvCase, integers, resultOf, signed } from '../../bench/cases/integer.js';
import { depthwiseCaseParams, depthwiseCases } from '../../bench/cases/integer-depthwise.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import type { TypedArray } from '../../lib/dtype.js';
import {
  activationOffset,
  BYTE_WEIGHTS,
  depthwiseBytesParams,
  depthwisePackedBytes,
  depthwisePackParams,
  depthwisePattern,
} from '../../lib/kernels/integer.js';
import { callKernel, rowNamed, rowsOf } from './harness.js';
import { type ConvOperands, convOperands, convReference, expectSame, same, total } from './integer-reference.js';

const packRow = rowNamed('depthwise_i8_pack_scalar');

function packed(row: KernelRow, c: IntegerConvCase, o: ConvOperands, threads: number) {
  const { kernel, pattern } = depthwiseCaseParams(c, row);
  const name = depthwisePattern.members[pattern] as (typeof depthwisePattern.members)[number];
  const blocks = new Uint8Array(depthwisePackedBytes(c.channels, kernel, row.nr, row.kr, name)).fill(0xab);
  const bias = new Int32Array(c.channels);
  const params = {
    channels: c.channels,
    kernel,
    nr: row.nr,
    kr: row.kr,
    pattern,
    zero: (c.aZero ?? 0) - activationOffset(row.isa),
    flip: 0,
    perColumn: c.oneMultiplier ? 0 : 1,
  };
  callKernel(packRow, depthwisePackParams, params, [blocks, bias], [o.w, o.rest[0], o.rest[1]], { threads });
  return { blocks, bias };
}

function depthwise(row: KernelRow, c: IntegerConvCase, o: ConvOperands, threads: number): TypedArray {
  const { blocks, bias } = packed(row, c, o, threads);
  const y = resultOf(c, c.batch * total(outputSize(c)) * (c.channels + (c.gap ?? 0)));
  callKernel(row, depthwiseBytesParams, depthwiseCaseParams(c, row), [y], [o.x, blocks, bias, ...o.rest.slice(1)], { threads });
  return y;
}

const known = new Map<IntegerConvCase, TypedArray>();

describe.each(rowsOf('depthwise_i8', BYTE_WEIGHTS))('$name', (row) => {
  it.each(depthwiseCases)('$name', (c) => {
    const o = convOperands(c);
    const want = known.get(c) ?? convReference(c, o);
    known.set(c, want);
    const one = depthwise(row, c, o, 1);
    expectSame(one, want);
    for (const threads of [2, 3]) expect(same(depthwise(row, c, o, threads), one)).toBe(true);
  });

  it.each([
    [255, -128],
    [255, 127],
    [0, -128],
    [0, -127],
    [128, -128],
  ])('adds products of %i and %i exactly', (x, w) => {
    for (const size of [3, 5, 7]) {
      const pad = size >> 1;
      const c: IntegerConvCase = { name: '', batch: 1, size: [8, 8], channels: 70, outChannels: 70, group: 70, kernel: [size, size], output: 'i32' };
      const whole: IntegerConvCase = { ...c, pads: [pad, pad, pad, pad], aZero: x };
      const rest = [new Int32Array(70), undefined, undefined, undefined];
      const operands = { x: new Uint8Array(64 * 70).fill(x), w: new Int8Array(70 * size * size).fill(w), rest };
      expect(depthwise(row, { ...c, pads: [0, 0, 0, 0] }, operands, 1).every((v) => v === size * size * x * w)).toBe(true);
      // what is all zero point, padding included, is zero
      expect(depthwise(row, whole, operands, 1).every((v) => v === 0)).toBe(true);
    }
  });

  it('wraps sums', () => {
    const c: IntegerConvCase = { name: '', batch: 1, size: [3, 3], channels: 5, outChannels: 5, group: 5, kernel: [3, 3], output: 'i32' };
    const rest = [new Int32Array(5).fill(2 ** 31 - 1), undefined, undefined, undefined];
    const y = depthwise(row, c, { x: new Uint8Array(45).fill(255), w: new Int8Array(45).fill(127), rest }, 1);
    expect(y.every((v) => v === ((2 ** 31 - 1 + 9 * 255 * 127) | 0))).toBe(true);
  });

  it('refuses parameters that reach outside its operands', () => {
    const c = depthwiseCases.find((x) => x.name === '70 residual') as IntegerConvCase;
    const o = convOperands(c);
    const { blocks, bias } = packed(row, c, o, 1);
    const good = depthwiseCaseParams(c, row);
    const call = (changed: Partial<typeof good>) => () =>
      callKernel(row, depthwiseBytesParams, { ...good, ...changed }, [new Uint8Array(2 * 35 * 70)], [o.x, blocks, bias, ...o.rest.slice(1)]);
    expect(call({})).not.toThrow();
    expect(call({ batch: 3 })).toThrow(/must hold/);
    expect(call({ channels: 71, ldc: 71 })).toThrow(/must hold/);
    expect(call({ batch: -1 })).toThrow(/negative/);
    expect(call({ inSize: [6, 7] })).toThrow(/x must hold/);
    expect(call({ inSize: [-1, 7] })).toThrow(/negative/);
    expect(call({ outSize: [6, 7] })).toThrow(/y must hold/);
    expect(call({ outSize: [2 ** 31 - 1, 2 ** 31 - 1] })).toThrow(/y must hold|sane/);
    expect(call({ kernel: [0, 3] })).toThrow(/kernel/);
    expect(call({ kernel: [2 ** 20, 2 ** 20] })).toThrow(/kernel/);
    expect(call({ kernel: [9, 9] })).toThrow(/packed|pattern/);
    expect(call({ strides: [0, 1] })).toThrow(/positive/);
    expect(call({ dilations: [1, 0] })).toThrow(/positive/);
    expect(call({ ldc: 69 })).toThrow(/ldc/);
    expect(call({ ldc: 71 })).toThrow(/y must hold/);
    expect(call({ padding: 256 })).toThrow(/padding/);
    expect(call({ pattern: 2 })).toThrow(/pattern/);
    expect(call({ pattern: -1 })).toThrow(/pattern/);
    if (row.nr !== 64) expect(call({ pattern: 1 })).toThrow(/pattern/);
    else {
      expect(call({ strides: [2, 1] })).toThrow(/pattern/);
      expect(call({ strides: [3, 3] })).toThrow(/pattern/);
      expect(call({ dilations: [2, 2] })).toThrow(/pattern/);
    }
    expect(call({ high: -1 })).toThrow(/bytes/);
    expect(call({ output: 1 })).toThrow(/must/);
  });
});

describe('depthwise_i8_pack', () => {
  it('wraps the folded bias and turns bits over', () => {
    const params = { channels: 2, kernel: [1, 1], nr: 16, kr: 1, pattern: 0, zero: -255, flip: 0x80, perColumn: 0 };
    const [blocks, bias] = [new Uint8Array(16 * 9), new Int32Array(2)];
    callKernel(packRow, depthwisePackParams, params, [blocks, bias], [Uint8Array.of(255, 0), Int32Array.of(2 ** 31 - 1, 0), Float32Array.of(0.5)]);
    expect([...bias]).toEqual([(2 ** 31 - 1 + 255 * 127) | 0, 255 * -128]);
    expect([...new Int32Array(blocks.buffer, 0, 2)]).toEqual([...bias]);
    expect([...new Float32Array(blocks.buffer, 64, 3)]).toEqual([0.5, 0.5, 0]);
    expect([...new Int8Array(blocks.buffer, 128, 3)]).toEqual([127, -128, 0]);
  });

  it('refuses parameters that reach outside its operands', () => {
    const good = { channels: 40, kernel: [3, 3], nr: 64, kr: 4, pattern: 1, zero: 0, flip: 0, perColumn: 1 };
    const outputs = () => [new Uint8Array(depthwisePackedBytes(40, [3, 3], 64, 4, 'columns')), new Int32Array(40)];
    const inputs = [signed(360, 1), integers(40, 2, 9), new Float32Array(40)];
    const call =
      (changed: Partial<typeof good>, given: (TypedArray | undefined)[] = inputs) =>
      () =>
        callKernel(packRow, depthwisePackParams, { ...good, ...changed }, outputs(), given);
    expect(call({})).not.toThrow();
    expect(call({ channels: 41 })).toThrow(/must hold/);
    expect(call({ channels: 65 })).toThrow(/must hold/);
    expect(call({ channels: -1 })).toThrow(/negative/);
    expect(call({ kernel: [5, 3] })).toThrow(/pattern/);
    expect(call({ kernel: [5, 5] })).toThrow(/must hold/);
    expect(call({ nr: 8 })).toThrow(/nr/);
    expect(call({ nr: 272 })).toThrow(/nr/);
    expect(call({ kr: 3 })).toThrow(/kr/);
    expect(call({ pattern: 9 })).toThrow(/pattern/);
    expect(call({ zero: 300 })).toThrow(/zero/);
    expect(call({ flip: 256 })).toThrow(/flip/);
    expect(call({ perColumn: 2 })).toThrow(/flags/);
    expect(call({}, [signed(359, 1), undefined, undefined])).toThrow(/weights/);
    expect(call({}, [signed(360, 1), integers(39, 2, 9), undefined])).toThrow(/bias/);
    expect(call({}, [signed(360, 1), undefined, new Float32Array(39)])).toThrow(/multipliers/);
  });
});
