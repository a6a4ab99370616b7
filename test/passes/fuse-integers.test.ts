import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { Constant, type Graph, type Value } from '../../lib/graph/graph.js';
import { exportModel, InferenceSession, Tensor } from '../../lib/index.js';
import { assignLayout } from '../../lib/passes/assign-layout.js';
import { fuseEpilogue } from '../../lib/passes/fuse-epilogue.js';
import { fuseIntegers } from '../../lib/passes/fuse-integers.js';
import { fusePointwise } from '../../lib/passes/fuse-pointwise.js';
import { partQuantization } from '../../lib/passes/part-quantization.js';
import { sinkTransposes } from '../../lib/passes/sink-transposes.js';
import { mulberry32 } from '../kernels/harness.js';
import { Build, countOf, golden, rewritten } from './graphs.js';

const random = mulberry32(11);

/** A graph between scales. */
class Scaled extends Build {
  constant(dtype: DType, dims: readonly number[], values: readonly number[]): Value {
    return this.graph.addConstant(Constant.of(dtype, dims, [...values]));
  }
  quantize(x: Value, scale: number, zero: number, type: DType = 'uint8'): Value {
    return this.op('QuantizeLinear', [x, this.scalar(scale), this.constant(type, [], [zero])], {}, 'q');
  }
  dequantize(x: Value, scale: number, zero: number, type: DType = 'uint8'): Value {
    return this.op('DequantizeLinear', [x, this.scalar(scale), this.constant(type, [], [zero])], {}, 'dq');
  }
  /** Signed bytes, a scale for every position on axis 0. */
  weights(dims: readonly number[]): Value {
    const n = dims[0] as number;
    const bytes = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => Math.floor(random() * 255) - 127);
    const scales = Array.from({ length: n }, (_, i) => 0.001 * (i + 1));
    const inputs = [this.constant('int8', dims, bytes), this.constant('float32', [n], scales), this.constant('int8', [n], new Array(n).fill(0))];
    return this.op('DequantizeLinear', inputs, { axis: 0 }, 'dqw');
  }
}

const layout = [assignLayout, sinkTransposes, partQuantization, fuseEpilogue];

/** Bytes in, a convolution with an activation between scales, bytes out. */
function convolution(activation?: (b: Scaled, v: Value) => Value): Graph {
  const b = new Scaled();
  const x = b.dequantize(b.input('x', [1, 8, 4, 4], 'uint8'), 0.02, 100);
  const bias = b.op(
    'DequantizeLinear',
    [
      b.constant('int32', [4], [5, -6, 7, -8]),
      b.constant(
        'float32',
        [4],
        [1, 2, 3, 4].map((i) => Math.fround(Math.fround(0.02) * Math.fround(0.001 * i))),
      ),
    ],
    { axis: 0 },
    'dqb',
  );
  const c = b.op('Conv', [x, b.weights([4, 8, 1, 1]), bias]);
  return b.done(b.quantize(activation === undefined ? c : activation(b, c), 0.05, 10));
}

