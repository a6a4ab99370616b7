/** `bench`: this machine, a model on it, or single kernels beside the machine's own peak measured in alternation. */
import type { Tensor } from 'onnxruntime-common';
import { dsnkError } from '../errors.js';
import { fmaProbe, type KernelMeasurement, measureKernels, readProbe } from '../runtime/measure.js';
import { addonPath, native, packageVersion } from '../runtime/native.js';
import { InferenceSession } from '../runtime/session.js';
import { toTensor } from '../tensor.js';
import { accuracyOf, printAccuracy } from './accuracy.js';
import { board, temperatureCelsius } from './board.js';
import { checkDims, randomTensor, sizedRun } from './inputs.js';
import { type SessionFlags, sessionOptions } from './options.js';
import { columns, Progress, printJson, threadsText } from './output.js';
import { bundledModel, parseDims } from './run.js';

export interface BenchOptions extends SessionFlags {
  readonly seconds: number;
  readonly dim?: readonly string[];
  readonly filter?: string;
  readonly json?: boolean;
}

/** What a reader needs to place the figures. */
function machine() {
  return { package: packageVersion(), node: process.version, arch: process.arch, cpu: native().cpu(), date: new Date().toISOString().slice(0, 10) };
}

const quantile = (sorted: readonly number[], q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number;

interface Latency {
  readonly bestMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly runs: number;
}

/** Runs again and again for so many seconds, at least five times. */
async function latency(session: InferenceSession, feeds: Record<string, Tensor>, seconds: number): Promise<Latency> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const progress = new Progress('timing', seconds);
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
    progress.at(Math.round(seconds - (end - performance.now()) / 1000));
  }
  progress.end();
  times.sort((a, b) => a - b);
  return { bestMs: times[0] as number, medianMs: quantile(times, 0.5), p95Ms: quantile(times, 0.95), runs: times.length };
}

const noise = (session: InferenceSession, dims: ReadonlyMap<string, number>): Record<string, Tensor> =>
  Object.fromEntries(session.inputMetadata.map((m) => [m.name, toTensor(randomTensor(m, dims))]));

export async function benchModel(model: string, options: BenchOptions): Promise<void> {
  await using session = await InferenceSession.create(model, sessionOptions(model, options));
  const dims = parseDims(options.dim);
  checkDims(session, dims);
  const feeds = noise(session, dims);
  for (let i = 0; i < 3; i++) await sizedRun(session, dims, feeds);
  const result = {
    ...(await latency(session, feeds, options.seconds)),
    threads: session.model.programs.at(-1)?.shape.threads ?? 1,
    ...(options.accuracy && { accuracy: await accuracyOf(model, options, feeds, await session.run(feeds)) }),
  };
  if (options.json) {
    printJson({ machine: machine(), model, ...result });
    return;
  }
  console.log(
    `${model}: best ${result.bestMs.toFixed(2)} ms, median ${result.medianMs.toFixed(2)} ms, p95 ${result.p95Ms.toFixed(2)} ms (${result.runs} runs, ${threadsText(result.threads)})`,
  );
  if (result.accuracy) printAccuracy(result.accuracy);
}

export function benchKernels(options: BenchOptions): void {
  const rows = measureKernels({ seconds: options.seconds, ...(options.filter !== undefined && { filter: options.filter }) });
  if (rows.length === 0)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--filter', 'must be part of the name of a call, such as gemm or conv', `"${options.filter}" came`);
  if (options.json) printJson({ machine: machine(), kernels: rows });
  else printKernels(rows);
}

function printKernels(rows: readonly KernelMeasurement[]): void {
  const cell = (r: KernelMeasurement) => [
    r.name,
    r.kernel,
    r.bestUs.toFixed(1),
    r.medianUs.toFixed(1),
    r.gflops.toFixed(1),
    r.peakGflops.toFixed(1),
    `${((100 * r.gflops) / r.peakGflops).toFixed(0)}%`,
  ];
  console.log(columns([['call', 'kernel', 'best µs', 'median µs', 'GFLOP/s', 'peak beside', 'of peak'], ...rows.map(cell)]));
}

