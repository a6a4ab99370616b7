/** All elementwise operators, by theme. */
import type { Node } from '../graph/graph.js';
import { castOperators } from './cast.js';
import { binaryOperators, broadcastSteps } from './elementwise-binary.js';
import { logicOperators } from './elementwise-logic.js';
import { contribGelus, unaryOperators, unarySteps } from './elementwise-unary.js';
import type { ExpressionStep } from './expression.js';
import type { Operator } from './operator.js';
import { pointwise, table } from './pointwise.js';

export const elementwiseOperators: readonly Operator[] = [
  ...unaryOperators,
  ...contribGelus,
  ...binaryOperators,
  ...logicOperators,
  ...castOperators,
  pointwise,
  table,
];

/** The program of an elementwise node over those of its inputs that are there; undefined for any other node. */
export function stepsOf(node: Node): readonly ExpressionStep[] | undefined {
  if (node.domain !== '') return undefined;
  return (unarySteps.get(node.op) ?? broadcastSteps.get(node.op))?.(node);
}
