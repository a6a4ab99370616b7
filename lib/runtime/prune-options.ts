/** What `prune` can be asked for, and what is refused. */
import { checkKeys, dsnkError, type KeysOf, spelled } from '../errors.js';
import { type Scope, scopes } from '../prune/allocate.js';
import { type ChannelPlan, type Pattern, type PrunePlan, patterns, type Score, scores } from '../prune/layers.js';
import { type CalibrationFeeds, isIterable } from './calibrate.js';

export interface PruneProgress {
  readonly stage: 'calibrate' | 'weights' | 'measure' | 'timing';
  readonly done: number;
  /** undefined where the feeds have no known number. */
  readonly total: number | undefined;
}

export interface PruneOptions {
  /**
   * `2:4`: two zeros in every four input channels of one place, as sparse kernels and tensor cores want them. `unstructured`: zeros anywhere in a row.
   * `channels`: output channels of convolutions and products go, with all that was computed from them alone. `heads`: heads of attention go, with their
   * parts of the projections.
   */
  readonly pattern: Pattern;
  /**
   * Between 0 and 1. Share of zeros of every output channel, default 0.5, which is what `2:4` has; with `channels` the share of the model's
   * multiplications, with `heads` that of its heads, default 0.3.
   */
  readonly ratio?: number;
  /**
   * `magnitude` takes the smallest weights; `wanda` those that are smallest times the size of their inputs; `sparsegpt` those that the others make up
   * for best, which with zeros they do front to back, so that every layer also makes up for those before it. Default `sparsegpt` with feeds,
   * `magnitude` without.
   */
  readonly score?: Score;
  /**
   * With `2:4`, and `magnitude` or `wanda`: so many output channels side by side lose the same weights, 16 or 32, for which this package has convolutions
   * and products on CPUs that do half the steps. Costs more accuracy than channels that choose for themselves.
   */
  readonly vector?: 16 | 32;
  /** `channels` and `heads` go where that costs least for what it saves (`global`, the default), or everywhere the same share of them (`layer`). */
  readonly scope?: Scope;
  /** What is left of the channels of a layer is a multiple of this, as kernels for vectors want it. Default 1. */
  readonly multiple?: number;
  /** With `channels` and `heads`, and feeds: fits weights and biases of all layers behind by least squares to what the whole model computes. Default true. */
  readonly repair?: boolean;
  /**
   * With `2:4`: first puts channels into the order in which two of every four are worth most, in the layers that make them and in all that read them,
   * where no other layer needs them as they lie. The model computes the same. Default false.
   */
  readonly permute?: boolean;
  /** Feeds as for `session.run`: the first 1,024, of 32 MB at most. `wanda` and `sparsegpt` need them. */
  readonly calibration?: CalibrationFeeds;
  /**
   * Makes the mean of each channel on the feeds that of the float model, by biases. Default with `sparsegpt`, `channels` and `heads`, whose least
   * squares know of it; the others leave results smaller, which deep networks bear worse where means are right.
   */
  readonly biasCorrection?: boolean;
  /** Layers whose weights stay, by node name. */
  readonly keep?: readonly (string | RegExp)[];
  /** The first layer stays: it has few weights, and nothing makes up for its errors. Default true, with `heads` false. */
  readonly keepFirst?: boolean;
  /** Also runs both models in alternation on the first feeds, with `intraOpNumThreads`. Needs feeds. Default false. */
  readonly timing?: boolean;
  readonly intraOpNumThreads?: number;
  readonly onProgress?: (progress: PruneProgress) => void;
}

// biome-ignore format: a list
const keys: KeysOf<PruneOptions> = {
  pattern: true, ratio: true, score: true, vector: true, scope: true, multiple: true, repair: true, permute: true, calibration: true, biasCorrection: true,
  keep: true, keepFirst: true, timing: true, intraOpNumThreads: true, onProgress: true,
};

export type CheckedPlan = (PrunePlan | ChannelPlan) & { readonly biasCorrection: boolean };

export const removes = (plan: PrunePlan | ChannelPlan): plan is ChannelPlan => plan.pattern === 'channels' || plan.pattern === 'heads';

/** What the options come to; error ERR_DSNK_INVALID_ARGUMENT. */
export function checkPruneOptions(options: PruneOptions): CheckedPlan {
  const bad = (mustHold: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'prune options', mustHold, `${spelled(came)} came`);
  checkKeys('prune options', options, keys);
  const { pattern, calibration, keep, scope, multiple } = options;
  if (!patterns.includes(pattern)) throw bad(`pattern must be ${patterns.join(' or ')}`, pattern);
  const removing = pattern === 'channels' || pattern === 'heads';
  const { ratio = removing ? 0.3 : 0.5 } = options;
  if (typeof ratio !== 'number' || !(ratio > 0 && ratio < 1)) throw bad('ratio must lie between 0 and 1', ratio);
  if (pattern === '2:4' && ratio !== 0.5) throw bad('ratio must be 0.5 with 2:4', ratio);
  const { vector } = options;
  const { score = calibration === undefined ? 'magnitude' : vector === undefined ? 'sparsegpt' : 'wanda' } = options;
  if (!scores.includes(score)) throw bad(`score must be ${scores.join(' or ')}`, score);
  if (score !== 'magnitude' && calibration === undefined) throw bad(`calibration must be there for ${score}`, calibration);
  if (options.timing === true && calibration === undefined) throw bad('calibration must be there for timing', calibration);
  if (calibration !== undefined && !isIterable(calibration)) throw bad('calibration must be an iterable or async iterable of feeds', calibration);
  for (const name of ['biasCorrection', 'keepFirst', 'timing', 'repair', 'permute'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'boolean') throw bad(`${name} must be true or false`, options[name]);
  if (options.onProgress !== undefined && typeof options.onProgress !== 'function') throw bad('onProgress must be a function', options.onProgress);
  if (keep !== undefined && !(Array.isArray(keep) && keep.every((k) => typeof k === 'string' || k instanceof RegExp)))
    throw bad('keep must be a list of names and regular expressions', keep);
  if (scope !== undefined && !scopes.includes(scope)) throw bad(`scope must be ${scopes.join(' or ')}`, scope);
  if (multiple !== undefined && !(Number.isInteger(multiple) && multiple > 0)) throw bad('multiple must be a positive integer', multiple);
  if (vector !== undefined && vector !== 16 && vector !== 32) throw bad('vector must be 16 or 32', vector);
  if (vector !== undefined && pattern !== '2:4') throw bad('vector must be left out without 2:4', pattern);
  if (vector !== undefined && score === 'sparsegpt') throw bad('score must be magnitude or wanda with vector', score);
  if (options.permute === true && pattern !== '2:4') throw bad('permute must be left out without 2:4', pattern);
  if (!removing) {
    for (const name of ['scope', 'multiple', 'repair'] as const)
      if (options[name] !== undefined) throw bad(`${name} must be left out with ${pattern}: it is for channels and heads`, options[name]);
    return { pattern, ratio, score, ...(vector !== undefined && { vector }), biasCorrection: options.biasCorrection ?? score === 'sparsegpt' };
  }
  if (options.repair === true && calibration === undefined) throw bad('calibration must be there to repair', calibration);
  const { biasCorrection = true, repair = true } = options;
  return { pattern, ratio, score, scope: scope ?? 'global', multiple: multiple ?? 1, repair, biasCorrection };
}
