import { describe, expect, it } from 'vitest';
import { type BlockCase, blockOutput, blockParams, type Stage, testCases } from '../../bench/cases/inverted-residual.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convPackParams, convParams } from '../../lib/kernels/conv.js';
import { depthwiseParams } from '../../lib/kernels/depthwise.js';
import { activation } from '../../lib/kernels/epilogue.js';
import { gemmPackBParams, packedElements } from '../../lib/kernels/gemm.js';
import { invertedResidualParams } from '../../lib/kernels/inverted-residual.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from './harness.js';

const bytes = (a: Float32Array) => Buffer.from(a.buffer);

function pack(w: Float32Array, out: number, channels: number, taps: number, lanes: number, vectors: number): Float32Array {
  const packed = new Float32Array(taps * channels * Math.ceil(out / lanes) * lanes);
  callKernel(
    rowNamed('conv_pack_scalar'),
    convPackParams,
    { group: 1, outPerGroup: out, inPerGroup: channels, taps, transposed: 0, lanes, vectors },
    [packed],
    [w],
  );
  return packed;
}

function packPanels(w: Float32Array, n: number, k: number, nr: number): Float32Array {
  const packed = new Float32Array(packedElements(k, n, nr));
  callKernel(rowNamed('gemm_pack_b_scalar'), gemmPackBParams, { count: 1, k, n, ldb: k, stride: k * n, transB: 1, nr }, [packed], [w]);
  return packed;
}

/** What a case works on. */
function operandsOf(c: BlockCase) {
  const [rows, columns] = blockOutput(c);
  const taps = c.kernel[0] * c.kernel[1];
  const bias = (s: Stage | undefined, n: number, seed: number) => (s?.bias ? randomFloats(n, seed) : undefined);
  return {
    x: randomFloats(c.batch * c.size[0] * c.size[1] * c.channels, 1),
    expand: c.expand && randomFloats(c.hidden * c.channels, 2),
    expandBias: bias(c.expand, c.hidden, 3),
    depthwise: pack(randomFloats(taps * c.hidden, 4), c.hidden, 1, taps, 1, c.hidden),
    depthwiseBias: bias(c.depthwise, c.hidden, 5),
    project: c.project && randomFloats(c.outChannels * c.hidden, 6),
    projectBias: bias(c.project, c.outChannels, 7),
    residual: c.residual ? randomFloats(c.batch * rows * columns * c.outChannels, 8) : undefined,
  };
}

/** The same with the weights of the 1x1 stages packed for a row. */
function packedFor(c: BlockCase, row: KernelRow) {
  const o = operandsOf(c);
  return {
    ...o,
    expand: o.expand && packPanels(o.expand, c.hidden, c.channels, row.nr),
    project: o.project && packPanels(o.project, c.outChannels, c.hidden, row.nr),
  };
}

const epilogue = (s: Stage | undefined) => ({ activation: activation.value(s?.activation ?? 'none'), alpha: s?.alpha ?? 0, beta: s?.beta ?? 0 });

/** The stages one by one, by the kernels of the same ISA. */
function byStages(c: BlockCase, row: KernelRow): Float32Array {
  const o = operandsOf(c);
  const isa = row.name.split('_').at(-1);
  const conv = rowNamed(`conv_f32_${isa}`);
  const [rows, columns] = blockOutput(c);
  const gap = c.gap ?? 0;
  const pointwise = (
    size: readonly number[],
    channels: number,
    out: number,
    ldc: number,
    s: Stage | undefined,
    [x, w, ...rest]: (Float32Array | undefined)[],
  ) => {
    const y = new Float32Array(c.batch * (size[0] as number) * (size[1] as number) * ldc);
    const ones = [1, 1, 1];
    const params = { batch: c.batch, channels, outChannels: out, group: 1, inSize: [1, ...size], outSize: [1, ...size], kernel: ones, strides: ones };
    callKernel(
      conv,
      convParams,
      { ...params, pads: [0, 0, 0], dilations: ones, ldc, ...epilogue(s) },
      [y],
      [x, w && pack(w, out, channels, 1, conv.kr, conv.nr / conv.kr), ...rest],
    );
    return y;
  };
  const hidden = c.expand ? pointwise(c.size, c.channels, c.hidden, c.hidden, c.expand, [o.x, o.expand, o.expandBias, undefined]) : o.x;
  const ldc = c.hidden + (c.project ? 0 : gap);
  const middle = new Float32Array(c.batch * rows * columns * ldc);
  const sizes = { inSize: [...c.size], outSize: [rows, columns], kernel: [...c.kernel], strides: [...c.strides], pads: c.pads.slice(0, 2), dilations: [1, 1] };
  callKernel(
    rowNamed(`depthwise_f32_${isa}`),
    depthwiseParams,
    { batch: c.batch, channels: c.hidden, ...sizes, ldc, ...epilogue(c.depthwise) },
    [middle],
    [hidden, o.depthwise, o.depthwiseBias, c.project ? undefined : o.residual],
  );
  if (c.project === undefined) return middle;
  return pointwise([rows, columns], c.hidden, c.outChannels, c.outChannels + gap, c.project, [middle, o.project, o.projectBias, o.residual]);
}

