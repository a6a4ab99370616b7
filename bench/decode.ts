/**
 * `npm run bench:decode [-- --seconds 1 --tokens 4096,16384 --threads 1,2]`: one token against a cache of keys and values, 32 heads on 8 of 128,
 * on a session of this package (append and attention, the cache in a state) and on onnxruntime-node's GroupQueryAttention with past and
 * present in one buffer, in alternation, beside a plain read of as many bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Graph, type Value } from '../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../lib/index.js';
import { exportModel } from '../lib/onnx/export.js';
import { readProbe, waves } from '../lib/runtime/measure.js';
import { native } from '../lib/runtime/native.js';
import { loadPeer } from './peer.js';
import { type Summary, summarize, table } from './statistics.js';
import { takeTurn } from './turns.js';

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    tokens: { type: 'string', default: '4096,8192,16384' },
    threads: { type: 'string', default: '1,2' },
    types: { type: 'string', default: 'f32,f16,i8' },
  },
});

const [heads, keyHeads, width] = [32, 8, 128];
const addon = native();
const peer = loadPeer();
const folder = join(import.meta.dirname, '..', 'build', 'bench-ops');
mkdirSync(folder, { recursive: true });
const elementBytes = { f32: 4, f16: 2, i8: 1 };
const names = { f32: 'float32', f16: 'float16', i8: 'int8' } as const;
type CacheType = keyof typeof names;

interface Decoder {
  /** Milliseconds of one token. */
  step(): Promise<number>;
  readonly kernels: string;
  release(): Promise<void>;
}

/** A session whose caches are states, filled but for the last token. */
async function decoder(type: CacheType, tokens: number, threads: number): Promise<Decoder> {
  const g = new Graph('decode');
  const fed = [heads, keyHeads, keyHeads].map((n, i) => g.addInput(['query', 'key', 'value'][i] as string, 'float32', [1, 'rows', n * width]));
  const lengths = g.addInput('lengths', 'int32', [1]);
  const caches = ['keys', 'values'].map((name) => g.addInput(name, names[type], [1, keyHeads, tokens, width]));
  if (type === 'i8') caches.push(...['keyScales', 'valueScales'].map((name) => g.addInput(name, 'float32', [1, keyHeads, tokens])));
  const [query, key, value] = fed as [Value, Value, Value];
  const append = g.addNode('CacheAppend', [...caches.slice(0, 2), key, value, lengths, ...caches.slice(2)], {
    domain: 'dsnk',
    name: 'append',
    outputs: caches.length,
  });
  const kept = caches.map((_, i) => append.output(i));
  kept.forEach((next, i) => {
    g.states.push({ output: g.outputs.push(next) - 1, input: g.inputs.indexOf(caches[i] as Value) });
  });
  const attention = g.addNode('CachedAttention', [query, ...kept.slice(0, 2), lengths, ...kept.slice(2)], { domain: 'dsnk', name: 'attention' });
  g.outputs.push(attention.output());
  const session = await InferenceSession.fromGraph(g, { intraOpNumThreads: threads });
  const feeds = (rows: number, length: number) => ({
    query: new Tensor('float32', waves(rows * heads * width), [1, rows, heads * width]),
    key: new Tensor('float32', waves(rows * keyHeads * width), [1, rows, keyHeads * width]),
    value: new Tensor('float32', waves(rows * keyHeads * width), [1, rows, keyHeads * width]),
    lengths: new Tensor('int32', Int32Array.of(length), [1]),
  });
  for (let t = 0; t < tokens; t += 64) await session.run(feeds(64, t));
  const last = feeds(1, tokens - 1);
  const { nodes } = await session.profile(last);
  return {
    kernels: nodes.map((n) => n.kernel).join(' + '),
    step: async () => (await session.profile(last)).nodes.reduce((sum, n) => sum + n.timeNs, 0) / 1e6,
    release: () => session.release(),
  };
}

