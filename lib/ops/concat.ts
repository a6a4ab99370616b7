/** Concat: one call for inputs that stand side by side; those that are made in place (compile/placement.ts) need none. */
import { addDim, type Dim, elementCount } from '../graph/dim.js';
import { concatParams, concatTail } from '../kernels/concat.js';
import { movableElements, orUnknown, sameDtypes } from './known.js';
import type { Inference, Operator } from './operator.js';
import { elementBytesOf } from './strided.js';

const concat: Operator = {
  name: 'Concat',
  domain: '',
  infer(q) {
    const dtype = sameDtypes(q, 0, q.inputCount - 1);
    const type = orUnknown(q, () => {
      const shapes = q.node.inputs.map((_, i) => q.shape(i));
      const first = shapes[0] ?? q.fail('there must be an input');
      const axis = q.axis(q.node.int('axis'), first.length);
      const shape = shapes.slice(1).reduce<Dim[]>(
        (sum, s) => {
          if (s.length !== sum.length) q.fail('inputs must have one rank', q.inputTexts());
          return sum.map((n, d) => {
            const m = s[d] as Dim;
            if (d === axis) return addDim(n, m);
            if (typeof n === 'number' && typeof m === 'number' && n !== m) q.fail(`inputs must agree but for axis ${axis}`, q.inputTexts());
            return typeof n === 'number' ? n : m;
          });
        },
        [...first],
      );
      return { dtype, shape, known: axis === 0 ? joined(q) : undefined };
    });
    return [type ?? { dtype, shape: undefined }];
  },
  lower(low) {
    const dims = low.outDims();
    const axis = low.node.int('axis');
    const d = axis < 0 ? axis + dims.length : axis;
    const outer = elementCount(dims.slice(0, d));
    const elementBytes = elementBytesOf(low.node.output());
    const rowBytes = (i: number) => elementCount(low.dims(i).slice(d)) * elementBytes;
    const parts = low.node.inputs.map((_, i) => i).filter((i) => outer * rowBytes(i) > 0);
    if (parts.length === 0) low.out();
    else if (parts.length === 1 && !low.isPlaced(parts[0] as number)) low.alias(0, low.in(parts[0] as number));
    else {
      const stride = elementCount(dims.slice(d)) * elementBytes;
      const y = low.out();
      let end = 0;
      let run: number[] = [];
      const copyRun = () => {
        const rows = run.map(rowBytes);
        const bytes = rows.reduce((a, b) => a + b, 0);
        const to = { buffer: y.buffer, offset: y.offset + end - bytes, bytes: (outer - 1) * stride + bytes };
        const inputs = run.map((i) => low.in(i));
        const reason = run.length < parts.length ? 'the other inputs are made in place' : undefined;
        const options = { tail: concatTail(rows), ...(reason === undefined ? {} : { reason }) };
        if (run.length > 0)
          low.emit(low.select('concat', 'any'), concatParams, { outer, rowBytes: bytes, stride }, [bytes === stride ? y : to], inputs, options);
        run = [];
      };
      // runs of inputs that are to be copied, between those that are made in place
      for (const i of parts) {
        if (low.isPlaced(i)) copyRun();
        else run.push(i);
        end += rowBytes(i);
      }
      copyRun();
    }
  },
};

/** Elements of the inputs one after the other, where all are known. */
function joined(q: Inference): Dim[] | undefined {
  const out: Dim[] = [];
  for (let i = 0; i < q.inputCount; i++) {
    const elements = movableElements(q, i);
    if (elements === undefined) return undefined;
    out.push(...elements);
  }
  return out;
}

export const concatOperators: readonly Operator[] = [concat];
