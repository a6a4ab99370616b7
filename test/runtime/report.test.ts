/** `session.report()`: what it says of precision, reasons and memory, and when. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import { InferenceSession, quantize, Tensor } from '../../lib/index.js';
import { native } from '../../lib/runtime/native.js';
import { randomFloats } from '../kernels/harness.js';

const [CHANNELS, K] = [32, 48];

function network(batch: number | string) {
  const b = new GraphBuilder('net');
  const image = b.input('image', { dataType: 'float32', shape: [batch, K, 8, 8] });
  const conv = b.conv2d(image, { type: 'float32', dims: [CHANNELS, K, 1, 1], data: randomFloats(CHANNELS * K, 1) }, { label: 'mix' }) as Operand;
  return b.build({ y: b.transpose(conv, { permutation: [2, 3, 0, 1] }) });
}
const feed = (batch = 1) => ({ image: new Tensor('float32', randomFloats(batch * K * 64, 2), [batch, K, 8, 8]) });
const precisions = (session: InferenceSession) => session.report().programs.flatMap((p) => p.kernels.map((k) => k.precision));

describe('session.report', () => {
  it('names kernel, precision and reason of every call, and the memory, without a run', async () => {
    await using session = await InferenceSession.fromGraph(network(1), { intraOpNumThreads: 1 });
    const { operators, weightBytes, programs } = session.report();
    expect(operators).toEqual({ Conv: 1, Transpose: 1 });
    expect(weightBytes).toBeGreaterThanOrEqual(CHANNELS * K * 4);
    expect(programs).toHaveLength(1);
    const [program] = programs;
    expect(program).toMatchObject({ threads: 1, memory: { strategy: expect.any(String), ioBytes: expect.any(Number) } });
    expect(program?.memory.arenaBytes).toBeGreaterThanOrEqual(program?.memory.lowerBoundBytes ?? Number.NaN);
    const calls = program?.kernels ?? [];
    expect(calls).toContainEqual({
      node: 'mix',
      op: 'Conv',
      kernel: expect.stringMatching(/_f32_/),
      precision: 'float32',
      reason: expect.stringMatching(/./),
      shape: [1, 8, 8, CHANNELS],
      tiles: expect.any(Number),
    });
    // What profile measures is what report names.
    const { nodes } = await session.profile(feed());
    expect(nodes.map(({ timeNs: _, ...call }) => call)).toEqual(calls);
  });

  it('has the programs of all shapes so far', async () => {
    await using session = await InferenceSession.fromGraph(network('n'));
    expect(session.report().programs).toEqual([]);
    await session.run(feed(1));
    await session.run(feed(3));
    expect(session.report().programs.map((p) => p.kernels.find((k) => k.op === 'Conv')?.shape[0])).toEqual([1, 3]);
  });

  it('tells products of bytes, moves of bytes and what stays float', async () => {
    const { bytes } = await quantize(network(1), { method: 'static', calibration: [feed()] });
    await using session = await InferenceSession.create(bytes);
    const calls = session.report().programs.flatMap((p) => p.kernels);
    expect(calls.map(({ op, precision }) => [op, precision])).toEqual([
      ['QuantizeLinear', 'float32'],
      ['Transpose', 'uint8'],
      ['QConv', 'int8'],
    ]);
  });

  const narrow = native()
    .catalogue()
    .kernels.find((k) => k.dtypes === 'f32bf16' && k.usable && k.slow !== true);
  it.skipIf(narrow === undefined)('tells products in bfloat16 (skipped where the processor has no fast ones)', async () => {
    await using session = await InferenceSession.fromGraph(network(1), { precision: 'bf16' });
    expect(precisions(session)).toContain('bfloat16');
  });
});
