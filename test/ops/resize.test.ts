/** Tables that compilation computes in JavaScript: what a damaged model asks for must not take the process's memory. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../lib/compile/compile.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { type AttrValue, Constant, Graph } from '../../lib/graph/graph.js';
import { nativeCatalogue } from '../../lib/runtime/model.js';

function compileOne(op: string, dims: readonly number[], rest: readonly (Constant | undefined)[], attrs: Record<string, AttrValue>): void {
  const graph = new Graph(op);
  const x = graph.addInput('x', 'float32', dims);
  graph.outputs.push(graph.addNode(op, [x, ...rest.map((c) => c && graph.addConstant(c))], { name: 'y', attrs }).output());
  compile(graph, nativeCatalogue(), new WeightIndex());
}
const floats = (...values: number[]) => Constant.of('float32', [values.length], values);
const ints = (...values: number[]) => Constant.of('int64', [values.length], values);

describe('Resize', () => {
  it.each([
    ['an axis', [2, 2 ** 31], floats(1, 2), undefined, {}, /Resize "y": an axis must take at most 67108864 interpolation weights/],
    [
      'the neighbours of one position',
      [2, 2 ** 31],
      undefined,
      ints(2, 1),
      { mode: 'linear', antialias: 1 },
      /axis 1 from 2147483648 to 1 positions takes 2147483648/,
    ],
    ['the elements behind a crop', [4, 2 ** 31], undefined, ints(2, 2 ** 31), { axes: [0, 1] }, /interpolation weights/],
  ] as const)('refuses %s beyond what can be held', (_, dims, scales, sizes, attrs, message) => {
    expect(() => compileOne('Resize', dims, [undefined, scales, sizes], attrs as never)).toThrow(message);
  });
  it('refuses a fill beyond what can be held', () => {
    const rest = [floats(0, 1), undefined, ints(2)];
    const attrs = { axes: [0], coordinate_transformation_mode: 'tf_crop_and_resize' };
    expect(() => compileOne('Resize', [4, 2 ** 31], rest, attrs)).toThrow(/axes behind a crop must have at most 67108864 elements, 2147483648/);
  });
});
