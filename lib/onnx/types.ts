/** TypeProto to element type and shape, with a name for every dimension that has none. */
import { type DType, dtypeFromOnnx } from '../dtype.js';
import { dsnkError } from '../errors.js';
import type { Dim } from '../graph/dim.js';
import { type GraphProto, type TypeProto, type ValueInfoProto, valueInfoProto } from './proto.js';
import { readMessage } from './wire.js';

export interface ValueType {
  readonly dtype: DType;
  /** undefined: the rank is not said. */
  readonly shape: Dim[] | undefined;
}

/** The types that a file states for values in between. One that cannot be read is none. */
export function statedTypes(graph: GraphProto): ValueInfoProto[] {
  return graph.valueInfo.flatMap((bytes) => {
    try {
      return [readMessage(valueInfoProto, bytes)];
    } catch {
      return [];
    }
  });
}

/** Names for unnamed dimensions, none of which the model uses itself. */
export class Symbols {
  #names: Set<string> | undefined;

  constructor(readonly graph: GraphProto) {}

  /** Collected at the first use: most models name their dimensions, or have none that need a name. */
  get #used(): Set<string> {
    if (this.#names !== undefined) return this.#names;
    this.#names = new Set();
    for (const v of [...this.graph.input, ...this.graph.output, ...statedTypes(this.graph)]) {
      if (v.type?.value.case !== 'tensorType') continue;
      for (const d of v.type.value.value.shape?.dim ?? []) if (d.value.case === 'dimParam') this.#names.add(d.value.value);
    }
    return this.#names;
  }

  fresh(name: string, axis: number): string {
    const stem = `${name.replace(/\W/g, '_')}_d${axis}`;
    let symbol = stem;
    for (let i = 1; this.#used.has(symbol); i++) symbol = `${stem}_${i}`;
    this.#used.add(symbol);
    return symbol;
  }
}

/** undefined where the type is not a tensor (sequence, map, optional, sparse tensor). */
export function valueType(proto: TypeProto, name: string, symbols: Symbols, where: string): ValueType | undefined {
  if (proto.value.case !== 'tensorType') return undefined;
  const { elemType, shape } = proto.value.value;
  const dtype = dtypeFromOnnx(elemType, where);
  const dims = shape?.dim.map(({ value }, axis): Dim => {
    if (value.case === 'dimParam' && value.value !== '') return value.value;
    // Some exporters write -1 for a dimension they do not know.
    if (value.case !== 'dimValue' || value.value === -1n) return symbols.fresh(name, axis);
    const size = Number(value.value);
    if (!Number.isSafeInteger(size) || size < 0) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'dimensions must be non-negative integers', `${value.value} came for axis ${axis}`);
    }
    return size;
  });
  return { dtype, shape: dims };
}

/** What a type that is not a tensor is called, for messages. */
export function typeKind(proto: TypeProto | undefined): string {
  switch (proto?.value.case) {
    case 'sequenceType':
      return 'sequence';
    case 'mapType':
      return 'map';
    case 'optionalType':
      return 'optional';
    case 'sparseTensorType':
      return 'sparse tensor';
    default:
      return 'missing type';
  }
}
