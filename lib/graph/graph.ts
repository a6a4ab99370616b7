/**
 * The intermediate representation: values, nodes in topological order, one graph. Operators keep their ONNX names and
 * attributes; nodes that only the compiler makes live in the domain `dsnk`.
 */
import { arrayConstructor, byteSize, type DType } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { type Dim, elementCount, isConcrete, type Shape } from './dim.js';

/** '' is ai.onnx. */
export type Domain = '' | 'com.microsoft' | 'ai.onnx.ml' | 'dsnk' | (string & {});

export type AttrValue = number | string | readonly number[] | readonly string[] | Constant | Graph | readonly Graph[];

/**
 * A tensor known before any run. Its bytes stay where they came from (a model file, a typed array) until a kernel of
 * the init program reads them.
 */
export class Constant {
  /** Equal only for equal contents; packed forms of this constant are cached under it. */
  readonly key: string;
  static #next = 0;

  constructor(
    readonly dtype: DType,
    readonly dims: readonly number[],
    /** Returns the little-endian bytes, exactly `byteLength` of them; may read a file. */
    readonly read: () => Uint8Array,
    key?: string,
  ) {
    this.key = key ?? `c${Constant.#next++}`;
  }

  get byteLength(): number {
    return byteSize(this.dtype, elementCount(this.dims));
  }

  static of(dtype: DType, dims: readonly number[], values: ArrayLike<number | bigint>): Constant {
    const array = new (arrayConstructor(dtype))(values.length);
    for (let i = 0; i < values.length; i++) {
      array[i] = array instanceof BigInt64Array || array instanceof BigUint64Array ? toBigInt64(values[i] as number | bigint) : Number(values[i]);
    }
    const bytes = new Uint8Array(array.buffer);
    // Named by contents: what a pass makes again for another batch size is found among the weights.
    const contents = values.length <= 16 ? Array.from(values, (v) => (Object.is(v, -0) ? '-0' : v)).join(',') : digest(bytes);
    return new Constant(dtype, [...dims], () => bytes, `${dtype}[${dims.join(',')}]=${contents}`);
  }

  /** The elements as numbers; meant for small tensors (axes, shapes, scales). Undefined for types without a number form. */
  values(): number[] | undefined {
    const bytes = this.read();
    const count = elementCount(this.dims);
    const copy = bytes.slice(); // aligned
    switch (this.dtype) {
      case 'bool':
      case 'uint8':
        return [...copy];
      case 'int8':
      case 'int16':
      case 'uint16':
      case 'int32':
      case 'uint32':
      case 'float32':
      case 'float64':
      case 'int64':
      case 'uint64':
        return Array.from(new (arrayConstructor(this.dtype))(copy.buffer, 0, count) as ArrayLike<number | bigint>, Number);
      default:
        return undefined;
    }
  }
}

/** node:crypto takes ten milliseconds to come up, and most models have no contents that need it. */
function digest(bytes: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('base64');
}

/** INT64_MAX travels through numbers as 2^63: clamp on the way back. An infinite bound is the last integer, NaN is 0. */
function toBigInt64(v: number | bigint): bigint {
  const max = 2n ** 63n - 1n;
  if (v === Number.POSITIVE_INFINITY) return max;
  if (v === Number.NEGATIVE_INFINITY) return -max - 1n;
  const b = typeof v === 'bigint' ? v : BigInt(Number.isNaN(v) ? 0 : Math.trunc(v));
  return b > max ? max : b < -max - 1n ? -max - 1n : b;
}

/** Elements that a constant computed in JavaScript may have; what is larger is for kernels, or a damaged model. */
export const MAX_COMPUTED = 2 ** 26;

export class Value {
  dtype: DType | undefined;
  shape: Shape | undefined;
  /** Elements known at compile time (shape arithmetic): row-major, symbols allowed. */
  known: readonly Dim[] | undefined;
  /** The node that makes it; undefined for graph inputs and constants. */
  producer: Node | undefined;
  constant: Constant | undefined;

  constructor(
    public name: string,
    type?: { dtype?: DType | undefined; shape?: Shape | undefined },
  ) {
    this.dtype = type?.dtype;
    this.shape = type?.shape;
  }

  /** The shape as numbers; every value of a graph that is being lowered has one. */
  get dims(): readonly number[] {
    if (this.shape === undefined || !isConcrete(this.shape)) throw new Error(`value "${this.name}" has no concrete shape yet`);
    return this.shape;
  }

  get type(): DType {
    if (this.dtype === undefined) throw new Error(`value "${this.name}" has no element type yet`);
    return this.dtype;
  }

