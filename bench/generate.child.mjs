/** One side of bench/generate.ts in a process of its own, so that its memory is its own: answers { task, seed } with what it took. */
const [side, path, threads] = process.argv.slice(2);
const prompt = (seed, length) => Array.from({ length }, (_, i) => 300 + ((i * 7919 + seed * 104_729) % 30_000));
const timed = async (work) => {
  const start = performance.now();
  const tokens = await work();
  return { ms: performance.now() - start, tokens };
};

async function ours() {
  const { TextGenerator } = await import('../dist/index.js');
  const generator = await TextGenerator.load(path, { intraOpNumThreads: Number(threads) });
  const run = async (tokens, maxTokens) => (await generator.generate(tokens, { maxTokens })).tokens.length;
  return {
    prefill: async (seed) => {
      await run(prompt(seed, 512), 1);
      return 512;
    },
    decode: (seed) => run(prompt(seed, 16), 128),
  };
}

async function theirs() {
  const { createRequire } = await import('node:module');
  const { pathToFileURL } = await import('node:url');
  const require = createRequire(new URL('llama/package.json', import.meta.url));
  const { getLlama, LlamaLogLevel } = await import(pathToFileURL(require.resolve('node-llama-cpp')).href);
  const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, maxThreads: Number(threads) });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: 2048, threads: Number(threads), batchSize: 512 });
  const sequence = context.getSequence();
  return {
    prefill: async (seed) => {
      await sequence.clearHistory();
      await sequence.evaluateWithoutGeneratingNewTokens(prompt(seed, 512));
      return 512;
    },
    decode: async (seed) => {
      await sequence.clearHistory();
      let count = 0;
      for await (const _ of sequence.evaluate(prompt(seed, 16), { temperature: 0 })) if (++count === 128) break;
      return count;
    },
  };
}

const start = performance.now();
const tasks = await (side === 'ours' ? ours() : theirs());
process.send({ loadMs: performance.now() - start, rss: process.memoryUsage().rss });
process.on('message', async ({ task, seed }) => {
  process.send({ ...(await timed(() => tasks[task](seed))), rss: process.memoryUsage().rss });
});
