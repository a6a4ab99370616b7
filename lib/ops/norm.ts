/** Normalisations of rows: whatever lies together in ONNX layout, from an axis on or a group of channels. */
import type { Lowering } from '../compile/lowering.js';
import { dsnkError } from '../errors.js';
import { type Dim, elementCount, productDim, type Shape } from '../graph/dim.js';
import type { Domain } from '../graph/graph.js';
import { lpNormParams, normRowsParams, rowNorm } from '../kernels/norm.js';
import { orUnknown } from './known.js';
import type { Inference, Operator, OutputType } from './operator.js';
import { aroundAxis } from './softmax.js';

export const sameAsInput = (q: Inference): OutputType[] => [{ dtype: q.dtype(0), shape: orUnknown(q, () => q.shape(0)) }];

/** Fails unless a per-channel operand has as many elements as there are channels (where both are known). */
export function checkCount(q: Inference, i: number, count: Dim | undefined, what: string): void {
  if (!q.has(i) || count === undefined) return;
  const shape = orUnknown(q, () => q.shape(i));
  const have = shape && productDim(shape);
  if (typeof have === 'number' && typeof count === 'number' && have !== count) q.fail(`input ${i} must hold ${what}`, `${q.inputTexts()}`);
}

interface RowLayout {
  readonly rows: number;
  readonly n: number;
  readonly segment?: number;
  readonly period?: number;
  readonly skipRows?: number;
}

/** One norm_rows call. Operands by name; what is left out stays out. */
function emitRows(
  low: Lowering,
  kind: (typeof rowNorm.members)[number],
  layout: RowLayout,
  epsilon: number,
  operands: { mean?: number; inverse?: number; sum?: number; skip?: number; skipBias?: number; scale?: number; bias?: number },
): void {
  const output = (i: number | undefined) => (i !== undefined && low.wanted(i) ? low.out(i) : undefined);
  const input = (i: number | undefined) => (i === undefined ? undefined : low.input(i));
  low.emit(
    low.select('norm_rows', low.dtype(0)),
    normRowsParams,
    { kind: rowNorm.value(kind), epsilon, segment: 1, period: 1, skipRows: 1, ...layout },
    [low.out(), output(operands.mean), output(operands.inverse), output(operands.sum)],
    [low.in(0), input(operands.skip), input(operands.skipBias), input(operands.scale), input(operands.bias)],
  );
}

/** Rows before `axis`, elements from it. A row without elements has no mean. */
function rowsFrom(low: Lowering, axis: number): { rows: number; n: number } {
  const { outer, n, inner } = aroundAxis(low.dims(0), axis);
  if (n * inner === 0) throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', low.node.where, 'normalised dimensions must not be empty', `[${low.dims(0)}] came`);
  return { rows: outer, n: n * inner };
}

/** The shape of per-row statistics: ones from `axis`. */
function statistics(shape: Shape | undefined, axis: number): Shape | undefined {
  return shape?.map((d, i) => (i < (axis < 0 ? axis + shape.length : axis) ? d : 1));
}

/** How scale and bias, one per normalised element or one for all, lie over rows. */
function scaleSegment(low: Lowering, input: number, n: number): number {
  return low.has(input) && elementCount(low.dims(input)) === 1 ? n : 1;
}

function checkScale(q: Inference, axis: number, inputs: readonly number[]): void {
  const shape = orUnknown(q, () => q.shape(0));
  if (shape === undefined) return;
  const n = productDim(shape.slice(q.axis(axis, shape.length)));
  const counts = inputs.filter((i) => q.has(i)).map((i) => orUnknown(q, () => productDim(q.shape(i))));
  for (const [k, have] of counts.entries()) {
    const single = have === 1 && counts.every((c) => c === 1);
    if (typeof have === 'number' && typeof n === 'number' && have !== n && !single)
      q.fail(`input ${inputs[k]} must hold one number for each of the ${n} normalised elements`, q.inputTexts());
  }
}

/** Introduced by opset 17, but onnxruntime's optimizer writes it into models of every opset. */
const layerNormalization: Operator = {
  name: 'LayerNormalization',
  domain: '',
  infer(q) {
    const [y] = sameAsInput(q) as [OutputType];
    const axis = q.node.int('axis', -1);
    checkScale(q, axis, [1, 2]);
    const statistic = { dtype: 'float32' as const, shape: statistics(y.shape, axis) };
    return [y, statistic, statistic];
  },
  lower(low) {
    const layout = rowsFrom(low, low.node.int('axis', -1));
    emitRows(low, 'layer', { ...layout, segment: scaleSegment(low, 1, layout.n) }, low.node.float('epsilon', 1e-5), { mean: 1, inverse: 2, scale: 1, bias: 2 });
  },
};

