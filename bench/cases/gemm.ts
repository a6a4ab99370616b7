/** Shapes of gemm, shared by test/kernels/gemm.test.ts and the bench. */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { type ActivationName, activation } from '../../lib/kernels/epilogue.js';
import { gemmDirectParams, gemmParams, matmulGenericParams } from '../../lib/kernels/gemm.js';
import { narrowOf, narrowTypes } from '../../lib/kernels/narrow.js';
import type { ParamsOf } from '../../lib/kernels/params.js';
import { floats, type KernelCase } from './case.js';

export interface GemmCase {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Batch dimensions of the result, and which of them a and b broadcast along. */
  readonly batch?: readonly number[];
  readonly broadcastA?: readonly boolean[];
  readonly broadcastB?: readonly boolean[];
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly ldc?: number;
  readonly bias?: 'column' | 'row' | 'one' | 'matrix';
  readonly residual?: boolean;
  readonly scale?: number;
  readonly addScale?: number;
  readonly activation?: ActivationName;
  readonly alpha?: number;
  readonly beta?: number;
}

/** Small cases around every edge of the tiles and blocks (nr 4, 16, 32; mr 3, 6, 14; kc 512, mc 252, nc 256). */
export const edgeCases: readonly GemmCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 27, 29].map((m) => ({ name: `m ${m}`, m, n: 33, k: 19 })),
  ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 161].map((n) => ({ name: `n ${n}`, m: 15, n, k: 7 })),
  ...[15, 16, 17, 32, 48, 64, 100, 127, 128, 129, 200].flatMap((n) => [1, 2, 3, 5].map((m) => ({ name: `few rows ${m}x${n}`, m, n, k: 37 }))),
  ...[1, 2, 3, 4, 5, 8, 511, 512, 513, 1030].map((k) => ({ name: `k ${k}`, m: 17, n: 35, k })),
  { name: 'few rows, large k', m: 2, n: 70, k: 1500 },
  { name: 'beyond one block of m', m: 260, n: 35, k: 30 },
  { name: 'beyond one block of n and of k', m: 15, n: 300, k: 530, bias: 'column', residual: true },
  { name: 'rows of a 2 KB apart', m: 20, n: 70, k: 512 },
  { name: 'rows of a 4 KB apart', m: 16, n: 70, k: 1024 },
  { name: 'beyond two blocks of m', m: 530, n: 5, k: 20 },
  // One for each shape of the tiles of a small GPU.
  { name: 'many whole tiles', m: 1300, n: 100, k: 8 },
  { name: 'many rows, few columns', m: 520, n: 8, k: 12, bias: 'column' },
  { name: 'ten tiles', m: 520, n: 70, k: 8 },
  { name: 'four tiles', m: 130, n: 130, k: 9, residual: true, activation: 'silu' },
  { name: 'three tiles', m: 130, n: 8, k: 10, bias: 'row' },
  // One more than the emulated GPU has multiprocessors, of Hopper's tiles of 128x256.
  { name: 'nine large tiles', m: 260, n: 520, k: 330, bias: 'column', residual: true, activation: 'relu' },
  { name: 'no rows', m: 0, n: 5, k: 3 },
  { name: 'no columns', m: 5, n: 0, k: 3 },
  { name: 'no k', m: 5, n: 37, k: 0, bias: 'column', activation: 'relu' },
  { name: 'no k, nothing else', m: 5, n: 37, k: 0 },
  { name: 'a transposed', m: 37, n: 33, k: 29, transA: true },
  { name: 'a transposed, blocks', m: 255, n: 9, k: 520, transA: true },
  { name: 'a transposed, few rows', m: 3, n: 70, k: 900, transA: true },
  { name: 'b transposed', m: 9, n: 70, k: 41, transB: true },
  { name: 'both transposed', m: 20, n: 21, k: 22, transA: true, transB: true },
  { name: 'ldc', m: 21, n: 37, k: 23, ldc: 64, residual: true, bias: 'column' },
  { name: 'ldc, blocks of k', m: 21, n: 37, k: 600, ldc: 50, bias: 'column', activation: 'relu' },
  { name: 'bias one', m: 8, n: 40, k: 9, bias: 'one' },
  { name: 'bias row', m: 29, n: 40, k: 9, bias: 'row' },
  { name: 'bias matrix', m: 29, n: 41, k: 9, bias: 'matrix', addScale: 0.5 },
  { name: 'scale', m: 29, n: 41, k: 9, bias: 'column', scale: 0.125, addScale: -2 },
  ...(['relu', 'leakyRelu', 'elu', 'sigmoid', 'hardSigmoid', 'silu', 'hardSwish', 'tanh', 'gelu', 'geluTanh', 'softplus', 'mish'] as const).map(
    (activation) => ({ name: activation, m: 19, n: 37, k: 21, bias: 'column' as const, residual: true, activation, alpha: 0.2, beta: 0.5 }),
  ),
  { name: 'clip', m: 19, n: 37, k: 21, bias: 'column', activation: 'clip', alpha: -0.5, beta: 0.75 },
  { name: 'batch', m: 9, n: 20, k: 8, batch: [5] },
  { name: 'batch, b shared', m: 9, n: 20, k: 8, batch: [3, 2], broadcastB: [true, true] },
  { name: 'batch, crossed', m: 9, n: 20, k: 8, batch: [3, 1, 4], broadcastA: [true, false, false], broadcastB: [false, false, true], residual: true },
  { name: 'batch of none', m: 9, n: 20, k: 8, batch: [2, 0] },
];

