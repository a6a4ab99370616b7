/**
 * `npm run bench:gpu [-- --only conv --runs 30 --python python3 --json file]`: products, convolutions, attention and whole networks on the GPU of this
 * machine, timed by its own events: best and median of `runs`. Beside them a loop of the same instruction in registers and a plain copy
 * (the ceilings), and PyTorch with cuBLASLt and cuDNN at equal shapes where the Python that is named has it (bench/gpu_peer.py).
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isGpuRow, type KernelRow } from '../lib/compile/catalogue.js';
import type { Graph } from '../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../lib/index.js';
import { copyParams } from '../lib/kernels/copy.js';
import { encodeParams } from '../lib/kernels/params.js';
import { probeFmaParams } from '../lib/kernels/probe.js';
import { loadKernel } from '../lib/runtime/call.js';
import { catalogueOn, cudaVersion, openGpu } from '../lib/runtime/gpu.js';
import { convolution, depthwise, product, type SingleCall } from '../lib/runtime/measure.js';
import { native } from '../lib/runtime/native.js';
import { attentionKernelCase } from './cases/attention.js';
import { cachedKernelCase, gpuCases } from './cases/cache.js';
import type { KernelCase } from './cases/case.js';
import { fewBits, graphOf, inputOf, LAYOUT, type QuantizedCall, quantizedConvolution, quantizedProduct, thinnedProduct } from './cases/operators.js';
import { benchModels } from './models/index.js';
import { type Summary, summarize, table } from './statistics.js';

const { values: args } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '30' },
    python: { type: 'string', default: 'python3' },
    json: { type: 'string' },
  },
});
// The rows made for Hopper are in, where that is the GPU; `DSNK_GPU_ROWS= npm run bench:gpu` measures those that they replace.
process.env['DSNK_GPU_ROWS'] ??= 'sm90';
const runs = Number(args.runs);
const gpu = openGpu();
const rows = catalogueOn(native().catalogue(), 'cuda').kernels.filter((k) => isGpuRow(k) && k.usable);

interface Case {
  readonly call: SingleCall | QuantizedCall;
  readonly precision: 'f32' | 'f16' | 'bf16';
  /** What PyTorch is asked for: see gpu_peer.py. */
  readonly peer?: Peer;
}

interface Peer {
  readonly kind: 'matmul' | 'int_matmul' | 'sparse_matmul' | 'conv' | 'attention';
  readonly dtype: string;
  readonly shape: readonly number[];
}

const matmul = (m: number, k: number, n: number, precision: Case['precision']): Case => ({
  call: product(m, k, n),
  precision,
  peer: { kind: 'matmul', dtype: { f32: 'float32', f16: 'float16', bf16: 'bfloat16' }[precision], shape: [m, k, n] },
});
const bytes = (m: number, k: number, n: number): Case => ({
  call: quantizedProduct(m, k, n),
  precision: 'f32',
  peer: { kind: 'int_matmul', dtype: 'int8', shape: [m, k, n] },
});
/** What they gain is read off the lines of dense products of their shape. */
const sparse = (m: number, k: number, n: number, precision: 'f16' | 'bf16' | 'int8'): Case => ({
  call: precision === 'int8' ? quantizedProduct(m, k, n, true) : thinnedProduct(m, k, n),
  precision: precision === 'int8' ? 'f32' : precision,
  peer: { kind: 'sparse_matmul', dtype: { f16: 'float16', bf16: 'bfloat16', int8: 'int8' }[precision], shape: [m, k, n] },
});
const conv = (size: number, inC: number, outC: number, kernel: number): Case => ({
  call: quantizedConvolution(size, inC, outC, kernel),
  precision: 'f32',
  peer: { kind: 'conv', dtype: 'float16', shape: [1, size, inC, outC, kernel] },
});

const cases: readonly Case[] = [
  ...(['f32', 'f16', 'bf16'] as const).flatMap((p) => [matmul(1024, 1024, 1024, p), matmul(4096, 4096, 4096, p), matmul(8192, 8192, 8192, p)]),
  bytes(1024, 1024, 1024),
  bytes(4096, 4096, 4096),
  bytes(8192, 8192, 8192),
  ...[1024, 2048, 4096, 8192].flatMap((n) => (['f16', 'bf16', 'int8'] as const).map((p) => sparse(n, n, n, p))),
  ...[1, 16].flatMap((m) => [...(['f16', 'int8'] as const).map((p) => sparse(m, 4096, 11008, p)), matmul(m, 4096, 11008, 'f16'), bytes(m, 4096, 11008)]),
  ...(['f16', 'bf16'] as const).map((p) => matmul(2048, 2048, 2048, p)),
  bytes(2048, 2048, 2048),
  ...(
    [
      [56, 64, 64, 1],
      [56, 64, 64, 3],
      [56, 64, 256, 1],
      [28, 128, 128, 3],
      [14, 256, 256, 3],
      [14, 1024, 256, 1],
      [7, 512, 512, 3],
    ] as const
  ).map(([size, inC, outC, kernel]) => conv(size, inC, outC, kernel)),
  { call: convolution(56, 64, 64, 3), precision: 'f32' },
  { call: convolution(56, 64, 64, 3), precision: 'f16' },
  { call: depthwise(56, 144, 3), precision: 'f32' },
  { call: fewBits(1, 4096, 4096, 32, 4), precision: 'f32' },
  { call: fewBits(1, 4096, 14336, 32, 4), precision: 'f32' },
  { call: fewBits(512, 4096, 4096, 32, 4), precision: 'f32' },
];

