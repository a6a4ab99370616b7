import { describe, expect, it } from 'vitest';
import type { Value } from '../../lib/graph/graph.js';
import { assignLayout } from '../../lib/passes/assign-layout.js';
import { fuseEpilogue } from '../../lib/passes/fuse-epilogue.js';
import { passes, runPasses } from '../../lib/passes/index.js';
import { mergeReshapes } from '../../lib/passes/merge-reshapes.js';
import { readPlanes } from '../../lib/passes/read-planes.js';
import { sinkReshapes } from '../../lib/passes/sink-reshapes.js';
import { sinkTransposes } from '../../lib/passes/sink-transposes.js';
import { Build, countOf, expectInferenceAgrees, golden, rewritten, text } from './graphs.js';

/** The whole optimizer; how many transposes are left, and the text. */
function optimized(b: Build, ...outputs: Value[]): string {
  const g = b.done(...outputs);
  runPasses(g, passes);
  expectInferenceAgrees(g);
  return text(g);
}
const transposes = (b: Build) => countOf(b.graph, 'Transpose');
const relu = (b: Build, x: Value) => b.op('Relu', [x]);

describe('assign-layout', () => {
  it('settles padding and wraps in transposes', () => {
    const b = new Build();
    const x = b.input('x', [1, 3, 9, 9]);
    const y = b.op('Conv', [x, b.f32([4, 3, 3, 2])], { auto_pad: 'SAME_LOWER', strides: [2, 2] });
    expect(golden(b.done(y), assignLayout)).toMatchInlineSnapshot(`
      "%conv: f32[1,4,5,5] = Conv(%x, f32[4,3,3,2]) {auto_pad=SAME_LOWER, strides=[2,2]}
      return %conv
      →
      %transpose.1: f32[1,9,9,3] = Transpose(%x) {perm=[0,2,3,1]}
      %conv: f32[1,5,5,4] = dsnk.Conv(%transpose.1, f32[4,3,3,2]) {dilations=[1,1], group=1, pads=[1,1,1,0], strides=[2,2]}
      %conv: f32[1,4,5,5] = Transpose(%conv) {perm=[0,3,1,2]}
      return %conv"
    `);
  });
  it('settles transposed convolutions', () => {
    const b = new Build();
    const y = b.op('ConvTranspose', [b.input('x', [1, 3, 5]), b.f32([3, 4, 3])], { strides: [2], output_padding: [1], pads: [1, 1] });
    expect(golden(b.done(y), assignLayout)).toMatchInlineSnapshot(`
      "%convtranspose: f32[1,4,10] = ConvTranspose(%x, f32[3,4,3]) {output_padding=[1], pads=[1,1], strides=[2]}
      return %convtranspose
      →
      %transpose.1: f32[1,5,3] = Transpose(%x) {perm=[0,2,1]}
      %convtranspose: f32[1,10,4] = dsnk.ConvTranspose(%transpose.1, f32[3,4,3]) {dilations=[1], group=1, output_shape=[10], pads=[1,1], strides=[2]}
      %convtranspose: f32[1,4,10] = Transpose(%convtranspose) {perm=[0,2,1]}
      return %convtranspose"
    `);
  });
  it('keeps both results of MaxPool and global pools', () => {
    const b = new Build();
    const [y, indices] = b.ops('MaxPool', [b.input('x', [1, 3, 8, 8])], 2, { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'VALID' });
    expect(golden(b.done(b.op('GlobalAveragePool', [y]), indices as Value), assignLayout)).toMatchInlineSnapshot(`
      "%maxpool:0: f32[1,3,4,4], %maxpool:1: i64[1,3,4,4] = MaxPool(%x) {auto_pad=VALID, kernel_shape=[2,2], strides=[2,2]}
      %globalaveragepool: f32[1,3,1,1] = GlobalAveragePool(%maxpool:0)
      return %globalaveragepool, %maxpool:1
      →
      %transpose.0: f32[1,8,8,3] = Transpose(%x) {perm=[0,2,3,1]}
      %maxpool:0: f32[1,4,4,3], %maxpool:1: i64[1,4,4,3] = dsnk.MaxPool(%transpose.0) {dilations=[1,1], kernel_shape=[2,2], pads=[0,0,0,0], strides=[2,2]}
      %transpose.1: f32[1,3,4,4] = Transpose(%maxpool:0) {perm=[0,3,1,2]}
      %maxpool:1: i64[1,3,4,4] = Transpose(%maxpool:1) {perm=[0,3,1,2]}
      %transpose.3: f32[1,4,4,3] = Transpose(%transpose.1) {perm=[0,2,3,1]}
      %globalaveragepool: f32[1,1,1,3] = dsnk.GlobalAveragePool(%transpose.3)
      %globalaveragepool: f32[1,3,1,1] = Transpose(%globalaveragepool) {perm=[0,3,1,2]}
      return %globalaveragepool, %maxpool:1"
    `);
  });
  it('refuses four spatial dimensions', () => {
    const b = new Build();
    b.done(b.op('GlobalMaxPool', [b.input('x', [1, 2, 3, 3, 3, 3])]));
    const before = text(b.graph);
    expect(rewritten(b.graph, assignLayout)).toBe(before);
  });
});

