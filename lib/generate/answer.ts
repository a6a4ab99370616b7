/** A text in the making: its tokens, what is certain of its words, and whether it has ended. */
import { Sampler, type SamplingOptions } from './sampler.js';
import { StopStrings, TextStream, type Tokenizer } from './tokenizer.js';

/** Why a text ended: the model ended it, a stop string came, or there was no room for more. */
export type FinishReason = 'end' | 'stop' | 'length';

/** A token with the text that is certain after it. */
export interface TextPiece {
  readonly token: number;
  readonly text: string;
}

export class Answer {
  /** Those of the prompt too. */
  readonly tokens: number[];
  finished: FinishReason | undefined;
  readonly #sampler: Sampler;
  readonly #stops: StopStrings;
  readonly #text: TextStream;

  constructor(
    readonly tokenizer: Tokenizer,
    prompt: readonly number[],
    /** Tokens that prompt and answer have together at most. */
    readonly most: number,
    options: SamplingOptions,
    stops: readonly string[],
  ) {
    this.tokens = [...prompt];
    this.#sampler = new Sampler(options);
    this.#stops = new StopStrings(stops);
    this.#text = new TextStream(tokenizer, prompt);
    if (this.tokens.length >= most) this.finished = 'length';
  }

  /** The next token by the scores of all; undefined where it is an end that adds no text. */
  take(scores: Float32Array): TextPiece | undefined {
    const token = this.#sampler.next(scores, this.tokens);
    if (this.tokenizer.ends.has(token)) {
      const text = this.#stops.push(this.#text.end()) + this.#stops.end();
      this.finished = this.#stops.stopped ? 'stop' : 'end';
      return text === '' ? undefined : { token, text };
    }
    this.tokens.push(token);
    const last = this.tokens.length === this.most;
    const text = this.#stops.push(this.#text.push(token) + (last ? this.#text.end() : ''));
    if (this.#stops.stopped) this.finished = 'stop';
    else if (last) this.finished = 'length';
    return { token, text: this.finished === 'length' ? text + this.#stops.end() : text };
  }
}
