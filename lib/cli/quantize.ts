/** `quantize`: a float model and a folder of its inputs in, a model of fewer bits and what it costs out. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-common';
import { dsnkError } from '../errors.js';
import type { FewBitsAlgorithm } from '../quantize/algorithms.js';
import type { WeightBits } from '../quantize/few-bits.js';
import { quantizePicture } from '../quantize/picture.js';
import type { AxisReport, QuantizeReport } from '../quantize/report.js';
import { type QuantizedModel, quantize } from '../runtime/quantize.js';
import type { DynamicOptions, QuantizeProgress, StaticOptions, WeightOnlyOptions, WeightOptions } from '../runtime/quantize-options.js';
import { InferenceSession } from '../runtime/session.js';
import type { Feeds } from '../runtime/signature.js';
import { toTensor } from '../tensor.js';
import { imageInput, imagenet, imageTensor, type Preprocess, readInput } from './inputs.js';
import { readNpy } from './npy.js';
import { bytesText, checkWritable, columns, Progress, printJson, styled, threadsText, writeOutput } from './output.js';
import { parseDims } from './run.js';

export interface QuantizeCommandOptions {
  readonly method: 'static' | 'weight-only' | 'dynamic';
  /** `weight-only` and `dynamic` do without. */
  readonly data?: string;
  readonly out: string;
  readonly observer?: NonNullable<StaticOptions['observer']>;
  readonly activation?: NonNullable<StaticOptions['activation']>;
  readonly weights?: FewBitsAlgorithm;
  readonly bits?: string;
  readonly groupSize?: string;
  readonly symmetric?: boolean;
  readonly actOrder?: boolean;
  readonly activationAware?: boolean;
  /** false where `--no-per-channel` stands. */
  readonly perChannel: boolean;
  readonly equalize?: boolean;
  readonly keepFloat?: readonly string[];
  readonly sqnr?: number;
  readonly auto?: boolean;
  /** false where `--no-timing` stands. */
  readonly timing: boolean;
  readonly picture?: string;
  readonly limit: number;
  readonly dim?: readonly string[];
  readonly preprocess?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

const pictures = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i;

/** One feed per picture or .npy file; for models of several inputs, one per folder that holds `<input>.npy` for each. */
export function feedsOf(folder: string, session: InferenceSession, options: QuantizeCommandOptions): { total: number; feeds: AsyncGenerator<Feeds> } {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--data', 'must be a folder', `"${folder}" came`, cause);
  }
  const files = names.filter((n) => pictures.test(n) || n.endsWith('.npy')).slice(0, options.limit);
  const folders = names.filter((n) => statSync(join(folder, n)).isDirectory()).slice(0, options.limit);
  const chosen = files.length > 0 ? files : folders;
  if (chosen.length === 0)
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      '--data',
      'folder must hold pictures, .npy files, or folders of .npy files named after the inputs',
      'it has none',
    );
  if (files.length > 0 && session.inputNames.length > 1)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--data', `folder must hold one folder a feed, with ${session.inputNames.map((n) => `${n}.npy`).join(', ')}`);
  const dims = parseDims(options.dim);
  const own = options.preprocess ?? session.metadata.get('dsnk.preprocess');
  const preprocess = own === undefined ? imagenet : preprocessOf(own);
  async function* feeds(): AsyncGenerator<Feeds> {
    for (const name of chosen) {
      const path = join(folder, name);
      const feed: Record<string, Tensor> = {};
      if (pictures.test(name)) {
        const input = imageInput(session);
        feed[input.name] = await imageTensor(path, input, dims, preprocess);
      } else if (name.endsWith('.npy')) feed[session.inputNames[0] as string] = npyTensor(path);
      else for (const input of session.inputNames) feed[input] = npyTensor(join(path, `${input}.npy`));
      yield feed;
    }
  }
  return { total: chosen.length, feeds: feeds() };
}

const npyTensor = (path: string) => toTensor(readNpy(path, readInput('--data', path)));

function preprocessOf(text: string): Preprocess {
  try {
    const given = JSON.parse(text) as Partial<Preprocess>;
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(imagenet, name));
    if (unknown !== undefined) throw new Error(`"${unknown}" is none of them`);
    return { ...imagenet, ...given };
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--preprocess', 'must be JSON with resizeRatio, scale, mean, std', `"${text}" came`, cause);
  }
}

export async function quantizeModel(model: string, options: QuantizeCommandOptions): Promise<void> {
  checkWritable('--out', options.out);
  if (options.picture !== undefined) checkWritable('--picture', options.picture);
  const keepFloat = options.keepFloat?.map(nameOrExpression);
  const session = await InferenceSession.create(model);
  const calibration = options.data === undefined ? undefined : feedsOf(options.data, session, options);
  await session.release();
  let progress: Progress | undefined;
  let stage = '';
  const result = await quantize(model, {
    ...methods[options.method](options, calibration?.feeds),
    ...(keepFloat && { keepFloat }),
    ...(options.sqnr !== undefined && options.method !== 'dynamic' && { target: { sqnr: options.sqnr } }),
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    timing: options.timing && calibration !== undefined,
    onProgress: (p: QuantizeProgress) => {
      if (p.stage !== stage) {
        progress?.end();
        stage = p.stage;
        progress = new Progress(stage, p.total ?? calibration?.total ?? 0);
      }
      progress?.at(p.done);
    },
  });
  progress?.end();
  writeOutput('--out', options.out, result.bytes);
  if (options.picture !== undefined) writeOutput('--picture', options.picture, quantizePicture(result.report));
  if (options.json) printJson({ model, out: options.out, ...result.report });
  else print(options.out, result);
}

