/** onnxruntime's operators on quantized tensors against their formulas in float64. */
import { describe, expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { type AttrValue, Constant, Graph } from '../../lib/graph/graph.js';
import { exportModel, InferenceSession, Tensor } from '../../lib/index.js';
import { inferGraph } from '../../lib/ops/infer.js';

interface Quantized {
  readonly data: readonly number[];
  readonly dims: readonly number[];
  readonly scale: number;
  readonly zero: number;
}

const low = { uint8: 0, int8: -128 } as const;
type Byte = keyof typeof low;

/** Numbers that fill the type's range, its ends among them. */
function numbers(count: number, type: Byte, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => low[type] + (i === 0 ? 255 : i === 1 ? 0 : (i * 97 + seed * 31) % 256));
}
const real = (x: Quantized) => x.data.map((v) => (v - x.zero) * x.scale);
/** Half to even. */
const round = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
const quantize = (v: number, scale: number, zero: number, type: Byte) => Math.min(low[type] + 255, Math.max(low[type], round(Math.fround(v / scale)) + zero));

/** Runs one node: tensors are graph inputs, everything else is a constant. */
async function run(op: string, type: Byte, inputs: readonly (Quantized | Constant | undefined)[], attrs: Record<string, AttrValue> = {}) {
  const graph = new Graph(op);
  const feeds: Record<string, Tensor> = {};
  const array = type === 'uint8' ? Uint8Array : Int8Array;
  const values = inputs.flatMap((x, i) => {
    if (x === undefined) return [undefined];
    if (x instanceof Constant) return [graph.addConstant(x)];
    feeds[`x${i}`] = new Tensor(type, array.from(x.data), x.dims);
    return [graph.addInput(`x${i}`, type, x.dims), graph.addConstant(scale(x.scale)), graph.addConstant(zero(type, x.zero))];
  });
  graph.outputs.push(graph.addNode(op, values, { domain: 'com.microsoft', name: 'y', attrs }).output());
  inferGraph(graph, { concrete: true });
  const session = await InferenceSession.create(exportModel(graph));
  const [y] = Object.values(await session.run(feeds));
  await session.release();
  return { data: Array.from((y as Tensor).data as ArrayLike<number>), dims: (y as Tensor).dims, type: (y as Tensor).type };
}
const scale = (v: number) => Constant.of('float32', [], [v]);
const zero = (type: DType, v: number) => Constant.of(type, [], [v]);

/** A quotient at a tie may fall to either side: float32 and float64 round it apart. */
function expectClose(got: readonly number[], want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  got.forEach((v, i) => {
    expect(Math.abs(v - (want[i] as number)), `element ${i}: ${v}, ${want[i]}`).toBeLessThanOrEqual(1);
  });
  const apart = got.filter((v, i) => v !== want[i]).length;
  expect(apart).toBeLessThanOrEqual(got.length * 0.02);
}

