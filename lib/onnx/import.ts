/**
 * An ONNX file to a Graph: initializers become constants that point at the file's bytes, every node is brought to the
 * newest form of its operator (upgrade.ts), functions of the model are inlined, and the file's order is not trusted.
 * What is damaged throws ERR_DSNK_INVALID_MODEL; what is merely not supported is collected in `problems`.
 */
import { dsnkError, spelled } from '../errors.js';
import { type AttrValue, type Constant, type Domain, Graph, Node, Value } from '../graph/graph.js';
import { findOperator } from '../ops/index.js';
import { inferNode } from '../ops/infer.js';
import { attribute } from './attributes.js';
import { constantNode } from './constant-node.js';
import { ExternalFolder, ModelBytes } from './model-bytes.js';
import { nodeWhere, orderNodes } from './order.js';
import { type FunctionProto, type GraphProto, type ModelProto, modelProto, type NodeProto, type TypeProto, type ValueInfoProto } from './proto.js';
import { TensorReader } from './tensors.js';
import { Symbols, statedTypes, typeKind, valueType } from './types.js';
import { upgradeNode } from './upgrade.js';
import { readMessage } from './wire.js';

/** The newest opset of ai.onnx whose forms the operators implement. */
export const NEWEST_OPSET = 26;
/** Functions inside functions multiply: a small file may not ask for more nodes than this. */
const MAX_NODES = 1_000_000;
const MAX_FUNCTION_DEPTH = 64;

export interface ImportOptions {
  /** Where the bytes came from: lets the buffer be detached after the load, and names the folder of external data. */
  readonly source?: { readonly path: string } | undefined;
  /** Folder of external data, for a model given as bytes. */
  readonly folder?: string | undefined;
}

export interface ImportedModel {
  readonly graph: Graph;
  /** Domain → version as the file says; '' is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Opsets and types this version does not run, one line each: for `assertSupported`. */
  readonly problems: readonly string[];
}

export function importModel(given: Uint8Array, options: ImportOptions = {}): ImportedModel {
  if (typeof options !== 'object' || options === null)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'importModel', 'options must be an object', `${spelled(options)} came`);
  if (!ArrayBuffer.isView(given))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'importModel', 'bytes must be a Uint8Array, the contents of a model file', `${typeof given} came`);
  // A Buffer's slice() does not copy: only plain arrays go further.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  const where = options.source === undefined ? 'model' : `model "${options.source.path}"`;
  if (bytes.length === 0) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'bytes must be an ONNX model', 'none came');
  let model: ModelProto;
  try {
    model = readMessage(modelProto, bytes);
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'bytes must be an ONNX model', cause instanceof Error ? cause.message : `${cause}`, cause);
  }
  if (model.graph === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'bytes must be an ONNX model', 'there is no graph in them');
  const tensors = new TensorReader(new ModelBytes(bytes, options.source?.path), new ExternalFolder(options));
  const opsets = opsetsOf(model.opsetImport);
  // Before IR 3 there was no opset_import: such files are opset 1.
  if (!opsets.has('') && model.irVersion < 3n) opsets.set('', 1);
  const importer = new Importer(model, tensors);
  const opset = opsets.get('') ?? 0;
  if (opset > NEWEST_OPSET) importer.problems.push(`opset ${opset} of ai.onnx: the newest here is ${NEWEST_OPSET}`);
  const graph = importer.graph(model.graph, undefined, { opsets, attrs: undefined, prefix: '', depth: 0 });
  return {
    graph,
    opsets,
    irVersion: Number(model.irVersion),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    metadata: new Map(model.metadataProps.map((p) => [p.key, p.value])),
    problems: importer.problems,
  };
}

const canonicalDomain = (domain: string): Domain => (domain === 'ai.onnx' ? '' : domain);

function opsetsOf(list: ModelProto['opsetImport']): Map<string, number> {
  return new Map(list.map(({ domain, version }) => [canonicalDomain(domain), Number(version)]));
}

/** Names visible at a place; a subgraph sees those around it. */
class Scope {
  readonly #values = new Map<string, Value>();

  constructor(readonly outer: Scope | undefined) {}

