/** What `quantize` can be asked for, by method, and what is refused. */
import { checkKeys, dsnkError, type KeysOf, spelled } from '../errors.js';
import { type ActivationType, activationTypes } from '../quantize/affine.js';
import { type FewBitsAlgorithm, fewBitsAlgorithms } from '../quantize/algorithms.js';
import type { WeightBits } from '../quantize/few-bits.js';
import { type Observer, observers } from '../quantize/observers.js';
import { algorithms } from '../quantize/weights.js';
import { type CalibrationFeeds, isIterable } from './calibrate.js';
import type { InferenceSession } from './session.js';

export interface WeightOptions {
  /** Default 8. Below, weights have one scale per output channel and stand in int4. */
  readonly bits?: WeightBits;
  /** One scale per output channel, or one per tensor. Default true. */
  readonly perChannel?: boolean;
  /**
   * `rtn` covers every weight; `mse` clips where that makes the squared error less: the default with 8 bits. Below 8 bits also `hqq` and
   * `gptq`, the default, which lets later weights make up for the error of earlier ones on the first feeds.
   */
  readonly algorithm?: Exclude<FewBitsAlgorithm, 'expected'>;
}

/** Keeps layers in float32, those with the least signal to noise first, until the model is good enough. */
export interface QuantizeTarget {
  /** What a session achieves, larger is better: accuracy on a set of yours. */
  readonly metric?: (session: InferenceSession) => number | Promise<number>;
  /** The largest loss of the metric against the float model, in its own unit. */
  readonly maxDrop?: number;
  /** Or the least signal to noise of the model's outputs on calibration feeds, in dB. */
  readonly sqnr?: number;
}

export interface QuantizeProgress {
  readonly stage: 'calibrate' | 'weights' | 'bias' | 'measure' | 'timing';
  readonly done: number;
  /** undefined where the feeds have no known number. */
  readonly total: number | undefined;
}

/** What every method takes. */
interface CommonOptions {
  /** Adds to biases what rounding and clipping take from the mean of each channel on the first feeds. Default true, where there are feeds. */
  readonly biasCorrection?: boolean;
  /** Layers that stay in float32, by node name. */
  readonly keepFloat?: readonly (string | RegExp)[];
  readonly target?: QuantizeTarget;
  /**
   * Also runs the float model and the quantized one in alternation on the first feeds, with `intraOpNumThreads`: the report then has the time
   * of every layer and of the whole, and the memory of a session, of both. Needs feeds. Default false.
   */
  readonly timing?: boolean;
  readonly intraOpNumThreads?: number;
  readonly onProgress?: (progress: QuantizeProgress) => void;
}

interface AutoOption {
  /**
   * Integers only where they are faster: the quantized model and the float one are run in alternation on the first feeds, and islands of layers
   * that are slower in integers on this machine stay in float32; all of them, where the whole is. Default false: all that can be is quantized.
   */
  readonly auto?: boolean;
}

/** Weights and activations in 8 bits. */
export interface StaticOptions extends CommonOptions, AutoOption {
  /** Default `static`: scales are fixed by calibration. */
  readonly method?: 'static';
  /** Feeds as for `session.run`; read once, one at a time. */
  readonly calibration: CalibrationFeeds;
  /** How the range of an activation is chosen. Default `entropy`. */
  readonly observer?: Observer;
  /** Unsigned with a zero point, or signed and symmetric. Default `u8`. */
  readonly activation?: ActivationType;
  readonly weights?: WeightOptions;
  /**
   * Moves factors between the weights of consecutive layers until their channels are as large on both sides: the float model
   * computes the same, and one scale suits all channels. Default: where weights have one scale for all channels.
   */
  readonly equalize?: boolean;
}

