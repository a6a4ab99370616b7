/** The angles of rotary positions. */
import { dsnkError, spelled } from '../errors.js';
import type { Rotation } from './decoder.js';

/** Radians of a step for each pair of `width` elements: base^(-2i/width), as float32. */
export function frequenciesOf(width: number, base: number): Float32Array {
  return Float32Array.from({ length: width / 2 }, (_, i) => 1 / base ** ((2 * i) / width));
}

/** What angles are made of, and the tokens that a model is for. */
interface Angles {
  readonly width: number;
  readonly base: number;
  readonly context: number;
}

/** Angles as longer contexts than those of the training stretch them, in the words of Hugging Face configurations. */
export function stretched(angles: Angles, scaling: Readonly<Record<string, unknown>> | null | undefined, where: string): Omit<Rotation, 'interleaved'> {
  const frequencies = frequenciesOf(angles.width, angles.base);
  const kind = scaling?.['rope_type'] ?? scaling?.['type'] ?? 'default';
  if (scaling === null || scaling === undefined || kind === 'default') return { frequencies };
  const number = (name: string, otherwise?: number) => {
    const v = scaling[name] ?? otherwise;
    if (typeof v !== 'number' || !(v > 0))
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `rope_scaling.${name} must be a positive number`, `${spelled(v)} came`);
    return v;
  };
  if (kind === 'linear') return { frequencies: frequencies.map((f) => f / number('factor')) };
  if (kind === 'yarn') return yarn(frequencies, angles, number, scaling);
  if (kind !== 'llama3') throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'rope_scaling must be of type linear, llama3 or yarn', `${spelled(kind)} came`);
  const [factor, low, high, old] = [number('factor'), number('low_freq_factor'), number('high_freq_factor'), number('original_max_position_embeddings')];
  // Waves longer than the old context are stretched, short ones are not, and those between are a mixture.
  return {
    frequencies: frequencies.map((f) => {
      const share = Math.min(Math.max(((old * f) / (2 * Math.PI) - low) / (high - low), 0), 1);
      return share * f + ((1 - share) * f) / factor;
    }),
  };
}

/**
 * YaRN (Peng et al., 2023): pairs that turn more than `beta_fast` times in the old context stay, those that turn less than `beta_slow` times are
 * stretched, between them the mixture is linear in the number of the pair. Scores grow with the factor.
 */
function yarn(
  frequencies: Float32Array,
  { width, base, context }: Angles,
  number: (name: string, otherwise?: number) => number,
  { truncate, mscale, mscale_all_dim: taken }: Readonly<Record<string, unknown>>,
): Omit<Rotation, 'interleaved'> {
  const [factor, old] = [number('factor'), number('original_max_position_embeddings', context)];
  const pairTurning = (turns: number) => (width * Math.log(old / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const [fast, slow] = [pairTurning(number('beta_fast', 32)), pairTurning(number('beta_slow', 1))];
  const first = Math.max(truncate === false ? fast : Math.floor(fast), 0);
  const last = Math.min(truncate === false ? slow : Math.ceil(slow), width - 1);
  const grown = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  const growth = mscale && taken ? grown(number('mscale')) / grown(number('mscale_all_dim')) : grown(1);
  return {
    frequencies: frequencies.map((f, i) => {
      const share = Math.min(Math.max((i - first) / (last === first ? 1e-3 : last - first), 0), 1);
      return (share * f) / factor + (1 - share) * f;
    }),
    scale: number('attention_factor', growth),
  };
}
