import { describe, expect, it } from 'vitest';
import { expandFunctions } from '../../lib/passes/expand-functions.js';
import { Build, golden, rewritten, text } from './graphs.js';

describe('expand-functions', () => {
  it('writes attention as two products and a softmax', () => {
    const b = new Build();
    const [q, k, v] = [b.input('q', [1, 6, 4, 8]), b.input('k', [1, 2, 5, 8]), b.input('v', [1, 2, 5, 16])];
    expect(golden(b.done(b.op('Attention', [q, k, v])), expandFunctions)).toMatchInlineSnapshot(`
      "%attention: f32[1,6,4,16] = Attention(%q, %k, %v)
      return %attention
      →
      %reshape.1: f32[1,2,12,8] = Reshape(%q, i64{1,2,12,8})
      %matmul.2: f32[1,2,12,5] = dsnk.MatMul(%reshape.1, %k) {scale=0.3535534, transB=1}
      %reshape.4: f32[1,6,4,5] = Reshape(%matmul.2, i64{1,6,4,5})
      %softmax.7: f32[1,6,4,5] = Softmax(%reshape.4) {axis=-1}
      %reshape.9: f32[1,2,12,5] = Reshape(%softmax.7, i64{1,2,12,5})
      %matmul.10: f32[1,2,12,16] = MatMul(%reshape.9, %v)
      %attention: f32[1,6,4,16] = Reshape(%matmul.10, i64{1,6,4,16})
      return %attention"
    `);
  });

  it('gives masked attention a bias, and its past a place in the keys', () => {
    const b = new Build();
    const past = b.input('past', [1, 2, 3, 4]);
    const [x, mask] = [b.input('x', [1, 2, 8]), b.input('mask', [2, 4], 'bool')];
    const y = b.op('Attention', [x, x, x, mask, past, past], { q_num_heads: 2, kv_num_heads: 2, is_causal: 1, softcap: 2 });
    expect(golden(b.done(y), expandFunctions)).toMatchInlineSnapshot(`
      "%attention: f32[1,2,8] = Attention(%x, %x, %x, %mask, %past, %past) {is_causal=1, kv_num_heads=2, q_num_heads=2, softcap=2}
      return %attention
      →
      %reshape.1: f32[1,2,2,4] = Reshape(%x, i64{1,2,2,4})
      %transpose.2: f32[1,2,2,4] = Transpose(%reshape.1) {perm=[0,2,1,3]}
      %reshape.4: f32[1,2,2,4] = Reshape(%x, i64{1,2,2,4})
      %transpose.5: f32[1,2,2,4] = Transpose(%reshape.4) {perm=[0,2,1,3]}
      %concat.6: f32[1,2,5,4] = Concat(%past, %transpose.5) {axis=2}
      %reshape.8: f32[1,2,2,4] = Reshape(%x, i64{1,2,2,4})
      %transpose.9: f32[1,2,2,4] = Transpose(%reshape.8) {perm=[0,2,1,3]}
      %concat.10: f32[1,2,5,4] = Concat(%past, %transpose.9) {axis=2}
      %matmul.11: f32[1,2,2,5] = dsnk.MatMul(%transpose.2, %concat.6) {scale=0.5, transB=1}
      %div.13: f32[1,2,2,5] = Div(%matmul.11, f32{2})
      %tanh.14: f32[1,2,2,5] = Tanh(%div.13)
      %mul.15: f32[1,2,2,5] = Mul(%tanh.14, f32{2})
      %where.18: f32[2,4] = Where(%mask, f32{0}, f32{-Infinity})
      %pad.20: f32[2,5] = Pad(%where.18, i64{0,0,0,1}, f32{-Infinity})
      %add.23: i64[1,1,2,1] = Add(i64{0,1}, i64{3})
      %less.25: bool[1,1,2,5] = Less(%add.23, i64[1,1,1,5])
      %where.26: f32[1,1,2,5] = Where(%less.25, f32{-Infinity}, f32{0})
      %add.27: f32[1,1,2,5] = Add(%pad.20, %where.26)
      %add.28: f32[1,2,2,5] = Add(%mul.15, %add.27)
      %softmax.29: f32[1,2,2,5] = Softmax(%add.28) {axis=-1}
      %reducemax.31: f32[1,1,2,1] = ReduceMax(%add.27, i64{-1}) {keepdims=1}
      %equal.33: bool[1,1,2,1] = Equal(%reducemax.31, f32{-Infinity})
      %where.35: f32[1,2,2,5] = Where(%equal.33, f32{0}, %softmax.29)
      %matmul.36: f32[1,2,2,4] = MatMul(%where.35, %concat.10)
      %transpose.37: f32[1,2,2,4] = Transpose(%matmul.36) {perm=[0,2,1,3]}
      %attention: f32[1,2,8] = Reshape(%transpose.37, i64{1,2,8})
      return %attention"
    `);
  });

  it('turns the pairs of a rotary embedding of halves; float32 has a kernel', () => {
    const b = new Build();
    const y = b.op(
      'RotaryEmbedding',
      [b.input('x', [1, 2, 3, 8], 'float16'), b.input('cos', [9, 2], 'float16'), b.input('sin', [9, 2], 'float16'), b.input('at', [1, 3], 'int64')],
      { rotary_embedding_dim: 4 },
    );
    expect(golden(b.done(y), expandFunctions)).toMatchInlineSnapshot(`
      "%rotaryembedding: f16[1,2,3,8] = RotaryEmbedding(%x, %cos, %sin, %at) {rotary_embedding_dim=4}
      return %rotaryembedding
      →
      %gather.0: f16[1,3,2] = Gather(%cos, %at) {axis=0}
      %unsqueeze.2: f16[1,1,3,2] = Unsqueeze(%gather.0, i64{1})
      %gather.3: f16[1,3,2] = Gather(%sin, %at) {axis=0}
      %unsqueeze.5: f16[1,1,3,2] = Unsqueeze(%gather.3, i64{1})
      %slice.10: f16[1,2,3,2] = Slice(%x, i64{0}, i64{2}, i64{3}, i64{1})
      %slice.15: f16[1,2,3,2] = Slice(%x, i64{2}, i64{4}, i64{3}, i64{1})
      %mul.16: f16[1,2,3,2] = Mul(%unsqueeze.2, %slice.10)
      %mul.17: f16[1,2,3,2] = Mul(%unsqueeze.5, %slice.15)
      %sub.18: f16[1,2,3,2] = Sub(%mul.16, %mul.17)
      %mul.19: f16[1,2,3,2] = Mul(%unsqueeze.5, %slice.10)
      %mul.20: f16[1,2,3,2] = Mul(%unsqueeze.2, %slice.15)
      %add.21: f16[1,2,3,2] = Add(%mul.19, %mul.20)
      %slice.26: f16[1,2,3,4] = Slice(%x, i64{4}, i64{8}, i64{3}, i64{1})
      %rotaryembedding: f16[1,2,3,8] = Concat(%sub.18, %add.21, %slice.26) {axis=-1}
      return %rotaryembedding"
    `);
  });

  it('picks the losses of targets that are not ignored', () => {
    const b = new Build();
    const y = b.op('SoftmaxCrossEntropyLoss', [b.input('x', [3, 5]), b.input('target', [3], 'int32'), b.f32([5])], { ignore_index: -1 });
    expect(golden(b.done(y), expandFunctions)).toMatchInlineSnapshot(`
      "%softmaxcrossentropyloss: f32[] = SoftmaxCrossEntropyLoss(%x, %target, f32[5]) {ignore_index=-1}
      return %softmaxcrossentropyloss
      →
      %logsoftmax.1: f32[3,5] = LogSoftmax(%x) {axis=1}
      %equal.5: bool[3] = Equal(%target, i32{-1})
      %where.7: i32[3] = Where(%equal.5, i32{0}, %target)
      %unsqueeze.9: i32[3,1] = Unsqueeze(%where.7, i64{1})
      %gatherelements.10: f32[3,1] = GatherElements(%logsoftmax.1, %unsqueeze.9) {axis=1}
      %squeeze.12: f32[3] = Squeeze(%gatherelements.10, i64{1})
      %neg.13: f32[3] = Neg(%squeeze.12)
      %gather.14: f32[3] = Gather(f32[5], %where.7) {axis=0}
      %mul.15: f32[3] = Mul(%neg.13, %gather.14)
      %where.16: f32[3] = Where(%equal.5, f32{0}, %mul.15)
      %where.17: f32[3] = Where(%equal.5, f32{0}, %gather.14)
      %reducesum.18: f32[] = ReduceSum(%where.16) {keepdims=0}
      %reducesum.19: f32[] = ReduceSum(%where.17) {keepdims=0}
      %softmaxcrossentropyloss: f32[] = Div(%reducesum.18, %reducesum.19)
      return %softmaxcrossentropyloss"
    `);
  });

  it('leaves operators that have kernels alone', () => {
    const b = new Build();
    b.done(b.op('Softmax', [b.op('Relu', [b.input('x', [2, 3])])]));
    const before = text(b.graph);
    expect(rewritten(b.graph, expandFunctions)).toBe(before);
  });
});
