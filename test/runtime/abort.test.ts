/** One signal for many runs. */
import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { InferenceSession } from '../../lib/index.js';
import { onAbort } from '../../lib/runtime/abort.js';
import { slowGraph, slowInput } from './fixtures.js';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

it('one signal stops any number of runs with one listener, which is gone afterwards', async () => {
  await using session = await InferenceSession.fromGraph(slowGraph(2), { intraOpNumThreads: 1 });
  const x = slowInput();
  const controller = new AbortController();
  const { signal } = controller;
  const done = session.run({ x }, { signal });
  expect(listeners(signal)).toBe(1);
  await done;
  expect(listeners(signal)).toBe(0);

  const runs = Array.from({ length: 20 }, () => session.run({ x }, { signal }));
  expect(listeners(signal)).toBe(1);
  const reason = new Error('enough');
  controller.abort(reason);
  expect((await Promise.allSettled(runs)).map((r) => r.status === 'rejected' && r.reason)).toEqual(runs.map(() => reason));
  expect((await session.run({ x }))['y']?.dims).toEqual([1024, 1024]);
  await expect.poll(() => listeners(signal)).toBe(0); // the runs that were at work end within a tile
});

it('a listener that has gone is not called, whoever else goes on waiting', () => {
  const controller = new AbortController();
  const called: string[] = [];
  const stop = onAbort(controller.signal, () => called.push('first'));
  onAbort(controller.signal, () => called.push('second'));
  stop();
  stop();
  controller.abort();
  expect(called).toEqual(['second']);
});
