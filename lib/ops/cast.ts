/** Conversions of the element type. */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { type DType, dtypeFromOnnx, dtypes, shortName } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { type Dim, elementCount } from '../graph/dim.js';
import { castParams, castRound, castType } from '../kernels/cast.js';
import { emitExpression, input } from './expression.js';
import { movableElements } from './known.js';
import { asElement } from './known-elementwise.js';
import type { Inference, Operator } from './operator.js';

/** These meet in the float32 rows of the pointwise kernel, which read and write all of them. */
const vectorTypes: ReadonlySet<DType> = new Set(['float32', 'float16', 'bfloat16', 'bool']);

export interface CastOptions {
  readonly saturate?: boolean;
  readonly round?: (typeof castRound.members)[number];
}

const kernelName = (dtype: DType) => (dtype === 'bool' ? 'boolean' : shortName(dtype)) as (typeof castType.members)[number];

/** Emits the conversion of `count` elements. */
export function emitCast(
  low: Lowering,
  from: Ref,
  fromType: DType,
  to: Ref,
  toType: DType,
  count: number,
  options: CastOptions = {},
): readonly (Ref | undefined)[] {
  if (vectorTypes.has(fromType) && vectorTypes.has(toType) && fromType !== toType) {
    const dims = [count];
    emitExpression(low, [{ op: 'copy', terms: [input(0)] }], { ref: to, dtype: toType, dims }, [{ ref: from, dtype: fromType, dims }]);
    return [to];
  }
  return low.emit(
    low.select('cast', 'any'),
    castParams,
    {
      count,
      from: castType.value(kernelName(fromType)),
      to: castType.value(kernelName(toType)),
      saturate: (options.saturate ?? true) ? 1 : 0,
      round: castRound.value(options.round ?? 'up'),
    },
    [to],
    [from],
  );
}

function castable(q: Inference, dtype: DType): void {
  const { kind } = dtypes[dtype];
  if (kind === 'string') throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', q.node.where, 'elements must not be strings', dtype);
  if (kind === 'complex') q.failDtype('element types must be numbers or truth values', dtype);
}

/** Elements known before stay known where both types hold them exactly. */
function castKnown(q: Inference, to: DType): Dim[] | undefined {
  const known = movableElements(q, 0);
  if (known === undefined) return undefined;
  const toInteger = dtypes[to].kind === 'int' || dtypes[to].kind === 'uint';
  const result: Dim[] = [];
  for (const d of known) {
    // a dimension's symbol survives only between integers
    const r = typeof d === 'string' ? (toInteger ? d : undefined) : asElement(toInteger ? Math.trunc(d) + 0 : d, to);
    if (r === undefined) return undefined;
    result.push(r);
  }
  return result;
}

function convert(name: string, since: number, target: (q: Inference) => DType): Operator {
  return {
    name,
    domain: '',
    since,
    infer(q) {
      const to = target(q);
      castable(q, q.dtype(0));
      castable(q, to);
      return [{ dtype: to, shape: q.node.input(0).shape, known: castKnown(q, to) }];
    },
    lower(low) {
      const { node } = low;
      const [from, to] = [node.input(0).type, node.output().type];
      if (from === to) return low.alias(0, low.in(0));
      emitCast(low, low.in(0), from, low.out(), to, elementCount(node.output().dims), {
        saturate: node.int('saturate', 1) !== 0,
        round: node.string('round_mode', 'up') as CastOptions['round'] & string,
      });
    },
  };
}

const bitCast: Operator = {
  name: 'BitCast',
  domain: '',
  since: 26,
  infer(q) {
    const to = dtypeFromOnnx(q.node.int('to'), q.node.where);
    castable(q, to);
    if (dtypes[to].bits !== dtypes[q.dtype(0)].bits) q.failDtype('both element types must have the same size', `${q.dtype(0)} to ${to}`);
    return [{ dtype: to, shape: q.node.input(0).shape }];
  },
  lower: (low) => low.alias(0, low.in(0)),
};

export const castOperators: readonly Operator[] = [
  convert('Cast', 1, (q) => dtypeFromOnnx(q.node.int('to'), q.node.where)),
  convert('CastLike', 15, (q) => q.dtype(1)),
  bitCast,
];