describe('sink-transposes', () => {
  const nhwc = { perm: [0, 2, 3, 1] };
  const nchw = { perm: [0, 3, 1, 2] };
  it('meets its inverse past elementwise operators', () => {
    const b = new Build();
    let x = b.op('Transpose', [b.input('x', [1, 8, 9, 4])], nchw);
    x = b.op('Mul', [relu(b, x), b.f32([4, 1, 1])]);
    x = b.op('Clip', [x, b.scalar(0), b.scalar(6)]);
    expect(golden(b.done(b.op('Transpose', [x], nhwc)), sinkTransposes)).toMatchInlineSnapshot(`
      "%transpose: f32[1,4,8,9] = Transpose(%x) {perm=[0,3,1,2]}
      %relu: f32[1,4,8,9] = Relu(%transpose)
      %mul: f32[1,4,8,9] = Mul(%relu, f32{-6,1,-5,2})
      %clip: f32[1,4,8,9] = Clip(%mul, f32{0}, f32{6})
      %transpose2: f32[1,8,9,4] = Transpose(%clip) {perm=[0,2,3,1]}
      return %transpose2
      →
      %relu: f32[1,8,9,4] = Relu(%x)
      %mul: f32[1,8,9,4] = Mul(%relu, f32{-6,1,-5,2})
      %transpose2: f32[1,8,9,4] = Clip(%mul, f32{0}, f32{6})
      return %transpose2"
    `);
  });
  it('brings the other inputs of Concat along where that pays', () => {
    const b = new Build();
    const x = b.op('Transpose', [b.input('x', [1, 8, 8, 4])], nchw);
    const y = b.op('Concat', [x, b.input('z', [1, 2, 8, 8])], { axis: 1 });
    expect(golden(b.done(b.op('Transpose', [y], nhwc)), sinkTransposes)).toMatchInlineSnapshot(`
      "%transpose: f32[1,4,8,8] = Transpose(%x) {perm=[0,3,1,2]}
      %concat: f32[1,6,8,8] = Concat(%transpose, %z) {axis=1}
      %transpose2: f32[1,8,8,6] = Transpose(%concat) {perm=[0,2,3,1]}
      return %transpose2
      →
      %transpose.0: f32[1,8,8,2] = Transpose(%z) {perm=[0,2,3,1]}
      %transpose2: f32[1,8,8,6] = Concat(%x, %transpose.0) {axis=3}
      return %transpose2"
    `);
  });
  it('renames axes', () => {
    const b = new Build();
    let x = b.op('Transpose', [b.input('x', [1, 8, 9, 4])], nchw);
    x = b.op('Softmax', [x], { axis: 1 });
    x = b.op('Slice', [x, b.ints(1, 0), b.ints(3, 4), b.ints(1, -1)]);
    x = b.op('Pad', [x, b.ints(0, 0, 1, 2, 0, 0, 3, 4)]);
    x = b.op('ReduceMean', [x, b.ints(2, 3)], { keepdims: 0 });
    expect(golden(b.done(x), sinkTransposes)).toMatchInlineSnapshot(`
      "%transpose: f32[1,4,8,9] = Transpose(%x) {perm=[0,3,1,2]}
      %softmax: f32[1,4,8,9] = Softmax(%transpose) {axis=1}
      %slice: f32[1,2,8,4] = Slice(%softmax, i64{1,0}, i64{3,4}, i64{1,-1})
      %pad: f32[1,2,12,10] = Pad(%slice, i64[8])
      %reducemean: f32[1,2] = ReduceMean(%pad, i64{2,3}) {keepdims=0}
      return %reducemean
      →
      %softmax: f32[1,8,9,4] = Softmax(%x) {axis=3}
      %slice: f32[1,8,4,2] = Slice(%softmax, i64{1,0}, i64{3,4}, i64{3,2})
      %pad: f32[1,12,10,2] = Pad(%slice, i64[8])
      %reducemean: f32[1,2] = ReduceMean(%pad, i64{1,2}) {keepdims=0}
      return %reducemean"
    `);
  });
  it('becomes a Reshape where only ones move', () => {
    const b = new Build();
    const x = b.op('Transpose', [b.input('x', [2, 1, 1, 5])], nchw);
    expect(golden(b.done(b.op('Reshape', [relu(b, x), b.ints(2, 5)])), sinkTransposes, mergeReshapes)).toMatchInlineSnapshot(`
      "%transpose: f32[2,5,1,1] = Transpose(%x) {perm=[0,3,1,2]}
      %relu: f32[2,5,1,1] = Relu(%transpose)
      %reshape: f32[2,5] = Reshape(%relu, i64{2,5})
      return %reshape
      →
      %relu: f32[2,1,1,5] = Relu(%x)
      %reshape: f32[2,5] = Reshape(%relu, i64{2,5})
      return %reshape"
    `);
  });
  it.each<[string, (b: Build, x: Value) => Value]>([
    ['an operator without a rule', (b, x) => b.op('InstanceNormalization', [x, b.f32([4]), b.f32([4])])],
    ['a step that costs more than it saves', (b, x) => b.op('Resize', [x, undefined, b.floats(1, 1, 2, 2)])],
    ['a sum with a large tensor in the other layout', (b, x) => relu(b, b.op('Add', [b.op('ReduceMax', [x, b.ints(2)]), b.input('z', [1, 4, 50, 9])]))],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    b.done(make(b, b.op('Transpose', [b.input('x', [1, 8, 9, 4])], nchw)));
    const found = countOf(b.graph, 'Transpose');
    rewritten(b.graph, sinkTransposes);
    expect(b.graph.nodes.filter((n) => n.op === 'Transpose').map((n) => n.output().dims)).toHaveLength(found);
    expect(b.graph.nodes.at(-1)?.op).not.toBe('Transpose');
  });
});

