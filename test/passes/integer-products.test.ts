import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { exportModel } from '../../lib/onnx/export.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { assignLayout } from '../../lib/passes/assign-layout.js';
import { takeIntegerProducts } from '../../lib/passes/take-integer-products.js';
import { mulberry32 } from '../kernels/harness.js';
import { golden } from './graphs.js';

const typed = (g: Graph) => {
  inferGraph(g, { concrete: true });
  return g;
};

const random = mulberry32(3);
const integers = (length: number, low: number, high: number) => Array.from({ length }, () => low + Math.floor(random() * (high - low + 1)));
const constant = (g: Graph, type: DType, dims: readonly number[], values: readonly number[]) => g.addConstant(Constant.of(type, dims, [...values]));

interface Quantized {
  readonly w?: 'int8' | 'uint8';
  readonly wZero?: number;
  readonly perColumn?: boolean;
  readonly group?: number;
  readonly bias?: boolean;
  readonly liveScale?: boolean;
  readonly yScale?: number;
  readonly y?: 'uint8' | 'int8';
}

function tail(g: Graph, columns: number, k: number, { w = 'int8', wZero = w === 'int8' ? 0 : 128, perColumn = false, y = 'uint8', ...rest }: Quantized) {
  const n = perColumn ? columns : 1;
  const dims = perColumn ? [columns] : [];
  const wScale = Array.from({ length: n }, (_, i) => 0.001 * (1 + (i % 7) / 4));
  return {
    scale: constant(g, 'float32', [], [0.02]),
    zero: constant(g, 'uint8', [], [113]),
    wScale: constant(g, 'float32', dims, wScale),
    wZero: constant(g, w, dims, new Array(n).fill(wZero)),
    yScale: rest.liveScale ? g.addInput('scale', 'float32', []) : constant(g, 'float32', [], [rest.yScale ?? 0.012 * Math.sqrt(k)]),
    yZero: constant(g, y, [], [y === 'uint8' ? 120 : -8]),
  };
}

const weights = (g: Graph, dims: readonly number[], type: 'int8' | 'uint8' = 'int8') =>
  constant(
    g,
    type,
    dims,
    type === 'int8'
      ? integers(
          dims.reduce((a, b) => a * b, 1),
          -128,
          127,
        )
      : integers(
          dims.reduce((a, b) => a * b, 1),
          0,
          255,
        ),
  );

function product(m: number, k: number, n: number, options: Quantized = {}): Graph {
  const g = new Graph('product');
  const a = g.addInput('x', 'uint8', [m, k]);
  const t = tail(g, n, k, options);
  const inputs = [a, t.scale, t.zero, weights(g, [k, n], options.w), t.wScale, t.wZero, t.yScale, t.yZero];
  g.outputs.push(g.addNode('QLinearMatMul', inputs, { name: 'y' }).output());
  return g;
}

function convolution(size: number, c: number, m: number, kernel: number, options: Quantized = {}, attrs: Record<string, number[] | string> = {}): Graph {
  const { group = 1, bias = true } = options;
  const g = new Graph('convolution');
  const x = g.addInput('x', 'uint8', [1, c, size, size]);
  const k = (c / group) * kernel * kernel;
  const t = tail(g, m, k, options);
  const inputs = [x, t.scale, t.zero, weights(g, [m, c / group, kernel, kernel], options.w), t.wScale, t.wZero, t.yScale, t.yZero];
  if (bias) inputs.push(constant(g, 'int32', [m], integers(m, -10000, 10000)));
  g.outputs.push(g.addNode('QLinearConv', inputs, { name: 'y', attrs: { kernel_shape: [kernel, kernel], group, ...attrs } }).output());
  return g;
}

describe('take-integer-products', () => {
  it('takes a product with constant weights', () => {
    expect(golden(typed(product(3, 8, 5)), takeIntegerProducts)).toMatchInlineSnapshot(`
      "%y: u8[3,5] = QLinearMatMul(%x, f32{0.02}, u8{113}, i8[8,5], f32{0.001}, i8{0}, f32{0.03394112}, u8{120})
      return %y
      →
      %mul.7: f32[] = Mul(f32{0.02}, f32{0.001})
      %div.8: f32[] = Div(%mul.7, f32{0.03394112})
      %y: u8[3,5] = dsnk.QMatMul(%x, i8[8,5], -, %div.8) {x_zero=113, y_zero=120}
      return %y"
    `);
  });
  it.each<[string, Quantized]>([
    ['weights around 3', { wZero: 3 }],
    ['unsigned weights around 0', { w: 'uint8', wZero: 0 }],
    ['signed results', { y: 'int8' }],
  ])('refuses %s', (_, options) => {
    expect(golden(typed(product(3, 8, 5, options)), takeIntegerProducts)).toMatch(/= QLinearMatMul[^→]*→[^→]*= QLinearMatMul/);
  });
});

