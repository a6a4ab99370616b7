import { describe, expect, it } from 'vitest';
import { dropDead } from '../../lib/passes/drop-dead.js';
import { dropIdentity } from '../../lib/passes/drop-identity.js';
import { foldShapes } from '../../lib/passes/fold-shapes.js';
import { mergeEqual } from '../../lib/passes/merge-equal.js';
import { mergeReshapes } from '../../lib/passes/merge-reshapes.js';
import { Build, golden, rewritten, text } from './graphs.js';

describe('drop-identity', () => {
  it('drops what changes nothing', () => {
    const b = new Build();
    let x = b.input('x', [2, 3]);
    x = b.op('Transpose', [x], { perm: [0, 1] });
    x = b.op('Add', [x, b.scalar(0)]);
    x = b.op('Mul', [b.scalar(1), x]);
    x = b.op('Dropout', [x]);
    x = b.op('Reshape', [x, b.ints(2, -1)]);
    x = b.op('Slice', [x, b.ints(0), b.ints(9), b.ints(1)]);
    x = b.op('Concat', [x], { axis: 0 });
    x = b.op('Pad', [x, b.ints(0, 0, 0, 0)]);
    x = b.op('Expand', [x, b.ints(1, 3)]);
    x = b.op('Cast', [x], { to: 1 });
    expect(golden(b.done(b.op('Relu', [x], {}, 'y')), dropIdentity)).toMatchInlineSnapshot(`
      "%transpose: f32[2,3] = Transpose(%x) {perm=[0,1]}
      %add: f32[2,3] = Add(%transpose, f32{0})
      %mul: f32[2,3] = Mul(f32{1}, %add)
      %dropout: f32[2,3] = Dropout(%mul)
      %reshape: f32[2,3] = Reshape(%dropout, i64{2,-1})
      %slice: f32[2,3] = Slice(%reshape, i64{0}, i64{9}, i64{1})
      %concat: f32[2,3] = Concat(%slice) {axis=0}
      %pad: f32[2,3] = Pad(%concat, i64{0,0,0,0})
      %expand: f32[2,3] = Expand(%pad, i64{1,3})
      %cast: f32[2,3] = Cast(%expand) {to=1}
      %y: f32[2,3] = Relu(%cast)
      return %y
      →
      %y: f32[2,3] = Relu(%x)
      return %y"
    `);
  });
  it('leaves an output that is an input', () => {
    const b = new Build();
    const g = b.done(b.op('Identity', [b.input('x', [2])]));
    expect(rewritten(g, dropIdentity)).toBe('return %x');
  });
  it.each<[string, (b: Build) => void]>([
    ['a broadcast', (b) => b.done(b.op('Add', [b.input('x', [3]), b.f32([2, 1], 0)]))],
    ['a reversing slice', (b) => b.done(b.op('Slice', [b.input('x', [3]), b.ints(-1), b.ints(-9), b.ints(0), b.ints(-1)]))],
    ['a pad that shifts', (b) => b.done(b.op('Pad', [b.input('x', [3]), b.ints(1, -1)]))],
    ['a change of type', (b) => b.done(b.op('Cast', [b.input('x', [3])], { to: 11 }))],
    ['0 - x', (b) => b.done(b.op('Sub', [b.scalar(0), b.input('x', [3])]))],
    ['a mask that is read', (b) => b.done(...b.ops('Dropout', [b.input('x', [3])], 2))],
  ])('refuses %s', (_, make) => {
    const b = new Build();
    make(b);
    const before = text(b.graph);
    expect(rewritten(b.graph, dropIdentity)).toBe(before);
  });
});

describe('drop-dead', () => {
  it('drops nodes and optional results that nobody reads', () => {
    const b = new Build();
    const x = b.input('x', [1, 2, 4, 4]);
    const [y] = b.ops('MaxPool', [x], 2, { kernel_shape: [2, 2] });
    b.op('Relu', [x]);
    expect(golden(b.done(y as NonNullable<typeof y>), dropDead)).toMatchInlineSnapshot(`
      "%maxpool:0: f32[1,2,3,3], %maxpool:1: i64[1,2,3,3] = MaxPool(%x) {kernel_shape=[2,2]}
      %relu: f32[1,2,4,4] = Relu(%x)
      return %maxpool:0
      →
      %maxpool:0: f32[1,2,3,3] = MaxPool(%x) {kernel_shape=[2,2]}
      return %maxpool:0"
    `);
  });
  it('refuses results whose number means something', () => {
    const b = new Build();
    const [y] = b.ops('Split', [b.input('x', [4]), b.ints(2, 2)], 2);
    const g = b.done(y as NonNullable<typeof y>);
    const before = text(g);
    expect(rewritten(g, dropDead)).toBe(before);
  });
});

