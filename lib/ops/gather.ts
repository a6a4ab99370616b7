/** Operators that read where an index tensor says. */
import type { Lowering } from '../compile/lowering.js';
import { byteSize } from '../dtype.js';
import { type Dim, elementCount, isConcrete } from '../graph/dim.js';
import { gatherElementsParams, gatherNdParams, gatherParams } from '../kernels/gather.js';
import { movableElements, orUnknown, refuseParts, stridesOf } from './known.js';
import { type Inference, knownElements, MAX_KNOWN, type Operator } from './operator.js';
import { elementBytesOf, lowerView } from './strided.js';

/** Refuses index tensors of other types than int32 and int64. */
export function indexInput(q: Inference, i: number): void {
  const dtype = q.dtype(i);
  if (dtype !== 'int32' && dtype !== 'int64') q.failDtype('indices must be int32 or int64', dtype);
}

/** Bytes of one index of input i. */
export const indexBytesOf = (low: Lowering, i: number) => elementBytesOf(low.node.input(i));

const axisOf = (low: Lowering, fallback: number | undefined, rank: number) => {
  const axis = low.node.int('axis', fallback);
  return axis < 0 ? axis + rank : axis;
};

const gather: Operator = {
  name: 'Gather',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    indexInput(q, 1);
    const type = orUnknown(q, () => {
      const from = q.shape(0);
      const indices = q.shape(1);
      const axis = q.axis(q.node.int('axis', 0), from.length);
      const shape = [...from.slice(0, axis), ...indices, ...from.slice(axis + 1)];
      return { dtype, shape, known: isConcrete(from) ? gathered(q, from, axis) : undefined };
    });
    return [type ?? { dtype, shape: undefined }];
  },
  lower(low) {
    const dims = low.dims(0);
    const axis = axisOf(low, 0, dims.length);
    const size = dims[axis] as number;
    const [outer, inner] = [elementCount(dims.slice(0, axis)), elementCount(dims.slice(axis + 1))];
    const count = elementCount(low.dims(1));
    const index = count === 1 ? knownElements(low.node.input(1))?.[0] : undefined;
    if (typeof index === 'number' && index >= -size && index < size) {
      // One index that is known: a slice.
      lowerView(low, 0, low.in(0), { dims: [outer, inner], strides: [size * inner, 1], offset: (index < 0 ? index + size : index) * inner });
      return;
    }
    const y = low.out();
    if (y.bytes === 0) return;
    const blockBytes = inner * elementBytesOf(low.node.output());
    const params = { outer, axis: size, count, blockBytes, indexBytes: indexBytesOf(low, 1), reserved: 0 };
    low.emit(low.select('gather', 'any'), gatherParams, params, [y], [low.in(0), low.in(1)]);
  },
};

/** Elements of the result, where input and indices are known and lie inside. */
function gathered(q: Inference, from: readonly number[], axis: number): Dim[] | undefined {
  const elements = movableElements(q, 0);
  const indices = q.known(1);
  if (elements === undefined || indices === undefined) return undefined;
  const size = from[axis] as number;
  const [outer, inner] = [elementCount(from.slice(0, axis)), elementCount(from.slice(axis + 1))];
  if (outer * indices.length * inner > MAX_KNOWN || !indices.every((i) => typeof i === 'number' && i >= -size && i < size)) return undefined;
  const out: Dim[] = [];
  for (let o = 0; o < outer; o++) {
    for (const i of indices as readonly number[]) {
      const at = (o * size + (i < 0 ? i + size : i)) * inner;
      out.push(...elements.slice(at, at + inner));
    }
  }
  return out;
}

