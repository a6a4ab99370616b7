import { describe, expect, it } from 'vitest';
import {
  benchCases,
  type ConvCase,
  convKernelCase,
  convParamsOf,
  depthwiseBenchCases,
  depthwiseKernelCase,
  outputSize,
  testCases,
} from '../../bench/cases/conv.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convPackParams, convParams } from '../../lib/kernels/conv.js';
import { convReference, expectPixels } from './conv-reference.js';
import { callKernel, randomFloats, rowNamed, rowOf, rowsOf } from './harness.js';

/** Operands of a case, and the packed weights for a row. */
function operandsOf(c: ConvCase) {
  const group = c.group ?? 1;
  const taps = c.kernel.reduce((a, b) => a * b, 1);
  const pixels = outputSize(c).reduce((a, b) => a * b, c.batch);
  const x = randomFloats(c.size.reduce((a, b) => a * b, c.batch) * c.channels, 1);
  const w = randomFloats((c.channels * c.outChannels * taps) / group, 2);
  const bias = c.bias ? randomFloats(c.outChannels, 3) : undefined;
  const residual = c.residual ? randomFloats(pixels * c.outChannels, 4) : undefined;
  const pack = (row: KernelRow) => {
    const outPerGroup = c.outChannels / group;
    const packed = new Float32Array(taps * c.channels * Math.ceil(outPerGroup / row.kr) * row.kr);
    const params = {
      group,
      outPerGroup,
      inPerGroup: c.channels / group,
      taps,
      transposed: c.transposed ? 1 : 0,
      lanes: row.kr,
      vectors: row.nr / row.kr,
    };
    callKernel(rowNamed('conv_pack_scalar'), convPackParams, params, [packed], [w], { threads: 2 });
    return packed;
  };
  return { x, w, bias, residual, pack, pixels };
}

/**
 * Every sum is a chain of at most K+3 roundings (K products, bias, residual, store), each of relative size 2^-24 of a
 * partial sum that Σ|x||w| bounds: |error| ≤ (K+3)·2^-24·magnitude. Activations add 4 ulp of their own and have slopes
 * of at most 1.2.
 */
function tolerance(c: ConvCase, magnitude: number, y: number): number {
  const depth = (c.kernel.reduce((a, b) => a * b, 1) * c.channels) / (c.group ?? 1);
  return 1.2 * (depth + 3) * 2 ** -24 * magnitude + (c.activation === undefined ? 0 : 8 * 2 ** -24 * Math.max(1, Math.abs(y)));
}

describe.each([...rowsOf('conv', 'f32'), ...rowsOf('conv_transpose', 'f32')])('$name', (row) => {
  const transposed = row.op === 'conv_transpose';
  it.each(testCases.filter((c) => (c.transposed ?? false) === transposed))('$name', (c) => {
    const { x, w, bias, residual, pack, pixels } = operandsOf(c);
    const reference = convReference(c, x, w, bias, residual);
    const params = convParamsOf(c);
    const packed = pack(row);
    expectPixels(
      (y, threads) => callKernel(row, convParams, params, [y], [x, packed, bias, residual], { threads }),
      reference,
      { pixels, ldc: params.ldc, channels: c.outChannels },
      (at, want) => tolerance(c, reference.magnitude[at] as number, want),
    );
  });

  it('refuses what its operands do not hold', () => {
    const c = testCases.find((k) => (k.transposed ?? false) === transposed && k.bias && k.outChannels > 4 && k.residual === undefined) as ConvCase;
    const { x, bias, pack, pixels } = operandsOf(c);
    const params = convParamsOf(c);
    const packed = pack(row);
    const y = new Float32Array(pixels * params.ldc);
    const call = (change: Partial<typeof params>, operands: [Float32Array, Float32Array, Float32Array, Float32Array | undefined] = [y, x, packed, bias]) =>
      callKernel(row, convParams, { ...params, ...change }, [operands[0]], [...operands.slice(1), undefined]);
    expect(() => call({}, [y.subarray(1).slice(), x, packed, bias])).toThrow(/y must hold/);
    expect(() => call({}, [y, x.slice(1), packed, bias])).toThrow(/x must hold/);
    expect(() => call({}, [y, x, packed.slice(1), bias])).toThrow(/weights must be packed/);
    expect(() => call({}, [y, x, packed, bias?.slice(1)])).toThrow(/bias must hold/);
    expect(() => call({ ldc: params.ldc - 1 })).toThrow(/ldc/);
    expect(() => call({ group: 0 })).toThrow(/group/);
    expect(() => call({ strides: [1, 0, 1] })).toThrow(/strides/);
    expect(() => call({ kernel: [1 << 20, 1 << 20, 1] })).toThrow(/taps/);
    expect(() => call({ batch: 2 ** 31 - 1, outSize: [2 ** 31 - 1, 2 ** 31 - 1, 1] })).toThrow(/must/);
    expect(() => call({ activation: 99 })).toThrow(/activation/);
  });
});

