import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { keepLowBits } from '../../lib/passes/keep-low-bits.js';
import { golden } from './graphs.js';

interface Form {
  readonly type?: DType;
  readonly axis?: number;
  readonly block?: number;
  readonly alpha?: number;
  readonly live?: boolean;
}

/** x [5, 64] times w [64, 6] behind DequantizeLinear. */
function product({ type = 'int4', axis = 0, block = 32, alpha = 1, live = false }: Form = {}): Graph {
  const g = new Graph('product');
  const x = g.addInput('x', 'float32', [5, 64]);
  const scaleDims = axis === 0 ? [64 / block, 6] : [64, 6 / block];
  const bytes = type === 'int8' ? 384 : 192;
  const codes = live ? g.addInput('w', type, [64, 6]) : g.addConstant(new Constant(type, [64, 6], () => new Uint8Array(bytes)), 'w');
  const scales = g.addConstant(Constant.of('float32', scaleDims, new Array((scaleDims[0] as number) * (scaleDims[1] as number)).fill(0.5)), 's');
  const w = g.addNode('DequantizeLinear', [codes, scales], { name: 'd', attrs: { axis, block_size: block } }).output();
  const bias = g.addConstant(Constant.of('float32', [6], [1, 2, 3, 4, 5, 6]), 'c');
  g.outputs.push(g.addNode('Gemm', [x, w, bias], { name: 'y', attrs: { alpha } }).output());
  inferGraph(g, { concrete: true });
  return g;
}

describe('keep-low-bits', () => {
  it('multiplies from the bits', () => {
    expect(golden(product(), keepLowBits)).toMatchInlineSnapshot(`
      "%d: f32[64,6] = DequantizeLinear(i4[64,6], f32[2,6]) {axis=0, block_size=32}
      %y: f32[5,6] = Gemm(%x, %d, f32[6]) {alpha=1}
      return %y
      →
      %y: f32[5,6] = dsnk.LowBitMatMul(%x, i4[64,6], f32[2,6], -, f32[6]) {block=32}
      return %y"
    `);
    expect(golden(product({ type: 'int8', block: 16 }), keepLowBits)).toMatch(/→[^→]*= dsnk.LowBitMatMul/);
  });
  it.each([{ axis: 1, block: 2 }, { block: 8 }, { alpha: 2 }, { live: true }])('refuses %j', (form) => {
    expect(golden(product(form), keepLowBits)).toMatch(/→[^→]*= Gemm/);
  });
});
