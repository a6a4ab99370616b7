/**
 * Listening to abort signals. One signal may stop any number of runs, and Node warns of a leak from the eleventh listener of
 * a signal on: all that wait for the same one share a single listener, which goes with the last of them.
 */
import { dsnkError } from '../errors.js';

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

function wake(this: AbortSignal): void {
  for (const listener of waiting.get(this) ?? []) listener();
}

/** Calls the listener when the signal aborts, which it has not yet. Returns what ends the waiting. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = waiting.get(signal) ?? new Set();
  waiting.set(signal, listeners);
  if (listeners.size === 0) signal.addEventListener('abort', wake);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) signal.removeEventListener('abort', wake);
  };
}

/** Rejects as soon as the signal does, whatever the work is at: a load cannot be stopped, only left to end by itself. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(stopListening);
  });
}

/** Throws ERR_DSNK_INVALID_ARGUMENT for what is given as a signal and is none. */
export function checkSignal(signal: Partial<AbortSignal> | null | undefined): void {
  if (signal === undefined || signal === null) return;
  if (typeof signal.throwIfAborted !== 'function' || typeof signal.addEventListener !== 'function')
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'run options', 'signal must be an AbortSignal', `${typeof signal} came`);
}
