/**
 * Text generation: a decoder of some 110 million random weights in Q4_0 (time to load, a prompt of 512 tokens, single tokens, eight texts at a time,
 * memory), and the shape of GPT-2's smallest model in Q8_0. `npm run bench:generate -- [--threads 1] [--peer]`: with `--peer` the first two in alternation
 * with node-llama-cpp, each in a process of its own. Runs what `npm run build:ts` has made.
 */
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TextGenerator } from '../lib/index.js';
import { summarize, table } from './statistics.js';
import { gpt2Small, llama110m } from './text-models.js';

const here = dirname(fileURLToPath(import.meta.url));
const { values: args } = parseArgs({
  options: { threads: { type: 'string', default: '1' }, peer: { type: 'boolean', default: false }, rounds: { type: 'string', default: '4' } },
});
const threads = Number(args.threads);
const folder = mkdtempSync(join(tmpdir(), 'dsnk-bench-'));
const path = join(folder, 'llama-110m-q4_0.gguf');
writeFileSync(path, llama110m());

interface Answer {
  readonly ms: number;
  readonly tokens: number;
  readonly rss: number;
}

/** A side at work: one task at a time. */
async function sideOf(name: 'ours' | 'peer') {
  const child = fork(join(here, 'generate.child.mjs'), [name, path, `${threads}`], { execArgv: [] });
  const [ready] = (await once(child, 'message')) as [{ loadMs: number; rss: number }];
  let rss = ready.rss;
  return {
    name,
    loadMs: ready.loadMs,
    rss: () => rss,
    async run(task: 'prefill' | 'decode', seed: number): Promise<number> {
      child.send({ task, seed });
      const [answer] = (await once(child, 'message')) as [Answer];
      rss = Math.max(rss, answer.rss);
      return (answer.tokens / answer.ms) * 1e3;
    },
    end: () => child.kill(),
  };
}

if (args.peer && !existsSync(join(here, 'llama', 'node_modules'))) {
  // Its binaries for other devices are optional dependencies of hundreds of megabytes. They are not in the lock file, which `npm ci` refuses.
  const { status } = spawnSync('npm', ['install', '--no-save', '--ignore-scripts', '--omit=optional'], { cwd: join(here, 'llama'), stdio: 'inherit' });
  if (status !== 0) throw new Error('installing the peer failed: run `npm install --no-save --ignore-scripts --omit=optional` in bench/llama/');
}
const sides = [await sideOf('ours'), ...(args.peer ? [await sideOf('peer')] : [])];
const rates = sides.map(() => ({ prefill: [] as number[], decode: [] as number[] }));
for (let round = 0; round <= Number(args.rounds); round++) {
  for (const task of ['prefill', 'decode'] as const) {
    for (const i of round % 2 === 0 ? [...sides.keys()] : [...sides.keys()].reverse()) {
      const rate = await (sides[i] as (typeof sides)[number]).run(task, round + 1);
      // The first round compiles and warms up.
      if (round > 0) rates[i]?.[task].push(-rate);
    }
  }
}
const figures = (list: readonly number[]) => {
  const { best, median } = summarize(list);
  return `${(-best).toFixed(1)} / ${(-median).toFixed(1)}`;
};
console.log(`110 million weights in Q4_0, ${threads} thread${threads > 1 ? 's' : ''}; tokens a second, best / median of ${args.rounds}`);
console.log(
  table([
    ['side', 'load ms', '512 tokens', 'single tokens', 'RSS MB'],
    ...sides.map((s, i) => [s.name, s.loadMs.toFixed(0), figures(rates[i]?.prefill ?? []), figures(rates[i]?.decode ?? []), (s.rss() / 1e6).toFixed(0)]),
  ]),
);
for (const side of sides) side.end();

const timed = async <T>(work: () => Promise<T>): Promise<readonly [number, T]> => {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
};
const prompt = (seed: number, length = 16) => Array.from({ length }, (_, i) => 300 + ((i * 7919 + seed * 104_729) % 30_000));
{
  await using eight = await TextGenerator.load(path, { intraOpNumThreads: threads, batch: 8, contextLength: 512 });
  const prompts = Array.from({ length: 8 }, (_, i) => prompt(i));
  await eight.generateAll(prompts, { maxTokens: 2 });
  const [ms, texts] = await timed(() => eight.generateAll(prompts, { maxTokens: 64, temperature: 1, seed: 1 }));
  console.log(`eight texts at a time: ${((texts.reduce((n, t) => n + t.tokens.length, 0) / ms) * 1e3).toFixed(1)} tokens/s`);
}
{
  const { bytes, floatBytes } = gpt2Small();
  const file = join(folder, 'gpt2-small-q8_0.gguf');
  writeFileSync(file, bytes);
  const [loadMs, generator] = await timed(() => TextGenerator.load(file, { intraOpNumThreads: threads }));
  const [firstMs] = await timed(() => generator.generate(prompt(1), { maxTokens: 1 }));
  const [ms, { tokens }] = await timed(() => generator.generate(prompt(2), { maxTokens: 50 }));
  const rate = ((tokens.length / ms) * 1e3).toFixed(1);
  console.log(
    `GPT-2 small in Q8_0: file ${(bytes.length / floatBytes).toFixed(3)} of float32, load ${loadMs.toFixed(0)} ms, first token of 16 after ${firstMs.toFixed(1)} ms, ${tokens.length} tokens at ${rate} a second`,
  );
  await generator.release();
}
rmSync(folder, { recursive: true });
