/** Conversations by the templates that models bring, against the texts that these are known to make. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ChatMessage, chatFormatOf, chatText } from '../../lib/generate/chat.js';
import { shapeOfConfig } from '../../lib/generate/hugging-face.js';
import { PieceTokenizer } from '../../lib/generate/pieces.js';
import { TextGenerator } from '../../lib/index.js';
import { folderOf, gguf, gpt2Config, gpt2Tensors, safetensors, tokenizerJson, tokens, VOCABULARY } from './files.js';

const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/** The system text first, then turns by role; what stood before </think> in answers is left out. */
const thinking =
  "{% set ns = namespace(system='') %}{%- for m in messages %}{%- if m.role == 'system' %}{% set ns.system = m.content %}{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system }}{%- for m in messages %}{%- if m.role == 'user' %}{{ '<｜User｜>' + m.content }}{%- elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content.split('</think>')[-1] + '<｜end｜>' }}{%- endif %}{%- endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}";
const alternating =
  "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{{ m.content | trim }}|{% endfor %}";

const say = (role: string, content: string): ChatMessage => ({ role, content });
const written = (template: string, messages: readonly ChatMessage[], tokens = {}) => chatText({ template, tokens }, messages, 'model');

describe('chatText', () => {
  it('writes turns between their marks', () => {
    expect(written(chatMl, [say('system', 'Be brief.'), say('user', 'Hi')])).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('leaves out what a template leaves out', () => {
    const messages = [say('user', '1+1?'), say('assistant', '<think>hm</think>2'), say('system', 'Count.'), say('user', '2+2?')];
    expect(written(thinking, messages, { bos_token: '<b>' })).toBe('<b>Count.<｜User｜>1+1?<｜Assistant｜>2<｜end｜><｜User｜>2+2?<｜Assistant｜><think>\n');
  });

  it('knows the day', () => {
    expect(written("{{ strftime_now('%Y-%m-%d %%') }}", [say('user', '')])).toMatch(/^20\d\d-\d\d-\d\d %$/);
  });

  it('refuses what the template refuses, in its words, and what is no conversation', () => {
    expect(written(alternating, [say('user', ' a '), say('assistant', 'b')])).toBe('a|b|');
    expect(() => written(alternating, [say('user', 'a'), say('user', 'b')])).toThrow(/messages must be a conversation .*, roles must alternate/);
    expect(() => written(chatMl, [])).toThrow(/messages must be a list with one at least/);
    expect(() => written(chatMl, [{ role: 'user' } as ChatMessage])).toThrow(/messages must have a role and content, both strings/);
    expect(() => written('{% for %}', [say('user', 'a')])).toThrow(expect.objectContaining({ code: 'ERR_DSNK_INVALID_MODEL' }));
  });

  it('takes the default of several templates, and the texts of tokens', () => {
    const several = [
      { name: 'tool_use', template: 'b' },
      { name: 'default', template: 'a' },
    ];
    expect(chatFormatOf(several, { bos_token: { content: '<s>' }, eos_token: '</s>', pad_token: null }, 'model')).toEqual({
      template: 'a',
      tokens: { bos_token: '<s>', eos_token: '</s>' },
    });
    expect(chatFormatOf(undefined, {}, 'model')).toBeUndefined();
    expect(() => chatFormatOf(7, {}, 'model')).toThrow(/chat_template must be a text/);
    expect(() => chatFormatOf('x'.repeat(2 ** 18 + 1), {}, 'model')).toThrow(/262144 characters at most/);
  });
});

describe('special tokens that are written out', () => {
  it('are one token each among pieces', () => {
    const pieces = ['<unk>', '<s>', '</s>', '[I]', 'a', 'b', 'ab', ' '];
    const options = { begin: 1, ends: [2], unknown: 0, silent: new Set([0, 1, 2, 3]), leadingSpace: true };
    const tokenizer = new PieceTokenizer(pieces, [0, 0, 0, 0, -1, -1, -0.5, -2], options);
    expect(tokenizer.encodeWritten('<s>[I] ab[I]ba</s>')).toEqual([1, 3, 7, 6, 3, 5, 4, 2]);
  });
});

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});
const keep = (folder: string) => {
  folders.push(folder);
  return folder;
};
const lines = "{% for m in messages %}{{ m.role + ':' + m.content + eos_token }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";
const hello = [say('user', 'Hello'), say('assistant', 'Hi'), say('user', 'Bye')];
const expected = () => {
  const ids = (text: string) => [...text].map((c) => tokens.indexOf(c));
  return [...ids('user:Hello'), VOCABULARY - 1, ...ids('assistant:Hi'), VOCABULARY - 1, ...ids('user:Bye'), VOCABULARY - 1, ...ids('assistant:')];
};

