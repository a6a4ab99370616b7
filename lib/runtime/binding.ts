/** The whole native surface, typed. Only this folder touches the addon; errors are worded here, in one place. */
import type { Catalogue } from '../compile/catalogue.js';
import type { TypedArray } from '../dtype.js';
import { type DsnkError, dsnkError } from '../errors.js';

declare const programTag: unique symbol;
declare const storeTag: unique symbol;
declare const stateTag: unique symbol;
export type ProgramHandle = { readonly [programTag]: true };
export type StoreHandle = { readonly [storeTag]: true };
export type StateHandle = { readonly [stateTag]: true };

export interface CpuInfo {
  readonly model: string;
  /** Highest ISA of processor and operating system. */
  readonly best: string;
  /** The one in use: `best`, lowered by DSNK_ISA. */
  readonly isa: string;
  /** Those up to `best`, weakest first: what DSNK_ISA may name here. */
  readonly isas: readonly string[];
  /** DSNK_ISA where it names none of them, else ''. */
  readonly unknownCap: string;
  /** min(affinity, cgroup quota). */
  readonly threads: number;
  readonly l1dBytes: number;
  readonly l2Bytes: number;
  readonly l3Bytes: number;
}

/** Bytes of any element type; an output slot may be undefined when nobody asked for it. */
export type Bytes = TypedArray | Uint8Array;
type Done = (code: number, pc: number, fault: number, text: string, value: unknown) => void;

/** The GPU of the process. */
export interface GpuInfo {
  readonly name: string;
  /** 12020: that of CUDA 12.2. */
  readonly driverVersion: number;
  /** 87: compute capability 8.7. */
  readonly capability: number;
  readonly multiprocessors: number;
  readonly memoryBytes: number;
  /** It shares the processor's memory: Jetson. */
  readonly integrated: boolean;
  /** Whose rows it runs. */
  readonly isas: readonly string[];
  /** Most bytes of parameters that a launch takes. */
  readonly paramBytes: number;
  /** Somebody in this process has offered it kernels: another thread, or an earlier call. */
  readonly hasKernels: boolean;
}

export interface Binding {
  catalogue(): Catalogue;
  cpu(): CpuInfo;
  /** What the GPU is, or why there is none: Refusal in native/cuda/driver.h. */
  openGpu(library: string, files: readonly string[]): GpuInfo | { readonly cause: number; readonly detail: string };
  /** Images of modules for the GPU that is open: where in `bytes`, which end with a zero, each begins. Files come before them. */
  offerKernels(bytes: Uint8Array, names: readonly string[], places: readonly number[]): void;
  readFile(path: string, done: Done): void;
  adopt(bytes: Uint8Array): ArrayBuffer | null;
  releaseBuffer(buffer: ArrayBuffer): void;
  /** `onGpu`: programs that are loaded into it run on the GPU, which must be open. */
  createStore(onGpu: boolean): StoreHandle;
  storeBytes(store: StoreHandle): number;
  /** Zeros; null when there is no memory for them, a text when their device has been lost. */
  createState(bytes: number, store: StoreHandle): StateHandle | string | null;
  clearState(state: StateHandle): void;
  load(words: Uint32Array, store: StoreHandle, sources: readonly Uint8Array[], threads: number, keepSources: boolean, done: Done, sync: boolean): void;
  /** undefined when all went well, else [code, pc, fault, text]. */
  runSync(
    program: ProgramHandle,
    inputs: readonly Bytes[],
    outputs: readonly (Bytes | undefined)[],
    times: BigUint64Array | null,
    state?: StateHandle,
  ): [number, number, number, string] | undefined;
  /** Job id, or minus a run code when it could not be queued. */
  run(
    program: ProgramHandle,
    inputs: readonly Bytes[],
    outputs: readonly (Bytes | undefined)[],
    times: BigUint64Array | null,
    done: Done,
    state?: StateHandle,
  ): number;
  abort(job: number): void;
  dispose(handle: ProgramHandle | StoreHandle | StateHandle): void;
  trim(program: ProgramHandle): void;
  programInfo(program: ProgramHandle): { threads: number; tiles: number[]; scratchBytes: number };
}

/** Codes of `load`: LoadError::Code in native/runtime/program.h. */
const loadCodes = ['ok', 'invalidProgram', 'outOfMemory', 'fault', 'deviceFailed'] as const;
/** Codes of `run`: RunResult::Code and RunCode in native/addon/run.cc. */
export const RUN_ABORTED = 1;
const RUN_FAULT = 2;
const RUN_DEVICE_FAILED = 3;
const RUN_OUT_OF_MEMORY = 4;
const RUN_BAD_INPUTS = 11;
const RUN_BAD_OUTPUTS = 12;

/** Fault in native/kernels/kernel.h. */
const faults: Readonly<Record<number, readonly [must: string, came: string]>> = {
  1: ['indices must lie inside their axis', 'an index out of range came'],
  2: ['integer divisors must not be zero', 'a zero came'],
  3: ['values must be ones the operator allows', 'another one came'],
};

function faultError(where: string, fault: number): DsnkError {
  const [must, came] = faults[fault] ?? ['tensor contents must be allowed by the operator', `fault ${fault} came`];
  return dsnkError('ERR_DSNK_RUNTIME_FAULT', where, must, came);
}

/** Words a failed load; `where` names the node of an instruction. */
export function loadError(code: number, pc: number, fault: number, text: string, where: (pc: number) => string): DsnkError {
  switch (loadCodes[code]) {
    case 'outOfMemory':
      return dsnkError('ERR_DSNK_OUT_OF_MEMORY', where(pc), 'the system must have the memory to load the program', text);
    case 'fault':
      return faultError(where(pc), fault);
    case 'deviceFailed':
      return deviceError(where(pc), text);
    default:
      return dsnkError('ERR_DSNK_INVALID_PROGRAM', pc < 0 ? where(pc) : `${where(pc)} (instruction ${pc})`, text);
  }
}

/** A GPU that failed once fails in every later call of the process; sessions of the processor go on. */
export function deviceError(where: string, text: string): DsnkError {
  const cure = "restart the process to use it again; sessions with executionProviders: ['cpu'] are not affected";
  return dsnkError('ERR_DSNK_DEVICE_UNAVAILABLE', where, 'the GPU must run the program', `${text || 'it has been lost'}\n  cure: ${cure}`);
}

/** Words a failed run. */
export function runError(code: number, pc: number, fault: number, text: string, where: (pc: number) => string): DsnkError {
  switch (code) {
    case RUN_FAULT:
      return faultError(where(pc), fault);
    case RUN_DEVICE_FAILED:
      return deviceError(where(pc), text);
    case RUN_OUT_OF_MEMORY:
      return dsnkError('ERR_DSNK_OUT_OF_MEMORY', where(-1), 'the system must have the memory for a run', text === '' ? undefined : `there is none for ${text}`);
    case RUN_BAD_INPUTS:
      return dsnkError('ERR_DSNK_INVALID_ARGUMENT', where(-1), 'inputs must be typed arrays of the declared sizes', 'one was detached or resized');
    case RUN_BAD_OUTPUTS:
      return dsnkError('ERR_DSNK_INVALID_ARGUMENT', where(-1), 'outputs must stay typed arrays of the declared sizes', 'one was detached or resized');
    default:
      return dsnkError('ERR_DSNK_INVALID_PROGRAM', where(pc), `run must end with a known code`, `${code} came`);
  }
}
