import { describe, expect, it } from 'vitest';
import { cases, count, type PointwiseCase, pointwiseCase } from '../../bench/cases/pointwise.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { type PointwiseOpName, pointwiseOp, pointwiseParams, pointwiseType } from '../../lib/kernels/pointwise.js';
import { type ExpressionStep, encodeInputs, input, type Term, value } from '../../lib/ops/expression.js';
import { alikeFlushed, callKernel, excess, mulberry32, operandsOf, rowNamed, rowsOf } from './harness.js';
import { definitions } from './pointwise-definitions.js';

/** Element k of an input broadcast to `dims`, by the definition of ONNX broadcasting. */
function broadcastIndex(k: number, dims: readonly number[], shape: readonly number[]): number {
  let index = 0;
  let stride = 1;
  let rest = k;
  for (let d = dims.length - 1; d >= 0; d--) {
    const c = rest % (dims[d] as number);
    rest = Math.floor(rest / (dims[d] as number));
    const size = shape[shape.length - dims.length + d] ?? 1;
    if (size !== 1) index += c * stride;
    stride *= size;
  }
  return index;
}

/** The program in float64, element by element. */
function reference(
  steps: readonly ExpressionStep[],
  dims: readonly number[],
  shapes: readonly (readonly number[])[],
  inputs: readonly ArrayLike<number>[],
): Float64Array {
  return Float64Array.from({ length: count(dims) }, (_, k) => {
    const x = inputs.map((a, i) => a[broadcastIndex(k, dims, shapes[i] as number[])] as number);
    const results: number[] = [];
    const term = (t: Term) => ('input' in t ? x[t.input] : 'step' in t ? results[t.step] : t.value) as number;
    for (const s of steps) results.push(definitions[s.op](...(s.terms.map(term) as [number, number, number])));
    return results[results.length - 1] as number;
  });
}

function run(row: ReturnType<typeof rowNamed>, c: PointwiseCase, threads = 1): Float32Array {
  const y = c.outputs() as [Float32Array];
  callKernel(row, pointwiseParams, c.params as never, y, c.inputs(), { tail: c.tail ?? [], threads });
  return y[0];
}

const rows = rowsOf('pointwise', 'f32');

describe.each(rows)('$name', (row) => {
  // Values stay below 8 and each of at most four steps adds two roundings: 8·2^-24 relative to 8.
  it.each(cases.filter((c) => !c.bench))('$name', (c) => {
    const want = reference(c.steps, c.dims, c.shapes, c.inputs() as Float32Array[]);
    for (const threads of [1, 2, 3]) expect(excess(run(row, c, threads), want, 4e-6, 0)).toBeLessThanOrEqual(0);
  });

  it('gives the same bits for any number of threads', () => {
    const c = pointwiseCase('big', [{ op: 'tanh', terms: [input(0)] }], [3, 100_003], [[3, 100_003]]);
    const once = run(row, c, 1);
    for (const threads of [2, 3]) expect(Buffer.compare(Buffer.from(once.buffer), Buffer.from(run(row, c, threads).buffer))).toBe(0);
  });

  const special = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, Infinity, -Infinity, NaN, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, 7, -7, 100, -100];
  const floatOps = pointwiseOp.members.filter((op) => !/^(bitwise|shift)/.test(op));
  it.each(floatOps)('%s on special values and random ones', (op: PointwiseOpName) => {
    const arity = definitions[op].length;
    const next = mulberry32(5);
    const a: number[] = [];
    const b: number[] = [];
    const c: number[] = [];
    for (const x of special) {
      for (const y of special) {
        a.push(x);
        b.push(y);
        c.push(special[(a.length * 7) % special.length] as number);
      }
    }
    for (let i = 0; i < 2000; i++) {
      a.push((next() - 0.5) * 10);
      b.push((next() - 0.5) * 6);
      c.push((next() - 0.5) * 6);
    }
    const inputs = [a, b, c].slice(0, arity).map((v) => Float32Array.from(v));
    const dims = [a.length];
    const steps: ExpressionStep[] = [{ op, terms: inputs.map((_, i) => input(i)) }];
    const { params, tail } = encodeInputs(
      steps,
      dims,
      0,
      inputs.map(() => ({ shape: dims, type: 0 })),
    );
    const y = new Float32Array(a.length);
    callKernel(row, pointwiseParams, params, [y], inputs, { tail });
    const errorFor = (x: readonly [number, number, number], got: number): number => {
      const exact = definitions[op](...x);
      const rounded = Math.fround(exact);
      if (Object.is(got, rounded) || got === rounded || (Number.isNaN(got) && Number.isNaN(rounded))) return 0;
      if (alikeFlushed(row, got, exact)) return 0;
      // One ulp is the spacing at the larger of result, arguments (products and sums of them are intermediate results)
      // and 1e-38; an infinite or NaN mismatch is a failure.
      const size = Math.max(
        Math.abs(exact),
        ...(op === 'mulAdd' || op === 'shrink' || op === 'hardSigmoid' ? [Math.abs(x[0] * x[1]), Math.abs(x[2])] : cancels.has(op) ? [Math.abs(x[0]), 1] : []),
      );
      // the exponential turns the rounding of a/b into a relative error
      const growth = op === 'celu' ? 1 + Math.abs(x[0] / x[1]) : 1;
      const ulps = Math.abs(got - exact) / growth / Math.max(2 ** (Math.floor(Math.log2(size)) - 23), 2 ** -149);
      return Number.isFinite(got) === Number.isFinite(rounded) && !Number.isNaN(ulps) ? ulps : Infinity;
    };
    let worst = 0;
    let at = 0;
    for (let i = 0; i < a.length; i++) {
      const x = inputs.map((v) => v[i] as number);
      const choices = op === 'celu' ? [...operandsOf(row, x), ...(quotientVanishes(row, x) ? [[0, x[1] as number]] : [])] : operandsOf(row, x);
      const error = Math.min(...choices.map((operands) => errorFor(operands as [number, number, number], y[i] as number)));
      if (error > worst) [worst, at] = [error, i];
    }
    expect(worst, `at ${inputs.map((v) => v[at])}: ${y[at]}`).toBeLessThanOrEqual(ulpBound[op] ?? 1);
  });
});

