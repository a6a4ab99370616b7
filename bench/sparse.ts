/**
 * `npm run bench:sparse [-- --isa avx2 --seconds 0.6 --only 64→256]`: weights of which two of four are kept against dense ones, kernel against kernel, one thread, in
 * alternation in one process, beside a stream of reads and a register-only multiply-add loop. Three kinds: few rows from compressed weights, many rows
 * and convolutions over panels that share a mask, and plain 2:4 with many rows, which stays dense.
 */
import { parseArgs } from 'node:util';
import type { KernelRow } from '../lib/compile/catalogue.js';
import { convParams } from '../lib/kernels/conv.js';
import { gemmParams } from '../lib/kernels/gemm.js';
import { BYTE_WEIGHTS, integerConvolutionParams, integerGemmParams, packedBytes } from '../lib/kernels/integer.js';
import { encodeParams, type ParamSchema } from '../lib/kernels/params.js';
import { compressedBytes, sharedByteBytes, sharedBytes } from '../lib/kernels/sparse.js';
import { loadKernel } from '../lib/runtime/call.js';
import { fmaProbe, readProbe } from '../lib/runtime/measure.js';
import { native } from '../lib/runtime/native.js';
import { type ConvCase, convFlops, convKernelCase, convParamsOf } from './cases/conv.js';
import { gemmKernelCase } from './cases/gemm.js';
import { convCaseParams, endingOperands, gemmCaseParams, unsigned } from './cases/integer.js';
import { sparseLayers, sparseRowCases } from './cases/sparse.js';
import { summarize, table } from './statistics.js';

const { values: args } = parseArgs({
  options: { isa: { type: 'string' }, seconds: { type: 'string', default: '0.6' }, only: { type: 'string', default: '' } },
});
const cpu = native().cpu();
const { kernels } = native().catalogue();

type Operands = readonly (Float32Array | Int32Array | Uint8Array | Int8Array | undefined)[];
interface Side {
  readonly row: KernelRow;
  readonly weightBytes: number;
  readonly time: () => number;
}

const best = (op: string, type: string, nr?: number): KernelRow | undefined =>
  kernels.find(
    (k) =>
      k.op === op &&
      k.dtypes === type &&
      k.usable &&
      k.isa !== 'amx' &&
      (nr === undefined || k.nr === nr) &&
      (args.isa === undefined || k.isa.startsWith(args.isa)),
  );

/** Numbers that are no denormals, whatever reads them. */
const filler = (bytes: number) => new Uint8Array(new Float32Array(Math.ceil(bytes / 4)).fill(0.01).buffer);

function side(row: KernelRow, schema: ParamSchema, params: object, outputs: Operands, inputs: Operands, weightBytes: number): Side {
  const size = (a: Operands[number]) => a && { bytes: a.byteLength };
  const call = loadKernel(row, encodeParams(schema, params as never), outputs.map(size), inputs.map(size));
  return { row, weightBytes, time: () => call.time(outputs as never, inputs as never) / 1e6 };
}

function compare(name: string, dense: Side, sparse: Side, flops: number): string[] {
  const read = readProbe(dense.weightBytes);
  const fma = fmaProbe(dense.row.isa, dense.row.dtypes);
  const [d, s]: [number[], number[]] = [[], []];
  let [gbs, gflops] = [0, 0];
  for (const one of [dense, sparse]) one.time();
  const end = performance.now() + Number(args.seconds) * 1e3;
  for (let round = 0; round < 4 || performance.now() < end; round++) {
    d.push(dense.time());
    s.push(sparse.time());
    gbs = Math.max(gbs, read.run());
    gflops = Math.max(gflops, fma());
  }
  read.dispose();
  const [a, b] = [summarize(d), summarize(s)];
  return [
    name,
    `${dense.row.name} ${a.best.toFixed(3)} / ${a.median.toFixed(3)}`,
    `${sparse.row.name} ${b.best.toFixed(3)} / ${b.median.toFixed(3)}`,
    (a.best / b.best).toFixed(2),
    (a.median / b.median).toFixed(2),
    `${(sparse.weightBytes / b.best / 1e6).toFixed(1)} of ${gbs.toFixed(1)}`,
    `${(flops / b.best / 1e6).toFixed(0)} by ${gflops.toFixed(0)}`,
  ];
}

