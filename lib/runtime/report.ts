/** What a session runs: for every program the kernel calls with their reasons and precision, and where memory goes. */
import { isGpuRow } from '../compile/catalogue.js';
import type { CompiledProgram } from '../compile/compile.js';
import type { Step } from '../compile/step.js';
import { type DType, dtypes } from '../dtype.js';
import type { LoadedProgram } from './loaded-program.js';
import type { Model } from './model.js';

/** One kernel call of a program, in the order of execution. */
export interface KernelCall {
  /** Name of the node that it computes, which fusion may have made of several; '' where the model gives none. */
  readonly node: string;
  /** Operator of that node. */
  readonly op: string;
  /** `gemm_f32_avx512`. */
  readonly kernel: string;
  /** Element type of what is multiplied or computed (for products of 8 bits: int8); for kernels that only move, that of the result. */
  readonly precision: DType;
  /** Why this kernel. */
  readonly reason: string;
  /** Shape of the node's first output. */
  readonly shape: readonly number[];
  /** Parts that threads take one at a time. */
  readonly tiles: number;
}

/** A program: the model compiled for one input signature, or a stage of it where shapes depend on results. */
export interface ProgramReport {
  readonly threads: number;
  readonly memory: {
    /** All intermediate tensors together, placed by lifetime. */
    readonly arenaBytes: number;
    /** Most bytes that are alive at the same time. */
    readonly lowerBoundBytes: number;
    /** How the placement with the smallest arena was found. */
    readonly strategy: string;
    readonly ioBytes: number;
    /** Kept between runs, once for every state. */
    readonly stateBytes: number;
    /** Of all threads. */
    readonly scratchBytes: number;
  };
  readonly kernels: readonly KernelCall[];
  /** Of a program on a GPU: the calls that it has no kernel for, which run on the processor, and what is copied down and up for them. */
  readonly onProcessor?: { readonly calls: number; readonly copiedBytes: number };
}

export interface SessionReport {
  /** How often the model has each operator, most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  /** Packed weights, which all programs share. */
  readonly weightBytes: number;
  /** Empty before the first run of a model with symbolic shapes. */
  readonly programs: readonly ProgramReport[];
}

const byShortName = new Map(Object.entries(dtypes).map(([name, { short }]) => [short, name as DType]));

function precisionOf({ kernel, node }: Step): DType {
  const single = byShortName.get(kernel.dtypes);
  if (single !== undefined) return single;
  if (kernel.dtypes === 'any') return node?.outputs[0]?.type ?? 'uint8';
  // A row for narrow weights is named by both types (f32bf16); bytes times bytes are told by the first.
  return byShortName.get(kernel.dtypes.slice('f32'.length)) ?? 'int8';
}

export function kernelCalls({ compiled, shape }: LoadedProgram): KernelCall[] {
  return compiled.steps.map((step, i) => ({
    node: step.node?.name ?? '',
    op: step.node?.op ?? '',
    kernel: step.kernel.name,
    precision: precisionOf(step),
    reason: step.reason,
    shape: step.node?.outputs[0]?.dims ?? [],
    tiles: shape.tiles[i] ?? 0,
  }));
}

/** As GpuProgram::onProcessor in native/cuda/program.cc copies them: every operand down, and what was written up. */
function callsOnProcessor({ steps, image }: CompiledProgram) {
  let calls = 0;
  let copiedBytes = 0;
  steps.forEach(({ kernel, outputs }, pc) => {
    if (isGpuRow(kernel)) return;
    calls++;
    image.main[pc]?.operands.forEach(({ segment, bytes }, i) => {
      if (segment === 'arena' || segment === 'state' || segment === 'io') copiedBytes += i < outputs.length ? 2 * bytes : bytes;
    });
  });
  return { calls, copiedBytes };
}

export function reportOf({ programs, graph, weightBytes, options }: Model): SessionReport {
  const operators = new Map<string, number>();
  for (const n of graph.nodes) operators.set(n.op, (operators.get(n.op) ?? 0) + 1);
  return {
    operators: Object.fromEntries([...operators].sort((a, b) => b[1] - a[1])),
    weightBytes,
    programs: programs.map((program) => {
      const { memory, image } = program.compiled;
      return {
        threads: program.shape.threads,
        memory: {
          arenaBytes: memory.peakBytes,
          lowerBoundBytes: memory.lowerBoundBytes,
          strategy: memory.strategy,
          ioBytes: image.ioBytes,
          stateBytes: image.stateBytes,
          scratchBytes: program.shape.scratchBytes,
        },
        kernels: kernelCalls(program),
        ...(options.device === 'cuda' && { onProcessor: callsOnProcessor(program.compiled) }),
      };
    }),
  };
}
