/** Dense float32 matrix products: y[m,n] = activation(scale·Σ_k a[m,k]·b[k,n] + addScale·(bias + residual)), batched. */
import { epilogueFields } from './epilogue.js';
import { kernelParams } from './params.js';

/** Batch dimensions of one call; fewer are padded with 1 in front. */
export const GEMM_BATCH_DIMS = 4;

/**
 * Operands: y, a, packed b, bias?, residual?. Strides count elements. `a` is stored [m, k] with rows `lda` apart, or
 * [k, m] when transA is 1. `b` is packed by gemm_pack_b for the row's nr. Bias of element (m, n): bias[m·biasRow +
 * n·biasColumn]; the residual has the layout of y with its own strides. Batch strides of 0 broadcast.
 */
export const gemmParams = kernelParams('GemmParams', {
  m: 'i64',
  n: 'i64',
  k: 'i64',
  lda: 'i64',
  ldc: 'i64',
  residualRow: 'i64',
  biasRow: 'i64',
  batch: 'i64[4]',
  strideA: 'i64[4]',
  strideB: 'i64[4]',
  strideC: 'i64[4]',
  strideResidual: 'i64[4]',
  biasColumn: 'i32',
  transA: 'i32',
  scale: 'f32',
  addScale: 'f32',
  ...epilogueFields,
  reserved: 'i32',
});

/**
 * The same product with b as it stands: rows `ldb` apart, or [n, k] when transB is 1. For few rows and a b that is computed
 * in every run: packing it would read and write it once more than the product does. Operands: y, a, b, bias?, residual?.
 */
export const gemmDirectParams = kernelParams('GemmDirectParams', {
  m: 'i64',
  n: 'i64',
  k: 'i64',
  lda: 'i64',
  ldb: 'i64',
  ldc: 'i64',
  residualRow: 'i64',
  biasRow: 'i64',
  batch: 'i64[4]',
  strideA: 'i64[4]',
  strideB: 'i64[4]',
  strideC: 'i64[4]',
  strideResidual: 'i64[4]',
  biasColumn: 'i32',
  transB: 'i32',
  scale: 'f32',
  addScale: 'f32',
  ...epilogueFields,
  reserved: 'i32',
});

/** Up to so many rows gemm_direct is the faster one for a b that is not constant. */
export const GEMM_DIRECT_ROWS = 6;
/** Up to so many rows it may be the faster one for some b: what a tuner tries. */
export const GEMM_DIRECT_TRIED = 32;

/**
 * Packs `count` matrices b[k, n] (rows `ldb` apart, or [n, k] when transB is 1; `stride` between matrices) into panels of
 * nr columns: ⌈n/nr⌉ panels [k][nr] a matrix, zeros past n. Operands: packed, b.
 */
export const gemmPackBParams = kernelParams('GemmPackBParams', {
  count: 'i64',
  k: 'i64',
  n: 'i64',
  ldb: 'i64',
  stride: 'i64',
  transB: 'i32',
  nr: 'i32',
});

/** Elements of one packed matrix. */
export function packedElements(k: number, n: number, nr: number): number {
  return Math.ceil(n / nr) * nr * k;
}

/** The same product for every other element type, unpacked: b has rows `ldb` apart, or is [n, k] when transB is 1. Operands: y, a, b, bias?. */
export const matmulGenericParams = kernelParams('MatmulGenericParams', {
  m: 'i64',
  n: 'i64',
  k: 'i64',
  lda: 'i64',
  ldb: 'i64',
  biasRow: 'i64',
  batch: 'i64[4]',
  strideA: 'i64[4]',
  strideB: 'i64[4]',
  biasColumn: 'i32',
  transA: 'i32',
  transB: 'i32',
  scale: 'f32',
  addScale: 'f32',
  reserved: 'i32',
});

/** Whether a product has so many tiles of 128 x 256 (native/kernels/gemm/tiles_sm90.h) that most of a Hopper's multiprocessors get one, and pays for the copy of a. */
export const fillsWarpgroups = (m: number, n: number, k: number): boolean => Math.ceil(m / 128) * Math.ceil(n / 256) >= 100 && k >= 512;