describe('sink-reshapes', () => {
  it('goes below activations and sums', () => {
    const b = new Build();
    const x = b.op('Reshape', [b.input('x', [2, 6, 4]), b.ints(12, 4)]);
    const y = relu(b, b.op('Add', [x, b.f32([4])]));
    const z = b.op('Reshape', [b.input('z', [2, 6, 4]), b.ints(12, 4)]);
    expect(golden(b.done(b.op('Mul', [y, z])), sinkReshapes)).toMatchInlineSnapshot(`
      "%reshape: f32[12,4] = Reshape(%x, i64{12,4})
      %add: f32[12,4] = Add(%reshape, f32{-6,1,-5,2})
      %relu: f32[12,4] = Relu(%add)
      %reshape2: f32[12,4] = Reshape(%z, i64{12,4})
      %mul: f32[12,4] = Mul(%relu, %reshape2)
      return %mul
      →
      %add: f32[2,6,4] = Add(%x, f32{-6,1,-5,2})
      %relu: f32[2,6,4] = Relu(%add)
      %mul: f32[2,6,4] = Mul(%relu, %z)
      %mul: f32[12,4] = Reshape(%mul, i64{12,4})
      return %mul"
    `);
  });
  it('refuses what counts axes, and other broadcasts', () => {
    const b = new Build();
    const shaped = () => b.op('Reshape', [b.input('x', [2, 6, 4]), b.ints(12, 4)]);
    b.done(b.op('Softmax', [shaped()]), b.op('Add', [shaped(), b.f32([12, 1])]), b.op('Add', [shaped(), b.input('z', [4])]));
    const before = text(b.graph);
    expect(rewritten(b.graph, sinkReshapes)).toBe(before);
  });
});