function rmsNormalization(name: string, domain: Domain, since?: number): Operator {
  return {
    name,
    domain,
    ...(since !== undefined && { since }),
    infer(q) {
      const [y] = sameAsInput(q) as [OutputType];
      const axis = q.node.int('axis', -1);
      checkScale(q, axis, [1]);
      return [y, { dtype: 'float32', shape: statistics(y.shape, axis) }];
    },
    lower(low) {
      const layout = rowsFrom(low, low.node.int('axis', -1));
      emitRows(low, 'rms', { ...layout, segment: scaleSegment(low, 1, layout.n) }, low.node.float('epsilon', 1e-5), { inverse: 1, scale: 1 });
    },
  };
}

/** com.microsoft: norm(input + skip + bias)·gamma + beta, with the sum as fourth output. */
function skipNormalization(name: string, kind: 'layer' | 'rms'): Operator {
  const biasAt = kind === 'layer' ? 4 : 3;
  return {
    name,
    domain: 'com.microsoft',
    infer(q) {
      const [y] = sameAsInput(q) as [OutputType];
      const n = y.shape?.[y.shape.length - 1];
      for (const i of kind === 'layer' ? [2, 3, 4] : [2, 3]) checkCount(q, i, n, 'one number for each element of the last dimension');
      const skip = orUnknown(q, () => q.shape(1));
      if (skip !== undefined && y.shape !== undefined) {
        const tail = y.shape.slice(skip[0] === 1 && y.shape[0] !== 1 ? 1 : y.shape.length - skip.length);
        const own = skip.slice(skip.length - tail.length);
        if (own.some((d, i) => typeof d === 'number' && typeof tail[i] === 'number' && d !== tail[i]))
          q.fail('skip must have the shape of the input, or one batch of it', q.inputTexts());
      }
      const statistic = { dtype: 'float32' as const, shape: statistics(y.shape, -1) };
      return [y, statistic, statistic, y];
    },
    lower(low) {
      const layout = rowsFrom(low, -1);
      const skipRows = Math.max(1, elementCount(low.dims(1)) / layout.n);
      emitRows(low, kind, { ...layout, skipRows }, low.node.float('epsilon', 1e-12), {
        mean: 1,
        inverse: 2,
        sum: 3,
        skip: 1,
        skipBias: biasAt,
        scale: 2,
        ...(kind === 'layer' ? { bias: 3 } : {}),
      });
    },
  };
}

const instanceNormalization: Operator = {
  name: 'InstanceNormalization',
  domain: '',
  infer(q) {
    const types = sameAsInput(q);
    const channels = types[0]?.shape?.[1];
    for (const i of [1, 2]) checkCount(q, i, channels, 'one number a channel');
    return types;
  },
  lower(low) {
    const { rows, n } = rowsFrom(low, 2);
    emitRows(low, 'layer', { rows, n, segment: n, period: Math.max(1, low.dims(0)[1] as number) }, low.node.float('epsilon', 1e-5), { scale: 1, bias: 2 });
  },
};

const groupNormalization: Operator = {
  name: 'GroupNormalization',
  domain: '',
  since: 18,
  infer(q) {
    const types = sameAsInput(q);
    const channels = types[0]?.shape?.[1];
    const groups = q.node.int('num_groups');
    if (groups < 1 || (typeof channels === 'number' && channels % groups !== 0))
      q.fail('num_groups must divide the channels', `${groups} groups, ${q.inputTexts()}`);
    for (const i of [1, 2]) {
      const count = orUnknown(q, () => productDim(q.shape(i)));
      if (count !== groups) checkCount(q, i, channels, 'one number a channel');
    }
    return types;
  },
  lower(low) {
    const dims = low.dims(0);
    const groups = low.node.int('num_groups');
    const [batch, channels] = dims as [number, number];
    const spatial = elementCount(dims.slice(2));
    const n = (channels / groups) * spatial;
    if (n === 0) throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', low.node.where, 'a group must not be empty', `[${dims}] came`);
    // scale and bias: one a channel; before opset 21 one a group
    const segment = elementCount(low.dims(1)) === channels ? spatial : n;
    emitRows(low, 'layer', { rows: batch * groups, n, segment, period: groups }, low.node.float('epsilon', 1e-5), { scale: 1, bias: 2 });
  },
};

const lpNormalization: Operator = {
  name: 'LpNormalization',
  domain: '',
  infer(q) {
    const p = q.node.int('p', 2);
    if (p !== 1 && p !== 2) q.fail('p must be 1 or 2', `${p} came`);
    return sameAsInput(q);
  },
  lower(low) {
    low.emit(
      low.select('lp_norm', low.dtype(0)),
      lpNormParams,
      { p: low.node.int('p', 2), spare: 0, ...aroundAxis(low.dims(0), low.node.int('axis', -1)) },
      [low.out()],
      [low.in(0)],
    );
  },
};

export const normOperators: readonly Operator[] = [
  layerNormalization,
  rmsNormalization('RMSNormalization', '', 23),
  rmsNormalization('SimplifiedLayerNormalization', ''),
  rmsNormalization('SimplifiedLayerNormalization', 'com.microsoft'),
  skipNormalization('SkipLayerNormalization', 'layer'),
  skipNormalization('SkipSimplifiedLayerNormalization', 'rms'),
  instanceNormalization,
  groupNormalization,
  lpNormalization,
];
