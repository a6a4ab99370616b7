/** Elementwise operators of several tensors with broadcasting: arithmetic, clipping, powers. */

import type { Lowering } from '../compile/lowering.js';
import { byteSize, type DType, dtypes, isInteger } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { addDim, broadcastShapes, type Dim, elementCount, floorDivDim, mulDim, type Shape, subDim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { POINTWISE_LIMITS, type PointwiseOpName } from '../kernels/pointwise.js';
import { emitCast } from './cast.js';
import { type TypeClass, takes } from './elementwise-unary.js';
import { type ExpressionOperand, type ExpressionStep, emitExpression, input, lowerExpression, step, type Term, value } from './expression.js';
import { movableElements } from './known.js';
import { arithmetic, knownElementwise } from './known-elementwise.js';
import type { Inference, Operator } from './operator.js';

/** The broadcast shape of all inputs that are there; with a count, exactly so many must be. */
export function broadcastInputs(q: Inference, count?: number): Shape | undefined {
  if (count !== undefined && (q.inputCount !== count || !q.node.inputs.every((v) => v !== undefined))) {
    throw dsnkError('ERR_DSNK_INVALID_MODEL', q.node.where, `the operator takes ${count} inputs`, q.inputTexts());
  }
  let shape: Shape | undefined = [];
  for (let i = 0; i < q.inputCount; i++) {
    if (!q.has(i)) continue;
    const next: Shape | undefined = q.node.input(i).shape;
    if (next === undefined) return undefined;
    shape = broadcastShapes(shape, next);
    if (shape === undefined) q.fail('input shapes must broadcast', q.inputTexts());
  }
  return shape;
}

export function sameTypes(q: Inference, from = 0): DType {
  for (let i = from + 1; i < q.inputCount; i++) {
    if (q.has(i) && q.dtype(i) !== q.dtype(from)) q.failDtype('inputs must have one element type');
  }
  return q.dtype(from);
}

/** The program of a node over its inputs in order, for lowering and for fusion. */
export const broadcastSteps = new Map<string, (node: Node) => readonly ExpressionStep[]>();

interface Binary {
  readonly since?: number;
  readonly types?: TypeClass;
  readonly known?: (a: number, b: number) => number;
  readonly symbolic?: (a: Dim, b: Dim) => Dim | undefined;
  readonly steps?: (node: Node) => readonly ExpressionStep[];
}

function binary(name: string, op: PointwiseOpName, form: Binary): Operator {
  const steps = form.steps ?? (() => [{ op, terms: [input(0), input(1)] }]);
  broadcastSteps.set(name, steps);
  return {
    name,
    domain: '',
    ...(form.since !== undefined && { since: form.since }),
    infer(q) {
      takes(q, 0, form.types ?? 'number');
      const dtype = sameTypes(q);
      const shape = broadcastInputs(q, 2);
      const known = form.known && knownElementwise(q, shape, arithmetic(dtype, form.known, form.symbolic));
      return [{ dtype, shape, known }];
    },
    lower: (low) => lowerExpression(low, steps(low.node)),
  };
}

/** Sum, Min, Max, Mean of any number of inputs. */
function variadic(name: string, op: PointwiseOpName, types: TypeClass, known: (a: number, b: number) => number, form: { mean?: boolean } = {}): Operator {
  const steps = (count: number, last: boolean, whole: number): ExpressionStep[] => {
    const out: ExpressionStep[] = [];
    for (let i = 1; i < count; i++) out.push({ op, terms: [i === 1 ? input(0) : step(i - 2), input(i)] });
    if (form.mean && last) out.push({ op: 'div', terms: [out.length > 0 ? step(out.length - 1) : input(0), value(whole)] });
    if (out.length === 0) out.push({ op: 'copy', terms: [input(0)] });
    return out;
  };
  broadcastSteps.set(name, (node) => steps(node.inputs.length, true, node.inputs.length));
  return {
    name,
    domain: '',
    infer(q) {
      takes(q, 0, types);
      const dtype = sameTypes(q);
      const shape = broadcastInputs(q);
      return [{ dtype, shape, known: form.mean ? undefined : knownElementwise(q, shape, arithmetic(dtype, known)) }];
    },
    lower(low: Lowering) {
      const out = low.node.output();
      const result: ExpressionOperand = { ref: low.out(), dtype: out.type, dims: out.dims };
      let rest = low.node.inputs.map((v, i): ExpressionOperand => ({ ref: low.in(i), dtype: low.node.input(i).type, dims: v?.dims ?? [] }));
      const { inputs } = POINTWISE_LIMITS;
      while (rest.length > inputs) {
        const part: ExpressionOperand = { ...result, ref: low.temp(byteSize(out.type, elementCount(out.dims)), 'partial') };
        emitExpression(low, steps(inputs, false, 0), part, rest.slice(0, inputs));
        rest = [part, ...rest.slice(inputs)];
      }
      emitExpression(low, steps(rest.length, true, low.node.inputs.length), result, rest);
    },
  };
}

const minNan = (a: number, b: number) => Math.min(a, b);
const maxNan = (a: number, b: number) => Math.max(a, b);

const clipSteps = (node: Node): ExpressionStep[] => {
  const terms: Term[] = [input(0)];
  let next = 1;
  terms.push(node.inputs[1] === undefined ? value(-Infinity) : input(next++));
  terms.push(node.inputs[2] === undefined ? value(Infinity) : input(next));
  return [{ op: 'clip', terms }];
};

/** Bounds left out are infinite; the inputs that are there stand in order. */
const clip: Operator = {
  name: 'Clip',
  domain: '',
  infer(q) {
    takes(q, 0, 'number');
    const dtype = q.dtype(0);
    for (const i of [1, 2]) {
      if (!q.has(i)) continue;
      if (q.dtype(i) !== dtype) q.failDtype('bounds must have the input’s element type');
      const shape = q.node.input(i).shape;
      if (shape?.some((d) => d !== 1)) q.fail('bounds must be scalars', q.inputTexts());
    }
    const shape = q.node.input(0).shape;
    const low = q.has(1) ? q.known(1)?.[0] : -Infinity;
    const high = q.has(2) ? q.known(2)?.[0] : Infinity;
    const x = movableElements(q, 0);
    const known =
      typeof low === 'number' && typeof high === 'number' && x?.every((d) => typeof d === 'number')
        ? (x as readonly number[]).map((d) => Math.min(Math.max(d, low), high))
        : undefined;
    return [{ dtype, shape, known }];
  },
  lower(low) {
    const { node } = low;
    const out = node.output();
    const operands = node.inputs.flatMap((v, i) => (v === undefined ? [] : [{ ref: low.in(i), dtype: v.type, dims: i === 0 ? v.dims : [] }]));
    emitExpression(low, clipSteps(node), { ref: low.out(), dtype: out.type, dims: out.dims }, operands);
  },
};
broadcastSteps.set('Clip', clipSteps);

/** Base and exponent may differ in type; the result has the base's. */
const pow: Operator = {
  name: 'Pow',
  domain: '',
  infer(q) {
    takes(q, 0, 'number');
    takes(q, 1, 'number');
    const dtype = q.dtype(0);
    const shape = broadcastInputs(q, 2);
    return [
      {
        dtype,
        shape,
        known: knownElementwise(
          q,
          shape,
          arithmetic(dtype, (a, b) => (dtypes[dtype].kind === 'float' ? a ** b : Math.trunc(a ** b))),
        ),
      },
    ];
  },
  lower(low) {
    const [base, exponent] = [low.node.input(0), low.node.input(1)];
    const out = low.node.output();
    const operand = (i: number): ExpressionOperand => ({ ref: low.in(i), dtype: low.node.input(i).type, dims: low.dims(i) });
    const steps: ExpressionStep[] = [{ op: 'pow', terms: [input(0), input(1)] }];
    const result: ExpressionOperand = { ref: low.out(), dtype: out.type, dims: out.dims };
    if (base.type === exponent.type) return emitExpression(low, steps, result, [operand(0), operand(1)]);
    // An integer to a real power is computed in float64 and truncated; otherwise the exponent takes the base's type.
    const wide: DType = isInteger(base.type) && !isInteger(exponent.type) ? 'float64' : base.type;
    const converted = (i: number): ExpressionOperand => {
      const o = operand(i);
      if (o.dtype === wide) return o;
      const ref = low.temp(byteSize(wide, elementCount(o.dims)), 'widened');
      const [made] = emitCast(low, o.ref, o.dtype, ref, wide, elementCount(o.dims));
      return { ref: made ?? ref, dtype: wide, dims: o.dims };
    };
    if (wide === base.type) return emitExpression(low, steps, result, [converted(0), converted(1)]);
    const real: ExpressionOperand = { ref: low.temp(byteSize(wide, elementCount(out.dims)), 'power'), dtype: wide, dims: out.dims };
    emitExpression(low, steps, real, [converted(0), converted(1)]);
    emitCast(low, real.ref, wide, result.ref, out.type, elementCount(out.dims));
  },
};
broadcastSteps.set('Pow', () => [{ op: 'pow', terms: [input(0), input(1)] }]);

export const binaryOperators: readonly Operator[] = [
  binary('Add', 'add', { known: (a, b) => a + b, symbolic: addDim }),
  binary('Sub', 'sub', { known: (a, b) => a - b, symbolic: subDim }),
  binary('Mul', 'mul', { known: (a, b) => a * b, symbolic: mulDim }),
  {
    ...binary('Div', 'div', {}),
    infer(q) {
      takes(q, 0, 'number');
      const dtype = sameTypes(q);
      const shape = broadcastInputs(q, 2);
      const integer = isInteger(dtype);
      const divide = (a: number, b: number) => (integer ? (b === 0 ? Number.NaN : Math.trunc(a / b) + 0) : a / b);
      return [{ dtype, shape, known: knownElementwise(q, shape, arithmetic(dtype, divide, floorDivDim)) }];
    },
  },
  binary('Mod', 'mod', {
    since: 10,
    known: (a, b) => (a >= 0 && b > 0 ? a % b : Number.NaN), // both remainders agree there
    steps: (node) => [{ op: node.int('fmod', 0) === 1 ? 'fmod' : 'mod', terms: [input(0), input(1)] }],
  }),
  binary('PRelu', 'leakyRelu', {
    types: 'signed',
    steps: (node) =>
      isInteger(node.input(0).type)
        ? [
            { op: 'less', terms: [input(0), value(0)] },
            { op: 'mul', terms: [input(0), input(1)] },
            { op: 'where', terms: [step(0), step(1), input(0)] },
          ]
        : [{ op: 'leakyRelu', terms: [input(0), input(1)] }],
  }),
  binary('BitwiseAnd', 'bitwiseAnd', { since: 18, types: 'integer' }),
  binary('BitwiseOr', 'bitwiseOr', { since: 18, types: 'integer' }),
  binary('BitwiseXor', 'bitwiseXor', { since: 18, types: 'integer' }),
  binary('BitShift', 'shiftLeft', {
    since: 11,
    types: 'integer',
    steps: (node) => [{ op: node.string('direction') === 'RIGHT' ? 'shiftRight' : 'shiftLeft', terms: [input(0), input(1)] }],
  }),
  variadic('Sum', 'add', 'float', (a, b) => a + b),
  variadic('Mean', 'add', 'float', (a, b) => a + b, { mean: true }),
  variadic('Min', 'min', 'number', minNan),
  variadic('Max', 'max', 'number', maxNan),
  clip,
  pow,
];
