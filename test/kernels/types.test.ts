import { describe, expect, it } from 'vitest';
import type { TypedArray } from '../../lib/dtype.js';
import { normRowsParams } from '../../lib/kernels/norm.js';
import type { Fields, ParamSchema, ParamsOf } from '../../lib/kernels/params.js';
import { type PointwiseOpName, pointwiseOp, pointwiseParams } from '../../lib/kernels/pointwise.js';
import { poolIndicesParams } from '../../lib/kernels/pool.js';
import { resizeParams } from '../../lib/kernels/resize.js';
import { scanParams } from '../../lib/kernels/scan.js';
import { argReduceParams, topkParams } from '../../lib/kernels/select.js';
import { softmaxParams } from '../../lib/kernels/softmax.js';
import { callKernel, mulberry32, rowNamed, rowsOf } from './harness.js';

/** Rows for element types whose suites call the scalar row alone: each against that row. */
const arrays = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, i64: BigInt64Array, i32: Int32Array, u8: Uint8Array, i8: Int8Array } as const;
type Type = keyof typeof arrays;

/** Small whole numbers with ties; of halves those from 1 to 2. */
function values(type: Type, n: number, seed = 3): TypedArray {
  const next = mulberry32(seed);
  const one = type === 'f16' ? 0x3c00 : 0x3f80;
  const step = type === 'f16' ? 0x40 : 0x08;
  const low = type === 'u8' ? 0 : -9;
  const list = Array.from({ length: n }, () => Math.floor(20 * next()));
  if (type === 'i64') return BigInt64Array.from(list, (v) => BigInt(v + low));
  return new arrays[type](list.map((v) => (type === 'f16' || type === 'bf16' ? one + (v % 16) * step : v + low)));
}

/** How far two results lie apart, in units of the last place where they are halves. */
function apart(a: TypedArray, b: TypedArray): number {
  return Math.max(...Array.from(a as ArrayLike<number | bigint>, (v, i) => Math.abs(Number(v) - Number(b[i]))));
}

function agree<F extends Fields>(
  op: string,
  type: Type,
  schema: ParamSchema<F>,
  params: ParamsOf<ParamSchema<F>>,
  outputs: () => (TypedArray | undefined)[],
  inputs: (TypedArray | undefined)[],
  options: { tail?: readonly number[]; row?: string; within?: number } = {},
): void {
  const want = outputs();
  const scalar = rowNamed(options.row ?? `${op}_${type}_scalar`);
  const call = (row: typeof scalar, to: typeof want) => callKernel(row, schema, params, to, inputs, options.tail ? { tail: options.tail } : {});
  call(scalar, want);
  for (const row of rowsOf(op, type)) {
    const got = outputs();
    call(row, got);
    got.forEach((y, i) => {
      if (y !== undefined) expect(apart(y, want[i] as TypedArray), `${row.name} output ${i}`).toBeLessThanOrEqual(options.within ?? 0);
    });
  }
}

describe.each(['i32', 'i64', 'u8'] as const)('integers %s', (type) => {
  const operations: PointwiseOpName[] = [
    ...(['copy', 'abs', 'neg', 'sign', 'relu', 'logicalNot', 'bitwiseNot', 'add', 'sub', 'mul', 'div', 'pow', 'mod', 'fmod', 'min', 'max', 'equal'] as const),
    ...(['less', 'lessOrEqual', 'logicalAnd', 'logicalOr', 'logicalXor', 'bitwiseAnd', 'bitwiseOr', 'bitwiseXor', 'shiftLeft', 'shiftRight'] as const),
    ...(['clip', 'where'] as const),
  ];
  const dims = [2, 3, 5, 1, 1, 1, 1, 1];
  const steps = { dims, rank: 3, inputs: 3, immediates: 0, steps: 2, registers: 1 };
  // x op (y repeated along the last dimension) op (one row), then the same once more with the immediate result
  const tail = (op: PointwiseOpName) => {
    const code = pointwiseOp.value(op);
    const input = (i: number) => (2 << 24) | i;
    return [7, 4, 3, code, input(0), input(1), input(2), pointwiseOp.value('copy'), 1 << 24, 0, 0];
  };
  const nonZero = (x: TypedArray) => (x as Int32Array).map((v) => (Number(v) === 0 ? (type === 'i64' ? (1n as never) : 1) : v));
  it.each(operations)('%s', (op) => {
    const inputs = [values(type, 30), nonZero(values(type, 5, 4)), nonZero(values(type, 6, 5))];
    agree('pointwise', type, pointwiseParams, { ...steps, outputType: 0 }, () => [new arrays[type](30)], inputs, { tail: tail(op) });
    agree('pointwiseTo', type, pointwiseParams, { ...steps, outputType: 1 }, () => [new Uint8Array(30)], inputs, {
      tail: tail(op),
      row: `pointwise_to_${type}_scalar`,
    });
  });
});

