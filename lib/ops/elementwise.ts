/** All elementwise operators, by theme. */
import { castOperators } from './cast.js';
import { binaryOperators } from './elementwise-binary.js';
import { logicOperators } from './elementwise-logic.js';
import { unaryOperators } from './elementwise-unary.js';
import type { Operator } from './operator.js';

export const elementwiseOperators: readonly Operator[] = [...unaryOperators, ...binaryOperators, ...logicOperators, ...castOperators];
