#!/usr/bin/env node
/**
 * Trains the bundled classifier and writes models/shapes.onnx and models/shapes.png. Data, first weights and order come from seeds:
 * the same bytes come out wherever the same kernels run (DSNK_ISA; avx2 unless set). One thread.
 * The training step itself is a function that this package compiles into one program.
 *
 *   node scripts/train-bundled-model.mjs [--out models] [--rounds 0,1] [--from model.onnx]
 *
 * --from starts with the weights of a model that earlier rounds made; with --rounds '' it is only measured.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Album } from './bundled-model/album.mjs';
import { batch, classes, draw, generator, preprocess, scene } from './bundled-model/pictures.mjs';

process.env.DSNK_ISA ??= 'avx2';
const { compile, exportModel, importModel, InferenceSession, Tensor } = await import('../dist/index.js');
const { inferenceGraph, layers, parameterShapes, side, trainingStep } = await import('./bundled-model/network.mjs');

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: join(dirname(fileURLToPath(import.meta.url)), '..', 'models') },
    rounds: { type: 'string', default: '0,1' },
    from: { type: 'string' },
  },
});
/** A round has its own pictures and starts the optimizer and its rate anew. The first goes from easy pictures to hard ones. */
const rounds = [
  { pictures: 20000, easy: 10000, steps: 4500, rate: 0.003 },
  { pictures: 20000, easy: 0, steps: 4000, rate: 0.002 },
];
const batchSize = 32;

/** The test's pictures have this seed and those after it, a hundred each; nothing else has. */
const TEST_SEED = 960_000;

