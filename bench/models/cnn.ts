/** Convolutional networks of the bench, as their papers give them; weights are seeded noise. */
import type { Operand } from '../../lib/build/operand.js';
import type { Graph } from '../../lib/graph/graph.js';
import { type ActivationFunction, Net } from './net.js';

const divisible = (v: number) => {
  const n = Math.max(8, Math.floor((v + 4) / 8) * 8);
  return n < 0.9 * v ? n + 8 : n;
};

/** Sandler et al., "MobileNetV2", table 2. */
export function mobileNetV2(): Graph {
  const net = new Net('mobilenetv2', 2);
  const relu6: ActivationFunction = (x) => net.b.clamp(x, { minValue: 0, maxValue: 6 }) as Operand;
  let x = net.conv(net.image(), 32, 3, { stride: 2, act: relu6 });
  for (const [t, c, n, s] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const) {
    for (let i = 0; i < n; i++) {
      const stride = i === 0 ? s : 1;
      let y = t === 1 ? x : net.conv(x, net.channels(x) * t, 1, { act: relu6 });
      y = net.conv(net.depthwise(y, 3, stride, relu6), c, 1);
      x = stride === 1 && net.channels(x) === c ? (net.b.add(x, y) as Operand) : y;
    }
  }
  return net.done(net.classify(net.conv(x, 1280, 1, { act: relu6 })));
}

/** Howard et al., "Searching for MobileNetV3", table 1. */
export function mobileNetV3Large(): Graph {
  const net = new Net('mobilenetv3-large', 3);
  const relu: ActivationFunction = (x) => net.b.relu(x) as Operand;
  const hardSwish: ActivationFunction = (x) => net.b.hardSwish(x) as Operand;
  const gate: ActivationFunction = (x) => net.b.hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 }) as Operand;
  let x = net.conv(net.image(), 16, 3, { stride: 2, act: hardSwish });
  const rows = [
    [3, 16, 16, 0, 0, 1],
    [3, 64, 24, 0, 0, 2],
    [3, 72, 24, 0, 0, 1],
    [5, 72, 40, 1, 0, 2],
    [5, 120, 40, 1, 0, 1],
    [5, 120, 40, 1, 0, 1],
    [3, 240, 80, 0, 1, 2],
    [3, 200, 80, 0, 1, 1],
    [3, 184, 80, 0, 1, 1],
    [3, 184, 80, 0, 1, 1],
    [3, 480, 112, 1, 1, 1],
    [3, 672, 112, 1, 1, 1],
    [5, 672, 160, 1, 1, 2],
    [5, 960, 160, 1, 1, 1],
    [5, 960, 160, 1, 1, 1],
  ] as const;
  for (const [k, expanded, out, se, hs, stride] of rows) {
    const act = hs ? hardSwish : relu;
    let y = expanded === net.channels(x) ? x : net.conv(x, expanded, 1, { act });
    y = net.depthwise(y, k, stride, act);
    if (se) y = net.squeezeExcite(y, divisible(expanded / 4), relu, gate);
    y = net.conv(y, out, 1);
    x = stride === 1 && net.channels(x) === out ? (net.b.add(x, y) as Operand) : y;
  }
  x = net.b.averagePool2d(net.conv(x, 960, 1, { act: hardSwish })) as Operand;
  x = net.conv(x, 1280, 1, { act: hardSwish });
  return net.done(net.classify(x));
}

/** Ma et al., "ShuffleNet V2", table 5, 1×. */
export function shuffleNetV2(): Graph {
  const net = new Net('shufflenetv2', 4);
  const { b } = net;
  const relu: ActivationFunction = (x) => b.relu(x) as Operand;
  const shuffle = (x: Operand): Operand => {
    const [n, c, h, w] = x.shape as number[] as [number, number, number, number];
    return b.reshape(b.transpose(b.reshape(x, [n, 2, c / 2, h, w]), { permutation: [0, 2, 1, 3, 4] }), [n, c, h, w]) as Operand;
  };
  let x = net.conv(net.image(), 24, 3, { stride: 2, act: relu });
  x = b.maxPool2d(x, { windowDimensions: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] }) as Operand;
  for (const [out, repeat] of [
    [116, 4],
    [232, 8],
    [464, 4],
  ] as const) {
    const half = out / 2;
    for (let i = 0; i < repeat; i++) {
      let left: Operand;
      let right: Operand;
      if (i === 0) {
        left = net.conv(net.depthwise(x, 3, 2), half, 1, { act: relu });
        right = net.conv(net.depthwise(net.conv(x, half, 1, { act: relu }), 3, 2), half, 1, { act: relu });
      } else {
        [left, right] = b.split(x, 2, { axis: 1 }) as [Operand, Operand];
        right = net.conv(net.depthwise(net.conv(right, half, 1, { act: relu }), 3, 1), half, 1, { act: relu });
      }
      x = shuffle(b.concat([left, right], 1) as Operand);
    }
  }
  return net.done(net.classify(net.conv(x, 1024, 1, { act: relu })));
}