describe('assign-layout', () => {
  it('takes a convolution', () => {
    expect(golden(typed(convolution(6, 8, 5, 3, { perColumn: true }, { auto_pad: 'SAME_UPPER' })), assignLayout)).toMatchInlineSnapshot(`
      "%y: u8[1,5,6,6] = QLinearConv(%x, f32{0.02}, u8{113}, i8[5,8,3,3], f32[5], i8[5], f32{0.1018234}, u8{120}, i32[5]) {auto_pad=SAME_UPPER, group=1, kernel_shape=[3,3]}
      return %y
      →
      %mul.8: f32[5] = Mul(f32{0.02}, f32[5])
      %div.9: f32[5] = Div(%mul.8, f32{0.1018234})
      %transpose.10: u8[1,6,6,8] = Transpose(%x) {perm=[0,2,3,1]}
      %y: u8[1,6,6,5] = dsnk.QConv(%transpose.10, i8[5,8,3,3], i32[5], %div.9) {dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1], x_zero=113, y_zero=120}
      %y: u8[1,5,6,6] = Transpose(%y) {perm=[0,3,1,2]}
      return %y"
    `);
  });
  it.each<[string, Quantized]>([
    ['weights around 3', { wZero: 3 }],
    ['groups of few channels', { group: 4 }],
    ['scales whose ratio is infinite', { yScale: 1e-45 }],
    ['a scale of zero', { yScale: 0 }],
  ])('refuses %s', (_, options) => {
    expect(golden(typed(convolution(6, 8, 4, 3, options)), assignLayout)).toMatch(/= QLinearConv[^→]*→[^→]*= QLinearConv/);
  });
});

describe('integer products mean what the operators that they replace mean', () => {
  const pads = { pads: [1, 1, 1, 1] };
  it.each<[string, () => Graph]>([
    ['product', () => product(33, 65, 77)],
    ['product, scales by column, unsigned weights', () => product(20, 64, 40, { w: 'uint8', perColumn: true })],
    ['product, a scale known at the run', () => product(7, 30, 9, { liveScale: true })],
    ['1x1', () => convolution(9, 32, 40, 1, { perColumn: true })],
    ['3x3', () => convolution(9, 17, 33, 3, { perColumn: true }, pads)],
    ['3x3 stride 2, unsigned weights, no bias', () => convolution(11, 16, 20, 3, { w: 'uint8', bias: false }, { strides: [2, 2], pads: [0, 1, 1, 0] })],
    ['stem', () => convolution(17, 3, 32, 3, { perColumn: true }, { strides: [2, 2], auto_pad: 'SAME_LOWER' })],
    ['dilated groups', () => convolution(10, 12, 24, 3, { group: 3 }, { dilations: [2, 2], pads: [2, 2, 2, 2] })],
  ])('%s', async (_, build) => {
    const model = exportModel(build());
    const feeds = (s: InferenceSession) =>
      Object.fromEntries(
        s.inputNames.map((name) => {
          if (name === 'scale') return [name, new Tensor('float32', Float32Array.of(0.05), [])];
          const dims = s.inputMetadata.find((i) => i.name === name)?.shape as number[];
          return [
            name,
            new Tensor(
              'uint8',
              Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7919) % 256),
              dims,
            ),
          ];
        }),
      );
    const run = async (skipPasses: string[], kernels: RegExp) => {
      const session = await InferenceSession.create(model, { skipPasses, intraOpNumThreads: 1 });
      const { nodes } = await session.profile(feeds(session));
      expect(nodes.some((n) => kernels.test(n.kernel))).toBe(true);
      const y = Object.values(await session.run(feeds(session)))[0] as Tensor;
      await session.release();
      return y;
    };
    const own = await run([], /_i8_/);
    const plain = await run(['take-integer-products', 'assign-layout'], /qlinear/);
    expect(own.dims).toEqual(plain.dims);
    expect(own.data).toEqual(plain.data);
    expect(new Set(own.data as Uint8Array).size).toBeGreaterThan(10);
  });
});

