/** A compiled program in native memory, ready to run. */
import type { CompiledProgram } from '../compile/compile.js';
import { type DsnkError, dsnkError } from '../errors.js';
import { onAbort } from './abort.js';
import { type Bytes, loadError, type ProgramHandle, RUN_ABORTED, runError, type StateHandle, type StoreHandle } from './binding.js';
import { native } from './native.js';

export interface LoadOptions {
  readonly threads: number;
  /** Keep the pages of the sources after packing (they have no other place to be read from again). */
  readonly keepSources: boolean;
  readonly sync?: boolean;
}

let loadedAny = false;

/** Whether this process has compiled and loaded a program: for start.ts. */
export const hasLoadedProgram = () => loadedAny;

export class LoadedProgram {
  readonly #handle: ProgramHandle;
  readonly #where: (pc: number) => string;
  #disposed = false;

  private constructor(
    handle: ProgramHandle,
    readonly compiled: CompiledProgram,
    where: (pc: number) => string,
  ) {
    this.#handle = handle;
    this.#where = where;
  }

  /** Packs the weights and binds the kernels; calls back once, at once when `sync`. */
  static load(
    compiled: CompiledProgram,
    store: StoreHandle,
    options: LoadOptions,
    model: string,
    done: (error: DsnkError | undefined, program?: LoadedProgram) => void,
  ): void {
    const where = (pc: number) => compiled.nodes[pc]?.where ?? `model "${model}"`;
    const sources = compiled.sources.map((c) => c.read());
    native().load(
      compiled.words,
      store,
      sources,
      options.threads,
      options.keepSources,
      (code, pc, fault, text, value) => {
        // pc counts init instructions here, which have no node of their own to name
        if (code !== 0) done(loadError(code, pc, fault, text, () => `model "${model}"`));
        else {
          loadedAny = true;
          done(undefined, new LoadedProgram(value as ProgramHandle, compiled, where));
        }
      },
      options.sync ?? false,
    );
  }

  /** Nanoseconds per instruction are written to `times` when given. */
  runSync(inputs: readonly Bytes[], outputs: readonly (Bytes | undefined)[], times: BigUint64Array | null = null, state?: StateHandle): void {
    const failed = native().runSync(this.#handle, inputs, outputs, times, state);
    if (failed !== undefined) throw runError(...failed, this.#where);
  }

  /** Inputs are copied before this returns; outputs are filled before the promise resolves. */
  run(
    inputs: readonly Bytes[],
    outputs: readonly (Bytes | undefined)[],
    options: { signal?: AbortSignal | undefined; times?: BigUint64Array | undefined; state?: StateHandle | undefined } = {},
  ): Promise<void> {
    const signal = options.signal ?? undefined;
    return new Promise((resolve, reject) => {
      let stopListening: (() => void) | undefined;
      const done = (code: number, pc: number, fault: number, text: string) => {
        stopListening?.();
        if (code === 0) resolve();
        else
          reject(
            code === RUN_ABORTED
              ? (signal?.reason ?? dsnkError('ERR_DSNK_DISPOSED', 'run', 'must not be aborted'))
              : runError(code, pc, fault, text, this.#where),
          );
      };
      const job = native().run(this.#handle, inputs, outputs, options.times ?? null, done, options.state);
      if (job < 0) {
        reject(runError(-job, -1, 0, '', this.#where));
      } else if (signal !== undefined) {
        stopListening = onAbort(signal, () => {
          native().abort(job);
          reject(signal.reason);
        });
      }
    });
  }

  /** Threads, tiles per instruction, scratch memory. */
  get shape(): { threads: number; tiles: number[]; scratchBytes: number } {
    return native().programInfo(this.#handle);
  }

  trim(): void {
    native().trim(this.#handle);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Refuses new runs; one in flight ends first. */
  dispose(): void {
    this.#disposed = true;
    native().dispose(this.#handle);
  }
}
