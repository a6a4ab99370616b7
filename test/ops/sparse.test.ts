/** Which rows products with zeros among their weights take, and that results are those of dense rows. */
import { describe, expect, it } from 'vitest';
import { thinned } from '../../bench/cases/sparse.js';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { InferenceSession, type SessionOptions, Tensor } from '../../lib/index.js';
import { exportModel } from '../../lib/onnx/export.js';
import { native } from '../../lib/runtime/native.js';
import { testsGpu } from '../gpu.js';
import { excess, randomFloats } from '../kernels/harness.js';

const vector = native()
  .catalogue()
  .kernels.some((k) => k.op === 'sparse_conv' && k.usable && k.isa !== 'scalar');

async function run(g: Graph, dims: readonly number[], options: SessionOptions = {}) {
  const session = await InferenceSession.create(exportModel(g), { intraOpNumThreads: 1, ...options });
  const type = g.inputs[0]?.dtype === 'uint8' ? 'uint8' : 'float32';
  const numbers = randomFloats(
    dims.reduce((a, b) => a * b, 1),
    5,
  );
  const x = new Tensor(type, (type === 'uint8' ? Uint8Array.from(numbers, (v) => 128 + 100 * v) : numbers) as never, dims);
  const { nodes } = await session.profile({ x });
  const [y] = Object.values(await session.run({ x }));
  await session.release();
  return { kernels: nodes.map((n) => n.kernel), y: y?.data as Float32Array };
}

/** Weights of rows, dense but for what `shared` thins. */
const weightsOf = (n: number, k: number, shared: number) => (shared === 0 ? randomFloats(n * k, 2) : thinned(randomFloats(n * k, 2), n, 1, k, shared));

function product(m: number, n: number, k: number, shared: number): Graph {
  const g = new Graph('product');
  const x = g.addInput('x', 'float32', [m, k]);
  const w = g.addConstant(Constant.of('float32', [n, k], weightsOf(n, k, shared)));
  g.outputs.push(g.addNode('Gemm', [x, w], { name: 'y', attrs: { transB: 1 } }).output());
  return g;
}

/** With a factor that a pass folds into the weights. */
function convolution(shared: number): Graph {
  const g = new Graph('convolution');
  const w = shared === 0 ? randomFloats(64 * 32 * 9, 2) : thinned(randomFloats(64 * 32 * 9, 2), 64, 9, 32, shared);
  const x = g.addInput('x', 'float32', [1, 32, 16, 16]);
  const attrs = { pads: [1, 1, 1, 1], strides: [2, 2], kernel_shape: [3, 3] };
  const sum = g.addNode('Conv', [x, g.addConstant(Constant.of('float32', [64, 32, 3, 3], w))], { name: 'c', attrs }).output();
  const factor = g.addConstant(Constant.of('float32', [1, 64, 1, 1], randomFloats(64, 3, 0.5, 1)));
  g.outputs.push(g.addNode('Mul', [sum, factor], { name: 'y' }).output());
  return g;
}

function quantized(m: number, n: number, k: number, shared: number): Graph {
  const g = new Graph('product');
  const of = (type: 'float32' | 'int8' | 'uint8', dims: readonly number[], v: ArrayLike<number>) => g.addConstant(Constant.of(type, dims, v));
  const rows = weightsOf(n, k, shared);
  const columns = Int8Array.from({ length: k * n }, (_, i) => Math.round(127 * (rows[(i % n) * k + Math.floor(i / n)] as number)));
  const inputs = [g.addInput('x', 'uint8', [m, k]), of('float32', [], [0.02]), of('uint8', [], [128]), of('int8', [k, n], columns)];
  inputs.push(of('float32', [], [0.002]), of('int8', [], [0]), of('float32', [], [0.02]), of('uint8', [], [128]));
  g.outputs.push(g.addNode('QLinearMatMul', inputs, { name: 'y' }).output());
  return g;
}

