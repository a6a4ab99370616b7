/** Lowers one batched matrix product, whatever operator asked for it: MatMul, Gemm, dsnk.MatMul and Einsum share this. */

import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { byteSize, type DType } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import type { Node, Value } from '../graph/graph.js';
import { convParams } from '../kernels/conv.js';
import { type Activation, type ActivationName, activation, epilogueParams, noActivation } from '../kernels/epilogue.js';
import {
  GEMM_BATCH_DIMS,
  GEMM_DIRECT_ROWS,
  GEMM_DIRECT_TRIED,
  gemmDirectParams,
  gemmPackBParams,
  gemmParams,
  matmulGenericParams,
  packedElements,
} from '../kernels/gemm.js';
import { type NarrowType, packedNumbers } from '../kernels/narrow.js';
import { stridesOf } from './known.js';
import { packNarrow, withNarrow } from './narrow.js';
import { rowsAsPixels, type SparseWeights, sharedWays, sparseRowsWays } from './sparse.js';
import { copyView } from './strided.js';

/** A dense operand: batch dimensions, then a matrix. */
export interface Matrices {
  readonly ref: Ref;
  /** Batch dimensions, broadcast against those of the result from the right. */
  readonly batch: readonly number[];
  /** True when the matrix is stored with its two dimensions exchanged. */
  readonly transposed: boolean;
  /** What it is, where it may be weights. */
  readonly value?: Value;
}

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Batch dimensions of the result. */
  readonly batch: readonly number[];
  readonly a: Matrices;
  readonly b: Matrices;
  readonly out: Ref;
  readonly scale?: number;
  readonly addScale?: number;
  /** Element (row, column) is bias[row·biasRow + column·biasColumn]. */
  readonly bias?: { readonly ref: Ref; readonly row: number; readonly column: 0 | 1 } | undefined;
  /** Elements from row to row of the result, where it is not dense; only without batch dimensions. */
  readonly rowStride?: number;
  /** As large as the result, dense. */
  readonly residual?: Ref | undefined;
  readonly activation?: Activation;
}

/** Batch strides of an operand along the result's batch dimensions, in matrices: 0 where it broadcasts. */
function matrixStrides(batch: readonly number[], result: readonly number[]): number[] {
  const own = [...Array<number>(result.length - batch.length).fill(1), ...batch];
  return stridesOf(own).map((s, d) => (own[d] === 1 ? 0 : s));
}

