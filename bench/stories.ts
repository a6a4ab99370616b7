/**
 * What quantization costs the shared story model: perplexity on the text that it writes itself when it takes the likeliest token, and on
 * tinyshakespeare, which is nothing like what it was trained on. Calibration is other text: what the model writes when it draws tokens by their
 * probabilities, and the end of tinyshakespeare, of which the beginning is measured.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { llama2cTokenizer } from '../lib/generate/load.js';
import { InferenceSession, type QuantizeOptions, quantize, Tensor } from '../lib/index.js';
import { mulberry32 } from '../test/kernels/harness.js';

export interface StoryRow {
  readonly model: 'stories260K';
  readonly way: string;
  /** Perplexity, and what it is above that of the float model in percent. */
  readonly greedy: number;
  readonly greedyChange: number;
  readonly shakespeare: number;
  readonly shakespeareChange: number;
  readonly bothChange: number;
  readonly fileShare: number;
}

const LAYERS = 5;
const HEADS = 4;
const HEAD = 8;
const VOCABULARY = 512;
const LENGTH = 256;
/** Characters that surely make more tokens than LENGTH. */
const CHARACTERS = 1200;
const MEASURED = 24;
const CALIBRATION = 8;

/** Tokens of texts of one length, as a batch. */
function feedOf(texts: readonly (readonly number[])[], from = 0, past?: Readonly<Record<string, unknown>>): Record<string, Tensor> {
  const dims = [texts.length, texts[0]?.length ?? 0];
  const ints = (values: readonly number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const feed: Record<string, Tensor> = { input_ids: ints(texts.flat()), position_ids: ints(texts.flatMap((ids) => ids.map((_, i) => from + i))) };
  for (let l = 0; l < LAYERS; l++)
    for (const name of ['key', 'value'])
      feed[`past_key_values.${l}.${name}`] =
        (past?.[`present.${l}.${name}`] as Tensor | undefined) ?? new Tensor('float32', new Float32Array(0), [texts.length, HEADS, 0, HEAD]);
  return feed;
}

/** Ids drawn by their probabilities. */
async function drawn(session: InferenceSession, count: number): Promise<number[][]> {
  const random = mulberry32(100);
  const texts = Array.from({ length: count }, () => [1]);
  let past: Readonly<Record<string, unknown>> | undefined;
  for (let at = 0; at + 1 < LENGTH; at++) {
    const results = await session.run(
      feedOf(
        texts.map((ids) => ids.slice(-1)),
        at,
        past,
      ),
    );
    past = results;
    const logits = results['logits']?.data as Float32Array;
    texts.forEach((ids, t) => {
      const row = logits.subarray(t * VOCABULARY, (t + 1) * VOCABULARY);
      const most = Math.max(...row);
      const shares = Array.from(row, (v) => Math.exp(v - most));
      let left = random() * shares.reduce((a, b) => a + b, 0);
      const id = shares.findIndex((s) => {
        left -= s;
        return left <= 0;
      });
      ids.push(Math.max(id, 0));
    });
  }
  return texts;
}

/** Sum of -log p over the tokens after the first, and their number. */
async function surprise(session: InferenceSession, texts: readonly (readonly number[])[]): Promise<{ sum: number; count: number }> {
  let [sum, count] = [0, 0];
  for (const ids of texts) {
    const logits = (await session.run(feedOf([ids])))['logits']?.data as Float32Array;
    for (let t = 0; t + 1 < ids.length; t++, count++) {
      const row = logits.subarray(t * VOCABULARY, (t + 1) * VOCABULARY);
      const most = Math.max(...row);
      sum += most + Math.log(row.reduce((total, v) => total + Math.exp(v - most), 0)) - (row[ids[t + 1] as number] as number);
    }
  }
  return { sum, count };
}

const ways: readonly { readonly name: string; readonly calibrated: boolean; readonly weights: object }[] = [
  { name: 'W8 weight-only, no data', calibrated: false, weights: { bits: 8 } },
  { name: 'W8 weight-only, calibrated', calibrated: true, weights: { bits: 8 } },
  { name: 'W4 weight-only, no data', calibrated: false, weights: { bits: 4 } },
  { name: 'W4 weight-only, calibrated', calibrated: true, weights: { bits: 4 } },
];

export async function storyRows(assets: string, only: string | undefined): Promise<StoryRow[]> {
  const path = join(assets, 'llm', 'stories260K_kv.onnx');
  const { greedyIds } = JSON.parse(readFileSync(join(assets, 'golden', 'stories260K.json'), 'utf8')) as { greedyIds: number[] };
  const tokenizer = await llama2cTokenizer(path, VOCABULARY, join(assets, 'llm', 'stories260K_tok512.bin'));
  const text = readFileSync(join(assets, 'data', 'text', 'tinyshakespeare.txt'), 'utf8');
  const part = (i: number) => tokenizer.encode(text.slice(i * CHARACTERS, (i + 1) * CHARACTERS)).slice(0, LENGTH);
  const parts = Math.floor(text.length / CHARACTERS);
  const shakespeare = Array.from({ length: MEASURED }, (_, i) => part(i));
  const perplexities = async (session: InferenceSession) => {
    const [own, other] = [await surprise(session, [greedyIds]), await surprise(session, shakespeare)];
    const of = ({ sum, count }: typeof own) => Math.exp(sum / count);
    return { greedy: of(own), shakespeare: of(other), both: of({ sum: own.sum + other.sum, count: own.count + other.count }) };
  };
  await using float = await InferenceSession.create(path);
  const before = await perplexities(float);
  const others = [...(await drawn(float, CALIBRATION)), ...Array.from({ length: CALIBRATION }, (_, i) => part(parts - 1 - i))];
  const calibration = others.map((ids) => feedOf([ids]));
  const rows: StoryRow[] = [];
  for (const { name, calibrated, weights } of ways) {
    if (only && !name.includes(only)) continue;
    const options: QuantizeOptions = { method: 'weight-only', weights, ...(calibrated && { calibration }) };
    const { bytes } = await quantize(path, options);
    await using session = await InferenceSession.create(bytes);
    const { greedy, shakespeare: other, both } = await perplexities(session);
    const change = (now: number, then: number) => 100 * (now / then - 1);
    rows.push({
      model: 'stories260K',
      way: name,
      greedy,
      greedyChange: change(greedy, before.greedy),
      shakespeare: other,
      shakespeareChange: change(other, before.shakespeare),
      bothChange: change(both, before.both),
      fileShare: bytes.length / statSync(path).size,
    });
    console.log(`stories260K  ${name}: ${change(both, before.both).toFixed(2)} %`);
  }
  return rows;
}