/** M x K x N of the 1x1 convolutions of MobileNets and of ViT-Tiny. */
const skinny = (m: number, ...sizes: readonly (readonly [k: number, n: number])[]): GemmCase[] =>
  sizes.map(([k, n]) => ({ name: `skinny ${m}x${k}x${n}`, m, k, n, bias: 'column' }));

/** Shapes for the bench: cubes, MobileNet's skinny ones, attention and single rows. */
export const benchCases: readonly GemmCase[] = [
  { name: '128³', m: 128, n: 128, k: 128 },
  { name: '256³', m: 256, n: 256, k: 256 },
  { name: '512³', m: 512, n: 512, k: 512 },
  { name: '1024³', m: 1024, n: 1024, k: 1024 },
  { name: 'MobileNet 49', m: 49, n: 1024, k: 1024, bias: 'column', activation: 'relu' },
  { name: 'MobileNet 196', m: 196, n: 512, k: 512, bias: 'column', activation: 'relu' },
  { name: 'MobileNet 784', m: 784, n: 256, k: 256, bias: 'column', activation: 'relu' },
  { name: 'MobileNetV2 784 expand', m: 784, n: 192, k: 32, bias: 'column', activation: 'clip', alpha: 0, beta: 6 },
  { name: 'MobileNetV2 784 project', m: 784, n: 32, k: 192, bias: 'column' },
  { name: 'MobileNetV2 3136 project', m: 3136, n: 24, k: 96, bias: 'column' },
  ...skinny(49, [960, 160], [160, 960], [320, 1280], [576, 96], [1024, 1024]),
  ...skinny(196, [96, 576], [576, 96], [384, 64], [112, 672], [512, 512]),
  ...skinny(784, [32, 192], [192, 32], [144, 24], [40, 240]),
  ...skinny(197, [192, 576], [192, 192], [192, 768], [768, 192]),
  { name: 'classifier', m: 1, n: 1000, k: 1280, bias: 'column' },
  { name: 'BERT projection', m: 128, n: 768, k: 768, bias: 'column' },
  { name: 'BERT feed-forward', m: 128, n: 3072, k: 768, bias: 'column', activation: 'gelu' },
  { name: 'attention scores', m: 128, n: 128, k: 64, batch: [12], transB: true, scale: 0.125 },
  { name: 'attention values', m: 128, n: 64, k: 128, batch: [12] },
  { name: 'one row, in L2', m: 1, n: 512, k: 384 },
  { name: 'one row, from memory', m: 1, n: 4096, k: 4096 },
];

/** Elements of each operand and the parameters of a case for a row of that nr. */
export function gemmSizes(c: GemmCase, nr: number) {
  const batch = [...Array(4 - (c.batch?.length ?? 0)).fill(1), ...(c.batch ?? [])] as number[];
  const pad = (flags: readonly boolean[] | undefined) => [...Array(4 - (flags?.length ?? 0)).fill(false), ...(flags ?? [])] as boolean[];
  const dense = (broadcast: readonly boolean[], matrix: number) => {
    const strides: number[] = [0, 0, 0, 0];
    let size = matrix;
    for (let d = 3; d >= 0; d--) {
      strides[d] = broadcast[d] ? 0 : size;
      if (!broadcast[d]) size *= batch[d] as number;
    }
    return { strides, size };
  };
  const ldc = c.ldc ?? c.n;
  const none = pad(undefined);
  const a = dense(pad(c.broadcastA), c.m * c.k);
  const b = dense(pad(c.broadcastB), c.n * c.k);
  const packed = dense(pad(c.broadcastB), Math.ceil(c.n / nr) * nr * c.k);
  const y = dense(none, c.m * ldc);
  const residual = dense(none, c.m * c.n);
  const count = c.n * c.k === 0 ? 0 : b.size / (c.n * c.k);
  const bias = c.bias === undefined ? 0 : { column: c.n, row: c.m, one: 1, matrix: c.m * c.n }[c.bias];
  return { batch, a, b, packed, y, residual, count, bias, ldc };
}

