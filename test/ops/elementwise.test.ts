import { describe, expect, it } from 'vitest';
import { type DType, dtypes } from '../../lib/dtype.js';
import type { Dim, Shape } from '../../lib/graph/dim.js';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { assignRegisters, type ExpressionStep, input, mergeDims, parseStep, step, stepText, value } from '../../lib/ops/expression.js';
import { inferNode } from '../../lib/ops/infer.js';

const graph = new Graph();
const typed = (dtype: DType, shape: Shape | undefined) => graph.addInput(graph.freshName('x'), dtype, shape);
const constant = (dtype: DType, values: readonly number[], dims: readonly number[] = [values.length]) =>
  graph.addConstant(Constant.of(dtype, [...dims], values));

/** A value whose elements shape arithmetic knows. */
function known(elements: readonly Dim[], dtype: DType = 'int64', dims: readonly number[] = [elements.length]): Value {
  const v = typed(dtype, dims);
  v.known = elements;
  return v;
}

function infer(op: string, inputs: readonly (Value | undefined)[], attrs: Record<string, AttrValue> = {}, outputs = 1): Value[] {
  const node = graph.createNode(op, [...inputs], { attrs, outputs });
  inferNode(node, { concrete: false });
  return node.outputs;
}
const one = (op: string, inputs: readonly (Value | undefined)[], attrs: Record<string, AttrValue> = {}) => infer(op, inputs, attrs)[0] as Value;

describe('types and shapes', () => {
  it('broadcast, symbols included', () => {
    expect(one('Add', [typed('float32', ['N', 3, 1]), typed('float32', [1, 4])])).toMatchObject({ dtype: 'float32', shape: ['N', 3, 4] });
    expect(one('Less', [typed('int64', [2, 1]), typed('int64', [3])])).toMatchObject({ dtype: 'bool', shape: [2, 3] });
    expect(one('Where', [typed('bool', [2, 1]), typed('uint8', [3]), typed('uint8', [])])).toMatchObject({ dtype: 'uint8', shape: [2, 3] });
    expect(one('Sum', [typed('float32', [2, 1]), typed('float32', [3]), typed('float32', [4, 1, 1])]).shape).toEqual([4, 2, 3]);
    expect(one('Relu', [typed('float32', undefined)]).shape).toBeUndefined();
  });
  it('are refused where they do not fit', () => {
    expect(() => one('Add', [typed('float32', [2]), typed('float32', [3])])).toThrow(/must broadcast/);
    expect(() => one('Add', [typed('float32', [2]), typed('int32', [2])])).toThrow(/one element type/);
    expect(() => one('Add', [typed('float32', [2])])).toThrow(/takes 2 inputs/);
    expect(() => one('Less', [typed('float32', [2]), undefined])).toThrow(/takes 2 inputs/);
    expect(() => one('Where', [typed('bool', [2]), typed('float32', [2])])).toThrow(/takes 3 inputs/);
    expect(() => one('Exp', [typed('int32', [2])])).toThrow(/float type/);
    expect(() => one('And', [typed('float32', [2]), typed('float32', [2])])).toThrow(/bool type/);
    expect(() => one('Equal', [typed('string', [2]), typed('string', [2])])).toThrow(/strings/);
    expect(() => one('Clip', [typed('float32', [2]), typed('float32', [2])])).toThrow(/scalars/);
    expect(() => one('BitCast', [typed('float32', [2])], { to: dtypes.float64.onnx })).toThrow(/same size/);
    expect(() => infer('Dropout', [typed('float32', [2]), undefined, known([1], 'bool', [])])).toThrow(/training_mode/);
  });
});

