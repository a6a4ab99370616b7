/** What a file says a decoder is: read with the care that words of strangers need. */
import { dsnkError, spelled } from '../errors.js';
import type { DecoderShape } from './decoder.js';

export type Json = Readonly<Record<string, unknown>>;

/** Numbers and names of a configuration, checked one by one. */
export class Configuration {
  constructor(
    readonly values: Json,
    readonly where: string,
  ) {}

  invalid(name: string, mustBe: string): Error {
    return dsnkError('ERR_DSNK_INVALID_MODEL', this.where, `${name} must be ${mustBe}`, `${spelled(this.values[name])} came`);
  }

  /** No decoder has a size beyond this: products of two are exact. */
  size(name: string, fallback?: number): number {
    const v = this.values[name] ?? fallback;
    if (!Number.isInteger(v) || (v as number) < 1 || (v as number) > 2 ** 24) throw this.invalid(name, 'a size');
    return v as number;
  }

  number(name: string, fallback: number): number {
    const v = this.values[name] ?? fallback;
    if (typeof v !== 'number' || !(v > 0) || !Number.isFinite(v)) throw this.invalid(name, 'a positive number');
    return v;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  object(name: string): Json | undefined {
    const v = this.values[name] ?? undefined;
    if (v !== undefined && (typeof v !== 'object' || Array.isArray(v))) throw this.invalid(name, 'an object');
    return v as Json | undefined;
  }
}

/** No decoder has more layers: a count is believed before its weights are looked at. */
export const MAX_LAYERS = 1000;

export function layersOf(count: number, where: string): number {
  if (count > MAX_LAYERS) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `layers must be ${MAX_LAYERS} at most`, `${count} came`);
  return count;
}

export function assertHeads({ width, heads, keyHeads, headWidth, rotation }: DecoderShape, where: string): void {
  const odd = rotation !== undefined && headWidth % 2 !== 0;
  if (heads % keyHeads === 0 && !odd && headWidth <= 4096) return;
  throw dsnkError(
    'ERR_DSNK_INVALID_MODEL',
    where,
    'heads must share key heads evenly and have an even width',
    `${heads} heads, ${keyHeads} key heads of ${headWidth} in a width of ${width} came`,
  );
}