describe('fuse-integers', () => {
  it('takes a convolution between scales, with its activation as bounds and its bias as the integers it is', () => {
    const graph = convolution((b, v) => b.op('Relu', [v]));
    const text = rewritten(graph, ...layout, fuseIntegers);
    expect(text).toMatch(
      /dsnk\.QConv\(%transpose[.\d]*, i8\[4,8,1,1\], i32\{5,-6,7,-8\}, f32\{0\.0004,0\.0008,0\.0012,0\.0016\}\) \{.*hi=255, lo=10.*x_zero=100, y_zero=10\}/,
    );
    expect(countOf(graph, 'QuantizeLinear') + countOf(graph, 'DequantizeLinear')).toBe(0);
  });

  it('turns the bounds of Clip into bytes', () => {
    const graph = convolution((b, v) => b.op('Clip', [v, b.scalar(0), b.scalar(6)]));
    expect(rewritten(graph, ...layout, fuseIntegers)).toMatch(/hi=130, lo=10/);
  });

  it('leaves other activations, live weights and results with a second reader as they are', () => {
    const sigmoid = convolution((b, v) => b.op('Sigmoid', [v]));
    expect(rewritten(sigmoid, ...layout, fuseIntegers)).not.toContain('QConv');
    const b = new Scaled();
    const x = b.dequantize(b.input('x', [1, 8, 4, 4], 'uint8'), 0.02, 100);
    const live = b.op('Conv', [x, b.dequantize(b.input('w', [4, 8, 1, 1], 'int8'), 0.01, 0, 'int8')]);
    expect(rewritten(b.done(b.quantize(live, 0.05, 10)), ...layout, fuseIntegers)).not.toContain('QConv');
  });

  it('adds what follows: a residual that the sum is not rounded for, and one that it is', () => {
    for (const between of [false, true]) {
      const b = new Scaled();
      const first = b.op('Conv', [b.dequantize(b.input('x', [1, 8, 4, 4], 'uint8'), 0.02, 100), b.weights([8, 8, 1, 1])]);
      const x = b.quantize(first, 0.04, 100);
      const c = b.op('Conv', [b.dequantize(x, 0.04, 100), b.weights([8, 8, 1, 1])]);
      const t = between ? b.dequantize(b.quantize(c, 0.03, 90), 0.03, 90) : c;
      const graph = b.done(b.quantize(b.op('Relu', [b.op('Add', [t, b.dequantize(x, 0.04, 100)])]), 0.05, 10));
      const text = rewritten(graph, ...layout, fuseIntegers);
      expect(text).toContain(between ? 't_hi=255, t_lo=0, t_ratio=0.6' : 't_ratio=0,');
      expect(text).toContain('r_zero=100');
      expect(countOf(graph, 'Add')).toBe(0);
    }
  });

  it('takes one filter a channel, and no other groups of few channels', () => {
    for (const [group, outChannels, taken] of [
      [8, 8, true],
      [8, 16, false],
      [4, 8, false],
    ] as const) {
      const b = new Scaled();
      const x = b.dequantize(b.input('x', [1, 8, 4, 4], 'uint8'), 0.02, 100);
      const c = b.op('Conv', [x, b.weights([outChannels, 8 / group, 3, 3])], { group, pads: [1, 1, 1, 1] });
      expect(rewritten(b.done(b.quantize(c, 0.05, 10)), ...layout, fuseIntegers).includes('QConv')).toBe(taken);
    }
  });

  it('takes Gemm and MatMul, to bytes or to floats', () => {
    const b = new Scaled();
    const x = b.dequantize(b.input('x', [3, 8], 'uint8'), 0.02, 100);
    const graph = b.done(b.op('Gemm', [x, b.weights([5, 8]), b.f32([5])], { transB: 1 }));
    expect(golden(graph, ...layout, fuseIntegers)).toMatch(/dsnk\.QMatMul\(%x, i8\[5,8\], -, f32\[5\], -, f32\[5\]\) \{out=float32, transB=1, x_zero=100\}/);
  });

  it('leaves a Relu or Clip behind what goes to floats', async () => {
    for (const op of ['Relu', 'Clip'] as const) {
      const b = new Scaled();
      const x = b.dequantize(b.input('x', [2, 8, 5, 5], 'uint8'), 0.02, 100);
      const c = b.op('Conv', [x, b.weights([4, 8, 3, 3]), b.f32([4])]);
      const graph = b.done(b.op(op, op === 'Relu' ? [c] : [c, b.scalar(-0.5), b.scalar(0.75)]));
      const feeds = {
        x: new Tensor(
          'uint8',
          Uint8Array.from({ length: 400 }, () => random() * 256),
          [2, 8, 5, 5],
        ),
      };
      await using session = await InferenceSession.fromGraph(graph);
      await using plain = await InferenceSession.fromGraph(graph, { skipPasses: ['fuse-integers'] });
      const { nodes, outputs } = await session.profile(feeds);
      expect(nodes.some((n) => n.kernel.startsWith('conv') && n.kernel.includes('_i8_'))).toBe(true);
      const [got, want] = [outputs, await plain.run(feeds)].map((r) => Object.values(r)[0]?.data as Float32Array) as [Float32Array, Float32Array];
      // Sums of 72 products of at most 3.1 · 0.51, in floats of either kind.
      want.forEach((v, i) => {
        expect(Math.abs(v - (got[i] as number))).toBeLessThan(72 * 3.1 * 0.51 * 2 ** -22);
      });
      expect(rewritten(graph, ...layout, fuseIntegers)).toMatch(op === 'Relu' ? /= Relu\(/ : /= Clip\([^,]*, f32\{-0.5\}, f32\{0.75\}\)/);
    }
  });
});

describe('sums between scales', () => {
  it('are one node, their activation its bounds', () => {
    const b = new Scaled();
    const [p, q] = [b.dequantize(b.input('p', [2, 8], 'uint8'), 0.1, 3), b.dequantize(b.input('q', [2, 8], 'uint8'), 0.2, 0)];
    const graph = b.done(b.quantize(b.op('Relu', [b.op('Add', [p, q])]), 0.4, 7));
    expect(golden(graph, fuseIntegers)).toMatchInlineSnapshot(`
      "%dq: f32[2,8] = DequantizeLinear(%p, f32{0.1}, u8{3})
      %dq2: f32[2,8] = DequantizeLinear(%q, f32{0.2}, u8{0})
      %add: f32[2,8] = Add(%dq, %dq2)
      %relu: f32[2,8] = Relu(%add)
      %q: u8[2,8] = QuantizeLinear(%relu, f32{0.4}, u8{7})
      return %q
      →
      %q: u8[2,8] = dsnk.QAdd(%p, %q) {a_ratio=0.25, a_zero=3, b_ratio=0.5, b_zero=0, hi=255, lo=7, y_zero=7}
      return %q"
    `);
  });
  it('stay elementwise where one is broadcast', () => {
    const b = new Scaled();
    const [p, q] = [b.dequantize(b.input('p', [2, 8], 'uint8'), 0.1, 3), b.dequantize(b.input('q', [8], 'uint8'), 0.2, 0)];
    expect(rewritten(b.done(b.quantize(b.op('Add', [p, q]), 0.4, 7)), fuseIntegers)).not.toContain('QAdd');
  });
});

describe('softmax between scales', () => {
  const graphOf = (scale: number, axis = -1) => {
    const b = new Scaled();
    const x = b.dequantize(b.input('x', [2, 300], 'uint8'), 0.1, 37);
    return b.done(b.quantize(b.op('Softmax', [x], { axis }), scale, 0));
  };
  it('looks its exponentials up', () => {
    expect(golden(graphOf(1 / 256), fuseIntegers)).toMatchInlineSnapshot(`
      "%dq: f32[2,300] = DequantizeLinear(%x, f32{0.1}, u8{37})
      %softmax: f32[2,300] = Softmax(%dq) {axis=-1}
      %q: u8[2,300] = QuantizeLinear(%softmax, f32{0.00390625}, u8{0})
      return %q
      →
      %q: u8[2,300] = dsnk.QSoftmax(%x) {ratio=256, x_scale=0.1, y_zero=0}
      return %q"
    `);
  });
  it('stays float32 along columns, and where the scale has no inverse', () => {
    expect(rewritten(graphOf(1 / 256, 0), fuseIntegers)).not.toContain('QSoftmax');
    expect(rewritten(graphOf(1 / 256, 1), fuseIntegers)).toContain('QSoftmax');
    expect(rewritten(graphOf(1e-42), fuseIntegers)).not.toContain('QSoftmax');
  });
  it('means the same as in floats', async () => {
    const bytes = exportModel(graphOf(1 / 256));
    const x = Uint8Array.from({ length: 600 }, () => 200 + 55 * random());
    const results: Uint8Array[] = [];
    for (const options of [{}, { skipPasses: ['fuse-integers', 'fuse-pointwise'] }]) {
      await using session = await InferenceSession.create(bytes, options as never);
      results.push(Object.values(await session.run({ x: new Tensor('uint8', x, [2, 300]) }))[0]?.data as Uint8Array);
    }
    const [integers, floats] = results as [Uint8Array, Uint8Array];
    // both round the same number but for errors of 304·2^-24·256 at most, so that one beside a tie may fall to its other side
    for (const [i, v] of integers.entries()) expect(Math.abs(v - (floats[i] as number))).toBeLessThanOrEqual(1);
    expect(integers.filter((v, i) => v !== floats[i]).length).toBeLessThanOrEqual(6);
  });
});

describe('part-quantization', () => {
  it('moves scales past what moves elements and drops those that meet', () => {
    const b = new Scaled();
    const x = b.dequantize(b.input('x', [1, 4, 6, 6], 'uint8'), 0.1, 3);
    const moved = b.op('MaxPool', [b.op('Slice', [x, b.ints(1), b.ints(5), b.ints(2)])], { kernel_shape: [2, 2], strides: [2, 2] });
    const graph = b.done(b.op('Relu', [b.dequantize(b.quantize(moved, 0.1, 3), 0.1, 3)]));
    const text = rewritten(graph, partQuantization);
    expect(text).toMatch(/u8.* = Slice\(%x.*\n.*u8.* = MaxPool\(.*\n.*f32.* = DequantizeLinear\(.*\n.*Relu/);
    expect(countOf(graph, 'QuantizeLinear')).toBe(0);
  });

  it('pads with the zero point and gives every reader a scale of its own', () => {
    const b = new Scaled();
    const x = b.dequantize(b.input('x', [1, 2, 3], 'uint8'), 0.1, 3);
    const padded = b.op('Pad', [x, b.ints(0, 0, 1, 0, 0, 1)]);
    const graph = b.done(b.op('Relu', [padded]), b.op('Neg', [x]));
    expect(rewritten(graph, partQuantization)).toMatch(/u8\[1,2,5\] = Pad\(%x, i64\[6\], u8\{3\}\)/);
    expect(countOf(graph, 'DequantizeLinear')).toBe(2);
  });

  it('makes signed bytes unsigned where nobody else sees them', () => {
    const b = new Scaled();
    const y = b.quantize(b.input('x', [2, 3]), 0.1, -5, 'int8');
    const graph = b.done(b.op('Relu', [b.dequantize(b.op('Reshape', [y, b.ints(6)]), 0.1, -5, 'int8')]));
    expect(rewritten(graph, partQuantization)).toMatch(/u8\[2,3\] = QuantizeLinear\(%x, f32\{0\.1\}, u8\{123\}\)/);
    const kept = new Scaled();
    const out = kept.done(kept.quantize(kept.input('x', [2, 3]), 0.1, -5, 'int8'));
    expect(rewritten(out, partQuantization)).toContain('i8[2,3] = QuantizeLinear');
  });
});

describe('scales in elementwise programs', () => {
  it('join the chain between them, without fused products', () => {
    const b = new Scaled();
    const [p, q] = [b.dequantize(b.input('p', [8], 'uint8'), 0.1, 3), b.dequantize(b.input('q', [8], 'uint8'), 0.2, 0)];
    const graph = b.done(b.quantize(b.op('Add', [p, q]), 0.3, 7));
    expect(rewritten(graph, fusePointwise)).toContain(
      'dtype=uint8, steps=[sub(x0,3),mul(s0,0.1),mul(x1,0.2),add(s1,s2),div(s3,0.3),round(s4),add(s5,7),clip(s6,0,255)]',
    );
  });
});

it('means the same with and without integers', async () => {
  const b = new Scaled();
  const x = b.input('x', [1, 3, 9, 9]);
  const a = b.dequantize(b.quantize(x, 0.02, 128), 0.02, 128);
  const c = b.op('Relu', [b.op('Conv', [a, b.weights([8, 3, 3, 3]), b.f32([8])], { pads: [1, 1, 1, 1] })]);
  const d = b.dequantize(b.quantize(c, 0.01, 0), 0.01, 0);
  const e = b.op('Relu', [b.op('Add', [b.op('Conv', [d, b.weights([8, 8, 3, 3])], { pads: [1, 1, 1, 1] }), d])]);
  const graph = b.done(b.op('GlobalAveragePool', [b.dequantize(b.quantize(e, 0.04, 0), 0.04, 0)]));
  const bytes = exportModel(graph);
  const feeds = {
    x: new Tensor(
      'float32',
      Float32Array.from({ length: 243 }, () => 4 * random() - 2),
      [1, 3, 9, 9],
    ),
  };
  const results = [];
  for (const options of [{}, { skipPasses: ['part-quantization', 'fuse-integers', 'fuse-pointwise'] }]) {
    await using session = await InferenceSession.create(bytes, options as never);
    results.push(Object.values(await session.run(feeds))[0]?.data as Float32Array);
  }
  const [integers, floats] = results as [Float32Array, Float32Array];
  // A mean of 81 results: one that rounds to the other side of a tie moves it by 0.04 / 81.
  for (const [i, v] of integers.entries()) expect(Math.abs(v - (floats[i] as number))).toBeLessThanOrEqual((4 * 0.04) / 81);
});

describe('functions of bytes', () => {
  it('are tables, computed once, the same as the chain between the scales', async () => {
    for (const [type, zero] of [
      ['uint8', 131],
      ['int8', 3],
    ] as const) {
      const b = new Scaled();
      const x = b.input('x', [256], type);
      const real = b.dequantize(x, 0.05, zero, type);
      const graph = b.done(b.quantize(b.op('Mul', [real, b.op('Sigmoid', [real])]), 0.03, 17));
      const bytes = exportModel(graph);
      expect(rewritten(graph, partQuantization, fusePointwise)).toMatch(/dsnk\.Table\(%x, %.*\)/);
      const Type = type === 'int8' ? Int8Array : Uint8Array;
      const all = new Type(Array.from({ length: 256 }, (_, i) => (type === 'int8' ? i - 128 : i)));
      await using session = await InferenceSession.create(bytes);
      const [y] = Object.values(await session.run({ x: new Tensor(type, all, [256]) })) as [Tensor];
      for (const [i, v] of (y.data as Uint8Array).entries()) {
        const r = 0.05 * ((all[i] as number) - zero);
        const exact = r / (1 + Math.exp(-r)) / 0.03;
        // within the rounding of float32 of the nearest
        expect(Math.abs(v - Math.min(Math.max(exact + 17, 0), 255))).toBeLessThanOrEqual(0.5 + 1e-4);
      }
    }
  });
});

describe('averages of bytes', () => {
  it.each(['GlobalAveragePool', 'AveragePool'])('%s is one of integers between scales', async (op) => {
    const attrs = op === 'AveragePool' ? { kernel_shape: [2, 2], strides: [2, 2] } : {};
    const b = new Scaled();
    const x = b.dequantize(b.input('x', [1, 5, 4, 4], 'uint8'), 0.1, 20);
    const graph = b.done(b.quantize(b.op(op, [x], attrs), 0.05, 30));
    const model = exportModel(graph);
    expect(rewritten(graph, ...layout, fuseIntegers)).toMatch(new RegExp(`dsnk\\.Q${op}.*ratio=2.*x_zero=20, y_zero=30`));
    const data = Uint8Array.from({ length: 80 }, () => random() * 256);
    const results = [];
    for (const skipPasses of [[], ['fuse-integers']]) {
      await using session = await InferenceSession.create(model, { skipPasses });
      const [y] = Object.values(await session.run({ x: new Tensor('uint8', data, [1, 5, 4, 4]) })) as [Tensor];
      results.push(y.data as Uint8Array);
    }
    // 2·sum/count + 30: no tie of float32 lies between the two ways of rounding a multiple of 1/8
    const [integers, floats] = results as [Uint8Array, Uint8Array];
    for (const [i, v] of integers.entries()) expect(Math.abs(v - (floats[i] as number))).toBeLessThanOrEqual(1);
  });
});
