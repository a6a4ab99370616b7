/**
 * `npm run bench:accuracy [-- --models resnet20,resnet56,stories260K --only 2:4 --seconds 2 --json file]`: what quantization and pruning cost the shared
 * CIFAR-10 classifiers, on all 2,000 pictures of dev2000, calibrated on 256 others, or 1,000 to prune: top-1, the share of the file, and on how many
 * pictures onnxruntime-node, given the same file, says the same class, and for channels how many times as fast one picture and 16 are on one thread, in
 * alternation with the model as it came; and the story model, see stories.ts. Needs the shared assets (DSNK_ASSETS).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compress, InferenceSession, type PrunedModel, type PruneOptions, prune, quantize, type Stage, Tensor } from '../lib/index.js';
import { loadPeer } from './peer.js';
import { compareSpeed, type Speed, timesAsFast } from './speed.js';
import { table } from './statistics.js';
import { type StoryRow, storyRows } from './stories.js';

const { values: args } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet20,resnet56,stories260K' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});

const assets = process.env['DSNK_ASSETS'] ?? join(import.meta.dirname, '..', '..', 'shared', 'assets');
if (!existsSync(join(assets, 'cifar'))) {
  console.error(`bench:accuracy: needs the shared models and pictures, which are not in ${assets} (set DSNK_ASSETS)`);
  process.exit(1);
}
const bytesOf = (file: string) => readFileSync(join(assets, 'data', 'cifar10', file));

const PIXELS = 32 * 32;
const BATCH = 50;
const CALIBRATION = 256;
const mean = [0.485, 0.456, 0.406] as const;
const deviation = [0.229, 0.224, 0.225] as const;

function images(pixels: Uint8Array, from: number, count: number): Float32Array {
  const x = new Float32Array(count * 3 * PIXELS);
  for (let i = 0; i < x.length; i++) {
    const [b, c, p] = [Math.floor(i / PIXELS / 3), Math.floor(i / PIXELS) % 3, i % PIXELS];
    x[i] = ((pixels[((from + b) * PIXELS + p) * 3 + c] as number) / 255 - (mean[c] as number)) / (deviation[c] as number);
  }
  return x;
}

const pixels = bytesOf('dev2000_images_rgb_hwc_u8.bin');
const labels = bytesOf('dev2000_labels_u8.bin');
const others = bytesOf('calib1000_images_rgb_hwc_u8.bin');

function* calibration() {
  for (let from = 0; from < CALIBRATION; from += 32) yield { input: new Tensor('float32', images(others, from, 32), [32, 3, 32, 32]) };
}

type Run = (x: Float32Array, dims: readonly number[]) => Promise<Float32Array>;

async function classesOf(run: Run): Promise<number[]> {
  const classes: number[] = [];
  for (let from = 0; from < labels.length; from += BATCH) {
    const logits = await run(images(pixels, from, BATCH), [BATCH, 3, 32, 32]);
    for (let b = 0; b < BATCH; b++) {
      const own = logits.subarray(b * 10, b * 10 + 10);
      classes.push(own.indexOf(Math.max(...own)));
    }
  }
  return classes;
}

const share = (a: ArrayLike<number>, b: ArrayLike<number>) => (100 * Array.from(a).filter((v, i) => v === b[i]).length) / a.length;

/** Calibrated on more pictures: weights are fitted to them. */
function* pruning() {
  for (let from = 0; from < 1000; from += BATCH) yield { input: new Tensor('float32', images(others, from, BATCH), [BATCH, 3, 32, 32]) };
}

/** A pruned model is both a row of its own and the first stage of another. */
function pairs(score: PruneOptions['score'] & string): Stage {
  return (model) => {
    const name = `${model} ${score}`;
    const made = pruned.get(name) ?? prune(model, { pattern: '2:4', score, calibration: pruning() });
    pruned.set(name, made);
    return made;
  };
}
const pruned = new Map<string, Promise<PrunedModel>>();

