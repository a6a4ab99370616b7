/** The angles of rotary positions. */
import { dsnkError, spelled } from '../errors.js';

/** Radians of a step for each pair of `width` elements: base^(-2i/width), as float32. */
export function frequenciesOf(width: number, base: number): Float32Array {
  return Float32Array.from({ length: width / 2 }, (_, i) => 1 / base ** ((2 * i) / width));
}

/** How longer contexts than those of the training stretch the angles, in the words of Hugging Face configurations. */
export function stretched(frequencies: Float32Array, scaling: Readonly<Record<string, unknown>> | null | undefined, where: string): Float32Array {
  const kind = scaling?.['rope_type'] ?? scaling?.['type'] ?? 'default';
  if (scaling === null || scaling === undefined || kind === 'default') return frequencies;
  const number = (name: string) => {
    const v = scaling[name];
    if (typeof v !== 'number' || !(v > 0))
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `rope_scaling.${name} must be a positive number`, `${spelled(v)} came`);
    return v;
  };
  if (kind === 'linear') return frequencies.map((f) => f / number('factor'));
  if (kind !== 'llama3') throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'rope_scaling must be of type linear or llama3', `${spelled(kind)} came`);
  const [factor, low, high, old] = [number('factor'), number('low_freq_factor'), number('high_freq_factor'), number('original_max_position_embeddings')];
  // Waves longer than the old context are stretched, short ones are not, and those between are a mixture.
  return frequencies.map((f) => {
    const share = Math.min(Math.max(((old * f) / (2 * Math.PI) - low) / (high - low), 0), 1);
    return share * f + ((1 - share) * f) / factor;
  });
}
