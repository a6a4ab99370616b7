/** Operators of onnxruntime as standard ones, and attention over caches as our own. */
import { describe, expect, it } from 'vitest';
import type { AttrValue, Value } from '../../lib/graph/graph.js';
import { expandContrib } from '../../lib/passes/expand-contrib.js';
import { Build, golden } from './graphs.js';

function contrib(b: Build, op: string, inputs: Value[], attrs: Record<string, AttrValue>, outputs: number): Value {
  return b.graph.addNode(op, inputs, { domain: 'com.microsoft', name: 'y', attrs, outputs }).output();
}

describe('expand-contrib', () => {
  it('writes attention of many heads as that of the standard, its mask as a sum', () => {
    const b = new Build();
    const rows = (name: string) => b.input(name, [1, 3, 8]);
    const y = contrib(b, 'MultiHeadAttention', [rows('q'), rows('k'), rows('v')], { num_heads: 2, unidirectional: 1 }, 1);
    expect(golden(b.done(y), expandContrib)).toMatchInlineSnapshot(`
      "%y: f32[1,3,8] = com.microsoft.MultiHeadAttention(%q, %k, %v) {num_heads=2, unidirectional=1}
      return %y
      →
      %y: f32[1,3,8], %attention.0:1: f32[1,2,3,4], %attention.0:2: f32[1,2,3,4] = Attention(%q, %k, %v, -, -, -) {is_causal=1, kv_num_heads=2, q_num_heads=2}
      return %y"
    `);
  });

  it('appends to the caches that grouped queries attend to', () => {
    const b = new Build();
    const rows = (name: string, width: number) => b.input(name, [1, 1, width]);
    const cache = (name: string) => b.input(name, [1, 2, 16, 8]);
    const inputs = [
      rows('q', 32),
      rows('k', 16),
      rows('v', 16),
      cache('keys'),
      cache('values'),
      b.input('valid', [1], 'int32'),
      b.input('total', [1], 'int32'),
    ];
    const y = contrib(b, 'GroupQueryAttention', inputs, { num_heads: 4, kv_num_heads: 2, dsnk_fixed_capacity: 1 }, 3);
    expect(golden(b.done(y), expandContrib)).toMatchInlineSnapshot(`
      "%y:0: f32[1,1,32], %y:1: f32[1,2,16,8], %y:2: f32[1,2,16,8] = com.microsoft.GroupQueryAttention(%q, %k, %v, %keys, %values, %valid, %total) {dsnk_fixed_capacity=1, kv_num_heads=2, num_heads=4}
      return %y:0
      →
      %cast.0: i64[1] = Cast(%valid) {to=7}
      %add.2: i64[1] = Add(%cast.0, i64{0})
      %max.4: i64[1] = Max(%add.2, i64{0})
      %cast.5: i32[1] = Cast(%max.4) {to=6}
      %cacheappend.6:0: f32[1,2,16,8], %cacheappend.6:1: f32[1,2,16,8] = dsnk.CacheAppend(%keys, %values, %k, %v, %cast.5)
      %y:0: f32[1,1,32] = dsnk.CachedAttention(%q, %cacheappend.6:0, %cacheappend.6:1, %cast.5) {scale=0.3535534, softcap=0, window=0}
      return %y:0"
    `);
  });

  it('leaves other operators alone', () => {
    const b = new Build();
    expect(golden(b.done(b.op('Relu', [b.input('x', [2, 4])])), expandContrib)).toMatchInlineSnapshot(`
      "%relu: f32[2,4] = Relu(%x)
      return %relu
      →
      %relu: f32[2,4] = Relu(%x)
      return %relu"
    `);
  });
});
