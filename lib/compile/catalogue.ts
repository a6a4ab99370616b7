/** The native kernel table as the compiler sees it. It is an argument everywhere: compiler tests need no binary. */

export interface KernelRow {
  readonly id: number;
  /** `gemm_f32_avx512`. */
  readonly name: string;
  readonly op: string;
  /** One letter per operand, outputs first: see native/kernels/kernel.h. */
  readonly operands: string;
  /** Bit i: output 0 may lie exactly on operand i. */
  readonly inPlace: number;
  readonly paramBytes: number;
  readonly tail: boolean;
  readonly dtypes: string;
  readonly isa: string;
  /** Packed operand layout: columns per panel, k per group (0 = none). */
  readonly nr: number;
  readonly kr: number;
  readonly usable: boolean;
  /** Set where the row trades precision for speed and this processor gives none: selection leaves it out. */
  readonly slow?: boolean;
}

export interface Catalogue {
  readonly hash: number;
  readonly kernels: readonly KernelRow[];
  /** Set where programs run on a GPU: what a launch takes of parameters. */
  readonly gpu?: { readonly paramBytes: number };
}

const rowsByOp = new WeakMap<Catalogue, Map<string, KernelRow[]>>();

/** Rows of an operation that fit the types, best first. */
export function candidates(catalogue: Catalogue, op: string, dtypes: string): KernelRow[] {
  let table = rowsByOp.get(catalogue);
  if (table === undefined) {
    table = new Map();
    for (const k of catalogue.kernels) {
      const rows = table.get(k.op);
      if (rows === undefined) table.set(k.op, [k]);
      else rows.push(k);
    }
    rowsByOp.set(catalogue, table);
  }
  return (table.get(op) ?? []).filter((k) => (k.dtypes === dtypes || k.dtypes === 'any') && k.usable);
}

/** The same table for a compile that must not use some of its rows. */
export function without(catalogue: Catalogue, refused: (row: KernelRow) => boolean): Catalogue {
  return { ...catalogue, kernels: catalogue.kernels.map((k) => (refused(k) ? { ...k, usable: false } : k)) };
}

/** Whether a row is one for GPUs: named by the least compute capability. */
export const isGpuRow = (row: KernelRow) => row.isa.startsWith('sm');

/** The same table for programs of a GPU that runs the rows of these ISAs, with so many bytes of parameters in a launch. */
export function rowsOn(catalogue: Catalogue, isas: readonly string[], paramBytes: number): Catalogue {
  return { hash: catalogue.hash, kernels: catalogue.kernels.map((k) => (isas.includes(k.isa) ? { ...k, usable: true } : k)), gpu: { paramBytes } };
}

/** Rows of Winograd algorithms, whose rounding errors are larger than those of the sum as it is written. */
export const isWinograd = (row: KernelRow) => row.op.startsWith('conv_winograd');
