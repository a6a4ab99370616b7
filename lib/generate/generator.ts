/** `TextGenerator`: a decoder, its tokenizer, and the tokens that its caches hold. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dsnkError, spelled } from '../errors.js';
import { InferenceSession } from '../runtime/session.js';
import { Tensor } from '../tensor.js';
import { type CacheType, cacheBytes, cacheTypes, type DecoderShape, decoderGraph } from './decoder.js';
import { loadTextModel } from './load.js';
import type { FewBits } from './product.js';
import { Sampler, type SamplingOptions } from './sampler.js';
import { StopStrings, TextStream, type Tokenizer } from './tokenizer.js';

export interface TextGeneratorOptions {
  /**
   * What weights become when the model is loaded: `{ bits: 8 }` or `{ bits: 4 }`, fitted in groups of `groupSize` (default 32); `'float32'`; default
   * `'stored'`: quantized blocks stay in their bits, and floats are multiplied in float32.
   */
  readonly weights?: 'stored' | 'float32' | { readonly bits: 4 | 8; readonly groupSize?: FewBits['groupSize'] };
  /** Tokens that prompt and answer may have together: the size of the caches. Default: what the model was trained on, 4096 at most. */
  readonly contextLength?: number;
  readonly intraOpNumThreads?: number;
  /** What keys and values are kept in: `'float32'`, `'float16'`, or `'int8'` with a scale for each token and head; default `'float16'`. */
  readonly cache?: CacheType;
  /** The tokenizer file of a llama2.c model, where it has no usual name beside the model. */
  readonly tokenizer?: string;
}

export interface GenerateOptions extends SamplingOptions {
  /** Tokens to generate at most; default: until the text ends or the caches are full. */
  readonly maxTokens?: number;
  /** Strings that end the text; they are not part of it. */
  readonly stop?: string | readonly string[];
  readonly signal?: AbortSignal;
}

/** Why a text ended: the model ended it, a stop string came, or there was no room for more. */
export type FinishReason = 'end' | 'stop' | 'length';

/** A token with the text that is certain after it. */
export interface TextPiece {
  readonly token: number;
  readonly text: string;
}

export interface GeneratedText {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly finishReason: FinishReason;
}

/** Rows of a call: a prompt is cut into these, the last one padded, and each is one compiled program. */
const CHUNKS = [1, 16, 64, 256];

/** What a call costs beside its rows, in rows: the weights are read, whatever they are multiplied by. */
const CALL_ROWS = 12;

/** The rows of a call that bring most of `left` tokens for their price, where the caches have room for so many. */
function rowsFor(left: number, room: number): number {
  const gain = (rows: number) => Math.min(rows, left) / (CALL_ROWS + rows);
  return CHUNKS.filter((rows) => rows <= room).reduce((best, rows) => (gain(rows) > gain(best) ? rows : best));
}

const DEFAULT_CONTEXT = 4096;

export class TextGenerator {
  readonly #session: InferenceSession;
  readonly #tokenizer: Tokenizer;
  readonly #shape: DecoderShape;
  readonly #scores: Tensor;
  /** Tokens whose keys and values the caches hold. */
  #held: number[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #released = false;

  private constructor(
    session: InferenceSession,
    tokenizer: Tokenizer,
    shape: DecoderShape,
    /** Tokens that prompt and answer may have together. */
    readonly contextLength: number,
    /** Bytes that the caches of keys and values take when they are full. */
    readonly cacheBytes: number,
  ) {
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#shape = shape;
    this.#scores = new Tensor('float32', new Float32Array(shape.vocabulary), [1, shape.vocabulary]);
  }

