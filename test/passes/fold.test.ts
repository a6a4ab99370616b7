import { describe, expect, it } from 'vitest';
import type { Value } from '../../lib/graph/graph.js';
import { expandBatchnorm } from '../../lib/passes/expand-batchnorm.js';
import { foldPad } from '../../lib/passes/fold-pad.js';
import { foldScale } from '../../lib/passes/fold-scale.js';
import { nameActivations } from '../../lib/passes/name-activations.js';
import { Build, golden, rewritten, text } from './graphs.js';

function refuses(b: Build, ...list: Parameters<typeof rewritten> extends [unknown, ...infer P] ? P : never): void {
  const before = text(b.graph);
  expect(rewritten(b.graph, ...list)).toBe(before);
}

describe('expand-batchnorm', () => {
  it('becomes a factor and a sum per channel', () => {
    const b = new Build();
    expect(golden(b.done(b.bn(b.input('x', [1, 8, 5, 5]))), expandBatchnorm)).toMatchInlineSnapshot(`
      "%bn: f32[1,8,5,5] = BatchNormalization(%x, f32[8], f32[8], f32[8], f32[8])
      return %bn
      →
      %add.5: f32[8] = Add(f32[8], f32{0.00001})
      %sqrt.6: f32[8] = Sqrt(%add.5)
      %div.7: f32[8] = Div(f32[8], %sqrt.6)
      %mul.8: f32[8] = Mul(f32[8], %div.7)
      %sub.9: f32[8] = Sub(f32[8], %mul.8)
      %reshape.11: f32[8,1,1] = Reshape(%div.7, i64{8,1,1})
      %bn/scale: f32[1,8,5,5] = Mul(%x, %reshape.11)
      %reshape.13: f32[8,1,1] = Reshape(%sub.9, i64{8,1,1})
      %bn: f32[1,8,5,5] = Add(%bn/scale, %reshape.13)
      return %bn"
    `);
  });
  it('refuses training and statistics that come with the call', () => {
    const b = new Build();
    const [x, m] = [b.input('x', [1, 8, 5]), b.input('m', [8])];
    b.done(b.op('BatchNormalization', [x, b.f32([8]), b.f32([8]), m, b.f32([8], 1)]));
    refuses(b, expandBatchnorm);
  });
});

