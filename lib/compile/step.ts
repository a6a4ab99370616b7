/** Kernel calls and the memory they work on, before a place in memory is given to any of it: what lowering makes and planning reads. */
import type { Constant, Node } from '../graph/graph.js';
import type { KernelRow } from './catalogue.js';

/** A piece of memory with a lifetime. The planner decides where it lies. */
export class Buffer {
  /** Known before any run: a constant, or made by the init program from constants. */
  constant: boolean;
  /** Identity of the contents, for constants: equal keys hold equal bytes. */
  key: string | undefined;
  /** Set for a constant as it stands in the model. */
  source: Constant | undefined;
  /** Position among the graph's inputs, outputs or states, for memory that outlives the program's run. */
  io: { readonly kind: 'input' | 'output' | 'state'; readonly index: number } | undefined;
  /** Written by several calls, each a part of it: see placement.ts. Every other buffer is written by one. */
  inParts = false;

  constructor(
    public bytes: number,
    readonly label: string,
    init: { constant?: boolean; key?: string; source?: Constant; io?: Buffer['io'] } = {},
  ) {
    this.constant = init.constant ?? false;
    this.key = init.key;
    this.source = init.source;
    this.io = init.io;
  }
}

/** A range of a buffer: what a kernel operand is. */
export interface Ref {
  readonly buffer: Buffer;
  readonly offset: number;
  /** From the first byte to behind the last; with `rowStride` what lies between the rows belongs to others. */
  readonly bytes: number;
  /** Bytes from row to row, where the rows of a result are not dense (Operator.writesRows). */
  readonly rowStride?: number;
}

/** One kernel call. */
export interface Step {
  readonly kernel: KernelRow;
  readonly outputs: readonly (Ref | undefined)[];
  readonly inputs: readonly (Ref | undefined)[];
  readonly params: Uint32Array;
  /** The node it came from, for reports and error messages. */
  readonly node: Node | undefined;
  /** Why this kernel. */
  readonly reason: string;
  /** Where this is part of a way that a policy was asked about. */
  readonly site?: string;
}

export interface LoweredGraph {
  readonly init: Step[];
  readonly main: Step[];
  /** Those that runs are given and return. */
  readonly inputs: Ref[];
  readonly outputs: Ref[];
  readonly states: Ref[];
  /** Which of the inputs and outputs are open: see Graph.open. */
  readonly open?: { readonly inputs: readonly boolean[]; readonly outputs: readonly boolean[] };
}

/** All of a buffer. */
export function whole(buffer: Buffer): Ref {
  return { buffer, offset: 0, bytes: buffer.bytes };
}