  /**
   * Loads a folder of Hugging Face, a `.gguf` file or a `.bin` file of llama2.c.
   *
   * Errors: ERR_DSNK_INVALID_MODEL, ERR_DSNK_UNSUPPORTED_OP (an architecture or a type of weights, by name), ERR_DSNK_OUT_OF_MEMORY,
   * ERR_DSNK_INVALID_ARGUMENT.
   */
  static async load(model: string | URL, options: TextGeneratorOptions = {}): Promise<TextGenerator> {
    const where = 'TextGenerator.load';
    if (typeof model !== 'string' && !(model instanceof URL))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'model must be a path or a file: URL', `${spelled(model)} came`);
    const few = fewBitsOf(options.weights);
    const { cache = 'float16' } = options;
    if (!cacheTypes.includes(cache))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `cache must be one of ${cacheTypes.join(', ')}`, `${spelled(cache)} came`);
    const path = typeof model === 'string' ? resolve(model) : fileURLToPath(model);
    const { shape, weights, tokenizer, free } = await loadTextModel(path, options.tokenizer);
    let session: InferenceSession | undefined;
    try {
      const capacity = contextOf(options.contextLength, shape);
      const sizes = { capacity, cache };
      const graph = decoderGraph(shape, weights, { weights: few, ...sizes });
      const threads = options.intraOpNumThreads;
      session = await InferenceSession.open({ graph, keepBytes: false, free }, { ...(threads !== undefined && { intraOpNumThreads: threads }) });
      // What answers are made with, and most prompts. The weights are packed here.
      for (const rows of [1, 64].filter((n) => n <= capacity)) {
        await session.model.prepare([
          { dtype: 'int64', dims: [1, rows], data: new BigInt64Array(rows) },
          { dtype: 'int32', dims: [1], data: new Int32Array(1) },
          { dtype: 'int64', dims: [], data: new BigInt64Array(1) },
        ]);
      }
      return new TextGenerator(session, tokenizer, shape, capacity, cacheBytes(shape, sizes));
    } catch (error) {
      await session?.release();
      free();
      throw error;
    }
  }

  /** `llama`, `qwen2`, …: in the words of the file. */
  get architecture(): string {
    return this.#shape.architecture;
  }

  get vocabularySize(): number {
    return this.#shape.vocabulary;
  }

  /** The session that computes it, for reports. */
  get session(): InferenceSession {
    return this.#session;
  }

  /** The tokens of a text, with those that the model wants in front of it. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text);
  }

  decode(tokens: readonly number[]): string {
    this.#assertTokens(tokens);
    return this.#tokenizer.decode(tokens);
  }

  /**
   * The continuation of a text, or of tokens, piece by piece. What prompts have in common with what came before is not computed again.
   *
   * Errors: ERR_DSNK_INVALID_ARGUMENT (options, a prompt that does not fit, tokens outside the vocabulary), ERR_DSNK_DISPOSED, or the signal's reason.
   */
  async *stream(prompt: string | readonly number[], options: GenerateOptions = {}): AsyncGenerator<string, FinishReason> {
    const pieces = this.streamTokens(prompt, options);
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) return value;
      if (value.text !== '') yield value.text;
    }
  }

  /** Like `stream`, with every token: also those that add no text yet. */
  async *streamTokens(prompt: string | readonly number[], options: GenerateOptions = {}): AsyncGenerator<TextPiece, FinishReason> {
    this.#assertLive();
    const tokens = this.#promptOf(prompt);
    const { signal, stop = [], maxTokens = Number.POSITIVE_INFINITY } = options;
    if (maxTokens !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxTokens) && maxTokens >= 0))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'generation options', 'maxTokens must be an integer from 0 on', `${spelled(maxTokens)} came`);
    const sampler = new Sampler(options);
    const stops = new StopStrings(stopsOf(stop));
    const text = new TextStream(this.#tokenizer, tokens);
    const most = Math.min(tokens.length + maxTokens, this.contextLength);
    while (tokens.length < most) {
      const token = await this.#next(tokens, sampler, signal);
      if (this.#tokenizer.ends.has(token)) {
        const rest = stops.push(text.end()) + stops.end();
        if (rest !== '') yield { token, text: rest };
        return stops.stopped ? 'stop' : 'end';
      }
      tokens.push(token);
      const last = tokens.length === most;
      const added = text.push(token) + (last ? text.end() : '');
      const certain = stops.push(added);
      if (stops.stopped || !last) yield { token, text: certain };
      else yield { token, text: certain + stops.end() };
      if (stops.stopped) return 'stop';
    }
    return 'length';
  }

  /** The whole continuation. */
  async generate(prompt: string | readonly number[], options: GenerateOptions = {}): Promise<GeneratedText> {
    const given = this.#promptOf(prompt);
    const tokens: number[] = [];
    let text = '';
    const pieces = this.streamTokens(given, options);
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) return { text, tokens, promptTokens: given.length, finishReason: value };
      tokens.push(value.token);
      text += value.text;
    }
  }

  /** Frees weights and caches. Calls in flight finish their token first; more are refused with ERR_DSNK_DISPOSED. */
  async release(): Promise<void> {
    this.#released = true;
    await this.#session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** The token after `tokens`. Streams take turns, token by token; each finds out what the caches hold of its own. */
  #next(tokens: readonly number[], sampler: Sampler, signal: AbortSignal | undefined): Promise<number> {
    const result = this.#turn.then(async () => {
      this.#assertLive();
      await this.#read(tokens, signal);
      return sampler.next(this.#scores.data as Float32Array, tokens);
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Brings the caches to hold `tokens`, and the scores to what follows them. */
  async #read(tokens: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    let at = 0;
    // The last one is read in any case: its scores are wanted.
    while (at < tokens.length - 1 && at < this.#held.length && this.#held[at] === tokens[at]) at++;
    this.#held.length = Math.min(this.#held.length, at);
    while (at < tokens.length) {
      signal?.throwIfAborted();
      const rows = rowsFor(tokens.length - at, this.contextLength - at);
      const chunk = tokens.slice(at, at + rows);
      const padded = new BigInt64Array(rows);
      chunk.forEach((token, i) => {
        padded[i] = BigInt(token);
      });
      const feeds = {
        tokens: new Tensor('int64', padded, [1, rows]),
        lengths: new Tensor('int32', Int32Array.of(at), [1]),
        last: new Tensor('int64', BigInt64Array.of(BigInt(chunk.length - 1)), []),
      };
      await this.#session.run(feeds, { logits: this.#scores }, { ...(signal && { signal }) });
      this.#held.push(...chunk);
      at += chunk.length;
    }
  }

  #promptOf(prompt: string | readonly number[]): number[] {
    const tokens = typeof prompt === 'string' ? this.encode(prompt) : Array.isArray(prompt) ? [...prompt] : undefined;
    const bad = (mustHold: string, came: string) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'prompt', mustHold, came);
    if (tokens === undefined) throw bad('it must be a string or a list of tokens', `${spelled(prompt)} came`);
    if (tokens.length === 0) throw bad('it must have a token at least', 'none came');
    if (tokens.length > this.contextLength)
      throw bad(`it must fit the ${this.contextLength} tokens of the caches (contextLength)`, `${tokens.length} tokens came`);
    this.#assertTokens(tokens);
    return tokens;
  }

  #assertTokens(tokens: readonly number[]): void {
    const wrong = tokens.find((t) => !(Number.isInteger(t) && t >= 0 && t < this.#shape.vocabulary));
    if (wrong !== undefined)
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'tokens', `they must be integers below ${this.#shape.vocabulary}`, `${spelled(wrong)} came`);
  }

  #assertLive(): void {
    if (this.#released) throw dsnkError('ERR_DSNK_DISPOSED', `model "${this.architecture}"`, 'generator must not be used after release()');
  }
}

