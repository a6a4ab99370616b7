/** The shared models in bfloat16 and float16 against their float32 outputs. */
import { describe, expect, it } from 'vitest';
import { compareOutputs, InferenceSession, Tensor } from '../../lib/index.js';
import { asset, goldenCases, goldenInput, goldenOutputs, haveAssets } from './assets.js';

const networks = goldenCases().filter((c) => c.model.startsWith('cnn/') && !c.model.includes('int8') && c.case === 0);

/**
 * Rounding to bfloat16 changes an operand by at most 2^-8 of itself, with random sign: a product by √2·2^-8 of its size (root of the mean square,
 * if all were at the limit), and so a sum of products of random sign, whose errors and terms both add as squares. The noise of L layers adds
 * as squares too, each seen by those after it in proportion to its signal: noise over signal is at most √(2·L)·2^-8.
 * In float16 operands are off by 2^-11, and sums besides: partial sums of random sign grow as the root, so that the squares of the
 * roundings in a chain of 32 are 16·2^-22 of its sum's, and those of four such chains 2.25·2^-22 of theirs. All three together
 * are √(2 + 16 + 2.25)·2^-11, less than one operand's 2^-8 in bfloat16.
 */
const leastDb = (layers: number) => -20 * Math.log10(Math.sqrt(2 * layers) * 2 ** -8);

describe.skipIf(!haveAssets).each(['bf16', 'f16'] as const)('precision %s', (precision) => {
  it.each(networks)('$model', async (c) => {
    await using session = await InferenceSession.create(asset(c.model), { precision, intraOpNumThreads: 1 });
    const feeds = Object.fromEntries(Object.entries(c.inputs).map(([name, d]) => [name, goldenInput(d)]));
    const { outputs, nodes } = await session.profile(feeds);
    const layers = nodes.filter((n) => n.kernel.includes(`_${precision}_`)).length;
    await using other = await InferenceSession.create(asset(c.model), { precision, intraOpNumThreads: 3 });
    for (const a of compareOutputs(outputs, await other.run(feeds))) expect(a.maxError, 'with other threads').toBe(0);
    const golden = goldenOutputs(c);
    const reference = Object.fromEntries(
      c.outputs.map((o) => [o.name, new Tensor(o.type as 'float32', Float32Array.from(golden.get(o.name) as ArrayLike<number>), o.dims)]),
    );
    for (const a of compareOutputs(reference, outputs)) {
      expect(a.sameLargest, `${a.name}: best class`).toBe(true);
      // where this processor has no fast row, the session is float32
      expect(a.sqnrDb, `${a.name} after ${layers} layers`).toBeGreaterThan(layers === 0 ? 80 : leastDb(layers));
      expect(a.meanError).toBeLessThan(layers === 0 ? 1e-4 : Math.sqrt(2 * layers) * 2 ** -8);
    }
  });
});
