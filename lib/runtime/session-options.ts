/** The options of sessions and runs, and what they must be. */

import type { Device } from '../compile/compile.js';
import { passNames } from '../compile/compile.js';
import type { Precision } from '../compile/precision.js';
import { dsnkError, spelled } from '../errors.js';
import { checkLimits } from './limits.js';
import type { SessionState } from './state.js';
import type { TuneOptions } from './tune.js';

export interface SessionOptions {
  /** Threads for one run: default min(CPU affinity, cgroup quota). */
  readonly intraOpNumThreads?: number;
  /**
   * Where to run, the first that can be used: `cpu` and `cuda`, or objects with such a name, as in onnxruntime; `'auto'` is
   * `['cuda', 'cpu']`. Default `['cpu']`. `session.provider` says what it came to.
   */
  readonly executionProviders?: 'auto' | readonly (string | { readonly name: string })[];
  /** Fixes symbolic dimensions by name, so that the model is compiled when the session is made. */
  readonly freeDimensionOverrides?: Readonly<Record<string, number>>;
  /** Most input signatures whose programs are kept at once; default 8. */
  readonly maxPrograms?: number;
  /** Passes to leave out, by name; for finding out which one matters. */
  readonly skipPasses?: readonly string[];
  /** false refuses Winograd convolutions: slower on dense 3x3, with the rounding errors of the plain sum. Default true. */
  readonly winograd?: boolean;
  /**
   * Measures kernels on this machine where a node can be computed in several ways, and keeps the fastest. With `file` the
   * choices are read from there, and written there where something had to be measured: equal choices give equal bits.
   */
  readonly tune?: boolean | TuneOptions;
  /**
   * `bf16` and `f16` round the operands of products with constant weights to bfloat16 or float16 where the processor is
   * faster so; `auto` does wherever it has such kernels. Default `f32`.
   */
  readonly precision?: Precision;
}

export interface RunOptions {
  /** Aborting rejects the run at once with the signal's reason; the work in progress stops within a tile. */
  readonly signal?: AbortSignal;
  /** Where outputs of `session.bindState` go, and come from: default `session.state`. */
  readonly state?: SessionState;
}

/** Throws ERR_DSNK_INVALID_ARGUMENT, or ERR_DSNK_DEVICE_UNAVAILABLE for providers that this version has not. */
export function checkOptions(options: SessionOptions): void {
  const where = 'session options';
  if (typeof options !== 'object' || options === null) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'InferenceSession', 'session options must be an object', `${spelled(options)} came`);
  }
  const { freeDimensionOverrides, skipPasses } = options;
  if (freeDimensionOverrides !== undefined && (typeof freeDimensionOverrides !== 'object' || Array.isArray(freeDimensionOverrides)))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'freeDimensionOverrides must be an object of sizes by name', `${spelled(freeDimensionOverrides)} came`);
  for (const [name, size] of Object.entries(freeDimensionOverrides ?? {})) {
    if (!(Number.isSafeInteger(size) && size >= 0))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `freeDimensionOverrides.${name} must be a size`, `${spelled(size)} came`);
  }
  checkLimits(where, options);
  if (skipPasses !== undefined && !(Array.isArray(skipPasses) && skipPasses.every((name) => typeof name === 'string'))) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'skipPasses must be a list of names', `${spelled(skipPasses)} came`);
  }
  for (const name of skipPasses ?? []) {
    if (!passNames.has(name)) {
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'skipPasses must name passes of this version', `'${name}' came`);
    }
  }
  if (providersOf(options).includes('cuda') && options.tune)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, "tune must not be set where executionProviders name 'cuda'", 'it measures kernels of the processor');
}

/** The providers that options name, in their order. */
export function providersOf({ executionProviders }: SessionOptions): readonly Device[] {
  const where = 'session options';
  if (executionProviders === 'auto') return ['cuda', 'cpu'];
  if (executionProviders === undefined || executionProviders === null) return ['cpu'];
  if (!Array.isArray(executionProviders))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, "executionProviders must be a list or 'auto'", `${spelled(executionProviders)} came`);
  const names = executionProviders.map((provider: unknown) => (typeof provider === 'string' ? provider : (provider as { name?: unknown } | null)?.name));
  const wrong = names.findIndex((name) => name !== 'cpu' && name !== 'cuda');
  if (wrong >= 0)
    throw dsnkError(
      'ERR_DSNK_DEVICE_UNAVAILABLE',
      where,
      "executionProviders must be of 'cpu' and 'cuda'",
      `${spelled(names[wrong] ?? executionProviders[wrong])} came`,
    );
  return names.length === 0 ? ['cpu'] : (names as Device[]);
}