  find(name: string): Value | undefined {
    return this.#values.get(name) ?? this.outer?.find(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** The types that a file states for what nodes make: a start where inference finds none, never trusted. */
class Hints {
  #types: Map<string, TypeProto | undefined> | undefined;

  constructor(
    readonly graph: GraphProto,
    readonly symbols: Symbols,
  ) {}

  /** Types `value`; only its elements where inference has `inferred` that its shape follows from contents. */
  tell(value: Value, inferred: boolean): void {
    this.#types ??= new Map([...statedTypes(this.graph), ...this.graph.output].map((v) => [v.name, v.type]));
    const type = this.#types.get(value.name);
    if (type === undefined) return;
    try {
      const stated = valueType(type, value.name, this.symbols, value.name);
      value.dtype = stated?.dtype ?? value.dtype;
      if (!inferred) value.shape = stated?.shape;
    } catch {
      // A hint that makes no sense is no hint.
    }
  }
}

/** What holds for all nodes of one body: the model's graph and its subgraphs, or one inlined function. */
interface Frame {
  readonly opsets: ReadonlyMap<string, number>;
  /** Attributes of the call, inside a function. */
  readonly attrs: ReadonlyMap<string, AttrValue> | undefined;
  readonly prefix: string;
  readonly depth: number;
}

class Importer {
  readonly problems: string[] = [];
  readonly #functions = new Map<string, FunctionProto>();
  readonly #names = new Set<string>();
  /** Names that some node or graph output reads, outside of functions. */
  readonly #read = new Set<string>();
  readonly #symbols: Symbols;
  #nodes = 0;

  constructor(
    model: ModelProto,
    readonly tensors: TensorReader,
  ) {
    for (const f of model.functions) {
      const key = functionKey(f.domain, f.name, f.overload);
      if (this.#functions.has(key)) throw dsnkError('ERR_DSNK_INVALID_MODEL', `function "${f.name}"`, 'functions must have different names');
      this.#functions.set(key, f);
    }
    const graph = model.graph as GraphProto;
    this.#symbols = new Symbols(graph);
    this.#collectNames(graph);
  }

  #collectNames(graph: GraphProto): void {
    for (const v of graph.input) this.#names.add(v.name);
    for (const v of graph.output) this.#read.add(v.name);
    for (const t of graph.initializer) this.#names.add(t.name);
    for (const n of graph.node) {
      for (const name of n.output) this.#names.add(name);
      for (const name of n.input) this.#read.add(name);
      for (const a of n.attribute) for (const g of a.g === undefined ? a.graphs : [a.g, ...a.graphs]) this.#collectNames(g);
    }
  }

  /** A value name that the model does not use. */
  fresh(stem: string): string {
    let name = stem;
    for (let i = 1; this.#names.has(name); i++) name = `${stem}:${i}`;
    this.#names.add(name);
    return name;
  }

  graph(proto: GraphProto, outer: Scope | undefined, frame: Frame): Graph {
    const graph = new Graph(proto.name === '' ? 'graph' : proto.name);
    const scope = new Scope(outer);
    const where = `graph "${graph.name}"`;
    const define = (name: string, value: Value, what: string) => {
      if (name === '') throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `${what} must have a name`);
      if (scope.has(name)) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'values must be made once', `"${name}" is made a second time`);
      scope.set(name, value);
    };
    const constant = (name: string, c: Constant) => define(name, graph.addConstant(c, name), 'initializer');
    for (const t of proto.initializer) constant(t.name, this.tensors.constant(t, `initializer "${t.name}"`));
    for (const t of proto.sparseInitializer) {
      const name = t.values?.name ?? '';
      constant(name, this.tensors.sparse(t, `initializer "${name}"`));
    }
    for (const v of proto.input) {
      // An input with a default value (IR 3 lists every initializer so) is the constant.
      if (scope.find(v.name)?.constant !== undefined && scope.has(v.name)) continue;
      const value = this.#typed(v, `input "${v.name}"`, outer !== undefined);
      define(v.name, value, 'input');
      graph.inputs.push(value);
    }
    this.#body(graph, proto.node, scope, frame, new Hints(proto, this.#symbols), where);
    const outputs = new Set<string>();
    for (const v of proto.output) {
      const value = scope.find(v.name);
      if (value === undefined)
        throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'outputs must be made by a node, an input or an initializer', `"${v.name}" is not`);
      if (outputs.has(v.name)) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'outputs must have different names', `"${v.name}" came twice`);
      outputs.add(v.name);
      graph.outputs.push(value.name === v.name ? value : this.#renamed(graph, value, v.name));
      if (outer === undefined && v.type !== undefined && v.type.value.case !== undefined && v.type.value.case !== 'tensorType') {
        this.problems.push(`output "${v.name}": type ${typeKind(v.type)}`);
      }
    }
    return graph;
  }

