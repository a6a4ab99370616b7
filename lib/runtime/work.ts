/** Work in steps: one piece of code for callers that can wait and callers that cannot. */

/** Something that may be waited for, or done at once. */
export type Job<T> = (sync: boolean) => T | Promise<T>;
/** Yields what it has to wait for. */
export type Work<T> = Generator<Job<unknown>, T, unknown>;

export async function workOff<T>(work: Work<T>): Promise<T> {
  let next = work.next();
  while (!next.done) {
    try {
      const result = await next.value(false);
      next = work.next(result);
    } catch (error) {
      next = work.throw(error);
    }
  }
  return next.value;
}

export function workOffSync<T>(work: Work<T>): T {
  let next = work.next();
  while (!next.done) {
    try {
      const result = next.value(true);
      next = work.next(result);
    } catch (error) {
      next = work.throw(error);
    }
  }
  return next.value;
}
