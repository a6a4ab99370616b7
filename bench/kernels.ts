/**
 * Every row of the kernel table on its cases, one thread, timed inside the executor. Beside each call, in alternation, run
 * the machine's own ceilings: a register-only multiply-add loop of the row's ISA, and a stream of reads over as many bytes
 * as the call touches. "Of peak" is the larger of the two times that these ceilings allow, over the best time measured.
 *
 *   npm run bench -- [--filter text] [--isa avx2] [--seconds 0.1] [--json]
 */
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import type { KernelRow } from '../lib/compile/catalogue.js';
import type { TypedArray } from '../lib/dtype.js';
import { encodeParams } from '../lib/kernels/params.js';
import { type KernelCall, loadKernel } from '../lib/runtime/call.js';
import { fmaProbe, readProbe } from '../lib/runtime/measure.js';
import { native } from '../lib/runtime/native.js';
import type { KernelCase } from './cases/case.js';
import { casesOf } from './cases/index.js';
import { table } from './statistics.js';

const { values: options } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    isa: { type: 'string' },
    seconds: { type: 'string', default: '0.1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
if (options.help || !(seconds > 0)) {
  console.error('npm run bench -- [--filter text] [--isa scalar|avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon] [--seconds s] [--json]');
  process.exit(options.help ? 0 : 2);
}

interface Measurement {
  readonly kernel: string;
  readonly case: string;
  readonly bestUs: number;
  readonly medianUs: number;
  readonly samples: number;
  readonly gflops?: number;
  readonly gbs: number;
  readonly peakGflops?: number;
  readonly peakGbs: number;
  /** 0 to 1: of what the nearer ceiling allows. */
  readonly ofPeak: number;
}

const rows = native().catalogue().kernels;
const size = (a: TypedArray | undefined) => a && { bytes: a.byteLength };

const fmaProbes = new Map<string, () => number>();

function measure(row: KernelRow, c: KernelCase): Measurement {
  const outputs = c.outputs();
  const inputs = c.inputs();
  const bytes = c.bytes ?? [...outputs, ...inputs].reduce((sum, a) => sum + (a?.byteLength ?? 0), 0);
  const call: KernelCall = loadKernel(row, encodeParams(c.schema, c.params, c.tail), outputs.map(size), inputs.map(size));
  const read = readProbe(bytes);
  const kind = `${row.isa} ${row.dtypes}`;
  const fma = fmaProbes.get(kind) ?? fmaProbe(row.isa, row.dtypes);
  fmaProbes.set(kind, fma);
  let [peakGflops, peakGbs] = [0, 0];
  // The first run touches the pages; where it alone is longer than the time there is, it is the measurement.
  const first = call.time(outputs, inputs) / 1e6;
  const bench = new Bench({ time: seconds * 1e3, iterations: first > 10 * seconds * 1e3 ? 1 : 3, warmup: false, throws: true });
  bench.add(c.name, () => {
    const start = bench.now();
    peakGbs = Math.max(peakGbs, read.run());
    if (c.flops !== undefined) peakGflops = Math.max(peakGflops, fma());
    const ms = call.time(outputs, inputs) / 1e6;
    return { overriddenDuration: ms, overriddenIterationCost: bench.now() - start };
  });
  const [task] = bench.runSync();
  read.dispose();
  call.dispose();
  const result = task?.result;
  if (result === undefined || !('latency' in result)) throw new Error(`${row.name} on ${c.name} gave no samples`);
  const { latency } = result;
  const bestNs = Math.max(latency.min * 1e6, 1);
  const leastNs = Math.max(bytes / peakGbs, c.flops === undefined ? 0 : c.flops / peakGflops);
  return {
    kernel: row.name,
    case: c.name,
    bestUs: bestNs / 1e3,
    medianUs: latency.p50 * 1e3,
    samples: latency.samplesCount,
    ...(c.flops !== undefined && { gflops: c.flops / bestNs, peakGflops }),
    gbs: bytes / bestNs,
    peakGbs,
    ofPeak: leastNs / bestNs,
  };
}

const results: Measurement[] = [];
const refused: string[] = [];
const untimed: string[] = [];
for (const row of rows) {
  if (!row.usable || row.op.startsWith('probe_') || (options.isa !== undefined && row.isa !== options.isa)) continue;
  const cases = casesOf(row);
  if (cases.length === 0) untimed.push(row.name);
  for (const c of cases) {
    if (!`${row.name} ${c.name}`.includes(options.filter)) continue;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${row.name} ${c.name}`);
    try {
      results.push(measure(row, c));
    } catch (error) {
      // One case that does not fit its kernel any more must not cost the others their figures.
      refused.push(`${row.name} on ${c.name}: ${error instanceof Error ? error.message : error}`);
    }
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

if (options.json) {
  const machine = { node: process.version, arch: process.arch, cpu: native().cpu(), date: new Date().toISOString().slice(0, 10) };
  console.log(JSON.stringify({ machine, seconds, kernels: results, refused, untimed }, null, 2));
} else {
  const cells = results.map((r) => [
    r.kernel,
    r.case,
    r.bestUs.toFixed(1),
    r.medianUs.toFixed(1),
    r.gflops?.toFixed(1) ?? '',
    r.gbs.toFixed(1),
    `${(100 * r.ofPeak).toFixed(0)}%`,
    r.peakGflops?.toFixed(0) ?? '',
    r.peakGbs.toFixed(0),
  ]);
  console.log(table([['kernel', 'case', 'best µs', 'median µs', 'GFLOP/s', 'GB/s', 'of peak', 'peak GFLOP/s', 'peak GB/s'], ...cells]));
  if (untimed.length > 0 && options.filter === '') console.log(`\nno case: ${untimed.join(', ')}`);
}
for (const line of refused) console.error(`refused: ${line}`);
if (refused.length > 0) process.exitCode = 1;
