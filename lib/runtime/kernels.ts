/**
 * Direct kernel calls, for microbenchmarks: one operator on given arrays, with a kernel of your choice, timed natively.
 * Weights are packed when the call is made, as in a session; the time is that of the kernel alone.
 */
import { GraphBuilder } from '../build/builder.js';
import type { Operand } from '../build/operand.js';
import { type Catalogue, without } from '../compile/catalogue.js';
import { type CompileOptions, compile } from '../compile/compile.js';
import { WeightIndex } from '../compile/weights.js';
import { checkKeys, type DsnkError, dsnkError, type KeysOf, spelled } from '../errors.js';
import { narrowOf } from '../kernels/narrow.js';
import { allocate } from '../tensor.js';
import { checkLimits } from './limits.js';
import { LoadedProgram } from './loaded-program.js';
import { nativeCatalogue } from './model.js';
import { native } from './native.js';

export interface KernelOptions {
  /** A kernel by name, `gemm_f32_avx2`; default: the one a session would choose. */
  readonly kernel?: string;
  readonly threads?: number;
  /** Timed runs; default 1. */
  readonly repeat?: number;
}

const keys: KeysOf<KernelOptions> = { kernel: true, threads: true, repeat: true };

export interface KernelResult {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  /** Names of the kernels that ran. */
  readonly kernels: readonly string[];
  /** Nanoseconds of each run: the sum over these kernels. */
  readonly timesNs: readonly number[];
}

/** A call that is compiled and loaded, to be run many times. */
export interface PreparedKernel {
  readonly kernels: readonly string[];
  readonly dims: readonly number[];
  /** Runs once; returns nanoseconds. */
  run(): number;
  readonly data: Float32Array;
  dispose(): void;
}

/** Keeps, of the operation that `name` belongs to, only that row; one for 16 bits is taken wherever it can be, slow or not. */
function restricted(name: string | undefined): { readonly catalogue: Catalogue; readonly options?: CompileOptions } {
  const all = nativeCatalogue();
  if (name === undefined) return { catalogue: all };
  const row = all.kernels.find((k) => k.name === name);
  if (row === undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'kernels', 'kernel must be a name of the catalogue', `${spelled(name)} came`);
  if (!row.usable) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'kernels', `kernel ${name} must be usable on this processor`);
  const catalogue = without(all, (k) => k.op === row.op && k.dtypes === row.dtypes && k !== row);
  const precision = narrowOf(row.dtypes);
  if (precision === undefined) return { catalogue };
  return {
    catalogue: { ...catalogue, kernels: catalogue.kernels.map((k) => (k === row ? { ...k, slow: false } : k)) },
    options: { precision, choose: (_, names) => (names.includes(name) ? { name, reason: 'asked for' } : undefined) },
  };
}

/** Compiles a function of one float32 input for repeated timing. The time leaves out the calls that only move data (MOVES). */
export function prepareKernel(
  build: (b: GraphBuilder, x: Operand) => Operand,
  dims: readonly number[],
  input: Float32Array,
  options: KernelOptions = {},
): PreparedKernel {
  checkKeys('kernels', options, keys);
  const builder = new GraphBuilder('kernel');
  const graph = builder.build({ y: build(builder, builder.input('x', { dataType: 'float32', shape: dims })) });
  if (options.threads !== undefined) checkLimits('kernels', { intraOpNumThreads: options.threads });
  const only = restricted(options.kernel);
  const compiled = compile(graph, only.catalogue, new WeightIndex(), only.options);
  let program: LoadedProgram | undefined;
  let failure: DsnkError | undefined;
  const store = native().createStore(false);
  LoadedProgram.load(compiled, store, { threads: options.threads ?? 1, keepSources: false, sync: true }, 'kernel', (error, p) => {
    failure = error;
    program = p;
  });
  if (program === undefined) throw failure;
  const loaded: LoadedProgram = program;
  const out = graph.outputs[0] as Operand['value'];
  const data = allocate('float32', out.dims) as Float32Array;
  const times = new BigUint64Array(compiled.steps.length);
  return {
    kernels: compiled.steps.map((s) => s.kernel.name),
    dims: out.dims,
    data,
    run() {
      loaded.runSync([input], [data], times);
      return compiled.steps.reduce((sum, s, i) => sum + (MOVES.has(s.kernel.op) ? 0 : Number(times[i])), 0);
    },
    dispose() {
      loaded.dispose();
      native().dispose(store);
    },
  };
}

