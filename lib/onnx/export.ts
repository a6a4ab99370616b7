/**
 * A Graph to an ONNX file that other runtimes load: weights as raw data, the lowest opset from 21 on that has every
 * operator used, and the IR version of that time. Nodes are in their newest form already, which is that of opset 21 for
 * all older operators.
 */
import { type DType, dtypes } from '../dtype.js';
import { dsnkError, dsnkErrorList } from '../errors.js';
import type { Shape } from '../graph/dim.js';
import { assertGraph, type Constant, Graph, type Node, type Value } from '../graph/graph.js';
import { findOperator } from '../ops/index.js';
import { attributeProto } from './attributes.js';
import { type AttributeProto, type GraphProto, modelProto, type NodeProto, type TensorProto, type ValueInfoProto, valueInfoProto } from './proto.js';
import { StringConstant } from './tensors.js';
import { type Init, writeMessage } from './wire.js';

export interface ExportOptions {
  /** Versions of other domains than ai.onnx; 1 where not given. */
  readonly opsets?: ReadonlyMap<string, number> | undefined;
  readonly metadata?: ReadonlyMap<string, string> | undefined;
  readonly producer?: string | undefined;
  /** false leaves out the types of values between nodes, which readers can infer. Default true. */
  readonly valueInfo?: boolean | undefined;
}

/** Protobuf messages end here. */
const MAX_BYTES = 2 ** 31 - 1;
const BASE_OPSET = 21;
const introducedTypes: Partial<Record<DType, number>> = { float4e2m1: 23, float8e8m0: 24, uint2: 25, int2: 25 };
const irVersions: Readonly<Record<number, bigint>> = { 21: 10n, 22: 10n, 23: 11n, 24: 12n, 25: 13n, 26: 13n };

export function exportModel(graph: Graph, options: ExportOptions = {}): Uint8Array {
  assertGraph(graph, 'exportModel');
  const exporter = new Exporter(options.valueInfo ?? true);
  const proto = exporter.graph(graph, new Names());
  if (exporter.internal.length > 0) {
    throw dsnkErrorList('ERR_DSNK_UNSUPPORTED_OP', `model "${graph.name}"`, 'only standard operators can be written to ONNX', exporter.internal);
  }
  if (exporter.bytes > MAX_BYTES) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${graph.name}"`, 'an ONNX file must have less than 2 GiB', `weights of ${exporter.bytes} bytes came`);
  }
  const domains = [...exporter.domains].filter((d) => d !== '').sort();
  return writeMessage(modelProto, {
    irVersion: irVersions[exporter.opset] ?? 13n,
    producerName: options.producer ?? 'ds-native-kernels',
    opsetImport: [{ domain: '', version: BigInt(exporter.opset) }, ...domains.map((domain) => ({ domain, version: BigInt(options.opsets?.get(domain) ?? 1) }))],
    graph: proto,
    metadataProps: [...(options.metadata ?? [])].map(([key, value]) => ({ key, value })),
  });
}

/** One name for every value, none twice in a scope or the scopes around it. */
class Names {
  readonly #names: Map<Value, string>;
  readonly #used: Set<string>;

  constructor(outer?: Names) {
    this.#names = new Map(outer === undefined ? [] : outer.#names);
    this.#used = new Set(outer === undefined ? [] : outer.#used);
  }

  has(value: Value): boolean {
    return this.#names.has(value);
  }

  /** An inner value that stands for an outer one. */
  alias(inner: Value, outer: Value): void {
    this.#names.set(inner, this.of(outer));
  }

  of(value: Value): string {
    let name = this.#names.get(value);
    if (name === undefined) {
      const stem = value.name === '' ? 'value' : value.name;
      name = stem;
      for (let i = 1; this.#used.has(name); i++) name = `${stem}:${i}`;
      this.#used.add(name);
      this.#names.set(value, name);
    }
    return name;
  }
}

/** The first of a name keeps it; nodes without one stay so. */
function uniqueNames(names: readonly string[]): string[] {
  const [taken, seen] = [new Set(names), new Set<string>()];
  return names.map((stem) => {
    let name = stem;
    if (stem !== '' && seen.has(stem)) for (let i = 1; taken.has(name); i++) name = `${stem}:${i}`;
    taken.add(name);
    seen.add(name);
    return name;
  });
}

/** Constants that several bodies inside a graph read: they are written once, around them. */
function sharedInside(graph: Graph): Value[] {
  const [seen, shared] = [new Set<Value>(), new Set<Value>()];
  const bodies = (g: Graph) => g.nodes.flatMap((n) => [...n.attrs.values()].filter((a) => a instanceof Graph));
  const look = (body: Graph) => {
    for (const v of new Set([...body.outputs, ...body.nodes.flatMap((n) => n.inputs)])) if (v?.constant !== undefined) (seen.has(v) ? shared : seen).add(v);
    bodies(body).forEach(look);
  };
  bodies(graph).forEach(look);
  return [...shared];
}

class Exporter {
  constructor(readonly valueInfo: boolean) {}

