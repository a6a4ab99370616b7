/** Weights for the kernels that multiply in bfloat16 or float16: packed once, in the init program. */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import type { NarrowChoice } from '../compile/precision.js';
import type { WeightLayout } from '../compile/sparsity.js';
import type { Ref } from '../compile/step.js';
import { type NarrowType, narrowPackParams, packedNumbers } from '../kernels/narrow.js';

/** Emits the packing of `weights` for a row. */
export function packNarrow(low: Lowering, type: NarrowType, row: KernelRow, weights: Ref, layout: WeightLayout): Ref {
  const bytes = 2 * layout.count * packedNumbers(type, layout.outer * layout.inner, layout.n, row.nr, row.kr);
  return low.emit(low.select(type.pack, 'f32'), narrowPackParams, { ...layout, nr: row.nr, kr: row.kr }, [low.temp(bytes, 'weights')], [weights], {
    reason: `${type.title} in panels of ${row.nr} columns for ${row.name}`,
  })[0] as Ref;
}

/**
 * The ways of a site with the narrow one among them: in front where it pays; else behind, for those who measure, and the
 * first way says why.
 */
export function withNarrow<T>(
  { type, row, refused }: NarrowChoice,
  way: (type: NarrowType, row: KernelRow) => Way<T>,
  others: readonly Way<T>[],
): readonly Way<T>[] {
  const narrow = row === undefined || type === undefined ? [] : [way(type, row)];
  if (refused === undefined) return [...narrow, ...others];
  return [...others.map((w, i) => (i === 0 ? { ...w, reason: `${refused}${w.reason}` } : w)), ...narrow];
}
