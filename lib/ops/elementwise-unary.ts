/** Elementwise operators of one tensor: mathematics, rounding, activations. */
import { dtypes, roundHalfEven } from '../dtype.js';
import { dsnkError } from '../errors.js';
import type { Dim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import type { PointwiseOpName } from '../kernels/pointwise.js';
import { type ExpressionStep, input, lowerExpression, step, type Term, value } from './expression.js';
import { asElement, knownElementwise } from './known-elementwise.js';
import type { Inference, Operator } from './operator.js';

/** Which element types an operator takes. */
export type TypeClass = 'float' | 'signed' | 'number' | 'integer' | 'bool' | 'any';

export function takes(q: Inference, i: number, types: TypeClass): void {
  const dtype = q.dtype(i);
  const { kind, bits } = dtypes[dtype];
  if (kind === 'string') throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', q.node.where, 'elements must not be strings', dtype);
  const narrow = bits < 8 || (kind === 'float' && bits < 16) || bits > 64 || kind === 'complex';
  const fits =
    !narrow &&
    (types === 'any' ||
      (types === 'bool'
        ? kind === 'bool'
        : types === 'float'
          ? kind === 'float'
          : types === 'integer'
            ? kind === 'int' || kind === 'uint'
            : types === 'signed'
              ? kind === 'float' || kind === 'int'
              : kind !== 'bool'));
  if (!fits) q.failDtype(`input ${i} must be of a ${types === 'any' ? 'plain' : types} type`, dtype);
}

interface Unary {
  readonly since?: number;
  readonly types?: TypeClass;
  readonly known?: (x: number) => number;
  readonly symbol?: (x: Dim) => Dim | undefined;
  /** The program; by default the one operation. */
  readonly steps?: (node: Node) => readonly ExpressionStep[];
}

/** The program of a unary node, for lowering and for fusion. */
export const unarySteps = new Map<string, (node: Node) => readonly ExpressionStep[]>();

function unary(name: string, op: PointwiseOpName, form: Unary = {}): Operator {
  const steps = form.steps ?? (() => [{ op, terms: [input(0)] }]);
  unarySteps.set(name, steps);
  return {
    name,
    domain: '',
    ...(form.since !== undefined && { since: form.since }),
    infer(q) {
      takes(q, 0, form.types ?? 'float');
      const dtype = q.dtype(0);
      const shape = q.node.input(0).shape;
      const { known } = form;
      const elements =
        known &&
        knownElementwise(q, shape, ([x]) => {
          if (typeof x !== 'number') return form.symbol?.(x as Dim);
          return asElement(known(x), dtype);
        });
      return [{ dtype, shape, known: elements }];
    },
    lower: (low) => lowerExpression(low, steps(low.node)),
  };
}

/** One operation over the input and numbers from attributes. */
const withNumbers =
  (op: PointwiseOpName, ...numbers: readonly (readonly [attr: string, fallback: number])[]) =>
  (node: Node): ExpressionStep[] => [{ op, terms: [input(0), ...numbers.map(([attr, fallback]) => value(node.float(attr, fallback)))] }];

export const unaryOperators: readonly Operator[] = [
  unary('Abs', 'abs', { types: 'number', known: Math.abs, symbol: (x) => x }),
  unary('Neg', 'neg', { types: 'signed', known: (x) => (x === 0 ? 0 : -x) }),
  unary('Sign', 'sign', { since: 9, types: 'number', known: Math.sign }),
  unary('Floor', 'floor', { known: Math.floor }),
  unary('Ceil', 'ceil', { known: Math.ceil }),
  unary('Round', 'round', { since: 11, known: roundHalfEven }),
  unary('Reciprocal', 'reciprocal', { known: (x) => 1 / x }),
  unary('Sqrt', 'sqrt', { known: Math.sqrt }),
  unary('Exp', 'exp'),
  unary('Log', 'log'),
  unary('Sin', 'sin', { since: 7 }),
  unary('Cos', 'cos', { since: 7 }),
  unary('Tan', 'tan', { since: 7 }),
  unary('Asin', 'asin', { since: 7 }),
  unary('Acos', 'acos', { since: 7 }),
  unary('Atan', 'atan', { since: 7 }),
  unary('Sinh', 'sinh', { since: 9 }),
  unary('Cosh', 'cosh', { since: 9 }),
  unary('Tanh', 'tanh'),
  unary('Asinh', 'asinh', { since: 9 }),
  unary('Acosh', 'acosh', { since: 9 }),
  unary('Atanh', 'atanh', { since: 9 }),
  unary('Erf', 'erf', { since: 9 }),
  unary('Sigmoid', 'sigmoid'),
  unary('Relu', 'relu', { types: 'signed', known: (x) => Math.max(x, 0) }),
  unary('Softplus', 'softplus'),
  unary('Softsign', 'softsign'),
  unary('HardSwish', 'hardSwish', { since: 14 }),
  unary('Mish', 'mish', { since: 18 }),
  unary('LeakyRelu', 'leakyRelu', { steps: withNumbers('leakyRelu', ['alpha', 0.01]) }),
  unary('Elu', 'elu', { steps: withNumbers('elu', ['alpha', 1]) }),
  unary('Celu', 'celu', { since: 12, steps: withNumbers('celu', ['alpha', 1]) }),
  unary('Selu', 'selu', { steps: withNumbers('selu', ['alpha', 1.6732631921768188], ['gamma', 1.0507010221481323]) }),
  unary('ThresholdedRelu', 'thresholdedRelu', { steps: withNumbers('thresholdedRelu', ['alpha', 1]) }),
  unary('Swish', 'swish', { since: 24, steps: withNumbers('swish', ['alpha', 1]) }),
  unary('HardSigmoid', 'hardSigmoid', { steps: withNumbers('hardSigmoid', ['alpha', 0.2], ['beta', 0.5]) }),
  unary('Shrink', 'shrink', {
    since: 9,
    types: 'number',
    steps: (node) => {
      const lambd = node.float('lambd', 0.5);
      const bias = node.float('bias', 0);
      if (dtypes[node.input(0).type].kind === 'float') return [{ op: 'shrink', terms: [input(0), value(lambd), value(bias)] }];
      // integers compare with whole numbers: x > 1.5 is x > 1, x < -1.5 is x < -1
      const bound = value(Math.floor(lambd));
      const below = value(-Math.floor(lambd));
      return [
        { op: 'less', terms: [bound, input(0)] },
        { op: 'sub', terms: [input(0), value(Math.trunc(bias))] },
        { op: 'where', terms: [{ step: 0 }, { step: 1 }, value(0)] },
        { op: 'less', terms: [input(0), below] },
        { op: 'add', terms: [input(0), value(Math.trunc(bias))] },
        { op: 'where', terms: [{ step: 3 }, { step: 4 }, { step: 2 }] },
      ];
    },
  }),
  unary('Gelu', 'gelu', {
    since: 20,
    steps: (node) => [{ op: node.string('approximate', 'none') === 'tanh' ? 'geluTanh' : 'gelu', terms: [input(0)] }],
  }),
  unary('BitwiseNot', 'bitwiseNot', { since: 18, types: 'integer' }),
];

/** onnxruntime's spellings: a bias along the last dimension may come first. */
function contribGelu(name: string, steps: (node: Node, x: Term) => ExpressionStep): Operator {
  const program = (node: Node): ExpressionStep[] =>
    node.inputs[1] === undefined ? [steps(node, input(0))] : [{ op: 'add', terms: [input(0), input(1)] }, steps(node, step(0))];
  return {
    name,
    domain: 'com.microsoft',
    infer(q) {
      takes(q, 0, 'float');
      if (q.has(1) && q.dtype(1) !== q.dtype(0)) q.failDtype('inputs must have one element type');
      return [{ dtype: q.dtype(0), shape: q.node.input(0).shape }];
    },
    lower: (low) => lowerExpression(low, program(low.node)),
  };
}

export const contribGelus: readonly Operator[] = [
  contribGelu('Gelu', (_, x) => ({ op: 'gelu', terms: [x] })),
  contribGelu('BiasGelu', (_, x) => ({ op: 'gelu', terms: [x] })),
  contribGelu('FastGelu', (_, x) => ({ op: 'geluTanh', terms: [x] })),
  contribGelu('QuickGelu', (node, x) => ({ op: 'swish', terms: [x, value(node.float('alpha', 1.702))] })),
];
