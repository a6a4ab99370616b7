/**
 * Every builder function: the same numbers eagerly, through a built graph, through compile(fn), and after a round trip
 * through an ONNX file; and, where a line of arithmetic says what they are, the right ones.
 */
import { describe, expect, it } from 'vitest';
import type { Operand } from '../../lib/build/operand.js';
import { compile, exportModel, GraphBuilder, InferenceSession, ops, Tensor, type TensorLike } from '../../lib/index.js';
import { excess, randomFloats } from '../kernels/harness.js';

type Name = Exclude<keyof typeof ops, never>;
type Body = (...args: never[]) => unknown;

interface Case {
  readonly name: Name;
  readonly inputs: readonly Tensor[];
  /** Calls the function, on tensors or on operands alike. */
  readonly call: Body;
  readonly want?: readonly (number | bigint)[] | ((...inputs: (readonly number[])[]) => number[]);
  readonly dims?: readonly number[];
  readonly note?: string;
}

const f = (dims: number[], seed = 1, low = -2, high = 2) =>
  new Tensor(
    'float32',
    randomFloats(
      dims.reduce((a, b) => a * b, 1),
      seed,
      low,
      high,
    ),
    dims,
  );
const f32 = (values: number[], dims: number[] = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);
const i64 = (values: number[], dims: number[] = [values.length]) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const bool = (values: number[], dims: number[] = [values.length]) => new Tensor('bool', Uint8Array.from(values), dims);
const range = (...dims: number[]) =>
  f32(
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i),
    dims,
  );

const unary = (name: Name, one: (x: number) => number, low = -2, high = 2): Case => ({
  name,
  inputs: [f([2, 5], 3, low, high)],
  call: ops[name] as Body,
  want: (x) => (x as number[]).map(one),
  dims: [2, 5],
});
const binary = (name: Name, one: (a: number, b: number) => number, low = -2, high = 2): Case => ({
  name,
  inputs: [f([3, 4], 5, low, high), f([4], 6, low, high)],
  call: ops[name] as Body,
  want: (a, b) => (a as number[]).map((v, i) => one(v, (b as number[])[i % 4] as number)),
  dims: [3, 4],
});
const logical = (name: Name, one: (a: boolean, b: boolean) => boolean): Case => ({
  name,
  inputs: [bool([0, 0, 1, 1]), bool([0, 1, 0, 1])],
  call: ops[name] as Body,
  want: [one(false, false), one(false, true), one(true, false), one(true, true)].map(Number),
});
const reduction = (name: Name, fold: (values: number[]) => number): Case[] => [
  { name, note: 'all axes', inputs: [f([2, 3], 7, 0.5, 2)], call: ops[name] as Body, want: (x) => [fold(x as number[])], dims: [] },
  {
    name,
    note: 'one axis, kept',
    inputs: [f([2, 3], 7, 0.5, 2)],
    call: ((x: Operand) => (ops[name] as (x: Operand, o: object) => Operand)(x, { axes: [1], keepDimensions: true })) as Body,
    want: (x) => [fold((x as number[]).slice(0, 3)), fold((x as number[]).slice(3))],
    dims: [2, 1],
  },
];
const sum = (v: readonly number[]) => v.reduce((a, b) => a + b, 0);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
// Abramowitz and Stegun 7.1.26 is too coarse: the series converges fast on [-2, 2].
const erf = (x: number) => {
  let [term, total] = [x, x];
  for (let n = 1; n < 40; n++) total += (term *= (-x * x) / n) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * total;
};
const even = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
const call = <F extends Body>(fn: F) => fn as Body;
type X = Operand;