/** The quotient of celu is the one intermediate result here that is denormal where neither operands nor result are. */
const quotientVanishes = (row: KernelRow, [x, alpha]: readonly number[]) => operandsOf(row, [Math.fround((x as number) / (alpha as number))]).length > 1;
/** Sums in them cancel: their error is relative to the argument. */
const cancels = new Set<PointwiseOpName>(['gelu', 'geluTanh', 'celu', 'mish', 'swish', 'hardSwish']);
/** The bounds of simd/math.inl, and what the compositions add to them. */
const ulpBound: Partial<Record<PointwiseOpName, number>> = {
  expm1: 2,
  tanh: 3,
  sigmoid: 3,
  softplus: 2,
  sin: 2,
  cos: 2,
  tan: 4,
  asin: 3,
  acos: 2,
  atan: 2,
  sinh: 2,
  cosh: 2,
  asinh: 2,
  acosh: 2,
  atanh: 2,
  softsign: 2,
  gelu: 4,
  geluTanh: 4,
  mish: 6,
  hardSwish: 4,
  pow: 2,
  elu: 3,
  celu: 4,
  swish: 6,
  selu: 4,
  hardSigmoid: 3,
  mulAdd: 2,
  mod: 1,
} as Partial<Record<PointwiseOpName, number>>;

/** Copies between stored types. */
const convert = (
  row: ReturnType<typeof rowNamed>,
  from: number,
  to: number,
  x: Float32Array | Uint16Array | Uint8Array | Int8Array,
  y: Float32Array | Uint16Array | Uint8Array | Int8Array,
) => {
  const dims = [x.length];
  const { params, tail } = encodeInputs([{ op: 'copy', terms: [input(0)] }], dims, to, [{ shape: dims, type: from }]);
  callKernel(row, pointwiseParams, params, [y], [x], { tail });
  return y;
};