  get byteLength(): number {
    return byteSize(this.type, elementCount(this.dims));
  }
}

export class Node {
  constructor(
    readonly op: string,
    readonly domain: Domain,
    public name: string,
    /** undefined = an optional input left out. */
    readonly inputs: (Value | undefined)[],
    readonly outputs: Value[],
    readonly attrs: Map<string, AttrValue> = new Map(),
  ) {
    for (const out of outputs) out.producer = this;
  }

  /** `Conv "stem"`, for messages. */
  get where(): string {
    return `${this.domain === '' ? '' : `${this.domain}.`}${this.op} "${this.name}"`;
  }

  /** Input i, which must be there. */
  input(i: number): Value {
    const v = this.inputs[i];
    if (v === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', this.where, `input ${i} is required`, `it is missing`);
    return v;
  }

  output(i = 0): Value {
    const v = this.outputs[i];
    if (v === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', this.where, `output ${i} is required`, 'it is missing');
    return v;
  }

  has(attr: string): boolean {
    return this.attrs.has(attr);
  }

  int(attr: string, fallback?: number): number {
    const v = this.attrs.get(attr) ?? fallback;
    if (typeof v !== 'number' || !Number.isInteger(v)) throw this.#badAttr(attr, 'an integer', v);
    return v;
  }

  float(attr: string, fallback?: number): number {
    const v = this.attrs.get(attr) ?? fallback;
    if (typeof v !== 'number') throw this.#badAttr(attr, 'a number', v);
    return v;
  }

  string(attr: string, fallback?: string): string {
    const v = this.attrs.get(attr) ?? fallback;
    if (typeof v !== 'string') throw this.#badAttr(attr, 'a string', v);
    return v;
  }

  ints(attr: string, fallback?: readonly number[]): readonly number[] {
    const v = this.attrs.get(attr) ?? fallback;
    if (!Array.isArray(v) || !v.every(Number.isInteger)) throw this.#badAttr(attr, 'a list of integers', v as AttrValue | undefined);
    return v as readonly number[];
  }

  floats(attr: string, fallback?: readonly number[]): readonly number[] {
    const v = this.attrs.get(attr) ?? fallback;
    if (!Array.isArray(v) || !v.every((x) => typeof x === 'number')) throw this.#badAttr(attr, 'a list of numbers', v as AttrValue | undefined);
    return v as readonly number[];
  }

  #badAttr(attr: string, kind: string, came: AttrValue | undefined): Error {
    return dsnkError('ERR_DSNK_INVALID_MODEL', this.where, `attribute ${attr} must be ${kind}`, came === undefined ? 'it is missing' : `${typeof came} came`);
  }
}

/** An output that becomes an input of the next run: positions among `outputs` and `inputs`. */
export interface State {
  readonly output: number;
  readonly input: number;
}

/** A dimension of which a run decides how much there is: as many as a past holds and `extra` more. */
export interface OpenAxis {
  readonly axis: number;
  readonly extra: number;
}

export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  /** What is kept between runs: its inputs are not fed, its outputs are not returned. */
  readonly states: State[] = [];
  /** Inputs and outputs that are declared with room for more than a run brings or takes: see compile/grow.ts. */
  readonly open = new Map<Value, OpenAxis>();
  /** Topologically ordered. */
  nodes: Node[] = [];
  #fresh = 0;

  constructor(public name = 'graph') {}

  addInput(name: string, dtype: DType, shape: Shape | undefined): Value {
    const v = new Value(name, { dtype, shape });
    this.inputs.push(v);
    return v;
  }

  /** Inputs that a run is given. */
  get feeds(): readonly Value[] {
    return this.states.length === 0 ? this.inputs : this.inputs.filter((_, i) => this.states.every((s) => s.input !== i));
  }

  /** Outputs that a run returns. */
  get results(): readonly Value[] {
    return this.states.length === 0 ? this.outputs : this.outputs.filter((_, i) => this.states.every((s) => s.output !== i));
  }

  addConstant(constant: Constant, name = this.freshName('const')): Value {
    const v = new Value(name, { dtype: constant.dtype, shape: constant.dims });
    v.constant = constant;
    return v;
  }

  /** Appends a node; its outputs are new values without a type unless given. */
  addNode(
    op: string,
    inputs: (Value | undefined)[],
    options: { domain?: Domain; name?: string; attrs?: Record<string, AttrValue | undefined>; outputs?: number | Value[] } = {},
  ): Node {
    const node = this.createNode(op, inputs, options);
    this.nodes.push(node);
    return node;
  }

