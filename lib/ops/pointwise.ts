/**
 * `dsnk.Pointwise`: a fused tree of elementwise operators over float32 and truth values. Attribute `steps` is its
 * program (expression.ts), `dtype` the type of the result: float32 by default, or bool.
 */
import { isDType } from '../dtype.js';
import { broadcastInputs } from './elementwise-binary.js';
import { lowerExpression, parseStep } from './expression.js';
import type { Operator } from './operator.js';

export const pointwise: Operator = {
  name: 'Pointwise',
  domain: 'dsnk',
  infer(q) {
    const dtype = q.node.string('dtype', 'float32');
    if (isDType(dtype)) return [{ dtype, shape: broadcastInputs(q) }];
    return q.failDtype('attribute dtype must name an element type', dtype);
  },
  lower(low) {
    const steps = low.node.attrs.get('steps');
    if (!Array.isArray(steps)) throw new Error(`${low.node.where}: attribute steps is missing`);
    lowerExpression(low, (steps as readonly string[]).map(parseStep), 'f32');
  },
};
