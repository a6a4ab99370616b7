/** `TextGenerator`: a decoder, its tokenizer, and the tokens that its caches hold. */
import { checkKeys, dsnkError, type KeysOf, spelled } from '../errors.js';
import { checkSignal } from '../runtime/abort.js';
import type { Provider } from '../runtime/gpu.js';
import { pathOf } from '../runtime/model-source.js';
import { InferenceSession } from '../runtime/session.js';
import { checkOptions, type SessionOptions } from '../runtime/session-options.js';
import { Answer, type FinishReason, type TextPiece } from './answer.js';
import { type ChatFormat, type ChatMessage, chatText } from './chat.js';
import { type CacheType, cacheBytes, cacheTypes, type DecoderShape, decoderGraph } from './decoder.js';
import { Decoding } from './decoding.js';
import { loadTextModel } from './load.js';
import type { FewBits } from './product.js';
import type { SamplingOptions } from './sampler.js';
import type { Tokenizer } from './tokenizer.js';

export interface TextGeneratorOptions {
  /**
   * What weights become when the model is loaded: `{ bits: 8 }` or `{ bits: 4 }`, in groups of `groupSize` (default 32), rounded by `algorithm` (default `'rtn'`); `'float32'`; default
   * `'stored'`: quantized blocks stay in their bits, and floats are multiplied in float32.
   */
  readonly weights?: 'stored' | 'float32' | { readonly bits: 4 | 8; readonly groupSize?: FewBits['groupSize']; readonly algorithm?: FewBits['algorithm'] };
  /** Texts that are read and written at the same time, each with caches of its own; default 1. */
  readonly batch?: number;
  /** Tokens that prompt and answer may have together: the size of the caches. Default: what the model was trained on, 4096 at most. */
  readonly contextLength?: number;
  readonly intraOpNumThreads?: number;
  /** Where to run, as for sessions; `generator.provider` says what it came to. Default `['cpu']`. */
  readonly executionProviders?: SessionOptions['executionProviders'];
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

export interface GeneratedText {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly finishReason: FinishReason;
}

const DEFAULT_CONTEXT = 4096;

// biome-ignore format: a list
const loadKeys: KeysOf<TextGeneratorOptions> = {
  weights: true, batch: true, contextLength: true, intraOpNumThreads: true, executionProviders: true, cache: true, tokenizer: true,
};
// biome-ignore format: a list
const generateKeys: KeysOf<GenerateOptions> = {
  maxTokens: true, temperature: true, topK: true, topP: true, minP: true, repetitionPenalty: true, seed: true, stop: true, signal: true,
};

export class TextGenerator {
  readonly #session: InferenceSession;
  readonly #tokenizer: Tokenizer;
  readonly #shape: DecoderShape;
  readonly #decoding: Decoding;
  #turn: Promise<unknown> = Promise.resolve();
  #released = false;

  private constructor(
    decoding: Decoding,
    tokenizer: Tokenizer,
    /** How conversations are written. */
    readonly chatFormat: ChatFormat | undefined,
    shape: DecoderShape,
    /** Tokens that prompt and answer may have together. */
    readonly contextLength: number,
    /** Bytes that the caches of keys and values take when they are full. */
    readonly cacheBytes: number,
  ) {
    this.#session = decoding.session;
    this.#tokenizer = tokenizer;
    this.#shape = shape;
    this.#decoding = decoding;
  }

