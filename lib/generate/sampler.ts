/**
 * The choice of the next token. Order, as in Hugging Face transformers: repetition penalty, temperature, the k most likely, the fewest that have the
 * share p together, those of at least a share of the most likely one.
 *
 * One walk over the scores finds the largest of each block; most blocks are not looked at again where few tokens can be chosen. All in JavaScript: of the
 * 3.3 ms that a step of 110 million weights takes on one thread of Zen 4, 32,000 scores cost 0.04 (the most likely), 0.07 (topK with topP, or minP), 0.09 (all) or
 * 0.3 ms (topP alone, of a flat distribution), 152,000 between 0.2 and 1.7. The exponentials of all scores are a kernel's work.
 */
import { dsnkError, spelled } from '../errors.js';
import { softmax } from '../runtime/softmax.js';
import { Descending } from './descending.js';

export interface SamplingOptions {
  /** 0 takes the most likely token; default 0. */
  readonly temperature?: number;
  /** Only the so many most likely; default 0: all. */
  readonly topK?: number;
  /** Only the fewest most likely that have this probability together; default 1. */
  readonly topP?: number;
  /** Only those with at least this share of the probability of the most likely; default 0. */
  readonly minP?: number;
  /** Above 1 makes tokens of the text so far less likely; default 1. */
  readonly repetitionPenalty?: number;
  /** Equal seeds choose equally; default: another one every time. */
  readonly seed?: number;
}

function checked(options: SamplingOptions): Required<Omit<SamplingOptions, 'seed'>> {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, seed } = options;
  const bad = (name: string, mustBe: string, came: unknown) =>
    dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'generation options', `${name} must be ${mustBe}`, `${spelled(came)} came`);
  const isNumber = (v: unknown, low: number, high: number): boolean => typeof v === 'number' && v >= low && v <= high;
  if (!isNumber(temperature, 0, 1e6)) throw bad('temperature', 'a number from 0 on', temperature);
  if (!Number.isInteger(topK) || topK < 0) throw bad('topK', 'an integer from 0 on', topK);
  if (!isNumber(topP, 0, 1) || topP === 0) throw bad('topP', 'above 0 and at most 1', topP);
  if (!isNumber(minP, 0, 1)) throw bad('minP', 'from 0 to 1', minP);
  if (!isNumber(repetitionPenalty, 1e-6, 1e6)) throw bad('repetitionPenalty', 'a positive number', repetitionPenalty);
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw bad('seed', 'an integer of at most 53 bits', seed);
  return { temperature, topK, topP, minP, repetitionPenalty };
}

/** Numbers in [0, 1) that a seed decides: a counter through the finalizer of SplitMix32. */
export function randomNumbers(seed: number): () => number {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let z = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}

export class Sampler {
  readonly #options: Required<Omit<SamplingOptions, 'seed'>>;
  readonly #random: () => number;

  constructor(options: SamplingOptions = {}) {
    this.#options = checked(options);
    this.#random = randomNumbers(options.seed ?? Math.floor(Math.random() * 2 ** 32));
  }

  /** The token that follows `text`. `scores` of all tokens are changed. NaN is never chosen. */
  next(scores: Float32Array, text: Iterable<number>): number {
    const { temperature, repetitionPenalty } = this.#options;
    if (repetitionPenalty !== 1) {
      for (const token of new Set(text)) {
        const s = scores[token] as number;
        scores[token] = s > 0 ? s / repetitionPenalty : s * repetitionPenalty;
      }
    }
    const peaks = peaksOf(scores);
    const most = peaks.reduce((a, b) => Math.max(a, b));
    const best = Math.max(scores.indexOf(most, peaks.indexOf(most) * BLOCK), 0);
    return temperature === 0 ? best : (this.#draw(scores, peaks, most) ?? best);
  }

  /** undefined where no score is a number that can be weighed. */
  #draw(scores: Float32Array, peaks: Float32Array, most: number): number | undefined {
    const { temperature, topK, topP, minP } = this.#options;
    if (!Number.isFinite(most)) return undefined;
    const n = scores.length;
    // So many blocks have a score of at least this one, which is all that is wanted of the others.
    let least = topK > 0 && topK <= peaks.length ? (peaks.slice().sort()[peaks.length - topK] as number) : Number.NEGATIVE_INFINITY;
    // A share is of all that are left by then. The margin is for rounding.
    if (minP > 0 && topP === 1) least = Math.max(least, most + temperature * (Math.log(minP) - 1e-3));
    if (least > Number.NEGATIVE_INFINITY) {
      const tokens = atLeast(scores, peaks, least);
      const weights = new Float32Array(tokens.map((i) => Math.exp(((scores[i] as number) - most) / temperature)));
      return tokens[this.#choose(weights, undefined)];
    }
    for (let i = 0; i < n; i++) {
      const s = ((scores[i] as number) - most) / temperature;
      scores[i] = s <= 0 ? s : Number.NEGATIVE_INFINITY; // NaN
    }
    softmax(scores);
    if (topP === 1 && (topK === 0 || topK >= n)) return this.#pick(scores);
    // Those that have less are not half of what the share leaves out, all together.
    return this.#choose(scores, topK > 0 ? undefined : { total: 1, least: (1 - topP) / (2 * n) });
  }

  /** Which of these weights; where their `total` is known, those below `least` need no look. */
  #choose(weights: Float32Array, known: { readonly total: number; readonly least: number } | undefined): number {
    const { topK, topP, minP } = this.#options;
    const kept = new Descending(weights, known?.least);
    if (topK > 0) kept.keepMost(topK);
    if (topP < 1) kept.keepShare(topP * (known?.total ?? kept.total));
    if (minP > 0) kept.keepFrom(minP * weights.reduce((a, b) => Math.max(a, b)));
    return kept.at(this.#random());
  }

  #pick(weights: Float32Array): number {
    let at = this.#random();
    let last = 0;
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i] as number;
      if (w === 0) continue;
      last = i;
      at -= w;
      if (at < 0) break;
    }
    return last;
  }
}

/** Scores are looked at in blocks of so many: most of them have nothing that can be chosen. */
const BLOCK = 128;

/** The largest of each block; -Infinity where all are NaN. */
function peaksOf(scores: Float32Array): Float32Array {
  const peaks = new Float32Array(Math.ceil(scores.length / BLOCK));
  for (let b = 0; b < peaks.length; b++) {
    let most = Number.NEGATIVE_INFINITY;
    const end = Math.min((b + 1) * BLOCK, scores.length);
    for (let i = b * BLOCK; i < end; i++) if ((scores[i] as number) > most) most = scores[i] as number;
    peaks[b] = most;
  }
  return peaks;
}

/** Tokens of at least this score, in order; blocks whose peak is lower are passed over. */
function atLeast(scores: Float32Array, peaks: Float32Array, least: number): number[] {
  const tokens: number[] = [];
  for (let b = 0; b < peaks.length; b++) {
    if ((peaks[b] as number) < least) continue;
    const end = Math.min((b + 1) * BLOCK, scores.length);
    for (let i = b * BLOCK; i < end; i++) if ((scores[i] as number) >= least) tokens.push(i);
  }
  return tokens;
}