describe('known elements', () => {
  it('go through integer arithmetic, symbols where they can', () => {
    expect(one('Add', [known(['N', 3]), constant('int64', [2])]).known).toEqual(['N+2', 5]);
    expect(one('Mul', [known(['N', 3]), known([2], 'int64', [])]).known).toEqual(['N*2', 6]);
    expect(one('Sub', [known(['N']), known(['N'])]).known).toEqual([0]);
    expect(one('Div', [known(['N*4', 9]), constant('int64', [4])]).known).toEqual(['N', 2]);
    expect(one('Div', [known([-7]), constant('int64', [2])]).known).toEqual([-3]);
    expect(one('Mod', [known([7]), constant('int64', [4])]).known).toEqual([3]);
    expect(one('Max', [known([7, 2]), constant('int64', [4])]).known).toEqual([7, 4]);
    expect(one('Where', [known([1, 0], 'bool'), known(['N', 3]), known([5, 'M'])]).known).toEqual(['N', 'M']);
    expect(one('Equal', [known([-1, 4]), constant('int64', [-1])]).known).toEqual([1, 0]);
    expect(one('Equal', [known(['N']), known(['N'])]).known).toEqual([1]);
    expect(one('Equal', [known(['N']), known([3])]).known).toBeUndefined();
  });
  it('go through the float arithmetic of scales, rounded as float32', () => {
    const size = one('Cast', [known([7])], { to: dtypes.float32.onnx });
    expect(size.known).toEqual([7]);
    const scale = one('Div', [size, constant('float32', [3])]);
    expect(scale.known).toEqual([Math.fround(7 / 3)]);
    const back = one('Cast', [one('Floor', [one('Mul', [scale, constant('float32', [3])])])], { to: dtypes.int64.onnx });
    expect(back).toMatchObject({ dtype: 'int64', known: [7] });
  });
  it('are left to the run where arithmetic would not be exact or is an error', () => {
    expect(one('Mul', [known([2 ** 40]), constant('int64', [2 ** 40])]).known).toBeUndefined();
    expect(one('Mul', [known([2 ** 20], 'int32'), constant('int32', [2 ** 20])]).known).toBeUndefined();
    expect(one('Div', [known([1]), constant('int64', [0])]).known).toBeUndefined();
    expect(one('Mod', [known([-7]), constant('int64', [4])]).known).toBeUndefined();
    expect(one('Cast', [known(['N'])], { to: dtypes.float32.onnx }).known).toBeUndefined();
  });
  it('pass through Identity, Cast and Clip', () => {
    expect(one('Identity', [known(['N', 2])]).known).toEqual(['N', 2]);
    expect(one('Cast', [known(['N', 2])], { to: dtypes.int32.onnx })).toMatchObject({ dtype: 'int32', known: ['N', 2] });
    expect(one('Clip', [known([-5, 5, 50]), constant('int64', [0], []), constant('int64', [10], [])]).known).toEqual([0, 5, 10]);
  });
});

describe('programs', () => {
  it('merge neighbouring dimensions that the inputs share', () => {
    expect(
      mergeDims(
        [2, 3, 4, 5],
        [
          [2, 3, 4, 5],
          [3, 1, 1],
        ],
      ),
    ).toEqual({ dims: [2, 3, 20], masks: [7, 2] });
    expect(
      mergeDims(
        [2, 3, 4],
        [
          [2, 3, 4],
          [2, 3, 4],
        ],
      ),
    ).toEqual({ dims: [24], masks: [1, 1] });
    expect(mergeDims([1, 1], [[1], []])).toEqual({ dims: [1], masks: [0, 0] });
    expect(mergeDims([1, 6, 1], [[6, 1], [1]])).toEqual({ dims: [6], masks: [1, 0] });
    expect(mergeDims([0, 3], [[0, 3], [3]])).toEqual({ dims: [0, 3], masks: [3, 2] });
  });
  it('reuse registers after the last reading', () => {
    const chain: ExpressionStep[] = [0, 1, 2, 3].map((i) => ({ op: 'neg', terms: [i === 0 ? input(0) : step(i - 1)] }));
    expect(assignRegisters(chain)).toEqual({ target: [0, 0, 0, 0], count: 1 });
    const wide: ExpressionStep[] = Array.from({ length: 13 }, () => ({ op: 'neg' as const, terms: [input(0)] }));
    wide.push({ op: 'where', terms: [step(0), step(1), step(2)] });
    wide.push({ op: 'add', terms: [step(12), step(13)] });
    expect(assignRegisters(wide)?.count).toBeLessThanOrEqual(12);
  });
  it('read back what they print', () => {
    const s: ExpressionStep = { op: 'clip', terms: [step(3), value(-Infinity), value(Math.fround(0.1))] };
    expect(stepText(s)).toBe('clip(s3,-Infinity,0.1)');
    const back = parseStep(stepText(s));
    expect(back.terms.map((t) => ('value' in t ? Math.fround(t.value) : t))).toEqual(s.terms.map((t) => ('value' in t ? Math.fround(t.value) : t)));
    expect(parseStep('mul(x0,-0)').terms[1]).toEqual({ value: -0 });
    expect(() => parseStep('nonsense(x0)')).toThrow(/nonsense/);
  });
});
