/** Networks that a GPU runs whole: compiled and packed for it, not run. Those of the shared folder are held by golden.test.ts. */
import { describe, expect, it } from 'vitest';
import { benchModels } from '../../bench/models/index.js';
import type { Precision } from '../../lib/compile/precision.js';
import { InferenceSession } from '../../lib/index.js';
import { leftToProcessor, testsGpu } from '../gpu.js';

if (!testsGpu) console.warn('skipped: what a GPU runs whole needs one, or the emulated one (npm run test:cuda)');

describe.skipIf(!testsGpu)('no instruction is left to the processor', () => {
  it.each(benchModels.flatMap(({ name, build }) => (['f32', 'f16'] as const).map((precision) => ({ name, precision, build }))))(
    'of $name in $precision',
    async ({ build, precision }) => {
      await using session = await InferenceSession.fromGraph(build(), { executionProviders: ['cuda'], precision: precision as Precision });
      expect(session.report().programs.length).toBeGreaterThan(0);
      expect(leftToProcessor(session)).toEqual([]);
    },
  );
});
