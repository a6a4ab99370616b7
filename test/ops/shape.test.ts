import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import type { Shape } from '../../lib/graph/dim.js';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { inferNode } from '../../lib/ops/infer.js';

type Input = Value | Shape | { ints: readonly number[] };

const graph = new Graph();
const ints = (...values: number[]) => ({ ints: values });

/** Types one node; shapes become float32 inputs, `ints` int64 constants. */
function infer(op: string, inputs: readonly (Input | undefined)[], attrs: Record<string, AttrValue> = {}, concrete = false, outputs = 1): Value[] {
  const values = inputs.map((x) => {
    if (x === undefined || 'name' in x) return x;
    if ('ints' in x) return graph.addConstant(Constant.of('int64', [x.ints.length], x.ints));
    return graph.addInput(graph.freshName('x'), 'float32', x);
  });
  const node = graph.createNode(op, values, { attrs, outputs });
  inferNode(node, { concrete });
  return node.outputs;
}
const shapeOf = (op: string, inputs: readonly (Input | undefined)[], attrs: Record<string, AttrValue> = {}) => infer(op, inputs, attrs)[0]?.shape;
const unknownInput = (dtype: DType, shape: Shape | undefined) => graph.addInput(graph.freshName('u'), dtype, shape);

describe('Shape and Size', () => {
  it('give known elements, symbols included', () => {
    expect(infer('Shape', [['N', 3, 'H', 4]])[0]).toMatchObject({ dtype: 'int64', shape: [4], known: ['N', 3, 'H', 4] });
    expect(infer('Shape', [['N', 3, 'H', 4]], { start: -3, end: -1 })[0]?.known).toEqual([3, 'H']);
    expect(infer('Shape', [['N', 3]], { start: 2, end: 1 })[0]).toMatchObject({ shape: [0], known: [] });
    expect(infer('Size', [['N', 3, 4]])[0]).toMatchObject({ dtype: 'int64', shape: [], known: ['(N*3)*4'] });
    expect(infer('Size', [[2, 3, 4]])[0]?.known).toEqual([24]);
  });
});

describe('Reshape', () => {
  it('copies, infers and keeps symbols', () => {
    expect(shapeOf('Reshape', [[2, 3, 4], ints(0, -1)])).toEqual([2, 12]);
    expect(shapeOf('Reshape', [['N', 8, 7, 7], ints(0, -1)])).toEqual(['N', 392]);
    expect(shapeOf('Reshape', [['N', 8, 7, 7], ints(-1, 392)])).toEqual(['N', 392]);
    expect(shapeOf('Reshape', [[0, 3], ints(-1, 3)])).toEqual([0, 3]);
    expect(shapeOf('Reshape', [['(N*3)*4', 5], ints(-1, 60)])).toEqual(['N', 60]);
    expect(shapeOf('Reshape', [[0, 3], ints(0, 0)])).toEqual([0, 3]);
    expect(infer('Reshape', [[0, 3], ints(3, 0)], { allowzero: 1 })[0]?.shape).toEqual([3, 0]);
  });
  it('takes its shape from shape arithmetic', () => {
    const [dims] = infer('Shape', [['N', 3, 'H', 4]], { end: 2 });
    expect(shapeOf('Reshape', [['N', 3, 'H', 4], dims as Value])).toEqual(['N', 3]);
  });
  it('refuses what does not fit', () => {
    expect(() => infer('Reshape', [[2, 3], ints(-1, -1)])).toThrow(/at most one -1/);
    expect(() => infer('Reshape', [[2, 3], ints(4, -1)])).toThrow(/must divide the number of elements/);
    expect(() => infer('Reshape', [[2, 3], ints(7)])).toThrow(/as many elements/);
    expect(() => infer('Reshape', [[2, 3], ints(-2)])).toThrow(/-2 came/);
  });
  it('knows at least the rank when the shape is not known', () => {
    const shape = shapeOf('Reshape', [['N', 4], unknownInput('int64', [3])]);
    expect(shape).toHaveLength(3);
    expect(shapeOf('Reshape', [['N', 4], unknownInput('int64', undefined)])).toBeUndefined();
  });
});

describe('views', () => {
  it('types Flatten, Squeeze and Unsqueeze', () => {
    expect(shapeOf('Flatten', [['N', 3, 4]])).toEqual(['N', 12]);
    expect(shapeOf('Flatten', [[2, 3, 4]], { axis: -1 })).toEqual([6, 4]);
    expect(shapeOf('Flatten', [[2, 3, 4]], { axis: 3 })).toEqual([24, 1]);
    expect(shapeOf('Squeeze', [['N', 1, 4, 1], ints(-1, 1)])).toEqual(['N', 4]);
    expect(shapeOf('Squeeze', [[2, 1, 1]])).toEqual([2]);
    expect(shapeOf('Squeeze', [['N', 1]])).toBeUndefined();
    expect(shapeOf('Unsqueeze', [['N', 4], ints(0, -1)])).toEqual([1, 'N', 4, 1]);
    expect(() => infer('Squeeze', [[2, 3], ints(1)])).toThrow(/axis 1 must have 1 element/);
    expect(() => infer('Unsqueeze', [[2, 3], ints(1, 1)])).toThrow(/must differ/);
  });
});

describe('made tensors', () => {
  it('types Constant', () => {
    expect(infer('Constant', [], { value: Constant.of('int64', [2], [3, 4]) })[0]).toMatchObject({ dtype: 'int64', shape: [2], known: [3, 4] });
    expect(infer('Constant', [], { value_float: 0.5 })[0]).toMatchObject({ dtype: 'float32', shape: [], known: [0.5] });
    expect(infer('Constant', [], { value_ints: [1, 2, 3] })[0]).toMatchObject({ dtype: 'int64', shape: [3], known: [1, 2, 3] });
    expect(() => infer('Constant', [], { value_string: 'x' })).toThrow(/dense tensor/);
  });
  it('types ConstantOfShape and Range', () => {
    expect(infer('ConstantOfShape', [ints(2, 2)], { value: Constant.of('int64', [1], [7]) })[0]).toMatchObject({
      dtype: 'int64',
      shape: [2, 2],
      known: [7, 7, 7, 7],
    });
    expect(infer('ConstantOfShape', [unknownInput('int64', [2])])[0]).toMatchObject({ dtype: 'float32', known: undefined });
    const scalar = (v: number) => graph.addConstant(Constant.of('int64', [], [v]));
    expect(infer('Range', [scalar(3), scalar(10), scalar(3)])[0]).toMatchObject({ dtype: 'int64', shape: [3], known: [3, 6, 9] });
    expect(infer('Range', [scalar(10), scalar(4), scalar(-2)])[0]?.known).toEqual([10, 8, 6]);
    expect(infer('Range', [scalar(4), scalar(4), scalar(1)])[0]?.shape).toEqual([0]);
    const [size] = infer('Size', [['N', 2]]);
    expect(infer('Range', [scalar(0), size as Value, scalar(1)])[0]?.shape).toEqual(['N*2']);
    expect(() => infer('Range', [scalar(0), scalar(4), scalar(0)])).toThrow(/delta must not be 0/);
  });
});