const small3x3: ConvCase = { name: '', batch: 1, size: [8, 8], channels: 16, outChannels: 16, kernel: [3, 3], pads: [1, 1, 1, 1] };

/** Where the tiles of the Winograd kernels apply, and sizes around their own tiling. */
const winogradCases: readonly ConvCase[] = [
  ...testCases.filter(
    (c) =>
      !c.transposed && c.size.length === 2 && c.kernel.join() === '3,3' && !c.strides && !c.dilations && (c.group ?? 1) === 1 && c.pads?.every((n) => n <= 2),
  ),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14].map((n) => ({ ...small3x3, name: `${n}x${n + 2}`, size: [n, n + 2] })),
  { ...small3x3, name: 'many tiles', batch: 2, size: [30, 26], channels: 40, outChannels: 72, bias: true, residual: true, activation: 'relu' },
  { ...small3x3, name: 'no padding', size: [9, 10], pads: [0, 0, 0, 0], channels: 300 },
];

describe.each([...rowsOf('conv_winograd', 'f32'), ...rowsOf('conv_winograd2', 'f32')])('$name', (row) => {
  const points = row.op === 'conv_winograd' ? 36 : 16;
  it.each(winogradCases)('$name', (c) => {
    const { x, w, bias, residual, pixels } = operandsOf(c);
    const packed = new Float32Array(points * c.channels * Math.ceil(c.outChannels / row.kr) * row.kr);
    const pack = { group: 1, outPerGroup: c.outChannels, inPerGroup: c.channels, taps: 9, transposed: 0, lanes: row.kr, vectors: row.nr / row.kr };
    callKernel(rowNamed(`${row.op}_pack_scalar`), convPackParams, pack, [packed], [w], { threads: 2 });
    const reference = convReference(c, x, w, bias, residual);
    const params = convParamsOf(c);
    // The worst case, (Σ|A|·Σ|B|·Σ|G|)² = 3000 times the direct bound, says nothing: roundings are independent. Inputs
    // are uniform in ±1, so a transformed product has an rms of about 2 and the chain of C of them at one point ends
    // with an error of rms 2^-24·2·C/√2·0.6; the 36 points enter an output with weights of rms 1.7 but mostly cancel
    // in sign: rms 2^-24·2·C. Six deviations cover 10⁶ elements; the constant is the transforms' own roundings. The 16
    // points of 2x2 tiles have smaller weights.
    const allowed = 2 ** -24 * (400 + 12 * c.channels);
    expectPixels(
      (y, threads) => callKernel(row, convParams, params, [y], [x, packed, bias, residual], { threads }),
      reference,
      { pixels, ldc: params.ldc, channels: c.outChannels },
      () => allowed,
    );
  });
});

describe('bench cases', () => {
  it('are calls that their kernels accept', () => {
    const small = (c: ConvCase): ConvCase => ({ ...c, size: c.size.map((n) => Math.min(n, 8)) });
    const conv = rowOf('conv', 'f32');
    const depthwise = rowOf('depthwise', 'f32');
    for (const c of benchCases) {
      const call = convKernelCase(small(c), conv);
      callKernel(conv, call.schema, call.params, call.outputs(), call.inputs());
    }
    for (const c of depthwiseBenchCases) {
      const call = depthwiseKernelCase(small(c));
      callKernel(depthwise, call.schema, call.params, call.outputs(), call.inputs());
    }
  });
});