/** Layout changes at the edges of a single call: a network has none of them inside, so they are not part of a kernel's time. */
const MOVES = new Set(['strided_copy', 'transpose', 'copy']);

function call(prepared: PreparedKernel, repeat = 1): KernelResult {
  try {
    if (!Number.isSafeInteger(repeat)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'kernels', 'repeat must be an integer', `${spelled(repeat)} came`);
    const timesNs = Array.from({ length: Math.max(1, repeat) }, () => prepared.run());
    return { data: prepared.data, dims: prepared.dims, kernels: prepared.kernels, timesNs };
  } finally {
    prepared.dispose();
  }
}

function checked(name: string, array: Float32Array, dims: readonly number[]): Float32Array {
  if (!Array.isArray(dims) || !dims.every((d) => Number.isSafeInteger(d) && d >= 0))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `kernels: ${name}`, 'dimensions must be sizes', `${spelled(dims)} came`);
  const length = dims.reduce((a, b) => a * b, 1);
  if (!(array instanceof Float32Array) || array.length !== length) {
    throw dsnkError(
      'ERR_DSNK_SHAPE_MISMATCH',
      `kernels: ${name}`,
      `must be a Float32Array of ${length} elements for [${dims.join(',')}]`,
      `${array?.length} came`,
    );
  }
  return array;
}

/** y[m,n] = Σ a[m,k]·b[k,n] (+ bias[n]). b is packed beforehand. */
export function gemm(
  a: Float32Array,
  b: Float32Array,
  shape: { m: number; n: number; k: number; bias?: Float32Array },
  options: KernelOptions = {},
): KernelResult {
  checkKeys('kernels.gemm', shape, { m: true, n: true, k: true, bias: true }, 'shape');
  const { m, n, k, bias } = shape;
  checked('a', a, [m, k]);
  checked('b', b, [k, n]);
  const build = (builder: GraphBuilder, x: Operand): Operand => {
    const y = builder.matmul(x, { type: 'float32', dims: [k, n], data: b });
    return (bias !== undefined ? builder.add(y, { type: 'float32', dims: [n], data: checked('bias', bias, [n]) }) : y) as Operand;
  };
  return call(prepareKernel(build, [m, k], a, options), options.repeat);
}

export interface Conv2dShape {
  /** NCHW. */
  readonly input: readonly [number, number, number, number];
  /** OIHW. */
  readonly weight: readonly [number, number, number, number];
  readonly strides?: readonly [number, number];
  /** [beginningHeight, endingHeight, beginningWidth, endingWidth] */
  readonly padding?: readonly [number, number, number, number];
  readonly dilations?: readonly [number, number];
  readonly groups?: number;
}

const convKeys: KeysOf<Conv2dShape> = { input: true, weight: true, strides: true, padding: true, dilations: true, groups: true };

/** Convolution of x (NCHW) with w (OIHW), packed beforehand; the time leaves out the layout changes at both ends. */
export function conv2d(x: Float32Array, w: Float32Array, shape: Conv2dShape, options: KernelOptions = {}): KernelResult {
  checkKeys('kernels.conv2d', shape, convKeys, 'shape');
  checked('x', x, shape.input);
  checked('w', w, shape.weight);
  const { input, weight, ...conv } = shape;
  return call(
    prepareKernel((b, v) => b.conv2d(v, { type: 'float32', dims: weight, data: w }, conv) as Operand, input, x, options),
    options.repeat,
  );
}
