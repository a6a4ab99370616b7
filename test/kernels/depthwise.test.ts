import { describe, expect, it } from 'vitest';
import { type ConvCase, convParamsOf, outputSize } from '../../bench/cases/conv.js';
import { convPackParams } from '../../lib/kernels/conv.js';
import { depthwiseParams } from '../../lib/kernels/depthwise.js';
import { convReference, expectPixels } from './conv-reference.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';

const of = (name: string, channels: number, rest: Partial<ConvCase> = {}): ConvCase => ({
  name: `${channels} ${name}`,
  batch: 1,
  size: [6, 9],
  channels,
  outChannels: channels,
  group: channels,
  kernel: [3, 3],
  pads: [1, 1, 1, 1],
  ...rest,
});

const cases: ConvCase[] = [
  ...[1, 2, 7, 8, 9, 15, 16, 17, 33, 255, 256, 257, 300].map((c) => of('channels', c, { bias: true })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 20].flatMap((w) =>
    [1, 2].flatMap((s) =>
      [3, 5].map((k) =>
        of(`row of ${w}, ${k}x${k} s${s}`, 19, { size: [3, w], kernel: [k, k], strides: [s, s], pads: [1, k >> 1, 1, k >> 1].map((p) => (k === 5 ? 2 : p)) }),
      ),
    ),
  ),
  of('batch', 20, { batch: 3, residual: true, activation: 'relu' }),
  of('gap', 20, { gap: 5, bias: true, residual: true, activation: 'clip', alpha: -0.3, beta: 0.4 }),
  of('hardSwish', 37, { activation: 'hardSwish', bias: true }),
  of('dilated', 18, { dilations: [2, 3], pads: [2, 3, 2, 3] }),
  of('7x7', 18, { kernel: [7, 7], pads: [3, 3, 3, 3] }),
  of('stride 3', 18, { strides: [3, 3] }),
  of('1x3', 18, { kernel: [1, 3], pads: [0, 1, 0, 1] }),
  of('asymmetric', 18, { pads: [0, 2, 3, 0], strides: [2, 2] }),
  of('pads beyond the kernel', 18, { size: [2, 2], pads: [4, 4, 4, 4], bias: true }),
  of('no padding', 18, { pads: [0, 0, 0, 0] }),
  of('empty batch', 18, { batch: 0 }),
];

/** The parameters of a case: those of a convolution without group and third dimension. */
function paramsOf(c: ConvCase) {
  const { inSize, outSize, kernel, strides, pads, dilations, group: _group, outChannels: _outChannels, ...rest } = convParamsOf(c);
  const two = (list: number[]) => list.slice(1);
  return { ...rest, inSize: two(inSize), outSize: two(outSize), kernel: two(kernel), strides: two(strides), pads: two(pads), dilations: two(dilations) };
}

describe.each(rowsOf('depthwise', 'f32'))('$name', (row) => {
  it.each(cases)('$name', (c) => {
    const taps = c.kernel.reduce((a, b) => a * b, 1);
    const pixels = outputSize(c).reduce((a, b) => a * b, c.batch);
    const x = randomFloats(c.size.reduce((a, b) => a * b, c.batch) * c.channels, 1);
    const w = randomFloats(c.channels * taps, 2);
    const bias = c.bias ? randomFloats(c.channels, 3) : undefined;
    const residual = c.residual ? randomFloats(pixels * c.channels, 4) : undefined;
    const packed = new Float32Array(w.length);
    const pack = { group: 1, outPerGroup: c.channels, inPerGroup: 1, taps, transposed: 0, lanes: 1, vectors: c.channels };
    callKernel(rowNamed('conv_pack_scalar'), convPackParams, pack, [packed], [w]);
    const reference = convReference(c, x, w, bias, residual);
    const params = paramsOf(c);
    // taps products, bias, residual and the store round once each; the activation's slope is at most 1.2
    const allowed = (at: number, want: number) =>
      1.2 * (taps + 3) * 2 ** -24 * (reference.magnitude[at] as number) + 8 * 2 ** -24 * (c.activation ? Math.max(1, Math.abs(want)) : 0);
    expectPixels(
      (y, threads) => callKernel(row, depthwiseParams, params, [y], [x, packed, bias, residual], { threads }),
      reference,
      { pixels, ldc: params.ldc, channels: c.channels },
      allowed,
    );
  });

  it('refuses what its operands do not hold', () => {
    const params = paramsOf(of('checked', 8, {}));
    const size = 6 * 9 * 8;
    const call = (change: Partial<typeof params>, sizes = [size, size, 72, 8]) => {
      const [y, ...inputs] = sizes.map((n) => new Float32Array(n));
      callKernel(row, depthwiseParams, { ...params, ...change }, [y], [...inputs, undefined]);
    };
    call({});
    expect(() => call({}, [size - 1, size, 72, 8])).toThrow(/y must hold/);
    expect(() => call({}, [size, size - 1, 72, 8])).toThrow(/x must hold/);
    expect(() => call({}, [size, size, 71, 8])).toThrow(/weights must hold/);
    expect(() => call({}, [size, size, 72, 7])).toThrow(/bias must hold/);
    expect(() => call({ ldc: 7 })).toThrow(/ldc/);
    expect(() => call({ dilations: [0, 1] })).toThrow(/dilations/);
    expect(() => call({ kernel: [2 ** 31 - 1, 2 ** 31 - 1] })).toThrow(/weights must hold/);
    expect(() => call({ outSize: [-1, 3] })).toThrow(/negative/);
  });
});
