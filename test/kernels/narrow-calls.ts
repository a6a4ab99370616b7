/** Products with weights of 16 bits, packed on the way. */
import { type ConvCase, convParamsOf, outputSize } from '../../bench/cases/conv.js';
import { type GemmCase, gemmCaseParams, gemmSizes, packedSizes } from '../../bench/cases/gemm.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { convParams } from '../../lib/kernels/conv.js';
import { activation } from '../../lib/kernels/epilogue.js';
import { gemmParams } from '../../lib/kernels/gemm.js';
import { type NarrowType, narrowPackParams, packedNumbers } from '../../lib/kernels/narrow.js';
import type { Operands } from './gemm-reference.js';
import { callKernel, rowNamed } from './harness.js';

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** `gap`: numbers between the packed matrices of a batch of one dimension. */
export function narrowGemm(type: NarrowType, row: KernelRow, c: GemmCase, o: Operands, threads = 1, gap = 0): Float32Array {
  const sizes = packedSizes(c, row);
  const { count, y: result } = gemmSizes(c, row.nr);
  const packed = new Uint16Array(sizes.size);
  const [strideN, strideInner] = c.transB ? [c.k, 1] : [1, c.n];
  const params = { count, stride: c.n * c.k, n: c.n, strideN, outer: 1, strideOuter: 0, inner: c.k, strideInner, nr: row.nr, kr: row.kr };
  callKernel(rowNamed(`${type.pack}_scalar`), narrowPackParams, params, [packed], [o.b], { threads });
  const y = new Float32Array(result.size);
  const each = sizes.strides[3] as number;
  const apart = gap === 0 ? packed : new Uint16Array(sizes.size + gap * count);
  for (let i = 0; gap > 0 && i < count; i++) apart.set(packed.subarray(i * each, (i + 1) * each), i * (each + gap));
  const strideB = gap === 0 ? sizes.strides : [0, 0, 0, each + gap];
  const call = { ...gemmCaseParams(c, row.nr, activation.value(c.activation ?? 'none')), strideB };
  callKernel(row, gemmParams, call, [y], [o.a, apart, o.bias, o.residual], { threads });
  return y;
}

type ConvOperands = readonly [x: Float32Array, w: Float32Array, bias: Float32Array | undefined, residual: Float32Array | undefined];

export function narrowConv(type: NarrowType, row: KernelRow, c: ConvCase, [x, w, bias, residual]: ConvOperands, threads = 1): Float32Array {
  const group = c.group ?? 1;
  const [taps, inner, n] = [product(c.kernel), c.channels / group, c.outChannels / group];
  const packed = new Uint16Array(group * packedNumbers(type, taps * inner, n, row.nr, row.kr));
  const layout = { count: group, stride: n * inner * taps, n, strideN: inner * taps, outer: taps, strideOuter: 1, inner, strideInner: taps };
  callKernel(rowNamed(`${type.pack}_scalar`), narrowPackParams, { ...layout, nr: row.nr, kr: row.kr }, [packed], [w]);
  const params = convParamsOf(c);
  const y = new Float32Array(c.batch * product(outputSize(c)) * params.ldc);
  callKernel(row, convParams, params, [y], [x, packed, bias, residual], { threads });
  return y;
}
