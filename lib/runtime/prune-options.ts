/** What `prune` can be asked for, and what is refused. */
import { dsnkError, spelled } from '../errors.js';
import { type Pattern, type PrunePlan, patterns, type Score, scores } from '../prune/layers.js';
import type { CalibrationFeeds } from './calibrate.js';

export interface PruneProgress {
  readonly stage: 'calibrate' | 'weights' | 'measure' | 'timing';
  readonly done: number;
  /** undefined where the feeds have no known number. */
  readonly total: number | undefined;
}

export interface PruneOptions {
  /** Two zeros in every four input channels of one place, as sparse kernels and tensor cores want them; or zeros anywhere in a row. */
  readonly pattern: Pattern;
  /** Share of zeros, between 0 and 1: of every output channel. Default 0.5, which is what `2:4` has. */
  readonly ratio?: number;
  /**
   * `magnitude` zeros the smallest weights; `wanda` those that are smallest times the size of their inputs; `sparsegpt` those that the others make up
   * for best, and lets them, front to back, so that every layer also makes up for those before it. Default `sparsegpt` with feeds, `magnitude` without.
   */
  readonly score?: Score;
  /** Feeds as for `session.run`: the first 1,024, of 32 MB at most. `wanda` and `sparsegpt` need them. */
  readonly calibration?: CalibrationFeeds;
  /**
   * Makes the mean of each channel on the feeds that of the float model, by biases. Default with `sparsegpt`, whose least squares know of it; the others
   * leave results smaller, which deep networks bear worse where means are right.
   */
  readonly biasCorrection?: boolean;
  /** Layers whose weights stay, by node name. */
  readonly keep?: readonly (string | RegExp)[];
  /** The first layer stays: it has few weights, and nothing makes up for its errors. Default true. */
  readonly keepFirst?: boolean;
  /** Also runs both models in alternation on the first feeds, with `intraOpNumThreads`. Needs feeds. Default false. */
  readonly timing?: boolean;
  readonly intraOpNumThreads?: number;
  readonly onProgress?: (progress: PruneProgress) => void;
}

/** What the options come to; error ERR_DSNK_INVALID_ARGUMENT. */
export function checkPruneOptions(options: PruneOptions): PrunePlan & { readonly biasCorrection: boolean } {
  const bad = (mustHold: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'prune options', mustHold, `${spelled(came)} came`);
  if (typeof options !== 'object' || options === null) throw bad('options must be an object', options);
  const { pattern, ratio = 0.5, calibration, keep } = options;
  if (!patterns.includes(pattern)) throw bad(`pattern must be ${patterns.join(' or ')}`, pattern);
  if (typeof ratio !== 'number' || !(ratio > 0 && ratio < 1)) throw bad('ratio must lie between 0 and 1', ratio);
  if (pattern === '2:4' && ratio !== 0.5) throw bad('ratio must be 0.5 with 2:4', ratio);
  const score = options.score ?? (calibration === undefined ? 'magnitude' : 'sparsegpt');
  if (!scores.includes(score)) throw bad(`score must be ${scores.join(' or ')}`, score);
  if (score !== 'magnitude' && calibration === undefined) throw bad(`calibration must be there for ${score}`, calibration);
  if (options.timing === true && calibration === undefined) throw bad('calibration must be there for timing', calibration);
  if (
    calibration !== undefined &&
    (typeof calibration !== 'object' || calibration === null || !(Symbol.iterator in calibration || Symbol.asyncIterator in calibration))
  )
    throw bad('calibration must be an iterable or async iterable of feeds', calibration);
  for (const name of ['biasCorrection', 'keepFirst', 'timing'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'boolean') throw bad(`${name} must be true or false`, options[name]);
  if (keep !== undefined && !(Array.isArray(keep) && keep.every((k) => typeof k === 'string' || k instanceof RegExp)))
    throw bad('keep must be a list of names and regular expressions', keep);
  return { pattern, ratio, score, biasCorrection: options.biasCorrection ?? score === 'sparsegpt' };
}
