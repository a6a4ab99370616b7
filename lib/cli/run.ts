/** `run`: one model on one input, with the best classes, the time of a run, and where it went. */
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-common';
import { dsnkError } from '../errors.js';
import { native, packageRoot } from '../runtime/native.js';
import { InferenceSession, type NodeTiming } from '../runtime/session.js';
import { toTensor } from '../tensor.js';
import { accuracyOf, printAccuracy } from './accuracy.js';
import { checkDims, fileTensor, imageInput, imagenet, imageTensor, type Preprocess, randomTensor, readInput, sizedRun } from './inputs.js';
import { type SessionFlags, sessionOptions } from './options.js';
import { bytesText, checkWritable, columns, Progress, printJson, styled, threadsText, writeOutput } from './output.js';

export interface RunCommandOptions extends SessionFlags {
  readonly image?: string;
  readonly labels?: string;
  readonly input?: readonly string[];
  readonly dim?: readonly string[];
  readonly top: number;
  readonly repeat: number;
  readonly profile?: boolean;
  readonly trace?: string;
  readonly json?: boolean;
}

/** The small classifier that the package carries, and a picture for it. */
export const bundledModel = join(packageRoot ?? '', 'models', 'shapes.onnx');
export const bundledImage = join(packageRoot ?? '', 'models', 'shapes.png');

export function parseDims(specs: readonly string[] = []): Map<string, number> {
  return new Map(
    specs.map((s) => {
      const [name = '', value = ''] = s.split('=');
      if (name === '' || !/^\d+$/.test(value)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--dim', 'must be <name>=<size>', `"${s}" came`);
      return [name, Number(value)];
    }),
  );
}

async function feedsFor(
  session: InferenceSession,
  image: string | undefined,
  dims: ReadonlyMap<string, number>,
  options: RunCommandOptions,
): Promise<Record<string, Tensor>> {
  const feeds: Record<string, Tensor> = {};
  for (const spec of options.input ?? []) {
    const [name, tensor] = fileTensor(spec, session, dims);
    feeds[name] = tensor;
  }
  if (image !== undefined) {
    const input = imageInput(session);
    const own = session.metadata.get('dsnk.preprocess');
    feeds[input.name] = await imageTensor(image, input, dims, own === undefined ? imagenet : (JSON.parse(own) as Preprocess));
  }
  for (const m of session.inputMetadata) feeds[m.name] ??= toTensor(randomTensor(m, dims));
  return feeds;
}

export async function run(model: string | undefined, options: RunCommandOptions): Promise<void> {
  const path = model ?? bundledModel;
  const image = options.image ?? (model === undefined ? bundledImage : undefined);
  if (options.trace) checkWritable('--trace', options.trace);
  const loadStart = performance.now();
  await using session = await InferenceSession.create(path, sessionOptions(path, options));
  const loadMs = performance.now() - loadStart;
  const dims = parseDims(options.dim);
  checkDims(session, dims);
  const feeds = await feedsFor(session, image, dims, options);

  let outputs = await sizedRun(session, dims, feeds); // compiles the model for these shapes
  const times: number[] = [];
  const progress = new Progress('running', options.repeat);
  for (let i = 0; i < options.repeat; i++) {
    const start = performance.now();
    outputs = await session.run(feeds);
    times.push(performance.now() - start);
    progress.at(i + 1);
  }
  progress.end();
  times.sort((a, b) => a - b);
  const profile = options.profile || options.trace ? (await session.profile(feeds)).nodes : undefined;
  if (options.trace && profile) writeOutput('--trace', options.trace, chromeTrace(profile));

  const labels = options.labels ? labelsOf(options.labels) : ownLabels(session);
  const first = outputs[session.outputNames[0] as string] as Tensor;
  // Scores of classes lie along one dimension; a detector's or a picture's output has no best class.
  const scores = Math.max(1, ...first.dims) === first.size && (labels !== undefined || (image !== undefined && session.outputNames.length === 1));
  const ranked = scores ? topClasses(first, options.top, labels) : [];
  const { programs, weightBytes } = session.model;
  const summary = {
    model: path,
    top: ranked,
    timeMs: { best: times[0], median: times[Math.floor(times.length / 2)], runs: times.length },
    loadMs,
    kernels: programs.reduce((n, p) => n + p.compiled.steps.length, 0),
    arenaBytes: programs.reduce((n, p) => Math.max(n, p.compiled.memory.peakBytes), 0),
    weightBytes,
    threads: programs.at(-1)?.shape.threads ?? 1,
    isa: native().cpu().isa,
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, { type: t.type, dims: t.dims }])),
    ...(profile && { profile }),
    ...(options.accuracy && { accuracy: await accuracyOf(path, options, feeds, outputs) }),
  };
  if (options.json) {
    printJson(summary);
    return;
  }
  const facts = [
    `${(summary.timeMs.median as number).toFixed(2)} ms`,
    `${summary.kernels} kernels`,
    `arena ${bytesText(summary.arenaBytes)}`,
    threadsText(summary.threads),
    summary.isa,
  ].join('   ');
  if (ranked.length > 0) {
    ranked.forEach(({ label, probability }, i) => {
      const text = `  ${label} ${probability.toFixed(2)}`;
      console.log(i === 0 ? `${styled('green', text)}        ${facts}` : text);
    });
  } else {
    console.log(`  ${facts}`);
    for (const [name, t] of Object.entries(outputs)) {
      const head = Array.from((t.data as Float32Array).slice(0, 6), (v) => Number(Number(v).toPrecision(5))).join(', ');
      console.log(`  ${name} ${t.type}[${t.dims.join(',')}]  ${head}${t.size > 6 ? ', …' : ''}`);
    }
  }
  if (summary.accuracy) printAccuracy(summary.accuracy);
  if (options.profile && profile) printProfile(profile);
}