/** Normal numbers by Box and Muller's formula. */
function normals(random, length, deviation) {
  return Float32Array.from({ length }, () => deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

const shapes = parameterShapes(classes.length);
const random = generator(1);
const parameters = shapes.map(([name, dims]) => {
  const length = dims.reduce((a, b) => a * b, 1);
  if (name.endsWith('.scale')) return new Float32Array(length).fill(1);
  if (!name.endsWith('.weight')) return new Float32Array(length);
  // Variance 2 / inputs keeps the size of activations through ReLU.
  return normals(random, length, Math.sqrt(2 / (dims.length === 4 ? length / dims[0] : dims[0])));
});

/** Adam with weight decay apart from the gradient, on weights only. */
const adam = { first: 0.9, second: 0.99, decay: 0.02, epsilon: 1e-8 };
function optimizer() {
  const moments = parameters.map((p) => ({ m: new Float32Array(p.length), v: new Float32Array(p.length) }));
  return (step, rate, gradients) => {
    const [fix1, fix2] = [1 / (1 - adam.first ** step), 1 / (1 - adam.second ** step)];
    parameters.forEach((p, i) => {
      const { m, v } = moments[i];
      const g = gradients[i];
      const decay = shapes[i][0].endsWith('.weight') ? rate * adam.decay : 0;
      for (let j = 0; j < p.length; j++) {
        m[j] += (1 - adam.first) * (g[j] - m[j]);
        v[j] += (1 - adam.second) * (g[j] * g[j] - v[j]);
        p[j] -= (rate * fix1 * m[j]) / (Math.sqrt(fix2 * v[j]) + adam.epsilon) + decay * p[j];
      }
    });
  };
}

/** Up over the first tenth, then down along a cosine. */
function rateAt(step, { steps, rate }) {
  const warm = steps / 10;
  return step < warm ? (rate * step) / warm : 0.5 * rate * (1 + Math.cos((Math.PI * (step - warm)) / (steps - warm)));
}

/** The share of the album, easy pictures first, that a step may draw from: all of it after the first quarter. */
const shareAt = (step, { steps, easy }) => (easy === 0 ? 1 : Math.min(1, 0.1 + step / (0.28 * steps)));

function targetsOf(labels) {
  const smoothing = 0.05;
  const t = new Float32Array(labels.length * classes.length).fill(smoothing / classes.length);
  labels.forEach((label, n) => {
    t[n * classes.length + label] += 1 - smoothing;
  });
  return t;
}

const largest = (scores, from) => scores.subarray(from, from + classes.length).reduce((best, v, i, all) => (v > all[best] ? i : best), 0);

const step = compile(trainingStep, { intraOpNumThreads: 1 });
/** Running means of the normalizations' statistics, weighted to the last steps, where the weights hardly change. */
const statistics = new Map();
const start = performance.now();
const seconds = () => `${((performance.now() - start) / 1e3).toFixed(0)} s`;

function train(round, index, draws) {
  const album = new Album(1 + index, round.pictures, side, round.easy);
  console.log(`round ${index}: ${round.pictures} pictures drawn, ${seconds()}`);
  const update = optimizer();
  let [lossMean, rightMean] = [Math.log(classes.length), 1 / classes.length];
  for (let s = 1; s <= round.steps; s++) {
    const { images, labels } = album.batch(draws, batchSize, shareAt(s, round));
    const outputs = step.sync(
      new Tensor('float32', images, [batchSize, side, side, 3]),
      new Tensor('float32', targetsOf(labels), [batchSize, classes.length]),
      ...parameters.map((p, i) => new Tensor('float32', p, shapes[i][1])),
    );
    const arrays = outputs.map((t) => t.data);
    update(s, rateAt(s, round), arrays.slice(1, 1 + parameters.length));
    layers.forEach((_, i) => {
      for (const [k, name] of ['mean', 'variance'].entries()) {
        const now = arrays[1 + parameters.length + 2 * i + k];
        const kept = statistics.get(`conv${i}.${name}`);
        if (kept === undefined) statistics.set(`conv${i}.${name}`, now.slice());
        else for (let c = 0; c < kept.length; c++) kept[c] += 0.03 * (now[c] - kept[c]);
      }
    });
    const scores = arrays.at(-1);
    const right = labels.reduce((n, label, i) => n + (largest(scores, i * classes.length) === label ? 1 : 0), 0);
    lossMean += 0.03 * (arrays[0][0] - lossMean);
    rightMean += 0.03 * (right / batchSize - rightMean);
    if (s % 100 === 0) console.log(`step ${s}/${round.steps}  loss ${lossMean.toFixed(3)}  right ${(100 * rightMean).toFixed(1)} %  ${seconds()}`);
  }
}

/** Weights and statistics of an exported model. */
async function restore(path) {
  const { graph } = await importModel(readFileSync(path));
  const array = (value) => new Float32Array(value.constant.read().slice().buffer);
  const of = (op) => graph.nodes.filter((n) => n.op === op);
  const convolutions = of('Conv');
  of('BatchNormalization').forEach((n, i) => {
    parameters[3 * i].set(array(convolutions[i].inputs[1]));
    parameters[3 * i + 1].set(array(n.inputs[1]));
    parameters[3 * i + 2].set(array(n.inputs[2]));
    statistics.set(`conv${i}.mean`, array(n.inputs[3]));
    statistics.set(`conv${i}.variance`, array(n.inputs[4]));
  });
  const [dense] = of('Gemm');
  parameters.at(-2).set(array(dense.inputs[1]));
  parameters.at(-1).set(array(dense.inputs[2]));
}

if (options.from) await restore(options.from);
// The first round goes on with the numbers that drew the first weights.
for (const index of options.rounds.split(',').filter(Boolean).map(Number)) train(rounds[index], index, index === 0 ? random : generator(1 + index));
step.dispose();

const values = new Map(parameters.map((p, i) => [shapes[i][0], new Tensor('float32', p, shapes[i][1])]));
for (const [name, array] of statistics) values.set(name, new Tensor('float32', array, [array.length]));
const metadata = new Map([
  ['dsnk.labels', JSON.stringify(classes)],
  ['dsnk.preprocess', JSON.stringify(preprocess)],
]);
const model = exportModel(inferenceGraph(values), { metadata });

/** Accuracy of the exported bytes on fresh pictures. */
const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
const [count, chunk] = [4000, 100];
const confusion = classes.map(() => classes.map(() => 0));
for (let n = 0; n < count; n += chunk) {
  const { images, labels } = batch(TEST_SEED + n / chunk, chunk);
  const { scores } = await session.run({ image: new Tensor('float32', images, [chunk, 3, side, side]) });
  labels.forEach((label, i) => {
    confusion[label][largest(scores.data, i * classes.length)]++;
  });
}
await session.release();
const right = confusion.reduce((n, row, i) => n + row[i], 0);
const accuracy = right / count;
console.log(
  `\ntest: ${right} of ${count} right, ${(100 * accuracy).toFixed(2)} % ± ${(100 * Math.sqrt((accuracy * (1 - accuracy)) / count)).toFixed(2)} (1 σ)`,
);
confusion.forEach((row, i) => {
  const wrong = row.flatMap((n, j) => (n > 0 && j !== i ? [`${classes[j]} ${n}`] : []));
  const total = row.reduce((a, b) => a + b, 0);
  console.log(`  ${classes[i].padEnd(9)} ${row[i]} of ${total}${wrong.length ? `, taken for ${wrong.join(', ')}` : ''}`);
});
console.log(
  `${parameters.reduce((n, p) => n + p.length, 0)} parameters, ${model.length} bytes, sha256 ${createHash('sha256').update(model).digest('hex').slice(0, 16)}…`,
);

mkdirSync(options.out, { recursive: true });
writeFileSync(join(options.out, 'shapes.onnx'), model);
const { default: sharp } = await import('sharp');
// An easy scene at four times the height and width of training: nothing covers the star, and there is no noise.
const size = 4 * side;
const picture = scene(generator(2033), { label: classes.indexOf('star'), difficulty: 0 });
await sharp(Buffer.from(draw(picture, size).buffer), { raw: { width: size, height: size, channels: 3 } })
  .png({ compressionLevel: 9 })
  .toFile(join(options.out, 'shapes.png'));