describe('fold-scale', () => {
  it('moves BatchNormalization into a convolution', () => {
    const b = new Build();
    expect(golden(b.done(b.bn(b.conv(b.input('x', [1, 3, 8, 8]), 8, 3))), expandBatchnorm, foldScale)).toMatchInlineSnapshot(`
      "%conv: f32[1,8,8,8] = Conv(%x, f32[8,3,3,3], f32[8]) {pads=[1,1,1,1]}
      %bn: f32[1,8,8,8] = BatchNormalization(%conv, f32[8], f32[8], f32[8], f32[8])
      return %bn
      →
      %add.7: f32[8] = Add(f32[8], f32{0.00001})
      %sqrt.8: f32[8] = Sqrt(%add.7)
      %div.9: f32[8] = Div(f32[8], %sqrt.8)
      %reshape.13: f32[8,1,1] = Reshape(%div.9, i64{8,1,1})
      %reshape.17: f32[8] = Reshape(%reshape.13, i64{8})
      %reshape.19: f32[8,1,1,1] = Reshape(%reshape.17, i64{8,1,1,1})
      %mul.20: f32[8,3,3,3] = Mul(f32[8,3,3,3], %reshape.19)
      %mul.21: f32[8] = Mul(f32[8], %reshape.17)
      %mul.10: f32[8] = Mul(f32[8], %div.9)
      %sub.11: f32[8] = Sub(f32[8], %mul.10)
      %reshape.15: f32[8,1,1] = Reshape(%sub.11, i64{8,1,1})
      %reshape.23: f32[8] = Reshape(%reshape.15, i64{8})
      %add.24: f32[8] = Add(%mul.21, %reshape.23)
      %bn: f32[1,8,8,8] = Conv(%x, %mul.20, %add.24) {pads=[1,1,1,1]}
      return %bn"
    `);
  });
  it('moves factors into a grouped transposed convolution', () => {
    const b = new Build();
    const y = b.op('ConvTranspose', [b.input('x', [1, 4, 5, 5]), b.f32([4, 3, 2, 2])], { group: 2 });
    expect(golden(b.done(b.op('Mul', [y, b.f32([6, 1, 1])])), foldScale)).toMatchInlineSnapshot(`
      "%convtranspose: f32[1,6,6,6] = ConvTranspose(%x, f32[4,3,2,2]) {group=2}
      %mul: f32[1,6,6,6] = Mul(%convtranspose, f32[6,1,1])
      return %mul
      →
      %mul.2: f32[2,2,3,2,2] = Mul(f32[2,2,3,2,2], f32[2,1,3,1,1])
      %reshape.4: f32[4,3,2,2] = Reshape(%mul.2, i64{4,3,2,2})
      %mul: f32[1,6,6,6] = ConvTranspose(%x, %reshape.4) {group=2}
      return %mul"
    `);
  });
  it('moves factors into Gemm and past the sum after MatMul', () => {
    const b = new Build();
    const x = b.input('x', [2, 8]);
    const gemm = b.op('Mul', [b.op('Gemm', [x, b.f32([6, 8]), b.f32([6])], { transB: 1 }), b.f32([6])]);
    const sum = b.op('Add', [b.op('MatMul', [gemm, b.f32([6, 5])]), b.f32([5])]);
    expect(golden(b.done(b.op('Div', [sum, b.f32([5], 3)])), foldScale)).toMatchInlineSnapshot(`
      "%gemm: f32[2,6] = Gemm(%x, f32[6,8], f32[6]) {transB=1}
      %mul: f32[2,6] = Mul(%gemm, f32[6])
      %matmul: f32[2,5] = MatMul(%mul, f32[6,5])
      %add: f32[2,5] = Add(%matmul, f32[5])
      %div: f32[2,5] = Div(%add, f32[5])
      return %div
      →
      %mul.6: f32[6,8] = Mul(f32[6,8], f32[6,1])
      %mul.7: f32[6] = Mul(f32[6], f32[6])
      %mul: f32[2,6] = Gemm(%x, %mul.6, %mul.7) {transB=1}
      %div.10: f32[6,5] = Div(f32[6,5], f32[5])
      %div.8: f32[2,5] = MatMul(%mul, %div.10)
      %div.9: f32[5] = Div(f32[5], f32[5])
      %div: f32[2,5] = Add(%div.8, %div.9)
      return %div"
    `);
  });
  it.each<[string, (b: Build, y: Value) => Value[]]>([
    ['a result that others read', (b, y) => [b.op('Mul', [y, b.scalar(2)]), b.op('Relu', [y])]],
    ['factors along another axis', (b, y) => [b.op('Mul', [y, b.f32([8])])]],
    ['factors that come with the call', (b, y) => [b.op('Mul', [y, b.input('k', [8, 1, 1])])]],
    ['k / x', (b, y) => [b.op('Div', [b.scalar(2), y])]],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    b.done(...make(b, b.conv(b.input('x', [1, 3, 8, 8]), 8, 3)));
    refuses(b, foldScale);
  });
});

describe('fold-pad', () => {
  it('pads in the convolution and the average', () => {
    const b = new Build();
    const x = b.op('Pad', [b.input('x', [1, 3, 8, 8]), b.ints(0, 0, 1, 2, 0, 0, 3, 4), b.scalar(0)]);
    const y = b.op('Pad', [b.conv(x, 4, 3), b.ints(1, 1, 1, 1), undefined, b.ints(2, -1)]);
    expect(golden(b.done(b.op('AveragePool', [y], { kernel_shape: [3, 3] })), foldPad)).toMatchInlineSnapshot(`
      "%pad: f32[1,3,12,14] = Pad(%x, i64[8], f32{0})
      %conv: f32[1,4,12,14] = Conv(%pad, f32[4,3,3,3], f32{-6,1,-5,2}) {pads=[1,1,1,1]}
      %pad2: f32[1,4,14,16] = Pad(%conv, i64{1,1,1,1}, -, i64{2,-1})
      %averagepool: f32[1,4,12,14] = AveragePool(%pad2) {kernel_shape=[3,3]}
      return %averagepool
      →
      %conv: f32[1,4,12,14] = Conv(%x, f32[4,3,3,3], f32{-6,1,-5,2}) {pads=[2,3,4,5]}
      %averagepool: f32[1,4,12,14] = AveragePool(%conv) {count_include_pad=1, kernel_shape=[3,3], pads=[1,1,1,1]}
      return %averagepool"
    `);
  });
  it.each<[string, (b: Build, x: Value) => Value]>([
    ['channels', (b, x) => b.conv(b.op('Pad', [x, b.ints(0, 1, 0, 0, 0, 0, 0, 0)]), 4, 3)],
    ['another value', (b, x) => b.conv(b.op('Pad', [x, b.ints(0, 0, 1, 1, 0, 0, 1, 1), b.scalar(1)]), 4, 3)],
    ['reflection', (b, x) => b.conv(b.op('Pad', [x, b.ints(0, 0, 1, 1, 0, 0, 1, 1)], { mode: 'reflect' }), 4, 3)],
    ['zeros in front of a maximum', (b, x) => b.op('MaxPool', [b.op('Pad', [x, b.ints(0, 0, 1, 1, 0, 0, 1, 1)])], { kernel_shape: [3, 3] })],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    b.done(make(b, b.input('x', [1, 3, 8, 8])));
    refuses(b, foldPad);
  });
});

