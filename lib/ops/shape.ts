/** Operators that only look at shapes, or give the same bytes another shape. None of them moves a byte but for fills. */
import { dtypes } from '../dtype.js';
import { type Dim, elementCount, isConcrete, productDim, type Shape, subDim } from '../graph/dim.js';
import { Constant, type Node } from '../graph/graph.js';
import { fillParams, rangeParams, rangeType, rangeTypeOf } from '../kernels/fill.js';
import { patternOf } from './fill.js';
import { dimsOrUnknown, exactNumbers, movableElements, orUnknown, quotientDim, unknownShape } from './known.js';
import { type Inference, MAX_KNOWN, type Operator, type OutputType } from './operator.js';

/** Input 0 under another shape. */
function view(q: Inference, shape: Shape | undefined): OutputType[] {
  return [{ dtype: q.dtype(0), shape, known: shape === undefined ? undefined : movableElements(q, 0) }];
}

const lowerView: NonNullable<Operator['lower']> = (low) => low.alias(0, low.in(0));

const shape: Operator = {
  name: 'Shape',
  domain: '',
  infer(q) {
    const dims = orUnknown(q, () => q.shape(0));
    if (dims === undefined) return [{ dtype: 'int64', shape: undefined }];
    const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + dims.length : at, 0), dims.length);
    const start = clamp(q.node.int('start', 0));
    const known = dims.slice(start, Math.max(start, clamp(q.node.int('end', dims.length))));
    return [{ dtype: 'int64', shape: [known.length], known }];
  },
};

const size: Operator = {
  name: 'Size',
  domain: '',
  infer(q) {
    const dims = orUnknown(q, () => q.shape(0));
    return [{ dtype: 'int64', shape: [], known: dims && [productDim(dims)] }];
  },
};

const reshape: Operator = {
  name: 'Reshape',
  domain: '',
  infer: (q) => view(q, reshapedShape(q)),
  lower: lowerView,
};

function reshapedShape(q: Inference): Shape | undefined {
  const wanted = dimsOrUnknown(q, 1);
  const from = orUnknown(q, () => q.shape(0));
  if (wanted === undefined) return undefined;
  const copies = q.node.int('allowzero', 0) === 0;
  const shape: Dim[] = [];
  for (const [i, d] of wanted.entries()) {
    if (typeof d === 'number' && d < -1) q.fail('shape must hold dimensions, 0 or -1', `${d} came`);
    if (d !== 0 || !copies) shape.push(d);
    else if (from === undefined) shape.push(`${q.unknownDim()}_${i}`);
    else shape.push(from[i] ?? q.fail('a 0 in shape must stand where the input has a dimension', `${q.inputTexts()}, shape [${wanted}]`));
  }
  const open = shape.indexOf(-1);
  if (shape.indexOf(-1, open + 1) > open && open >= 0) q.fail('shape must hold at most one -1', `[${wanted}] came`);
  if (from === undefined) return open < 0 ? shape : shape.with(open, `${q.unknownDim()}_${open}`);
  if (open >= 0) {
    const others = shape.filter((_, i) => i !== open);
    if (!copies && wanted.includes(0)) q.fail('shape must not hold -1 beside a real 0', `[${wanted}] came`);
    const [have, rest] = [productDim(from), productDim(others)];
    if (typeof have === 'number' && typeof rest === 'number' && (rest === 0 ? have !== 0 : have % rest !== 0)) {
      q.fail('shape must divide the number of elements', `${q.inputTexts()}, shape [${wanted}]`);
    }
    // 0/0: any number would do; none is 0
    shape[open] = rest === 0 ? 0 : quotientDim(from, others);
  } else if (isConcrete(from) && isConcrete(shape) && productDim(from) !== productDim(shape)) {
    q.fail('shape must hold as many elements as the input', `${q.inputTexts()}, shape [${wanted}]`);
  }
  return shape;
}

const flatten: Operator = {
  name: 'Flatten',
  domain: '',
  infer(q) {
    const shape = orUnknown(q, () => q.shape(0));
    if (shape === undefined) return view(q, unknownShape(q, 2));
    const axis = q.node.int('axis', 1);
    if (axis < -shape.length || axis > shape.length) q.fail(`axis must be in [${-shape.length}, ${shape.length}]`, `${axis} came`);
    const at = axis < 0 ? axis + shape.length : axis;
    return view(q, [productDim(shape.slice(0, at)), productDim(shape.slice(at))]);
  },
  lower: lowerView,
};

/** The axes in input i, normalised for a tensor of that rank, each once. */
function axesOf(q: Inference, i: number, rank: number): Set<number> {
  const axes = q.numbers(i);
  const set = new Set(axes.map((a) => q.axis(a, rank)));
  if (set.size !== axes.length) q.fail('axes must differ from each other', `[${axes}] came`);
  return set;
}

const squeeze: Operator = {
  name: 'Squeeze',
  domain: '',
  infer: (q) =>
    view(
      q,
      orUnknown(q, () => {
        const shape = q.shape(0);
        if (!q.has(1)) {
          // A symbol may turn out to be 1, so that not even the rank is known.
          return isConcrete(shape) ? shape.filter((d) => d !== 1) : undefined;
        }
        const axes = axesOf(q, 1, shape.length);
        for (const a of axes) if (typeof shape[a] === 'number' && shape[a] !== 1) q.fail(`axis ${a} must have 1 element`, q.inputTexts());
        return shape.filter((_, d) => !axes.has(d));
      }),
    ),
  lower: lowerView,
};