function labelsOf(path: string): string[] {
  const text = readInput('--labels', path).toString();
  try {
    const labels: unknown = JSON.parse(text);
    if (Array.isArray(labels)) return labels.map(String);
  } catch {
    // worded below
  }
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--labels', 'must be a JSON array of class names', `${path} is none`);
}

function ownLabels(session: InferenceSession): string[] | undefined {
  const text = session.metadata.get('dsnk.labels');
  return text === undefined ? undefined : (JSON.parse(text) as string[]);
}

/** Classes by probability: scores that are not a distribution yet go through softmax. */
export function topClasses(scores: Tensor, count: number, labels: readonly string[] | undefined): { label: string; index: number; probability: number }[] {
  const values = Array.from(scores.data as Float32Array, Number);
  const sum = values.reduce((a, b) => a + b, 0);
  let probabilities = values;
  if (Math.abs(sum - 1) > 1e-3 || values.some((v) => v < 0)) {
    const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const e = values.map((v) => Math.exp(v - largest));
    const total = e.reduce((a, b) => a + b, 0);
    probabilities = e.map((v) => v / total);
  }
  return probabilities
    .map((probability, index) => ({ label: labels?.[index] ?? `class ${index}`, index, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

function printProfile(nodes: readonly NodeTiming[]): void {
  const total = nodes.reduce((sum, n) => sum + n.timeNs, 0);
  const rows = nodes.map((n) => [`${(n.timeNs / 1e3).toFixed(1)}`, `${((100 * n.timeNs) / total).toFixed(1)}%`, `${n.tiles}`, n.kernel, n.op, n.node]);
  console.log(columns([['µs', 'share', 'tiles', 'kernel', 'operator', 'node'], ...rows]));
}

/** Trace Event Format (chrome://tracing, Perfetto): one complete event per kernel call. */
function chromeTrace(nodes: readonly NodeTiming[]): string {
  let at = 0;
  const traceEvents = nodes.map((n) => {
    const event = {
      name: n.node || n.op,
      cat: n.op,
      ph: 'X',
      ts: at / 1e3,
      dur: n.timeNs / 1e3,
      pid: 1,
      tid: 1,
      args: { kernel: n.kernel, tiles: n.tiles, reason: n.reason },
    };
    at += n.timeNs;
    return event;
  });
  return JSON.stringify({ displayTimeUnit: 'ns', traceEvents });
}