export function gemmCaseParams(c: GemmCase, nr: number, activation: number): ParamsOf<typeof gemmParams> {
  const s = gemmSizes(c, nr);
  return {
    m: c.m,
    n: c.n,
    k: c.k,
    lda: c.transA ? c.m : c.k,
    ldc: s.ldc,
    residualRow: c.n,
    biasRow: c.bias === 'row' ? 1 : c.bias === 'matrix' ? c.n : 0,
    batch: s.batch,
    strideA: s.a.strides,
    strideB: s.packed.strides,
    strideC: s.y.strides,
    strideResidual: s.residual.strides,
    biasColumn: c.bias === 'column' || c.bias === 'matrix' ? 1 : 0,
    transA: c.transA ? 1 : 0,
    scale: c.scale ?? 1,
    addScale: c.addScale ?? 1,
    activation,
    alpha: c.alpha ?? 0,
    beta: c.beta ?? 0,
    reserved: 0,
  };
}

/** The same case for gemm_direct, which takes b as it stands. */
export function gemmDirectCaseParams(c: GemmCase, activation: number): ParamsOf<typeof gemmDirectParams> {
  const { transA: _, strideB: __, ...common } = gemmCaseParams(c, 1, activation);
  return { ...common, ldb: c.transB ? c.k : c.n, strideB: gemmSizes(c, 1).b.strides, transB: c.transB ? 1 : 0 };
}

/** Floating-point operations of a case. */
export function gemmFlops(c: GemmCase): number {
  return 2 * c.m * c.n * c.k * (c.batch ?? []).reduce((a, b) => a * b, 1);
}

/** Packed weights of no meaning, in the element type of the row: positive numbers below 2. */
export const weights = (length: number, narrow: boolean) => (narrow ? new Uint16Array(length).fill(0x3c00) : floats(length, 2));

/** Sizes where b is packed for a row: narrow weights end at multiples of kr, and each column takes a head. */
export function packedSizes(c: GemmCase, row: KernelRow) {
  const narrow = narrowOf(row.dtypes);
  if (narrow === undefined) return gemmSizes(c, row.nr).packed;
  const depth = c.k === 0 ? 0 : Math.ceil(c.k / row.kr) * row.kr + narrowTypes[narrow].headBytes / 2;
  return gemmSizes({ ...c, k: depth }, row.nr).packed;
}

/** A case as one call of a row of gemm: b's layout is the row's. */
export function gemmKernelCase(c: GemmCase, row: KernelRow): KernelCase {
  const s = gemmSizes(c, row.nr);
  const packed = packedSizes(c, row);
  return {
    name: `gemm ${c.name}`,
    op: 'gemm',
    dtypes: row.dtypes,
    schema: gemmParams,
    params: { ...gemmCaseParams(c, row.nr, activation.value(c.activation ?? 'none')), strideB: packed.strides },
    outputs: () => [new Float32Array(s.y.size)],
    inputs: () => [
      floats(s.a.size, 1),
      weights(packed.size, narrowOf(row.dtypes) !== undefined),
      c.bias && floats(s.bias, 3),
      c.residual ? floats(s.residual.size, 4) : undefined,
    ],
    bench: true,
    flops: gemmFlops(c),
  };
}

/** The product of two matrices of side 128, for the rows of every other element type. */
export function matmulGenericCase(row: KernelRow): KernelCase {
  const [side, one] = [128, [1, 1, 1, 1]];
  const none = [0, 0, 0, 0];
  const zeros = () => {
    const bytes = row.dtypes.endsWith('64') ? 8 : row.dtypes.endsWith('32') ? 4 : 2;
    return new Uint8Array(side * side * bytes);
  };
  return {
    name: '128³',
    op: 'matmul_generic',
    dtypes: row.dtypes,
    schema: matmulGenericParams,
    params: {
      m: side,
      n: side,
      k: side,
      lda: side,
      ldb: side,
      biasRow: 0,
      batch: one,
      strideA: none,
      strideB: none,
      biasColumn: 0,
      transA: 0,
      transB: 0,
      scale: 1,
      addScale: 1,
      reserved: 0,
    },
    outputs: () => [zeros()],
    inputs: () => [zeros(), zeros(), undefined],
    bench: true,
    flops: 2 * side ** 3,
  };
}

/** A case as one call of a row of gemm_direct. */
export function gemmDirectKernelCase(c: GemmCase): KernelCase {
  const s = gemmSizes(c, 1);
  return {
    name: `gemm_direct ${c.name}`,
    op: 'gemm_direct',
    dtypes: 'f32',
    schema: gemmDirectParams,
    params: gemmDirectCaseParams(c, activation.value(c.activation ?? 'none')),
    outputs: () => [new Float32Array(s.y.size)],
    inputs: () => [floats(s.a.size, 1), floats(s.b.size, 2), c.bias && floats(s.bias, 3), c.residual ? floats(s.residual.size, 4) : undefined],
    bench: true,
    flops: gemmFlops(c),
  };
}