  /** Makes a node without placing it. */
  createNode(
    op: string,
    inputs: (Value | undefined)[],
    options: { domain?: Domain; name?: string; attrs?: Record<string, AttrValue | undefined>; outputs?: number | Value[] } = {},
  ): Node {
    const name = options.name ?? this.freshName(op.toLowerCase());
    const outs = options.outputs ?? 1;
    const outputs = outs === 1 ? [new Value(name)] : typeof outs === 'number' ? Array.from({ length: outs }, (_, i) => new Value(`${name}:${i}`)) : outs;
    const attrs = new Map<string, AttrValue>();
    for (const k in options.attrs) {
      const v = options.attrs[k];
      if (v !== undefined) attrs.set(k, v);
    }
    return new Node(op, options.domain ?? '', name, inputs, outputs, attrs);
  }

  insertBefore(anchor: Node, node: Node): void {
    this.nodes.splice(this.nodes.indexOf(anchor), 0, node);
  }

  freshName(stem: string): string {
    return `${stem}.${this.#fresh++}`;
  }

  /** All consumers of every value, in node order. */
  uses(): Map<Value, Node[]> {
    const uses = new Map<Value, Node[]>();
    for (const node of this.nodes) {
      for (const v of node.inputs) {
        if (v === undefined) continue;
        const list = uses.get(v);
        if (list === undefined) uses.set(v, [node]);
        else if (list[list.length - 1] !== node) list.push(node);
      }
    }
    return uses;
  }

  isOutput(value: Value): boolean {
    return this.outputs.includes(value);
  }

  /**
   * Makes every consumer of `from` read `to`. Graph outputs are renamed along: the output keeps its name.
   */
  replaceValue(from: Value, to: Value): void {
    for (const node of this.nodes) {
      for (let i = 0; i < node.inputs.length; i++) if (node.inputs[i] === from) node.inputs[i] = to;
    }
    for (let i = 0; i < this.outputs.length; i++) if (this.outputs[i] === from) this.outputs[i] = to;
  }

  remove(dead: ReadonlySet<Node>): void {
    if (dead.size > 0) this.nodes = this.nodes.filter((n) => !dead.has(n));
  }

  /**
   * A copy of values and nodes; constants are shared. Closed subgraphs are shared too, as nobody edits them; `deep` copies
   * open ones, which read values of this graph (or of those around it, `outer`).
   */
  clone(options: { deep?: boolean; outer?: ReadonlyMap<Value, Value> } = {}): { graph: Graph; map: Map<Value, Value> } {
    const copy = new Graph(this.name);
    copy.#fresh = this.#fresh;
    const map = new Map<Value, Value>();
    const value = (v: Value): Value => {
      let c = map.get(v) ?? options.outer?.get(v);
      if (c === undefined) {
        c = new Value(v.name, { dtype: v.dtype, shape: v.shape });
        c.known = v.known;
        c.constant = v.constant;
        map.set(v, c);
      }
      return c;
    };
    const attribute = (a: AttrValue): AttrValue => {
      const inner = (g: Graph) => g.clone({ deep: true, outer: new Map([...(options.outer ?? []), ...map]) }).graph;
      if (a instanceof Graph) return inner(a);
      return Array.isArray(a) && a[0] instanceof Graph ? (a as readonly Graph[]).map(inner) : a;
    };
    for (const v of this.inputs) copy.inputs.push(value(v));
    for (const n of this.nodes) {
      copy.nodes.push(
        new Node(
          n.op,
          n.domain,
          n.name,
          n.inputs.map((v) => v && value(v)),
          n.outputs.map(value),
          options.deep ? new Map([...n.attrs].map(([k, a]) => [k, attribute(a)])) : new Map(n.attrs),
        ),
      );
    }
    for (const v of this.outputs) copy.outputs.push(value(v));
    copy.states.push(...this.states);
    for (const [v, axis] of this.open) copy.open.set(value(v), axis);
    return { graph: copy, map };
  }
}

/** The number that every element of a constant is, if it has one element. */
export function scalarOf(v: Value | undefined): number | undefined {
  if (v?.constant === undefined || elementCount(v.constant.dims) !== 1) return undefined;
  return v.constant.values()?.[0];
}

/** Throws ERR_DSNK_INVALID_ARGUMENT for what is no graph. Not by class: it may come from another copy of this package. */
export function assertGraph(value: unknown, where: string): asserts value is Graph {
  if (!Array.isArray((value as Partial<Graph> | null | undefined)?.nodes))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'graph must be a Graph, as build() returns it', `${typeof value} came`);
}
