/** Which cases a row of the table is timed on. */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import type { TypedArray } from '../../lib/dtype.js';
import { attentionKernelCase, benchCases as attentions } from './attention.js';
import { bytePoolBenchCases } from './byte-pool.js';
import { byteSumBenchCases } from './byte-sum.js';
import { cachedKernelCases } from './cache.js';
import type { KernelCase } from './case.js';
import { convKernelCase, benchCases as convs, depthwiseBenchCases, depthwiseKernelCase } from './conv.js';
import { gemmDirectKernelCase, gemmKernelCase, matmulGenericCase, benchCases as products } from './gemm.js';
import { imageCases } from './images.js';
import { integerBenchCases } from './integer.js';
import { depthwiseBytesBenchCases } from './integer-depthwise.js';
import { blockKernelCase, benchCases as blocks } from './inverted-residual.js';
import { moveCases } from './moves.js';
import { lpCase, momentsCase, cases as norms } from './norm.js';
import { cases as pointwise } from './pointwise.js';
import { poolBenchCases, poolKernelCase } from './pool.js';
import { quantizeCases } from './quantize.js';
import { cases as reductions } from './reduce.js';
import { cases as recurrent } from './rnn.js';
import { cases as scans } from './scan.js';
import { cases as selections } from './select.js';
import { byteSoftmaxBenchCases, cases as softmaxes } from './softmax.js';
import { stemKernelCase, benchCases as stems } from './stem.js';

const plain: readonly KernelCase[] = [
  ...attentions.map(attentionKernelCase),
  ...cachedKernelCases,
  ...moveCases,
  ...imageCases,
  ...[...norms, ...pointwise, ...reductions, ...recurrent, ...scans, ...selections, ...softmaxes].filter((c) => c.bench),
  momentsCase(8, 64, 56 * 56),
  lpCase(2, 512, 768, 1),
  ...poolBenchCases.map(poolKernelCase),
  ...bytePoolBenchCases,
  ...byteSoftmaxBenchCases,
  ...byteSumBenchCases,
  ...depthwiseBenchCases.map(depthwiseKernelCase),
];

const arrays: Readonly<Record<string, { new (length: number): TypedArray }>> = {
  f32: Float32Array,
  f64: Float64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
};

/** Operations whose operands all change with the row's type, so that float32's cases do for every type. */
const uniform = new Set(['reduce', 'softmax', 'norm_rows', 'arg_reduce', 'topk', 'scan', 'unique', 'einsum', 'affine_grid', 'dft', 'pool']);

/** A float32 case with every float32 operand of another type; zeros, which take as long as other numbers. */
function retyped(c: KernelCase, type: string): KernelCase {
  const Type = arrays[type];
  const change = (list: (TypedArray | undefined)[]) => list.map((a) => (a instanceof Float32Array && Type ? new Type(a.length) : a));
  return { ...c, dtypes: type, outputs: () => change(c.outputs()), inputs: () => change(c.inputs()) };
}

/** Everything that this row is timed on; empty where nobody has written a case. */
export function casesOf(row: KernelRow): KernelCase[] {
  switch (row.op) {
    case 'gemm':
      return products.map((c) => gemmKernelCase(c, row));
    case 'gemm_direct':
      return products.filter((c) => c.batch !== undefined || c.m === 1).map(gemmDirectKernelCase);
    case 'matmul_generic':
      return [matmulGenericCase(row)];
    case 'conv':
      return convs.map((c) => convKernelCase(c, row));
    case 'gemm_i8':
    case 'conv_i8':
    case 'conv_rows_i8':
      return integerBenchCases(row);
    case 'depthwise_i8':
      return depthwiseBytesBenchCases(row);
    case 'stem':
      return stems.map((c) => stemKernelCase(c, row));
    case 'conv_winograd':
    case 'conv_winograd2':
      return convs.filter((c) => c.kernel.every((k) => k === 3) && c.strides?.every((s) => s === 1)).map((c) => convKernelCase(c, row));
    case 'inverted_residual':
      return blocks.map((c) => blockKernelCase(c, row));
    case 'conv_transpose':
      return convs
        .filter((c) => c.strides?.[0] === 2)
        .slice(0, 1)
        .map((c) => ({ ...c, name: '4x4 s2 64→32 @56', size: [56, 56], channels: 64, outChannels: 32, kernel: [4, 4], pads: [1, 1, 1, 1], transposed: true }))
        .map((c) => convKernelCase(c, row));
  }
  const own = [...plain.filter((c) => c.op === row.op && (c.dtypes === row.dtypes || c.dtypes === 'any')), ...quantizeCases(row)];
  if (own.length > 0 || !uniform.has(row.op)) return own;
  // One case is enough to see what a type costs.
  return plain
    .filter((c) => c.op === row.op)
    .slice(0, 1)
    .map((c) => retyped(c, row.dtypes));
}