const cases: readonly Case[] = [
  unary('abs', Math.abs),
  unary('ceil', Math.ceil),
  unary('cos', Math.cos),
  unary('erf', erf),
  unary('exp', Math.exp),
  unary('floor', Math.floor),
  unary('hardSwish', (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))),
  unary('identity', (x) => x),
  { name: 'isNaN', inputs: [f32([1, Number.NaN, Number.POSITIVE_INFINITY])], call: ops.isNaN as Body, want: [0, 1, 0] },
  { name: 'isInfinite', inputs: [f32([1, Number.NaN, Number.NEGATIVE_INFINITY])], call: ops.isInfinite as Body, want: [0, 0, 1] },
  unary('log', Math.log, 0.1, 5),
  { name: 'logicalNot', inputs: [bool([0, 1])], call: ops.logicalNot as Body, want: [1, 0] },
  unary('neg', (x) => -x),
  unary('reciprocal', (x) => 1 / x, 0.5, 3),
  unary('relu', (x) => Math.max(x, 0)),
  { name: 'roundEven', inputs: [f32([0.5, 1.5, -2.5, 2.6])], call: ops.roundEven as Body, want: [0, 2, -2, 3].map(even) },
  unary('sigmoid', sigmoid),
  unary('sign', Math.sign),
  unary('sin', Math.sin),
  unary('softplus', (x) => Math.log1p(Math.exp(x))),
  unary('softsign', (x) => x / (1 + Math.abs(x))),
  unary('sqrt', Math.sqrt, 0, 4),
  unary('tan', Math.tan, -1, 1),
  unary('tanh', Math.tanh),
  binary('add', (a, b) => a + b),
  binary('sub', (a, b) => a - b),
  binary('mul', (a, b) => a * b),
  binary('div', (a, b) => a / b, 0.5, 2),
  binary('max', Math.max),
  binary('min', Math.min),
  binary('pow', (a, b) => a ** b, 0.5, 2),
  binary('prelu', (a, b) => (a < 0 ? a * b : a)),
  ...(['equal', 'notEqual', 'greater', 'greaterOrEqual', 'lesser', 'lesserOrEqual'] as const).map((name, i): Case => {
    const says =
      [(a: number, b: number) => a === b, (a: number, b: number) => a !== b, (a: number, b: number) => a > b][i] ??
      ((a, b) => [a >= b, a < b, a <= b][i - 3] as boolean);
    return {
      name,
      inputs: [i64([1, 2, 3]), i64([2, 2, 2])],
      call: ops[name] as Body,
      want: [1, 2, 3].map((a) => Number((says as (a: number, b: number) => boolean)(a, 2))),
    };
  }),
  logical('logicalAnd', (a, b) => a && b),
  logical('logicalOr', (a, b) => a || b),
  logical('logicalXor', (a, b) => a !== b),
  { name: 'where', inputs: [bool([1, 0, 1]), f32([1, 2, 3]), f32([4, 5, 6])], call: ops.where as Body, want: [1, 5, 3] },
  { name: 'where', note: 'a number', inputs: [bool([1, 0, 1]), f32([1, 2, 3])], call: call((c: X, a: X) => ops.where(c, a, 0.5)), want: [1, 0.5, 3] },
  { name: 'where', note: 'two numbers', inputs: [bool([1, 0])], call: call((c: X) => ops.where(c, 2, 0.5)), want: [2, 0.5] },
  { name: 'clamp', inputs: [f32([-3, 0.5, 9])], call: call((x: X) => ops.clamp(x, { minValue: -1, maxValue: 1 })), want: [-1, 0.5, 1] },
  { name: 'clamp', note: 'one bound', inputs: [f32([-3, 0.5, 9])], call: call((x: X) => ops.clamp(x, { minValue: 0 })), want: [0, 0.5, 9] },
  { name: 'elu', inputs: [f32([-1, 2])], call: call((x: X) => ops.elu(x, { alpha: 2 })), want: [2 * Math.expm1(-1), 2] },
  { name: 'leakyRelu', inputs: [f32([-1, 2])], call: call((x: X) => ops.leakyRelu(x, { alpha: 0.25 })), want: [-0.25, 2] },
  { name: 'hardSigmoid', inputs: [f32([-9, 1, 9])], call: ops.hardSigmoid as Body, want: [0, 0.7, 1] },
  unary('gelu', (x) => (x / 2) * (1 + erf(x / Math.SQRT2))),
  { name: 'gelu', note: 'tanh form', inputs: [f32([-1, 2])], call: call((x: X) => ops.gelu(x, { approximate: 'tanh' })), want: [-0.15880801, 1.9545977] },
  unary('silu', (x) => x * sigmoid(x)),
  { name: 'linear', inputs: [f32([-1, 2])], call: call((x: X) => ops.linear(x, { alpha: 3, beta: 0.5 })), want: [-2.5, 6.5] },
  { name: 'cast', inputs: [f32([-1.5, 2.9])], call: call((x: X) => ops.cast(x, 'int32')), want: [-1, 2] },
  { name: 'add', note: 'a number beside int64', inputs: [i64([1, 2])], call: call((x: X) => ops.add(x, 3)), want: [4n, 5n] },
  { name: 'sub', note: 'a number first', inputs: [f32([1, 2])], call: call((x: X) => ops.sub(1, x)), want: [0, -1] },

  {
    name: 'conv2d',
    inputs: [range(1, 1, 3, 3), f32([1, 0, 0, 2], [1, 1, 2, 2]), f32([10])],
    call: call((x: X, w: X, bias: X) => ops.conv2d(x, w, { bias })),
    want: [10 + 8, 10 + 11, 10 + 17, 10 + 20],
    dims: [1, 1, 2, 2],
  },
  {
    name: 'conv2d',
    note: 'strides, padding, groups',
    inputs: [f([2, 4, 7, 6], 2), f([6, 2, 3, 3], 3)],
    call: call((x: X, w: X) => ops.conv2d(x, w, { strides: [2, 1], padding: [1, 0, 2, 1], groups: 2, dilations: [1, 2] })),
    dims: [2, 6, 3, 5],
  },
  {
    name: 'convTranspose2d',
    inputs: [f32([1, 2], [1, 1, 1, 2]), f32([1, 10], [1, 1, 1, 2])],
    call: call((x: X, w: X) => ops.convTranspose2d(x, w, { strides: [1, 2] })),
    want: [1, 10, 2, 20],
    dims: [1, 1, 1, 4],
  },
  {
    name: 'averagePool2d',
    inputs: [range(1, 1, 2, 4)],
    call: call((x: X) => ops.averagePool2d(x, { windowDimensions: [2, 2], strides: [2, 2] })),
    want: [2.5, 4.5],
  },
  { name: 'averagePool2d', note: 'global', inputs: [range(1, 2, 2, 2)], call: ops.averagePool2d as Body, want: [1.5, 5.5], dims: [1, 2, 1, 1] },
  { name: 'maxPool2d', inputs: [range(1, 1, 2, 4)], call: call((x: X) => ops.maxPool2d(x, { windowDimensions: [2, 2], strides: [2, 2] })), want: [5, 7] },
  { name: 'l2Pool2d', inputs: [f32([3, 4], [1, 1, 1, 2])], call: call((x: X) => ops.l2Pool2d(x, { windowDimensions: [1, 2] })), want: [5] },
  { name: 'matmul', inputs: [range(2, 3), range(3, 2)], call: ops.matmul as Body, want: [10, 13, 28, 40], dims: [2, 2] },
  {
    name: 'gemm',
    inputs: [range(3, 2), range(2, 3), f32([1, 2])],
    call: call((a: X, b: X, c: X) => ops.gemm(a, b, { aTranspose: true, bTranspose: true, c, alpha: 0.5, beta: 2 })),
    want: [0.5 * 10 + 2, 0.5 * 28 + 4, 0.5 * 13 + 2, 0.5 * 40 + 4],
    dims: [2, 2],
  },
  { name: 'softmax', inputs: [f32([0, 0, 0, 1], [2, 2])], call: ops.softmax as Body, want: [0.5, 0.5, 1 / (1 + Math.E), Math.E / (1 + Math.E)] },
  {
    name: 'batchNormalization',
    inputs: [range(1, 2, 2), f32([1, 2]), f32([4, 9])],
    call: call((x: X, m: X, v: X) => ops.batchNormalization(x, m, v, { epsilon: 0 })),
    want: [-0.5, 0, 0, 1 / 3],
  },
  { name: 'layerNormalization', inputs: [f32([1, 3, 2, 2], [2, 2])], call: call((x: X) => ops.layerNormalization(x, { epsilon: 1e-12 })), want: [-1, 1, 0, 0] },
  {
    name: 'instanceNormalization',
    inputs: [f32([1, 3, 2, 6], [1, 2, 2])],
    call: call((x: X) => ops.instanceNormalization(x, { epsilon: 1e-12 })),
    want: [-1, 1, -1, 1],
  },
  {
    name: 'resample2d',
    inputs: [range(1, 1, 2, 2)],
    call: call((x: X) => ops.resample2d(x, { scales: [1, 2] })),
    want: [0, 0, 1, 1, 2, 2, 3, 3],
    dims: [1, 1, 2, 4],
  },
  {
    name: 'resample2d',
    note: 'linear sizes',
    inputs: [range(1, 1, 2, 2)],
    call: call((x: X) => ops.resample2d(x, { sizes: [2, 4], mode: 'linear' })),
    want: [0, 0.25, 0.75, 1, 2, 2.25, 2.75, 3],
  },

  {
    name: 'quantizeLinear',
    inputs: [f32([-1, 0, 1.3, 900]), f32([0.5], []), new Tensor('uint8', Uint8Array.of(10), [])],
    call: ops.quantizeLinear as Body,
    want: [8, 10, 13, 255],
  },
  {
    name: 'dequantizeLinear',
    note: 'scales along an axis',
    inputs: [new Tensor('int8', Int8Array.of(1, 2, 3, 4), [2, 2]), f32([0.5, 2]), new Tensor('int8', Int8Array.of(0, 1), [2])],
    call: ops.dequantizeLinear as Body,
    want: [0.5, 2, 1.5, 6],
  },
  {
    name: 'gru',
    inputs: [f([3, 2, 4], 1), f([1, 15, 4], 2, -0.5, 0.5), f([1, 15, 5], 3, -0.5, 0.5), f([1, 15], 4)],
    call: call((x: X, w: X, r: X, bias: X) => ops.gru(x, w, r, 3, 5, { bias, returnSequence: true })),
  },
  {
    name: 'lstm',
    note: 'one unit, one step',
    inputs: [f32([2], [1, 1, 1]), f32([0.1, 0.2, 0.3, 0.4], [1, 4, 1]), f32([0, 0, 0, 0], [1, 4, 1])],
    call: call((x: X, w: X, r: X) => ops.lstm(x, w, r, 1, 1)[0]),
    want: [sigmoid(0.4) * Math.tanh(sigmoid(0.2) * Math.tanh(0.8))],
    dims: [1, 1, 1],
  },
  {
    name: 'lstm',
    note: 'both directions, all options',
    inputs: [f([3, 2, 4], 1), f([2, 20, 4], 2, -0.5, 0.5), f([2, 20, 5], 3, -0.5, 0.5), f([2, 20], 4), f([2, 15], 5), f([2, 2, 5], 6)],
    call: call((x: X, w: X, r: X, recurrentBias: X, peepholeWeight: X, state: X) =>
      ops.lstm(x, w, r, 3, 5, {
        direction: 'both',
        recurrentBias,
        peepholeWeight,
        initialHiddenState: state,
        initialCellState: state,
        returnSequence: true,
        activations: ['sigmoid', 'relu', 'tanh'],
      }),
    ),
  },

  { name: 'reshape', inputs: [range(2, 3)], call: call((x: X) => ops.reshape(x, [3, -1])), want: [0, 1, 2, 3, 4, 5], dims: [3, 2] },
  { name: 'transpose', inputs: [range(2, 3)], call: ops.transpose as Body, want: [0, 3, 1, 4, 2, 5], dims: [3, 2] },
  {
    name: 'transpose',
    note: 'by a permutation',
    inputs: [range(1, 2, 3)],
    call: call((x: X) => ops.transpose(x, { permutation: [1, 0, 2] })),
    want: [0, 1, 2, 3, 4, 5],
    dims: [2, 1, 3],
  },
  { name: 'concat', inputs: [range(1, 2), range(2, 2)], call: call((a: X, b: X) => ops.concat([a, b], 0)), want: [0, 1, 0, 1, 2, 3], dims: [3, 2] },
  { name: 'split', inputs: [range(4)], call: call((x: X) => ops.split(x, 2)[1]), want: [2, 3] },
  { name: 'split', note: 'by sizes', inputs: [range(1, 4)], call: call((x: X) => ops.split(x, [1, 3], { axis: 1 })) },
  { name: 'slice', inputs: [range(3, 3)], call: call((x: X) => ops.slice(x, [1, 0], [2, 3], { strides: [1, 2] })), want: [3, 5, 6, 8], dims: [2, 2] },
  { name: 'reverse', inputs: [range(2, 3)], call: call((x: X) => ops.reverse(x, { axes: [1] })), want: [2, 1, 0, 5, 4, 3] },
  { name: 'reverse', note: 'all axes', inputs: [range(2, 3)], call: ops.reverse as Body, want: [5, 4, 3, 2, 1, 0] },
  { name: 'pad', inputs: [range(2)], call: call((x: X) => ops.pad(x, [1], [2], { value: 9 })), want: [9, 0, 1, 9, 9] },
  { name: 'pad', note: 'reflection', inputs: [range(3)], call: call((x: X) => ops.pad(x, [2], [0], { mode: 'reflection' })), want: [2, 1, 0, 1, 2] },
  { name: 'pad', note: 'edge', inputs: [range(3)], call: call((x: X) => ops.pad(x, [1], [1], { mode: 'edge' })), want: [0, 0, 1, 2, 2] },
  { name: 'expand', inputs: [range(2, 1)], call: call((x: X) => ops.expand(x, [2, 2])), want: [0, 0, 1, 1], dims: [2, 2] },
  { name: 'tile', inputs: [range(2)], call: call((x: X) => ops.tile(x, [2])), want: [0, 1, 0, 1] },
  { name: 'gather', inputs: [range(3, 2), i64([2, -3])], call: ops.gather as Body, want: [4, 5, 0, 1], dims: [2, 2] },
  {
    name: 'gatherElements',
    inputs: [range(2, 2), i64([1, 0, 0, 1], [2, 2])],
    call: call((x: X, i: X) => ops.gatherElements(x, i, { axis: 1 })),
    want: [1, 0, 2, 3],
  },
  { name: 'gatherND', inputs: [range(2, 2), i64([1, 0, 0, 1], [2, 2])], call: ops.gatherND as Body, want: [2, 1] },
  { name: 'scatterElements', inputs: [range(3), i64([2, 0]), f32([7, 8])], call: ops.scatterElements as Body, want: [8, 1, 7] },
  { name: 'scatterND', inputs: [range(2, 2), i64([1], [1, 1]), f32([7, 8], [1, 2])], call: ops.scatterND as Body, want: [0, 1, 7, 8] },
  { name: 'triangular', inputs: [range(2, 2)], call: ops.triangular as Body, want: [0, 1, 0, 3] },
  { name: 'triangular', note: 'lower', inputs: [range(2, 2)], call: call((x: X) => ops.triangular(x, { upper: false, diagonal: -1 })), want: [0, 0, 2, 0] },
  ...reduction('reduceL1', (v) => sum(v.map(Math.abs))),
  ...reduction('reduceL2', (v) => Math.sqrt(sum(v.map((x) => x * x)))),
  ...reduction('reduceLogSum', (v) => Math.log(sum(v))),
  ...reduction('reduceLogSumExp', (v) => Math.log(sum(v.map(Math.exp)))),
  ...reduction('reduceMax', (v) => Math.max(...v)),
  ...reduction('reduceMean', (v) => sum(v) / v.length),
  ...reduction('reduceMin', (v) => Math.min(...v)),
  ...reduction('reduceProduct', (v) => v.reduce((a, b) => a * b, 1)),
  ...reduction('reduceSum', sum),
  ...reduction('reduceSumSquare', (v) => sum(v.map((x) => x * x))),
  { name: 'reduceSum', note: 'no axes', inputs: [range(2)], call: call((x: X) => ops.reduceSum(x, { axes: [] })), want: [0, 1] },
  { name: 'argMax', inputs: [f32([1, 5, 5, 2, 9, 0], [2, 3])], call: call((x: X) => ops.argMax(x, 1)), want: [1n, 1n], dims: [2] },
  { name: 'argMin', inputs: [f32([1, 5, 5, 2, 9, 0], [2, 3])], call: call((x: X) => ops.argMin(x, 1, { keepDimensions: true })), want: [0n, 2n], dims: [2, 1] },
  { name: 'cumulativeSum', inputs: [range(4)], call: call((x: X) => ops.cumulativeSum(x, 0, { exclusive: true, reversed: true })), want: [6, 5, 3, 0] },
];

