/**
 * `npm run bench:ops [-- --seconds 1 --only depthwise --json file]`: single operators on this package and on onnxruntime-node, one
 * thread, in alternation in one process, beside a register-only multiply-add loop. Both sides report the time of their kernels by their own
 * profiles, without the conversions of layout around them, which a network does not have either.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from '../lib/index.js';
import { BYTE_WEIGHTS } from '../lib/kernels/integer.js';
import { exportModel } from '../lib/onnx/export.js';
import { convolution, depthwise, fmaProbe, product, type SingleCall } from '../lib/runtime/measure.js';
import { native } from '../lib/runtime/native.js';
import { fewBits, graphOf, inputOf, LAYOUT, type QuantizedCall, quantizedConvolution, quantizedProduct } from './cases/operators.js';
import { loadPeer } from './peer.js';
import { type Summary, summarize, table } from './statistics.js';
import { takeTurn } from './turns.js';

const { values: args } = parseArgs({ options: { seconds: { type: 'string', default: '1' }, only: { type: 'string' }, json: { type: 'string' } } });

interface Row {
  readonly op: string;
  readonly kernels: readonly string[];
  readonly flops: number;
  readonly ours: Summary;
  readonly peer: Summary;
  readonly peakGflops: number;
}

const cases: readonly (SingleCall | QuantizedCall)[] = [
  product(512, 512, 512),
  product(768, 768, 768),
  product(1024, 1024, 1024),
  // the products of MobileNetV2 and V3
  product(784, 32, 192),
  product(784, 144, 32),
  product(196, 96, 576),
  product(196, 576, 96),
  product(49, 160, 960),
  product(49, 960, 160),
  product(49, 320, 1280),
  // convolutions of ResNet and MobileNet
  convolution(56, 64, 256, 1, { relu: true }),
  convolution(56, 64, 64, 3, { relu: true }),
  convolution(14, 256, 256, 3),
  convolution(224, 3, 32, 3, { stride: 2 }),
  depthwise(112, 96, 3, 2),
  depthwise(56, 144, 3),
  depthwise(28, 192, 3),
  depthwise(14, 576, 3),
  depthwise(14, 672, 5),
  quantizedProduct(1024, 1024, 1024),
  quantizedProduct(197, 768, 3072),
  quantizedConvolution(56, 64, 64, 3),
  quantizedConvolution(56, 64, 256, 1),
  quantizedConvolution(14, 256, 256, 3),
  quantizedConvolution(224, 3, 32, 3, 2),
  ...[32, 128].flatMap((block) => [1, 4].flatMap((level) => [fewBits(197, 768, 3072, block, level), fewBits(1, 4096, 4096, block, level)])),
];

const peer = loadPeer();
const cpu = native().cpu();
const folder = join(import.meta.dirname, '..', 'build', 'bench-ops');
mkdirSync(folder, { recursive: true });
console.log(`${cpu.model}, ${cpu.isa}, 1 thread; node ${process.version}; onnxruntime-node ${peer.version}; ${args.seconds} s an operator`);

async function measure(c: SingleCall | QuantizedCall): Promise<Row> {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, exportModel(graphOf(c)));
  const ours = await InferenceSession.create(path, { intraOpNumThreads: 1 });
  const theirs = await peer.createProfiled(path, 1);
  const integers = 'graph' in c;
  const { type, data } = inputOf(c);
  const feeds = { x: new Tensor(type, data as never, c.dims) };
  const peerFeeds = { x: new peer.Tensor(type, data, c.dims) };
  const probe = fmaProbe(undefined, integers ? BYTE_WEIGHTS : undefined);
  const samples: number[] = [];
  const kernels = new Set<string>();
  let peakGflops = 0;
  const run = [
    async () => {
      const { nodes } = await ours.profile(feeds);
      const own = nodes.filter((n) => !LAYOUT.has(n.op));
      for (const n of own) kernels.add(n.kernel);
      samples.push(own.reduce((sum, n) => sum + n.timeNs, 0) / 1e6);
      peakGflops = Math.max(peakGflops, probe());
    },
    () => theirs.run(peerFeeds),
  ] as const;
  const end = performance.now() + Number(args.seconds) * 1000;
  for (let round = 0; round < 4 || performance.now() < end; round++) {
    for (const side of [round & 1, 1 - (round & 1)] as const) await takeTurn(run[side as 0 | 1], []);
  }
  await ours.release();
  // One operator: every run is one node beside those of layout. A fused activation may stand apart.
  const times = (await theirs.nodeTimes()).filter((t) => !LAYOUT.has(t.op));
  const names = new Set(times.map((t) => t.node));
  const perRun = Array.from({ length: times.length / names.size }, (_, i) =>
    times.slice(i * names.size, (i + 1) * names.size).reduce((sum, t) => sum + t.us / 1e3, 0),
  );
  return { op: c.name, kernels: [...kernels], flops: c.flops, ours: summarize(samples), peer: summarize(perRun), peakGflops };
}

const line = (r: Row) => [
  r.op,
  `${r.ours.best.toFixed(3)} / ${r.ours.median.toFixed(3)}`,
  `${r.peer.best.toFixed(3)} / ${r.peer.median.toFixed(3)}`,
  (r.peer.best / r.ours.best).toFixed(2),
  (r.peer.median / r.ours.median).toFixed(2),
  (r.flops / r.ours.best / 1e6).toFixed(0),
  (r.flops / r.ours.best / 1e6 / r.peakGflops).toFixed(2),
  r.kernels.join(' + '),
];

const rows: Row[] = [];
for (const c of cases) {
  if (args.only && !c.name.includes(args.only)) continue;
  rows.push(await measure(c));
}
console.log(
  table([['operator', 'ours ms best/median', 'peer ms best/median', 'ratio best', 'ratio median', 'GFLOP/s', 'of probe', 'kernels'], ...rows.map(line)]),
);
if (args.json) writeFileSync(args.json, `${JSON.stringify({ cpu, node: process.version, peer: peer.version, rows }, null, 2)}\n`);