interface Row {
  readonly name: string;
  readonly precision: string;
  readonly kernels: readonly string[];
  readonly ours: Summary;
  readonly peerMs: number | undefined;
  readonly teraops: number;
}

const size = (a: { byteLength: number }) => ({ bytes: a.byteLength });

/** Teraoperations a second of a loop of one instruction: a block for each multiprocessor, as in native/kernels/probe/probe.cu. */
function ceiling(row: KernelRow): number {
  const perStep = { probe_fma_f32_sm72: 256, probe_mma_f16_sm80: 4096, probe_mma_u8s8_sm80: 8192 }[row.name];
  if (perStep === undefined) return 0;
  const tiles = Math.min(256, gpu.multiprocessors);
  const iterations = Math.floor(10_000_000 / tiles);
  const y = new Float32Array(16 * tiles);
  const call = loadKernel(row, encodeParams(probeFmaParams, { iterations, tiles }), [size(y)], []);
  const best = Math.min(...Array.from({ length: 5 }, () => call.time([y], [])));
  call.dispose();
  const warps = 8;
  const chains = 8;
  return (tiles * warps * chains * iterations * perStep) / best / 1e3;
}

/** Gigabytes a second that a copy of half a gigabyte reads and writes together. */
function copyBandwidth(): number {
  const row = rows.find((k) => k.op === 'copy');
  if (row === undefined) return 0;
  const n = Math.min(2 ** 29, Math.floor(gpu.memoryBytes / 8));
  const [to, from] = [new Uint8Array(n), new Uint8Array(n)];
  const call = loadKernel(row, encodeParams(copyParams, { bytes: n }), [size(to)], [size(from)]);
  const best = Math.min(...Array.from({ length: 5 }, () => call.time([to], [from])));
  call.dispose();
  return (2 * n) / best;
}

async function measure({ call, precision, peer }: Case): Promise<Row> {
  const session = await InferenceSession.fromGraph(graphOf(call), { executionProviders: ['cuda'], precision });
  const { type, data } = inputOf(call);
  const feeds = { x: new Tensor(type, data as never, call.dims) };
  const samples: number[] = [];
  let kernels: string[] = [];
  for (let i = -2; i < runs; i++) {
    const own = (await session.profile(feeds)).nodes.filter((n) => !LAYOUT.has(n.op));
    kernels = [...new Set(own.map((n) => n.kernel))];
    if (i >= 0) samples.push(own.reduce((sum, n) => sum + n.timeNs, 0) / 1e6);
  }
  await session.release();
  const ours = summarize(samples);
  return { name: call.name, precision, kernels, ours, peerMs: peer && peerTimes.get(JSON.stringify(peer)), teraops: call.flops / ours.best / 1e9 };
}

interface AttentionCase {
  readonly k: KernelCase;
  readonly peer?: Peer;
}

/** Attention over caches, which PyTorch has none of in int8, and over keys as they are fed: 16 heads of 64, as text encoders have them. */
const attention: readonly AttentionCase[] = [
  ...gpuCases.flatMap(({ c, types }) =>
    types.map((type) => {
      const dtype = type === 'f16' ? 'float16' : type === 'bf16' ? 'bfloat16' : undefined;
      const shape = [c.heads, c.keyHeads, c.rows, (c.lengths[0] as number) + c.rows, c.width];
      return { k: cachedKernelCase(c, type), ...(dtype !== undefined && { peer: { kind: 'attention' as const, dtype, shape } }) };
    }),
  ),
  ...(['f16', 'bf16'] as const).map((type) => {
    const k = attentionKernelCase({
      name: `fed 16x64, 4096 causal, ${type}`,
      heads: 16,
      rows: 4096,
      keys: 4096,
      width: 64,
      scale: 0.125,
      causal: 0,
      packed: true,
    });
    const peer = { kind: 'attention' as const, dtype: type === 'f16' ? 'float16' : 'bfloat16', shape: [16, 16, 4096, 4096, 64] };
    return { k: { ...k, dtypes: `f32${type}` }, peer };
  }),
];

