/**
 * Ways over constant weights of which two of every four along k are zero. Few rows are multiplied straight from compressed weights, since memory
 * decides; many by panels that share a mask, since they do half the steps. Plain 2:4 weights and many rows stay dense on a processor: choosing values
 * by position costs as much there as multiplying all of them. A GPU's matrix units choose them on their own.
 */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import type { WeightLayout } from '../compile/sparsity.js';
import type { Ref } from '../compile/step.js';
import { elementCount } from '../graph/dim.js';
import type { Constant, Value } from '../graph/graph.js';
import { activationOffset, BYTE_WEIGHTS } from '../kernels/integer.js';
import { type NarrowType, narrowOf } from '../kernels/narrow.js';
import {
  compressedBytes,
  fragmentBytes,
  pickBytes,
  SPARSE_PLAIN,
  SPARSE_SHARED_16,
  SPARSE_SHARED_32,
  sharedByteBytes,
  sharedBytes,
  sparseCompressParams,
  sparseSharedParams,
} from '../kernels/sparse.js';

/** Constant weights as an operator reads them. */
export interface SparseWeights {
  readonly ref: Ref;
  readonly value: Value | undefined;
  readonly layout: WeightLayout;
  /** Of bytes: what is folded into the bias. */
  readonly bytes?: { readonly bias: Ref | undefined; readonly xZero: number; readonly flip: number };
  /** Of floats: what they may be rounded to. */
  readonly narrow?: NarrowType | undefined;
}

/** Weights as a row wants them, and of bytes the bias with the zero point folded in. */
export interface PackedWeights {
  readonly panels: Ref;
  readonly bias: Ref | undefined;
}

type Emit<T> = (row: KernelRow, packed: PackedWeights, reason: string) => T;

/**
 * Up to so many rows the compressed weights are read faster than dense ones are multiplied, on Zen 4: floats 1.6 to 1.8 times for one and two rows and no
 * more for four (0.94 to 1.04), bytes 1.4, 1.5 and 1.3 times for one, two and eight.
 */
const FEW_ROWS = { floats: 2, bytes: 8 };
/**
 * From so many k on the sparse matrix units of a GPU (from compute capability 8.0 on) are taken, for any number of rows: with half the products a
 * block's begin and end weigh twice, and libraries gain 1.3 to 1.8 times from 1,024 to 2,048 k on. Few rows gain by what is read: 0.63 of the bytes of
 * int8 weights, 0.56 of 16 bits. Where Hopper's dense warpgroup products are asked for, which multiply 1.6 times as fast as mma.sync, they stay.
 * Predicted, not yet measured by bench:gpu.
 */
const GPU_DEPTH = 1024;
/** Rows of pixels or of a matrix from which on a tile that skips is filled. */
const TILE_ROWS = 8;

/** The constant whose zeros are those of `v`: that itself, or what it is but for factors. */
function constantBehind(v: Value): Constant | undefined {
  let at: Value | undefined = v;
  while (at !== undefined && at.constant === undefined) {
    const { producer }: Value = at;
    at = producer?.domain === '' && ['Mul', 'Div', 'Reshape'].includes(producer.op) ? producer.inputs[0] : undefined;
  }
  const constant = at?.constant;
  return constant !== undefined && elementCount(constant.dims) === elementCount(v.dims) ? constant : undefined;
}

/** Which forms the zeros of constant weights have; 0 where they are dense, or nobody knows. */
function flagsOf(low: Lowering, { value, layout, bytes }: SparseWeights): number {
  if (low.patternOf === undefined || value === undefined || layout.n === 0 || layout.inner % 4 !== 0) return 0;
  const constant = constantBehind(value);
  return constant === undefined ? 0 : low.patternOf(constant, layout, bytes?.flip ?? 0);
}

/** Fragments of the matrix units of a GPU. */
function fragmentsOf(low: Lowering, row: KernelRow, w: SparseWeights, type: string) {
  const { n, outer, inner } = w.layout;
  const bytes = w.bytes ? fragmentBytes(outer * inner, n, row.kr, 1, 0) : fragmentBytes(outer * inner, n, row.kr, 2, w.narrow?.headBytes ?? 0);
  return { kernel: low.select('sparse_fragments', type), bytes };
}

/** How a row wants its weights: layout.h, shared.h or fragments.h of native/kernels/sparse. */
type Form = 'compressed' | 'shared' | 'fragments';