/** Iandola et al., "SqueezeNet", version 1.1. */
export function squeezeNet(): Graph {
  const net = new Net('squeezenet1.1', 5);
  const { b } = net;
  const relu: ActivationFunction = (x) => b.relu(x) as Operand;
  const pool = (x: Operand) => b.maxPool2d(x, { windowDimensions: [3, 3], strides: [2, 2] }) as Operand;
  const fire = (x: Operand, squeeze: number, expand: number): Operand => {
    const s = net.conv(x, squeeze, 1, { act: relu });
    return b.concat([net.conv(s, expand, 1, { act: relu }), net.conv(s, expand, 3, { act: relu })], 1) as Operand;
  };
  let x = pool(net.conv(net.image(), 64, 3, { stride: 2, act: relu, padding: 0 }));
  x = pool(fire(fire(x, 16, 64), 16, 64));
  x = pool(fire(fire(x, 32, 128), 32, 128));
  for (const [s, e] of [
    [48, 192],
    [48, 192],
    [64, 256],
    [64, 256],
  ] as const)
    x = fire(x, s, e);
  x = b.averagePool2d(net.conv(x, 1000, 1, { act: relu })) as Operand;
  return net.done(b.reshape(x, [1, 1000]) as Operand);
}

/** Tan & Le, "EfficientNet", B0. */
export function efficientNetB0(): Graph {
  const net = new Net('efficientnet-b0', 6);
  const silu: ActivationFunction = (x) => net.b.silu(x) as Operand;
  const gate: ActivationFunction = (x) => net.b.sigmoid(x) as Operand;
  let x = net.conv(net.image(), 32, 3, { stride: 2, act: silu });
  const rows = [
    [1, 16, 1, 1, 3],
    [6, 24, 2, 2, 3],
    [6, 40, 2, 2, 5],
    [6, 80, 3, 2, 3],
    [6, 112, 3, 1, 5],
    [6, 192, 4, 2, 5],
    [6, 320, 1, 1, 3],
  ] as const;
  for (const [t, c, n, s, k] of rows) {
    for (let i = 0; i < n; i++) {
      const stride = i === 0 ? s : 1;
      const reduced = Math.max(1, net.channels(x) / 4);
      let y = t === 1 ? x : net.conv(x, net.channels(x) * t, 1, { act: silu });
      y = net.depthwise(y, k, stride, silu);
      y = net.conv(net.squeezeExcite(y, reduced, silu, gate), c, 1);
      x = stride === 1 && net.channels(x) === c ? (net.b.add(x, y) as Operand) : y;
    }
  }
  return net.done(net.classify(net.conv(x, 1280, 1, { act: silu })));
}

/** He et al., "Deep Residual Learning", table 1: basic blocks (18) or bottlenecks (50), stride in the 3x3. */
function resNet(name: string, seed: number, blocks: readonly number[], bottleneck: boolean): Graph {
  const net = new Net(name, seed);
  const { b } = net;
  const relu: ActivationFunction = (x) => b.relu(x) as Operand;
  let x = net.conv(net.image(), 64, 7, { stride: 2, act: relu });
  x = b.maxPool2d(x, { windowDimensions: [3, 3], strides: [2, 2], padding: [1, 1, 1, 1] }) as Operand;
  blocks.forEach((count, stage) => {
    const width = 64 << stage;
    const out = bottleneck ? width * 4 : width;
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const y = bottleneck
        ? net.conv(net.conv(net.conv(x, width, 1, { act: relu }), width, 3, { stride, act: relu }), out, 1)
        : net.conv(net.conv(x, width, 3, { stride, act: relu }), out, 3);
      const shortcut = stride === 1 && net.channels(x) === out ? x : net.conv(x, out, 1, { stride });
      x = relu(b.add(y, shortcut) as Operand);
    }
  });
  return net.done(net.classify(x));
}

export const resNet18 = () => resNet('resnet18', 7, [2, 2, 2, 2], false);
export const resNet50 = () => resNet('resnet50', 8, [3, 4, 6, 3], true);
