/** The window functions: HannWindow, HammingWindow, BlackmanWindow. */
import { dsnkError } from '../../errors.js';
import { Constant, MAX_COMPUTED } from '../../graph/graph.js';
import type { Expansion } from './expansion.js';

/** Σ coefficients[k] · cos(2πki/period), periodic or symmetric. */
function cosineWindow(coefficients: readonly number[]): Expansion {
  return (edit, node) => {
    const { type, dims } = node.output();
    const n = dims[0] as number;
    if (n > MAX_COMPUTED) throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', node.where, `a window must have at most ${MAX_COMPUTED} elements`, `${n}`);
    const period = node.int('periodic', 1) !== 0 ? n : n - 1;
    const at = (i: number) => coefficients.reduce((sum, c, k) => sum + c * Math.cos((2 * Math.PI * k * i) / period), 0);
    const values = Array.from({ length: n }, (_, i) => (period === 0 ? 1 : at(i)));
    const window = edit.graph.addConstant(Constant.of('float64', [n], values));
    return [edit.value('Cast', [window], { attrs: { to: { float32: 1, float16: 10, float64: 11, bfloat16: 16 }[type as string] ?? 1 } })];
  };
}

export const hannWindow = cosineWindow([0.5, -0.5]);
export const hammingWindow = cosineWindow([25 / 46, -21 / 46]);
export const blackmanWindow = cosineWindow([0.42, -0.5, 0.08]);