describe.each(rowsOf('inverted_residual', 'f32'))('$name', (row) => {
  it.each(testCases)('$name: bit-equal to its stages', (c) => {
    const o = packedFor(c, row);
    const expected = bytes(byStages(c, row));
    const params = blockParams(c);
    for (const threads of [1, 2, 3, 4]) {
      const y = new Float32Array(expected.length / 4);
      callKernel(row, invertedResidualParams, params, [y], Object.values(o), { threads });
      expect(Buffer.compare(bytes(y), expected)).toBe(0);
    }
  });

  it('refuses what its operands do not hold', () => {
    const c = testCases[0] as BlockCase;
    const given = packedFor(c, row);
    const size = 9 * 11 * 7;
    const call = (change: Partial<ReturnType<typeof blockParams>>, short: { [K in keyof typeof given]?: number } = {}, y = size) => {
      const inputs = Object.entries(given).map(([name, a]) => a?.subarray(0, a.length - (short[name as keyof typeof given] ?? 0)));
      callKernel(row, invertedResidualParams, { ...blockParams(c), ...change }, [new Float32Array(y)], inputs);
    };
    call({});
    expect(() => call({}, {}, size - 1)).toThrow(/y must hold/);
    expect(() => call({}, { x: 1 })).toThrow(/x must hold/);
    expect(() => call({}, { expand: 1 })).toThrow(/expanding weights/);
    expect(() => call({}, { depthwise: 1 })).toThrow(/depthwise weights/);
    expect(() => call({}, { project: 1 })).toThrow(/projecting weights/);
    expect(() => call({}, { expandBias: 1 })).toThrow(/bias/);
    expect(() => call({}, { depthwiseBias: 1 })).toThrow(/bias/);
    expect(() => call({}, { projectBias: 1 })).toThrow(/bias/);
    expect(() => call({}, { residual: 1 })).toThrow(/residual/);
    expect(() => call({ expand: 0 })).toThrow(/channels must be/);
    expect(() => call({ project: 0 })).toThrow(/output channels must be/);
    expect(() => call({ expand: 2 })).toThrow(/flags/);
    expect(() => call({ hidden: 0 })).toThrow(/positive/);
    expect(() => call({ inSize: [0, 11] })).toThrow(/rows and columns/);
    expect(() => call({ outSize: [-1, 11] })).toThrow(/negative/);
    expect(() => call({ strides: [0, 1] })).toThrow(/positive/);
    expect(() => call({ kernel: [2 ** 31 - 1, 2 ** 31 - 1] })).toThrow(/depthwise weights/);
    expect(() => call({ bandRows: 0 })).toThrow(/band/);
    expect(() => call({ bandRows: 2 ** 31 - 1 })).toThrow(/scratch/);
    expect(() => call({ expandActivation: 99 })).toThrow(/activations/);
    expect(() => call({ depthwiseActivation: -1 })).toThrow(/activations/);
    expect(() => call({ projectActivation: 14 })).toThrow(/activations/);
    expect(() => call({ ldc: 6 })).toThrow(/ldc/);
  });
});
