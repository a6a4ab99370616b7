import { describe, expect, it } from 'vitest';
import { type ConvCase, outputSize } from '../../bench/cases/conv.js';
import type { Shape } from '../../lib/graph/dim.js';
import { type AttrValue, Constant, Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { inferNode } from '../../lib/ops/infer.js';
import { convReference } from '../kernels/conv-reference.js';
import { randomFloats } from '../kernels/harness.js';

/** The output shapes of a node over inputs of those shapes. */
function shapesOf(op: string, inputs: readonly (Shape | undefined)[], attrs: Record<string, AttrValue> = {}, domain = '', outputs = 1): string[] {
  const graph = new Graph('shapes');
  const node = graph.addNode(
    op,
    inputs.map((s, i) => s && graph.addInput(`x${i}`, 'float32', s)),
    { attrs, domain, outputs },
  );
  inferNode(node, { concrete: false });
  return node.outputs.map((v) => `${v.dtype} [${v.shape?.join(',')}]`);
}

describe('shapes of convolutions', () => {
  it('follow kernel, strides, pads and dilations', () => {
    expect(
      shapesOf(
        'Conv',
        [
          [2, 3, 10, 11],
          [8, 3, 3, 5],
        ],
        { strides: [2, 1], pads: [1, 0, 0, 2], dilations: [1, 2] },
      ),
    ).toEqual(['float32 [2,8,5,5]']);
    expect(
      shapesOf(
        'Conv',
        [
          [2, 10, 11, 4],
          [8, 4, 3, 3],
        ],
        {},
        'dsnk',
      ),
    ).toEqual(['float32 [2,8,9,8]']);
    expect(
      shapesOf(
        'Conv',
        [
          [1, 4, 9],
          [6, 2, 3],
        ],
        { group: 2 },
      ),
    ).toEqual(['float32 [1,6,7]']);
    expect(
      shapesOf('Conv', [
        [1, 1, 5, 6, 7],
        [2, 1, 2, 2, 2],
      ]),
    ).toEqual(['float32 [1,2,4,5,6]']);
    for (const auto_pad of ['SAME_UPPER', 'SAME_LOWER'])
      expect(
        shapesOf(
          'Conv',
          [
            [1, 1, 5, 6],
            [2, 1, 3, 3],
          ],
          { auto_pad, strides: [2, 2] },
        ),
      ).toEqual(['float32 [1,2,3,3]']);
    expect(
      shapesOf(
        'Conv',
        [
          [1, 1, 5, 6],
          [2, 1, 3, 3],
        ],
        { auto_pad: 'VALID' },
      ),
    ).toEqual(['float32 [1,2,3,4]']);
  });
  it('keep symbols', () => {
    expect(
      shapesOf(
        'Conv',
        [
          ['n', 3, 'h', 8],
          [4, 3, 3, 3],
        ],
        { pads: [1, 1, 1, 1], strides: [2, 1] },
      ),
    ).toEqual(['float32 [n,4,floor(h+1/2),8]']);
    expect(
      shapesOf(
        'Conv',
        [
          ['n', 3, 'h', 8],
          [4, 3, 3, 3],
        ],
        { auto_pad: 'SAME_UPPER' },
      ),
    ).toEqual(['float32 [n,4,h,8]']);
    expect(
      shapesOf(
        'ConvTranspose',
        [
          ['n', 3, 'h', 8],
          [3, 4, 2, 2],
        ],
        { strides: [2, 2] },
      ),
    ).toEqual(['float32 [n,4,h*2,16]']);
  });
  it('of transposed ones follow output_padding and output_shape', () => {
    expect(
      shapesOf(
        'ConvTranspose',
        [
          [1, 6, 4, 5],
          [6, 2, 3, 3],
        ],
        { strides: [2, 3], group: 3, output_padding: [1, 0] },
      ),
    ).toEqual(['float32 [1,6,10,15]']);
    expect(
      shapesOf(
        'ConvTranspose',
        [
          [1, 6, 4, 5],
          [6, 2, 3, 3],
        ],
        { strides: [2, 2], output_shape: [9, 12] },
      ),
    ).toEqual(['float32 [1,2,9,12]']);
    expect(
      shapesOf(
        'ConvTranspose',
        [
          [1, 6, 4, 5],
          [6, 2, 3, 3],
        ],
        { strides: [2, 2], auto_pad: 'SAME_UPPER' },
      ),
    ).toEqual(['float32 [1,2,8,10]']);
  });
  it('are refused in words', () => {
    expect(() =>
      shapesOf('Conv', [
        [1, 3, 224, 224],
        [32, 4, 3, 3],
      ]),
    ).toThrow(/weight \[32,4,3,3\] needs 4 input channels, input \[1,3,224,224\] has 3/);
    expect(() =>
      shapesOf('Conv', [
        [1, 3, 8, 8],
        [4, 3, 3],
      ]),
    ).toThrow(/one rank/);
    expect(() =>
      shapesOf('Conv', [
        [1, 3, 8, 8],
        [4, 3, 9, 3],
      ]),
    ).toThrow(/at least as long as the window/);
    expect(() =>
      shapesOf(
        'Conv',
        [
          [1, 3, 8, 8],
          [4, 3, 3, 3],
        ],
        { group: 3 },
      ),
    ).toThrow(/group/);
    expect(() =>
      shapesOf(
        'Conv',
        [
          [1, 3, 8, 8],
          [4, 3, 3, 3],
        ],
        { strides: [0, 1] },
      ),
    ).toThrow(/strides must hold 2 positive/);
    expect(() => shapesOf('Conv', [[1, 3, 8, 8], [4, 3, 3, 3], [3]])).toThrow(/bias must hold 4/);
    expect(() => shapesOf('Conv', [[1, 8, 8, 3], [4, 3, 3, 3], undefined, [1, 6, 6, 3]], {}, 'dsnk')).toThrow(/residual must have the output's shape/);
  });
});

describe('shapes of pools', () => {
  it('follow ceil_mode and leave out windows that start in the padding', () => {
    expect(shapesOf('MaxPool', [[1, 3, 7, 8]], { kernel_shape: [3, 3], strides: [2, 2] }, '', 2)).toEqual(['float32 [1,3,3,3]', 'int64 [1,3,3,3]']);
    expect(shapesOf('AveragePool', [[1, 3, 7, 8]], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })).toEqual(['float32 [1,3,3,4]']);
    expect(shapesOf('MaxPool', [[1, 1, 2, 2]], { kernel_shape: [1, 1], strides: [2, 2], ceil_mode: 1 })).toEqual(['float32 [1,1,1,1]']);
    expect(shapesOf('LpPool', [[1, 8, 8, 3]], { kernel_shape: [2, 2] }, 'dsnk')).toEqual(['float32 [1,7,7,3]']);
    expect(shapesOf('GlobalAveragePool', [['n', 3, 'h', 'w']])).toEqual(['float32 [n,3,1,1]']);
    expect(shapesOf('GlobalMaxPool', [[2, 4, 5, 6]], {}, 'dsnk')).toEqual(['float32 [2,1,1,6]']);
  });
  it('are refused in words', () => {
    expect(() => shapesOf('MaxPool', [[1, 3, 7, 8]], { kernel_shape: [3] })).toThrow(/kernel_shape must hold 2/);
    expect(() => shapesOf('AveragePool', [[1, 3, 7, 8]], { kernel_shape: [3, 3], pads: [1, 1, -1, 1] })).toThrow(/pads must not be negative/);
    expect(() => shapesOf('LpPool', [[1, 3, 7, 8]], { kernel_shape: [3, 3], p: 0 })).toThrow(/p must be positive/);
  });
});

/** The case as a channels-last dsnk node, run through a session. */
async function runCase(c: ConvCase, constantWeights: boolean) {
  const rank = c.size.length;
  const out = outputSize(c);
  const xDims = [c.batch, ...c.size, c.channels];
  const group = c.group ?? 1;
  const wDims = c.transposed ? [c.channels, c.outChannels / group, ...c.kernel] : [c.outChannels, c.channels / group, ...c.kernel];
  const total = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  const [x, w] = [randomFloats(total(xDims), 1), randomFloats(total(wDims), 2)];
  const [bias, residual] = [randomFloats(c.outChannels, 3), randomFloats(total([c.batch, ...out, c.outChannels]), 4)];
  const graph = new Graph('conv');
  const feeds: Record<string, Tensor> = { x: new Tensor('float32', x, xDims), r: new Tensor('float32', residual, [c.batch, ...out, c.outChannels]) };
  const weights = constantWeights ? graph.addConstant(Constant.of('float32', wDims, [...w])) : graph.addInput('w', 'float32', wDims);
  if (!constantWeights) feeds['w'] = new Tensor('float32', w, wDims);
  const attrs: Record<string, AttrValue> = { group, activation: c.activation ?? 'none', pads: c.pads ?? Array<number>(2 * rank).fill(0) };
  if (c.strides) attrs['strides'] = c.strides;
  if (c.dilations) attrs['dilations'] = c.dilations;
  if (c.transposed) attrs['output_shape'] = out;
  const node = graph.addNode(
    c.transposed ? 'ConvTranspose' : 'Conv',
    [
      graph.addInput('x', 'float32', xDims),
      weights,
      graph.addConstant(Constant.of('float32', [c.outChannels], [...bias])),
      graph.addInput('r', 'float32', [c.batch, ...out, c.outChannels]),
    ],
    { domain: 'dsnk', attrs },
  );
  const y = node.output();
  y.name = 'y';
  graph.outputs.push(y);
  const session = await InferenceSession.fromGraph(graph);
  const { nodes, outputs } = await session.profile(feeds);
  await session.release();
  return { y: outputs['y']?.data as Float32Array, want: convReference(c, x, w, bias, residual).y, kernels: nodes.map((n) => n.kernel.replace(/_[^_]+$/, '')) };
}

describe('lowering', () => {
  const base: ConvCase = { name: '', batch: 2, size: [6, 7], channels: 6, outChannels: 10, kernel: [3, 3], pads: [1, 0, 1, 1] };
  it.each<[string, ConvCase, string]>([
    ['two dimensions', { ...base, activation: 'relu', strides: [2, 1] }, 'conv_f32'],
    ['winograd', { ...base, size: [13, 14], channels: 17, outChannels: 19, activation: 'relu' }, 'conv_winograd_f32'],
    ['winograd over few tiles', { ...base, size: [7, 8], channels: 17, outChannels: 19, activation: 'relu' }, 'conv_winograd2_f32'],
    ['one dimension', { ...base, size: [9], kernel: [3], pads: [1, 1] }, 'conv_f32'],
    ['three dimensions', { ...base, size: [3, 4, 5], kernel: [2, 2, 2], pads: [0, 1, 1, 1, 0, 0] }, 'conv_f32'],
    ['groups', { ...base, group: 2, dilations: [1, 2] }, 'conv_f32'],
    ['depthwise', { ...base, outChannels: 6, group: 6, activation: 'silu' }, 'depthwise_f32'],
    ['depthwise in one dimension', { ...base, size: [9], kernel: [3], pads: [1, 1], outChannels: 6, group: 6 }, 'depthwise_f32'],
    ['two filters a channel', { ...base, outChannels: 12, group: 6 }, 'conv_f32'],
    ['transposed', { ...base, transposed: true, strides: [2, 2], outputPadding: [1, 0] }, 'conv_transpose_f32'],
  ])('%s', async (_, c, kernel) => {
    for (const constant of [true, false]) {
      const { y, want, kernels } = await runCase(c, constant);
      expect(kernels).toEqual(constant ? [kernel] : ['conv_pack', kernel.replace(/_winograd2?/, '')]);
      expect(y.length).toBe(want.length);
      // sums of at most 200 products below 1: a hundred roundings of 2^-24 on partial sums below 8, and some for tiles
      for (let i = 0; i < y.length; i++) expect(Math.abs((y[i] as number) - (want[i] as number))).toBeLessThan(5e-5);
    }
  });
});