function statically(options: QuantizeCommandOptions, calibration: AsyncGenerator<Feeds> | undefined): StaticOptions {
  if (calibration === undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--data', 'must be given, as activations are calibrated');
  for (const [name, flag] of [
    ['groupSize', 'group-size'],
    ['symmetric', 'symmetric'],
    ['actOrder', 'act-order'],
    ['activationAware', 'activation-aware'],
  ] as const) {
    if (options[name] !== undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `--${flag}`, 'must stand with --method weight-only');
  }
  const { observer, activation, perChannel, equalize, weights, bits } = options;
  return {
    calibration,
    ...(observer && { observer }),
    ...(activation && { activation }),
    // `quantize` refuses what the method does not have.
    weights: {
      perChannel,
      ...(weights && { algorithm: weights as NonNullable<WeightOptions['algorithm']> }),
      ...(bits && { bits: Number(bits) as WeightBits }),
    },
    ...(equalize !== undefined && { equalize }),
    ...(options.auto && { auto: true }),
  };
}

function weightOnly(options: QuantizeCommandOptions, calibration: AsyncGenerator<Feeds> | undefined): WeightOnlyOptions {
  const { bits, groupSize, symmetric, actOrder, activationAware, weights } = options;
  if (options.auto) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--auto', 'must not stand with --method weight-only', 'which is about size');
  return {
    method: 'weight-only',
    ...(calibration && { calibration }),
    weights: {
      ...(bits && { bits: Number(bits) as WeightBits }),
      ...(groupSize && { groupSize: groupSize === 'channel' ? groupSize : Number(groupSize) }),
      ...(symmetric !== undefined && { symmetric }),
      ...(actOrder !== undefined && { actOrder }),
      ...(activationAware !== undefined && { activationAware }),
      ...(weights && { algorithm: weights }),
    },
  };
}

function dynamically({ perChannel, weights, auto }: QuantizeCommandOptions, calibration: AsyncGenerator<Feeds> | undefined): DynamicOptions {
  return {
    method: 'dynamic',
    ...(calibration && { calibration }),
    ...(auto && { auto }),
    weights: { perChannel, ...(weights && { algorithm: weights as 'mse' }) },
  };
}

const methods = { static: statically, 'weight-only': weightOnly, dynamic: dynamically };

/** `/…/` is a regular expression, everything else a name. */
function nameOrExpression(text: string): string | RegExp {
  const body = /^\/(.*)\/$/.exec(text)?.[1];
  try {
    return body === undefined ? text : new RegExp(body);
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--keep-float', 'must be a name or a regular expression between slashes', `"${text}" came`, cause);
  }
}

const decibels = (v: number | undefined) => (v === undefined ? '' : Number.isFinite(v) ? v.toFixed(1) : '∞');

const microseconds = (v: number | undefined) => (v === undefined ? '' : v.toFixed(1));

function print(out: string, { report }: QuantizedModel): void {
  const timed = report.speed !== undefined;
  const rows = report.layers.map((l) => [
    l.name,
    l.op,
    String(l.bits),
    decibels(l.weightSqnrDb),
    decibels(l.input?.sqnrDb),
    l.input === undefined ? '' : `${(l.input.clippedShare * 100).toFixed(3)}%`,
    decibels(l.outputSqnrDb),
    bytesText(l.bytesBefore),
    bytesText(l.bytesAfter),
    ...(timed ? [microseconds(l.medianUsBefore), microseconds(l.medianUsAfter)] : []),
  ]);
  const head = ['layer', 'op', 'bits', 'weights dB', 'input dB', 'clipped', 'result dB', 'size', 'then', ...(timed ? ['µs', 'then'] : [])];
  console.log(columns([head, ...rows]));
  for (const l of report.layers)
    for (const note of [...(l.reason === undefined ? [] : [`float32: ${l.reason}`]), ...l.notes]) console.log(`${l.name}: ${note}`);
  for (const note of report.notes) console.log(note);
  console.log('');
  printAxes(report);
  console.log(styled('green', `${out}: ${report.feeds} calibration feed${report.feeds === 1 ? '' : 's'}`));
  if (report.targetMet === false) console.log(styled('yellow', 'the target was not met'));
}

/** Accuracy, speed and memory, before and after. */
function printAxes({ axes, speed }: QuantizeReport): void {
  const figure = ({ unit }: AxisReport, v: number | undefined) => {
    if (v === undefined) return '';
    if (unit === 'bytes') return bytesText(v);
    return unit === 'dB' ? `${decibels(v)} dB` : unit === 'ms' ? `${v.toFixed(3)} ms` : String(v);
  };
  const change = ({ axis, before, after }: AxisReport) => {
    if (before === undefined || before === 0) return '';
    return axis === 'speed'
      ? `${(before / after).toFixed(2)}×`
      : axis === 'memory'
        ? `${((100 * after) / before).toFixed(1)}%`
        : (after - before).toPrecision(2);
  };
  const rows = axes.map((a) => [a.axis, a.what, figure(a, a.before), figure(a, a.after), change(a)]);
  console.log(columns([['', '', 'float32', 'quantized', ''], ...rows]));
  if (speed !== undefined) console.log(`speed: medians of ${speed.runs} runs of each model in alternation, ${threadsText(speed.threads)}`);
}