  readonly domains = new Set<string>();
  /** Nodes that only exist inside this package. */
  readonly internal: string[] = [];
  opset = BASE_OPSET;
  bytes = 0;

  /** `captured` names the values behind the last inputs of a closed subgraph. */
  graph(graph: Graph, names: Names, captured: readonly Value[] = []): Init<GraphProto> {
    const formal = graph.inputs.slice(0, graph.inputs.length - captured.length);
    for (const [i, outer] of captured.entries()) names.alias(graph.inputs[formal.length + i] as Value, outer);
    const initializers = new Map<Value, Constant>();
    const read = (v: Value | undefined) => {
      if (v?.constant !== undefined && !names.has(v)) initializers.set(v, v.constant);
    };
    // What callers see keeps its name whatever else has it; all names stand before subgraphs choose theirs.
    for (const v of formal) names.of(v);
    for (const v of graph.outputs) read(v);
    for (const v of graph.outputs) names.of(v);
    for (const n of graph.nodes) for (const v of n.outputs) names.of(v);
    for (const n of graph.nodes) for (const v of n.inputs) read(v);
    for (const v of sharedInside(graph)) read(v);
    for (const v of initializers.keys()) names.of(v);
    // Readers refuse a graph where two nodes share a name.
    const nodes = uniqueNames(graph.nodes.map((n) => n.name));
    const made = (this.valueInfo ? graph.nodes : []).flatMap((n) => n.outputs).filter((v) => v.dtype !== undefined && !graph.outputs.includes(v));
    return {
      name: graph.name,
      input: formal.map((v) => this.#valueInfo(v, names)),
      output: graph.outputs.map((v) => this.#valueInfo(v, names)),
      valueInfo: made.map((v) => writeMessage(valueInfoProto, this.#valueInfo(v, names))),
      initializer: [...initializers].map(([v, c]) => this.#tensor(c, names.of(v))),
      node: graph.nodes.map((n, i) => this.#node(n, nodes[i] as string, names)),
    };
  }

  #node(node: Node, name: string, names: Names): Init<NodeProto> {
    if (node.domain === 'dsnk') this.internal.push(node.where);
    this.domains.add(node.domain);
    if (node.domain === '') this.opset = Math.max(this.opset, findOperator('', node.op)?.since ?? 1);
    const captures = node.attrs.has('captures') ? node.int('captures') : 0;
    const own = node.inputs.slice(0, node.inputs.length - captures);
    // A trailing empty name counts as an input that is given, for some runtimes.
    while (own.length > 0 && own[own.length - 1] === undefined) own.pop();
    const captured = node.inputs.slice(node.inputs.length - captures).filter((v) => v !== undefined);
    const inner = (g: Graph) => this.graph(g, new Names(names), captured);
    const attribute: Init<AttributeProto>[] = [];
    for (const [key, value] of node.attrs) {
      if (key === 'captures') continue;
      attribute.push(attributeProto(key, value, node.where, (c) => this.#tensor(c, ''), inner));
    }
    return {
      opType: node.op,
      domain: node.domain,
      name,
      input: own.map((v) => (v === undefined ? '' : names.of(v))),
      output: node.outputs.map((v) => names.of(v)),
      attribute,
    };
  }

  #tensor(constant: Constant, name: string): Init<TensorProto> {
    this.#needs(constant.dtype);
    const proto = { name, dataType: dtypes[constant.dtype].onnx, dims: constant.dims.map(BigInt) };
    if (constant instanceof StringConstant) return { ...proto, stringData: [...constant.strings] };
    this.bytes += constant.byteLength;
    return { ...proto, rawData: constant.read() };
  }

  #needs(dtype: DType): void {
    this.opset = Math.max(this.opset, introducedTypes[dtype] ?? 0);
  }

  #valueInfo(v: Value, names: Names): Init<ValueInfoProto> {
    const name = names.of(v);
    if (v.dtype === undefined) return { name };
    this.#needs(v.dtype);
    return { name, type: { value: { case: 'tensorType', value: { elemType: dtypes[v.dtype].onnx, ...(v.shape && { shape: shapeProto(v.shape) }) } } } };
  }
}

function shapeProto(shape: Shape) {
  return {
    dim: shape.map((d) => ({
      value: typeof d === 'number' ? { case: 'dimValue' as const, value: BigInt(d) } : { case: 'dimParam' as const, value: d },
    })),
  };
}
