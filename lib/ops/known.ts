/** Shape arithmetic that operators share: moving known elements along, and shapes that only partly are known. */
import { type DType, dtypes, isFloat } from '../dtype.js';
import { type Dim, floorDivDim, mulDim, type Shape } from '../graph/dim.js';
import { type Inference, MAX_KNOWN, UnknownShape } from './operator.js';

/** The elements, if numbers carry them exactly: not 64-bit integers past 2^53 (but INT64_MAX, see Constant), nor NaN, whose bits are lost. */
export function exactNumbers<T extends Dim>(elements: readonly T[] | undefined, dtype: DType): readonly T[] | undefined {
  const exact = (v: Dim) => typeof v === 'string' || (isFloat(dtype) ? !Number.isNaN(v) : Number.isSafeInteger(v) || (v === 2 ** 63 && dtype === 'int64'));
  return elements?.every(exact) ? elements : undefined;
}

/** The elements of input i, where a result made of them may be settled at compile time. */
export function movableElements(q: Inference, i: number): readonly Dim[] | undefined {
  return exactNumbers(q.known(i), q.dtype(i));
}

/**
 * The elements of input i as dimensions. Unknown in a symbolic inference: as many unknown dimensions as input i has
 * elements, or undefined where not even that is known. A concrete compile throws NeedsValue.
 */
export function dimsOrUnknown(q: Inference, i: number): Shape | undefined {
  return orUnknown(q, () => q.dims(i)) ?? unknownShape(q, q.node.input(i).shape?.[0]);
}

/** Far above what any model uses: a damaged one may ask for billions. */
export const MAX_RANK = 64;

/** A shape of that many dimensions, none of which is known before the run. */
export function unknownShape(q: Inference, rank: Dim | undefined): Shape | undefined {
  if (typeof rank === 'number' && rank > MAX_RANK) q.fail(`shape must have at most ${MAX_RANK} dimensions`, `${rank} came`);
  return typeof rank === 'number' ? Array.from({ length: rank }, (_, d) => `${q.unknownDim()}_${d}`) : undefined;
}

/** What `work` returns; undefined where a symbolic inference lacks a shape or contents for it. */
export function orUnknown<T>(q: Inference, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnknownShape && !q.concrete) return undefined;
    throw error;
  }
}

/** Row-major strides, in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let stride = 1;
  for (let d = dims.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= dims[d] as number;
  }
  return strides;
}

/** Elements of a strided view in row-major order: how slices, transposes and broadcasts carry known elements along. */
export function viewElements(known: readonly Dim[], dims: readonly number[], strides: readonly number[], offset = 0): Dim[] | undefined {
  const count = dims.reduce((a, b) => a * b, 1);
  if (count > MAX_KNOWN) return undefined;
  const out: Dim[] = [];
  const index = dims.map(() => 0);
  for (let i = 0; i < count; i++) {
    out.push(known[index.reduce((at, x, d) => at + x * (strides[d] as number), offset)] as Dim);
    for (let d = dims.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (dims[d] as number)) break;
      index[d] = 0;
    }
  }
  return out;
}

/** a·b·… / (c·d·…), with equal symbols cancelled first, so that [N,8,7,7] as [N,-1] gives 392. */
export function quotientDim(numerator: readonly Dim[], denominator: readonly Dim[]): Dim {
  const top = numerator.flatMap(factors);
  const bottom: Dim[] = [];
  for (const d of denominator.flatMap(factors)) {
    const at = typeof d === 'string' ? top.indexOf(d) : -1;
    if (at >= 0) top.splice(at, 1);
    else bottom.push(d);
  }
  const number = (list: readonly Dim[]) => list.reduce<number>((a, d) => (typeof d === 'number' ? a * d : a), 1);
  const symbols = (list: readonly Dim[]) => list.filter((d) => typeof d === 'string');
  const [t, b] = [number(top), number(bottom)];
  const exact = t % b === 0;
  const above = symbols(top).reduce<Dim>(mulDim, exact ? t / b : t);
  return floorDivDim(above, symbols(bottom).reduce<Dim>(mulDim, exact ? 1 : b));
}

/** `(a*b)*2` → a, b, 2; anything with sums, quotients or functions stays whole. */
function factors(d: Dim): Dim[] {
  if (typeof d === 'number' || !/^[\w.*()]+$/.test(d) || /\w\(/.test(d)) return [d];
  return d
    .replace(/[()]/g, '')
    .split('*')
    .map((f) => (/^\d+$/.test(f) ? Number(f) : f));
}

/** The element type of input i. Kernels move whole bytes: strings and the packed 4- and 2-bit types are refused. */
export function refuseParts(q: Inference, i: number): DType {
  const dtype = q.dtype(i);
  if (dtypes[dtype].bits < 8) q.failDtype('elements must be whole bytes', dtype);
  return dtype;
}

/** The element type that inputs first … last share. */
export function sameDtypes(q: Inference, first: number, last: number): DType {
  const dtype = refuseParts(q, first);
  for (let i = first + 1; i <= last; i++) if (q.dtype(i) !== dtype) q.failDtype('inputs must have one element type');
  return dtype;
}
