/** Quantized kernels at sizes of real networks; for the bench. */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { dynamicQuantizeParams, integerConvParams, integerMatmulParams, quantizeParams, quantType, scaleLayout } from '../../lib/kernels/quantize.js';
import { floats, type KernelCase, mulberry32 } from './case.js';

const N = 1 << 20;

function small(type: string, length: number, seed: number): Uint8Array | Int8Array {
  const next = mulberry32(seed);
  const values = { length };
  return type === 'u8' ? Uint8Array.from(values, () => next() * 256) : Int8Array.from(values, () => next() * 256 - 128);
}

const linear = (op: 'quantize_linear' | 'dequantize_linear', layout: 'tensor' | 'axis'): KernelCase => {
  const down = op === 'quantize_linear';
  const [wide, narrow] = [quantType.value('f32'), quantType.value('u8')];
  const scales = layout === 'axis' ? 64 : 1;
  return {
    name: `${op} 1M, scale per ${layout}`,
    op,
    dtypes: 'any',
    schema: quantizeParams,
    params: {
      outer: N / 64,
      axis: 64,
      inner: 1,
      block: 1,
      layout: scaleLayout.value(layout),
      from: down ? wide : narrow,
      to: down ? narrow : wide,
      scale: wide,
      precision: wide,
      saturate: 1,
    },
    outputs: () => [down ? new Uint8Array(N) : new Float32Array(N)],
    inputs: () => [down ? floats(N, 1) : small('u8', N, 1), floats(scales, 2, 0.01, 0.02), small('u8', scales, 3)],
    bench: true,
  };
};

const simple: readonly KernelCase[] = [
  linear('quantize_linear', 'tensor'),
  linear('quantize_linear', 'axis'),
  linear('dequantize_linear', 'tensor'),
  linear('dequantize_linear', 'axis'),
  {
    name: 'dynamic_quantize 1M',
    op: 'dynamic_quantize',
    dtypes: 'f32',
    schema: dynamicQuantizeParams,
    params: { count: N },
    outputs: () => [new Uint8Array(N), new Float32Array(1), new Uint8Array(1)],
    inputs: () => [floats(N, 1)],
    bench: true,
  },
];

/** Products and convolutions, for the types of a row: `u8i8`, and the result's after it where it is quantized. */
function products(row: KernelRow): KernelCase[] {
  const [a = '', b = '', y] = row.dtypes.match(/[ui]8/g) ?? [];
  const requantized = (scales: number) => (y === undefined ? [] : [Float32Array.of(0.02), floats(scales, 4, 0.01, 0.02), Float32Array.of(0.3), small(y, 1, 6)]);
  const result = (length: number) => (y === undefined ? new Int32Array(length) : y === 'u8' ? new Uint8Array(length) : new Int8Array(length));
  if (row.op === 'matmul_integer' || row.op === 'qlinear_matmul') {
    const [m, n, k] = [128, 256, 256];
    return [
      {
        name: `${row.op} ${m}x${n}x${k}`,
        op: row.op,
        dtypes: row.dtypes,
        schema: integerMatmulParams,
        params: {
          m,
          n,
          k,
          batch: [1, 1, 1, 1, 1, 1],
          aStride: [0, 0, 0, 0, 0, 0],
          bStride: [0, 0, 0, 0, 0, 0],
          aZeros: 1,
          bZeros: 1,
          aScales: 1,
          bScales: 1,
          scale: quantType.value('f32'),
          unused: 0,
        },
        outputs: () => [result(m * n)],
        inputs: () => [small(a, m * k, 1), small(b, k * n, 2), small(a, 1, 3), small(b, 1, 4), ...requantized(1)],
        bench: true,
        flops: 2 * m * n * k,
      },
    ];
  }
  const [c, outC, side] = [32, 32, 28];
  return [
    {
      name: `${row.op} 3x3 ${c}→${outC} @${side}`,
      op: row.op,
      dtypes: row.dtypes,
      schema: integerConvParams,
      params: {
        batches: 1,
        channels: c,
        outC,
        groups: 1,
        image: [1, side, side],
        out: [1, side, side],
        kernel: [1, 3, 3],
        strides: [1, 1, 1],
        pads: [0, 1, 1],
        dilations: [1, 1, 1],
        wZeros: 1,
        wScales: 1,
      },
      outputs: () => [result(outC * side * side)],
      inputs: () => [
        small(a, c * side * side, 1),
        small(b, outC * c * 9, 2),
        small(a, 1, 3),
        small(b, 1, 4),
        ...requantized(1),
        ...(y === undefined ? [] : [new Int32Array(outC)]),
      ],
      bench: true,
      flops: 2 * outC * c * 9 * side * side,
    },
  ];
}

export function quantizeCases(row: KernelRow): KernelCase[] {
  if (/^(matmul_integer|qlinear_matmul|conv_integer|qlinear_conv)$/.test(row.op)) return products(row);
  return simple.filter((c) => c.op === row.op);
}