const list = (result: unknown): Tensor[] => (Array.isArray(result) ? result : [result]) as Tensor[];
/** Fused and single kernels may differ in the last bits: one rounding of each of a few steps. */
function expectSame(got: readonly Tensor[], want: readonly Tensor[]): void {
  expect(got.map((t) => [t.type, t.dims])).toEqual(want.map((t) => [t.type, t.dims]));
  got.forEach((t, i) => {
    const other = want[i] as Tensor;
    if (t.type === 'float32') expect(excess(t.data as Float32Array, other.data as Float32Array, 1e-6, 1e-6)).toBeLessThanOrEqual(0);
    else expect(t.data).toEqual(other.data);
  });
}

describe('every function', () => {
  it('has a case', () => {
    const covered = new Set(cases.map((c) => c.name));
    expect(Object.keys(ops).filter((name) => !covered.has(name as Name))).toEqual([]);
  });

  it.each(cases.map((c) => [`${c.name}${c.note ? `, ${c.note}` : ''}`, c] as const))('%s', async (_, { inputs, call, want, dims }) => {
    const body = call as (...args: unknown[]) => unknown;
    const eager = list(body(...inputs));
    if (want !== undefined) {
      const first = eager[0] as Tensor;
      const expected = typeof want === 'function' ? want(...inputs.map((t) => Array.from(t.data as Float32Array, Number))) : want;
      if (first.type === 'float32') expect(excess(first.data as Float32Array, expected as number[], 2e-6, 2e-6)).toBeLessThanOrEqual(0);
      else expect([...(first.data as Uint8Array)]).toEqual(expected);
    }
    if (dims !== undefined) expect(eager[0]?.dims).toEqual(dims);

    const builder = new GraphBuilder('case');
    const operands = inputs.map((t, i) => builder.input(`x${i}`, { dataType: t.type as 'float32', shape: t.dims }));
    const results = list(body(...operands)) as unknown as Operand[];
    // The shapes known while building are those of the result.
    expect(results.map((r) => [r.dataType, r.shape])).toEqual(eager.map((t) => [t.type, t.dims]));
    const graph = builder.build(Object.fromEntries(results.map((r, i) => [`y${i}`, r])));
    const feeds = Object.fromEntries(inputs.map((t, i) => [`x${i}`, t]));
    const bytes = exportModel(graph);
    for (const make of [() => InferenceSession.fromGraph(graph), () => InferenceSession.create(bytes)]) {
      await using session = await make();
      expectSame(Object.values(await session.run(feeds)), eager);
    }

    const compiled = compile(body as (...args: Operand[]) => Operand | Operand[]);
    expectSame(list(await compiled(...(inputs as readonly TensorLike[]))), eager);
    expectSame(list(compiled.sync(...(inputs as readonly TensorLike[]))), eager);
    compiled.dispose();
  });

  it('is a method of the builder', () => {
    for (const name of Object.keys(ops)) expect(typeof (GraphBuilder.prototype as unknown as Record<string, unknown>)[name]).toBe('function');
  });
});

describe('wrong arguments', () => {
  const x = f([2, 2]);
  it.each<[string, () => unknown, RegExp]>([
    ['a type that is none', () => ops.cast(x, 'float' as never), /cast: dataType must be an ONNX element type, "float" came/],
    ['tensors that are no list', () => ops.concat(x as never, x as never), /concat: inputs must be a list of operands or tensors, object came/],
    ['a shape that is missing', () => ops.reshape(x, undefined as never), /reshape: argument 2 must be given, undefined came/],
    ['sizes that are no integers', () => ops.expand(x, [1.5, 2]), /axes, shapes and sizes: must be lists of integers, 1\.5,2 came/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_DSNK_INVALID_ARGUMENT', message: expect.stringMatching(message) }));
  });
});