describe('whole networks', () => {
  it('ResNet keeps no transpose', () => {
    const b = new Build();
    let x = relu(b, b.bn(b.conv(b.input('x', [1, 3, 32, 32]), 8, 7, { strides: [2, 2] }, false)));
    x = b.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
    for (const [width, stride] of [
      [8, 1],
      [16, 2],
    ] as const) {
      const a = relu(b, b.bn(b.conv(x, width, 3, { strides: [stride, stride] }, false)));
      const c = b.bn(b.conv(a, width, 3, {}, false));
      const shortcut = stride === 1 ? x : b.bn(b.conv(x, width, 1, { strides: [stride, stride] }, false));
      x = relu(b, b.op('Add', [c, shortcut]));
    }
    x = b.op('Flatten', [b.op('GlobalAveragePool', [x])]);
    const y = b.op('Softmax', [b.op('Gemm', [x, b.f32([10, 16]), b.f32([10])], { transB: 1 })]);
    expect(optimized(b, y)).toMatchInlineSnapshot(`
      "%add.34: f32[8] = Add(f32[8], f32{0.00001})
      %sqrt.35: f32[8] = Sqrt(%add.34)
      %div.36: f32[8] = Div(f32[8], %sqrt.35)
      %reshape.96: f32[8,1,1,1] = Reshape(%div.36, i64{8,1,1,1})
      %mul.97: f32[8,3,7,7] = Mul(f32[8,3,7,7], %reshape.96)
      %mul.37: f32[8] = Mul(f32[8], %div.36)
      %sub.38: f32[8] = Sub(f32[8], %mul.37)
      %mul.104: f32[8,8,3,3] = Mul(f32[8,8,3,3], %reshape.96)
      %relu: f32[1,16,16,8] = dsnk.StemConv(%x, %mul.97, %sub.38) {activation=relu, dilations=[1,1], pads=[3,3,3,3], strides=[2,2]}
      %maxpool: f32[1,8,8,8] = dsnk.MaxPool(%relu) {dilations=[1,1], kernel_shape=[3,3], pads=[1,1,1,1], strides=[2,2]}
      %mul.111: f32[8,8,3,3] = Mul(f32[8,8,3,3], %reshape.96)
      %add.64: f32[16] = Add(f32[16], f32{0.00001})
      %sqrt.65: f32[16] = Sqrt(%add.64)
      %div.66: f32[16] = Div(f32[16], %sqrt.65)
      %reshape.117: f32[16,1,1,1] = Reshape(%div.66, i64{16,1,1,1})
      %mul.118: f32[16,8,3,3] = Mul(f32[16,8,3,3], %reshape.117)
      %mul.67: f32[16] = Mul(f32[16], %div.66)
      %sub.68: f32[16] = Sub(f32[16], %mul.67)
      %mul.125: f32[16,16,3,3] = Mul(f32[16,16,3,3], %reshape.117)
      %mul.132: f32[16,8,1,1] = Mul(f32[16,8,1,1], %reshape.117)
      %relu2: f32[1,8,8,8] = dsnk.Conv(%maxpool, %mul.104, %sub.38) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %relu3: f32[1,8,8,8] = dsnk.Conv(%relu2, %mul.111, %sub.38, %maxpool) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %relu4: f32[1,4,4,16] = dsnk.Conv(%relu3, %mul.118, %sub.68) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[2,2]}
      %bn5: f32[1,4,4,16] = dsnk.Conv(%relu4, %mul.125, %sub.68) {dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %relu5: f32[1,4,4,16] = dsnk.Conv(%relu3, %mul.132, %sub.68, %bn5) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[2,2]}
      %globalaveragepool: f32[1,1,1,16] = dsnk.GlobalAveragePool(%relu5)
      %flatten: f32[1,16] = Reshape(%globalaveragepool, i64{1,16})
      %gemm: f32[1,10] = Gemm(%flatten, f32[10,16], f32[10]) {transB=1}
      %softmax: f32[1,10] = Softmax(%gemm)
      return %softmax"
    `);
    expect(transposes(b)).toBe(0);
  });
  it('one channel needs no transpose at all', () => {
    const b = new Build();
    const x = relu(b, b.conv(b.input('x', [1, 1, 28, 28]), 8, 3));
    const y = b.op('Reshape', [b.op('GlobalMaxPool', [x]), b.ints(1, 8)]);
    optimized(b, b.op('MatMul', [y, b.f32([8, 10])]));
    expect(transposes(b)).toBe(0);
  });
  it('MobileNet with squeeze and excitation', () => {
    const b = new Build();
    const hswish = (x: Value) => b.op('Div', [b.op('Mul', [x, b.op('Clip', [b.op('Add', [x, b.scalar(3)]), b.scalar(0), b.scalar(6)])]), b.scalar(6)]);
    let x = hswish(b.bn(b.conv(b.input('x', [1, 3, 16, 16]), 8, 3)));
    for (let i = 0; i < 2; i++) {
      const d = relu(b, b.bn(b.conv(hswish(b.bn(b.conv(x, 16, 1))), 16, 3, { group: 16 })));
      const squeezed = b.op('ReduceMean', [d, b.ints(2, 3)], { keepdims: 1 });
      const excited = b.op('HardSigmoid', [b.conv(relu(b, b.conv(squeezed, 4, 1)), 16, 1)], { alpha: 1 / 6 });
      x = b.op('Add', [b.bn(b.conv(b.op('Mul', [d, excited]), 8, 1)), x]);
    }
    // excitation by a dense layer
    const pooled = b.op('Squeeze', [b.op('GlobalAveragePool', [x]), b.ints(2, 3)]);
    const gate = b.op('Unsqueeze', [b.op('Sigmoid', [b.op('Gemm', [pooled, b.f32([8, 8])])]), b.ints(2, 3)]);
    x = b.op('Mul', [x, gate]);
    expect(optimized(b, b.op('Flatten', [b.op('GlobalAveragePool', [x])]))).toMatchInlineSnapshot(`
      "%add.71: f32[8] = Add(f32[8], f32{0.00001})
      %sqrt.72: f32[8] = Sqrt(%add.71)
      %div.73: f32[8] = Div(f32[8], %sqrt.72)
      %reshape.143: f32[8,1,1,1] = Reshape(%div.73, i64{8,1,1,1})
      %mul.144: f32[8,3,3,3] = Mul(f32[8,3,3,3], %reshape.143)
      %mul.145: f32[8] = Mul(f32[8], %div.73)
      %sub.75: f32[8] = Sub(f32[8], %mul.145)
      %add.148: f32[8] = Add(%mul.145, %sub.75)
      %add.81: f32[16] = Add(f32[16], f32{0.00001})
      %sqrt.82: f32[16] = Sqrt(%add.81)
      %div.83: f32[16] = Div(f32[16], %sqrt.82)
      %reshape.152: f32[16,1,1,1] = Reshape(%div.83, i64{16,1,1,1})
      %mul.153: f32[16,8,1,1] = Mul(f32[16,8,1,1], %reshape.152)
      %mul.154: f32[16] = Mul(f32[16], %div.83)
      %sub.85: f32[16] = Sub(f32[16], %mul.154)
      %add.157: f32[16] = Add(%mul.154, %sub.85)
      %mul.162: f32[16,1,3,3] = Mul(f32[16,1,3,3], %reshape.152)
      %div: f32[1,16,16,8] = dsnk.StemConv(%x, %mul.144, %add.148) {activation=hardSwish, dilations=[1,1], pads=[1,1,1,1], strides=[1,1]}
      %div2: f32[1,16,16,16] = dsnk.Conv(%div, %mul.153, %add.157) {activation=hardSwish, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %relu: f32[1,16,16,16] = dsnk.Conv(%div2, %mul.162, %add.157) {activation=relu, dilations=[1,1], group=16, pads=[1,1,1,1], strides=[1,1]}
      %reducemean: f32[1,1,1,16] = ReduceMean(%relu, i64{1,2}) {keepdims=1}
      %mul.171: f32[8,16,1,1] = Mul(f32[8,16,1,1], %reshape.143)
      %relu2: f32[1,1,1,4] = dsnk.Conv(%reducemean, f32[4,16,1,1], f32{-6,1,-5,2}) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %hardsigmoid: f32[1,1,1,16] = dsnk.Conv(%relu2, f32[16,4,1,1], f32[16]) {activation=hardSigmoid, alpha=0.1666667, beta=0.5, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %mul.180: f32[16,8,1,1] = Mul(f32[16,8,1,1], %reshape.152)
      %mul.189: f32[16,1,3,3] = Mul(f32[16,1,3,3], %reshape.152)
      %add3: f32[1,16,16,8] = dsnk.GatedConv(%relu, %mul.171, %add.148, %div, %hardsigmoid) {dilations=[1,1], pads=[0,0,0,0], strides=[1,1]}
      %div3: f32[1,16,16,16] = dsnk.Conv(%add3, %mul.180, %add.157) {activation=hardSwish, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %relu3: f32[1,16,16,16] = dsnk.Conv(%div3, %mul.189, %add.157) {activation=relu, dilations=[1,1], group=16, pads=[1,1,1,1], strides=[1,1]}
      %reducemean2: f32[1,1,1,16] = ReduceMean(%relu3, i64{1,2}) {keepdims=1}
      %mul.198: f32[8,16,1,1] = Mul(f32[8,16,1,1], %reshape.143)
      %relu4: f32[1,1,1,4] = dsnk.Conv(%reducemean2, f32[4,16,1,1], f32{-6,1,-5,2}) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %hardsigmoid2: f32[1,1,1,16] = dsnk.Conv(%relu4, f32[16,4,1,1], f32[16]) {activation=hardSigmoid, alpha=0.1666667, beta=0.5, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %add5: f32[1,16,16,8] = dsnk.GatedConv(%relu3, %mul.198, %add.148, %add3, %hardsigmoid2) {dilations=[1,1], pads=[0,0,0,0], strides=[1,1]}
      %globalaveragepool: f32[1,1,1,8] = dsnk.GlobalAveragePool(%add5)
      %squeeze: f32[1,8] = Reshape(%globalaveragepool, i64{1,8})
      %sigmoid: f32[1,8] = dsnk.MatMul(%squeeze, f32[8,8]) {activation=sigmoid}
      %transpose.248: f32[1,1,1,8] = Reshape(%sigmoid, i64{1,1,1,8})
      %mul6: f32[1,16,16,8] = Mul(%add5, %transpose.248)
      %globalaveragepool2: f32[1,1,1,8] = dsnk.GlobalAveragePool(%mul6)
      %flatten: f32[1,8] = Reshape(%globalaveragepool2, i64{1,8})
      return %flatten"
    `);
    expect(transposes(b)).toBe(0);
  });
  it('ShuffleNet: a shuffle is one transpose of the last dimensions', () => {
    const b = new Build();
    let x = relu(b, b.conv(b.input('x', [1, 3, 8, 8]), 8, 3));
    for (let i = 0; i < 2; i++) {
      b.infer();
      const [left, right] = b.ops('Split', [x, b.ints(4, 4)], 2, { axis: 1 });
      const branch = relu(b, b.conv(right as Value, 4, 3));
      x = b.op('Concat', [left, branch], { axis: 1 });
      x = b.op('Reshape', [x, b.ints(1, 2, 4, 8, 8)]);
      x = b.op('Transpose', [x], { perm: [0, 2, 1, 3, 4] });
      x = b.op('Reshape', [x, b.ints(1, 8, 8, 8)]);
    }
    expect(optimized(b, b.op('Flatten', [b.op('GlobalAveragePool', [b.conv(x, 16, 1)])]))).toMatchInlineSnapshot(`
      "%relu: f32[1,8,8,8] = dsnk.StemConv(%x, f32[8,3,3,3], f32[8]) {activation=relu, dilations=[1,1], pads=[1,1,1,1], strides=[1,1]}
      %split:0: f32[1,8,8,4], %split:1: f32[1,8,8,4] = Split(%relu, i64{4,4}) {axis=3}
      %relu2: f32[1,8,8,4] = dsnk.Conv(%split:1, f32[4,4,3,3], f32{-6,1,-5,2}) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %concat: f32[1,8,8,8] = Concat(%split:0, %relu2) {axis=3}
      %reshape: f32[1,8,8,2,4] = Reshape(%concat, i64[5])
      %transpose.34: f32[8,8,4,2,1] = Transpose(%reshape) {perm=[1,2,4,3,0]}
      %reshape2: f32[1,8,8,8] = Reshape(%transpose.34, i64{1,8,8,8})
      %split2:0: f32[1,8,8,4], %split2:1: f32[1,8,8,4] = Split(%reshape2, i64{4,4}) {axis=3}
      %relu3: f32[1,8,8,4] = dsnk.Conv(%split2:1, f32[4,4,3,3], f32{-6,1,-5,2}) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %concat2: f32[1,8,8,8] = Concat(%split2:0, %relu3) {axis=3}
      %reshape3: f32[1,8,8,2,4] = Reshape(%concat2, i64[5])
      %transpose.46: f32[8,8,4,2,1] = Transpose(%reshape3) {perm=[1,2,4,3,0]}
      %reshape4: f32[1,8,8,8] = Reshape(%transpose.46, i64{1,8,8,8})
      %conv4: f32[1,8,8,16] = dsnk.Conv(%reshape4, f32[16,8,1,1], f32[16]) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %globalaveragepool: f32[1,1,1,16] = dsnk.GlobalAveragePool(%conv4)
      %flatten: f32[1,16] = Reshape(%globalaveragepool, i64{1,16})
      return %flatten"
    `);
    expect(transposes(b)).toBe(2);
  });
  it('SqueezeNet', () => {
    const b = new Build();
    let x = relu(b, b.conv(b.input('x', [1, 3, 16, 16]), 8, 3));
    for (let i = 0; i < 2; i++) {
      const s = relu(b, b.conv(x, 4, 1));
      x = b.op('Concat', [relu(b, b.conv(s, 8, 1)), relu(b, b.conv(s, 8, 3))], { axis: 1 });
    }
    x = relu(b, b.conv(b.op('Dropout', [x]), 10, 1));
    optimized(b, b.op('Softmax', [b.op('Reshape', [b.op('GlobalAveragePool', [x]), b.ints(1, -1)])]));
    expect(transposes(b)).toBe(0);
  });
  it('YOLOX: focus, neck and heads', () => {
    const b = new Build();
    const silu = (x: Value) => b.op('Mul', [x, b.op('Sigmoid', [x])]);
    const image = b.input('x', [1, 3, 32, 32]);
    const every = (h: number, w: number) => {
      const rows = b.op('Slice', [image, b.ints(h), b.ints(9999), b.ints(2), b.ints(2)]);
      return b.op('Slice', [rows, b.ints(w), b.ints(9999), b.ints(3), b.ints(2)]);
    };
    const focus = b.op('Concat', [every(0, 0), every(1, 0), every(0, 1), every(1, 1)], { axis: 1 });
    const c3 = silu(b.conv(focus, 8, 3));
    const c4 = silu(b.conv(c3, 16, 3, { strides: [2, 2] }));
    const up = b.op('Resize', [silu(b.conv(c4, 8, 1)), undefined, b.floats(1, 1, 2, 2)], { mode: 'nearest' });
    const p3 = silu(b.conv(b.op('Concat', [up, c3], { axis: 1 }), 8, 3));
    const heads = [p3, c4].map((p) => {
      const box = b.conv(silu(b.conv(p, 8, 3)), 4, 1);
      const object = b.op('Sigmoid', [b.conv(silu(b.conv(p, 8, 3)), 1, 1)]);
      const classes = b.op('Sigmoid', [b.conv(silu(b.conv(p, 8, 3)), 5, 1)]);
      const all = b.op('Concat', [box, object, classes], { axis: 1 });
      return b.op('Reshape', [all, b.ints(1, 10, -1)]);
    });
    expect(optimized(b, b.op('Transpose', [b.op('Concat', heads, { axis: 2 })], { perm: [0, 2, 1] }))).toMatchInlineSnapshot(`
      "%slice: f32[1,3,16,32] = Slice(%x, i64{0}, i64{9999}, i64{2}, i64{2})
      %slice2: f32[1,3,16,16] = Slice(%slice, i64{0}, i64{9999}, i64{3}, i64{2})
      %slice3: f32[1,3,16,32] = Slice(%x, i64{1}, i64{9999}, i64{2}, i64{2})
      %slice4: f32[1,3,16,16] = Slice(%slice3, i64{0}, i64{9999}, i64{3}, i64{2})
      %slice6: f32[1,3,16,16] = Slice(%slice, i64{1}, i64{9999}, i64{3}, i64{2})
      %slice8: f32[1,3,16,16] = Slice(%slice3, i64{1}, i64{9999}, i64{3}, i64{2})
      %concat: f32[1,12,16,16] = Concat(%slice2, %slice4, %slice6, %slice8) {axis=1}
      %transpose.69: f32[1,16,16,12] = Transpose(%concat) {perm=[0,2,3,1]}
      %mul: f32[1,16,16,8] = dsnk.Conv(%transpose.69, f32[8,12,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %mul2: f32[1,8,8,16] = dsnk.Conv(%mul, f32[16,8,3,3], f32[16]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[2,2]}
      %mul3: f32[1,8,8,8] = dsnk.Conv(%mul2, f32[8,16,1,1], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %resize: f32[1,16,16,8] = Resize(%mul3, -, f32{1,2,2,1}) {mode=nearest}
      %concat2: f32[1,16,16,16] = Concat(%resize, %mul) {axis=3}
      %mul4: f32[1,16,16,8] = dsnk.Conv(%concat2, f32[8,16,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %mul5: f32[1,16,16,8] = dsnk.Conv(%mul4, f32[8,8,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %conv6: f32[1,16,16,4] = dsnk.Conv(%mul5, f32[4,8,1,1], f32{-6,1,-5,2}) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %mul8: f32[1,8,8,8] = dsnk.Conv(%mul2, f32[8,16,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %conv12: f32[1,8,8,4] = dsnk.Conv(%mul8, f32[4,8,1,1], f32{-6,1,-5,2}) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %mul6: f32[1,16,16,8] = dsnk.Conv(%mul4, f32[8,8,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %sigmoid7: f32[1,16,16,1] = dsnk.Conv(%mul6, f32[1,8,1,1], f32{-6}) {activation=sigmoid, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %mul7: f32[1,16,16,8] = dsnk.Conv(%mul4, f32[8,8,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %sigmoid9: f32[1,16,16,5] = dsnk.Conv(%mul7, f32[5,8,1,1], f32[5]) {activation=sigmoid, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %concat3: f32[1,16,16,10] = Concat(%conv6, %sigmoid7, %sigmoid9) {axis=3}
      %mul9: f32[1,8,8,8] = dsnk.Conv(%mul2, f32[8,16,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %sigmoid12: f32[1,8,8,1] = dsnk.Conv(%mul9, f32[1,8,1,1], f32{-6}) {activation=sigmoid, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %mul10: f32[1,8,8,8] = dsnk.Conv(%mul2, f32[8,16,3,3], f32[8]) {activation=silu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %sigmoid14: f32[1,8,8,5] = dsnk.Conv(%mul10, f32[5,8,1,1], f32[5]) {activation=sigmoid, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %concat4: f32[1,8,8,10] = Concat(%conv12, %sigmoid12, %sigmoid14) {axis=3}
      %reshape: f32[1,256,10] = Reshape(%concat3, i64{1,256,10})
      %reshape2: f32[1,64,10] = Reshape(%concat4, i64{1,64,10})
      %transpose: f32[1,320,10] = Concat(%reshape, %reshape2) {axis=1}
      return %transpose"
    `);
    expect(transposes(b)).toBe(1);
  });
  it('a vision transformer: patches need no transpose after the convolution', () => {
    const b = new Build();
    const patches = b.op('Reshape', [b.conv(b.input('x', [1, 3, 32, 32]), 16, 8, { strides: [8, 8], pads: [0, 0, 0, 0] }), b.ints(1, 16, 16)]);
    const tokens = b.op('Transpose', [patches], { perm: [0, 2, 1] });
    optimized(b, b.op('MatMul', [b.op('Add', [tokens, b.f32([1, 16, 16])]), b.f32([16, 16])]));
    expect(transposes(b)).toBe(1);
  });
  it('super-resolution: depth to space writes the image', () => {
    const b = new Build();
    const x = b.conv(relu(b, b.conv(b.input('x', [1, 1, 8, 8]), 8, 3)), 9, 3);
    const y = b.op('DepthToSpace', [x], { blocksize: 3, mode: 'CRD' });
    expect(optimized(b, y)).toMatchInlineSnapshot(`
      "%transpose.4: f32[1,8,8,1] = Reshape(%x, i64{1,8,8,1})
      %relu: f32[1,8,8,8] = dsnk.Conv(%transpose.4, f32[8,1,3,3], f32[8]) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %conv2: f32[1,8,8,9] = dsnk.Conv(%relu, f32[9,8,3,3], f32[9]) {dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %reshape.10: f32[1,8,8,1,3,3] = Reshape(%conv2, i64[6])
      %transpose.11: f32[1,8,3,8,3,1] = Transpose(%reshape.10) {perm=[0,1,4,2,5,3]}
      %depthtospace: f32[1,1,24,24] = Reshape(%transpose.11, i64{1,1,24,24})
      return %depthtospace"
    `);
    expect(transposes(b)).toBe(1);
  });
  it('one-dimensional convolutions', () => {
    const b = new Build();
    let x = relu(b, b.bn(b.conv(b.input('x', [1, 4, 50]), 8, 5)));
    x = b.op('Add', [x, relu(b, b.conv(x, 8, 3))]);
    optimized(b, b.op('ReduceMean', [x, b.ints(-1)], { keepdims: 0 }));
    expect(transposes(b)).toBe(1);
  });
});