interface Batch {
  readonly dims: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** The same walk over the batch with the fewest dimensions. */
function collapseBatch(dims: readonly number[], a: readonly number[], b: readonly number[]): Batch {
  const out: { n: number; a: number; b: number }[] = [];
  dims.forEach((n, d) => {
    if (n === 1) return;
    const next = { n, a: a[d] as number, b: b[d] as number };
    const last = out.at(-1);
    if (last !== undefined && last.a === n * next.a && last.b === n * next.b) out[out.length - 1] = { n: last.n * n, a: next.a, b: next.b };
    else out.push(next);
  });
  return { dims: out.map((x) => x.n), a: out.map((x) => x.a), b: out.map((x) => x.b) };
}

const four = (list: readonly number[], fill: number) => [...Array<number>(GEMM_BATCH_DIMS - list.length).fill(fill), ...list];

/** An operand repeated along every batch dimension: for batches that no four strides describe. */
function repeated(low: Lowering, x: Matrices, matrix: number, batch: readonly number[], dtype: DType): Matrices {
  const bytes = byteSize(dtype, 1);
  const to = low.temp(bytes * matrix * elementCount(batch), 'repeated');
  const strides = [...matrixStrides(x.batch, batch).map((s) => s * matrix), 1];
  return { ref: copyView(low, to, x.ref, { dims: [...batch, matrix], strides, offset: 0 }, bytes), batch, transposed: x.transposed };
}

/** The activation that a node carries, under attributes of that prefix where it carries several. */
export function fusedActivation(node: Node, prefix = ''): Activation {
  const kind = activation.members[activation.value(node.string(`${prefix}activation`, 'none') as ActivationName)] as ActivationName;
  return { kind, alpha: node.float(`${prefix}alpha`, 0), beta: node.float(`${prefix}beta`, 0) };
}

/** Emits the product. Returns where it is to be read (see Lowering.emit). */
export function lowerProduct(low: Lowering, product: Product, dtype: DType): Ref {
  return low.choose(productWays(low, product, dtype));
}

/** The ways to compute a product, best guess first. */
export function productWays(low: Lowering, product: Product, dtype: DType): readonly Way<Ref>[] {
  let { a, b } = product;
  const { k, n } = product;
  let { m } = product;
  let batch = collapseBatch(product.batch, matrixStrides(a.batch, product.batch), matrixStrides(b.batch, product.batch));
  if (batch.dims.length > GEMM_BATCH_DIMS) {
    a = repeated(low, a, m * k, product.batch, dtype);
    b = repeated(low, b, k * n, product.batch, dtype);
    batch = collapseBatch(product.batch, matrixStrides(a.batch, product.batch), matrixStrides(b.batch, product.batch));
  }
  // [batch, m, k] · [k, n] is [batch·m, k] · [k, n]: one tall product instead of many.
  if (!a.transposed && (product.bias?.row ?? 0) === 0 && batch.dims.length === 1 && batch.b[0] === 0 && batch.a[0] === 1) {
    m *= batch.dims[0] as number;
    batch = { dims: [], a: [], b: [] };
  }
  const dims = four(batch.dims, 1);
  const biasFields = { biasRow: product.bias?.row ?? 0, biasColumn: product.bias?.column ?? 0 };
  const scales = { scale: product.scale ?? 1, addScale: product.addScale ?? 1 };
  const strideA = four(batch.a, 0).map((s) => s * product.m * k);
  const lda = a.transposed ? product.m : k;
  const last = product.activation ?? noActivation;
  if (dtype !== 'float32') {
    if (product.residual !== undefined || last.kind !== 'none') throw new Error(`${low.node.where}: only float32 products are fused`);
    const strideB = four(batch.b, 0).map((s) => s * k * n);
    const row = low.select('matmul_generic', low.outDtype());
    const generic = (reason: string) =>
      low.emit(
        row,
        matmulGenericParams,
        {
          m,
          n,
          k,
          lda,
          ldb: b.transposed ? k : n,
          ...biasFields,
          batch: dims,
          strideA,
          strideB,
          transA: a.transposed ? 1 : 0,
          transB: b.transposed ? 1 : 0,
          ...scales,
          reserved: 0,
        },
        [product.out],
        [a.ref, b.ref, product.bias?.ref],
        { reason },
      )[0] as Ref;
    return [{ name: row.name, reason: `first usable ${row.op} row for ${row.dtypes}`, emit: generic }];
  }
  const strideC: number[] = [];
  for (let d = GEMM_BATCH_DIMS - 1, s = m * n; d >= 0; d--) {
    strideC[d] = s;
    s *= dims[d] as number;
  }
  const common = { m, n, k, lda, ldc: product.rowStride ?? n, residualRow: n, ...biasFields, batch: dims, strideA, strideC, strideResidual: strideC };
  const epilogue = { ...scales, ...epilogueParams(last), reserved: 0 };
  const inputs = [product.bias?.ref, product.residual];
  const direct = (row: KernelRow): Way<Ref> => ({
    name: row.name,
    reason: `at most ${GEMM_DIRECT_ROWS} rows, and b is not constant`,
    emit: (reason) =>
      low.emit(
        row,
        gemmDirectParams,
        { ...common, ldb: b.transposed ? k : n, strideB: four(batch.b, 0).map((s) => s * k * n), transB: b.transposed ? 1 : 0, ...epilogue },
        [product.out],
        [a.ref, b.ref, ...inputs],
        { reason },
      )[0] as Ref,
  });
  const packed = (row: KernelRow): Way<Ref> => ({
    name: row.name,
    reason: `first usable ${row.op} row for ${row.dtypes}`,
    emit: (reason) => {
      const count = elementCount(b.batch);
      const each = packedElements(k, n, row.nr);
      const [panels] = low.emit(
        low.select('gemm_pack_b', 'f32'),
        gemmPackBParams,
        { count, k, n, ldb: b.transposed ? k : n, stride: k * n, transB: b.transposed ? 1 : 0, nr: row.nr },
        [low.temp(4 * count * each, 'packed')],
        [b.ref],
        { reason: `panels of ${row.nr} columns for ${row.name}` },
      );
      return low.emit(
        row,
        gemmParams,
        { ...common, strideB: four(batch.b, 0).map((s) => s * each), transA: a.transposed ? 1 : 0, ...epilogue },
        [product.out],
        [a.ref, panels, ...inputs],
        { reason },
      )[0] as Ref;
    },
  });
  const narrow = (type: NarrowType, row: KernelRow): Way<Ref> => ({
    name: row.name,
    reason: `operands rounded to ${type.title}`,
    emit: (reason) => {
      const [strideN, strideInner] = b.transposed ? [k, 1] : [1, n];
      const layout = { count: elementCount(b.batch), stride: k * n, n, strideN, outer: 1, strideOuter: 0, inner: k, strideInner };
      const each = packedNumbers(type, k, n, row.nr, row.kr);
      return low.emit(
        row,
        gemmParams,
        { ...common, strideB: four(batch.b, 0).map((s) => s * each), transA: a.transposed ? 1 : 0, ...epilogue },
        [product.out],
        [a.ref, packNarrow(low, type, row, b.ref, layout), ...inputs],
        { reason },
      )[0] as Ref;
    },
  });
  const rounded = low.narrow('gemm', b.ref, { m, n, k });
  const sparse = (): readonly Way<Ref>[] => {
    if (a.transposed || !b.ref.buffer.constant || batch.dims.length > 0 || elementCount(b.batch) !== 1) return [];
    const [strideN, strideInner] = b.transposed ? [k, 1] : [1, n];
    const layout = { count: 1, stride: 0, n, strideN, outer: 1, strideOuter: 0, inner: k, strideInner };
    const w: SparseWeights = { ref: b.ref, value: b.value, layout, narrow: rounded.refused === undefined ? rounded.type : undefined };
    if (rounded.row?.isa === 'sm90') return [];
    const few = sparseRowsWays(low, m, w, (row, { panels }, reason) => {
      const params = { ...common, strideB: [0, 0, 0, 0], transA: 0, ...epilogue };
      return low.emit(row, gemmParams, params, [product.out], [a.ref, panels, ...inputs], { reason })[0] as Ref;
    });
    const plainEnd = scales.scale === 1 && (scales.addScale === 1 || (product.bias ?? product.residual) === undefined) && biasFields.biasRow === 0;
    if (!plainEnd || (product.bias !== undefined && biasFields.biasColumn === 0)) return few;
    const shared = sharedWays(low, m, w, (row, { panels }, reason) => {
      const params = { ...rowsAsPixels(m, k, n, product.rowStride ?? n), ...epilogueParams(last) };
      return low.emit(row, convParams, params, [product.out], [a.ref, panels, ...inputs], { reason })[0] as Ref;
    });
    return [...few, ...shared];
  };
  const skipping = sparse();
  // Those of a GPU come before dense ones of 16 bits.
  const [first, second] = low.onGpu ? [skipping, []] : [[], skipping];
  const packedWays = [...second, ...low.rows('gemm', 'f32').map(packed)];
  // A GPU reads what another kernel has just written as it stands: there is no packing it in time.
  if (low.onGpu && !a.transposed && !b.ref.buffer.constant) return [...low.rows('gemm_direct', 'f32').map(direct), ...packedWays];
  if (a.transposed || m > GEMM_DIRECT_TRIED) return [...first, ...withNarrow(rounded, narrow, packedWays)];
  const directWays = low.rows('gemm_direct', 'f32').map(direct);
  const wide = m <= GEMM_DIRECT_ROWS && !b.ref.buffer.constant ? [...directWays, ...packedWays] : [...packedWays, ...directWays];
  return [...first, ...withNarrow(rounded, narrow, wide)];
}