/** The best of a probe's figures within so many seconds. */
function best(probe: () => number, seconds: number): number {
  let most = probe();
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) most = Math.max(most, probe());
  return most;
}

/** Bytes that fit into the first cache, into the second, and into none: what reading them costs is three different things. */
const readSizes = (cpu: { l1dBytes: number; l2Bytes: number; l3Bytes: number }) =>
  [
    ['L1d', (cpu.l1dBytes || 32768) / 2],
    ['L2', (cpu.l2Bytes || 262144) / 2],
    ['memory', Math.min(32 * 2 ** 20, Math.max(cpu.l3Bytes, cpu.l2Bytes, 2 ** 20) * 8)],
  ] as const;

/** All that the table of machines needs to know of this one. bench/README.md explains the document. */
async function measureMachine(seconds: number) {
  const cpu = native().cpu();
  const about = board();
  const temperatureBefore = temperatureCelsius();
  const progress = new Progress('measuring', 4);
  const usable = native()
    .catalogue()
    .kernels.filter((k) => k.op === 'probe_fma' && k.usable);
  const peaks = usable.map(({ isa, dtypes }) => ({ isa, dtypes, gflops: best(fmaProbe(isa, dtypes), seconds) }));
  progress.at(1);
  const reads = readSizes(cpu).map(([from, sizeBytes]) => {
    const probe = readProbe(sizeBytes);
    const read = { from, sizeBytes: probe.sizeBytes, gigabytesPerSecond: best(probe.run, seconds) };
    probe.dispose();
    return read;
  });
  progress.at(2);
  const kernels = measureKernels({ seconds });
  progress.at(3);
  const bundled: (Latency & { readonly threads: number })[] = [];
  for (const threads of new Set([1, cpu.threads])) {
    await using session = await InferenceSession.create(bundledModel, { intraOpNumThreads: threads, freeDimensionOverrides: { batch: 1 } });
    const feeds = noise(session, new Map());
    for (let i = 0; i < 3; i++) await session.run(feeds);
    bundled.push({ threads, ...(await latency(session, feeds, seconds)) });
  }
  progress.end();
  return {
    format: 1,
    date: new Date().toISOString().slice(0, 10),
    package: packageVersion(),
    node: process.version,
    addon: addonPath(),
    board: about,
    cpu,
    temperatureCelsius: { before: temperatureBefore, after: temperatureCelsius() },
    peaks,
    reads,
    kernels,
    bundledModel: bundled,
  };
}

type MachineMeasurement = Awaited<ReturnType<typeof measureMachine>>;

function printMachine({ board: about, cpu, node, peaks, reads, kernels, bundledModel: bundled }: MachineMeasurement): void {
  const cores = about.cores.map(({ count, ...core }) => `${count} × ${core['modelName'] ?? `${core['implementer']} ${core['part']}`}`).join(', ');
  console.log(`${about.name ?? 'unknown board'}: ${cpu.model}, ${cores}; ${cpu.isa}, ${threadsText(cpu.threads)}; ${about.system.libc}, Node ${node}`);
  for (const c of about.clocks) console.log(`cores ${c.cores}: ${c.governor ?? 'unknown governor'}, ${c.currentKHz ?? '?'} of ${c.maxKHz ?? '?'} kHz`);
  console.log(`peaks, GFLOP/s: ${peaks.map((p) => `${p.isa} ${p.dtypes === 'f32' ? '' : `${p.dtypes} `}${p.gflops.toFixed(1)}`).join(', ')}`);
  console.log(`reads, GB/s: ${reads.map((r) => `${r.from} ${r.gigabytesPerSecond.toFixed(1)}`).join(', ')}`);
  printKernels(kernels);
  for (const m of bundled)
    console.log(`bundled model: best ${m.bestMs.toFixed(2)} ms, median ${m.medianMs.toFixed(2)} ms (${m.runs} runs, ${threadsText(m.threads)})`);
}

export async function benchMachine(options: { readonly seconds: number; readonly json?: boolean }): Promise<void> {
  const measured = await measureMachine(options.seconds);
  if (options.json) printJson(measured);
  else printMachine(measured);
}
