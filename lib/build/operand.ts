/** What a function of the builder takes and returns: a value of a graph under construction, or a concrete tensor. */
import type { Tensor } from 'onnxruntime-common';
import { arrayConstructor, type DType } from '../dtype.js';
import { dsnkError, spelled } from '../errors.js';
import type { Shape } from '../graph/dim.js';
import { type AttrValue, Constant, type Domain, type Graph, type Value } from '../graph/graph.js';
import { inferNode } from '../ops/infer.js';
import { readTensor, type TensorLike } from '../tensor.js';
import { scalarConstant } from './scalar.js';

/** A value of a graph under construction. */
export class Operand {
  constructor(
    /** @internal */ readonly graph: Graph,
    /** @internal */ readonly value: Value,
  ) {}

  get dataType(): DType {
    return this.value.type;
  }

  /** Numbers, and names for symbolic dimensions. */
  get shape(): Shape {
    if (this.value.shape === undefined)
      throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', `operand "${this.value.name}"`, 'rank must be known', 'it depends on tensor contents');
    return this.value.shape;
  }
}

/** Everything that a builder function accepts where a tensor is meant; numbers become scalars of the other operand's type. */
export type Arg = Operand | TensorLike | number;

/** The result type: an operand as soon as one argument is one, else a tensor. */
export type Result<A> = Operand extends A ? Operand : A extends Operand ? Operand : Tensor;

export interface Emission {
  readonly op: string;
  readonly domain?: Domain;
  readonly inputs: readonly (Arg | undefined)[];
  readonly attrs?: Readonly<Record<string, AttrValue | undefined>>;
  readonly outputs?: number;
  /** Element type of numbers among the inputs; default: that of the first tensor or operand. */
  readonly scalarType?: DType;
  /** A name for the node, in messages and reports. */
  readonly label?: string | undefined;
}

type Eager = (emission: Emission & { readonly inputs: readonly (TensorLike | undefined)[] }) => Tensor[];
let eager: Eager | undefined;

/** The runtime registers how concrete tensors are computed; the builder itself needs no addon. */
export function registerEager(run: Eager): void {
  eager = run;
}

/** Element type of an argument; undefined for a number. */
export function typeOf(x: Arg | undefined): DType | undefined {
  if (x instanceof Operand) return x.dataType;
  return typeof x === 'object' && x !== null ? (x.type as DType) : undefined;
}

/** Dimensions of an argument; throws where an operand's rank depends on tensor contents. */
export function shapeOf(x: Exclude<Arg, number>): Shape {
  return x instanceof Operand ? x.shape : x.dims;
}

/** Tells a forgotten argument from an optional one that was left out. */
function checkInputs({ op, inputs, label }: Emission): void {
  if (label !== undefined && typeof label !== 'string') throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', op, 'label must be a string', `${spelled(label)} came`);
  if (inputs[0] === undefined || inputs.some((x) => x !== undefined && typeof x !== 'number' && (typeof x !== 'object' || x === null))) {
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      op,
      'arguments must be operands, tensors or numbers',
      `${inputs.map((x) => (x === null ? 'null' : typeof x)).join(', ')} came`,
    );
  }
}

const scalarType = (emission: Emission): DType => emission.scalarType ?? emission.inputs.map(typeOf).find((t) => t !== undefined) ?? 'float32';

/** Adds a node to the graph of the operands among the inputs, or computes it at once when all are concrete. */
export function emit(emission: Emission): (Operand | Tensor)[] {
  checkInputs(emission);
  const graph = emission.inputs.find((x): x is Operand => x instanceof Operand)?.graph;
  if (graph !== undefined) return emitInto(graph, emission);
  const dtype = scalarType(emission);
  const inputs = emission.inputs.map((x) => (typeof x === 'number' ? scalarTensor(emission.op, x, dtype) : (x as TensorLike | undefined)));
  if (eager === undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', emission.op, 'eager calls must come after the runtime is loaded', 'import them from ds-native-kernels');
  return eager({ ...emission, inputs });
}

/** Adds a node to a graph; throws the operator's own worded errors. */
export function emitInto(graph: Graph, emission: Emission): Operand[] {
  const dtype = scalarType(emission);
  const inputs = emission.inputs.map((x) => (x === undefined ? undefined : valueFor(graph, emission.op, x, dtype)));
  const node = graph.createNode(emission.op, inputs, {
    ...(emission.domain !== undefined && { domain: emission.domain }),
    attrs: { ...emission.attrs },
    outputs: emission.outputs ?? 1,
    ...(emission.label !== undefined && { name: emission.label }),
  });
  inferNode(node, { concrete: false });
  graph.nodes.push(node);
  return node.outputs.map((v) => new Operand(graph, v));
}

function valueFor(graph: Graph, op: string, arg: Arg, dtype: DType): Value {
  if (arg instanceof Operand) {
    if (arg.graph !== graph)
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `operand "${arg.value.name}"`, 'operands must belong to one builder', 'two were mixed');
    return arg.value;
  }
  if (typeof arg === 'number') return graph.addConstant(scalarConstant(op, arg, dtype));
  const t = readTensor(arg, 'constant');
  // A copy: the caller keeps theirs and may change it.
  const bytes = new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength).slice();
  return graph.addConstant(new Constant(t.dtype, [...t.dims], () => bytes));
}

function scalarTensor(op: string, x: number, dtype: DType): TensorLike {
  const bytes = scalarConstant(op, x, dtype).read();
  const ctor = arrayConstructor(dtype);
  return { type: dtype, dims: [], data: new ctor(bytes.buffer, bytes.byteOffset, bytes.byteLength / ctor.BYTES_PER_ELEMENT) };
}

/** Throws ERR_DSNK_INVALID_ARGUMENT where an option is none of these. */
export function oneOf(where: string, name: string, value: unknown, list: readonly string[]): void {
  if (!list.includes(value as string))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `${name} must be ${list.map((v) => `'${v}'`).join(' or ')}`, `${spelled(value)} came`);
}

/** Throws ERR_DSNK_INVALID_ARGUMENT where an option is no integer. */
export function integer(where: string, name: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `${name} must be an integer`, `${spelled(value)} came`);
  return value;
}

/** A small int64 tensor for axes, shapes and the like. */
export function ints(values: readonly number[]): TensorLike {
  try {
    if (!Array.isArray(values) && !ArrayBuffer.isView(values)) throw new TypeError('no list');
    return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) };
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'axes, shapes and sizes', 'must be lists of integers', `${spelled(values)} came`, cause);
  }
}
