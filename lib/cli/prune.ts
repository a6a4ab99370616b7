/** `prune`: a float model and a folder of its inputs in, a model with zeros among its weights and what they cost out. */
import type { Scope } from '../prune/allocate.js';
import type { Pattern, Score } from '../prune/layers.js';
import { type PrunedModel, prune } from '../runtime/prune.js';
import { decibels, microseconds, printAxes } from './axes.js';
import { type CalibrationOptions, calibrationOf, nameOrExpression } from './calibration.js';
import { checkWritable, columns, printJson, StageProgress, styled, writeOutput } from './output.js';

export interface PruneCommandOptions extends CalibrationOptions {
  readonly out: string;
  readonly pattern: Pattern;
  readonly ratio?: number;
  readonly score?: Score;
  readonly scope?: Scope;
  readonly multiple?: number;
  readonly permute?: boolean;
  readonly vector?: '16' | '32';
  /** false where `--no-repair` stands. */
  readonly repair: boolean;
  readonly keep?: readonly string[];
  /** false where `--no-keep-first` stands. */
  readonly keepFirst: boolean;
  /** false where `--no-timing` stands. */
  readonly timing: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

export async function pruneCommand(model: string, options: PruneCommandOptions): Promise<void> {
  checkWritable('--out', options.out);
  const keep = options.keep?.map((text) => nameOrExpression('--keep', text));
  const calibration = await calibrationOf(model, options);
  const progress = new StageProgress(calibration?.total);
  const { pattern, ratio, score, scope, multiple, keepFirst, threads } = options;
  const result = await prune(model, {
    pattern,
    ...(!keepFirst && { keepFirst }),
    ...(ratio !== undefined && { ratio }),
    ...(score && { score }),
    ...(scope && { scope }),
    ...(multiple !== undefined && { multiple }),
    ...(!options.repair && { repair: false }),
    ...(options.permute && { permute: true }),
    ...(options.vector && { vector: Number(options.vector) as 16 | 32 }),
    ...(keep && { keep }),
    ...(calibration && { calibration: calibration.feeds }),
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    timing: options.timing && calibration !== undefined,
    onProgress: (p) => progress.at(p),
  });
  progress.end();
  writeOutput('--out', options.out, result.bytes);
  if (options.json) printJson({ model, out: options.out, ...result.report });
  else print(options.out, result);
}

function print(out: string, { report }: PrunedModel): void {
  const timed = report.speed !== undefined;
  const removes = report.macsAfter !== undefined;
  const rows = report.layers.map((l) => [
    l.name,
    l.op,
    String(l.weights),
    removes ? (l.channelsBefore === undefined ? '' : `${l.channels} of ${l.channelsBefore}`) : `${(100 * l.zeros).toFixed(1)}%`,
    decibels(l.weightSqnrDb),
    decibels(l.outputSqnrDb),
    ...(timed ? [microseconds(l.medianUsBefore), microseconds(l.medianUsAfter)] : []),
  ]);
  console.log(columns([['layer', 'op', 'weights', removes ? 'channels' : 'zeros', 'weights dB', 'result dB', ...(timed ? ['µs', 'then'] : [])], ...rows]));
  for (const l of report.layers) for (const note of [...(l.reason === undefined ? [] : [`stays: ${l.reason}`]), ...l.notes]) console.log(`${l.name}: ${note}`);
  for (const note of report.notes) console.log(note);
  console.log('');
  printAxes(report, 'float32', 'pruned');
  console.log(styled('green', `${out}: ${report.pattern} by ${report.score}, ${report.feeds} calibration feed${report.feeds === 1 ? '' : 's'}`));
}
