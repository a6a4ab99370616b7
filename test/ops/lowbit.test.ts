/** MatMulNBits and DequantizeLinear before products: what weights of few bits mean, against float64. */
import { describe, expect, it } from 'vitest';
import { mulberry32, floats as randomFloats } from '../../bench/cases/case.js';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { exportModel, InferenceSession, Tensor } from '../../lib/index.js';

/** Rows of codes as streams of bits, the lowest first. */
function stream(codes: readonly number[], bits: number): number[] {
  const bytes = new Array<number>(Math.ceil((codes.length * bits) / 8)).fill(0);
  codes.forEach((c, i) => {
    for (let b = 0; b < bits; b++) if ((c >> b) & 1) bytes[(i * bits + b) >> 3] = (bytes[(i * bits + b) >> 3] as number) | (1 << ((i * bits + b) & 7));
  });
  return bytes;
}

interface Case {
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly block: number;
  readonly zeros?: 'packed' | 'floats';
  readonly bias?: boolean;
  readonly level?: number;
}

interface Weights {
  readonly codes: number[][];
  readonly scales: number[][];
  readonly zeros: number[][];
  readonly bias: number[];
}

function weightsOf(c: Case): Weights {
  const next = mulberry32(c.k * 31 + c.n + c.bits);
  const blocks = Math.ceil(c.k / c.block);
  const levels = 2 ** c.bits;
  const table = (rows: number, columns: number, of: () => number) => Array.from({ length: rows }, () => Array.from({ length: columns }, of));
  return {
    codes: table(c.n, blocks * c.block, () => Math.floor(next() * levels)),
    scales: table(c.n, blocks, () => Math.fround(0.02 + next())),
    zeros: table(c.n, blocks, () => (c.zeros === undefined ? levels / 2 : c.zeros === 'packed' ? Math.floor(next() * levels) : Math.fround(next() * levels))),
    bias: Array.from({ length: c.n }, () => Math.fround(next())),
  };
}

function nBits(c: Case, w: Weights, dims: readonly number[], attrs: Record<string, AttrValue> = {}): Graph {
  const g = new Graph('product');
  const x = g.addInput('x', 'float32', dims);
  const add = (type: 'uint8' | 'float32', shape: readonly number[], values: readonly number[]) => g.addConstant(Constant.of(type, shape, values));
  const blocks = Math.ceil(c.k / c.block);
  const inputs: (Value | undefined)[] = [
    x,
    add(
      'uint8',
      [c.n, blocks, (c.block * c.bits) / 8],
      w.codes.flatMap((row) => stream(row, c.bits)),
    ),
    add('float32', [c.n, blocks], w.scales.flat()),
    c.zeros === 'packed'
      ? add(
          'uint8',
          [c.n, Math.ceil((blocks * c.bits) / 8)],
          w.zeros.flatMap((row) => stream(row, c.bits)),
        )
      : c.zeros && add('float32', [c.n, blocks], w.zeros.flat()),
    undefined,
    c.bias ? add('float32', [c.n], w.bias) : undefined,
  ];
  while (inputs.at(-1) === undefined) inputs.pop();
  const own = { K: c.k, N: c.n, bits: c.bits, block_size: c.block, ...(c.level !== undefined && { accuracy_level: c.level }), ...attrs };
  const y = g.addNode('MatMulNBits', inputs, { domain: 'com.microsoft', name: 'product', attrs: own }).output();
  y.name = 'y';
  g.outputs.push(y);
  return g;
}

const weight = (c: Case, w: Weights, n: number, k: number) => {
  const b = Math.floor(k / c.block);
  return ((w.codes[n]?.[k] as number) - (w.zeros[n]?.[b] as number)) * (w.scales[n]?.[b] as number);
};

async function run(graph: Graph, x: Float32Array, dims: readonly number[]): Promise<{ y: Float32Array; kernels: string[] }> {
  await using session = await InferenceSession.create(exportModel(graph));
  const feeds = { x: new Tensor('float32', x, dims) };
  const { nodes } = await session.profile(feeds);
  return { y: (await session.run(feeds))['y']?.data as Float32Array, kernels: nodes.map((n) => n.kernel) };
}

const cases: readonly Case[] = ([8, 4, 3, 2] as const).flatMap((bits): Case[] => [
  { k: 64, n: 24, bits, block: 32, bias: true },
  { k: 100, n: 9, bits, block: 16, zeros: 'packed' },
  { k: 288, n: 33, bits, block: 128, zeros: 'floats' },
]);

