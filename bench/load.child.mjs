// One side of `npm run bench:load` in a process of its own: `load.child.mjs ours|peer <model> <threads> <runs>` prints one line of JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [side, path, threads, runs] = process.argv.slice(2);
const status = (key) => Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;

let start = performance.now();
const { InferenceSession, Tensor } =
  side === 'ours' ? await import(new URL('../dist/index.js', import.meta.url).href) : createRequire(import.meta.url)('onnxruntime-node');
const importMs = performance.now() - start;
const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) * 2);
const feeds = { input: new Tensor('float32', data, [1, 3, 224, 224]) };
const bareBytes = status('VmRSS');

start = performance.now();
const session = await InferenceSession.create(path, { intraOpNumThreads: Number(threads) });
const createMs = performance.now() - start;
await session.run(feeds);
const firstResultMs = performance.now() - start;
const loadPeakBytes = status('VmHWM');

// 5: the high-water mark starts again from what is there now
writeFileSync('/proc/self/clear_refs', '5');
for (let i = 0; i < Number(runs); i++) await session.run(feeds);
console.log(JSON.stringify({ importMs, createMs, firstResultMs, bareBytes, loadPeakBytes, runPeakBytes: status('VmHWM') }));
process.exit();