describe.runIf(vector)('weights of which two of four are zero', () => {
  const sparse = (kernels: readonly string[]) => kernels.filter((k) => k.startsWith('sparse_')).map((k) => k.replace(/_(f32|i8)_.*/, ''));

  it.each([
    ['dense weights', 1, 0, []],
    ['one row', 1, 1, ['sparse_gemm']],
    ['many rows', 64, 1, []],
    ['many rows, panels that share a mask', 64, 32, ['sparse_conv']],
    ['many rows, narrow panels that share a mask', 64, 16, ['sparse_conv']],
  ] as const)('floats, %s', async (_, m, shared, kernels) => {
    const got = await run(product(m, 64, 96, shared), [m, 96]);
    expect(sparse(got.kernels)).toEqual(kernels);
    const [x, w] = [randomFloats(m * 96, 5), weightsOf(64, 96, shared)];
    const want = Float64Array.from({ length: m * 64 }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < 96; k++) sum += (x[Math.floor(at / 64) * 96 + k] as number) * (w[(at % 64) * 96 + k] as number);
      return sum;
    });
    // 96 products below 1, each rounded once or twice by 2^-24 of a sum below 96.
    expect(excess(got.y, want, 2 * 96 * 96 * 2 ** -24, 0)).toBeLessThanOrEqual(0);
  });

  it.each([
    ['dense weights', 0, []],
    ['any mask', 1, []],
    ['panels that share a mask', 32, ['sparse_conv']],
  ] as const)('convolutions with folded factors, %s', async (_, shared, kernels) => {
    const got = await run(convolution(shared), [1, 32, 16, 16]);
    expect(sparse(got.kernels)).toEqual(kernels);
  });

  it.each([
    ['dense weights', 1, 0],
    ['one row', 1, 1],
    ['many rows', 64, 1],
    ['many rows, panels that share a mask', 64, 32],
  ] as const)('bytes, %s', async (_, m, shared) => {
    const got = await run(quantized(m, 64, 96, shared), [m, 96]);
    const twice = native()
      .catalogue()
      .kernels.some((k) => k.op === 'gemm_i8' && k.usable && (k.isa === 'amx' || k.isa === 'i8mm'));
    const wanted = shared === 0 ? [] : m === 1 ? ['sparse_gemm'] : shared === 32 && !twice ? ['sparse_conv'] : [];
    expect(sparse(got.kernels)).toEqual(wanted);
    const rows = weightsOf(64, 96, shared);
    const numbers = randomFloats(m * 96, 5);
    for (let at = 0; at < m * 64; at++) {
      let sum = 0;
      for (let k = 0; k < 96; k++)
        sum += (Math.trunc(128 + 100 * (numbers[Math.floor(at / 64) * 96 + k] as number)) - 128) * Math.round(127 * (rows[(at % 64) * 96 + k] as number));
      const want = Math.min(Math.max(128 + 0.002 * sum, 0), 255);
      expect(Math.abs((got.y[at] as number) - want)).toBeLessThanOrEqual(0.51);
    }
  });
});

describe.runIf(testsGpu)('weights of which two of four are zero, on a GPU', () => {
  const m = 20;
  const [n, shallow, deep] = [72, 1020, 1024];
  const gpu = { executionProviders: ['cuda'] };

  it.each([
    ['f16', deep, 1, 'sparse_gemm_f16_sm80'],
    ['bf16', deep, 1, 'sparse_gemm_bf16_sm80'],
    ['f16', shallow, 1, 'gemm_f16_sm75'],
    ['f16', deep, 0, 'gemm_f16_sm75'],
    ['f32', deep, 1, 'gemm_f32_sm72'],
  ] as const)('%s, %i k, masks of %i: %s', async (precision, k, shared, kernel) => {
    const got = await run(product(m, n, k, shared), [m, k], { ...gpu, precision });
    expect(got.kernels).toEqual([kernel]);
    const [x, w] = [randomFloats(m * k, 5), weightsOf(n, k, shared)];
    const want = Float64Array.from({ length: m * n }, (_, at) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += (x[Math.floor(at / n) * k + i] as number) * (w[(at % n) * k + i] as number);
      return sum;
    });
    // Products below 1 of two operands rounded by half a unit of their last place each, and sums below k.
    const unit = { f16: 2 ** -11, bf16: 2 ** -8, f32: 2 ** -24 }[precision];
    expect(excess(got.y, want, k * (2.1 * unit + 2 * k * 2 ** -24), 0)).toBeLessThanOrEqual(0);
  });

  it.each([
    [deep, 1, 'sparse_gemm_i8_sm80'],
    [shallow, 1, 'gemm_i8_sm75'],
    [deep, 0, 'gemm_i8_sm75'],
  ] as const)('bytes, %i k, masks of %i: %s', async (k, shared, kernel) => {
    const got = await run(quantized(m, n, k, shared), [m, k], gpu);
    expect(got.kernels).toEqual([kernel]);
    const onProcessor = await run(quantized(m, n, k, shared), [m, k]);
    expect(Buffer.from(got.y.buffer).equals(Buffer.from(onProcessor.y.buffer))).toBe(true);
  });
});