describe('MatMulNBits', () => {
  it.each(cases.flatMap((c) => [0, 4].map((level) => ({ ...c, level }))))('$bits bits, block $block, zeros $zeros, level $level', async (c) => {
    const w = weightsOf(c);
    const dims = [2, 3, c.k];
    const x = randomFloats(6 * c.k, 2);
    const { y, kernels } = await run(nBits(c, w, dims), x, dims);
    expect(kernels.some((k) => k.startsWith(c.level === 4 ? 'lowbit_quantize' : 'lowbit_gemm_floats'))).toBe(true);
    for (let i = 0; i < 6; i++) {
      for (let n = 0; n < c.n; n++) {
        let [sum, bound] = [0, 0];
        for (let k = 0; k < c.k; k++) {
          const v = weight(c, w, n, k);
          sum += v * (x[i * c.k + k] as number);
          // An activation of magnitude up to 1 is at most half a step of 1/127 off.
          bound += Math.abs(v) * (c.level === 4 ? 0.5 / 127 : 0);
        }
        if (c.bias) sum += w.bias[n] as number;
        expect(Math.abs((y[i * c.n + n] as number) - sum)).toBeLessThanOrEqual(bound + 1e-4 * Math.abs(sum) + 1e-3);
      }
    }
  });

  it.each([
    [{ bits: 5 }, /bits must be 2, 3, 4, 8/],
    [{ block_size: 24 }, /power of two/],
    [{ N: 25 }, /weights must hold/],
    [{ K: 96 }, /96 columns/],
    [{ weight_prepacked: 1 }, /packed by no runtime/],
  ] as const)('refuses %j', async (attrs, message) => {
    const c: Case = { k: 64, n: 24, bits: 4, block: 32 };
    const model = exportModel(nBits(c, weightsOf(c), [1, 64], attrs));
    await expect(InferenceSession.create(model)).rejects.toThrow(message);
  });

  it('refuses g_idx', async () => {
    const c: Case = { k: 64, n: 24, bits: 4, block: 32 };
    const g = nBits(c, weightsOf(c), [1, 64]);
    g.nodes[0]?.inputs.push(undefined, g.addConstant(Constant.of('int32', [64], new Array(64).fill(0))));
    await expect(InferenceSession.create(exportModel(g))).rejects.toThrow(/g_idx/);
  });
});

describe('DequantizeLinear before a product', () => {
  const [k, n, block] = [96, 20, 32];
  it.each([
    { type: 'int4', op: 'MatMul', layout: 'blocks' },
    { type: 'uint4', op: 'MatMul', layout: 'blocks' },
    { type: 'int4', op: 'Gemm', layout: 'blocks' },
    { type: 'int2', op: 'Gemm', layout: 'column' },
    { type: 'uint4', op: 'MatMul', layout: 'column' },
    { type: 'int8', op: 'MatMul', layout: 'blocks' },
    { type: 'int4', op: 'MatMul', layout: 'one' },
  ] as const)('$type, $op, $layout', async ({ type, op, layout }) => {
    const transB = op === 'Gemm';
    const bits = type === 'int8' ? 8 : type === 'int2' ? 2 : 4;
    const signed = type !== 'uint4';
    const next = mulberry32(7);
    const levels = 2 ** bits;
    const [rows, columns] = transB ? [n, k] : [k, n];
    const codes = Array.from({ length: k * n }, () => Math.floor(next() * levels));
    const blocks = k / block;
    const shape = layout === 'one' ? [] : layout === 'column' ? [n] : transB ? [n, blocks] : [blocks, n];
    const count = shape.reduce((a, b) => a * b, 1);
    const scales = Array.from({ length: count }, () => Math.fround(0.05 + next()));
    const zeros = Array.from({ length: count }, () => Math.floor(next() * levels));
    const g = new Graph('product');
    const x = g.addInput('x', 'float32', [5, k]);
    const packed = (values: readonly number[], dims: readonly number[]) => new Constant(type, dims, () => Uint8Array.from(stream(values, bits)));
    const axis = (layout === 'column') === transB ? 0 : 1;
    const w = g.addNode(
      'DequantizeLinear',
      [g.addConstant(packed(codes, [rows, columns])), g.addConstant(Constant.of('float32', shape, scales)), g.addConstant(packed(zeros, shape))],
      { name: 'w', attrs: { axis, ...(layout === 'blocks' && { block_size: block }) } },
    );
    const y = g.addNode(op, [x, w.output()], { name: 'product', attrs: transB ? { transB: 1 } : {} }).output();
    y.name = 'y';
    g.outputs.push(y);
    const values = randomFloats(5 * k, 3);
    const { y: got, kernels } = await run(g, values, [5, k]);
    expect(kernels).toHaveLength(1);
    expect(kernels[0]).toMatch(/^lowbit_gemm_floats/);
    const meant = (c: number) => (signed && c >= levels / 2 ? c - levels : c);
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let d = 0; d < k; d++) {
          const at = layout === 'one' ? 0 : layout === 'column' ? j : transB ? j * blocks + Math.floor(d / block) : Math.floor(d / block) * n + j;
          const code = meant(codes[transB ? j * k + d : d * n + j] as number) - meant(zeros[at] as number);
          sum += (values[i * k + d] as number) * code * (scales[at] as number);
        }
        expect(Math.abs((got[i * n + j] as number) - sum)).toBeLessThanOrEqual(1e-4 * Math.abs(sum) + 1e-3);
      }
    }
  });
});