const groupSizes = [16, 32, 64, 128, 256] as const;

function fewBitsOf(weights: TextGeneratorOptions['weights'] = 'stored'): 'stored' | 'float32' | FewBits {
  if (weights === 'stored' || weights === 'float32') return weights;
  const { bits, groupSize = 32 } = (weights ?? {}) as Partial<FewBits>;
  const bad = (mustHold: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'TextGenerator.load', mustHold, `${spelled(came)} came`);
  if (bits !== 4 && bits !== 8) throw bad("weights must be 'stored', 'float32' or { bits: 4 | 8 }", bits ?? weights);
  if (!groupSizes.includes(groupSize)) throw bad(`weights.groupSize must be one of ${groupSizes.join(', ')}`, groupSize);
  return { bits, groupSize };
}

function contextOf(given: number | undefined, { context }: DecoderShape): number {
  const size = given ?? Math.min(context, DEFAULT_CONTEXT);
  if (!Number.isInteger(size) || size < 1 || size > context)
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      'TextGenerator.load',
      `contextLength must be from 1 to the ${context} tokens of the model`,
      `${spelled(size)} came`,
    );
  return size;
}

function stopsOf(stop: unknown): readonly string[] {
  const list: unknown = typeof stop === 'string' ? [stop] : stop;
  if (Array.isArray(list) && list.every((s) => typeof s === 'string' && s !== '')) return list as string[];
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'generation options', 'stop must be strings that are not empty', `${spelled(stop)} came`);
}