/** The peer's operator; undefined where it has none for the type. */
async function theirs(type: CacheType, tokens: number, threads: number) {
  if (type === 'i8') return undefined;
  const dtype = names[type];
  const g = new Graph('decode');
  const inputs = [
    g.addInput('query', dtype, [1, 1, heads * width]),
    g.addInput('key', dtype, [1, 1, keyHeads * width]),
    g.addInput('value', dtype, [1, 1, keyHeads * width]),
    g.addInput('past_key', dtype, [1, keyHeads, tokens, width]),
    g.addInput('past_value', dtype, [1, keyHeads, tokens, width]),
    g.addInput('seqlens_k', 'int32', [1]),
    g.addInput('total', 'int32', []),
  ];
  const node = g.addNode('GroupQueryAttention', inputs, {
    domain: 'com.microsoft',
    name: 'y',
    outputs: 3,
    attrs: { num_heads: heads, kv_num_heads: keyHeads },
  });
  g.outputs.push(node.output(0), node.output(1), node.output(2));
  const path = join(folder, 'decode.onnx');
  writeFileSync(path, exportModel(g));
  const session = await peer.createProfiled(path, threads);
  const numbers = (n: number) =>
    type === 'f32' ? waves(n) : Uint16Array.from(waves(n), (x) => 0x3000 + Math.floor(Math.abs(x) * 0xbff) + (x < 0 ? 0x8000 : 0));
  const tensor = (n: number, dims: readonly number[]) => new peer.Tensor(dtype, numbers(n), dims);
  const past = [1, 2].map(() => tensor(keyHeads * tokens * width, [1, keyHeads, tokens, width]));
  const feeds = {
    query: tensor(heads * width, [1, 1, heads * width]),
    key: tensor(keyHeads * width, [1, 1, keyHeads * width]),
    value: tensor(keyHeads * width, [1, 1, keyHeads * width]),
    past_key: past[0],
    past_value: past[1],
    seqlens_k: new peer.Tensor('int32', Int32Array.of(tokens - 1), [1]),
    total: new peer.Tensor('int32', Int32Array.of(tokens), []),
  };
  const [y, presentKey, presentValue] = g.outputs.map((v) => v.name) as [string, string, string];
  // present into the memory of past: without it the operator copies the cache
  const fetches = { [y]: null, [presentKey]: past[0], [presentValue]: past[1] };
  return { run: () => session.run(feeds, fetches), nodeTimes: () => session.nodeTimes() };
}

interface Line {
  readonly name: string;
  readonly ours: Summary;
  readonly peer: Summary | undefined;
  readonly gbs: number;
  readonly readGbs: number;
  readonly kernels: string;
}

async function measure(type: CacheType, tokens: number, threads: number): Promise<Line> {
  const bytes = 2 * keyHeads * tokens * (width * elementBytes[type] + (type === 'i8' ? 4 : 0));
  const own = await decoder(type, tokens, threads);
  const other = await theirs(type, tokens, threads);
  const probe = readProbe(bytes);
  const samples: number[] = [];
  let read = 0;
  const sides = [
    async () => {
      samples.push(await own.step());
    },
    async () => {
      await other?.run();
    },
  ] as const;
  const end = performance.now() + Number(args.seconds) * 1000;
  for (let round = 0; round < 4 || performance.now() < end; round++) {
    for (const side of [round & 1, 1 - (round & 1)]) await takeTurn(sides[side as 0 | 1], []);
    read = Math.max(read, probe.run());
  }
  await own.release();
  probe.dispose();
  const theirTimes = (await other?.nodeTimes())?.filter((t) => t.op === 'GroupQueryAttention').map((t) => t.us / 1e3);
  const ours = summarize(samples);
  return {
    name: `${type} ${tokens} tokens, ${threads} thread${threads > 1 ? 's' : ''}`,
    ours,
    peer: theirTimes && summarize(theirTimes),
    gbs: bytes / ours.best / 1e6,
    readGbs: read,
    kernels: own.kernels,
  };
}

const cpu = addon.cpu();
console.log(
  `${cpu.model}, ${cpu.isa}; node ${process.version}; onnxruntime-node ${peer.version}; ${heads} heads on ${keyHeads} of ${width}, ${args.seconds} s each`,
);
const lines: Line[] = [];
for (const threads of args.threads.split(',').map(Number))
  for (const tokens of args.tokens.split(',').map(Number))
    for (const type of args.types.split(',') as CacheType[]) lines.push(await measure(type, tokens, threads));
const ms = (s: Summary | undefined) => (s === undefined ? '' : `${s.best.toFixed(3)} / ${s.median.toFixed(3)}`);
console.log(
  table([
    ['cache', 'ours ms best/median', 'peer ms best/median', 'ratio best', 'ratio median', 'GB/s', 'read, 1 thread', 'kernels'],
    ...lines.map((l) => [
      l.name,
      ms(l.ours),
      ms(l.peer),
      l.peer === undefined ? '' : (l.peer.best / l.ours.best).toFixed(2),
      l.peer === undefined ? '' : (l.peer.median / l.ours.median).toFixed(2),
      l.gbs.toFixed(1),
      l.readGbs.toFixed(1),
      l.kernels,
    ]),
  ]),
);
