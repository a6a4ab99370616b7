/** Whatever is given to a generator that it does not take: a typed error that says what came, and the generator works on. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TextGenerator, type TextGeneratorOptions } from '../../lib/index.js';
import { folderOf, gpt2Config, gpt2Tensors, safetensors, tokenizerJson } from './files.js';

const folder = folderOf({ 'config.json': gpt2Config, 'tokenizer.json': tokenizerJson, 'model.safetensors': safetensors(gpt2Tensors({}, false)) });
afterAll(() => rmSync(folder, { recursive: true }));
const refusal = (message: RegExp, code = 'ERR_DSNK_INVALID_ARGUMENT') => expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('load', () => {
  it.each<[string, unknown, RegExp]>([
    ['no options', null, /options must be an object, null came/],
    ['a key that is none', { contextLenght: 8 }, /options must be of weights, batch, contextLength, .*, "contextLenght" came/],
    ['a key of weights that is none', { weights: { bits: 4, groupsize: 16 } }, /weights must be of bits, groupSize, algorithm, "groupsize" came/],
    ['threads', { intraOpNumThreads: -1 }, /intraOpNumThreads must be an integer from 1 to 256, -1 came/],
    ['a symbol', { intraOpNumThreads: Symbol('x') }, /intraOpNumThreads must be .* Symbol\(x\) came/],
    ['no context', { contextLength: null }, /contextLength must be from 1 to the 64 tokens of the model, null came/],
    ['a tokenizer', { tokenizer: 5 }, /tokenizer must be a path, 5 came/],
    ['a batch', { batch: 257 }, /batch must be an integer from 1 to 256/],
  ])('%s', async (_, options, message) => {
    await expect(TextGenerator.load(folder, options as TextGeneratorOptions)).rejects.toThrow(refusal(message));
  });

  it('addresses of other machines', async () => {
    await expect(TextGenerator.load(new URL('https://host/model.gguf'))).rejects.toThrow(refusal(/TextGenerator.load: a URL must be a file: URL, https: came/));
    await expect(TextGenerator.load(new URL('file://host/model.gguf'))).rejects.toThrow(refusal(/a URL must be one of a local file/));
  });

  it('a template that is no file', async () => {
    mkdirSync(join(folder, 'chat_template.jinja'));
    await expect(TextGenerator.load(folder)).rejects.toThrow(refusal(/chat_template.jinja": it must be readable, EISDIR/, 'ERR_DSNK_INVALID_MODEL'));
    rmSync(join(folder, 'chat_template.jinja'), { recursive: true });
    writeFileSync(join(folder, 'generation_config.json'), '[]');
    await expect(TextGenerator.load(folder)).rejects.toThrow(refusal(/generation_config.json": it must be an object/, 'ERR_DSNK_INVALID_MODEL'));
    rmSync(join(folder, 'generation_config.json'));
  });
});

describe('a generator', () => {
  it('refuses prompts, tokens and options, and goes on', async () => {
    await using generator = await TextGenerator.load(folder);
    const want = await generator.generate('abc', { maxTokens: 4 });
    const wrong = (value: unknown) => value as never;
    // biome-ignore lint/suspicious/noSparseArray: what is tested
    for (const tokens of [[1, , 2], [undefined], [null], ['1'], [96], [-1], [0.5]]) {
      await expect(generator.generate(wrong(tokens))).rejects.toThrow(refusal(/tokens: they must be integers below 96/));
      expect(() => generator.decode(wrong(tokens))).toThrow(refusal(/tokens: they must be integers below 96/));
    }
    for (const value of [null, undefined, 5, Symbol('x'), {}]) {
      expect(() => generator.encode(wrong(value))).toThrow(refusal(/encode: text must be a string/));
      expect(() => generator.decode(wrong(value))).toThrow(refusal(/decode: tokens must be a list/));
      await expect(generator.generate(wrong(value))).rejects.toThrow(refusal(/prompt: it must be a string or a list of tokens/));
      await expect(generator.generateAll([wrong(value)])).rejects.toThrow(refusal(/prompt: it must be a string or a list of tokens/));
    }
    for (const options of [null, 5, 'x', []]) {
      await expect(generator.generate('a', wrong(options))).rejects.toThrow(refusal(/generation: options must be an object/));
      await expect(generator.stream('a', wrong(options)).next()).rejects.toThrow(refusal(/generation: options must be an object/));
      await expect(generator.generateAll(['a'], wrong(options))).rejects.toThrow(refusal(/generation: options must be an object/));
    }
    await expect(generator.generate('a', wrong({ temprature: 1 }))).rejects.toThrow(refusal(/options must be of maxTokens, temperature, .*"temprature" came/));
    await expect(generator.generate('a', { stop: ['b', ''] })).rejects.toThrow(refusal(/stop must be strings that are not empty, "" came/));
    await expect(generator.generate('a', { seed: 2 ** 60 })).rejects.toThrow(refusal(/seed must be an integer of at most 53 bits/));
    expect(await generator.generate('abc', { maxTokens: 4, ...{ seed: undefined } } as never)).toEqual(want);
  });
});
