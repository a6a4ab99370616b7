/** Running sums and products: CumSum, CumProd. */
import { scanKind, scanParams } from '../kernels/scan.js';
import { orUnknown } from './known.js';
import type { Operator } from './operator.js';
import { aroundAxis } from './softmax.js';

function scanOperator(name: string, since: number, kind: (typeof scanKind.members)[number]): Operator {
  return {
    name,
    domain: '',
    since,
    infer(q) {
      const shape = orUnknown(q, () => q.shape(0));
      // The axis decides no shape, but it is compiled in: a concrete compile asks for it here.
      const axis = orUnknown(q, () => q.numbers(1));
      if (axis !== undefined && axis.length !== 1) q.fail('axis must be one number', q.inputTexts());
      if (axis !== undefined && shape !== undefined) q.axis(axis[0] as number, shape.length);
      return [{ dtype: q.dtype(0), shape }];
    },
    lower(low) {
      low.emit(
        low.select('scan', low.dtype(0)),
        scanParams,
        {
          kind: scanKind.value(kind),
          exclusive: low.node.int('exclusive', 0) === 0 ? 0 : 1,
          reverse: low.node.int('reverse', 0) === 0 ? 0 : 1,
          spare: 0,
          ...aroundAxis(low.dims(0), low.numbers(1)[0] as number),
        },
        [low.out()],
        [low.in(0)],
      );
    },
  };
}

export const scanOperators: readonly Operator[] = [scanOperator('CumSum', 11, 'sum'), scanOperator('CumProd', 26, 'product')];