describe('narrow types', () => {
  const pattern = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const widen = rowNamed('pointwise_f32_scalar');
  it.each(rowsOf('pointwise', 'f32'))('$name widens as the scalar row does', (row) => {
    for (const type of [2, 3]) {
      const want = convert(widen, type, 0, pattern, new Float32Array(65536));
      const got = convert(row, type, 0, pattern, new Float32Array(65536));
      expect(Buffer.compare(Buffer.from(got.buffer), Buffer.from(want.buffer))).toBe(0);
    }
    expect([...convert(row, 1, 0, Uint8Array.from([0, 1, 2, 255, 0, 1]), new Float32Array(6))]).toEqual([0, 1, 1, 1, 0, 1]);
  });
  it('widens halves by their definition', () => {
    const got = convert(widen, 2, 0, pattern, new Float32Array(65536));
    for (let i = 0; i < 65536; i++) {
      const [e, m] = [(i >> 10) & 31, i & 1023];
      const magnitude = e === 31 ? (m ? NaN : Infinity) : e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15);
      expect(Object.is(got[i], i & 0x8000 ? -magnitude : magnitude)).toBe(true);
    }
  });
  it.each(rowsOf('pointwiseTo', 'f32'))('$name narrows back to the same bits, and rounds to even', (row) => {
    for (const type of [2, 3]) {
      const wide = convert(widen, type, 0, pattern, new Float32Array(65536)) as Float32Array;
      const back = convert(row, 0, type, wide, new Uint16Array(65536)) as Uint16Array;
      for (let i = 0; i < 65536; i++) if (!Number.isNaN(wide[i])) expect(back[i]).toBe(i);
      // halfway between neighbours, and just beside it
      const finite = wide.slice(0, type === 2 ? 0x7bff : 0x7f7f);
      const between = Float32Array.from(finite, (v, i) => (v + (wide[i + 1] as number)) / 2);
      const halves = convert(row, 0, type, between, new Uint16Array(between.length));
      const scalar = convert(rowNamed('pointwise_to_f32_scalar'), 0, type, between, new Uint16Array(between.length));
      expect(Buffer.compare(Buffer.from(halves.buffer), Buffer.from(scalar.buffer))).toBe(0);
      for (let i = 1; i < between.length; i++) expect((scalar[i] as number) % 2).toBe(0);
    }
    expect([...convert(row, 0, 1, Float32Array.from([0, -0, NaN, 1, 1e-45]), new Uint8Array(5))]).toEqual([0, 0, 1, 1, 1]);
  });
});

describe('quantized bytes', () => {
  const types = [
    { name: 'byte', array: Uint8Array, low: 0 },
    { name: 'signedByte', array: Int8Array, low: -128 },
  ] as const;
  it.each(rowsOf('pointwise', 'f32'))('$name reads them exactly', (row) => {
    for (const { name, array, low } of types) {
      const all = new array(256 + 13).map((_, i) => low + (i % 256));
      const got = convert(row, pointwiseType.value(name), 0, all, new Float32Array(all.length));
      expect([...got]).toEqual([...all]);
    }
  });
  it.each(rowsOf('pointwiseTo', 'f32'))('$name writes whole numbers, saturated, NaN at the low end', (row) => {
    for (const { name, array, low } of types) {
      const whole = Float32Array.from({ length: 1029 }, (_, i) => i - 515);
      const got = convert(row, 0, pointwiseType.value(name), whole, new array(whole.length));
      expect([...got]).toEqual(Array.from(whole, (v) => Math.min(low + 255, Math.max(low, v))));
      const ends = Float32Array.of(Number.NaN, Infinity, -Infinity, 3e38, -3e38, 2 ** 31, -(2 ** 31), -0);
      const high = low + 255;
      expect([...convert(row, 0, pointwiseType.value(name), ends, new array(8))]).toEqual([low, high, low, high, low, high, low, 0]);
    }
  });
});

