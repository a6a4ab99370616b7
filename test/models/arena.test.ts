/** The arena of every shared model, in every stage, is its largest live set. */
import { describe, expect, it } from 'vitest';
import { InferenceSession } from '../../lib/index.js';
import { asset, goldenCases, goldenInput, haveAssets } from './assets.js';

describe.skipIf(!haveAssets)('arena of the shared models', () => {
  it.each(goldenCases())('$model, case $case', async (c) => {
    await using session = await InferenceSession.create(asset(c.model));
    await session.run(Object.fromEntries(Object.entries(c.inputs).map(([name, d]) => [name, goldenInput(d)])));
    expect(session.model.programs).not.toHaveLength(0);
    for (const { compiled } of session.model.programs) {
      const { peakBytes, lowerBoundBytes, strategy } = compiled.memory;
      console.log(`${c.model}: arena ${peakBytes} bytes, bound ${lowerBoundBytes}, ${strategy}`);
      expect(peakBytes).toBe(lowerBoundBytes);
    }
  });
});
