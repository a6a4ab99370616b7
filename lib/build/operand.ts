/** What a function of the builder takes and returns: a value of a graph under construction, or a concrete tensor. */
import type { Tensor } from 'onnxruntime-common';
import { arrayConstructor, type DType, type TypedArray } from '../dtype.js';
import { dsnkError } from '../errors.js';
import type { Shape } from '../graph/dim.js';
import { type AttrValue, Constant, type Domain, type Graph, type Value } from '../graph/graph.js';
import { inferNode } from '../ops/infer.js';
import { readTensor, type TensorLike } from '../tensor.js';

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
  /** A name for the node, in messages and reports. */
  readonly label?: string | undefined;
}

type Eager = (emission: Emission & { readonly inputs: readonly (TensorLike | undefined)[] }) => Tensor[];
let eager: Eager | undefined;

/** The runtime registers how concrete tensors are computed; the builder itself needs no addon. */
export function registerEager(run: Eager): void {
  eager = run;
}

/** Adds a node to the graph of the operands among the inputs, or computes it at once when all are concrete. */
export function emit(emission: Emission): (Operand | Tensor)[] {
  const graph = emission.inputs.find((x): x is Operand => x instanceof Operand)?.graph;
  if (graph !== undefined) return emitInto(graph, emission);
  const dtype = emission.inputs.map((x) => (typeof x === 'object' ? (x as TensorLike).type : undefined)).find((t) => t !== undefined) ?? 'float32';
  const inputs = emission.inputs.map((x) => (typeof x === 'number' ? scalarTensor(x, dtype as DType) : (x as TensorLike | undefined)));
  if (eager === undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', emission.op, 'eager calls must come after the runtime is loaded', 'import them from ds-native-kernels');
  return eager({ ...emission, inputs });
}

/** Adds a node to a graph; throws the operator's own worded errors. */
export function emitInto(graph: Graph, emission: Emission): Operand[] {
  const typed = emission.inputs.find((x) => typeof x === 'object');
  const dtype = typed instanceof Operand ? typed.dataType : ((typed as TensorLike | undefined)?.type ?? 'float32');
  const inputs = emission.inputs.map((x) => (x === undefined ? undefined : valueFor(graph, x, dtype as DType)));
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

function valueFor(graph: Graph, arg: Arg, dtype: DType): Value {
  if (arg instanceof Operand) {
    if (arg.graph !== graph)
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `operand "${arg.value.name}"`, 'operands must belong to one builder', 'two were mixed');
    return arg.value;
  }
  if (typeof arg === 'number') return graph.addConstant(Constant.of(dtype, [], [arg]));
  const t = readTensor(arg, 'constant');
  // A copy: the caller keeps theirs and may change it.
  const bytes = new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength).slice();
  return graph.addConstant(new Constant(t.dtype, [...t.dims], () => bytes));
}

function scalarTensor(x: number, dtype: DType): TensorLike {
  const c = Constant.of(dtype, [], [x]);
  const bytes = c.read();
  return { type: dtype, dims: [], data: typedArrayOver(dtype, bytes) };
}

function typedArrayOver(dtype: DType, bytes: Uint8Array): TypedArray {
  const ctor = arrayConstructor(dtype);
  return new ctor(bytes.buffer, bytes.byteOffset, bytes.byteLength / ctor.BYTES_PER_ELEMENT);
}

/** A small int64 tensor for axes, shapes and the like. */
export function ints(values: readonly number[]): TensorLike {
  return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) };
}
