/**
 * The network of the bundled model, twice: as a training step (forward, loss, gradients) that this package compiles into one
 * program, and as the ONNX model that is exported. Training works in [N, H, W, C], where a convolution's weight gradient is one
 * matrix product of the gathered windows and the output's gradient.
 */
import { GraphBuilder, ops } from '../../dist/index.js';

/** 3×3 convolutions, padding 1, each followed by batch normalization and ReLU; then the mean over the picture, and a dense layer. */
export const layers = [
  { channels: 16, stride: 2 },
  { channels: 32, stride: 2 },
  { channels: 32, stride: 1 },
  { channels: 64, stride: 2 },
  { channels: 64, stride: 1 },
  { channels: 64, stride: 2 },
];
const EPSILON = 1e-5;
export const side = 64;

/** Names and shapes of what is trained, in the order in which the step takes them. */
export function parameterShapes(classCount) {
  const shapes = [];
  let inputs = 3;
  layers.forEach(({ channels }, i) => {
    shapes.push([`conv${i}.weight`, [channels, inputs, 3, 3]], [`conv${i}.scale`, [channels]], [`conv${i}.shift`, [channels]]);
    inputs = channels;
  });
  shapes.push(['dense.weight', [inputs, classCount]], ['dense.bias', [classCount]]);
  return shapes;
}

const toPlanar = (x) => ops.transpose(x, { permutation: [0, 3, 1, 2] });
const toChannelsLast = (x) => ops.transpose(x, { permutation: [0, 2, 3, 1] });
const overPixels = { axes: [0, 1, 2], keepDimensions: false };

/** [N·H'·W', 9·C]: for every output pixel the nine input pixels under the kernel. */
function windows(x, stride) {
  const [n, h, w, c] = x.shape;
  const padded = ops.pad(x, [0, 1, 1, 0], [0, 1, 1, 0]);
  const taps = [];
  for (let i = 0; i < 3; i++) {
    // `slice` takes the extent before the stride is applied.
    for (let j = 0; j < 3; j++) taps.push(ops.slice(padded, [0, i, j, 0], [n, h, w, c], { strides: [1, stride, stride, 1] }));
  }
  return ops.reshape(ops.concat(taps, 3), [-1, 9 * c]);
}

/**
 * (images [N,64,64,3], targets [N,classes], …parameters) to the loss, the gradient of every parameter, the mean and
 * variance of every normalization, and the scores [N,classes].
 */
export function trainingStep(images, targets, ...parameters) {
  const tape = [];
  let x = images;
  layers.forEach(({ stride }, i) => {
    const [weight, scale, shift] = parameters.slice(3 * i, 3 * i + 3);
    const z = toChannelsLast(ops.conv2d(toPlanar(x), weight, { padding: [1, 1, 1, 1], strides: [stride, stride] }));
    const mean = ops.reduceMean(z, overPixels);
    const centred = ops.sub(z, mean);
    const variance = ops.reduceMean(ops.mul(centred, centred), overPixels);
    const inverse = ops.reciprocal(ops.sqrt(ops.add(variance, EPSILON)));
    const normal = ops.mul(centred, inverse);
    const y = ops.relu(ops.add(ops.mul(normal, scale), shift));
    tape.push({ x, weight, stride, scale, mean, variance, inverse, normal, y });
    x = y;
  });
  const [dense, bias] = parameters.slice(-2);
  const [count, height, width, channels] = x.shape;
  const features = ops.reduceMean(x, { axes: [1, 2], keepDimensions: false });
  const scores = ops.add(ops.matmul(features, dense), bias);
  const probabilities = ops.softmax(scores);
  const loss = ops.neg(ops.div(ops.reduceSum(ops.mul(targets, ops.log(ops.add(probabilities, 1e-9)))), count));

  const gradients = [];
  let d = ops.div(ops.sub(probabilities, targets), count);
  gradients.unshift(ops.gemm(features, d, { aTranspose: true }), ops.reduceSum(d, { axes: [0], keepDimensions: false }));
  d = ops.reshape(ops.div(ops.gemm(d, dense, { bTranspose: true }), height * width), [count, 1, 1, channels]);
  for (const { x, weight, stride, scale, inverse, normal, y } of tape.reverse()) {
    const [n, h, w, c] = y.shape;
    const dy = ops.where(ops.greater(y, 0), d, 0);
    const dShift = ops.reduceSum(dy, overPixels);
    const dScale = ops.reduceSum(ops.mul(dy, normal), overPixels);
    // The mean and the variance depend on every pixel of the batch: their share is taken off.
    const pixels = n * h * w;
    const taken = ops.add(ops.div(dShift, pixels), ops.mul(normal, ops.div(dScale, pixels)));
    const dz = ops.mul(ops.sub(dy, taken), ops.mul(scale, inverse));
    const inputs = x.shape[3];
    const product = ops.gemm(windows(x, stride), ops.reshape(dz, [pixels, c]), { aTranspose: true });
    gradients.unshift(ops.transpose(ops.reshape(product, [3, 3, inputs, c]), { permutation: [3, 2, 0, 1] }), dScale, dShift);
    if (x === images) break;
    const outputPadding = [stride - 1, stride - 1];
    d = toChannelsLast(ops.convTranspose2d(toPlanar(dz), weight, { padding: [1, 1, 1, 1], strides: [stride, stride], outputPadding }));
  }
  return [loss, ...gradients, ...tape.reverse().flatMap(({ mean, variance }) => [mean, variance]), scores];
}

/** The model to export: image [batch,3,64,64] to scores [batch,classes]. `values` by parameter name, and conv<i>.mean, conv<i>.variance. */
export function inferenceGraph(values) {
  const b = new GraphBuilder('shapes');
  const constant = (name) => b.constant(values.get(name));
  let x = b.input('image', { dataType: 'float32', shape: ['batch', 3, side, side] });
  layers.forEach(({ stride }, i) => {
    const z = b.conv2d(x, constant(`conv${i}.weight`), { padding: [1, 1, 1, 1], strides: [stride, stride], label: `conv${i}` });
    const normal = b.batchNormalization(z, constant(`conv${i}.mean`), constant(`conv${i}.variance`), {
      scale: constant(`conv${i}.scale`),
      bias: constant(`conv${i}.shift`),
      epsilon: EPSILON,
      label: `norm${i}`,
    });
    x = b.relu(normal, { label: `relu${i}` });
  });
  const features = b.reduceMean(x, { axes: [2, 3], keepDimensions: false, label: 'mean' });
  const scores = b.gemm(features, constant('dense.weight'), { c: constant('dense.bias'), label: 'dense' });
  return b.build({ scores });
}
