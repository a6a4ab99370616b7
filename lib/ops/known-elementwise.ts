/** Elementwise arithmetic on elements known at compile time: shapes, axes, scales. */
import { type DType, dtypes, isFloat, isInteger } from '../dtype.js';
import { type Dim, elementCount, isConcrete, type Shape } from '../graph/dim.js';
import { movableElements } from './known.js';
import { type Inference, MAX_KNOWN } from './operator.js';

/**
 * Shape arithmetic passes through floats in places (scales of a Resize), in short lists. Longer ones are weights, such as
 * the vectors of a BatchNormalization: kernels compute with those, once, under keys that later programs find again.
 */
const MAX_KNOWN_FLOATS = 12;

/** Applies `f` to the elements of all inputs, broadcast to `out`; undefined where anything is not known. */
export function knownElementwise(q: Inference, out: Shape | undefined, f: (terms: readonly Dim[]) => Dim | undefined): Dim[] | undefined {
  if (out === undefined || !isConcrete(out)) return undefined;
  const count = elementCount(out);
  if (count > (q.inputCount > 0 && isFloat(q.dtype(q.inputCount - 1)) ? MAX_KNOWN_FLOATS : MAX_KNOWN)) return undefined;
  const lists: { elements: readonly Dim[]; strides: number[] }[] = [];
  for (let i = 0; i < q.inputCount; i++) {
    const elements = movableElements(q, i);
    const shape = q.node.input(i).shape;
    if (elements === undefined || shape === undefined || !isConcrete(shape)) return undefined;
    const strides: number[] = [];
    let stride = 1;
    for (let d = out.length - 1; d >= 0; d--) {
      const size = shape[shape.length - out.length + d] ?? 1;
      strides[d] = size === 1 ? 0 : stride;
      stride *= size;
    }
    lists.push({ elements, strides });
  }
  const result: Dim[] = [];
  for (let k = 0; k < count; k++) {
    const offsets = lists.map(() => 0);
    let rest = k;
    for (let d = out.length - 1; d >= 0; d--) {
      const c = rest % (out[d] as number);
      rest = Math.floor(rest / (out[d] as number));
      lists.forEach((l, i) => {
        offsets[i] = (offsets[i] as number) + c * (l.strides[d] as number);
      });
    }
    const r = f(lists.map((l, i) => l.elements[offsets[i] as number] as Dim));
    if (r === undefined) return undefined;
    result.push(r);
  }
  return result;
}

/** A number as that type holds it; undefined where it does not fit or this code does not know the type's rounding. */
export function asElement(v: number, dtype: DType): number | undefined {
  if (dtype === 'float32') return Math.fround(v);
  if (dtype === 'float64') return v;
  if (dtype === 'bool') return v !== 0 ? 1 : 0;
  if (!isInteger(dtype) || !Number.isInteger(v)) return undefined;
  const { bits, kind } = dtypes[dtype];
  const low = kind === 'int' ? -(2 ** (bits - 1)) : 0;
  // 2^63 stands for INT64_MAX
  const high = kind === 'int' ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  return v >= low && v <= high ? v : undefined;
}

/** Numbers go through `f` and are rounded to the type; integer symbols through `symbolic`, where there is one. */
export function arithmetic(
  dtype: DType,
  f: (a: number, b: number) => number,
  symbolic?: (a: Dim, b: Dim) => Dim | undefined,
): (terms: readonly Dim[]) => Dim | undefined {
  const exact = (v: number) => dtype === 'float32' || dtype === 'float64' || Number.isSafeInteger(v);
  const of = (a: Dim, b: Dim): Dim | undefined => {
    if (typeof a === 'number' && typeof b === 'number') {
      const r = f(a, b);
      // NaN: undefined here, for the run to settle (a division by zero, a remainder this code does not know)
      if (Number.isNaN(r)) return undefined;
      return exact(r) || r === a || r === b ? asElement(r, dtype) : undefined;
    }
    return isInteger(dtype) ? symbolic?.(a, b) : undefined;
  };
  return (terms) => terms.slice(1).reduce<Dim | undefined>((a, b) => (a === undefined ? undefined : of(a, b)), terms[0]);
}
