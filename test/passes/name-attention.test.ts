import { describe, expect, it } from 'vitest';
import type { Value } from '../../lib/graph/graph.js';
import { mergeReshapes } from '../../lib/passes/merge-reshapes.js';
import { nameAttention } from '../../lib/passes/name-attention.js';
import { Build, golden, rewritten } from './graphs.js';

/** [B, S, H·D] → [B, H, S, D] */
function heads(b: Build, x: Value, count: number, perm = [0, 2, 1, 3]): Value {
  b.infer();
  const [batch, length, width] = x.dims as [number, number, number];
  return b.op('Transpose', [b.op('Reshape', [x, b.ints(batch, length, count, width / count)])], { perm });
}

const merged = (b: Build, y: Value, ...dims: number[]) => b.op('Reshape', [b.op('Transpose', [y], { perm: [0, 2, 1, 3] }), b.ints(...dims)]);

describe('name-attention', () => {
  it('reads packed projections where they lie and writes rows of heads', () => {
    const b = new Build();
    const x = b.op('Reshape', [b.input('x', [2, 5, 24]), b.ints(2, 5, 3, 2, 4)]);
    const [q, k, v] = b.ops('Split', [b.op('Transpose', [x], { perm: [2, 0, 3, 1, 4] })], 3, { axis: 0, num_outputs: 3 }) as [Value, Value, Value];
    const own = (part: Value) => b.op('Squeeze', [part, b.ints(0)]);
    const scores = b.op('MatMul', [own(q), b.op('Transpose', [own(k)], { perm: [0, 1, 3, 2] })]);
    const w = b.op('Softmax', [b.op('Mul', [scores, b.scalar(0.5)])], { axis: -1 });
    const y = merged(b, b.op('MatMul', [w, own(v)]), 2, 5, 8);
    expect(golden(b.done(y), nameAttention)).toMatchInlineSnapshot(`
      "%reshape: f32[2,5,3,2,4] = Reshape(%x, i64[5])
      %transpose: f32[3,2,2,5,4] = Transpose(%reshape) {perm=[2,0,3,1,4]}
      %split:0: f32[1,2,2,5,4], %split:1: f32[1,2,2,5,4], %split:2: f32[1,2,2,5,4] = Split(%transpose) {axis=0, num_outputs=3}
      %squeeze: f32[2,2,5,4] = Squeeze(%split:0, i64{0})
      %squeeze2: f32[2,2,5,4] = Squeeze(%split:1, i64{0})
      %transpose2: f32[2,2,4,5] = Transpose(%squeeze2) {perm=[0,1,3,2]}
      %matmul: f32[2,2,5,5] = MatMul(%squeeze, %transpose2)
      %mul: f32[2,2,5,5] = Mul(%matmul, f32{0.5})
      %softmax: f32[2,2,5,5] = Softmax(%mul) {axis=-1}
      %squeeze3: f32[2,2,5,4] = Squeeze(%split:2, i64{0})
      %matmul2: f32[2,2,5,4] = MatMul(%softmax, %squeeze3)
      %transpose3: f32[2,5,2,4] = Transpose(%matmul2) {perm=[0,2,1,3]}
      %reshape2: f32[2,5,8] = Reshape(%transpose3, i64{2,5,8})
      return %reshape2
      →
      %reshape2: f32[2,5,8] = dsnk.Attention(%x, %x, %x) {batch=[2,2], k=[8,24,120,4], q=[0,24,120,4], scale=0.5, shape=[2,5,8], sizes=[5,5,4,4], v=[16,24,120,4], y=[8,40,4]}
      return %reshape2"
    `);
  });

  it('takes a scale on q and on k, a mask for every query, and fewer keys than queries', () => {
    const b = new Build();
    const [q, c] = [b.input('q', [1, 7, 8]), b.input('c', [1, 3, 8])];
    const scaled = b.op('Div', [heads(b, q, 2), b.scalar(2)]);
    const k = b.op('Mul', [heads(b, c, 2, [0, 2, 3, 1]), b.scalar(0.25)]);
    const s = b.op('Add', [b.input('mask', [7, 3]), b.op('MatMul', [scaled, k])]);
    const y = merged(b, b.op('MatMul', [b.op('Softmax', [s], { axis: 3 }), heads(b, c, 2)]), 1, 7, 8);
    expect(rewritten(b.done(y), nameAttention)).toMatchInlineSnapshot(`
      "%reshape4: f32[1,7,8] = dsnk.Attention(%q, %c, %c, %mask) {batch=[2], k=[0,8,4], mask=[0,3,1,0], maskKind=add, q=[0,8,4], scale=0.125, shape=[1,7,8], sizes=[7,3,4,4], v=[0,8,4], y=[8,4]}
      return %reshape4"
    `);
  });

  it('takes three-dimensional batches, a mask in another grouping, and zeros for NaN', () => {
    const b = new Build();
    const part = (name: string) => b.op('Transpose', [b.op('Reshape', [b.input(name, [5, 2, 8]), b.ints(5, 4, 4)])], { perm: [1, 0, 2] });
    const s = b.op('Reshape', [b.op('MatMul', [part('q'), b.op('Transpose', [part('k')], { perm: [0, 2, 1] })]), b.ints(2, 2, 5, 5)]);
    const w = b.op('Softmax', [b.op('Where', [b.input('keep', [2, 1, 1, 5], 'bool'), s, b.scalar(-Infinity)])], { axis: -1 });
    const safe = b.op('Where', [b.op('IsNaN', [w]), b.scalar(0), w]);
    const y = b.op('MatMul', [b.op('Reshape', [safe, b.ints(4, 5, 5)]), part('v')]);
    expect(rewritten(b.done(b.op('Reshape', [b.op('Transpose', [y], { perm: [1, 0, 2] }), b.ints(5, 2, 8)])), nameAttention)).toMatchInlineSnapshot(`
      "%reshape6: f32[5,2,8] = dsnk.Attention(%q, %k, %v, %keep) {batch=[2,2], empty=zeroNan, fill=-Infinity, k=[0,16,8,4], mask=[0,0,1,5,0], maskKind=keepTrue, q=[0,16,8,4], scale=1, shape=[5,2,8], sizes=[5,5,4,4], v=[0,16,8,4], y=[16,8,4]}
      return %reshape6"
    `);
  });

  it('shares keys and values that are repeated for groups of heads, and makes rows of the group', () => {
    const b = new Build();
    const repeated = (name: string) => {
      const x = b.op('Expand', [b.op('Unsqueeze', [b.input(name, [1, 2, 6, 4]), b.ints(2)]), b.ints(1, 2, 3, 6, 4)]);
      return b.op('Reshape', [x, b.ints(1, 6, 6, 4)]);
    };
    const s = b.op('MatMul', [b.input('q', [1, 6, 1, 4]), b.op('Transpose', [repeated('k')], { perm: [0, 1, 3, 2] })]);
    const y = merged(b, b.op('MatMul', [b.op('Softmax', [s], { axis: -1 }), repeated('v')]), 1, 1, 24);
    expect(rewritten(b.done(y), mergeReshapes, nameAttention)).toMatchInlineSnapshot(`
      "%reshape3: f32[1,1,24] = dsnk.Attention(%q, %k, %v) {batch=[2], k=[0,4,24], q=[0,4,12], scale=1, shape=[1,1,24], sizes=[3,6,4,4], v=[0,4,24], y=[4,12]}
      return %reshape3"
    `);
  });

  it('copies keys that lie transposed', () => {
    const b = new Build();
    const s = b.op('MatMul', [b.input('q', [2, 5, 4]), b.input('k', [2, 4, 6])]);
    expect(rewritten(b.done(b.op('MatMul', [b.op('Softmax', [s], { axis: -1 }), b.input('v', [2, 6, 3])])), nameAttention)).toMatchInlineSnapshot(`
      "%transpose.0: f32[2,6,4] = Transpose(%k) {perm=[0,2,1]}
      %matmul2: f32[2,5,3] = dsnk.Attention(%q, %transpose.0, %v) {batch=[2], k=[0,4,24], q=[0,4,20], scale=1, shape=[2,5,3], sizes=[5,6,4,3], v=[0,3,18], y=[3,15]}
      return %matmul2"
    `);
  });

  it.each<[string, (b: Build, q: Value, k: Value, v: Value) => Value[]]>([
    [
      'weights that others read',
      (b, q, k, v) => {
        const w = b.op('Softmax', [b.op('MatMul', [q, k])], { axis: -1 });
        return [b.op('MatMul', [w, v]), w];
      },
    ],
    [
      'scores that others read',
      (b, q, k, v) => {
        const s = b.op('MatMul', [q, k]);
        return [b.op('MatMul', [b.op('Softmax', [s], { axis: -1 }), v]), s];
      },
    ],
    ['another axis', (b, q, k, v) => [b.op('MatMul', [b.op('Softmax', [b.op('MatMul', [q, k])], { axis: 1 }), v])]],
    [
      'weights on the right',
      (b, q, k, v) => [b.op('MatMul', [b.op('Transpose', [v], { perm: [0, 2, 1] }), b.op('Softmax', [b.op('MatMul', [q, k])], { axis: -1 })])],
    ],
    [
      'a scale after the mask',
      (b, q, k, v) => {
        const s = b.op('Mul', [b.op('Add', [b.op('MatMul', [q, k]), b.input('m', [6, 6])]), b.scalar(2)]);
        return [b.op('MatMul', [b.op('Softmax', [s], { axis: -1 }), v])];
      },
    ],
    ['values that repeat the weights', (b, q, k) => [b.op('MatMul', [b.op('Softmax', [b.op('MatMul', [q, k])], { axis: -1 }), b.input('w', [3, 2, 6, 4])])]],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    const graph = b.done(...make(b, b.input('q', [2, 6, 4]), b.input('k', [2, 4, 6]), b.input('v', [2, 6, 4])));
    expect(rewritten(graph, nameAttention)).not.toContain('dsnk.Attention');
  });
});
