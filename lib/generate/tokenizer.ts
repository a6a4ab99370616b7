/** Text to tokens and back, and text out of tokens that come one by one. */

export interface Tokenizer {
  /** With what the model wants in front of a text. */
  encode(text: string): number[];
  /** Text in which special tokens are written out: nothing is put in front. */
  encodeWritten(text: string): number[];
  decode(tokens: readonly number[]): string;
  /** Tokens that end a text. */
  readonly ends: ReadonlySet<number>;
}

/** Tokens before the first new one that take part in decoding: what stands before a token may change how it is written. */
const BEFORE = 6;

/** The text of a stream of tokens, as soon as no later token can change it. */
export class TextStream {
  readonly #tokens: number[];
  #from: number;
  #read: number;

  constructor(
    readonly tokenizer: Tokenizer,
    prompt: readonly number[],
  ) {
    this.#tokens = prompt.slice(-BEFORE);
    this.#from = 0;
    this.#read = this.#tokens.length;
  }

  /** What the token adds, '' while a character is not whole. */
  push(token: number): string {
    this.#tokens.push(token);
    const text = this.#added();
    if (text === '' || text.endsWith('\uFFFD')) return '';
    this.#take();
    return text;
  }

  /** What is left at the end, broken characters too. */
  end(): string {
    const text = this.#added();
    this.#take();
    return text;
  }

  #added(): string {
    const before = this.tokenizer.decode(this.#tokens.slice(this.#from, this.#read));
    return this.tokenizer.decode(this.#tokens.slice(this.#from)).slice(before.length);
  }

  #take(): void {
    this.#from = this.#read;
    this.#read = this.#tokens.length;
    // Only what later tokens are decoded with is kept.
    this.#tokens.splice(0, this.#from);
    this.#read -= this.#from;
    this.#from = 0;
  }
}

/** Text up to the first of some strings, holding back what may be the beginning of one. */
export class StopStrings {
  #held = '';
  stopped = false;

  constructor(readonly stops: readonly string[]) {}

  push(text: string): string {
    if (this.stopped) return '';
    this.#held += text;
    let at = -1;
    for (const stop of this.stops) {
      const i = this.#held.indexOf(stop);
      if (i >= 0 && (at < 0 || i < at)) at = i;
    }
    if (at >= 0) {
      this.stopped = true;
      return this.#release(at, 0);
    }
    return this.#release(this.#held.length - this.#beginning());
  }

  end(): string {
    return this.#release(this.#held.length);
  }

  #release(count: number, keep = this.#held.length - count): string {
    const text = this.#held.slice(0, count);
    this.#held = keep === 0 ? '' : this.#held.slice(count);
    return text;
  }

  /** Characters at the end of what is held that some stop string begins with. */
  #beginning(): number {
    let most = 0;
    for (const stop of this.stops) {
      for (let n = Math.min(stop.length - 1, this.#held.length); n > most; n--) if (this.#held.endsWith(stop.slice(0, n))) most = n;
    }
    return most;
  }
}
