/**
 * `npm run bench:decode [-- --seconds 1 --tokens 4096,16384 --threads 1,2]`: one token against a cache of keys and values, 32 heads on 8 of 128,
 * on this package's kernels (append and attention, the cache in a state) and on onnxruntime-node's GroupQueryAttention with past and
 * present in one buffer, in alternation, beside a plain read of as many bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { candidates, type KernelRow } from '../lib/compile/catalogue.js';
import { encodeProgram, type Instruction, type Location, NOWHERE } from '../lib/compile/program.js';
import { Graph } from '../lib/graph/graph.js';
import { attentionEmpty } from '../lib/kernels/attention.js';
import { CACHE_SPLIT, cacheAppendParams, cachedAttentionParams, cacheRecord } from '../lib/kernels/cache.js';
import { encodeParams } from '../lib/kernels/params.js';
import { exportModel } from '../lib/onnx/export.js';
import type { ProgramHandle, StateHandle } from '../lib/runtime/binding.js';
import { readProbe, waves } from '../lib/runtime/measure.js';
import { native } from '../lib/runtime/native.js';
import type { CacheType } from './cases/cache.js';
import { loadPeer } from './peer.js';
import { type Summary, summarize, table } from './statistics.js';
import { takeTurn } from './turns.js';

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    tokens: { type: 'string', default: '4096,8192,16384' },
    threads: { type: 'string', default: '1,2' },
    types: { type: 'string', default: 'f32,f16,i8' },
    split: { type: 'boolean', default: false },
  },
});

const [heads, keyHeads, width] = [32, 8, 128];
const addon = native();
const peer = loadPeer();
const folder = join(import.meta.dirname, '..', 'build', 'bench-ops');
mkdirSync(folder, { recursive: true });
const align = (bytes: number) => Math.ceil(bytes / 64) * 64;
const elementBytes = { f32: 4, f16: 2, bf16: 2, i8: 1 };

/** Places operands one behind the other in a segment. */
class Places {
  bytes = 0;
  constructor(readonly segment: 'io' | 'state' | 'arena') {}
  add(bytes: number): Location {
    const at: Location = { segment: this.segment, index: 0, offset: this.bytes, bytes };
    this.bytes += align(bytes);
    return at;
  }
}

interface Decoder {
  /** Milliseconds of one token. */
  step(): number;
  readonly kernels: string;
  dispose(): void;
}

const best = (op: string, type: string) => candidates(addon.catalogue(), op, type)[0] as KernelRow;

/** Programs on one state: one that fills it, `rows` tokens a run, and one for a token. */
function decoder(type: CacheType, tokens: number, threads: number): Decoder {
  const kept = new Places('state');
  const cache = [1, 2].map(() => kept.add(keyHeads * tokens * width * elementBytes[type]));
  const scales = [1, 2].map(() => (type === 'i8' ? kept.add(keyHeads * tokens * 4) : NOWHERE));
  const [append, attention, merge] = [best('cache_append', type), best('attention_cached', type), best('attention_merge', 'f32')];
  const strides = (n: number, rows: number) => [rows * n * width, n * width, width];
  const load = (rows: number, attends: boolean) => {
    const [io, arena] = [new Places('io'), new Places('arena')];
    const [k, v] = [1, 2].map(() => io.add(rows * keyHeads * width * 4)) as [Location, Location];
    const lengths = io.add(4);
    const [q, y] = [io.add(heads * width * 4), io.add(heads * width * 4)];
    const shape = { batch: 1, keyHeads, rows, capacity: tokens, pages: 0, width, depth: width };
    const main: Instruction[] = [
      {
        kernel: append.id,
        operands: [...cache, ...scales, k, v, lengths, NOWHERE],
        params: encodeParams(cacheAppendParams, { ...shape, strideK: strides(keyHeads, rows), strideV: strides(keyHeads, rows) }),
      },
    ];
    if (attends) {
      const params = encodeParams(cachedAttentionParams, {
        ...shape,
        heads,
        fresh: rows,
        window: 0,
        strideQ: strides(heads, 1),
        strideY: strides(heads, 1),
        strideBias: [0, 0, 0],
        scale: 1 / Math.sqrt(width),
        softcap: 0,
        columnBias: 0,
        causal: 1,
        split: args.split ? 1 : 0,
        empty: attentionEmpty.value('nan'),
      });
      const partials = args.split ? arena.add(heads * Math.ceil(tokens / CACHE_SPLIT) * cacheRecord(width) * 4) : y;
      main.push({ kernel: attention.id, operands: [partials, q, ...cache, ...scales, lengths, NOWHERE, NOWHERE, NOWHERE, NOWHERE], params });
      if (args.split) main.push({ kernel: merge.id, operands: [y, partials, lengths, NOWHERE], params });
    }
    const words = encodeProgram({
      catalogueHash: addon.catalogue().hash,
      arenaBytes: arena.bytes,
      ioBytes: io.bytes,
      stateBytes: kept.bytes,
      weightsBytes: 0,
      initArenaBytes: 0,
      weightBlock: 0,
      init: [],
      main,
      inputs: [k, v, lengths, q],
      outputs: [y],
    });
    let program: ProgramHandle | undefined;
    addon.load(
      words,
      addon.createStore(false),
      [],
      threads,
      false,
      (code, _pc, _fault, text, value) => {
        if (code !== 0) throw new Error(text);
        program = value as ProgramHandle;
      },
      true,
    );
    return { program: program as ProgramHandle, instructions: main.length };
  };
  const state = addon.createState(kept.bytes, addon.createStore(false)) as StateHandle;
  const [query, out] = [waves(heads * width), new Float32Array(heads * width)];
  const run = (program: ProgramHandle, rows: number, length: number, times: BigUint64Array | null) => {
    const fresh = waves(rows * keyHeads * width);
    const failed = addon.runSync(program, [fresh, fresh, Int32Array.of(length), query], [out], times, state);
    if (failed !== undefined) throw new Error(`run failed: ${failed.join(', ')}`);
  };
  const filling = load(64, false);
  for (let t = 0; t < tokens; t += 64) run(filling.program, 64, t, null);
  addon.dispose(filling.program);
  const one = load(1, true);
  const times = new BigUint64Array(one.instructions);
  return {
    kernels: [append.name, attention.name, ...(args.split ? [merge.name] : [])].join(' + '),
    step: () => {
      run(one.program, 1, tokens - 1, times);
      return Number(times.reduce((a, b) => a + b, 0n)) / 1e6;
    },
    dispose: () => {
      addon.dispose(one.program);
      addon.dispose(state);
    },
  };
}

/** The peer's operator; undefined where it has none for the type. */
async function theirs(type: CacheType, tokens: number, threads: number) {
  if (type !== 'f32' && type !== 'f16') return undefined;
  const dtype = type === 'f32' ? 'float32' : 'float16';
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
  const own = decoder(type, tokens, threads);
  const other = await theirs(type, tokens, threads);
  const probe = readProbe(bytes);
  const samples: number[] = [];
  let read = 0;
  const sides = [
    async () => {
      samples.push(own.step());
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
  own.dispose();
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
