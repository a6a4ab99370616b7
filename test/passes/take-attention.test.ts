import { describe, expect, it } from 'vitest';
import { takeAttention } from '../../lib/passes/take-attention.js';
import { Build, golden, rewritten } from './graphs.js';

describe('take-attention', () => {
  it('reads split heads where they lie', () => {
    const b = new Build();
    const x = b.input('x', [2, 5, 8]);
    const y = b.op('Attention', [x, x, x], { q_num_heads: 2, kv_num_heads: 2 });
    expect(golden(b.done(y), takeAttention)).toMatchInlineSnapshot(`
      "%attention: f32[2,5,8] = Attention(%x, %x, %x) {kv_num_heads=2, q_num_heads=2}
      return %attention
      →
      %attention: f32[2,5,8] = dsnk.Attention(%x, %x, %x) {batch=[2,2], k=[0,8,40,4], q=[0,8,40,4], scale=0.5, shape=[2,5,8], sizes=[5,5,4,4], v=[0,8,40,4], y=[8,40,4]}
      return %attention"
    `);
  });

  it('shares keys between heads of a group, and writes what is transposed and merged behind it', () => {
    const b = new Build();
    const [q, k, v] = [b.input('q', [1, 6, 4, 8]), b.input('k', [1, 2, 5, 8]), b.input('v', [1, 2, 5, 16])];
    const y = b.op('Attention', [q, k, v, b.input('mask', [4, 5], 'bool')]);
    const merged = b.op('Reshape', [b.op('Transpose', [y], { perm: [0, 2, 1, 3] }), b.ints(1, 4, 96)]);
    expect(rewritten(b.done(merged), takeAttention)).toMatchInlineSnapshot(`
      "%reshape: f32[1,4,96] = dsnk.Attention(%q, %k, %v, %mask) {batch=[2,3], empty=zero, fill=-Infinity, k=[0,8,40,0], mask=[0,5,1,0,0], maskKind=keepTrue, q=[0,8,96,32], scale=0.3535534, shape=[1,4,96], sizes=[4,5,8,16], v=[0,16,80,0], y=[96,48,16]}
      return %reshape"
    `);
  });

  it('appends to the past, and sees what is before a query', () => {
    const b = new Build();
    const past = b.input('past', [1, 2, 3, 4]);
    const x = b.input('x', [1, 2, 8]);
    const outputs = b.ops('Attention', [x, x, x, undefined, past, past], 3, { q_num_heads: 2, kv_num_heads: 2, is_causal: 1, scale: 0.25 });
    expect(rewritten(b.done(...outputs), takeAttention)).toMatchInlineSnapshot(`
      "%reshape.4: f32[1,2,2,4] = Reshape(%x, i64{1,2,2,4})
      %transpose.5: f32[1,2,2,4] = Transpose(%reshape.4) {perm=[0,2,1,3]}
      %attention:1: f32[1,2,5,4] = Concat(%past, %transpose.5) {axis=2}
      %reshape.8: f32[1,2,2,4] = Reshape(%x, i64{1,2,2,4})
      %transpose.9: f32[1,2,2,4] = Transpose(%reshape.8) {perm=[0,2,1,3]}
      %attention:2: f32[1,2,5,4] = Concat(%past, %transpose.9) {axis=2}
      %attention:0: f32[1,2,8] = dsnk.Attention(%x, %attention:1, %attention:2) {batch=[2], causal=3, empty=zero, k=[0,4,20], q=[0,8,4], scale=0.25, shape=[1,2,8], sizes=[2,5,4,4], v=[0,4,20], y=[8,4]}
      return %attention:0, %attention:1, %attention:2"
    `);
  });

  it('makes a sum of a mask that is too short', () => {
    const b = new Build();
    const [x, mask] = [b.input('x', [1, 1, 3, 4]), b.input('mask', [3, 2])];
    expect(rewritten(b.done(b.op('Attention', [x, x, x, mask], { is_causal: 1 })), takeAttention)).toMatchInlineSnapshot(`
      "%pad.3: f32[3,3] = Pad(%mask, i64{0,0,0,1}, f32{-Infinity})
      %add.6: i64[1,1,3,1] = Add(i64{0,1,2}, i64{0})
      %less.8: bool[1,1,3,3] = Less(%add.6, i64{0,1,2})
      %where.9: f32[1,1,3,3] = Where(%less.8, f32{-Infinity}, f32{0})
      %add.10: f32[1,1,3,3] = Add(%pad.3, %where.9)
      %attention: f32[1,1,3,4] = dsnk.Attention(%x, %x, %x, %add.10) {batch=[], empty=zero, k=[0,4], mask=[0,3,1], maskKind=add, q=[0,4], scale=0.5, shape=[1,1,3,4], sizes=[3,3,4,4], v=[0,4], y=[4]}
      return %attention"
    `);
  });

  it.each<[string, Record<string, number>, number, 'float32' | 'float16']>([
    ['a softcap', { softcap: 2 }, 1, 'float32'],
    ['softmax in double', { softmax_precision: 11 }, 1, 'float32'],
    ['the scores as a result', {}, 4, 'float32'],
    ['half types', {}, 1, 'float16'],
  ])('refuses %s', (_, attrs, outputs, dtype) => {
    const b = new Build();
    const x = b.input('x', [1, 2, 3, 4], dtype);
    expect(rewritten(b.done(...b.ops('Attention', [x, x, x], outputs, attrs)), takeAttention)).not.toContain('dsnk.Attention');
  });
});
