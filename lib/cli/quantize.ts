/** `quantize`: a float model and a folder of its inputs in, a model of fewer bits and what it costs out. */
import { dsnkError } from '../errors.js';
import type { FewBitsAlgorithm } from '../quantize/algorithms.js';
import type { WeightBits } from '../quantize/few-bits.js';
import { quantizePicture } from '../quantize/picture.js';
import { type QuantizedModel, quantize } from '../runtime/quantize.js';
import type { DynamicOptions, QuantizeProgress, StaticOptions, WeightOnlyOptions, WeightOptions } from '../runtime/quantize-options.js';
import type { Feeds } from '../runtime/signature.js';
import { decibels, microseconds, printAxes } from './axes.js';
import { type CalibrationOptions, calibrationOf, nameOrExpression } from './calibration.js';
import { bytesText, checkWritable, columns, printJson, StageProgress, styled, writeOutput } from './output.js';

export interface QuantizeCommandOptions extends CalibrationOptions {
  readonly method: 'static' | 'weight-only' | 'dynamic';
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
  readonly threads?: number;
  readonly json?: boolean;
}

export async function quantizeCommand(model: string, options: QuantizeCommandOptions): Promise<void> {
  checkWritable('--out', options.out);
  if (options.picture !== undefined) checkWritable('--picture', options.picture);
  if (options.sqnr !== undefined && options.method === 'dynamic')
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--sqnr', 'must stand with --method static or weight-only');
  const keepFloat = options.keepFloat?.map((text) => nameOrExpression('--keep-float', text));
  const calibration = await calibrationOf(model, options);
  const progress = new StageProgress(calibration?.total);
  const result = await quantize(model, {
    ...methods[options.method](options, calibration?.feeds),
    ...(keepFloat && { keepFloat }),
    ...(options.sqnr !== undefined && options.method !== 'dynamic' && { target: { sqnr: options.sqnr } }),
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    timing: options.timing && calibration !== undefined,
    onProgress: (p: QuantizeProgress) => progress.at(p),
  });
  progress.end();
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
  printAxes(report, 'float32', 'quantized');
  console.log(styled('green', `${out}: ${report.feeds} calibration feed${report.feeds === 1 ? '' : 's'}`));
  if (report.targetMet === false) console.log(styled('yellow', 'the target was not met'));
}
