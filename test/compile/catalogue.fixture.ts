/** A small kernel table for compiler tests, which need no binary: one row per way a kernel can treat its operands. */
import type { Catalogue, KernelRow } from '../../lib/compile/catalogue.js';

function row(id: number, op: string, operands: string, form: Partial<KernelRow> = {}): KernelRow {
  return {
    id,
    name: `${op}_scalar`,
    op,
    operands,
    inPlace: 0,
    paramBytes: 0,
    tail: false,
    dtypes: 'any',
    isa: 'scalar',
    nr: 0,
    kr: 0,
    usable: true,
    ...form,
  };
}

export const copy = row(0, 'copy', 'wr', { paramBytes: 8 });
/** May write over its input. */
export const relu = row(1, 'relu', 'wr', { inPlace: 0b10 });
/** May write over either input. */
export const add = row(2, 'add', 'wrr', { inPlace: 0b110 });
/** May not write over anything. */
export const conv = row(3, 'conv', 'wrr');
export const pack = row(4, 'pack', 'wr');
export const split = row(5, 'split', 'wwr');

export const catalogue: Catalogue = { hash: 0x5eed, kernels: [copy, relu, add, conv, pack, split] };