const wanted = (c: { readonly name: string }) => c.name.includes(args.only);
const rows: string[][] = [];
for (const c of sparseRowCases.filter(wanted)) {
  const [m, k, n, flops] = [c.m, c.k, c.n, 2 * c.m * c.k * c.n];
  const [dense, sparse] = [best('gemm', 'f32'), best('sparse_gemm', 'f32')];
  if (dense && sparse) {
    const { params } = gemmKernelCase({ ...c, m, k, n }, dense);
    const call = (row: KernelRow, bytes: number) =>
      side(row, gemmParams, params, [new Float32Array(m * n)], [new Float32Array(m * k).fill(0.5), filler(bytes), undefined, undefined], bytes);
    rows.push(compare(`f32 ${c.name}`, call(dense, 4 * k * n), call(sparse, compressedBytes(k, n, sparse.nr, 4)), flops));
  }
  const [denseBytes, sparseBytes] = [best('gemm_i8', BYTE_WEIGHTS), best('sparse_gemm_i8', BYTE_WEIGHTS)];
  if (denseBytes && sparseBytes) {
    const rest = endingOperands({}, n, m * n, k);
    const call = (row: KernelRow, bytes: number) =>
      side(row, integerGemmParams, gemmCaseParams(c), [new Uint8Array(m * n)], [unsigned(m * k, 1), filler(bytes), ...rest] as Operands, bytes);
    rows.push(
      compare(
        `i8 ${c.name}`,
        call(denseBytes, packedBytes(k, n, denseBytes.nr, denseBytes.kr)),
        call(sparseBytes, compressedBytes(k, n, sparseBytes.nr, 1)),
        flops,
      ),
    );
  }
}
const matrix: ConvCase = {
  name: 'product 256x1024x1024',
  batch: 1,
  size: [256],
  channels: 1024,
  outChannels: 1024,
  kernel: [1],
  bias: true,
  activation: 'relu',
};
for (const c of [matrix, ...sparseLayers].filter(wanted)) {
  const depth = c.kernel.reduce((a, b) => a * b, 1) * c.channels;
  const [dense, sparse] = [best('conv', 'f32'), best('sparse_conv', 'f32')];
  if (dense && sparse) {
    const own = convKernelCase(c, dense);
    const [outputs, inputs] = [own.outputs() as Operands, own.inputs() as Operands];
    const bytes = sharedBytes(depth, c.outChannels, sparse.nr, sparse.kr);
    const left = side(dense, convParams, convParamsOf(c), outputs, inputs, inputs[1]?.byteLength ?? 0);
    rows.push(
      compare(`f32 ${c.name}`, left, side(sparse, convParams, convParamsOf(c), outputs, [inputs[0], filler(bytes), ...inputs.slice(2)], bytes), convFlops(c)),
    );
  }
  const [denseBytes, sparseBytes] = [best('conv_i8', BYTE_WEIGHTS), best('sparse_conv_i8', BYTE_WEIGHTS)];
  if (denseBytes && sparseBytes) {
    const outputs = convKernelCase(c, denseBytes).outputs() as Operands;
    const count = outputs[0]?.length ?? 0;
    const rest = endingOperands({}, c.outChannels, count, depth);
    const x = unsigned(c.size.reduce((a, b) => a * b, 1) * c.channels, 1);
    const call = (row: KernelRow, bytes: number) =>
      side(row, integerConvolutionParams, convCaseParams(c), [new Uint8Array(count)], [x, filler(bytes), ...rest] as Operands, bytes);
    const bytes = packedBytes(depth, c.outChannels, denseBytes.nr, denseBytes.kr);
    rows.push(
      compare(`i8 ${c.name}`, call(denseBytes, bytes), call(sparseBytes, sharedByteBytes(depth, c.outChannels, sparseBytes.nr, sparseBytes.kr)), convFlops(c)),
    );
  }
}
console.log(`${cpu.model}, ${cpu.isa}, 1 thread, ms best / median; GFLOP/s count the zeros`);
console.log(table([['weights', 'dense', 'sparse', 'ratio best', 'ratio median', 'GB/s of probe', 'GFLOP/s by probe'], ...rows]));
