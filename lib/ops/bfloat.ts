/** Weights for the kernels that multiply in bfloat16: packed once, in the init program. */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering, Ref } from '../compile/lowering.js';
import type { BfloatChoice } from '../compile/precision.js';
import { bfloatPackParams, packedBfloats } from '../kernels/bfloat.js';

/** Where element (i, outer, inner, column) of float32 weights stands: strides in elements. */
export interface WeightLayout {
  readonly count: number;
  readonly stride: number;
  readonly n: number;
  readonly strideN: number;
  readonly outer: number;
  readonly strideOuter: number;
  readonly inner: number;
  readonly strideInner: number;
}

/** Emits the packing of `weights` for a row. */
export function packBfloats(low: Lowering, row: KernelRow, weights: Ref, layout: WeightLayout): Ref {
  const bytes = 2 * layout.count * packedBfloats(layout.outer * layout.inner, layout.n, row.nr, row.kr);
  return low.emit(low.select('bfloat_pack', 'f32'), bfloatPackParams, { ...layout, nr: row.nr, kr: row.kr }, [low.temp(bytes, 'weights')], [weights], {
    reason: `bfloat16 in panels of ${row.nr} columns for ${row.name}`,
  })[0] as Ref;
}

/**
 * The ways of a site with bfloat16 among them: in front where it pays; else behind, for those who measure, and the first
 * way says why.
 */
export function withBfloat<T>({ row, refused }: BfloatChoice, way: (row: KernelRow) => Way<T>, others: readonly Way<T>[]): readonly Way<T>[] {
  const bfloat = row === undefined ? [] : [way(row)];
  if (refused === undefined) return [...bfloat, ...others];
  return [...others.map((w, i) => (i === 0 ? { ...w, reason: `${refused}${w.reason}` } : w)), ...bfloat];
}