function pack(low: Lowering, row: KernelRow, w: SparseWeights, form: Form): PackedWeights {
  const { count, n, outer, inner } = w.layout;
  const k = outer * inner;
  const zero = w.bytes ? w.bytes.xZero - activationOffset(row.isa) : 0;
  const common = { ...w.layout, nr: row.nr, zero, flip: w.bytes?.flip ?? 0 };
  const inputs = [w.ref, w.bytes?.bias];
  const bias = w.bytes && low.temp(4 * count * n, 'bias');
  const reason = { reason: `two of every four, in panels of ${row.nr} columns for ${row.name}` };
  const type = w.bytes ? 'i8' : 'f32';
  if (form === 'shared') {
    const each = w.bytes ? sharedByteBytes(k, n, row.nr, row.kr) : sharedBytes(k, n, row.nr, row.kr);
    const params = { ...common, kr: row.kr, vectorBytes: pickBytes(row.isa), reserved: 0 };
    const [panels, folded] = low.emit(low.select('sparse_shared', type), sparseSharedParams, params, [low.temp(count * each, 'weights'), bias], inputs, reason);
    return { panels: panels as Ref, bias: folded };
  }
  const { kernel, bytes } =
    form === 'fragments'
      ? fragmentsOf(low, row, w, narrowOf(row.dtypes) ?? type)
      : { kernel: low.select('sparse_compress', type), bytes: count * compressedBytes(k, n, row.nr, w.bytes ? 1 : 4) };
  const [panels, folded] = low.emit(kernel, sparseCompressParams, { ...common, apart: 0 }, [low.temp(bytes, 'weights'), bias], inputs, reason);
  return { panels: panels as Ref, bias: folded };
}

const waysOf = <T>(low: Lowering, rows: readonly KernelRow[], w: SparseWeights, form: Form, reason: string, emit: Emit<T>): readonly Way<T>[] =>
  rows.map((row) => ({ name: row.name, reason, emit: (why) => emit(row, pack(low, row, w, form), why) }));

/** On a GPU with sparse matrix units; what the processor has is of no use there. */
function gpuWays<T>(low: Lowering, op: string, w: SparseWeights, emit: Emit<T>): readonly Way<T>[] {
  const type = w.bytes ? BYTE_WEIGHTS : w.narrow?.dtypes;
  const { count, outer, inner } = w.layout;
  if (type === undefined || count !== 1 || outer * inner < GPU_DEPTH) return [];
  const rows = low.tryRows(op, type).filter((row) => row.isa === 'sm80');
  if (rows.length === 0 || (flagsOf(low, w) & SPARSE_PLAIN) === 0) return [];
  return waysOf(low, rows, w, 'fragments', 'two of every four weights, multiplied by sparse matrix units', emit);
}

/** Ways to multiply m rows by weights that are 2:4, where that is the faster one; else none. */
export function sparseRowsWays<T>(low: Lowering, m: number, w: SparseWeights, emit: Emit<T>): readonly Way<T>[] {
  const op = w.bytes ? 'sparse_gemm_i8' : 'sparse_gemm';
  if (low.onGpu) return gpuWays(low, op, w, emit);
  if (m > (w.bytes ? FEW_ROWS.bytes : FEW_ROWS.floats) || w.layout.count !== 1 || (flagsOf(low, w) & SPARSE_PLAIN) === 0) return [];
  return waysOf(low, low.tryRows(op, w.bytes ? BYTE_WEIGHTS : 'f32'), w, 'compressed', 'two of every four weights, read compressed', emit);
}

/** Ways to convolve so many pixels with weights whose panels share a mask; none where they do not. A product of rows is a convolution of one tap. */
export function sharedWays<T>(low: Lowering, pixels: number, w: SparseWeights, emit: Emit<T>): readonly Way<T>[] {
  // Parts of panels would share their mask with those of other channels; a GPU has no rows of this kind.
  if (low.onGpu || pixels < TILE_ROWS || w.layout.n % 16 !== 0) return [];
  const flags = flagsOf(low, w);
  const columns = (flags & SPARSE_SHARED_32) !== 0 ? 32 : (flags & SPARSE_SHARED_16) !== 0 ? 16 : 0;
  const type = w.bytes ? BYTE_WEIGHTS : 'f32';
  const rows = columns === 0 ? [] : low.tryRows(w.bytes ? 'sparse_conv_i8' : 'sparse_conv', type);
  // Half the steps of one lane are more than all steps of a vector: int8 on ARM has no other row yet.
  const dense = low.tryRows(w.bytes ? 'conv_i8' : 'conv', type)[0];
  return waysOf(
    low,
    rows.filter((row) => columns % row.nr === 0 && (row.isa !== 'scalar' || dense?.isa === 'scalar')),
    w,
    'shared',
    `two of every four weights, the same ones in ${columns} channels: half the steps`,
    emit,
  );
}

/** A product of rows as a convolution of one tap. */
export const rowsAsPixels = (m: number, k: number, n: number, ldc: number) => ({
  batch: 1,
  channels: k,
  outChannels: n,
  group: 1,
  inSize: [1, 1, m],
  outSize: [1, 1, m],
  kernel: [1, 1, 1],
  strides: [1, 1, 1],
  pads: [0, 0, 0],
  dilations: [1, 1, 1],
  ldc,
});
