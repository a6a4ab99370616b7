import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { assignLayout } from '../../lib/passes/assign-layout.js';
import { foldGate } from '../../lib/passes/fold-gate.js';
import { fuseEpilogue } from '../../lib/passes/fuse-epilogue.js';
import { runPasses } from '../../lib/passes/index.js';
import { sinkTransposes } from '../../lib/passes/sink-transposes.js';
import { randomFloats } from '../kernels/harness.js';
import { Build, golden } from './graphs.js';

interface Gated {
  readonly batch?: number;
  readonly side?: number;
  /** Whether the product leaves the graph too. */
  readonly shared?: boolean;
}

/** Squeeze and excitation between two convolutions, channels last already; ready for the pass. */
function excited({ batch = 1, side = 6, shared = false }: Gated = {}) {
  const b = new Build();
  const x = b.op('Relu', [b.conv(b.input('x', [batch, 8, side, side]), 8, 1)]);
  const gate = b.op('Sigmoid', [b.conv(b.op('GlobalAveragePool', [x]), 8, 1)]);
  const product = b.op('Mul', [x, gate]);
  const graph = b.done(b.conv(product, 9, 1), ...(shared ? [b.op('Neg', [product])] : []));
  runPasses(graph, [assignLayout, sinkTransposes, fuseEpilogue]);
  return graph;
}

describe('fold-gate', () => {
  it('multiplies the weights', () => {
    expect(golden(excited(), foldGate)).toMatchInlineSnapshot(`
      "%transpose.6: f32[1,6,6,8] = Transpose(%x) {perm=[0,2,3,1]}
      %relu: f32[1,6,6,8] = dsnk.Conv(%transpose.6, f32[8,8,1,1], f32[8]) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %globalaveragepool: f32[1,1,1,8] = dsnk.GlobalAveragePool(%relu)
      %sigmoid: f32[1,1,1,8] = dsnk.Conv(%globalaveragepool, f32[8,8,1,1], f32[8]) {activation=sigmoid, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %mul: f32[1,6,6,8] = Mul(%relu, %sigmoid)
      %conv3: f32[1,6,6,9] = dsnk.Conv(%mul, f32[9,8,1,1], f32[9]) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %conv3: f32[1,9,6,6] = Transpose(%conv3) {perm=[0,3,1,2]}
      return %conv3
      →
      %transpose.6: f32[1,6,6,8] = Transpose(%x) {perm=[0,2,3,1]}
      %relu: f32[1,6,6,8] = dsnk.Conv(%transpose.6, f32[8,8,1,1], f32[8]) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %globalaveragepool: f32[1,1,1,8] = dsnk.GlobalAveragePool(%relu)
      %sigmoid: f32[1,1,1,8] = dsnk.Conv(%globalaveragepool, f32[8,8,1,1], f32[8]) {activation=sigmoid, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %conv3: f32[1,6,6,9] = dsnk.GatedConv(%relu, f32[9,8,1,1], f32[9], -, %sigmoid) {dilations=[1,1], pads=[0,0,0,0], strides=[1,1]}
      %conv3: f32[1,9,6,6] = Transpose(%conv3) {perm=[0,3,1,2]}
      return %conv3"
    `);
  });
  it.each([
    ['several images', { batch: 2 }],
    ['few pixels', { side: 5 }],
    ['a product that others read', { shared: true }],
  ] as const)('leaves %s', (_, how) => {
    expect(foldGate.run(excited(how))).toBe(0);
  });
  it('leaves convolutions that will run in 16 bits', () => {
    expect(foldGate.run(excited(), { narrow: true })).toBe(0);
  });

  it('changes the result by roundings only, whatever the number of threads', async () => {
    const weights = (seed: number, ...dims: number[]) => {
      const count = dims.reduce((a, n) => a * n);
      return { type: 'float32' as const, dims, data: randomFloats(count, seed, -0.3, 0.3) };
    };
    const network = () => {
      const b = new GraphBuilder('gate');
      const x = b.input('x', { dataType: 'float32', shape: [1, 24, 20, 22] });
      const inner = b.relu(b.conv2d(x, weights(1, 24, 24, 1, 1))) as Operand;
      const squeezed = b.relu(b.conv2d(b.averagePool2d(inner) as Operand, weights(2, 6, 24, 1, 1), { bias: weights(3, 6) })) as Operand;
      const gate = b.sigmoid(b.conv2d(squeezed, weights(4, 24, 6, 1, 1))) as Operand;
      const y = b.conv2d(b.mul(inner, gate) as Operand, weights(5, 40, 24, 1, 1), { bias: weights(6, 40) }) as Operand;
      return b.build({ y: b.relu(y) as Operand });
    };
    const feeds = { x: new Tensor('float32', randomFloats(24 * 20 * 22, 9), [1, 24, 20, 22]) };
    const run = async (threads: number, skipPasses: string[]) => {
      await using session = await InferenceSession.fromGraph(network(), { intraOpNumThreads: threads, skipPasses });
      const { outputs, nodes } = await session.profile(feeds);
      return { y: outputs['y']?.data as Float32Array, scaled: nodes.some((n) => n.kernel.startsWith('conv_scale')) };
    };
    const apart = await run(1, ['fold-gate']);
    const folded = await run(1, []);
    expect([apart.scaled, folded.scaled]).toEqual([false, true]);
    for (const threads of [2, 3, 4]) expect((await run(threads, [])).y).toEqual(folded.y);
    // 24 products of numbers below 0.3 · 3 each, two roundings apart
    for (let i = 0; i < apart.y.length; i++) expect(Math.abs((apart.y[i] as number) - (folded.y[i] as number))).toBeLessThanOrEqual(24 * 2 * 2 ** -24);
  });
});
