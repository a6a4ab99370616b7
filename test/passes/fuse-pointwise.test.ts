import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { printGraph } from '../../lib/graph/print.js';
import { verifyGraph } from '../../lib/graph/verify.js';
import { inferNode } from '../../lib/ops/infer.js';
import { fusePointwise } from '../../lib/passes/fuse-pointwise.js';

class Sketch {
  readonly graph = new Graph('g');
  input(name: string, shape: number[], dtype: DType = 'float32'): Value {
    return this.graph.addInput(name, dtype, shape);
  }
  scalar(v: number): Value {
    return this.graph.addConstant(Constant.of('float32', [], [v]));
  }
  node(op: string, inputs: (Value | undefined)[], attrs: Record<string, AttrValue> = {}, name = op.toLowerCase()): Value {
    const node = this.graph.addNode(op, inputs, { name, attrs });
    inferNode(node, { concrete: true });
    return node.output();
  }
  /** The graph after the pass, without its first line. */
  fused(...outputs: Value[]): string[] {
    this.graph.outputs.push(...outputs);
    fusePointwise.run(this.graph);
    verifyGraph(this.graph, 'fuse-pointwise');
    return printGraph(this.graph)
      .split('\n')
      .slice(1)
      .map((l) => l.trim());
  }
}

describe('fuse-pointwise', () => {
  it('fuses a tree with an inner result that is read twice', () => {
    const s = new Sketch();
    const [x, w, c] = [s.input('x', [2, 8, 4]), s.input('w', [2, 8, 4]), s.input('c', [4])];
    const b = s.node('Add', [s.node('Mul', [x, w]), c]);
    const y = s.node('Mul', [b, s.node('Sigmoid', [b])], {}, 'y');
    expect(s.fused(y)).toEqual(['%y: f32[2,8,4] = dsnk.Pointwise(%x, %w, %c) {steps=[mulAdd(x0,x1,x2),sigmoid(s0),mul(s0,s1)]}', 'return %y']);
  });

  it('takes numbers into the program', () => {
    const s = new Sketch();
    const x = s.input('x', [3]);
    const y = s.node('Div', [s.node('Clip', [s.node('Add', [x, s.scalar(3)]), s.scalar(0), s.scalar(6)]), s.scalar(0.1)], {}, 'y');
    expect(s.fused(y)).toEqual(['%y: f32[3] = dsnk.Pointwise(%x) {steps=[add(x0,3),clip(s0,0,6),div(s1,0.1)]}', 'return %y']);
  });

  it('carries truth values inside and at its ends', () => {
    const s = new Sketch();
    const [x, m] = [s.input('x', [4]), s.input('m', [4], 'bool')];
    const sure = s.node('And', [s.node('Greater', [x, s.scalar(0)]), m]);
    const y = s.node('Where', [sure, x, s.node('Cast', [m], { to: 1 })], {}, 'y');
    const z = s.node('Not', [s.node('IsNaN', [x])], {}, 'z');
    expect(s.fused(y, z)).toEqual([
      '%z: bool[4] = dsnk.Pointwise(%x) {dtype=bool, steps=[isNaN(x0),logicalNot(s0)]}',
      '%y: f32[4] = dsnk.Pointwise(%x, %m) {steps=[less(0,x0),logicalAnd(s0,x1),where(s1,x0,x1)]}',
      'return %y, %z',
    ]);
  });

  it('leaves alone what others read, what would be computed again, other types and constants', () => {
    const s = new Sketch();
    const [x, c, n] = [s.input('x', [2, 4]), s.input('c', [4]), s.input('n', [4], 'int64')];
    const shared = s.node('Exp', [x]);
    const a = s.node('Neg', [shared], {}, 'a');
    const small = s.node('Sqrt', [c]);
    const b = s.node('Add', [x, small], {}, 'b');
    const i = s.node('Add', [s.node('Mul', [n, n]), n], {}, 'i');
    const before = printGraph(s.graph).split('\n').slice(1, -1);
    expect(s.fused(a, b, i, shared).slice(0, -1)).toEqual(before.map((l) => l.trim()));
  });

  it('keeps the shape that a constant of one element gives', () => {
    const s = new Sketch();
    const x = s.input('x', [3]);
    const one = s.graph.addConstant(Constant.of('float32', [1, 1], [1]));
    const y = s.node('Exp', [s.node('Add', [x, one])], {}, 'y');
    expect(s.fused(y)).toHaveLength(3);
  });

  it('stops at the kernel’s limits', () => {
    const s = new Sketch();
    let y = s.input('x', [4]);
    for (let i = 0; i < 40; i++) y = s.node('Add', [y, s.input(`x${i}`, [4])], {}, `y${i}`);
    const lines = s.fused(y);
    expect(lines).toHaveLength(4); // 41 inputs at most 16 at a time
    expect(lines.every((l) => l.startsWith('return') || l.split('(%')[1]?.split(',').length !== 17)).toBe(true);
  });
});
