/** Networks of inverted residuals give the same bits with their blocks fused and apart, on any number of threads, and the hidden tensors are gone. */
import { describe, expect, it } from 'vitest';
import { benchModels } from '../../bench/models/index.js';
import { exportModel, InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const models = benchModels.filter(({ name }) => /^(Mobile|Shuffle|Efficient)Net/.test(name));

describe('bands', () => {
  it.each(models)('$name is bit-equal with and without', async ({ build }) => {
    const model = exportModel(build());
    const image = new Tensor('float32', randomFloats(3 * 224 * 224, 1), [1, 3, 224, 224]);
    const run = async (threads: number, skipPasses: string[]) => {
      await using session = await InferenceSession.create(model, { intraOpNumThreads: threads, skipPasses });
      const [y] = Object.values(await session.run({ [session.inputNames[0] as string]: image })) as [Tensor];
      const [{ compiled }] = session.model.programs as [(typeof session.model.programs)[0]];
      return { scores: Buffer.from((y.data as Float32Array).slice().buffer), arena: compiled.memory.peakBytes };
    };
    const apart = await run(1, ['fuse-bands']);
    for (const threads of [1, 2, 3, 4]) {
      const fused = await run(threads, []);
      expect(Buffer.compare(fused.scores, apart.scores)).toBe(0);
      expect(fused.arena).toBeLessThanOrEqual(apart.arena);
    }
  });
});
