/** `bench`: a model on this machine, or single kernels beside the machine's own peak measured in alternation. */
import type { Tensor } from 'onnxruntime-common';
import { dsnkError } from '../errors.js';
import { type KernelMeasurement, measureKernels } from '../runtime/measure.js';
import { native, packageVersion } from '../runtime/native.js';
import { InferenceSession } from '../runtime/session.js';
import { toTensor } from '../tensor.js';
import { accuracyOf, printAccuracy } from './accuracy.js';
import { checkDims, randomTensor, sizedRun } from './inputs.js';
import { type SessionFlags, sessionOptions } from './options.js';
import { columns, Progress, printJson, threadsText } from './output.js';
import { parseDims } from './run.js';

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

export async function benchModel(model: string, options: BenchOptions): Promise<void> {
  await using session = await InferenceSession.create(model, sessionOptions(model, options));
  const dims = parseDims(options.dim);
  checkDims(session, dims);
  const feeds: Record<string, Tensor> = Object.fromEntries(session.inputMetadata.map((m) => [m.name, toTensor(randomTensor(m, dims))]));
  for (let i = 0; i < 3; i++) await sizedRun(session, dims, feeds);
  const times: number[] = [];
  const end = performance.now() + options.seconds * 1000;
  const progress = new Progress('timing', options.seconds);
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
    progress.at(Math.round(options.seconds - (end - performance.now()) / 1000));
  }
  progress.end();
  times.sort((a, b) => a - b);
  const result = {
    bestMs: times[0] as number,
    medianMs: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    runs: times.length,
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
  if (options.json) {
    printJson({ machine: machine(), kernels: rows });
    return;
  }
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