const ways: readonly { readonly name: string; readonly timed?: boolean; readonly stages: () => readonly Stage[] }[] = [
  { name: 'W8A8 static, entropy', stages: () => [quantize({ calibration: calibration() })] },
  { name: 'W8A8 dynamic', stages: () => [quantize({ method: 'dynamic' })] },
  { name: 'W8 weight-only, no data', stages: () => [quantize({ method: 'weight-only', weights: { bits: 8 } })] },
  { name: 'W4 weight-only, no data', stages: () => [quantize({ method: 'weight-only' })] },
  { name: 'W4 weight-only, calibrated', stages: () => [quantize({ method: 'weight-only', calibration: calibration() })] },
  { name: 'W4A8 static', stages: () => [quantize({ calibration: calibration(), weights: { bits: 4 } })] },
  { name: 'W3 weight-only, calibrated', stages: () => [quantize({ method: 'weight-only', calibration: calibration(), weights: { bits: 3 } })] },
  { name: 'W2 weight-only, calibrated', stages: () => [quantize({ method: 'weight-only', calibration: calibration(), weights: { bits: 2 } })] },
  { name: '2:4, magnitude', stages: () => [pairs('magnitude')] },
  { name: '2:4, wanda', stages: () => [pairs('wanda')] },
  { name: '2:4, sparsegpt', stages: () => [pairs('sparsegpt')] },
  { name: '2:4, sparsegpt, permuted', stages: () => [prune({ pattern: '2:4', permute: true, calibration: pruning() })] },
  { name: '2:4, sparsegpt, then W8A8 static', stages: () => [pairs('sparsegpt'), quantize({ calibration: calibration() })] },
  ...[1, 8, 16].map((multiple) => ({
    name: `channels, 30 % of multiplications, multiples of ${multiple}`,
    timed: true,
    stages: () => [prune({ pattern: 'channels', multiple, calibration: pruning() })],
  })),
];

const peer = loadPeer();
const folder = mkdtempSync(join(tmpdir(), 'dsnk-accuracy-'));

async function ours(model: string | Uint8Array): Promise<number[]> {
  await using session = await InferenceSession.create(model);
  return await classesOf(async (x, dims) => (await session.run({ input: new Tensor('float32', x, dims) }))['logits']?.data as Float32Array);
}

async function theirs(path: string): Promise<number[]> {
  const session = await peer.create(path, 1);
  try {
    return await classesOf(async (x, dims) => (await session.run({ input: new peer.Tensor('float32', x, dims) }))['logits']?.data as Float32Array);
  } finally {
    await session.release();
  }
}

const rows: { model: string; way: string; top1: number; drop: number; fileShare: number; agreement: number; macShare: number | undefined; speed: Speed[] }[] =
  [];
const stories: StoryRow[] = [];
for (const model of args.models.split(',')) {
  if (model === 'stories260K') {
    stories.push(...(await storyRows(assets, args.only)));
    continue;
  }
  const path = join(assets, 'cifar', `${model}_cifar10.onnx`);
  const float = share(await ours(path), labels);
  for (const { name, timed, stages } of ways) {
    if (args.only && !name.includes(args.only)) continue;
    const { bytes, reports } = await compress(path, stages());
    const file = join(folder, 'compressed.onnx');
    writeFileSync(file, bytes);
    const classes = await ours(bytes);
    const top1 = share(classes, labels);
    const { macsBefore, macsAfter } = reports.at(-1) as { readonly macsBefore?: number; readonly macsAfter?: number };
    const macShare = macsBefore === undefined || macsAfter === undefined ? undefined : macsAfter / macsBefore;
    const speed = timed ? await compareSpeed({ before: path, after: bytes }, 'input', [3, 32, 32], [1, 16], Number(args.seconds)) : [];
    const fileShare = bytes.length / statSync(path).size;
    const row = { model, way: name, top1, drop: float - top1, fileShare, agreement: share(classes, await theirs(file)), macShare, speed };
    rows.push(row);
    console.log(`${model}  ${name}: ${top1.toFixed(2)} %${speed.map((s) => `, batch ${s.batch} ${timesAsFast(s)} times as fast`).join('')}`);
  }
}
rmSync(folder, { recursive: true });

const line = (r: (typeof rows)[0]) => [
  r.model,
  r.way,
  r.top1.toFixed(2),
  r.drop.toFixed(2),
  r.fileShare.toFixed(3),
  r.agreement.toFixed(2),
  r.macShare?.toFixed(3) ?? '',
  ...[0, 1].map((i) => (r.speed[i] ? timesAsFast(r.speed[i]) : '')),
];
const head = [
  ...['model', 'way', 'top-1 %', 'drop, points', 'file / float32', 'agreement with the peer %', 'multiplications'],
  ...[1, 16].map((batch) => `times as fast, batch ${batch}, best / median`),
];
if (rows.length > 0) console.log(table([head, ...rows.map(line)]));
const storyLine = (r: StoryRow) => [
  r.model,
  r.way,
  ...[r.greedy, r.greedyChange, r.shakespeare, r.shakespeareChange, r.bothChange].map((v) => v.toFixed(2)),
  r.fileShare.toFixed(3),
];
const storyHead = ['model', 'way', 'perplexity, own text', 'change %', 'tinyshakespeare', 'change %', 'both, change %', 'file / float32'];
if (stories.length > 0) console.log(table([storyHead, ...stories.map(storyLine)]));
if (args.json) writeFileSync(args.json, `${JSON.stringify({ node: process.version, peer: peer.version, rows, stories }, null, 2)}\n`);
