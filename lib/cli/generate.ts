/** `generate`: a text goes on, and how fast it comes. */
import { dsnkError } from '../errors.js';
import { TextGenerator, type TextGeneratorOptions } from '../generate/generator.js';
import { providerOption, type SessionFlags } from './options.js';
import { bytesText, printJson, styled } from './output.js';

export interface GenerateCommandOptions {
  readonly prompt: string;
  readonly chat?: boolean;
  readonly system?: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly weights: 'stored' | 'float32' | '8' | '4';
  readonly cache: 'float32' | 'float16' | 'int8';
  readonly context?: number;
  readonly tokenizer?: string;
  readonly threads?: number;
  readonly provider?: SessionFlags['provider'];
  readonly json?: boolean;
}

/** The rate while text comes: in the title of the terminal that shows the text, or on a line of its own where the text goes elsewhere. */
class LiveRate {
  #last = 0;
  #shown = false;
  readonly #stream = process.stdout.isTTY === true ? process.stdout : process.stderr;

  at(tokens: number, seconds: number): void {
    const now = performance.now();
    if (this.#stream.isTTY !== true || now - this.#last < 250 || seconds === 0) return;
    this.#last = now;
    this.#shown = true;
    const text = `${(tokens / seconds).toFixed(1)} tokens/s`;
    this.#stream.write(this.#stream === process.stdout ? `\x1b]0;${text}\x07` : `\r${text}\x1b[K`);
  }

  end(): void {
    if (this.#shown) this.#stream.write(this.#stream === process.stdout ? '\x1b]0;\x07' : '\r\x1b[K');
  }
}

const loadOptions = ({ weights, cache, context, tokenizer, threads, provider }: GenerateCommandOptions): TextGeneratorOptions => ({
  weights: weights === '8' ? { bits: 8 } : weights === '4' ? { bits: 4 } : weights,
  cache,
  ...(context !== undefined && { contextLength: context }),
  ...(tokenizer !== undefined && { tokenizer }),
  ...(threads !== undefined && { intraOpNumThreads: threads }),
  ...providerOption(provider),
});

export async function generate(model: string, options: GenerateCommandOptions): Promise<void> {
  if (options.system !== undefined && !options.chat) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--system', 'must stand with --chat');
  const loadStart = performance.now();
  await using generator = await TextGenerator.load(model, loadOptions(options));
  const loadMs = performance.now() - loadStart;
  const { prompt, maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop } = options;
  const rate = new LiveRate();
  const start = performance.now();
  let [text, tokens, firstMs] = ['', 0, 0];
  const begin = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  const tokensOfPrompt = options.chat ? generator.chat([...begin, { role: 'user', content: prompt }]) : generator.encode(prompt);
  const pieces = generator.streamTokens(tokensOfPrompt, {
    maxTokens,
    temperature,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    ...(seed !== undefined && { seed }),
    ...(stop !== undefined && { stop }),
  });
  if (!options.json) process.stdout.write(styled('dim', options.chat ? `${prompt}\n` : prompt));
  let finishReason: string;
  for (;;) {
    const { value, done } = await pieces.next();
    if (done) {
      finishReason = value;
      break;
    }
    if (++tokens === 1) firstMs = performance.now() - start;
    if (options.json) text += value.text;
    else process.stdout.write(value.text);
    rate.at(tokens - 1, (performance.now() - start - firstMs) / 1e3);
  }
  rate.end();
  const seconds = (performance.now() - start - firstMs) / 1e3;
  const summary = {
    model,
    architecture: generator.architecture,
    ...(options.json && { text }),
    promptTokens: tokensOfPrompt.length,
    tokens,
    finishReason,
    loadMs,
    firstTokenMs: firstMs,
    // The first token is the prompt's.
    tokensPerSecond: tokens > 1 ? (tokens - 1) / seconds : 0,
    weightBytes: generator.session.report().weightBytes,
    cacheBytes: generator.cacheBytes,
  };
  if (options.json) {
    printJson(summary);
    return;
  }
  process.stdout.write('\n');
  const facts = [
    `${summary.tokensPerSecond.toFixed(1)} tokens/s`,
    `first after ${firstMs.toFixed(0)} ms`,
    `${summary.promptTokens} + ${tokens} tokens`,
    `weights ${bytesText(summary.weightBytes)}`,
    `caches ${bytesText(summary.cacheBytes)}`,
  ].join('   ');
  console.error(styled('dim', facts, process.stderr));
}
