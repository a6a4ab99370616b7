import { describe, expect, it } from 'vitest';
import { GraphBuilder, InferenceSession, Tensor } from '../../lib/index.js';

const noise = (...dims: number[]) =>
  new Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 12.9898)),
    dims,
  );

/** Convolutions of several kinds, pooling, products, a norm, a softmax and a sum: everything that adds many numbers. */
function network() {
  const b = new GraphBuilder('many sums');
  const x = b.input('x', { dataType: 'float32', shape: [1, 16, 40, 40] });
  const pad = { padding: [1, 1, 1, 1] as const };
  let y = b.relu(b.conv2d(x, noise(32, 16, 3, 3), pad));
  y = b.silu(b.conv2d(y, noise(32, 1, 3, 3), { ...pad, groups: 32 }));
  y = b.conv2d(y, noise(48, 32, 3, 3), { ...pad, strides: [2, 2] });
  y = b.maxPool2d(b.conv2d(y, noise(64, 48, 1, 1)), { windowDimensions: [2, 2], strides: [2, 2] });
  const rows = b.layerNormalization(b.reshape(y, [100, 64]), { axis: 1 });
  const scores = b.softmax(b.matmul(rows, b.transpose(rows)));
  const mixed = b.matmul(scores, b.matmul(rows, noise(64, 96)));
  return b.build({ mixed, total: b.reduceSum(mixed), channels: b.averagePool2d(y) });
}

describe('threads', () => {
  it('do not change a bit of any result', async () => {
    const results = await Promise.all(
      [1, 2, 3, 7].map(async (intraOpNumThreads) => {
        await using session = await InferenceSession.fromGraph(network(), { intraOpNumThreads });
        const outputs = await session.run({ x: noise(1, 16, 40, 40) });
        return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, new Uint32Array((t.data as Float32Array).buffer)]));
      }),
    );
    for (const other of results.slice(1)) expect(other).toEqual(results[0]);
  });
});
