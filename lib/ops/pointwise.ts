/**
 * `dsnk.Pointwise`: a fused tree of elementwise operators over float32 and truth values. Attribute `steps` is its
 * program (expression.ts), `dtype` the type of the result: float32 by default, bool or bytes; `exact` has the scalar row
 * compute it, on every machine.
 *
 * `dsnk.Table`: a function of bytes as its 256 results.
 */
import { isDType } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import { byteTableParams } from '../kernels/table.js';
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
    lowerExpression(low, (steps as readonly string[]).map(parseStep), 'f32', low.node.int('exact', 0) !== 0);
  },
};

export const table: Operator = {
  name: 'Table',
  domain: 'dsnk',
  infer(q) {
    for (const i of [0, 1]) if (q.dtype(i) !== 'uint8' && q.dtype(i) !== 'int8') q.failDtype('elements must be bytes');
    if (q.shape(1).join() !== '256') q.fail('table must hold 256 bytes', q.inputTexts());
    return [{ dtype: q.dtype(1), shape: q.shape(0) }];
  },
  lower(low) {
    low.emit(low.select('byte_table', 'any'), byteTableParams, { count: elementCount(low.outDims()) }, [low.out()], [low.in(0), low.in(1)]);
  },
};