describe.each(['uint8', 'int8'] as const)('%s', (type) => {
  const mid = low[type] + 128;
  const x: Quantized = { data: numbers(120, type, 1), dims: [2, 3, 4, 5], scale: 0.0313, zero: mid - 5 };
  const y: Quantized = { data: numbers(120, type, 2), dims: [2, 3, 4, 5], scale: 0.0497, zero: mid + 9 };
  const out = [scale(0.0611), zero(type, mid + 3)];
  const byOut = (v: number) => quantize(v, 0.0611, mid + 3, type);

  it.each([
    ['QLinearAdd', (a: number, b: number) => a + b],
    ['QLinearMul', (a: number, b: number) => a * b],
  ])('%s', async (op, f) => {
    const got = await run(op, type, [x, y, ...out]);
    expect(got.dims).toEqual(x.dims);
    expect(got.type).toBe(type);
    const b = real(y);
    expectClose(
      got.data,
      real(x).map((v, i) => byOut(f(v, b[i] as number))),
    );
    // one per channel, broadcast
    const few: Quantized = { ...y, data: y.data.slice(0, 3), dims: [3, 1, 1] };
    const wide = await run(op, type, [x, few, ...out]);
    expectClose(
      wide.data,
      real(x).map((v, i) => byOut(f(v, real(few)[Math.floor(i / 20) % 3] as number))),
    );
  });

  it.each([
    ['QLinearSigmoid', {}, (v: number) => 1 / (1 + Math.exp(-v))],
    ['QLinearLeakyRelu', { alpha: 0.125 }, (v: number) => (v < 0 ? 0.125 * v : v)],
  ])('%s', async (op, attrs, f) => {
    const got = await run(op, type, [x, scale(1 / 64), zero(type, mid)], attrs);
    expectClose(
      got.data,
      real(x).map((v) => quantize(f(v), 1 / 64, mid, type)),
    );
  });

  it('QLinearSoftmax', async () => {
    const got = await run('QLinearSoftmax', type, [x, scale(1 / 256), zero(type, low[type])], { axis: -1, opset: 13 });
    const a = real(x);
    const want = a.map((v, i) => {
      const row = a.slice(i - (i % 5), i - (i % 5) + 5);
      return quantize(Math.exp(v) / row.reduce((sum, r) => sum + Math.exp(r), 0), 1 / 256, low[type], type);
    });
    expectClose(got.data, want);
  });

  it('QLinearSoftmax, old form: all axes from one on together', async () => {
    const got = await run('QLinearSoftmax', type, [x, scale(1 / 256), zero(type, low[type])], { axis: 2, opset: 11 });
    expect(got.dims).toEqual(x.dims);
    const a = real(x);
    const want = a.map((v, i) => {
      const row = a.slice(i - (i % 20), i - (i % 20) + 20);
      return quantize(Math.exp(v) / row.reduce((sum, r) => sum + Math.exp(r), 0), 1 / 256, low[type], type);
    });
    expectClose(got.data, want);
  });

  it.each([0, 1])('pools, channels_last %i', async (last) => {
    const a = real(x);
    const mean = (n: number, c: number, rows: number[], columns: number[]) => {
      const at = (h: number, w: number) => (last ? a[((n * 3 + h) * 4 + w) * 5 + c] : a[((n * 3 + c) * 4 + h) * 5 + w]) as number;
      const all = rows.flatMap((h) => columns.map((w) => at(h, w)));
      return byOut(all.reduce((s, v) => s + v, 0) / all.length);
    };
    const [channels, height, width] = last ? [5, 3, 4] : [3, 4, 5];
    const list = (n: number) => Array.from({ length: n }, (_, i) => i);
    const global = await run('QLinearGlobalAveragePool', type, [x, ...out], { channels_last: last });
    expect(global.dims).toEqual(last ? [2, 1, 1, 5] : [2, 3, 1, 1]);
    expectClose(
      global.data,
      list(2).flatMap((n) => list(channels).map((c) => mean(n, c, list(height), list(width)))),
    );
    const pooled = await run('QLinearAveragePool', type, [x, ...out], { channels_last: last, kernel_shape: [2, 2], strides: [2, 2] });
    const [rows, columns] = [Math.floor(height / 2), Math.floor(width / 2)];
    expect(pooled.dims).toEqual(last ? [2, rows, columns, 5] : [2, 3, rows, columns]);
    const want = list(2).flatMap((n) => {
      const window = (c: number, h: number, w: number) => mean(n, c, [2 * h, 2 * h + 1], [2 * w, 2 * w + 1]);
      return last
        ? list(rows).flatMap((h) => list(columns).flatMap((w) => list(channels).map((c) => window(c, h, w))))
        : list(channels).flatMap((c) => list(rows).flatMap((h) => list(columns).map((w) => window(c, h, w))));
    });
    expectClose(pooled.data, want);
  });

  it('QLinearConcat', async () => {
    const narrow: Quantized = { ...y, data: y.data.slice(0, 40), dims: [2, 1, 4, 5] };
    const got = await run('QLinearConcat', type, [...out, x, narrow], { axis: 1 });
    expect(got.dims).toEqual([2, 4, 4, 5]);
    const [a, b] = [real(x), real(narrow)];
    expectClose(got.data, [...a.slice(0, 60), ...b.slice(0, 20), ...a.slice(60), ...b.slice(20)].map(byOut));
  });

  it('QLinearReduceMean and QLinearWhere', async () => {
    const a = real(x);
    const mean = await run('QLinearReduceMean', type, [x, ...out], { axes: [-1], keepdims: 0 });
    expect(mean.dims).toEqual([2, 3, 4]);
    expectClose(
      mean.data,
      Array.from({ length: 24 }, (_, i) => byOut(a.slice(5 * i, 5 * i + 5).reduce((s, v) => s + v, 0) / 5)),
    );
    const condition = Constant.of('bool', [4, 1], [1, 0, 0, 1]);
    const chosen = await run('QLinearWhere', type, [condition, x, y, ...out]);
    expectClose(
      chosen.data,
      a.map((v, i) => byOut([1, 0, 0, 1][Math.floor(i / 5) % 4] ? v : (real(y)[i] as number))),
    );
  });

  it.each([false, true])('QGemm, quantized result %s', async (quantized) => {
    const a: Quantized = { data: numbers(12, type, 3), dims: [4, 3], scale: 0.02, zero: mid };
    const weights = numbers(20, 'int8', 4);
    const scales = [0.01, 0.02, 0.03, 0.04, 0.05];
    const added = [100, -2000, 3000, 0, 7];
    const constants = [Constant.of('int8', [5, 4], weights), Constant.of('float32', [5], scales), Constant.of('int8', [5], [0, 0, 0, 0, 0])];
    const bias = Constant.of('int32', [5], added);
    const got = await run('QGemm', type, [a, ...constants, bias, ...(quantized ? out : [])], { transA: 1, transB: 1, alpha: 0.5 });
    expect([got.dims, got.type]).toEqual([[3, 5], quantized ? type : 'float32']);
    const x = real(a);
    const want = Array.from({ length: 15 }, (_, i) => {
      const [m, n] = [Math.floor(i / 5), i % 5];
      const sum = [0, 1, 2, 3].reduce((s, k) => s + (x[k * 3 + m] as number) * (weights[n * 4 + k] as number), 0);
      return 0.5 * (scales[n] as number) * (sum + (added[n] as number) * a.scale);
    });
    if (quantized) expectClose(got.data, want.map(byOut));
    else {
      for (const [i, v] of got.data.entries()) expect(v).toBeCloseTo(want[i] as number, 4);
    }
  });
});
