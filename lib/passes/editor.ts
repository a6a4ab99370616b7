/**
 * Editing a graph: who reads a value is kept up to date while nodes come and go, and `finish` puts the nodes back in
 * topological order. New nodes come out typed. Values that a subgraph captures count as graph outputs: they stay.
 */
import type { DType } from '../dtype.js';
import { elementCount, sameShape } from '../graph/dim.js';
import { type AttrValue, Constant, type Domain, Graph, type Node, type Value } from '../graph/graph.js';
import { inferNode } from '../ops/infer.js';
import { Readers } from './readers.js';

/** Two runs of these give two results. */
export const randomOps: ReadonlySet<string> = new Set(['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Multinomial', 'Bernoulli']);

export interface NodeOptions {
  readonly domain?: Domain;
  readonly name?: string;
  readonly attrs?: Record<string, AttrValue | undefined>;
  readonly outputs?: number;
}

export class GraphEditor {
  rewrites = 0;
  /** Made when first asked for: most passes find nothing to rewrite in most graphs. */
  #readers: Readers | undefined;
  #captured: ReadonlySet<string> | undefined;
  #edited = false;
  readonly #outputNames: readonly string[];
  readonly #dead = new Set<Node>();
  readonly #constant = new Map<Value, boolean>();

  constructor(readonly graph: Graph) {
    this.#outputNames = graph.outputs.map((v) => v.name);
  }

  get #uses(): Readers {
    this.#readers ??= new Readers(this.graph);
    return this.#readers;
  }

  get #kept(): ReadonlySet<string> {
    this.#captured ??= capturedNames(this.graph);
    return this.#captured;
  }

  /** To be called before every change: from then on readers are kept up to date. */
  #edit(): Readers {
    this.#edited = true;
    return this.#uses;
  }

  /** The nodes as they stand now, in order; those that die on the way are left out. */
  *nodes(order: 'forward' | 'backward' = 'forward'): Generator<Node> {
    const list = order === 'forward' ? [...this.graph.nodes] : [...this.graph.nodes].reverse();
    for (const node of list) if (!this.#dead.has(node)) yield node;
  }

  /** The nodes that read a value. */
  users(v: Value): readonly Node[] {
    return this.#uses.list(v);
  }

  /** Whether a value is read from outside the nodes: a graph output, or captured by a subgraph. */
  isKept(v: Value): boolean {
    return this.graph.outputs.includes(v) || this.#kept.has(v.name);
  }

  /** The one node that reads a value that nobody else needs. */
  onlyUser(v: Value): Node | undefined {
    return this.#uses.count(v) !== 1 || this.isKept(v) ? undefined : this.#uses.list(v)[0];
  }

  isUnused(v: Value): boolean {
    return this.#uses.count(v) === 0 && !this.isKept(v);
  }

  /** Whether a value is a constant or made from constants only: the init program will hold it. */
  isConstant(v: Value): boolean {
    const settled = this.#known(v);
    if (settled !== undefined) return settled;
    // a stack of its own: chains may be longer than the call stack
    const open: Value[] = [v];
    for (let x = open.at(-1); x !== undefined; x = open.at(-1)) {
      const answer = this.#known(x) ?? this.#fromInputs(x.producer as Node, open);
      if (answer === undefined) continue;
      if (this.#known(x) === undefined) this.#constant.set(x, answer);
      open.pop();
    }
    return this.#known(v) as boolean;
  }

  /** Whether a value is constant, if that has been settled or needs no look at inputs. */
  #known(v: Value): boolean | undefined {
    if (v.constant !== undefined) return true;
    const { producer } = v;
    if (producer === undefined || producer.inputs.length === 0 || randomOps.has(producer.op)) return false;
    return this.#constant.get(v);
  }

  /** The same from a node's inputs; undefined where one has to be looked at first, which then lies on the stack. */
  #fromInputs(node: Node, open: Value[]): boolean | undefined {
    for (const x of node.inputs) {
      if (x === undefined) continue;
      const known = this.#known(x);
      if (known === false) return false;
      if (known === undefined) {
        open.push(x);
        return undefined;
      }
    }
    return !holdsGraphs(node);
  }

  /** Adds a typed node; `finish` places it before its readers. */
  add(op: string, inputs: readonly (Value | undefined)[], options: NodeOptions = {}): Node {
    const node = this.graph.createNode(op, [...inputs], options);
    inferNode(node, { concrete: true });
    this.#edit();
    this.graph.nodes.push(node);
    this.#read(node);
    return node;
  }

  /** Adds a node with one result. */
  value(op: string, inputs: readonly (Value | undefined)[], options: NodeOptions = {}): Value {
    return this.add(op, inputs, options).output();
  }

  ints(values: readonly number[]): Value {
    return this.graph.addConstant(Constant.of('int64', [values.length], values));
  }

  scalar(dtype: DType, value: number): Value {
    return this.graph.addConstant(Constant.of(dtype, [], [value]));
  }

  /** The same elements under other dimensions. */
  reshape(v: Value, dims: readonly number[]): Value {
    if (sameShape(v.dims, dims)) return v;
    if (v.constant !== undefined) {
      const { dtype, read, key } = v.constant;
      return this.graph.addConstant(new Constant(dtype, [...dims], read, key), v.name);
    }
    return this.value('Reshape', [v, this.ints(dims)], { attrs: dims.includes(0) ? { allowzero: 1 } : {} });
  }

  setInput(node: Node, i: number, v: Value | undefined): void {
    const uses = this.#edit();
    const old = node.inputs[i];
    node.inputs[i] = v;
    if (old !== undefined && !node.inputs.includes(old)) uses.delete(old, node);
    if (v !== undefined) this.#use(v, node);
  }

  /** Every reader of `from`, and the graph's outputs, get `to`. Nodes that nobody needs any more stop counting as readers. */
  replaceValue(from: Value, to: Value): void {
    this.#edit();
    for (const node of this.users(from)) {
      for (let i = 0; i < node.inputs.length; i++) if (node.inputs[i] === from) this.setInput(node, i, to);
    }
    for (let i = 0; i < this.graph.outputs.length; i++) if (this.graph.outputs[i] === from) this.graph.outputs[i] = to;
    this.#release(from.producer);
  }

  /** Lets a new node of one result stand where `old` made value `v`; the value's name goes with it. */
  replaceNode(v: Value, op: string, inputs: readonly (Value | undefined)[], options: NodeOptions = {}): Value {
    const to = this.value(op, inputs, { name: v.producer?.name ?? v.name, ...options });
    to.name = v.name;
    this.replaceValue(v, to);
    this.rewrites++;
    return to;
  }

  /** Removes nodes that nobody needs and orders the rest, where anything was changed. Returns the number of rewrites. */
  finish(): number {
    if (!this.#edited && this.rewrites === 0) return 0;
    this.sweep();
    return this.rewrites;
  }

  /** Removes nodes that nobody needs and orders the rest. */
  sweep(): void {
    this.graph.nodes = liveInOrder(this.graph, this.#kept);
    const made = new Set(this.graph.outputs.filter((v) => v.producer !== undefined));
    this.graph.outputs.forEach((v, i) => {
      if (made.delete(v)) v.name = this.#outputNames[i] as string;
    });
  }

  #release(first: Node | undefined): void {
    const open = [first];
    while (open.length > 0) {
      const node = open.pop();
      if (node === undefined || this.#dead.has(node) || !node.outputs.every((v) => this.isUnused(v))) continue;
      this.#dead.add(node);
      for (const v of new Set(node.inputs)) {
        if (v === undefined) continue;
        this.#uses.delete(v, node);
        open.push(v.producer);
      }
    }
  }

  #read(node: Node): void {
    for (const v of node.inputs) if (v !== undefined) this.#use(v, node);
  }

  #use(v: Value, node: Node): void {
    if (this.#dead.size > 0 && v.producer !== undefined && this.#dead.delete(v.producer)) this.#read(v.producer);
    this.#uses.add(v, node);
  }
}

