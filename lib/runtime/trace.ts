/** `compile(fn)`: a function written with builder functions becomes one fused program per input signature. */
import type { Tensor } from 'onnxruntime-common';
import { GraphBuilder } from '../build/builder.js';
import { Operand } from '../build/operand.js';
import type { Precision } from '../compile/precision.js';
import { checkKeys, dsnkError, type KeysOf } from '../errors.js';
import { type HostTensor, readTensor, type TensorLike, toTensor } from '../tensor.js';
import { checkLimits } from './limits.js';
import { Model } from './model.js';
import { native } from './native.js';
import { type TuneOptions, tunerOf } from './tune.js';

/** What a traced function may return: one operand, several, or named ones. */
export type Traced = Operand | readonly Operand[] | Readonly<Record<string, Operand>>;
/** The same structure, of tensors. */
export type TracedResult<R> = R extends Operand ? Tensor : { -readonly [K in keyof R]: Tensor };

export interface CompiledFunction<R extends Traced> {
  /** Runs off the event loop. */
  (...inputs: TensorLike[]): Promise<TracedResult<R>>;
  /** Runs on the calling thread. */
  sync(...inputs: TensorLike[]): TracedResult<R>;
  /** Frees all programs; runs in flight end first, new ones are refused with ERR_DSNK_DISPOSED. */
  dispose(): void;
}

export interface CompileFunctionOptions {
  readonly intraOpNumThreads?: number;
  /** Most signatures kept; default 8. */
  readonly maxPrograms?: number;
  /** These three as for a session. */
  readonly winograd?: boolean;
  readonly tune?: boolean | TuneOptions;
  readonly precision?: Precision;
}

const keys: KeysOf<CompileFunctionOptions> = { intraOpNumThreads: true, maxPrograms: true, winograd: true, tune: true, precision: true };

/**
 * Traces `fn` once per signature (element types and shapes) and runs the fused program from then on. `fn` must be pure:
 * what it computes from shapes is fixed at the trace, and it never sees tensor contents.
 * Throws ERR_DSNK_INVALID_ARGUMENT for options out of range.
 *
 * @example
 * const f = compile((x, w) => relu(matmul(x, w)));
 * const y = await f(x, w);
 */
export function compile<R extends Traced>(fn: (...inputs: Operand[]) => R, options: CompileFunctionOptions = {}): CompiledFunction<R> {
  interface Entry {
    readonly model: Model;
    readonly wrap: (tensors: Tensor[]) => TracedResult<R>;
  }
  if (typeof fn !== 'function') throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'compile(fn)', 'fn must be a function', `${typeof fn} came`);
  checkKeys('compile options', options, keys);
  checkLimits('compile options', options);
  const entries = new Map<string, Entry>();
  const most = options.maxPrograms ?? 8;
  const threads = options.intraOpNumThreads ?? native().cpu().threads;
  const tuner = tunerOf(threads, options);
  let disposed = false;

  const entryFor = (inputs: readonly HostTensor[]): Entry => {
    if (disposed) throw dsnkError('ERR_DSNK_DISPOSED', fn.name || 'the traced function', 'must not be called after dispose()');
    const key = inputs.map((t) => `${t.dtype}[${t.dims.join(',')}]`).join(';');
    let entry = entries.get(key);
    if (entry === undefined) {
      const builder = new GraphBuilder(fn.name || 'traced');
      const result = fn(...inputs.map((t, i) => builder.input(`input${i}`, { dataType: t.dtype, shape: t.dims })));
      const { outputs, wrap } = flatten<R>(result);
      const model = new Model(builder.build(outputs), {
        threads,
        maxPrograms: 1,
        keepSources: true,
        onLoaded: () => {},
        ...(options.winograd !== undefined && { winograd: options.winograd }),
        tuner,
        ...(options.precision !== undefined && { precision: options.precision }),
      });
      entry = { model, wrap };
    }
    entries.delete(key);
    entries.set(key, entry);
    for (const [oldest, e] of entries) {
      if (entries.size <= most) break;
      entries.delete(oldest);
      e.model.dispose();
    }
    return entry;
  };
  const read = (inputs: readonly TensorLike[]) => inputs.map((t, i) => readTensor(t, `argument ${i} of ${fn.name || 'the traced function'}`));

  const call = async (...inputs: TensorLike[]) => {
    const tensors = read(inputs);
    const { model, wrap } = entryFor(tensors);
    return wrap((await model.run(tensors)).map(toTensor));
  };
  return Object.assign(call, {
    sync(...inputs: TensorLike[]) {
      const tensors = read(inputs);
      const { model, wrap } = entryFor(tensors);
      return wrap(model.runSync(tensors).map(toTensor));
    },
    dispose() {
      disposed = true;
      for (const { model } of entries.values()) model.dispose();
      entries.clear();
    },
  });
}

function flatten<R extends Traced>(result: Traced): { outputs: Record<string, Operand>; wrap: (tensors: Tensor[]) => TracedResult<R> } {
  const bad = () => dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'compile(fn)', 'fn must return an operand, an array or an object of operands');
  if (result instanceof Operand) return { outputs: { output: result }, wrap: (t) => t[0] as TracedResult<R> };
  if (typeof result !== 'object' || result === null) throw bad();
  const entries = Object.entries(result as Record<string, Operand>);
  if (entries.length === 0 || !entries.every(([, v]) => v instanceof Operand)) throw bad();
  return {
    outputs: Object.fromEntries(entries.map(([k, v]) => [Array.isArray(result) ? `output${k}` : k, v])),
    wrap: (tensors) => (Array.isArray(result) ? tensors : Object.fromEntries(entries.map(([k], i) => [k, tensors[i]]))) as TracedResult<R>,
  };
}