export interface FewBitsWeightOptions {
  /** Default 4. */
  readonly bits?: WeightBits;
  /** Bits of single layers, by node name, where they are to have others. */
  readonly layers?: Readonly<Record<string, WeightBits>>;
  /** Weights that share a scale: a power of two from 16 to 256, or all of an output channel. Default 64; 128 with 8 bits, 32 with 3, 16 with 2; less in short rows, down to 16, so that they have four groups. */
  readonly groupSize?: number | 'channel';
  /** Levels around zero, or with a zero point for every group. Default: around zero with 8 bits, zero points below. */
  readonly symmetric?: boolean;
  /**
   * `rtn` covers every weight; `mse` makes the squared error least, `hqq` that of the power 0.7; `gptq` lets later weights make up for the error of
   * earlier ones on the calibration feeds, which it needs, and improves codes and scales one by one; `expected` does so without feeds, for inputs as the
   * layers before suggest, and as `hqq` where they suggest nothing. With feeds, the others weigh errors by how large the inputs are. Default `gptq` with feeds, `expected` without.
   */
  readonly algorithm?: FewBitsAlgorithm;
  /** `gptq` and `expected` round inputs of more energy first, with scales that are found before. Default false. */
  readonly actOrder?: boolean;
  /**
   * Makes weights of channels with large inputs larger, and what makes these inputs smaller by as much, before anything is rounded (AWQ): where a
   * normalization or another layer makes them. Needs calibration feeds, goes with every algorithm. Default false.
   */
  readonly activationAware?: boolean;
}

/** Weights in few bits, activations in float32. */
export interface WeightOnlyOptions extends CommonOptions {
  readonly method: 'weight-only';
  /** Optional: without feeds only the weights themselves are looked at. */
  readonly calibration?: CalibrationFeeds;
  readonly weights?: FewBitsWeightOptions;
}

/** Weights of MatMul, Gemm and Conv in 8 bits, activations in 8 bits with a range of their own at every call. */
export interface DynamicOptions extends Omit<CommonOptions, 'biasCorrection' | 'target'>, AutoOption {
  readonly method: 'dynamic';
  /** Optional: the error is measured on the first feeds. */
  readonly calibration?: CalibrationFeeds;
  readonly weights?: { readonly perChannel?: boolean; readonly algorithm?: 'rtn' | 'mse' };
}

export type QuantizeOptions = StaticOptions | WeightOnlyOptions | DynamicOptions;

const shared = { calibration: true, keepFloat: true, timing: true, intraOpNumThreads: true, onProgress: true } as const;
const methodKeys: {
  readonly static: KeysOf<StaticOptions>;
  readonly 'weight-only': KeysOf<WeightOnlyOptions>;
  readonly dynamic: KeysOf<DynamicOptions>;
} = {
  static: { method: true, ...shared, observer: true, activation: true, weights: true, biasCorrection: true, equalize: true, target: true, auto: true },
  'weight-only': { method: true, ...shared, weights: true, biasCorrection: true, target: true },
  dynamic: { method: true, ...shared, weights: true, auto: true },
};
const weightKeys: {
  readonly static: KeysOf<WeightOptions>;
  readonly 'weight-only': KeysOf<FewBitsWeightOptions>;
  readonly dynamic: KeysOf<WeightOptions>;
} = {
  static: { bits: true, perChannel: true, algorithm: true },
  'weight-only': { bits: true, layers: true, groupSize: true, symmetric: true, algorithm: true, activationAware: true, actOrder: true },
  dynamic: { bits: true, perChannel: true, algorithm: true },
};
const targetKeys: KeysOf<QuantizeTarget> = { metric: true, maxDrop: true, sqnr: true };

