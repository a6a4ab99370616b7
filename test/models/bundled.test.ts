/** The bundled classifier: its accuracy, its picture through the command line, and the same scores from the scalar kernels. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { batch, classes } from '../../scripts/bundled-model/pictures.mjs';
import { argmax } from './assets.js';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const haveSharp = await import('sharp').then(
  () => true,
  () => false,
);

/** models/README.md: share of right answers to the 4,000 pictures of the test seed. */
const measured = { accuracy: 0.9817, pictures: 4000 };

async function scoresOf(images: Float32Array): Promise<Float32Array> {
  await using session = await InferenceSession.create(file('models/shapes.onnx'));
  const { scores } = await session.run({ image: new Tensor('float32', images, [images.length / (3 * 64 * 64), 3, 64, 64]) });
  return scores?.data as Float32Array;
}

describe('bundled model', () => {
  it('is as good on pictures nobody has seen as its page says', async () => {
    const count = process.env['DSNK_EMULATED'] === '1' ? 120 : 600; // an emulated CPU takes a second for three
    const { images, labels } = batch(970_000, count);
    const scores = await scoresOf(images);
    const right = labels.filter((label: number, i: number) => argmax(scores, i * 10, i * 10 + 10) === label).length;
    // Both shares are of finite samples: the difference has variance p(1-p)(1/n + 1/m), of which four deviations are allowed.
    const { accuracy: p, pictures: m } = measured;
    const margin = 4 * Math.sqrt(p * (1 - p) * (1 / count + 1 / m));
    expect(right / count).toBeGreaterThanOrEqual(p - margin);
  });

  it('carries its labels and how pictures become tensors', async () => {
    await using session = await InferenceSession.create(file('models/shapes.onnx'));
    expect(JSON.parse(session.metadata.get('dsnk.labels') as string)).toEqual(classes);
    expect(JSON.parse(session.metadata.get('dsnk.preprocess') as string)).toMatchObject({ resizeRatio: 1, scale: 1 / 255 });
    expect(session.inputMetadata).toMatchObject([{ name: 'image', type: 'float32', shape: ['batch', 3, 64, 64] }]);
  });

  it('scores the same with scalar kernels', async () => {
    const count = 16;
    const script = `
      import { InferenceSession, Tensor } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url))};
      import { batch } from ${JSON.stringify(new URL('../../scripts/bundled-model/pictures.mjs', import.meta.url))};
      const session = await InferenceSession.create(${JSON.stringify(file('models/shapes.onnx'))});
      const { scores } = await session.run({ image: new Tensor('float32', batch(971_000, ${count}).images, [${count}, 3, 64, 64]) });
      console.log(JSON.stringify([...scores.data]));`;
    const env = { ...process.env, DSNK_ISA: 'scalar' };
    const scalar = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' })) as number[];
    const here = await scoresOf(batch(971_000, count).images);
    // As for the golden models (golden.test.ts): 2·ε·√(K·L) of the largest score with K ≤ 9·64 products and L = 7 layers is one
    // deviation; of 160 scores the worst lies within four.
    const tolerance = 4 * 2 * 2 ** -24 * Math.sqrt(9 * 64 * 7);
    const largest = here.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const worst = scalar.reduce((a, v, i) => Math.max(a, Math.abs(v - (here[i] as number))), 0);
    expect(scalar.length).toBe(here.length);
    expect(worst).toBeLessThanOrEqual(tolerance * largest);
  });

  it.skipIf(!haveSharp)('names its picture on the command line', () => {
    const out = execFileSync(process.execPath, [file('dist/cli/main.js'), 'run', '--json', '--repeat', '1'], { encoding: 'utf8' });
    const { top, kernels, arenaBytes, threads, isa } = JSON.parse(out);
    expect(top).toMatchObject([{ label: 'star' }]);
    expect(top[0].probability).toBeGreaterThan(0.5);
    expect(kernels).toBeGreaterThan(0);
    expect(arenaBytes).toBeGreaterThan(0);
    expect(threads).toBeGreaterThan(0);
    expect(isa).toMatch(/^\w+$/);
  });
});