  /**
   * Loads a folder of Hugging Face, a `.gguf` file or a `.bin` file of llama2.c.
   *
   * Errors: ERR_DSNK_INVALID_MODEL, ERR_DSNK_UNSUPPORTED_OP (an architecture or a type of weights, by name), ERR_DSNK_OUT_OF_MEMORY,
   * ERR_DSNK_DEVICE_UNAVAILABLE, ERR_DSNK_INVALID_ARGUMENT.
   */
  static async load(model: string | URL, options: TextGeneratorOptions = {}): Promise<TextGenerator> {
    const where = 'TextGenerator.load';
    if (typeof model !== 'string' && !(model instanceof URL))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'model must be a path or a file: URL', `${spelled(model)} came`);
    checkKeys(where, options, loadKeys);
    const few = fewBitsOf(options.weights);
    const { cache = 'float16', batch = 1, tokenizer: file, intraOpNumThreads, executionProviders } = options;
    const settings = { ...(intraOpNumThreads !== undefined && { intraOpNumThreads }), ...(executionProviders !== undefined && { executionProviders }) };
    checkOptions(settings);
    if (file !== undefined && typeof file !== 'string')
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'tokenizer must be a path', `${spelled(file)} came`);
    if (!(Number.isInteger(batch) && batch >= 1 && batch <= 256))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'batch must be an integer from 1 to 256', `${spelled(batch)} came`);
    if (!cacheTypes.includes(cache))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `cache must be one of ${cacheTypes.join(', ')}`, `${spelled(cache)} came`);
    const { shape, weights, tokenizer, chat, free } = await loadTextModel(pathOf(model, where), file);
    let session: InferenceSession | undefined;
    try {
      const capacity = contextOf(options.contextLength, shape);
      const sizes = { batch, capacity, cache };
      const graph = decoderGraph(shape, weights, { weights: few, ...sizes });
      session = await InferenceSession.open({ graph, keepBytes: false, free }, settings);
      const decoding = new Decoding(session, batch, capacity, shape.vocabulary);
      await decoding.prepare();
      return new TextGenerator(decoding, tokenizer, chat, shape, capacity, cacheBytes(shape, sizes));
    } catch (error) {
      await session?.release();
      free();
      throw error;
    }
  }

  /** Where it runs, and why not where it was asked to first. */
  get provider(): Provider {
    return this.#session.provider;
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
    if (typeof text !== 'string') throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'encode', 'text must be a string', `${spelled(text)} came`);
    return this.#tokenizer.encode(text);
  }

  /**
   * The tokens of a conversation up to where the next answer begins, written as the model's own template says: a prompt for `stream` and the others.
   *
   * Errors: ERR_DSNK_UNSUPPORTED_OP (a model without a template), ERR_DSNK_INVALID_ARGUMENT (messages), ERR_DSNK_INVALID_MODEL (the template).
   */
  chat(messages: readonly ChatMessage[]): number[] {
    const where = `model "${this.#session.model.graph.name}"`;
    if (this.chatFormat === undefined) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'it must have a chat_template to write conversations', 'it has none');
    return this.#tokenizer.encodeWritten(chatText(this.chatFormat, messages, where));
  }

  decode(tokens: readonly number[]): string {
    if (!Array.isArray(tokens)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'decode', 'tokens must be a list', `${spelled(tokens)} came`);
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
    const answer = this.#answer(prompt, options);
    while (answer.finished === undefined) {
      const piece = await this.#next(answer, options.signal);
      if (piece !== undefined) yield piece;
    }
    return answer.finished;
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

  /**
   * The continuations of many prompts, in their order. As many at a time as `batch` says share every reading of the weights; where one ends, the
   * next begins.
   */
  async generateAll(prompts: readonly (string | readonly number[])[], options: GenerateOptions = {}): Promise<GeneratedText[]> {
    this.#assertLive();
    if (!Array.isArray(prompts)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'generateAll', 'prompts must be a list', `${spelled(prompts)} came`);
    const work = prompts.map((prompt) => {
      const answer = this.#answer(prompt, options);
      return { answer, promptTokens: answer.tokens.length, text: '' };
    });
    const waiting = work.filter((w) => w.answer.finished === undefined);
    const running = new Map<number, (typeof work)[number]>();
    while (waiting.length > 0 || running.size > 0) {
      await this.#inTurn(async () => {
        while (running.size < this.#decoding.batch && waiting.length > 0) {
          const next = waiting.shift() as (typeof work)[number];
          running.set(this.#decoding.slotFor(next.answer.tokens, new Set(running.keys())), next);
        }
        const scores = await this.#decoding.step(new Map([...running].map(([slot, w]) => [slot, w.answer.tokens])), options.signal);
        for (const [slot, own] of scores) {
          const w = running.get(slot) as (typeof work)[number];
          w.text += w.answer.take(own)?.text ?? '';
          if (w.answer.finished !== undefined) running.delete(slot);
        }
      });
    }
    return work.map(({ answer, promptTokens, text }) => ({
      text,
      tokens: answer.tokens.slice(promptTokens),
      promptTokens,
      finishReason: answer.finished as FinishReason,
    }));
  }

  /** Frees weights and caches. Calls in flight finish their token first; more are refused with ERR_DSNK_DISPOSED. */
  async release(): Promise<void> {
    this.#released = true;
    await this.#session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** The next token of an answer. Streams take turns, token by token; each finds what the caches hold of its own. */
  #next(answer: Answer, signal: AbortSignal | undefined): Promise<TextPiece | undefined> {
    return this.#inTurn(async () => {
      const slot = this.#decoding.slotFor(answer.tokens);
      const texts = new Map([[slot, answer.tokens]]);
      for (;;) {
        const scores = (await this.#decoding.step(texts, signal)).get(slot);
        if (scores !== undefined) return answer.take(scores);
      }
    });
  }

  /** Work on the caches, after what was called before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      this.#assertLive();
      return work();
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  #answer(prompt: string | readonly number[], options: GenerateOptions): Answer {
    checkKeys('generation', options, generateKeys);
    const tokens = this.#promptOf(prompt);
    const { stop = [], maxTokens = Number.POSITIVE_INFINITY } = options;
    checkSignal(options.signal);
    if (maxTokens !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxTokens) && maxTokens >= 0))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'generation options', 'maxTokens must be an integer from 0 on', `${spelled(maxTokens)} came`);
    return new Answer(this.#tokenizer, tokens, Math.min(tokens.length + maxTokens, this.contextLength), options, stopsOf(stop));
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
    const wrong = tokens.findIndex((t) => !(Number.isInteger(t) && t >= 0 && t < this.#shape.vocabulary));
    if (wrong >= 0)
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'tokens', `they must be integers below ${this.#shape.vocabulary}`, `${spelled(tokens[wrong])} came`);
  }

  #assertLive(): void {
    if (this.#released) throw dsnkError('ERR_DSNK_DISPOSED', `model "${this.architecture}"`, 'generator must not be used after release()');
  }
}

const weightKeys: KeysOf<FewBits> = { bits: true, groupSize: true, algorithm: true };
const groupSizes = [16, 32, 64, 128, 256] as const;

function fewBitsOf(weights: TextGeneratorOptions['weights'] = 'stored'): 'stored' | 'float32' | FewBits {
  if (weights === 'stored' || weights === 'float32') return weights;
  const { bits, groupSize = 32, algorithm = 'rtn' } = (weights ?? {}) as Partial<FewBits>;
  if (typeof weights === 'object' && weights !== null) checkKeys('TextGenerator.load', weights, weightKeys, 'weights');
  const bad = (mustHold: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'TextGenerator.load', mustHold, `${spelled(came)} came`);
  if (bits !== 4 && bits !== 8) throw bad("weights must be 'stored', 'float32' or { bits: 4 | 8 }", bits ?? weights);
  if (!groupSizes.includes(groupSize)) throw bad(`weights.groupSize must be one of ${groupSizes.join(', ')}`, groupSize);
  if (algorithm !== 'rtn' && algorithm !== 'mse') throw bad("weights.algorithm must be 'rtn' or 'mse'", algorithm);
  return { bits, groupSize, algorithm };
}

function contextOf(given: number | undefined, { context }: DecoderShape): number {
  const size = given === undefined ? Math.min(context, DEFAULT_CONTEXT) : given;
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
  const wrong: unknown[] = Array.isArray(list) ? list.filter((s) => typeof s !== 'string' || s === '') : [stop];
  if (wrong.length === 0) return list as string[];
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'generation options', 'stop must be strings that are not empty', `${spelled(wrong[0])} came`);
}
