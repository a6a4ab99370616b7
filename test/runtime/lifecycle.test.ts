/**
 * What an application sees around a run: a free event loop, aborts, release, workers, flat memory, no idle CPU. The
 * measurements are those of `npm run bench:runtime`, each in a process of its own: the test runner has timers and garbage
 * of its own. Limits are those that the README promises.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { slowGraph, slowInput, tinyGraph } from './fixtures.js';

const script = fileURLToPath(new URL('../../bench/runtime.mjs', import.meta.url));

/**
 * On an emulated CPU (npm run test:arm) milliseconds and megabytes are the emulator's: there the same runs show what happens,
 * and what only says how long it takes or how much it holds is left to real machines.
 */
const emulated = process.env['DSNK_EMULATED'] === '1';
const itMeasures = it.skipIf(emulated);

/** Runs one measurement; rejects when the process crashes or exits with another code than 0. */
async function measure(name: string, ...args: string[]): Promise<Record<string, number | boolean>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, name, '--json', ...args]);
  return (JSON.parse(stdout) as Record<string, Record<string, number | boolean>>)[name] ?? {};
}

/**
 * Where other work takes the processor away, a delay is not ours: a measurement of time is repeated before it counts as
 * failed. A blocked event loop or a thread that spins fails every time.
 */
async function within(limit: number, take: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 4 && best > limit; attempt++) best = Math.min(best, await take());
  return best;
}

describe('event loop', () => {
  itMeasures('stays free during runs of 200 ms and more', async () => {
    const delay = await within(5, async () => {
      const r = await measure('eventLoop');
      expect(r['runMs']).toBeGreaterThan(200);
      return r['delayP99Ms'] as number;
    });
    expect(delay).toBeLessThan(5);
  });

  itMeasures('leaves the thread pool of files and names alone while 8 runs are queued', async () => {
    expect(await within(10, async () => (await measure('filesDuringRuns'))['readMedianMs'] as number)).toBeLessThan(10);
  });
});

describe('abort', () => {
  it('rejects a long run at once, and the next run is right', async () => {
    const late = await within(50, async () => {
      const r = await measure('abort');
      expect(r['nextRunRight']).toBe(true);
      return emulated ? 0 : (r['rejectedAfterMs'] as number);
    });
    expect(late).toBeLessThan(50);
  });

  it('does not start with a signal that is aborted already', async () => {
    await using session = await InferenceSession.fromGraph(tinyGraph());
    const x = new Tensor('float32', new Float32Array(4), [1, 4]);
    await expect(session.run({ x }, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('release', () => {
  it('waits for a run in flight and refuses the next', async () => {
    const session = await InferenceSession.fromGraph(slowGraph(4), { intraOpNumThreads: 2 });
    const x = slowInput();
    const run = session.run({ x });
    const released = session.release();
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'ERR_DSNK_DISPOSED' });
    expect((await run)['y']?.dims).toEqual([1024, 1024]);
    await released;
  });

  itMeasures('gives memory back: 1,000 × load, run, release grow by less than 1 MB', async () => {
    expect(await within(1, async () => (await measure('release'))['growthMB'] as number)).toBeLessThan(1);
  });
});

describe('queue', () => {
  itMeasures('of 256 runs holds their inputs and outputs, not 256 times the memory that one computes in', async () => {
    const r = await measure('queue');
    expect(r['arenaMB']).toBeGreaterThan(10);
    expect(r['growthMB']).toBeLessThan(16 * (r['arenaMB'] as number));
  });
});

describe('load', () => {
  itMeasures('needs at most 1.5 times the file and 40 MB', async () => {
    const r = await measure('load');
    expect(r['peakOverBaseMB']).toBeGreaterThan((r['fileMB'] as number) / 2); // it measures something
    expect(r['peakOverBaseMB']).toBeLessThan(r['limitMB'] as number);
  });
});

describe('a decoder', () => {
  itMeasures('takes no more memory from step to step, and of the room of a state only what is filled', async () => {
    const r = await measure('decode');
    // Pasts that stayed, or copies of states, would be hundreds of megabytes.
    expect(r['fedGrowthMB']).toBeLessThan(16);
    expect(r['keptGrowthMB']).toBeLessThan(8);
    expect(r['roomMB']).toBeGreaterThan(64);
    expect(r['takenMB']).toBeLessThan(8);
    expect(r['resetMB']).toBeLessThan(8);
  });
});

describe('calibration', () => {
  itMeasures('on 1,000 feeds holds less than 20 MB more than on 20', async () => {
    const r = await measure('calibration');
    expect(r['feedsMB']).toBeGreaterThan(150); // kept feeds would be seen
    expect(r['apartMB']).toBeLessThan(20);
  });
});

describe('workers', () => {
  it('load, run and are terminated in mid-run, even when nobody else holds the addon', async () => {
    const rounds = emulated ? 1 : 6; // a worker starts in seconds there
    expect((await measure('workers', '--rounds', `${rounds}`))['workersEnded']).toBe(8 * rounds);
  });
});

describe('idle', () => {
  itMeasures('costs less than 5 ms of CPU in 10 s with a loaded model', async () => {
    expect(await within(5, async () => (await measure('idle'))['cpuMsIn10s'] as number)).toBeLessThan(5);
  });
});

describe('overhead', () => {
  itMeasures('is below 3 µs for runSync and 40 µs for run', async () => {
    expect(await within(3, async () => (await measure('overhead'))['runSyncUs'] as number)).toBeLessThan(3);
    expect(await within(40, async () => (await measure('overhead'))['runMedianUs'] as number)).toBeLessThan(40);
  });
});
