/** One kernel, called directly: for `kernels.*`, for the tests of every row, and for the kernel bench. */
import { isGpuRow, type KernelRow } from '../compile/catalogue.js';
import { encodeProgram, type Location, NOWHERE } from '../compile/program.js';
import { DsnkError } from '../errors.js';
import { type Bytes, loadError, type ProgramHandle, runError } from './binding.js';
import { native } from './native.js';

const align = (n: number) => Math.ceil(n / 64) * 64;

/** A loaded program of one instruction. */
export interface KernelCall {
  /** Runs once: inputs and (in-place or plain) outputs in the order of the kernel's operands. */
  run(outputs: readonly (Bytes | undefined)[], inputs: readonly (Bytes | undefined)[]): void;
  /** Runs once and returns the nanoseconds that the instruction itself took. */
  time(outputs: readonly (Bytes | undefined)[], inputs: readonly (Bytes | undefined)[]): number;
  dispose(): void;
}

/** Whether operand i is modified in place, so that what it held goes in as well. */
const isKept = (row: KernelRow, i: number) => row.operands[i] === 'm' || row.operands[i] === 'n';

export interface OperandSize {
  readonly bytes: number;
}

/** The words of a program of one instruction whose operands all lie in the io segment. */
export function kernelProgram(
  row: KernelRow,
  params: Uint32Array,
  outputs: readonly (OperandSize | undefined)[],
  inputs: readonly (OperandSize | undefined)[],
): Uint32Array {
  let ioBytes = 0;
  const place = (size: OperandSize | undefined): Location => {
    if (size === undefined) return NOWHERE;
    const location: Location = { segment: 'io', index: 0, offset: ioBytes, bytes: size.bytes };
    ioBytes += align(size.bytes);
    return location;
  };
  const outs = outputs.map(place);
  const ins = inputs.map(place);
  const kept = outs.filter((_, i) => isKept(row, i));
  return encodeProgram({
    catalogueHash: native().catalogue().hash,
    arenaBytes: 0,
    ioBytes,
    stateBytes: 0,
    weightsBytes: 0,
    initArenaBytes: 0,
    weightBlock: 0,
    init: [],
    main: [{ kernel: row.id, operands: [...outs, ...ins], params }],
    inputs: [...kept, ...ins].filter((l) => l.segment !== 'none'),
    outputs: outs.filter((l) => l.segment !== 'none'),
  });
}

/**
 * Loads one kernel row with its parameters. `outputs` and `inputs` give the operand sizes (undefined = left out).
 * Throws ERR_DSNK_INVALID_PROGRAM when the kernel refuses them.
 */
export function loadKernel(
  row: KernelRow,
  params: Uint32Array,
  outputs: readonly (OperandSize | undefined)[],
  inputs: readonly (OperandSize | undefined)[],
  options: { threads?: number } = {},
): KernelCall {
  const addon = native();
  const words = kernelProgram(row, params, outputs, inputs);
  const where = () => `kernel ${row.name}`;
  let program: ProgramHandle | undefined;
  let failure: DsnkError | undefined;
  addon.load(
    words,
    addon.createStore(isGpuRow(row)),
    [],
    options.threads ?? 1,
    false,
    (code, pc, fault, text, value) => {
      if (code === 0) program = value as ProgramHandle;
      else failure = loadError(code, pc, fault, text, where);
    },
    true,
  );
  if (program === undefined) throw failure ?? new DsnkError('ERR_DSNK_INVALID_PROGRAM', `${where()}: load must call back`);
  const handle = program;
  const times = new BigUint64Array(1);
  const run = (outputs: readonly (Bytes | undefined)[], inputs: readonly (Bytes | undefined)[], timed: boolean) => {
    const present = (list: readonly (Bytes | undefined)[]) => list.filter((b) => b !== undefined);
    const kept = outputs.filter((_, i) => isKept(row, i));
    const failed = addon.runSync(handle, present([...kept, ...inputs]), present(outputs), timed ? times : null);
    if (failed !== undefined) throw runError(...failed, where);
  };
  return {
    run: (o, i) => run(o, i, false),
    time: (o, i) => {
      run(o, i, true);
      return Number(times[0]);
    },
    dispose: () => addon.dispose(handle),
  };
}
