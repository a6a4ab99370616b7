import { describe, expect, it } from 'vitest';
import type { Value } from '../../lib/graph/graph.js';
import { fuseEpilogue } from '../../lib/passes/fuse-epilogue.js';
import { Build, golden, rewritten } from './graphs.js';

/** A channels-last convolution, as assign-layout makes it. */
function conv(b: Build, x: Value, out = 4): Value {
  b.infer();
  const c = x.dims.at(-1) as number;
  const attrs = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group: 1 };
  const y = b.graph.addNode('Conv', [x, b.f32([out, c, 1, 1])], { domain: 'dsnk', name: b.graph.freshName('conv'), attrs }).output();
  b.infer();
  return y;
}

describe('fuse-epilogue', () => {
  it('takes bias, residual and activation into a convolution', () => {
    const b = new Build();
    const x = b.input('x', [1, 5, 5, 4]);
    const y = b.op('Add', [b.op('Add', [conv(b, x), b.f32([1, 1, 1, 4])]), x]);
    expect(golden(b.done(b.op('Clip', [y, b.scalar(0), b.scalar(6)])), fuseEpilogue)).toMatchInlineSnapshot(`
      "%conv.1: f32[1,5,5,4] = dsnk.Conv(%x, f32[4,4,1,1]) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %add: f32[1,5,5,4] = Add(%conv.1, f32{-6,1,-5,2})
      %add2: f32[1,5,5,4] = Add(%add, %x)
      %clip: f32[1,5,5,4] = Clip(%add2, f32{0}, f32{6})
      return %clip
      →
      %clip: f32[1,5,5,4] = dsnk.Conv(%x, f32[4,4,1,1], f32{-6,1,-5,2}, %x) {activation=clip, beta=6, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      return %clip"
    `);
  });
  it('gives the sum of two convolutions to the later one', () => {
    const b = new Build();
    const x = b.input('x', [1, 5, 5, 4]);
    const [p, q] = [conv(b, x), conv(b, x)];
    expect(golden(b.done(b.op('Relu', [b.op('Add', [q, p])])), fuseEpilogue)).toMatchInlineSnapshot(`
      "%conv.1: f32[1,5,5,4] = dsnk.Conv(%x, f32[4,4,1,1]) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %conv.3: f32[1,5,5,4] = dsnk.Conv(%x, f32[4,4,1,1]) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %add: f32[1,5,5,4] = Add(%conv.3, %conv.1)
      %relu: f32[1,5,5,4] = Relu(%add)
      return %relu
      →
      %conv.1: f32[1,5,5,4] = dsnk.Conv(%x, f32[4,4,1,1]) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %relu: f32[1,5,5,4] = dsnk.Conv(%x, f32[4,4,1,1], -, %conv.1) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      return %relu"
    `);
  });
  it('takes scale, transposes, bias and activation into a product', () => {
    const b = new Build();
    const k = b.op('Transpose', [b.input('k', [2, 3, 6, 8])], { perm: [0, 1, 3, 2] });
    const y = b.op('Div', [b.op('MatMul', [b.input('q', [2, 3, 5, 8]), k]), b.scalar(8)]);
    expect(golden(b.done(b.op('Gelu', [b.op('Add', [y, b.f32([6])])])), fuseEpilogue)).toMatchInlineSnapshot(`
      "%transpose: f32[2,3,8,6] = Transpose(%k) {perm=[0,1,3,2]}
      %matmul: f32[2,3,5,6] = MatMul(%q, %transpose)
      %div: f32[2,3,5,6] = Div(%matmul, f32{8})
      %add: f32[2,3,5,6] = Add(%div, f32[6])
      %gelu: f32[2,3,5,6] = Gelu(%add)
      return %gelu
      →
      %gelu: f32[2,3,5,6] = dsnk.MatMul(%q, %k, f32[6]) {activation=gelu, scale=0.125, transB=1}
      return %gelu"
    `);
  });
  it('reads keys by rows and takes the factor of queries', () => {
    const b = new Build();
    const k = b.op('Transpose', [b.input('k', [2, 6, 3, 8])], { perm: [0, 2, 3, 1] });
    const q = b.op('Reshape', [b.op('Mul', [b.input('q', [2, 3, 40]), b.scalar(0.5)]), b.ints(2, 3, 5, 8)]);
    expect(golden(b.done(b.op('MatMul', [q, k])), fuseEpilogue)).toMatchInlineSnapshot(`
      "%transpose: f32[2,3,8,6] = Transpose(%k) {perm=[0,2,3,1]}
      %mul: f32[2,3,40] = Mul(%q, f32{0.5})
      %reshape: f32[2,3,5,8] = Reshape(%mul, i64{2,3,5,8})
      %matmul: f32[2,3,5,6] = MatMul(%reshape, %transpose)
      return %matmul
      →
      %reshape.3: f32[2,3,5,8] = Reshape(%q, i64{2,3,5,8})
      %transpose.4: f32[2,3,6,8] = Transpose(%k) {perm=[0,2,1,3]}
      %matmul: f32[2,3,5,6] = dsnk.MatMul(%reshape.3, %transpose.4) {scale=0.5, transB=1}
      return %matmul"
    `);
  });
  it('reads Gemm: alpha, beta, a matrix as C', () => {
    const b = new Build();
    const y = b.op('Gemm', [b.input('a', [8, 5]), b.f32([6, 8]), b.f32([1, 6])], { alpha: 0.5, beta: 2, transA: 1, transB: 1 });
    const z = b.op('Gemm', [b.op('Tanh', [y]), b.f32([6, 3]), b.input('c', [5, 3])]);
    expect(golden(b.done(b.op('Relu', [z])), fuseEpilogue)).toMatchInlineSnapshot(`
      "%gemm: f32[5,6] = Gemm(%a, f32[6,8], f32[1,6]) {alpha=0.5, beta=2, transA=1, transB=1}
      %tanh: f32[5,6] = Tanh(%gemm)
      %gemm2: f32[5,3] = Gemm(%tanh, f32[6,3], %c)
      %relu: f32[5,3] = Relu(%gemm2)
      return %relu
      →
      %mul.4: f32[1,6] = Mul(f32[1,6], f32{2})
      %reshape.6: f32[6] = Reshape(%mul.4, i64{6})
      %tanh: f32[5,6] = dsnk.MatMul(%a, f32[6,8], %reshape.6) {activation=tanh, scale=0.5, transA=1, transB=1}
      %relu: f32[5,3] = dsnk.MatMul(%tanh, f32[6,3], -, %c) {activation=relu}
      return %relu"
    `);
  });
  it.each<[string, (b: Build, y: Value) => Value]>([
    ['relu', (b, y) => b.op('Relu', [y])],
    ['clip', (b, y) => b.op('Clip', [y, undefined, b.scalar(6)])],
    ['leakyRelu', (b, y) => b.op('LeakyRelu', [y], { alpha: 0.3 })],
    ['elu', (b, y) => b.op('Elu', [y])],
    ['sigmoid', (b, y) => b.op('Sigmoid', [y])],
    ['hardSigmoid', (b, y) => b.op('HardSigmoid', [y])],
    ['silu', (b, y) => b.op('Swish', [y])],
    ['hardSwish', (b, y) => b.op('HardSwish', [y])],
    ['tanh', (b, y) => b.op('Tanh', [y])],
    ['gelu', (b, y) => b.op('Gelu', [y])],
    ['geluTanh', (b, y) => b.op('Gelu', [y], { approximate: 'tanh' })],
    ['softplus', (b, y) => b.op('Softplus', [y])],
    ['mish', (b, y) => b.op('Mish', [y])],
  ])('knows %s', (kind, make) => {
    const b = new Build();
    b.done(make(b, b.op('MatMul', [b.input('x', [2, 3]), b.f32([3, 4])])));
    rewritten(b.graph, fuseEpilogue);
    expect(b.graph.nodes.map((n) => `${n.domain}.${n.op} ${n.string('activation')}`)).toEqual([`dsnk.MatMul ${kind}`]);
  });
  it.each<[string, (b: Build, y: Value) => Value[]]>([
    ['a result that others read', (b, y) => [b.op('Relu', [y]), b.op('Tanh', [y])]],
    ['a graph output', (b, y) => [b.op('Relu', [y]), y]],
    ['a sum along another axis', (b, y) => [b.op('Add', [y, b.f32([2, 1])])]],
    ['a sum that grows', (b, y) => [b.op('Add', [y, b.input('z', [5, 2, 4])])]],
    ['x + x', (b, y) => [b.op('Add', [y, y])]],
    ['limits that come with the call', (b, y) => [b.op('Clip', [y, b.input('low', [])])]],
    ['Swish with a factor', (b, y) => [b.op('Swish', [y], { alpha: 1.702 })]],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    b.done(...make(b, b.op('MatMul', [b.input('x', [2, 3]), b.f32([3, 4])])));
    rewritten(b.graph, fuseEpilogue);
    expect(b.graph.nodes.filter((n) => n.domain === 'dsnk')).toEqual([]);
  });
  it('takes nothing after the activation, and a second bias only as a constant', () => {
    const b = new Build();
    const y = b.op('Add', [b.op('Add', [b.op('MatMul', [b.input('x', [2, 3]), b.f32([3, 4])]), b.f32([4])]), b.f32([4])]);
    expect(golden(b.done(b.op('Mul', [b.op('Relu', [y]), b.scalar(2)])), fuseEpilogue)).toMatchInlineSnapshot(`
      "%matmul: f32[2,4] = MatMul(%x, f32[3,4])
      %add: f32[2,4] = Add(%matmul, f32{-6,1,-5,2})
      %add2: f32[2,4] = Add(%add, f32{-6,1,-5,2})
      %relu: f32[2,4] = Relu(%add2)
      %mul: f32[2,4] = Mul(%relu, f32{2})
      return %mul
      →
      %add.4: f32[4] = Add(f32{-6,1,-5,2}, f32{-6,1,-5,2})
      %relu: f32[2,4] = dsnk.MatMul(%x, f32[3,4], %add.4) {activation=relu}
      %mul: f32[2,4] = Mul(%relu, f32{2})
      return %mul"
    `);
  });
});