const unsqueeze: Operator = {
  name: 'Unsqueeze',
  domain: '',
  infer: (q) =>
    view(
      q,
      orUnknown(q, () => {
        const from = [...q.shape(0)];
        const rank = from.length + q.numbers(1).length;
        const axes = axesOf(q, 1, rank);
        return Array.from({ length: rank }, (_, d) => (axes.has(d) ? 1 : (from.shift() as Dim)));
      }),
    ),
  lower: lowerView,
};

/** The importer makes most of these plain constants; one that a graph still holds is its tensor. */
const constant: Operator = {
  name: 'Constant',
  domain: '',
  infer(q) {
    const value = constantOf(q.node);
    if (value === undefined) return q.failDtype('value must be a dense tensor of numbers', `${[...q.node.attrs.keys()].join(', ') || 'nothing'} came`);
    const known = elementCount(value.dims) <= MAX_KNOWN ? exactNumbers(value.values(), value.dtype) : undefined;
    return [{ dtype: value.dtype, shape: value.dims, known }];
  },
  lower: (low) => low.alias(0, low.constant(constantOf(low.node) as Constant)),
};

function constantOf(node: Node): Constant | undefined {
  const value = node.attrs.get('value');
  if (value instanceof Constant) return value;
  if (node.has('value_float')) return Constant.of('float32', [], [node.float('value_float')]);
  if (node.has('value_int')) return Constant.of('int64', [], [node.int('value_int')]);
  const list = (values: readonly number[], dtype: 'float32' | 'int64') => Constant.of(dtype, [values.length], values);
  if (node.has('value_floats')) return list(node.floats('value_floats'), 'float32');
  if (node.has('value_ints')) return list(node.ints('value_ints'), 'int64');
  return undefined;
}

/** The one element that ConstantOfShape repeats. */
function fillElement(node: Node): Constant {
  const value = node.attrs.get('value');
  return value instanceof Constant ? value : zero;
}

const zero = Constant.of('float32', [1], [0]);

/** Number of elements of Range; symbols where start and step leave no doubt. */
function rangeCount(q: Inference): Dim | undefined {
  return orUnknown(q, () => {
    const [start, limit, delta] = [0, 1, 2].map((i) => q.dims(i)[0]);
    if (start === undefined || limit === undefined || delta === undefined) return q.fail('start, limit and delta must be scalars', q.inputTexts());
    if (delta === 0) return q.fail('delta must not be 0');
    if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number') {
      return Math.max(Math.ceil((limit - start) / delta), 0);
    }
    return delta === 1 ? subDim(limit, start) : `${q.unknownDim()}`;
  });
}

const range: Operator = {
  name: 'Range',
  domain: '',
  since: 11,
  infer(q) {
    const dtype = q.dtype(0);
    if (rangeTypeOf[dtype] === undefined) q.failDtype(`type must be one of ${Object.keys(rangeTypeOf).join(', ')}`, dtype);
    const count = rangeCount(q) ?? q.unknownDim();
    const [start, , delta] = [0, 1, 2].map((i) => q.known(i)?.[0]);
    let known: readonly number[] | undefined;
    if (typeof count === 'number' && count <= MAX_KNOWN && typeof start === 'number' && typeof delta === 'number') {
      known = Array.from({ length: count }, (_, i) => start + i * delta);
    }
    return [{ dtype, shape: [count], known: exactNumbers(known, dtype) }];
  },
  lower(low) {
    const type = rangeTypeOf[low.node.output().type] ?? 'i64';
    const params = { count: low.outDims()[0] as number, type: rangeType.value(type), reserved: 0 };
    low.emit(low.select('range', 'any'), rangeParams, params, [low.out()], [low.in(0), low.in(2)]);
  },
};

const constantOfShape: Operator = {
  name: 'ConstantOfShape',
  domain: '',
  since: 9,
  infer(q) {
    const value = fillElement(q.node);
    if (dtypes[value.dtype].bits < 8) q.failDtype('elements must be whole bytes', value.dtype);
    if (elementCount(value.dims) !== 1) q.fail('value must hold one element', `[${value.dims}] came`);
    const shape = dimsOrUnknown(q, 0);
    const count = shape === undefined ? undefined : productDim(shape);
    const element = exactNumbers(value.values(), value.dtype)?.[0];
    const few = typeof count === 'number' && count >= 0 && count <= MAX_KNOWN;
    return [{ dtype: value.dtype, shape, known: few && element !== undefined ? new Array(count).fill(element) : undefined }];
  },
  lower(low) {
    const y = low.out();
    if (y.bytes > 0) low.emit(low.select('fill', 'any'), fillParams, { bytes: y.bytes, pattern: patternOf(fillElement(low.node)) }, [y], []);
  },
};

export const shapeOperators: readonly Operator[] = [shape, size, reshape, flatten, squeeze, unsqueeze, constant, range, constantOfShape];
