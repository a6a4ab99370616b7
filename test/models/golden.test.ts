/** Every model of the shared folder against the outputs of onnxruntime-node, on every ISA of this machine, or on its GPU. */
import { describe, expect, it } from 'vitest';
import { InferenceSession, type Tensor } from '../../lib/index.js';
import { leftToProcessor, testedProviders, testsGpu } from '../gpu.js';
import { asset, goldenCases, goldenInput, goldenOutputs, haveAssets } from './assets.js';

/**
 * Two correct float32 programs differ by rounding alone. A sum of K products carries an error of about ε·√K of its
 * largest terms (random signs; ε = 2⁻²⁴), layers add up as √L, and both sides have it: relative to the largest output,
 * 2·ε·√(K·L) with K ≤ 4096 and L ≤ 256 is 1.2e-4.
 */
const tolerance = 2 * 2 ** -24 * Math.sqrt(4096 * 256);

describe.skipIf(!haveAssets)('golden outputs', () => {
  it.each(goldenCases())('$model, case $case', async (c) => {
    const session = await InferenceSession.create(asset(c.model), { executionProviders: testedProviders });
    const feeds = Object.fromEntries(Object.entries(c.inputs).map(([name, d]) => [name, goldenInput(d)]));
    const results = await session.run(feeds);
    // A GPU computes all of it: no instruction is left to the processor, with copies down and up.
    if (testsGpu) expect(leftToProcessor(session)).toEqual([]);
    const golden = goldenOutputs(c);
    expect(Object.keys(results).sort()).toEqual([...golden.keys()].sort());
    for (const o of c.outputs) {
      const got = results[o.name];
      const want = golden.get(o.name) as ArrayLike<number | bigint>;
      expect(got?.dims, o.name).toEqual(o.dims);
      expect(got?.type, o.name).toBe(o.type);
      const data = (got as Tensor).data as ArrayLike<number | bigint>;
      let largest = 0;
      let worst = 0;
      for (let i = 0; i < want.length; i++) {
        largest = Math.max(largest, Math.abs(Number(want[i])));
        worst = Math.max(worst, Math.abs(Number(data[i]) - Number(want[i])));
      }
      expect(worst, `${o.name}: largest difference, outputs up to ${largest}`).toBeLessThanOrEqual(tolerance * largest);
    }
    await session.release();
  });
});
