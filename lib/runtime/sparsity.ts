/** The pattern of zeros of constant weights: a few are looked at here, all of them by a kernel where those were sparse. */
import type { PatternOf, WeightLayout } from '../compile/sparsity.js';
import { arrayConstructor } from '../dtype.js';
import type { Constant } from '../graph/graph.js';
import { encodeParams } from '../kernels/params.js';
import { sparsePatternParams } from '../kernels/sparse.js';
import { loadKernel } from './call.js';
import { native } from './native.js';

const rows: Readonly<Record<string, string>> = { float32: 'sparse_pattern_f32_scalar', int8: 'sparse_pattern_i8_scalar', uint8: 'sparse_pattern_i8_scalar' };

const found = new WeakMap<Constant, Map<string, number>>();

export const patternOf: PatternOf = (weights, layout, zero) => {
  const known = found.get(weights) ?? new Map<string, number>();
  found.set(weights, known);
  const key = `${Object.values(layout).join()};${zero}`;
  let flags = known.get(key);
  if (flags === undefined) {
    flags = patternIn(weights, layout, zero);
    known.set(key, flags);
  }
  return flags;
};

/** Fours of the first column that are looked at before all. */
const SAMPLES = 64;

function patternIn(weights: Constant, layout: WeightLayout, zero: number): number {
  const name = rows[weights.dtype];
  if (name === undefined || weights.byteLength === 0) return 0;
  const bytes = weights.read();
  if (!sampleIsSparse(bytes, weights, layout, zero)) return 0;
  const row = native()
    .catalogue()
    .kernels.find((k) => k.name === name);
  if (row === undefined) return 0;
  const flags = new Uint32Array(1);
  const words = encodeParams(sparsePatternParams, { ...layout, zero, reserved: 0 });
  const call = loadKernel(row, words, [{ bytes: 4 }], [{ bytes: bytes.byteLength }]);
  try {
    call.run([flags], [bytes]);
  } finally {
    call.dispose();
  }
  return flags[0] as number;
}

function sampleIsSparse(bytes: Uint8Array, { dtype }: Constant, { outer, inner, strideInner, strideOuter }: WeightLayout, zero: number): boolean {
  const size = arrayConstructor(dtype).BYTES_PER_ELEMENT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isZero = (at: number) => (size === 4 ? view.getFloat32(4 * at, true) === 0 : view.getUint8(at) === zero);
  for (let k = 0; k < Math.min(outer * inner, 4 * SAMPLES); k += 4) {
    let kept = 0;
    for (let e = k; e < k + 4; e++) if (!isZero(Math.floor(e / inner) * strideOuter + (e % inner) * strideInner)) kept++;
    if (kept > 2) return false;
  }
  return true;
}