export function checkOptions(options: QuantizeOptions): void {
  const where = 'quantize options';
  const bad = (mustHold: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, mustHold, `${spelled(came)} came`);
  if (typeof options !== 'object' || options === null) throw bad('options must be an object', options);
  const oneOf = (name: string, value: unknown, list: readonly unknown[]) => {
    if (value !== undefined && !list.includes(value)) throw bad(`${name} must be ${list.join(' or ')}`, value);
  };
  oneOf('method', options.method, ['static', 'weight-only', 'dynamic']);
  const { method = 'static', target: wanted } = options as { readonly method?: QuantizeOptions['method']; readonly target?: unknown };
  if (method === 'dynamic' && wanted !== undefined) throw bad('target must stand with method static or weight-only', method);
  checkKeys(where, options, methodKeys[method], `options of method ${method}`);
  const { weights, onProgress, target } = options as Partial<Record<'weights' | 'onProgress' | 'target', unknown>>;
  if (weights !== undefined) checkKeys(where, weights, weightKeys[method], 'weights');
  if (target !== undefined) checkKeys(where, target, targetKeys, 'target');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw bad('onProgress must be a function', onProgress);
  if (options.method !== 'dynamic') oneOf('biasCorrection', options.biasCorrection, [true, false]);
  if (options.method === 'weight-only') checkFewBits(options, oneOf);
  else if (options.method === 'dynamic') {
    oneOf('weights.bits', (options.weights as WeightOptions | undefined)?.bits, [8]);
    oneOf('weights.perChannel', options.weights?.perChannel, [true, false]);
    oneOf('weights.algorithm', options.weights?.algorithm, algorithms);
  } else {
    oneOf('observer', options.observer, observers);
    oneOf('activation', options.activation, activationTypes);
    oneOf('equalize', options.equalize, [true, false]);
    const { bits = 8, perChannel } = options.weights ?? {};
    oneOf('weights.bits', bits, [8, 4, 3, 2]);
    oneOf('weights.perChannel', options.weights?.perChannel, [true, false]);
    oneOf('weights.algorithm', options.weights?.algorithm, bits === 8 ? algorithms : fewBitsAlgorithms.filter((a) => a !== 'expected'));
    if (bits !== 8) oneOf('weights.perChannel with less than 8 bits', perChannel, [true]);
  }
  const { calibration, keepFloat } = options;
  const { auto }: AutoOption = options.method === 'weight-only' ? {} : options;
  oneOf('auto', auto, [true, false]);
  oneOf('timing', options.timing, [true, false]);
  for (const [name, wanted] of Object.entries({ auto, timing: options.timing }))
    if (wanted === true && calibration === undefined) throw bad(`calibration must be there for ${name}`, calibration);
  const needed = (options.method ?? 'static') === 'static' || calibration !== undefined;
  if (needed && !isIterable(calibration)) throw bad('calibration must be an iterable or async iterable of feeds', calibration);
  if (keepFloat !== undefined && !(Array.isArray(keepFloat) && keepFloat.every((k) => typeof k === 'string' || k instanceof RegExp)))
    throw bad('keepFloat must be a list of names and regular expressions', keepFloat);
  if (target !== undefined) checkTarget(target as QuantizeTarget, bad);
}

function checkTarget({ metric, maxDrop, sqnr }: QuantizeTarget, bad: (mustHold: string, came: unknown) => Error): void {
  if (metric === undefined && sqnr === undefined) throw bad('target must have a metric or an sqnr', { metric, sqnr });
  if (metric !== undefined && typeof metric !== 'function') throw bad('target.metric must be a function', metric);
  for (const [name, value] of Object.entries({ sqnr, maxDrop }))
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value))) throw bad(`target.${name} must be a number`, value);
}

function checkFewBits(options: WeightOnlyOptions, oneOf: (name: string, value: unknown, list: readonly unknown[]) => void): void {
  const { weights } = options;
  oneOf('weights.bits', weights?.bits, [8, 4, 3, 2]);
  if (weights?.layers !== undefined && (typeof weights.layers !== 'object' || weights.layers === null || Array.isArray(weights.layers)))
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      'quantize options',
      'weights.layers must be an object of bits by node name',
      `${spelled(weights.layers)} came`,
    );
  for (const [name, bits] of Object.entries(weights?.layers ?? {})) oneOf(`weights.layers["${name}"]`, bits, [8, 4, 3, 2]);
  oneOf('weights.groupSize', weights?.groupSize, [16, 32, 64, 128, 256, 'channel']);
  oneOf('weights.symmetric', weights?.symmetric, [true, false]);
  oneOf('weights.actOrder', weights?.actOrder, [true, false]);
  oneOf('weights.activationAware', weights?.activationAware, [true, false]);
  oneOf('weights.algorithm', weights?.algorithm, fewBitsAlgorithms);
  const where = 'quantize options';
  if (weights?.algorithm === 'gptq' && options.calibration === undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'weights.algorithm gptq must have calibration feeds', 'none came');
  if (weights?.activationAware === true && options.calibration === undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'weights.activationAware must have calibration feeds', 'none came');
  if (options.target?.sqnr !== undefined && options.calibration === undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'target.sqnr must have calibration feeds to measure on', 'none came');
}
