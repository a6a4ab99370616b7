/**
 * The precision mode: which rows may round the operands of products to bfloat16. Everything else stays float32, and so do
 * activations in memory and sums.
 */
import { BFLOAT_WEIGHTS } from '../kernels/bfloat.js';
import { type Catalogue, candidates, type KernelRow } from './catalogue.js';

/**
 * - `f32`: no product is rounded.
 * - `bf16`: dense products with constant weights run in bfloat16 where this processor is faster so.
 * - `auto`: `bf16` where this processor has any row that is faster so, else `f32`.
 */
export const precisions = ['f32', 'bf16', 'auto'] as const;
export type Precision = (typeof precisions)[number];

/** Rows for bfloat16 weights that are faster than those for float32, best first. */
const fastRows = (catalogue: Catalogue, op: string) => candidates(catalogue, op, BFLOAT_WEIGHTS).filter((row) => row.slow !== true);

/** What `auto` means on this processor. */
export function settled(precision: Precision, catalogue: Catalogue): 'f32' | 'bf16' {
  if (precision !== 'auto') return precision;
  return fastRows(catalogue, 'gemm').length > 0 ? 'bf16' : 'f32';
}

/** Whether any product becomes one in bfloat16. */
export const roundsProducts = (precision: 'f32' | 'bf16', catalogue: Catalogue) => precision === 'bf16' && fastRows(catalogue, 'conv').length > 0;

export interface BfloatChoice {
  /** The row that could be used. */
  readonly row?: KernelRow;
  /** Why the product stays float32 all the same, where bfloat16 was asked for: stands in front of the kernel's own reason. */
  readonly refused?: string;
}

export interface ProductSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * Below these, rounding the rows and storing the sums cost what the products save: on Zen 4, 32→16 channels take 1.3 times
 * as long as in float32, 16→64 1.1 times, 24→144 0.8 times.
 */
const LEAST_COLUMNS = 24;
const LEAST_DEPTH = 24;
/** Below these a tile of AMX is mostly padding. */
const TILE_ROWS = 16;
const TILE_DEPTH = 32;

/** The row for a product of m rows, n columns and sums over k. */
export function chooseBfloat(catalogue: Catalogue, op: 'gemm' | 'conv', { m, n, k }: ProductSize): BfloatChoice {
  const rows = fastRows(catalogue, op);
  if (rows.length === 0) return { refused: 'float32, since this processor multiplies bfloat16 no faster: ' };
  const row = rows.find((r) => r.isa !== 'amx' || (m >= TILE_ROWS && k >= TILE_DEPTH));
  if (row === undefined) return { refused: 'float32, since tiles of bfloat16 do not pay for so few rows: ' };
  return n < LEAST_COLUMNS || k < LEAST_DEPTH ? { row, refused: 'float32, since bfloat16 does not pay for so few channels: ' } : { row };
}
