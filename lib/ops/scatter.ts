/** Operators that write where an index tensor says. */
import { type Dim, elementCount } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import {
  scatterElementsParams,
  scatterNdParams,
  scatterReduction,
  scatterType,
  scatterTypeOf,
  spreadRowsParams,
  tensorScatterParams,
} from '../kernels/scatter.js';
import { checkInside, indexBytesOf, indexInput, joinDims } from './gather.js';
import { orUnknown, refuseParts } from './known.js';
import type { Inference, Operator } from './operator.js';
import { elementBytesOf } from './strided.js';

const reductionOf = (node: Node) => node.string('reduction', 'none') as (typeof scatterReduction.members)[number];

function checkTypes(q: Inference): void {
  const dtype = refuseParts(q, 0);
  indexInput(q, 1);
  if (q.dtype(2) !== dtype) q.failDtype('updates must have the type of the input');
  const reduction = reductionOf(q.node);
  if (!scatterReduction.members.includes(reduction)) q.fail(`reduction must be one of ${scatterReduction.members.join(', ')}`, `${reduction} came`);
  if (reduction !== 'none' && scatterTypeOf[dtype] === undefined) q.failDtype(`reduction ${reduction} must have numbers of 8 to 64 bits to reduce`, dtype);
}

const reductionParams = (node: Node) => ({
  reduction: scatterReduction.value(reductionOf(node)),
  type: scatterType.value(scatterTypeOf[node.input(0).type] ?? 'u8'),
});

const scatterElements: Operator = {
  name: 'ScatterElements',
  domain: '',
  since: 11,
  infer(q) {
    checkTypes(q);
    const shape = orUnknown(q, () => q.shape(0));
    const [indices, updates] = [orUnknown(q, () => q.shape(1)), orUnknown(q, () => q.shape(2))];
    if (shape !== undefined && indices !== undefined) checkInside(q, shape, indices, q.axis(q.node.int('axis', 0), shape.length));
    if (indices !== undefined && updates !== undefined) checkSame(q, updates, indices);
    return [{ dtype: q.dtype(0), shape }];
  },
  lower(low) {
    const y = low.outOver(0);
    if (y.bytes === 0) return;
    const dims = low.dims(0);
    const axis = low.node.int('axis', 0);
    const joint = joinDims(dims, low.dims(1), axis < 0 ? axis + dims.length : axis);
    const params = {
      elementBytes: elementBytesOf(low.node.output()),
      indexBytes: indexBytesOf(low, 1),
      ...reductionParams(low.node),
      rank: joint.dims.length,
      axis: joint.axis,
      dims: joint.dims,
      indexDims: joint.others,
    };
    low.emit(low.select('scatter_elements', 'any'), scatterElementsParams, params, [y], [low.in(0), low.in(1), low.in(2)]);
  },
};

/** Refuses updates of another shape; symbols pass. */
function checkSame(q: Inference, updates: readonly Dim[], want: readonly Dim[]): void {
  const differ = (d: Dim, i: number) => typeof d === 'number' && typeof want[i] === 'number' && d !== want[i];
  if (updates.length !== want.length || updates.some(differ)) q.fail(`updates must have the shape [${want}]`, q.inputTexts());
}

const scatterNd: Operator = {
  name: 'ScatterND',
  domain: '',
  since: 11,
  infer(q) {
    checkTypes(q);
    const shape = orUnknown(q, () => q.shape(0));
    const indices = orUnknown(q, () => q.shape(1));
    const updates = orUnknown(q, () => q.shape(2));
    if (shape !== undefined && indices !== undefined) {
      const depth = indices[indices.length - 1];
      if (typeof depth === 'number') {
        if (depth < 1 || depth > shape.length) q.fail('the last dimension of indices must name dimensions of the input', q.inputTexts());
        if (updates !== undefined) checkSame(q, updates, [...indices.slice(0, -1), ...shape.slice(depth)]);
      } else if (depth === undefined) q.fail('indices must have a dimension', q.inputTexts());
    }
    return [{ dtype: q.dtype(0), shape }];
  },
  lower(low) {
    const y = low.outOver(0);
    if (y.bytes === 0) return;
    const dims = low.dims(0);
    const indices = low.dims(1);
    const depth = indices[indices.length - 1] as number;
    const params = {
      elementBytes: elementBytesOf(low.node.output()),
      indexBytes: indexBytesOf(low, 1),
      ...reductionParams(low.node),
      depth,
      reserved: 0,
      count: elementCount(indices.slice(0, -1)),
      block: elementCount(dims.slice(depth)),
      dims: dims.slice(0, depth),
    };
    low.emit(low.select('scatter_nd', 'any'), scatterNdParams, params, [y], [low.in(0), low.in(1), low.in(2)]);
  },
};