describe('read-planes', () => {
  it('reads an image as it comes', () => {
    const b = new Build();
    const y = relu(b, b.op('Conv', [b.input('x', [1, 3, 9, 9]), b.f32([4, 3, 3, 3])], { strides: [2, 2], pads: [1, 1, 1, 1] }));
    runPasses(b.done(y), [assignLayout, fuseEpilogue]);
    expect(golden(b.graph, readPlanes)).toMatchInlineSnapshot(`
      "%transpose.1: f32[1,9,9,3] = Transpose(%x) {perm=[0,2,3,1]}
      %conv: f32[1,5,5,4] = dsnk.Conv(%transpose.1, f32[4,3,3,3]) {dilations=[1,1], group=1, pads=[1,1,1,1], strides=[2,2]}
      %transpose.2: f32[1,4,5,5] = Transpose(%conv) {perm=[0,3,1,2]}
      %relu: f32[1,4,5,5] = Relu(%transpose.2)
      return %relu
      →
      %conv: f32[1,5,5,4] = dsnk.StemConv(%x, f32[4,3,3,3]) {dilations=[1,1], pads=[1,1,1,1], strides=[2,2]}
      %transpose.2: f32[1,4,5,5] = Transpose(%conv) {perm=[0,3,1,2]}
      %relu: f32[1,4,5,5] = Relu(%transpose.2)
      return %relu"
    `);
  });
  it('leaves what the kernel does not take', () => {
    const b = new Build();
    const five = b.op('Conv', [b.input('x', [1, 5, 9, 9]), b.f32([4, 5, 3, 3])]);
    const wide = b.op('Conv', [b.input('z', [1, 3, 9, 9]), b.f32([4, 3, 3, 3])], { strides: [4, 4] });
    const grouped = b.op('Conv', [b.input('v', [1, 4, 9, 9]), b.f32([4, 2, 3, 3])], { group: 2 });
    const graph = b.done(five, wide, grouped);
    runPasses(graph, [assignLayout]);
    expect(readPlanes.run(graph)).toBe(0);
  });
});