describe('integer rows', () => {
  const call = (dtype: string, op: PointwiseOpName, inputs: (BigInt64Array | Int32Array | Int8Array | Uint8Array)[]) => {
    const dims = [inputs[0]?.length ?? 0];
    const { params, tail } = encodeInputs(
      [{ op, terms: inputs.map((_, i) => input(i)) }],
      dims,
      0,
      inputs.map((x) => ({ shape: [x.length], type: 0 })),
    );
    const y = inputs[0]?.slice() as Int32Array;
    callKernel(rowNamed(`pointwise_${dtype}_scalar`), pointwiseParams, params, [y], inputs, { tail });
    return [...y];
  };
  const [low, high] = [-(2 ** 31), 2 ** 31 - 1];
  it('wrap, and survive the least value over -1', () => {
    expect(call('i32', 'add', [Int32Array.of(high), Int32Array.of(1)])).toEqual([low]);
    expect(call('i32', 'mul', [Int32Array.of(low), Int32Array.of(-1)])).toEqual([low]);
    expect(call('i32', 'div', [Int32Array.of(low, 7, -7), Int32Array.of(-1, 2, 2)])).toEqual([low, 3, -3]);
    expect(call('i32', 'neg', [Int32Array.of(low)])).toEqual([low]);
    expect(call('i32', 'abs', [Int32Array.of(low)])).toEqual([low]);
    expect(call('i8', 'mul', [Int8Array.of(-128), Int8Array.of(-128)])).toEqual([0]);
    expect(call('i64', 'div', [BigInt64Array.of(-(2n ** 63n)), BigInt64Array.of(-1n)])).toEqual([-(2n ** 63n)]);
  });
  it('take remainders with either sign', () => {
    const [a, b] = [Int32Array.of(7, -7, 7, -7, low), Int32Array.of(3, 3, -3, -3, -1)];
    expect(call('i32', 'mod', [a, b])).toEqual([1, 2, -2, -1, 0]);
    expect(call('i32', 'fmod', [a, b])).toEqual([1, -1, 1, -1, 0]);
  });
  it('report a division by zero', () => {
    for (const op of ['div', 'mod', 'fmod'] as const) {
      expect(() => call('i32', op, [Int32Array.of(1, 2), Int32Array.of(1, 0)])).toThrow(/zero/);
    }
  });
  it('shift by any amount', () => {
    expect(call('u8', 'shiftLeft', [Uint8Array.of(1, 3, 1), Uint8Array.of(1, 7, 200)])).toEqual([2, 128, 0]);
    expect(call('u8', 'shiftRight', [Uint8Array.of(255, 128, 9), Uint8Array.of(1, 7, 8)])).toEqual([127, 1, 0]);
  });
  it('raise to powers', () => {
    expect(call('i32', 'pow', [Int32Array.of(3, -2, 2, 1, -1), Int32Array.of(4, 3, -1, -9, -3)])).toEqual([81, -8, 0, 1, -1]);
  });
});

describe('pointwise refuses', () => {
  const row = rowNamed('pointwise_f32_scalar');
  const x = new Float32Array(8);
  const good = () => encodeInputs([{ op: 'mul', terms: [input(0), value(2)] }], [8], 0, [{ shape: [8], type: 0 }]);
  const call = (change: (e: { params: Record<string, unknown>; tail: number[] }) => void, y = new Float32Array(8)) => {
    const e = good();
    change(e);
    callKernel(row, pointwiseParams, e.params as never, [y], [x], { tail: e.tail });
  };
  it('what would leave its operands', () => {
    call(() => {});
    expect(() => call(() => {}, new Float32Array(7))).toThrow(/output must hold/);
    expect(() => call((e) => (e.params['dims'] = [9]))).toThrow(/output must hold/);
    expect(() => call((e) => (e.params['dims'] = [-1]))).toThrow(/output must hold/);
    expect(() => call((e) => (e.params['rank'] = 0))).toThrow(/rank/);
    expect(() => call((e) => (e.params['rank'] = 9))).toThrow(/rank/);
    expect(() => call((e) => (e.params['inputs'] = 2))).toThrow(/tail/);
    expect(() => call((e) => (e.params['outputType'] = 1))).toThrow(/row's own type/);
    expect(() => call((e) => (e.tail[0] = 3))).toThrow(/mask/);
    expect(() => call((e) => (e.tail[0] = 1 + 7 * 256))).toThrow(/input type/);
    expect(() => call((e) => (e.tail[2] = 9999))).toThrow(/operation/);
    expect(() => call((e) => (e.tail[2] = pointwiseOp.value('shiftLeft')))).toThrow(/operation/);
    expect(() => call((e) => (e.tail[3] = 2 * 2 ** 24 + 1))).toThrow(/inputs that exist/);
    expect(() => call((e) => (e.tail[3] = 1 * 2 ** 24))).toThrow(/registers written/);
    expect(() => call((e) => (e.tail[4] = 3 * 2 ** 24 + 1))).toThrow(/immediates that exist/);
    expect(() => call((e) => (e.tail[4] = 9 * 2 ** 24))).toThrow(/operand must be/);
  });
});
