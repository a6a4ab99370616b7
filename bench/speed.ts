/** How many times as fast one model is as another: both in alternation in one process, on one thread. */
import { InferenceSession, Tensor } from '../lib/index.js';
import { waves } from '../lib/runtime/measure.js';
import { type Summary, summarize } from './statistics.js';

export interface Speed {
  readonly batch: number;
  /** Milliseconds of a run. */
  readonly before: Summary;
  readonly after: Summary;
}

/** Runs of each model that follow each other: caches are the model's own, and both sides see the same minute. */
const TURN = 4;

/** Of the same inputs, `input` being [batch, ...dims]. */
export async function compareSpeed(
  models: { readonly before: string | Uint8Array; readonly after: string | Uint8Array },
  input: string,
  dims: readonly number[],
  batches: readonly number[],
  seconds: number,
): Promise<Speed[]> {
  await using before = await InferenceSession.create(models.before, { intraOpNumThreads: 1 });
  await using after = await InferenceSession.create(models.after, { intraOpNumThreads: 1 });
  const speeds: Speed[] = [];
  for (const batch of batches) {
    const shape = [batch, ...dims];
    const feeds = { [input]: new Tensor('float32', waves(shape.reduce((a, b) => a * b, 1)), shape) };
    const sides = [
      { session: before, ms: [] as number[] },
      { session: after, ms: [] as number[] },
    ] as const;
    for (const { session } of sides) await session.run(feeds);
    const end = performance.now() + seconds * 1e3;
    for (let round = 0; round < 4 || performance.now() < end; round++) {
      for (const { session, ms } of round % 2 === 0 ? sides : [...sides].reverse()) {
        await session.run(feeds);
        for (let i = 0; i < TURN; i++) {
          const start = performance.now();
          await session.run(feeds);
          ms.push(performance.now() - start);
        }
      }
    }
    speeds.push({ batch, before: summarize(sides[0].ms), after: summarize(sides[1].ms) });
  }
  return speeds;
}

export const timesAsFast = ({ before, after }: Speed): string => `${(before.best / after.best).toFixed(2)} / ${(before.median / after.median).toFixed(2)}`;
