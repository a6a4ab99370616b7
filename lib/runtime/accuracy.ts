/** How far the outputs of one run are from those of another: what a precision mode costs on given inputs. */
import { dsnkError, spelled } from '../errors.js';
import type { TensorLike } from '../tensor.js';

/** The distance of one output. Ratios are 0 where both are all zeros, Infinity where only the reference is. */
export interface OutputAccuracy {
  readonly name: string;
  readonly elements: number;
  /** The largest error over the largest magnitude of the reference. */
  readonly maxError: number;
  /** The mean error over the mean magnitude. */
  readonly meanError: number;
  /** Signal to noise: 10·log₁₀ of the reference's energy over that of the error; Infinity where they are equal. */
  readonly sqnrDb: number;
  /** Whether the largest element is at the same place: the same class, where the output is scores. */
  readonly sameLargest: boolean;
}

const ratio = (a: number, b: number) => (a === 0 ? 0 : a / b);

/** Compares every output that both have and whose elements are numbers: `outputs` with what they should be. */
export function compareOutputs(reference: Readonly<Record<string, TensorLike>>, outputs: Readonly<Record<string, TensorLike>>): OutputAccuracy[] {
  for (const given of [reference, outputs]) {
    if (typeof given !== 'object' || given === null)
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'compareOutputs', 'reference and outputs must be objects of tensors by name', `${spelled(given)} came`);
  }
  const list: OutputAccuracy[] = [];
  for (const [name, want] of Object.entries(reference)) {
    const got = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (!Array.isArray(got?.dims) || !Array.isArray(want?.dims) || got.dims.join() !== want.dims.join() || !isNumbers(want.data) || !isNumbers(got.data))
      continue;
    const [x, y] = [want.data, got.data];
    let [most, sum, energy, largest, magnitude, signal, at, atOther] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      const [a, b] = [Number(x[i]), Number(y[i])];
      // Equal infinities and two NaN agree; a NaN on one side only makes every figure NaN.
      const error = Object.is(a, b) || a === b ? 0 : Math.abs(a - b);
      const size = Number.isFinite(a) ? Math.abs(a) : 0;
      most = Math.max(most, error);
      sum += error;
      energy += error * error;
      largest = Math.max(largest, size);
      magnitude += size;
      signal += size * size;
      if (a > Number(x[at])) at = i;
      if (b > Number(y[atOther])) atOther = i;
    }
    list.push({
      name,
      elements: x.length,
      maxError: ratio(most, largest),
      meanError: ratio(sum, magnitude),
      sqnrDb: energy === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / energy),
      sameLargest: at === atOther,
    });
  }
  return list;
}

function isNumbers(data: unknown): data is ArrayLike<number | bigint> {
  return ArrayBuffer.isView(data) && !(data instanceof DataView) && !(data instanceof Uint16Array);
}