/** Appends to a cache at one position per batch, which is dimension 0. */
const tensorScatter: Operator = {
  name: 'TensorScatter',
  domain: '',
  since: 24,
  infer(q) {
    const dtype = refuseParts(q, 0);
    if (q.dtype(1) !== dtype) q.failDtype('update must have the type of the cache');
    if (q.has(2) && q.dtype(2) !== 'int64') q.failDtype('write_indices must be int64', q.dtype(2));
    const mode = q.node.string('mode', 'linear');
    if (mode !== 'linear' && mode !== 'circular') q.fail('mode must be linear or circular', `${mode} came`);
    const [shape, update] = [orUnknown(q, () => q.shape(0)), orUnknown(q, () => q.shape(1))];
    if (shape !== undefined && update !== undefined) {
      const axis = q.axis(q.node.int('axis', -2), shape.length);
      if (axis === 0) q.fail('axis must not be the batch', q.inputTexts());
      checkSame(q, update, shape.with(axis, update[axis] ?? 0));
      const [have, room] = [update[axis], shape[axis]];
      if (typeof have === 'number' && typeof room === 'number' && have > room) q.fail('update must not be longer than the cache', q.inputTexts());
    }
    return [{ dtype, shape }];
  },
  lower(low) {
    const y = low.outOver(0);
    if (y.bytes === 0) return;
    const dims = low.dims(0);
    const given = low.node.int('axis', -2);
    const axis = given < 0 ? given + dims.length : given;
    const positions = low.input(2);
    const params = {
      outer: elementCount(dims.slice(0, axis)),
      perBatch: elementCount(dims.slice(1, axis)),
      axis: dims[axis] as number,
      count: low.dims(1)[axis] as number,
      blockBytes: elementCount(dims.slice(axis + 1)) * elementBytesOf(low.node.output()),
      circular: low.node.string('mode', 'linear') === 'circular' ? 1 : 0,
      hasPositions: positions === undefined ? 0 : 1,
    };
    low.emit(low.select('tensor_scatter', 'any'), tensorScatterParams, params, [y], [low.in(0), low.in(1), positions]);
  },
};

/**
 * Rows of an axis that only the run knows the length of: x and y have room for `shape[axis]` of them; count (int64, one number) and `extra` more are
 * there. Without `dense` they come one behind the other and get the room between the blocks, with zeros in it; with `dense` it goes the other way.
 */
const spreadRows: Operator = {
  name: 'SpreadRows',
  domain: 'dsnk',
  infer(q) {
    if (q.dtype(1) !== 'int64') q.failDtype('count must be int64', q.dtype(1));
    return [{ dtype: refuseParts(q, 0), shape: q.shape(0) }];
  },
  lower(low) {
    const y = low.out();
    const dims = low.dims(0);
    const axis = low.node.int('axis');
    const params = {
      outer: elementCount(dims.slice(0, axis)),
      capacity: dims[axis] as number,
      rowBytes: elementCount(dims.slice(axis + 1)) * elementBytesOf(low.node.output()),
      extra: low.node.int('extra', 0),
      dense: low.node.int('dense', 0),
      reserved: 0,
    };
    if (y.bytes > 0) low.emit(low.select('spread_rows', 'any'), spreadRowsParams, params, [y], [low.in(0), low.in(1)]);
  },
};

export const scatterOperators: readonly Operator[] = [scatterElements, scatterNd, tensorScatter, spreadRows];