describe('merge-equal', () => {
  it('computes the same once', () => {
    const b = new Build();
    const x = b.input('x', [2, 3]);
    const p = b.op('Relu', [b.op('Add', [x, b.scalar(2)])]);
    const q = b.op('Relu', [b.op('Add', [x, b.scalar(2)])]);
    expect(golden(b.done(b.op('Mul', [p, q])), mergeEqual)).toMatchInlineSnapshot(`
      "%add: f32[2,3] = Add(%x, f32{2})
      %relu: f32[2,3] = Relu(%add)
      %add2: f32[2,3] = Add(%x, f32{2})
      %relu2: f32[2,3] = Relu(%add2)
      %mul: f32[2,3] = Mul(%relu, %relu2)
      return %mul
      →
      %add: f32[2,3] = Add(%x, f32{2})
      %relu: f32[2,3] = Relu(%add)
      %mul: f32[2,3] = Mul(%relu, %relu)
      return %mul"
    `);
  });
  it('refuses other attributes, other inputs, other zeros', () => {
    const b = new Build();
    const x = b.input('x', [2, 2]);
    const y = [
      b.op('LeakyRelu', [x], { alpha: 0.1 }),
      b.op('LeakyRelu', [x], { alpha: 0.2 }),
      b.op('Sub', [x, b.scalar(1)]),
      b.op('Sub', [b.scalar(1), x]),
      b.op('Div', [x, b.scalar(0)]),
      b.op('Div', [x, b.scalar(-0)]),
    ];
    const g = b.done(...y);
    const before = text(g);
    expect(rewritten(g, mergeEqual)).toBe(before);
  });
});

describe('fold-shapes', () => {
  it('removes shape arithmetic', () => {
    const b = new Build();
    const x = b.input('x', [2, 3, 4]);
    const n = b.op('Gather', [b.op('Shape', [x]), b.ints(0)]);
    const shape = b.op('Concat', [n, b.ints(-1)], { axis: 0 });
    expect(golden(b.done(b.op('Reshape', [x, shape])), foldShapes)).toMatchInlineSnapshot(`
      "%shape: i64[3] = Shape(%x)
      %gather: i64[1] = Gather(%shape, i64{0})
      %concat: i64[2] = Concat(%gather, i64{-1}) {axis=0}
      %reshape: f32[2,12] = Reshape(%x, %concat)
      return %reshape
      →
      %reshape: f32[2,12] = Reshape(%x, i64{2,-1})
      return %reshape"
    `);
  });
  it('refuses contents that only the run knows', () => {
    const b = new Build();
    const g = b.done(b.op('Add', [b.input('n', [1], 'int64'), b.ints(1)]));
    const before = text(g);
    expect(rewritten(g, foldShapes)).toBe(before);
  });
});

describe('merge-reshapes', () => {
  it('makes one Reshape of a chain', () => {
    const b = new Build();
    let x = b.input('x', [8, 1, 16, 4]);
    x = b.op('Squeeze', [x, b.ints(1)]);
    x = b.op('Unsqueeze', [x, b.ints(0)]);
    x = b.op('Reshape', [x, b.ints(0, 8, -1)]);
    expect(golden(b.done(b.op('Flatten', [x], { axis: 2 })), mergeReshapes)).toMatchInlineSnapshot(`
      "%squeeze: f32[8,16,4] = Squeeze(%x, i64{1})
      %unsqueeze: f32[1,8,16,4] = Unsqueeze(%squeeze, i64{0})
      %reshape: f32[1,8,64] = Reshape(%unsqueeze, i64{0,8,-1})
      %flatten: f32[8,64] = Flatten(%reshape) {axis=2}
      return %flatten
      →
      %flatten: f32[8,64] = Reshape(%x, i64{8,64})
      return %flatten"
    `);
  });
  it('takes a transpose that only moves ones for what it is', () => {
    const b = new Build();
    const x = b.op('Transpose', [b.input('x', [1, 1, 8, 4])], { perm: [0, 2, 1, 3] });
    expect(golden(b.done(b.op('Transpose', [x], { perm: [3, 2, 1, 0] })), mergeReshapes)).toMatchInlineSnapshot(`
      "%transpose: f32[1,8,1,4] = Transpose(%x) {perm=[0,2,1,3]}
      %transpose2: f32[4,1,8,1] = Transpose(%transpose) {perm=[3,2,1,0]}
      return %transpose2
      →
      %transpose: f32[1,8,1,4] = Reshape(%x, i64{1,8,1,4})
      %transpose2: f32[4,1,8,1] = Transpose(%transpose) {perm=[3,2,1,0]}
      return %transpose2"
    `);
  });
  it('leaves a Reshape to a constant shape, and a middle that others read', () => {
    const b = new Build();
    const x = b.op('Reshape', [b.input('x', [8, 2]), b.ints(16)]);
    const g = b.done(x);
    const before = text(g);
    expect(rewritten(g, mergeReshapes)).toBe(before);
  });
});