  /** An inlined function may hand an input through: the output has its own name all the same. */
  #renamed(graph: Graph, value: Value, name: string): Value {
    const node = new Node('Identity', '', name, [value], [new Value(name, value)]);
    graph.nodes.push(node);
    return node.output();
  }

  #typed(v: ValueInfoProto, where: string, inside: boolean): Value {
    const type = v.type === undefined ? undefined : valueType(v.type, v.name, this.#symbols, where);
    if (type !== undefined) return new Value(v.name, type);
    if (!inside || v.type !== undefined) {
      const kind = typeKind(v.type);
      if (kind === 'missing type') throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'inputs must have a type', 'none came');
      this.problems.push(`${where}: type ${kind}`);
    }
    return new Value(v.name);
  }

  #body(graph: Graph, nodes: readonly NodeProto[], scope: Scope, frame: Frame, hints: Hints | undefined, where: string): void {
    // Names of an outer scope may be made again inside; only those of this scope are taken.
    const ordered = orderNodes(
      nodes,
      (name) => scope.has(name),
      (name) => scope.find(name) !== undefined,
      where,
    );
    for (const proto of ordered) this.#node(graph, proto, scope, frame, hints);
  }

  #node(graph: Graph, proto: NodeProto, scope: Scope, frame: Frame, hints: Hints | undefined): void {
    const where = nodeWhere(proto);
    if (++this.#nodes > MAX_NODES) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `model must have at most ${MAX_NODES} nodes`);
    if (proto.opType === '') throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'node must have an operator');
    const domain = canonicalDomain(proto.domain);
    const name = frame.prefix + (proto.name !== '' ? proto.name : (proto.output.find((o) => o !== '') ?? proto.opType));
    const attrs = new Map<string, AttrValue>();
    for (const a of proto.attribute) {
      if (attrs.has(a.name)) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'attributes must have different names', `${a.name} came twice`);
      if (a.refAttrName !== '') {
        const given = frame.attrs?.get(a.refAttrName);
        if (given !== undefined) attrs.set(a.name, given);
        continue;
      }
      const value = attribute(a, where, this.tensors, (g) => this.graph(g, scope, frame));
      if (typeof value === 'object' && 'unsupported' in value) this.problems.push(`${where}: ${value.unsupported}`);
      else attrs.set(a.name, value);
    }
    const inputs = proto.input.map((n) => {
      const value = n === '' ? undefined : scope.find(n);
      return value === LEFT_OUT ? undefined : value;
    });
    while (inputs.length > 0 && inputs[inputs.length - 1] === undefined) inputs.pop();

    const body = this.#functions.get(functionKey(proto.domain, proto.opType, proto.overload));
    if (body !== undefined) {
      this.#call(graph, body, proto, name, inputs, attrs, scope, frame);
      return;
    }

    const outputNames = [...proto.output];
    while (outputNames.length > 0 && outputNames[outputNames.length - 1] === '') outputNames.pop();
    if (outputNames.length === 0) return; // nobody can read it
    if (domain === '' && proto.opType === 'Constant') {
      const value = graph.addConstant(constantNode(attrs, where), frame.prefix === '' ? proto.output[0] : this.fresh(frame.prefix + proto.output[0]));
      scope.set(proto.output[0] as string, value);
      return;
    }
    const outputs = outputNames.map((n, i) => {
      const value = new Value(n !== '' && frame.prefix === '' ? n : this.fresh(n === '' ? `${name}:${i}` : frame.prefix + n));
      if (n !== '') scope.set(n, value);
      return value;
    });

    const opset = frame.opsets.get(domain) ?? (domain === '' ? undefined : 1);
    if (opset === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'opset_import must have a version of ai.onnx', 'there is none');
    if (domain === '') this.#checkOpset(proto.opType, opset, where);
    const drafts =
      domain === ''
        ? upgradeNode({ op: proto.opType, name, inputs, outputs, attrs }, opset, {
            fresh: (stem) => this.fresh(stem),
            isRead: (value) => frame.prefix !== '' || this.#read.has(value),
            problem: (text) => this.problems.push(`${where} (opset ${opset}): ${text}`),
          })
        : [{ op: proto.opType, name, inputs, outputs, attrs }];
    for (const d of drafts) {
      const node = new Node(d.op, domain, d.name, d.inputs, d.outputs, d.attrs);
      graph.nodes.push(node);
      const inferred = inferIfPossible(node);
      for (const v of node.outputs) if (v.shape === undefined) hints?.tell(v, inferred);
    }
  }

  /** Opsets newer than ours are refused once for the model. */
  #checkOpset(op: string, opset: number, where: string): void {
    if (!(opset >= 1)) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'opset must be 1 or more', `${opset} came`);
    const since = findOperator('', op)?.since ?? 1;
    if (opset < since) this.problems.push(`${where}: it is of opset ${since}, the model of ${opset}`);
  }

  #call(
    graph: Graph,
    body: FunctionProto,
    proto: NodeProto,
    name: string,
    inputs: (Value | undefined)[],
    given: ReadonlyMap<string, AttrValue>,
    scope: Scope,
    frame: Frame,
  ): void {
    const where = nodeWhere(proto);
    if (frame.depth >= MAX_FUNCTION_DEPTH) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `functions must not be recursive or nested more than ${MAX_FUNCTION_DEPTH} deep`);
    }
    if (inputs.length > body.input.length || proto.output.length > body.output.length) {
      throw dsnkError(
        'ERR_DSNK_INVALID_MODEL',
        where,
        `call must have at most ${body.input.length} inputs and ${body.output.length} outputs`,
        `${inputs.length} and ${proto.output.length} came`,
      );
    }
    const attrs = new Map(given);
    for (const a of body.attributeProto) {
      if (attrs.has(a.name)) continue;
      const value = attribute(a, where, this.tensors, (g) => this.graph(g, undefined, frame));
      if (!(typeof value === 'object' && 'unsupported' in value)) attrs.set(a.name, value);
    }
    const inner = new Scope(undefined);
    for (const [i, formal] of body.input.entries()) {
      // An input the call leaves out reads as left out wherever the body passes it on.
      inner.set(formal, inputs[i] ?? LEFT_OUT);
    }
    const opsets = new Map([...frame.opsets, ...opsetsOf(body.opsetImport)]);
    this.#body(graph, body.node, inner, { opsets, attrs, prefix: `${name}/`, depth: frame.depth + 1 }, undefined, `function "${body.name}"`);
    for (const [i, formal] of body.output.entries()) {
      const actual = proto.output[i];
      if (actual === undefined || actual === '') continue;
      const value = inner.find(formal);
      if (value === undefined || value === LEFT_OUT)
        throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'function outputs must be made in its body', `"${formal}" is not`);
      // The value carries the caller's name, so that outputs of the model keep theirs.
      if (frame.prefix === '' && value.producer !== undefined && value.name.startsWith(`${name}/`)) value.name = actual;
      scope.set(actual, value);
    }
  }
}

/** Stands for an optional input that a function call left out. */
const LEFT_OUT = new Value('');

const functionKey = (domain: string, name: string, overload: string) => JSON.stringify([canonicalDomain(domain), name, overload]);

/** Types known at import help the rules that need a rank. The session infers again and words what does not fit. */
function inferIfPossible(node: Node): boolean {
  if (findOperator(node.domain, node.op) === undefined) return false;
  for (const v of node.inputs) if (v !== undefined && v.dtype === undefined) return false;
  try {
    inferNode(node, { concrete: false });
    return true;
  } catch {
    return false; // The session reports it, with all inputs known.
  }
}