describe('TextGenerator.chat', () => {
  const files = { 'config.json': gpt2Config, 'tokenizer.json': tokenizerJson, 'model.safetensors': safetensors(gpt2Tensors({}, false)) };

  it.each(['tokenizer_config.json', 'chat_template.jinja'])('with the template of %s', async (where) => {
    const own = where === 'tokenizer_config.json';
    const folder = keep(folderOf({ ...files, 'tokenizer_config.json': { eos_token: '<end>', ...(own && { chat_template: lines }) } }));
    if (!own) writeFileSync(join(folder, where), lines);
    await using generator = await TextGenerator.load(folder);
    const prompt = generator.chat(hello);
    expect(prompt).toEqual(expected());
    expect((await generator.generate(prompt, { maxTokens: 2 })).promptTokens).toBe(prompt.length);
  });

  it('with that of a GGUF file', async () => {
    const names = {
      'wte.weight': 'token_embd.weight',
      'wpe.weight': 'position_embd.weight',
      'ln_f.weight': 'output_norm.weight',
      'ln_f.bias': 'output_norm.bias',
      ...Object.fromEntries(
        Object.entries({
          'attn.c_attn': 'attn_qkv',
          'attn.c_proj': 'attn_output',
          'mlp.c_fc': 'ffn_up',
          'mlp.c_proj': 'ffn_down',
          ln_1: 'attn_norm',
          ln_2: 'ffn_norm',
        }).flatMap(([a, b]) => ['weight', 'bias'].map((part) => [`h.0.${a}.${part}`, `blk.0.${b}.${part}`])),
      ),
    };
    const metadata = {
      'general.architecture': 'gpt2',
      'gpt2.context_length': 64,
      'gpt2.embedding_length': 8,
      'gpt2.block_count': 1,
      'gpt2.feed_forward_length': 32,
      'gpt2.attention.head_count': 2,
      'gpt2.attention.layer_norm_epsilon': 1.0000000000000001e-5,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': tokens.map((_, i) => (i === VOCABULARY - 1 ? 3 : 1)),
      'tokenizer.ggml.merges': [],
      'tokenizer.ggml.eos_token_id': VOCABULARY - 1,
      'tokenizer.chat_template': lines,
    };
    const folder = keep(folderOf({ 'model.gguf': gguf(metadata, gpt2Tensors(names, true)) }));
    await using generator = await TextGenerator.load(join(folder, 'model.gguf'));
    expect(generator.chat(hello)).toEqual(expected());
  });

  it('says where a model has none', async () => {
    await using generator = await TextGenerator.load(keep(folderOf(files)));
    expect(() => generator.chat(hello)).toThrow(/must have a chat_template to write conversations/);
  });
});

describe('what DeepSeek-R1 was distilled into', () => {
  it('is a Qwen2 by its configuration', () => {
    const shape = shapeOfConfig(
      {
        architectures: ['Qwen2ForCausalLM'],
        attention_dropout: 0,
        bos_token_id: 151643,
        eos_token_id: 151643,
        hidden_act: 'silu',
        hidden_size: 1536,
        initializer_range: 0.02,
        intermediate_size: 8960,
        max_position_embeddings: 131072,
        max_window_layers: 21,
        model_type: 'qwen2',
        num_attention_heads: 12,
        num_hidden_layers: 28,
        num_key_value_heads: 2,
        rms_norm_eps: 1e-6,
        rope_theta: 10000,
        sliding_window: 4096,
        tie_word_embeddings: false,
        torch_dtype: 'bfloat16',
        use_cache: true,
        use_mrope: false,
        use_sliding_window: false,
        vocab_size: 151936,
      },
      'model',
    );
    expect(shape).toMatchObject({
      architecture: 'qwen2',
      heads: 12,
      keyHeads: 2,
      headWidth: 128,
      windows: new Array(28).fill(0),
      context: 131072,
      gated: true,
    });
  });
});
