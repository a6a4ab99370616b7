/** How two engines share a machine while they are measured. */

/** The threads of both engines spin for a while after a run: a pause lets those of the other side park. */
const SETTLE_MS = 20;
const TURN_MS = 60;

/** One turn of one side, undisturbed by the other: a pause, a run that is not counted, then runs for a while, timed in ms. */
export async function takeTurn(run: () => Promise<unknown>, samples: number[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  await run();
  const end = performance.now() + TURN_MS;
  do {
    const start = performance.now();
    await run();
    samples.push(performance.now() - start);
  } while (performance.now() < end);
}
