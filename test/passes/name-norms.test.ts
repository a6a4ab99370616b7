import { describe, expect, it } from 'vitest';
import type { Value } from '../../lib/graph/graph.js';
import { nameNorms } from '../../lib/passes/name-norms.js';
import { Build, golden, rewritten, text } from './graphs.js';

const mean = (b: Build, x: Value, ...axes: number[]) => b.op('ReduceMean', [x, b.ints(...axes)], { keepdims: 1 });
const layerNorm = (b: Build, x: Value, axis = -1): Value => {
  const d = b.op('Sub', [x, mean(b, x, axis)]);
  return b.op('Div', [d, b.op('Sqrt', [b.op('Add', [mean(b, b.op('Pow', [d, b.scalar(2)]), axis), b.scalar(1e-5)])])]);
};

describe('name-norms', () => {
  it('finds layer normalisation with scale and bias', () => {
    const b = new Build();
    const y = b.op('Mul', [layerNorm(b, b.input('x', [2, 5, 8])), b.f32([8])]);
    expect(golden(b.done(b.op('Add', [y, b.f32([8])])), nameNorms)).toMatchInlineSnapshot(`
      "%reducemean: f32[2,5,1] = ReduceMean(%x, i64{-1}) {keepdims=1}
      %sub: f32[2,5,8] = Sub(%x, %reducemean)
      %pow: f32[2,5,8] = Pow(%sub, f32{2})
      %reducemean2: f32[2,5,1] = ReduceMean(%pow, i64{-1}) {keepdims=1}
      %add: f32[2,5,1] = Add(%reducemean2, f32{0.00001})
      %sqrt: f32[2,5,1] = Sqrt(%add)
      %div: f32[2,5,8] = Div(%sub, %sqrt)
      %mul: f32[2,5,8] = Mul(%div, f32[8])
      %add2: f32[2,5,8] = Add(%mul, f32[8])
      return %add2
      →
      %add2: f32[2,5,8] = LayerNormalization(%x, f32[8], f32[8]) {axis=-1, epsilon=0.00001}
      return %add2"
    `);
  });
  it('finds RMS normalisation', () => {
    const b = new Build();
    const x = b.input('x', [2, 5, 8]);
    const root = b.op('Sqrt', [b.op('Add', [b.scalar(1e-6), mean(b, b.op('Mul', [x, x]), 2)])]);
    const y = b.op('Mul', [b.f32([1, 8]), b.op('Mul', [x, b.op('Reciprocal', [root])])]);
    expect(golden(b.done(y), nameNorms)).toMatchInlineSnapshot(`
      "%mul: f32[2,5,8] = Mul(%x, %x)
      %reducemean: f32[2,5,1] = ReduceMean(%mul, i64{2}) {keepdims=1}
      %add: f32[2,5,1] = Add(f32{0.000001}, %reducemean)
      %sqrt: f32[2,5,1] = Sqrt(%add)
      %reciprocal: f32[2,5,1] = Reciprocal(%sqrt)
      %mul2: f32[2,5,8] = Mul(%x, %reciprocal)
      %mul3: f32[2,5,8] = Mul(f32[1,8], %mul2)
      return %mul3
      →
      %mul3: f32[2,5,8] = RMSNormalization(%x, f32[8]) {axis=-1, epsilon=0.000001}
      return %mul3"
    `);
  });
  it.each<[string, (b: Build, x: Value) => Value]>([
    ['another axis', (b, x) => layerNorm(b, x, 1)],
    [
      'a mean of something else',
      (b, x) => {
        const z = b.input('z', [2, 5, 8]);
        return b.op('Div', [x, b.op('Sqrt', [b.op('Add', [mean(b, b.op('Mul', [z, z]), 2), b.scalar(1e-6)])])]);
      },
    ],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    b.done(make(b, b.input('x', [2, 5, 8])));
    const before = text(b.graph);
    expect(rewritten(b.graph, nameNorms)).toBe(before);
  });
});