it.each(['f16', 'bf16', 'i32', 'i64', 'u8', 'i8'] as const)('selections of %s', (type) => {
  for (const inner of [1, 3]) {
    const x = values(type, 2 * 70 * inner);
    for (const smallest of [0, 1]) {
      agree('arg_reduce', type, argReduceParams, { smallest, last: smallest, outer: 2, n: 70, inner }, () => [new BigInt64Array(2 * inner)], [x]);
      const k = 9;
      const outputs = () => [new arrays[type](2 * k * inner), new BigInt64Array(2 * k * inner)];
      agree('topk', type, topkParams, { smallest, spare: 0, outer: 2, n: 70, inner, k }, outputs, [x]);
    }
  }
});

it.each(['i32', 'i64'] as const)('running sums of %s', (type) => {
  for (const inner of [1, 3])
    for (const reverse of [0, 1])
      agree('scan', type, scanParams, { kind: 0, exclusive: reverse, reverse, spare: 0, outer: 2, n: 11, inner }, () => [new arrays[type](22 * inner)], [
        values(type, 22 * inner),
      ]);
});

// The scalar row rounds a result in double; a GPU's float32 is 2^-22 away at most, which moves a half by one place.
it.each(['f16', 'bf16'] as const)('softmax and norms of %s', (type) => {
  for (const inner of [1, 3])
    for (const kind of [0, 1, 2]) {
      const params = { kind, spare: 0, outer: 2, n: 70, inner };
      agree('softmax', type, softmaxParams, params, () => [new arrays[type](140 * inner)], [values(type, 140 * inner)], { within: 1 });
    }
  for (const kind of [0, 1]) {
    const params = { kind, epsilon: 1e-5, rows: 3, n: 40, segment: 2, period: 3, skipRows: 1 } as ParamsOf<typeof normRowsParams>;
    const inputs = [values(type, 120), values(type, 40, 4), values(type, 40, 5), values(type, 60, 6), values(type, 60, 7)];
    agree('norm_rows', type, normRowsParams, params, () => [new arrays[type](120), undefined, undefined, new arrays[type](120)], inputs, { within: 1 });
  }
});

it.each(['f16', 'u8', 'i8'] as const)('resizing of %s', (type) => {
  const params = { outer: 2, inH: 3, outH: 5, inW: 4, outW: 6, inner: 2, tapsH: 2, tapsW: 2, extrapolate: 1, value: 7 };
  const start = (n: number, last: number) => Int32Array.from({ length: n }, (_, i) => (i === 1 ? -1 : i % (last + 1)));
  const weights = (n: number) => Float32Array.from({ length: 2 * n }, (_, i) => (i < n ? 0.25 : 0.75));
  const inputs = [values(type, 48), start(5, 1), weights(5), start(6, 2), weights(6)];
  agree('resize', type, resizeParams, params, () => [new arrays[type](120)], inputs);
});

it.each(['u8', 'i8'] as const)('indices of the largest %s', (type) => {
  const three = (a: number, b: number, c: number) => [a, b, c];
  const params = {
    ...{ batch: 2, channels: 3, columnMajor: 0, inSize: three(1, 6, 5), outSize: three(1, 3, 3), kernel: three(1, 3, 2) },
    ...{ strides: three(1, 2, 2), padsBegin: three(0, 1, 1), dilations: three(1, 1, 1) },
  };
  agree('pool_indices', type, poolIndicesParams, params, () => [new arrays[type](54), new BigInt64Array(54)], [values(type, 180)]);
});