/** The operators that have graphs among their attributes: who else looks for some needs not look at every attribute of every node. */
const graphHolders: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan']);
const holdsGraphs = (node: Node) => graphHolders.has(node.op);

/** Names that the graph's subgraphs read from outside themselves. */
export function capturedNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  const visit = (inner: Graph) => {
    const own = new Set(inner.inputs.map((v) => v.name));
    for (const node of inner.nodes) {
      for (const v of node.inputs) if (v !== undefined && v.constant === undefined && !own.has(v.name)) names.add(v.name);
      eachSubgraph(node, visit);
      for (const v of node.outputs) own.add(v.name);
    }
    for (const v of inner.outputs) if (!own.has(v.name)) names.add(v.name);
  };
  for (const node of graph.nodes) eachSubgraph(node, visit);
  return names;
}

function eachSubgraph(node: Node, visit: (g: Graph) => void): void {
  if (!holdsGraphs(node)) return;
  for (const a of node.attrs.values()) {
    if (a instanceof Graph) visit(a);
    else if (Array.isArray(a)) for (const g of a as readonly unknown[]) if (g instanceof Graph) visit(g);
  }
}

/**
 * The nodes that an output needs, in topological order. Nodes keep their order where it is one; a node that is read
 * earlier than it stands moves up to just before its first reader.
 */
function liveInOrder(graph: Graph, kept: ReadonlySet<string>): Node[] {
  const live = new Set<Node>();
  const stack: Node[] = [];
  const reach = (v: Value | undefined) => {
    const node = v?.producer;
    if (node === undefined || live.has(node)) return;
    live.add(node);
    stack.push(node);
  };
  for (const v of graph.outputs) reach(v);
  if (kept.size > 0) for (const node of graph.nodes) if (node.outputs.some((v) => kept.has(v.name))) reach(node.outputs[0]);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) for (const v of node.inputs) reach(v);

  const order: Node[] = [];
  const placed = new Set<Node>();
  for (const root of graph.nodes) {
    if (!live.has(root) || placed.has(root)) continue;
    const path = [root];
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const next = placed.has(node) ? undefined : firstMissing(node, placed);
      if (next !== undefined) {
        path.push(next);
        continue;
      }
      if (!placed.has(node)) {
        placed.add(node);
        order.push(node);
      }
      path.pop();
    }
  }
  return order;
}

function firstMissing(node: Node, placed: ReadonlySet<Node>): Node | undefined {
  for (const v of node.inputs) if (v?.producer !== undefined && !placed.has(v.producer)) return v.producer;
  return undefined;
}

/** The elements of a small constant or of settled shape arithmetic. */
export function numbersOf(v: Value | undefined): readonly number[] | undefined {
  if (v === undefined) return undefined;
  if (v.known?.every((x) => typeof x === 'number')) return v.known as readonly number[];
  if (v.constant === undefined || elementCount(v.constant.dims) > 1024) return undefined;
  return v.constant.values();
}