describe('MatMulInteger', () => {
  const sums = (b: 'constant' | 'input', zero: 'input' | 'none', bZero = false) => {
    const g = new Graph('sums');
    const a = g.addInput('a', 'uint8', [3, 8]);
    const inputs = [a, b === 'constant' ? weights(g, [8, 5]) : g.addInput('b', 'int8', [8, 5]), zero === 'input' ? g.addInput('z', 'uint8', []) : undefined];
    if (bZero) inputs.push(constant(g, 'int8', [], [3]));
    g.outputs.push(g.addNode('MatMulInteger', inputs, { name: 'y' }).output());
    return typed(g);
  };
  it('takes the zero point from the sums of the columns', () => {
    const text = golden(sums('constant', 'input'), takeIntegerProducts);
    expect(text).toMatch(/→[^→]*ReduceSum[^→]*Neg[^→]*Cast\(%z\)[^→]*Mul[^→]*dsnk.QMatMul\(%a, i8\[8,5\], %mul[^→]*out=int32/);
    expect(golden(sums('constant', 'none'), takeIntegerProducts)).not.toMatch(/→[^→]*= Mul\(/);
  });
  it.each([sums('input', 'input'), sums('constant', 'input', true)])('refuses weights that are computed or have a zero point', (g) => {
    expect(golden(g, takeIntegerProducts)).toMatch(/→[^→]*= MatMulInteger/);
  });
  it('is exact', async () => {
    const g = sums('constant', 'input');
    const b = g.nodes[0]?.inputs[1]?.constant?.values() as number[];
    const a = Uint8Array.from(integers(24, 0, 255));
    await using session = await InferenceSession.create(exportModel(g));
    for (const z of [0, 117, 255]) {
      const [y] = Object.values(await session.run({ a: new Tensor('uint8', a, [3, 8]), z: new Tensor('uint8', Uint8Array.of(z), []) }));
      const want = Array.from({ length: 15 }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < 8; k++) sum += ((a[Math.floor(i / 5) * 8 + k] as number) - z) * (b[k * 5 + (i % 5)] as number);
        return sum;
      });
      expect(Array.from(y?.data as Int32Array)).toEqual(want);
    }
  });
});

describe('what follows sums', () => {
  const dims = { MatMulInteger: [3, 8], ConvInteger: [1, 8, 4, 4] } as const;
  const ended = (op: keyof typeof dims, factor: number[], bias: number[] | undefined, spoil: 'nothing' | 'read twice' | 'double' = 'nothing') => {
    const g = new Graph('ended');
    const a = g.addInput('a', 'uint8', dims[op]);
    const w = weights(g, op === 'MatMulInteger' ? [8, 5] : [5, 8, 3, 3]);
    const sum = g.addNode(op, [a, w, g.addInput('z', 'uint8', [])], op === 'ConvInteger' ? { attrs: { pads: [1, 1, 1, 1] } } : {}).output();
    const cast = g.addNode('Cast', [sum], { attrs: { to: spoil === 'double' ? 11 : 1 } }).output();
    const f = g.addInput('f', spoil === 'double' ? 'float64' : 'float32', factor);
    let y = g.addNode('Mul', [f, cast]).output();
    if (bias !== undefined) y = g.addNode('Add', [y, constant(g, 'float32', bias, Array(bias.reduce((p, q) => p * q, 1)).fill(0.5))]).output();
    g.outputs.push(y, ...(spoil === 'read twice' ? [sum] : []));
    return typed(g);
  };
  it.each<[keyof typeof dims, number[], number[] | undefined, RegExp]>([
    ['MatMulInteger', [5], [5], /QMatMul\(%a, i8\[8,5\], %mul[.\d]+, %f, -, f32\[5\]\) \{out=float32/],
    ['MatMulInteger', [], [1, 5], /out=float32/],
    ['ConvInteger', [5, 1, 1], [1, 5, 1, 1], /Pad\([^→]*dsnk.QConv\(%pad[^→]*out=float32/],
    ['ConvInteger', [1], undefined, /out=float32/],
  ])('joins the product: %s, factor %j, bias %j', (op, factor, bias, text) => {
    const after = golden(ended(op, factor, bias), takeIntegerProducts).split('→')[1] as string;
    expect(after).toMatch(text);
    expect(after).not.toMatch(/= Cast\(%(matmul|conv)/);
    expect(after).not.toMatch(/= Add/);
  });
  it.each<[string, Graph, RegExp]>([
    ['a factor along another axis', ended('ConvInteger', [1, 4], undefined), /out=int32/],
    ['a factor that widens the result', ended('MatMulInteger', [2, 3, 5], undefined), /out=int32/],
    ['sums that others read', ended('MatMulInteger', [5], undefined, 'read twice'), /out=int32/],
    ['doubles', ended('MatMulInteger', [5], undefined, 'double'), /out=int32/],
    ['a bias of another shape', ended('MatMulInteger', [5], [3, 5]), /out=float32[^→]*= Add/],
  ])('but for %s', (_, g, text) => {
    expect(golden(g, takeIntegerProducts).split('→')[1]).toMatch(text);
  });
});
