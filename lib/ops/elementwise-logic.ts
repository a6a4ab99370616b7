/** Comparisons, predicates, logic, selection; and the operators that pass their input on. */

import { dsnkError } from '../errors.js';
import type { Dim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import type { PointwiseOpName } from '../kernels/pointwise.js';
import { broadcastInputs, broadcastSteps, sameTypes } from './elementwise-binary.js';
import { type TypeClass, takes } from './elementwise-unary.js';
import { type ExpressionStep, emitExpression, input, lowerExpression, value } from './expression.js';
import { movableElements } from './known.js';
import { knownElementwise } from './known-elementwise.js';
import type { Inference, Operator } from './operator.js';

/** Two tensors to a truth value. */
function compare(
  name: string,
  op: PointwiseOpName,
  since: number,
  types: TypeClass,
  form: { swap?: boolean; known: (a: Dim, b: Dim) => boolean | undefined },
): Operator {
  const steps: ExpressionStep[] = [{ op, terms: form.swap ? [input(1), input(0)] : [input(0), input(1)] }];
  broadcastSteps.set(name, () => steps);
  return {
    name,
    domain: '',
    since,
    infer(q) {
      takes(q, 0, types);
      sameTypes(q);
      const shape = broadcastInputs(q, 2);
      const known = knownElementwise(q, shape, ([a, b]) => {
        const r = form.known(a as Dim, b as Dim);
        return r === undefined ? undefined : Number(r);
      });
      return [{ dtype: 'bool', shape, known }];
    },
    lower: (low) => lowerExpression(low, steps),
  };
}

const numbers = (f: (a: number, b: number) => boolean) => (a: Dim, b: Dim) => (typeof a === 'number' && typeof b === 'number' ? f(a, b) : undefined);

/** One tensor to a truth value. */
function predicate(
  name: string,
  since: number,
  types: TypeClass,
  steps: (node: Node) => ExpressionStep[],
  known?: (x: number, node: Node) => boolean,
): Operator {
  broadcastSteps.set(name, steps);
  return {
    name,
    domain: '',
    since,
    infer(q) {
      takes(q, 0, types);
      const shape = q.node.input(0).shape;
      const elements = known && knownElementwise(q, shape, ([x]) => (typeof x === 'number' ? Number(known(x, q.node)) : undefined));
      return [{ dtype: 'bool', shape, known: elements }];
    },
    lower: (low) => lowerExpression(low, steps(low.node)),
  };
}

const where: Operator = {
  name: 'Where',
  domain: '',
  since: 9,
  infer(q) {
    takes(q, 0, 'bool');
    takes(q, 1, 'any');
    const dtype = sameTypes(q, 1);
    const shape = broadcastInputs(q, 3);
    return [{ dtype, shape, known: knownElementwise(q, shape, ([c, x, y]) => (typeof c === 'number' ? (c !== 0 ? x : y) : undefined)) }];
  },
  lower: (low) => lowerExpression(low, [{ op: 'where', terms: [input(0), input(1), input(2)] }]),
};
broadcastSteps.set('Where', () => [{ op: 'where', terms: [input(0), input(1), input(2)] }]);

const identity: Operator = {
  name: 'Identity',
  domain: '',
  infer: (q) => [{ dtype: q.dtype(0), shape: q.node.input(0).shape, known: movableElements(q, 0) }],
  lower: (low) => low.alias(0, low.in(0)),
};

/** In inference y = x and every element is kept. */
const dropout: Operator = {
  name: 'Dropout',
  domain: '',
  infer(q: Inference) {
    // asked for as a shape would be: the session finds it out before it compiles
    if (q.has(2) && q.numbers(2)[0] !== 0) {
      throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', q.node.where, 'training_mode must be false: this is an inference engine', 'true came');
    }
    const shape = q.node.input(0).shape;
    return [
      { dtype: q.dtype(0), shape, known: movableElements(q, 0) },
      { dtype: 'bool', shape },
    ];
  },
  lower(low) {
    low.alias(0, low.in(0));
    if (!low.wanted(1)) return;
    const x = low.node.input(0);
    const mask = low.node.output(1);
    emitExpression(low, [{ op: 'logicalOr', terms: [input(0), value(1)] }], { ref: low.out(1), dtype: 'bool', dims: mask.dims }, [
      { ref: low.in(0), dtype: x.type, dims: x.dims },
    ]);
  },
};

export const logicOperators: readonly Operator[] = [
  compare('Equal', 'equal', 1, 'any', { known: (a, b) => (a === b ? true : numbers((x, y) => x === y)(a, b)) }),
  compare('Less', 'less', 1, 'number', { known: numbers((a, b) => a < b) }),
  compare('LessOrEqual', 'lessOrEqual', 12, 'number', { known: numbers((a, b) => a <= b) }),
  compare('Greater', 'less', 1, 'number', { swap: true, known: numbers((a, b) => a > b) }),
  compare('GreaterOrEqual', 'lessOrEqual', 12, 'number', { swap: true, known: numbers((a, b) => a >= b) }),
  compare('And', 'logicalAnd', 1, 'bool', { known: numbers((a, b) => a !== 0 && b !== 0) }),
  compare('Or', 'logicalOr', 1, 'bool', { known: numbers((a, b) => a !== 0 || b !== 0) }),
  compare('Xor', 'logicalXor', 1, 'bool', { known: numbers((a, b) => (a !== 0) !== (b !== 0)) }),
  predicate(
    'Not',
    1,
    'bool',
    () => [{ op: 'logicalNot', terms: [input(0)] }],
    (x) => x === 0,
  ),
  predicate('IsNaN', 9, 'float', () => [{ op: 'isNaN', terms: [input(0)] }]),
  predicate('IsInf', 10, 'float', (node) => [{ op: 'isInf', terms: [input(0), value(node.int('detect_negative', 1)), value(node.int('detect_positive', 1))] }]),
  where,
  identity,
  dropout,
];
