/** The file of measured choices: read, checked, and written so that sessions that save at the same moment keep each other's. */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Work } from './work.js';

/** What is known about a site. */
export interface Measured {
  readonly kernel: string;
  /** Microseconds a node, by the names of all ways that were offered; null where the calls were folded away. */
  readonly us: Readonly<Record<string, number | null>>;
}

/** By machine, then by site. */
export type Choices = Record<string, Record<string, Measured>>;

/** Machines that a file keeps, the latest ones. */
const MAX_MACHINES = 16;
const FORMAT = 'ds-native-kernels choices 1';
/** A lock is held for a millisecond: after so many its owner has died. */
const STALE_MS = 2000;

/** What a file holds; nothing where it is missing, damaged or of another format: it is then written anew. */
export function readChoices(file: string): Choices {
  try {
    const { format, machines } = JSON.parse(readFileSync(file, 'utf8')) as { format: unknown; machines: Choices };
    if (format !== FORMAT || !isRecord(machines)) return {};
    for (const [machine, sites] of Object.entries(machines)) {
      if (!isRecord(sites) || !Object.values(sites).every(isMeasured)) delete machines[machine];
    }
    return machines;
  } catch {
    return {};
  }
}

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

function isMeasured(x: unknown): x is Measured {
  return (
    isRecord(x) &&
    typeof x['kernel'] === 'string' &&
    isRecord(x['us']) &&
    Object.hasOwn(x['us'], x['kernel']) &&
    Object.values(x['us']).every((t) => t === null || typeof t === 'number')
  );
}

/** Adds choices to what the file has by then; a reader sees the old file or the new one. */
export function* keepChoices(file: string, machine: string, choices: Choices[string]): Work<void> {
  const lock = `${file}.lock`;
  try {
    while (!taken(lock)) yield pause;
    try {
      const { [machine]: before, ...others } = readChoices(file);
      const machines = [...Object.entries(others), [machine, { ...before, ...choices }]].slice(-MAX_MACHINES);
      replace(file, `${JSON.stringify({ format: FORMAT, machines: Object.fromEntries(machines) }, null, 1)}\n`);
    } finally {
      rmSync(lock, { force: true });
    }
  } catch (error) {
    process.emitWarning(`ds-native-kernels: choices could not be kept in ${file}: ${(error as Error).message}`);
  }
}

/** Makes the lock, or says that another has it. */
function taken(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Math.abs(Date.now() - made) > STALE_MS) rmSync(lock, { force: true });
    return false;
  }
}

function pause(sync: boolean): Promise<void> | undefined {
  const ms = 2;
  if (!sync) return new Promise((done) => setTimeout(done, ms));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return undefined;
}

function replace(file: string, text: string): void {
  // Not a name that a lock's former owner could still be writing to.
  const part = `${file}.${randomUUID()}.part`;
  try {
    writeFileSync(part, text);
    renameSync(part, file);
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch {
      // The folder refuses that too.
    }
    throw error;
  }
}