/** One call of the row that a session would take: multiplications of a prompt, gigabytes of the cache a second behind one. */
function attend({ k, peer }: AttentionCase) {
  const row = rows.find((r) => r.op === k.op && r.dtypes === k.dtypes);
  if (row === undefined) return [];
  const [outputs, inputs] = [k.outputs(), k.inputs()];
  const sized = (a: { byteLength: number } | undefined) => a && size(a);
  const call = loadKernel(row, encodeParams(k.schema, k.params), outputs.map(sized), inputs.map(sized));
  const samples = Array.from({ length: runs + 2 }, () => call.time(outputs, inputs) / 1e6).slice(2);
  call.dispose();
  const ours = summarize(samples);
  const peerMs = peer && peerTimes.get(JSON.stringify(peer));
  return [{ name: k.name, kernel: row.name, ours, peerMs, teraops: (k.flops ?? 0) / ours.best / 1e9, gbs: (k.bytes ?? 0) / ours.best / 1e6 }];
}

/** Medians of PyTorch for all cases, in one process. */
function askPeer(asked: readonly { readonly peer?: Peer }[]): Map<string, number> {
  const shapes = asked.flatMap((c) => (c.peer === undefined ? [] : [c.peer]));
  const { status, stdout, stderr } = spawnSync(args.python, [join(import.meta.dirname, 'gpu_peer.py'), String(runs)], {
    input: JSON.stringify(shapes),
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.log(`PyTorch is not beside: ${(stderr || 'no such Python').trim().split('\n').at(-1)}`);
    return new Map();
  }
  const times = JSON.parse(stdout) as (number | null)[];
  return new Map(shapes.flatMap((s, i) => (typeof times[i] === 'number' ? [[JSON.stringify(s), times[i]] as const] : [])));
}

/** A network from a call to its results: what the host does beside the GPU, and the GPU's own time. */
async function network(name: string, graph: Graph) {
  const session = await InferenceSession.fromGraph(graph, { executionProviders: ['cuda'] });
  const x = session.inputMetadata[0] as (typeof session.inputMetadata)[0];
  const dims = x.shape.map((d) => (typeof d === 'number' ? d : 1));
  const feeds = { [x.name]: new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims) };
  const whole: number[] = [];
  for (let i = -3; i < runs; i++) {
    const begin = performance.now();
    await session.run(feeds);
    if (i >= 0) whole.push(performance.now() - begin);
  }
  const { nodes } = await session.profile(feeds);
  const device = nodes.reduce((sum, n) => sum + n.timeNs, 0) / 1e6;
  const apart = session.report().programs[0]?.onProcessor;
  await session.release();
  return { name, whole: summarize(whole), device, apart };
}

const chosen = cases.filter((c) => c.call.name.includes(args.only));
console.log(
  `${gpu.name}, compute capability ${gpu.capability / 10}, driver of CUDA ${cudaVersion(gpu.driverVersion)}; node ${process.version}; ${new Date().toISOString()}`,
);
const attended = attention.filter((a) => `attention ${a.k.name}`.includes(args.only));
const peerTimes = askPeer([...chosen, ...attended]);
const ceilings = Object.fromEntries(rows.filter((k) => k.op === 'probe_fma').map((row) => [row.name, ceiling(row)]));
const copyGbs = copyBandwidth();
const results: Row[] = [];
for (const c of chosen) results.push(await measure(c));
const attentions = attended.flatMap(attend);
const networks = [];
for (const m of benchModels) if (m.name.includes(args.only)) networks.push(await network(m.name, m.build()));

for (const [name, teraops] of Object.entries(ceilings)) console.log(`${name}: ${teraops.toFixed(1)} Tops/s`);
console.log(`copy: ${copyGbs.toFixed(0)} GB/s`);
const line = (r: Row) => [
  r.name,
  r.precision,
  `${r.ours.best.toFixed(3)} / ${r.ours.median.toFixed(3)}`,
  r.peerMs === undefined ? '' : r.peerMs.toFixed(3),
  r.peerMs === undefined ? '' : (r.peerMs / r.ours.median).toFixed(2),
  r.teraops.toFixed(2),
  r.kernels.join(' + '),
];
console.log(table([['operator', 'precision', 'ours ms best/median', 'PyTorch ms median', 'ratio', 'Tops/s', 'kernels'], ...results.map(line)]));
console.log(
  table([
    ['attention', 'ours ms best/median', 'PyTorch ms median', 'ratio', 'Tops/s', 'GB/s', 'of a copy', 'kernel'],
    ...attentions.map((a) => [
      a.name,
      `${a.ours.best.toFixed(3)} / ${a.ours.median.toFixed(3)}`,
      a.peerMs === undefined ? '' : a.peerMs.toFixed(3),
      a.peerMs === undefined ? '' : (a.peerMs / a.ours.median).toFixed(2),
      a.teraops.toFixed(1),
      a.gbs.toFixed(0),
      (a.gbs / copyGbs).toFixed(2),
      a.kernel,
    ]),
  ]),
);
console.log(
  table([
    ['network', 'call ms best/median', 'on the GPU ms', 'calls on the processor'],
    ...networks.map((n) => [n.name, `${n.whole.best.toFixed(3)} / ${n.whole.median.toFixed(3)}`, n.device.toFixed(3), `${n.apart?.calls ?? 0}`]),
  ]),
);
if (args.json) writeFileSync(args.json, `${JSON.stringify({ gpu, ceilings, copyGbs, results, attentions, networks }, null, 2)}\n`);
