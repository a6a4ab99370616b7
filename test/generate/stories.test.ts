/** A trained story model of llama2.c, from its checkpoint: greedy tokens are those of the golden run, and what a generator promises on the way. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tensor, TextGenerator } from '../../lib/index.js';
import { testedProviders } from '../gpu.js';
import { asset, haveAssets } from '../models/assets.js';

const model = asset('llm/stories260K.bin');

describe.skipIf(!haveAssets)('stories260K', () => {
  let generator: TextGenerator;
  const golden: number[] = haveAssets ? JSON.parse(readFileSync(asset('golden/stories260K.json'), 'utf8')).greedyIds : [];
  beforeAll(async () => {
    generator = await TextGenerator.load(model, { executionProviders: testedProviders });
  });
  afterAll(() => generator.release());

  it('gives the golden tokens', async () => {
    const { tokens, text, promptTokens, finishReason } = await generator.generate([1], { maxTokens: golden.length - 1 });
    expect([1, ...tokens]).toEqual(golden);
    expect(text).toMatch(/^Once upon a time, there was a little girl named Lily\. She loved to play outside in the park\./);
    expect({ promptTokens, finishReason }).toEqual({ promptTokens: 1, finishReason: 'length' });
  });

  it('gives them behind a prompt of any length', async () => {
    // Calls of all sizes, with padding and without.
    for (const length of [2, 5, 21, 64, 100, 150]) {
      await using fresh = await TextGenerator.load(model);
      const { tokens } = await fresh.generate(golden.slice(0, length), { maxTokens: 20 });
      expect(tokens, `${length}`).toEqual(golden.slice(length, length + 20));
    }
  });

  it('says where it stands', () => {
    expect(generator.architecture).toBe('llama');
    expect(generator.vocabularySize).toBe(512);
    expect(generator.contextLength).toBe(512);
    // keys and values, five layers, four heads of eight float16
    expect(generator.cacheBytes).toBe(2 * 5 * 4 * 512 * 8 * 2);
  });

  it('keeps keys and values in the type that is asked for', async () => {
    for (const [cache, bytes, same] of [
      ['float32', 4 * 8, 200],
      ['int8', 8 + 4, 60],
    ] as const) {
      await using other = await TextGenerator.load(model, { cache });
      expect(other.cacheBytes).toBe(2 * 5 * 4 * 512 * bytes);
      const { tokens } = await other.generate([1], { maxTokens: golden.length - 1 });
      expect(tokens.slice(0, same), cache).toEqual(golden.slice(1, 1 + same));
    }
    await expect(TextGenerator.load(model, { cache: 'int4' as 'int8' })).rejects.toThrow(/cache must be one of float32, float16, int8/);
  });

  it('loses next to nothing by a cache of fewer bits', async () => {
    // The generator's own story by drawn tokens, whose perplexity is that of text it was made for, and Shakespeare.
    const drawn = (await generator.generate([1], { maxTokens: 400, temperature: 1, seed: 3 })).tokens;
    const other = generator.encode(readFileSync(asset('data/text/tinyshakespeare.txt'), 'latin1').slice(0, 1000)).slice(1, 400);
    const perplexity = async (cache: 'float32' | 'float16' | 'int8', text: readonly number[]) => {
      await using g = await TextGenerator.load(model, { cache });
      const tokens = [1, ...text];
      let sum = 0;
      for (let at = 0; at + 1 < tokens.length; at++) {
        const { logits } = await g.session.run({
          tokens: new Tensor('int64', BigInt64Array.of(BigInt(tokens[at] as number)), [1, 1]),
          lengths: new Tensor('int32', Int32Array.of(at), [1]),
          last: new Tensor('int64', BigInt64Array.of(0n), [1, 1]),
        });
        const scores = [...(logits as { data: Float32Array }).data];
        sum += Math.log(scores.reduce((total, s) => total + Math.exp(s), 0)) - (scores[tokens[at + 1] as number] as number);
      }
      return Math.exp(sum / (tokens.length - 1));
    };
    for (const text of [drawn, other]) {
      const exact = await perplexity('float32', text);
      const [half, bytes] = [await perplexity('float16', text), await perplexity('int8', text)];
      console.log(`perplexity over ${text.length} tokens: float32 ${exact.toFixed(4)}, float16 ${half.toFixed(4)}, int8 ${bytes.toFixed(4)}`);
      expect(Math.abs(half / exact - 1)).toBeLessThan(1e-4);
      // So few tokens say hardly more than noise: over 5,000 drawn ones it is 0.06 % ± 0.06 % more, over 6,300 of Shakespeare 0.2 % less.
      expect(bytes / exact - 1).toBeLessThan(1e-2);
    }
  });

  it('reads padding nowhere, and fits its last call into the caches', async () => {
    await using tight = await TextGenerator.load(model, { contextLength: 43 });
    for (const length of [42, 37, 21, 5]) {
      const { tokens } = await tight.generate(golden.slice(0, length), { maxTokens: 99 });
      expect(tokens, `${length}`).toEqual(golden.slice(length, 43));
    }
  });

  it('reads and writes several texts at a time, as one by one', async () => {
    const prompts = ['Once upon a time', [1], 'The cat', golden.slice(0, 90), 'Lily saw a big, red ball. She wanted', golden.slice(0, 40), 'x'];
    const options = { maxTokens: 40, stop: ['Lily'] };
    const alone: string[] = [];
    for (const prompt of prompts) alone.push((await generator.generate(prompt, options)).text);
    await using three = await TextGenerator.load(model, { batch: 3 });
    const texts = await three.generateAll(prompts, options);
    expect(texts.map((t) => t.text)).toEqual(alone);
    expect(texts.map((t) => t.promptTokens)).toEqual(prompts.map((p) => (typeof p === 'string' ? generator.encode(p).length : p.length)));
    expect(three.cacheBytes).toBe(3 * generator.cacheBytes);
    // Another stream meanwhile keeps to itself.
    const stream = three.stream(golden.slice(0, 5), { maxTokens: 30 });
    const before = (await stream.next()).value as string;
    const [again] = await three.generateAll([prompts[3] as number[]], options);
    expect(again?.text).toBe(alone[3]);
    let rest = before;
    for await (const piece of stream) rest += piece;
    expect(rest).toBe((await generator.generate(golden.slice(0, 5), { maxTokens: 30 })).text);
    expect(await three.generateAll([])).toEqual([]);
    await expect(TextGenerator.load(model, { batch: 0 })).rejects.toThrow(/batch must be an integer from 1 to 256/);
  });

  it('has its tokenizer', () => {
    expect(generator.encode('Once upon a time')).toEqual([1, 403, 407, 261, 378]);
    for (const text of ['Lily saw a big, red ball!', 'déjà vu 🎈', '  two  spaces']) expect(generator.decode(generator.encode(text))).toBe(text);
  });

  it('streams the text of generate', async () => {
    const { text } = await generator.generate('Once', { maxTokens: 40 });
    const pieces: string[] = [];
    for await (const piece of generator.stream('Once', { maxTokens: 40 })) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(30);
    expect(pieces.join('')).toBe(text);
  });

  it('reuses what prompts have in common, with the same text', async () => {
    const say = async (prompt: string) => (await generator.generate(prompt, { maxTokens: 30 })).text;
    const long = 'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a';
    const first = await say(`${long} cat`);
    const other = await say(`${long} dog`);
    expect(await say(`${long} cat`)).toBe(first);
    await using fresh = await TextGenerator.load(model);
    expect((await fresh.generate(`${long} dog`, { maxTokens: 30 })).text).toBe(other);
  });

  it('serves streams that take turns', async () => {
    const alone = await Promise.all(['Once upon', 'Lily'].map(async (p) => (await generator.generate(p, { maxTokens: 25 })).text));
    const [a, b] = [generator.stream('Once upon', { maxTokens: 25 }), generator.stream('Lily', { maxTokens: 25 })];
    const texts = ['', ''];
    for (let open = 2; open > 0; ) {
      open = 0;
      for (const [i, s] of [a, b].entries()) {
        const { value, done } = await s.next();
        if (done) continue;
        texts[i] += value;
        open++;
      }
    }
    expect(texts).toEqual(alone);
  });

  it('stops at a string, which is not part of the text', async () => {
    const whole = (await generator.generate([1], { maxTokens: 100 })).text;
    const stop = 'to play outside';
    const { text, finishReason } = await generator.generate([1], { maxTokens: 100, stop: ['no such text', stop] });
    expect(finishReason).toBe('stop');
    expect(text).toBe(whole.slice(0, whole.indexOf(stop)));
    let streamed = '';
    for await (const piece of generator.stream([1], { maxTokens: 100, stop })) streamed += piece;
    expect(streamed).toBe(text);
  });

  it('ends when the caches are full', async () => {
    await using small = await TextGenerator.load(model, { contextLength: 32 });
    const { tokens, finishReason } = await small.generate('Once upon a time');
    expect([tokens.length, finishReason]).toEqual([27, 'length']);
    await expect(small.generate(golden.slice(0, 33))).rejects.toThrow(/prompt: it must fit the 32 tokens of the caches \(contextLength\), 33 tokens came/);
  });

  it('is the same text with the same seed, and usually another with another', async () => {
    const say = async (seed: number) => (await generator.generate('Once', { maxTokens: 30, temperature: 1, topP: 0.95, seed })).text;
    expect(await say(7)).toBe(await say(7));
    expect(new Set([await say(1), await say(2), await say(3)]).size).toBeGreaterThan(1);
  });

  it('can be aborted, and goes on after that', async () => {
    await expect(generator.generate([1], { signal: 5 as unknown as AbortSignal })).rejects.toThrow(/signal must be an AbortSignal, number came/);
    const abort = new AbortController();
    let count = 0;
    const reading = (async () => {
      for await (const _ of generator.stream([1], { signal: abort.signal })) if (++count === 10) abort.abort(new Error('enough'));
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(count).toBe(10);
    const { tokens } = await generator.generate([1], { maxTokens: 50 });
    expect(tokens).toEqual(golden.slice(1, 51));
  });

  it('compiles nothing and keeps its memory over 1,000 steps', async () => {
    const prompt = golden.slice(0, 7);
    await generator.generate(prompt, { maxTokens: 300, temperature: 1, seed: 1 });
    const programs = generator.session.report().programs.length;
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 4; i++) await generator.generate(prompt, { maxTokens: 300, temperature: 1, seed: i });
    expect(generator.session.report().programs.length).toBe(programs);
    // The caches alone would be 40 MB by then, had they been copied once in ten steps.
    expect(process.memoryUsage().rss - before).toBeLessThan(16e6);
    const decode = generator.session.report().programs.find((p) => p.kernels.some((k) => k.op === 'CacheAppend'));
    expect(decode?.kernels.filter((k) => k.op === 'copy' || k.kernel.startsWith('copy'))).toEqual([]);
  });

  it('loads with weights of few bits', async () => {
    const bytes = generator.session.report().weightBytes;
    for (const [bits, same] of [
      [8, 20],
      [4, 5],
    ] as const) {
      await using small = await TextGenerator.load(model, { weights: { bits, groupSize: 16, algorithm: bits === 8 ? 'rtn' : 'mse' } });
      const { tokens } = await small.generate([1], { maxTokens: 60 });
      expect(tokens.slice(0, same), `${bits} bits`).toEqual(golden.slice(1, 1 + same));
      expect(small.session.report().weightBytes).toBeLessThan(bytes * (bits === 8 ? 0.6 : 0.45));
    }
  });

  it('is what the README shows', async () => {
    const [, example = ''] = /```javascript\n([\s\S]*?)```/.exec(readFileSync(new URL('../../README.md', import.meta.url), 'utf8')) ?? [];
    const printed: string[] = [];
    const names = {
      TextGenerator,
      process: { stdout: { write: (text: string) => printed.push(text) } },
      console: { log: (...values: unknown[]) => printed.push(`\n${values.join(' ')}`) },
    };
    const body = example.replace(/^import .*$/m, '').replace("'stories260K.bin'", JSON.stringify(model));
    const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (...values: unknown[]) => Promise<unknown>;
    await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
    const shown = [...example.matchAll(/; \/\/ (.*)$/gm)].map(([, text]) => text);
    expect(printed.join('')).toBe(shown.join('\n'));
  });

  it('refuses what makes no sense', async () => {
    const refused = (prompt: unknown, options: object = {}) => expect(generator.generate(prompt as string, { maxTokens: 1, ...options })).rejects;
    await refused([512]).toThrow(/tokens: they must be integers below 512, 512 came/);
    await refused([-1]).toThrow(/-1 came/);
    await refused([]).toThrow(/must have a token at least/);
    await refused(7).toThrow(/must be a string or a list of tokens/);
    await refused('x', { maxTokens: -1 }).toThrow(/maxTokens/);
    await refused('x', { stop: '' }).toThrow(/stop must be strings/);
    await refused('x', { topP: 0 }).toThrow(/topP must be above 0/);
    await expect(TextGenerator.load(model, { contextLength: 513 })).rejects.toThrow(/contextLength must be from 1 to the 512/);
    await expect(TextGenerator.load(model, { weights: { bits: 5 as 4 } })).rejects.toThrow(/weights must be/);
    await expect(TextGenerator.load('/nowhere.bin')).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_MODEL' });
    const gone = await TextGenerator.load(model);
    await gone.release();
    await expect(gone.generate('x')).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
  });
});
