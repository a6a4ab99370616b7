/**
 * The precision mode: which rows may round the operands of products to 16 bits. Everything else stays float32, and so do
 * activations in memory and sums (but for those of a few terms in float16: native/kernels/half/product.inl).
 */
import { fillsWarpgroups } from '../kernels/gemm.js';
import { type NarrowPrecision, type NarrowType, narrowPrecisions, narrowTypes } from '../kernels/narrow.js';
import { type Catalogue, candidates, type KernelRow } from './catalogue.js';

/**
 * - `f32`: no product is rounded.
 * - `bf16`, `f16`: dense products with constant weights run in bfloat16 or float16 where this processor is faster so; on GPUs
 *   attention, too.
 * - `auto`: the first of `bf16` and `f16` of which this processor has any row that is faster so, else `f32`.
 */
export const precisions = ['f32', 'bf16', 'f16', 'auto'] as const;
export type Precision = (typeof precisions)[number];
export type SettledPrecision = Exclude<Precision, 'auto'>;

/** Rows for narrow weights that are faster than those for float32, best first. */
const fastRows = (catalogue: Catalogue, op: string, precision: NarrowPrecision) =>
  candidates(catalogue, op, narrowTypes[precision].dtypes).filter((row) => row.slow !== true);

/** What `auto` means on this processor. */
export function settled(precision: Precision, catalogue: Catalogue): SettledPrecision {
  if (precision !== 'auto') return precision;
  return narrowPrecisions.find((narrow) => fastRows(catalogue, 'gemm', narrow).length > 0) ?? 'f32';
}

/** Whether any product becomes a narrow one. */
export const roundsProducts = (precision: SettledPrecision, catalogue: Catalogue) => precision !== 'f32' && fastRows(catalogue, 'conv', precision).length > 0;

export interface NarrowChoice {
  /** What was asked for, unless that is float32. */
  readonly type?: NarrowType;
  /** The row that could be used. */
  readonly row?: KernelRow;
  /** Why the product stays float32 all the same, where it was asked to be narrow: stands in front of the kernel's own reason. */
  readonly refused?: string;
}

export interface ProductSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * Below these, rounding the rows and storing the sums cost what the products save: in bfloat16 on Zen 4, 32→16 channels
 * take 1.3 times as long as in float32, 16→64 1.1 times, 24→144 0.8 times. For float16 on ARM the same is assumed: rounding
 * costs as much there in relation to the products.
 */
const LEAST_COLUMNS = 24;
const LEAST_DEPTH = 24;
/** Below these a tile of AMX is mostly padding. */
const TILE_ROWS = 16;
const TILE_DEPTH = 32;

/** The row for a product of m rows, n columns and sums over k. */
export function chooseNarrow(catalogue: Catalogue, precision: SettledPrecision, op: 'gemm' | 'conv', { m, n, k }: ProductSize): NarrowChoice {
  if (precision === 'f32') return {};
  const type = narrowTypes[precision];
  const rows = fastRows(catalogue, op, precision);
  if (rows.length === 0) return { type, refused: `float32, since this processor multiplies ${type.title} no faster: ` };
  const row = rows.find((r) => (r.isa === 'amx' ? m >= TILE_ROWS && k >= TILE_DEPTH : r.isa !== 'sm90' || fillsWarpgroups(m, n, k)));
  if (row === undefined) return { type, refused: `float32, since tiles of ${type.title} do not pay for so few rows: ` };
  return n < LEAST_COLUMNS || k < LEAST_DEPTH ? { type, row, refused: `float32, since ${type.title} does not pay for so few channels: ` } : { type, row };
}
