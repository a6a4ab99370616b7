import { describe, expect, it } from 'vitest';
import { printGraph } from '../../lib/graph/print.js';
import { attrs, f32, type GraphInit, node, read } from './models.js';

type Attrs = Parameters<typeof attrs>[0];

/** One node of an old opset, as the importer leaves it. */
function upgraded(opset: number, op: string, inputs: string, attributes: Attrs = {}, more: Partial<GraphInit> = {}): string {
  const names = inputs.split(' ');
  const { graph, problems } = read(
    {
      name: `${op}-${opset}`,
      input: [f32('x', 2, 8, 4, 4), f32('c', 8), f32('s'), f32('unranked')].filter((v) => names.includes(v.name)),
      output: [{ name: 'y' }],
      node: [
        node(
          op,
          names.map((n) => (n === '-' ? '' : n)),
          ['y'],
          attrs(attributes),
        ),
      ],
      ...more,
    },
    { opsetImport: [{ domain: '', version: BigInt(opset) }] },
  );
  // Only the nodes: types depend on the operators that exist.
  const nodes = printGraph(graph)
    .split('\n')
    .slice(1, -1)
    .map((line) => line.trim().replace(/(%\S+): \S+?(, | = )/g, '$1$2'));
  return [...nodes, ...problems].join('\n');
}
const int64 = (name: string, ...values: number[]) => ({ name, dataType: 7, dims: [BigInt(values.length)], int64Data: values.map(BigInt) });
const float = (name: string, ...values: number[]) => ({ name, dataType: 1, dims: [BigInt(values.length)], floatData: values });

describe('attributes that became inputs', () => {
  it.each<[string, number, string, string, Attrs, Partial<GraphInit>?]>([
    ['Squeeze', 11, 'Squeeze', 'x', { axes: [0, -1] }],
    ['Unsqueeze', 11, 'Unsqueeze', 'x', { axes: [0] }],
    ['Squeeze of every 1', 11, 'Squeeze', 'x', {}],
    ['ReduceSum', 12, 'ReduceSum', 'x', { axes: [1], keepdims: 0 }],
    ['ReduceSum 13', 13, 'ReduceSum', 'x a', {}, { initializer: [int64('a', 1)] }],
    ['ReduceMean', 17, 'ReduceMean', 'x', { axes: [1, 2] }],
    ['ReduceMax of all', 12, 'ReduceMax', 'x', {}],
    ['Reshape', 1, 'Reshape', 'x', { shape: [2, -1], consumed_inputs: [0] }],
    ['Slice', 9, 'Slice', 'x', { starts: [1], ends: [3], axes: [2] }],
    ['Slice of leading axes', 1, 'Slice', 'x', { starts: [1, 0], ends: [3, 9] }],
    ['Split', 11, 'Split', 'x', { axis: 1, split: [8] }],
    ['Split in equal parts', 13, 'Split', 'x', { axis: 1 }],
    ['TopK', 1, 'TopK', 'x', { k: 3, axis: 1 }],
    ['Pad', 2, 'Pad', 'x', { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: 0.5 }],
    ['Pad of opset 1', 1, 'Pad', 'x', { paddings: [0, 0, 1, 1, 0, 0, 1, 1], mode: 'reflect' }],
    ['Clip', 6, 'Clip', 'x', { min: { float: 0 }, max: { float: 6 } }],
    ['Clip without a lower bound', 6, 'Clip', 'x', { max: { float: 6 } }],
    ['Clip 11', 11, 'Clip', 'x lo', {}, { initializer: [{ name: 'lo', dataType: 1, floatData: [0.5] }] }],
    ['Dropout', 10, 'Dropout', 'x', { ratio: 0.5 }],
    ['Tile', 1, 'Tile', 'x t a', {}, { initializer: [int64('t', 3), int64('a', 1)] }],
    ['DFT', 17, 'DFT', 'x', { axis: 2, onesided: 1 }],
    ['Cast', 1, 'Cast', 'x', { to: 'INT64' }],
  ])('%s', (_, opset, op, inputs, attributes, more) => {
    expect(upgraded(opset, op, inputs, attributes, more)).toMatchSnapshot();
  });
});

describe('attributes of another kind', () => {
  it.each<[string, number, Attrs, RegExp]>([
    ['TopK', 9, { k: { float: Number.POSITIVE_INFINITY } }, /TopK "y": attribute k must be an integer/],
    ['Slice', 9, { starts: { floats: [0.5] }, ends: [1] }, /Slice "y": attribute starts must be a list of integers/],
    ['Softmax', 12, { axis: { float: 0.5 } }, /Softmax "y": attribute axis must be an integer/],
  ])('%s %i is refused', (op, opset, attributes, message) => {
    expect(() => upgraded(opset, op, 'x', attributes)).toThrow(message);
  });
});

