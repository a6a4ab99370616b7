import { describe, expect, it } from 'vitest';
import { outputSize } from '../../bench/cases/conv.js';
import { type StemCase, stemParamsOf, testCases } from '../../bench/cases/stem.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convPackParams } from '../../lib/kernels/conv.js';
import { stemParams } from '../../lib/kernels/stem.js';
import { convReference, expectPixels } from './conv-reference.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** [N,H,W,C] → [N,C,H,W]. */
function planesOf(x: Float32Array, batch: number, pixels: number, channels: number): Float32Array {
  const y = new Float32Array(x.length);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < pixels; i++) for (let c = 0; c < channels; c++) y[(n * channels + c) * pixels + i] = x[(n * pixels + i) * channels + c] as number;
  return y;
}

function operandsOf(c: StemCase) {
  const taps = product(c.kernel);
  const x = randomFloats(c.batch * product(c.size) * c.channels, 1);
  const w = randomFloats(c.channels * c.outChannels * taps, 2);
  const bias = c.bias ? randomFloats(c.outChannels, 3) : undefined;
  const pack = (row: KernelRow) => {
    const packed = new Float32Array(taps * c.channels * Math.ceil(c.outChannels / row.kr) * row.kr);
    const order = c.channelsLast ? { inPerGroup: c.channels, taps } : { inPerGroup: 1, taps: c.channels * taps };
    const params = { group: 1, outPerGroup: c.outChannels, ...order, transposed: 0, lanes: row.kr, vectors: row.nr / row.kr };
    callKernel(rowNamed('conv_pack_scalar'), convPackParams, params, [packed], [w]);
    return packed;
  };
  const image = c.channelsLast ? x : planesOf(x, c.batch, product(c.size), c.channels);
  return { x, image, w, bias, pack, pixels: c.batch * product(outputSize(c)) };
}

describe.each(rowsOf('stem', 'f32'))('$name', (row) => {
  // the tolerance of convolutions: conv.test.ts
  it.each(testCases)('$name', (c) => {
    const { x, image, w, bias, pack, pixels } = operandsOf(c);
    const reference = convReference(c, x, w, bias);
    const params = stemParamsOf(c);
    const packed = pack(row);
    const depth = product(c.kernel) * c.channels;
    const allowed = (at: number, want: number) =>
      1.2 * (depth + 3) * 2 ** -24 * (reference.magnitude[at] as number) + (c.activation === undefined ? 0 : 8 * 2 ** -24 * Math.max(1, Math.abs(want)));
    expectPixels(
      (y, threads) => callKernel(row, stemParams, params, [y], [image, packed, bias], { threads }),
      reference,
      { pixels, ldc: params.ldc, channels: c.outChannels, teams: [1, 2, 3, 4] },
      allowed,
    );
  });

  it('refuses what its operands do not hold', () => {
    const c = testCases.find((k) => k.bias) as StemCase;
    const { image, bias, pack, pixels } = operandsOf(c);
    const params = stemParamsOf(c);
    const packed = pack(row);
    const y = new Float32Array(pixels * params.ldc);
    const call = (change: Partial<typeof params>, operands: [Float32Array, Float32Array, Float32Array, Float32Array | undefined] = [y, image, packed, bias]) =>
      callKernel(row, stemParams, { ...params, ...change }, [operands[0]], operands.slice(1));
    expect(() => call({}, [y.slice(1), image, packed, bias])).toThrow(/y must hold/);
    expect(() => call({}, [y, image.slice(1), packed, bias])).toThrow(/x must hold/);
    expect(() => call({}, [y, image, packed.slice(1), bias])).toThrow(/weights must be packed/);
    expect(() => call({}, [y, image, packed, new Float32Array(0)])).not.toThrow();
    expect(() => call({ ldc: params.ldc - 1 })).toThrow(/ldc/);
    expect(() => call({ strides: [0, 1] })).toThrow(/strides/);
    expect(() => call({ strides: [1, 4] })).toThrow(/step/);
    expect(() => call({ channels: 5 })).toThrow(/channels/);
    expect(() => call({ kernel: [22, 1] })).toThrow(/window/);
    expect(() => call({ kernel: [1, 65] })).toThrow(/window/);
    expect(() => call({ batch: 2 ** 31 - 1, outSize: [2 ** 31 - 1, 2 ** 31 - 1] })).toThrow(/must/);
    expect(() => call({ activation: 99 })).toThrow(/activation/);
  });
});