describe('name-activations', () => {
  const forms: [string, (b: Build, x: Value) => Value][] = [
    ['Swish', (b, x) => b.op('Mul', [x, b.op('Sigmoid', [x])])],
    ['Swish', (b, x) => b.op('Mul', [b.op('Sigmoid', [x]), x])],
    ['HardSwish', (b, x) => b.op('Div', [b.op('Mul', [x, relu6(b, x)]), b.scalar(6)])],
    ['HardSwish', (b, x) => b.op('Mul', [x, b.op('Mul', [relu6(b, x), b.scalar(1 / 6)])])],
    ['HardSwish', (b, x) => b.op('Mul', [x, b.op('HardSigmoid', [x], { alpha: 1 / 6, beta: 0.5 })])],
    ['HardSigmoid', (b, x) => b.op('Div', [relu6(b, x), b.scalar(6)])],
    ['Gelu', (b, x) => b.op('Mul', [b.op('Mul', [x, erf1(b, x)]), b.scalar(0.5)])],
    ['Gelu', (b, x) => b.op('Mul', [b.op('Mul', [x, b.scalar(0.5)]), erf1(b, x)])],
    ['Gelu', (b, x) => b.op('Mul', [x, b.op('Mul', [b.scalar(0.5), erf1(b, x)])])],
    ['Gelu', (b, x) => b.op('Mul', [b.op('Mul', [b.scalar(0.5), x]), tanh1(b, x, b.op('Pow', [x, b.scalar(3)]))])],
    ['Gelu', (b, x) => b.op('Mul', [b.op('Mul', [b.scalar(0.5), x]), tanh1(b, x, b.op('Mul', [b.op('Mul', [x, x]), x]))])],
    ['Mish', (b, x) => b.op('Mul', [x, b.op('Tanh', [b.op('Softplus', [x])])])],
  ];
  const relu6 = (b: Build, x: Value) => b.op('Clip', [b.op('Add', [x, b.scalar(3)]), b.scalar(0), b.scalar(6)]);
  const erf1 = (b: Build, x: Value) => b.op('Add', [b.op('Erf', [b.op('Div', [x, b.scalar(Math.SQRT2)])]), b.scalar(1)]);
  const tanh1 = (b: Build, x: Value, cube: Value) => {
    const inner = b.op('Add', [x, b.op('Mul', [b.scalar(0.044715), cube])]);
    return b.op('Add', [b.scalar(1), b.op('Tanh', [b.op('Mul', [inner, b.scalar(Math.sqrt(2 / Math.PI))])])]);
  };
  it.each(forms)('finds %s (%#)', (op, make) => {
    const b = new Build();
    // x is itself a product, which must not be taken apart
    const x = b.op('Mul', [b.input('a', [4, 4]), b.input('c', [4, 4])], {}, 'x');
    b.done(make(b, x));
    rewritten(b.graph, nameActivations);
    expect(b.graph.nodes.map((n) => n.op)).toEqual(['Mul', op]);
  });
  it('shows one in full', () => {
    const b = new Build();
    const x = b.input('x', [4]);
    expect(golden(b.done(b.op('Div', [b.op('Mul', [x, relu6(b, x)]), b.scalar(6)])), nameActivations)).toMatchInlineSnapshot(`
      "%add: f32[4] = Add(%x, f32{3})
      %clip: f32[4] = Clip(%add, f32{0}, f32{6})
      %mul: f32[4] = Mul(%x, %clip)
      %div: f32[4] = Div(%mul, f32{6})
      return %div
      →
      %div: f32[4] = HardSwish(%x)
      return %div"
    `);
  });
  it.each<[string, (b: Build, x: Value) => Value[]]>([
    ['another number', (b, x) => [b.op('Div', [b.op('Mul', [x, relu6(b, x)]), b.scalar(5)])]],
    ['another operand', (b, x) => [b.op('Mul', [x, b.op('Sigmoid', [b.input('z', [4])])])]],
    [
      'a gate that others read',
      (b, x) => {
        const gate = b.op('Sigmoid', [x]);
        return [b.op('Mul', [x, gate]), b.op('Neg', [gate])];
      },
    ],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    b.done(...make(b, b.input('x', [4])));
    refuses(b, nameActivations);
  });
});