/** A tensor and another of its rank that is no larger but along one axis, with the fewest dimensions that keep both regular. */
export function joinDims(dims: readonly number[], others: readonly number[], axis: number) {
  const out = { dims: [] as number[], others: [] as number[], axis: 0 };
  dims.forEach((n, d) => {
    const m = others[d] as number;
    const last = out.dims.length - 1;
    if (d !== axis && d - 1 !== axis && last >= 0 && m === n) {
      // A whole dimension of both joins the one before it.
      out.dims[last] = (out.dims[last] as number) * n;
      out.others[last] = (out.others[last] as number) * m;
    } else {
      if (d === axis) out.axis = out.dims.length;
      out.dims.push(n);
      out.others.push(m);
    }
  });
  return out;
}

const gatherElements: Operator = {
  name: 'GatherElements',
  domain: '',
  since: 11,
  infer(q) {
    const dtype = refuseParts(q, 0);
    indexInput(q, 1);
    const shape = orUnknown(q, () => q.shape(1));
    const from = orUnknown(q, () => q.shape(0));
    if (shape !== undefined && from !== undefined) checkInside(q, from, shape, q.axis(q.node.int('axis', 0), from.length));
    return [{ dtype, shape }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes === 0) return;
    const axis = axisOf(low, 0, low.dims(0).length);
    const joint = joinDims(low.dims(0), low.dims(1), axis);
    const params = {
      elementBytes: elementBytesOf(low.node.output()),
      indexBytes: indexBytesOf(low, 1),
      rank: joint.dims.length,
      axis: joint.axis,
      axisSize: low.dims(0)[axis] as number,
      dims: joint.others,
      strides: stridesOf(joint.dims),
    };
    low.emit(low.select('gather_elements', 'any'), gatherElementsParams, params, [y], [low.in(0), low.in(1)]);
  },
};

/** Index tensors of GatherElements and ScatterElements have the rank of the data and lie inside it but along the axis. */
export function checkInside(q: Inference, dims: readonly Dim[], indices: readonly Dim[], axis: number): void {
  const inside = (m: Dim, d: number) => d === axis || typeof m === 'string' || typeof dims[d] === 'string' || m <= (dims[d] as number);
  if (indices.length !== dims.length || dims.length === 0 || !indices.every(inside)) {
    q.fail(`indices must have the rank of the input and be no larger but along axis ${axis}`, q.inputTexts());
  }
}

const gatherNd: Operator = {
  name: 'GatherND',
  domain: '',
  since: 11,
  infer(q) {
    const dtype = refuseParts(q, 0);
    indexInput(q, 1);
    const type = orUnknown(q, () => {
      const from = q.shape(0);
      const indices = q.shape(1);
      const batch = q.node.int('batch_dims', 0);
      const depth = indices[indices.length - 1];
      if (typeof depth !== 'number') return undefined;
      if (batch < 0 || batch >= indices.length || depth < 1 || batch + depth > from.length) {
        q.fail('the last dimension of indices must name dimensions behind batch_dims', `${q.inputTexts()}, batch_dims ${batch}`);
      }
      for (let d = 0; d < batch; d++) {
        if (typeof from[d] === 'number' && typeof indices[d] === 'number' && from[d] !== indices[d]) q.fail('batch dimensions must agree', q.inputTexts());
      }
      return { dtype, shape: [...indices.slice(0, -1), ...from.slice(batch + depth)] };
    });
    return [type ?? { dtype, shape: undefined }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes === 0) return;
    const batch = low.node.int('batch_dims', 0);
    const indices = low.dims(1);
    const depth = indices[indices.length - 1] as number;
    const params = {
      outer: elementCount(indices.slice(0, batch)),
      count: elementCount(indices.slice(batch, -1)),
      blockBytes: byteSize(low.node.output().type, elementCount(low.dims(0).slice(batch + depth))),
      indexBytes: indexBytesOf(low, 1),
      depth,
      dims: low.dims(0).slice(batch, batch + depth),
    };
    low.emit(low.select('gather_nd', 'any'), gatherNdParams, params, [y], [low.in(0), low.in(1)]);
  },
};

export const gatherOperators: readonly Operator[] = [gather, gatherElements, gatherNd];
