/** Operators that make or mask a tensor by position. */
import { type DType, dtypeFromOnnx } from '../dtype.js';
import { type Dim, elementCount, isConcrete } from '../graph/dim.js';
import { Constant, type Node } from '../graph/graph.js';
import { eyeParams, oneHotParams, oneHotType, reverseSequenceParams, triluParams } from '../kernels/fill.js';
import { scatterTypeOf } from '../kernels/scatter.js';
import { orUnknown, refuseParts } from './known.js';
import type { Operator } from './operator.js';
import { elementBytesOf } from './strided.js';

/** 16 bytes that repeat one element, as words. */
export function patternOf(element: Constant): number[] {
  const bytes = element.read();
  const pattern = Uint8Array.from({ length: 16 }, (_, i) => bytes[i % bytes.length] as number);
  const view = new DataView(pattern.buffer);
  return [0, 4, 8, 12].map((at) => view.getInt32(at, true));
}

/** A diagonal that is the same for every tensor that fits into memory. */
const clampDiagonal = (k: number) => Math.min(Math.max(k, -(2 ** 52)), 2 ** 52);

const trilu: Operator = {
  name: 'Trilu',
  domain: '',
  since: 14,
  infer(q) {
    const dtype = refuseParts(q, 0);
    const shape = orUnknown(q, () => {
      if (q.has(1)) q.numbers(1);
      if (q.rank(0) < 2) q.fail('input must have 2 dimensions or more', q.inputTexts());
      return q.shape(0);
    });
    return [{ dtype, shape: shape ?? q.node.input(0).shape }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes === 0) return;
    const dims = low.dims(0);
    const params = {
      elementBytes: elementBytesOf(low.node.output()),
      upper: low.node.int('upper', 1) === 0 ? 0 : 1,
      batch: elementCount(dims.slice(0, -2)),
      rows: dims[dims.length - 2] as number,
      columns: dims[dims.length - 1] as number,
      diagonal: clampDiagonal(low.has(1) ? (low.numbers(1)[0] ?? 0) : 0),
    };
    low.emit(low.select('trilu', 'any'), triluParams, params, [y], [low.in(0)]);
  },
};

/** Element type of an EyeLike: its attribute, else that of the input. */
const eyeType = (node: Node): DType => (node.has('dtype') ? dtypeFromOnnx(node.int('dtype'), node.where) : node.input(0).type);

/** The number 1 in the types that Constant.of does not convert. */
const oneBits: Partial<Record<DType, number>> = { float16: 0x3c00, bfloat16: 0x3f80 };

const eyeLike: Operator = {
  name: 'EyeLike',
  domain: '',
  since: 9,
  infer(q) {
    const dtype = eyeType(q.node);
    if (scatterTypeOf[dtype] === undefined && oneBits[dtype] === undefined) q.failDtype('dtype must be a number type of 8 to 64 bits', dtype);
    const shape = orUnknown(q, () => q.shape(0));
    if (shape !== undefined && shape.length !== 2) q.fail('input must have 2 dimensions', q.inputTexts());
    return [{ dtype, shape }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes === 0) return;
    const [rows, columns] = low.outDims() as readonly [number, number];
    const { type } = low.node.output();
    const params = {
      elementBytes: elementBytesOf(low.node.output()),
      reserved: 0,
      rows,
      columns,
      diagonal: clampDiagonal(low.node.int('k', 0)),
      pattern: patternOf(Constant.of(type, [1], [oneBits[type] ?? 1])),
    };
    low.emit(low.select('eye', 'any'), eyeParams, params, [y], []);
  },
};

const oneHot: Operator = {
  name: 'OneHot',
  domain: '',
  since: 9,
  infer(q) {
    const dtype = refuseParts(q, 2);
    if (scatterTypeOf[q.dtype(0)] === undefined) q.failDtype('indices must be numbers of 8 to 64 bits', q.dtype(0));
    const shape = orUnknown(q, () => {
      const indices = q.shape(0);
      const depth = q.dims(1)[0];
      if (depth === undefined) return q.fail('depth must be a number', q.inputTexts());
      if (typeof depth === 'number' && (depth < 0 || !Number.isInteger(depth))) q.fail('depth must be a non-negative integer', `${depth} came`);
      const axis = q.axis(q.node.int('axis', -1), indices.length + 1);
      return [...indices.slice(0, axis), depth, ...indices.slice(axis)] as Dim[];
    });
    const values = orUnknown(q, () => q.shape(2));
    if (values !== undefined && isConcrete(values) && elementCount(values) !== 2) q.fail('values must hold two elements', q.inputTexts());
    return [{ dtype, shape }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes === 0) return;
    const dims = low.outDims();
    const axis = low.node.int('axis', -1);
    const d = axis < 0 ? axis + dims.length : axis;
    const params = {
      elementBytes: elementBytesOf(low.node.output()),
      type: oneHotType.value(scatterTypeOf[low.node.input(0).type] ?? 'i64'),
      outer: elementCount(dims.slice(0, d)),
      depth: dims[d] as number,
      inner: elementCount(dims.slice(d + 1)),
    };
    low.emit(low.select('one_hot', 'any'), oneHotParams, params, [y], [low.in(0), low.in(2)]);
  },
};

const reverseSequence: Operator = {
  name: 'ReverseSequence',
  domain: '',
  since: 10,
  infer(q) {
    const dtype = refuseParts(q, 0);
    if (q.dtype(1) !== 'int64') q.failDtype('sequence_lens must be int64', q.dtype(1));
    const [batch, time] = [q.node.int('batch_axis', 1), q.node.int('time_axis', 0)];
    if (batch + time !== 1 || batch * time !== 0) q.fail('batch_axis and time_axis must be 0 and 1', `${batch} and ${time} came`);
    const shape = orUnknown(q, () => q.shape(0));
    const lengths = orUnknown(q, () => q.shape(1));
    if (shape !== undefined && shape.length < 2) q.fail('input must have 2 dimensions or more', q.inputTexts());
    if (shape !== undefined && lengths !== undefined) {
      const [have, want] = [lengths[0], shape[batch]];
      if (lengths.length !== 1 || (typeof have === 'number' && typeof want === 'number' && have !== want)) {
        q.fail('sequence_lens must hold one length per batch', q.inputTexts());
      }
    }
    return [{ dtype, shape }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes === 0) return;
    const dims = low.dims(0);
    const batchAxis = low.node.int('batch_axis', 1);
    const params = {
      time: dims[1 - batchAxis] as number,
      batch: dims[batchAxis] as number,
      blockBytes: elementCount(dims.slice(2)) * elementBytesOf(low.node.output()),
      batchMajor: batchAxis === 0 ? 1 : 0,
      reserved: 0,
    };
    low.emit(low.select('reverse_sequence', 'any'), reverseSequenceParams, params, [y], [low.in(0), low.in(1)]);
  },
};

export const fillOperators: readonly Operator[] = [trilu, eyeLike, oneHot, reverseSequence];