describe('operators whose meaning changed', () => {
  it.each<[string, number, string, string, Attrs, Partial<GraphInit>?]>([
    ['Softmax over several axes', 11, 'Softmax', 'x', { axis: 1 }],
    ['Softmax, default axis', 1, 'Softmax', 'x', {}],
    ['LogSoftmax over the last axis', 11, 'LogSoftmax', 'x', { axis: 3 }],
    ['Hardmax over the last axis', 11, 'Hardmax', 'x', { axis: -1 }],
    ['Softmax 13', 13, 'Softmax', 'x', { axis: 1 }],
    ['Upsample of opset 1', 1, 'Upsample', 'x', { height_scale: { float: 2 }, width_scale: { float: 2 }, mode: 'bilinear' }],
    ['Upsample of opset 7', 7, 'Upsample', 'x', { scales: { floats: [1, 1, 2, 2] } }],
    ['Upsample of opset 9', 9, 'Upsample', 'x k', { mode: 'linear' }, { initializer: [float('k', 1, 1, 2, 2)] }],
    ['Resize of opset 10', 10, 'Resize', 'x k', {}, { initializer: [float('k', 1, 1, 2, 2)] }],
    [
      'Resize of opset 11',
      11,
      'Resize',
      'x roi k',
      { coordinate_transformation_mode: 'tf_half_pixel_for_nn', nearest_mode: 'floor' },
      { initializer: [float('roi'), float('k', 1, 1, 2, 2)] },
    ],
    ['Resize by sizes with empty scales', 13, 'Resize', 'x - k z', {}, { initializer: [float('k'), int64('z', 2, 8, 8, 8)] }],
    ['Scatter', 9, 'Scatter', 'x i x', { axis: 1 }, { initializer: [int64('i', 1)] }],
    ['RoiAlign', 10, 'RoiAlign', 'x x x', {}],
    ['GridSample', 16, 'GridSample', 'x x', { mode: 'bicubic' }],
    ['GroupNormalization', 18, 'GroupNormalization', 'x g g', { num_groups: 2 }, { initializer: [float('g', 1, 2)] }],
    ['BatchNormalization', 7, 'BatchNormalization', 'x c c c c', { epsilon: 0.001 }],
    ['BatchNormalization per element', 6, 'BatchNormalization', 'x c c c c', { spatial: 0, is_test: 1 }],
    ['Scan with a batch', 8, 'Scan', 'x', {}],
  ])('%s', (_, opset, op, inputs, attributes, more) => {
    expect(upgraded(opset, op, inputs, attributes, more)).toMatchSnapshot();
  });
});

describe('outputs that only training computes', () => {
  const model = (...outputs: string[]) =>
    read(
      {
        name: 'g',
        input: [f32('x', 2, 8, 4, 4), f32('c', 8)],
        output: outputs.map((name) => ({ name })),
        node: [node('BatchNormalization', ['x', 'c', 'c', 'c', 'c'], ['y', 'mean', 'variance'])],
      },
      { opsetImport: [{ domain: '', version: 9n }] },
    );

  it('drops them where nobody reads them', () => {
    const { graph, problems } = model('y');
    expect(graph.nodes[0]?.outputs.map((v) => v.name)).toEqual(['y']);
    expect(problems).toEqual([]);
  });

  it('reports them where somebody does', () => {
    expect(model('y', 'mean').problems).toEqual(['BatchNormalization "y" (opset 9): training outputs of BatchNormalization without training_mode']);
  });
});

describe('the first years', () => {
  it.each<[string, number, string, string, Attrs, Partial<GraphInit>?]>([
    ['Add along an axis', 6, 'Add', 'x c', { broadcast: 1, axis: 1 }],
    ['Add of a constant along an axis', 6, 'Add', 'x k', { broadcast: 1, axis: 1 }, { initializer: [float('k', 1, 2, 3, 4, 5, 6, 7, 8)] }],
    ['Mul of trailing axes', 6, 'Mul', 'x s', { broadcast: 1 }],
    ['Sub of equal shapes', 6, 'Sub', 'x x', {}],
    ['Gemm', 6, 'Gemm', 'x c c', { broadcast: 1 }],
    ['PRelu', 6, 'PRelu', 'x c', {}],
    ['Concat', 1, 'Concat', 'x x', {}],
    ['GlobalLpPool', 1, 'GlobalLpPool', 'x', { p: { float: 3 } }],
    ['Selu', 1, 'Selu', 'x', {}],
    ['MeanVarianceNormalization', 1, 'MeanVarianceNormalization', 'x', {}],
    ['Affine', 1, 'Affine', 'x', { alpha: 2.5, beta: 0.5 }],
    ['Scale', 1, 'Scale', 'x', { scale: 2.5 }],
    ['ScaledTanh', 1, 'ScaledTanh', 'x', { alpha: 2.5, beta: 0.5 }],
    ['ParametricSoftplus', 1, 'ParametricSoftplus', 'x', { alpha: 2.5, beta: 0.5 }],
    ['ImageScaler', 1, 'ImageScaler', 'x', { scale: 2.5, bias: { floats: [1, 2, 3] } }],
    ['Crop', 1, 'Crop', 'x', { border: [1, 1, 0, 1] }],
  ])('%s', (_, opset, op, inputs, attributes, more) => {
    expect(upgraded(opset, op, inputs, attributes, more)).toMatchSnapshot();
  });
});
