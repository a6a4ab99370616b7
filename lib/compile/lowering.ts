/**
 * From nodes to kernel calls. An operator's `lower` selects a kernel, asks for the operands in the form that kernel
 * wants (packed weights are calls too) and emits the call. A call whose inputs are all constant goes to the init
 * program by itself; that is how weights are packed and constants folded, with no tensor touched by JavaScript.
 */
import { byteSize, shortName } from '../dtype.js';
import { dsnkError, shapeText } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import { copyParams } from '../kernels/copy.js';
import { encodeParams, type Fields, type ParamSchema, type ParamsOf } from '../kernels/params.js';
import { type Catalogue, candidates, isGpuRow, type KernelRow } from './catalogue.js';
import { type ChoicePolicy, siteOf, type Way } from './choice.js';
import { type Placement, placeParts } from './placement.js';
import { chooseNarrow, type NarrowChoice, type ProductSize, type SettledPrecision } from './precision.js';
import type { PatternOf } from './sparsity.js';
import { Buffer, type LoweredGraph, type Ref, type Step, whole } from './step.js';

/** Offsets of shared memory must keep 8-byte elements aligned. */
const ALIGN = 8;

export class Lowering {
  /** The node being lowered. */
  node!: Node;
  readonly #catalogue: Catalogue;
  readonly #refs = new Map<Value, Ref>();
  readonly #init: Step[] = [];
  readonly #main: Step[] = [];
  readonly #constants = new Map<string, readonly (Ref | undefined)[]>();
  readonly #outputIndex = new Map<Value, number>();
  #placements: ReadonlyMap<Value, Placement> = new Map();
  /** Inputs that are states, with what they become. */
  #states: ReadonlyMap<Value, Value> = new Map();
  #readers: ReadonlyMap<Value, readonly Node[]> = new Map();
  readonly #policy: ChoicePolicy | undefined;
  #site: string | undefined;
  /** Sites of this node so far. */
  #sites = 0;

  constructor(
    catalogue: Catalogue,
    policy?: ChoicePolicy,
    readonly precision: SettledPrecision = 'f32',
    readonly patternOf?: PatternOf,
  ) {
    this.#catalogue = catalogue;
    this.#policy = policy;
  }

  /** The program will run on a GPU, which has kernels for most of it. */
  get onGpu(): boolean {
    return this.#catalogue.gpu !== undefined;
  }

  /** The best usable kernel of an operation for these types (`f32`, `i64`, …). Throws when there is none. */
  select(op: string, dtypes: string): KernelRow {
    const row = this.trySelect(op, dtypes);
    if (row === undefined) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', this.node.where, `kernel ${op} must exist for the element types`, `${dtypes} came`);
    return row;
  }

  trySelect(op: string, dtypes: string): KernelRow | undefined {
    return candidates(this.#catalogue, op, dtypes)[0];
  }

  /** The row that defines an operation: the same numbers on every machine. */
  definition(op: string, dtypes: string): KernelRow {
    return candidates(this.#catalogue, op, dtypes).find((k) => k.isa === 'scalar') ?? this.select(op, dtypes);
  }

  /** The usable kernels of an operation that may be the fastest for some shape, best guess first. Throws when there is none. */
  rows(op: string, dtypes: string): readonly KernelRow[] {
    const rows = this.tryRows(op, dtypes);
    return rows.length > 0 ? rows : [this.select(op, dtypes)];
  }

  /** A scalar row is only among them where it is alone. */
  tryRows(op: string, dtypes: string): readonly KernelRow[] {
    const rows = candidates(this.#catalogue, op, dtypes);
    const vector = rows.filter((k) => k.isa !== 'scalar');
    return vector.length > 0 ? vector : rows;
  }

  /** Computes the node in one of these ways, of which there is at least one: the first, where no policy says otherwise. Ways do not contain each other. */
  choose<T>(ways: readonly Way<T>[]): T {
    // On a GPU any way that stays there: the others cost copies.
    const first = ((this.onGpu ? ways.find((w) => this.#catalogue.kernels.some((k) => k.name === w.name && isGpuRow(k))) : undefined) ?? ways[0]) as Way<T>;
    if (ways.length === 1 || this.#policy === undefined) return first.emit(first.reason);
    this.#site = siteOf(this.node, this.#sites++);
    const choice = this.#policy(
      this.#site,
      ways.map((w) => w.name),
    );
    const way = ways.find((w) => w.name === choice?.name) ?? first;
    try {
      return way.emit(choice?.name === way.name ? choice.reason : way.reason);
    } finally {
      this.#site = undefined;
    }
  }

  /** The row that multiplies by constant `weights` in 16 bits, where that was asked for. */
  narrow(op: 'gemm' | 'conv', weights: Ref, size: ProductSize): NarrowChoice {
    return weights.buffer.constant ? chooseNarrow(this.#catalogue, this.precision, op, size) : {};
  }

  has(i: number): boolean {
    return this.node.inputs[i] !== undefined;
  }

  /** Memory of input i; undefined where it is left out. */
  input(i: number): Ref | undefined {
    const v = this.node.inputs[i];
    return v === undefined ? undefined : this.refOf(v);
  }

  /** Memory of input i, which must be there. */
  in(i: number): Ref {
    return this.refOf(this.node.input(i));
  }

  /** Memory of output i; allocated by the first call. */
  out(i = 0): Ref {
    return this.#refOfResult(this.node.output(i));
  }

  /** Elements from row to row of output 0, whose last axis is a row: it may be columns of a wider tensor. */
  rowElements(): number {
    const { rowStride } = this.out();
    return rowStride === undefined ? (this.outDims().at(-1) as number) : rowStride / byteSize(this.node.output().type, 1);
  }

  #refOfResult(v: Value): Ref {
    let ref = this.#refs.get(v);
    if (ref === undefined) {
      const place = this.#placements.get(v);
      const index = this.#outputIndex.get(v);
      if (place === undefined) ref = whole(new Buffer(v.byteLength, v.name, index === undefined ? {} : { io: { kind: 'output', index } }));
      else ref = this.#part(v, place);
      this.#refs.set(v, ref);
    }
    return ref;
  }

  #part(v: Value, { of, offset, rows, rowStride }: Placement): Ref {
    const { buffer } = this.#refOfResult(of);
    buffer.inParts = true;
    const rowBytes = v.byteLength / rows;
    return { buffer, offset, bytes: (rows - 1) * rowStride + rowBytes, ...(rows > 1 ? { rowStride } : {}) };
  }

  /** True when input i was made inside this node's output: there is nothing left to copy. */
  isPlaced(i: number): boolean {
    return this.#placements.has(this.node.input(i));
  }

  /** True when output i is read by anyone. An operator may leave out the work for one that is not. */
  wanted(i: number): boolean {
    return this.node.outputs[i] !== undefined;
  }

  dims(i: number): readonly number[] {
    return this.node.input(i).dims;
  }

  outDims(i = 0): readonly number[] {
    return this.node.output(i).dims;
  }

  /** Kernel name of input i's element type. */
  dtype(i: number): string {
    return shortName(this.node.input(i).type);
  }

  outDtype(i = 0): string {
    return shortName(this.node.output(i).type);
  }

  /** The elements of input i, which inference has already asked for. */
  numbers(i: number): readonly number[] {
    const v = this.node.input(i);
    const known = v.known ?? v.constant?.values();
    if (known === undefined || !known.every((x) => typeof x === 'number')) {
      throw new Error(`${this.node.where}: the elements of input ${i} were not settled by inference`);
    }
    return known as readonly number[];
  }

  /** Memory for an intermediate result of this node. */
  temp(bytes: number, label = 'temp'): Ref {
    return whole(new Buffer(bytes, `${this.node.name}/${label}`));
  }

  /** A small constant that the compiler makes (an index table, a scale vector). */
  constant(value: Constant): Ref {
    return whole(new Buffer(value.byteLength, `${this.node.name}/const`, { constant: true, key: value.key, source: value }));
  }

  /** Output i is input memory under another shape: no call, no copy. */
  alias(i: number, of: Ref, offset = 0): void {
    const v = this.node.output(i);
    const ref = { buffer: of.buffer, offset: of.offset + offset, bytes: v.byteLength };
    const index = this.#outputIndex.get(v);
    if (ref.offset % ALIGN !== 0 && v.byteLength > 0) {
      this.copy(this.out(i), ref);
    } else if (index === undefined) {
      this.#refs.set(v, ref);
    } else if (ref.offset === 0 && ref.bytes === ref.buffer.bytes && !ref.buffer.constant && ref.buffer.io === undefined) {
      ref.buffer.io = { kind: 'output', index }; // the producer writes straight into the caller's result
      this.#refs.set(v, ref);
    } else {
      this.copy(this.out(i), ref);
    }
  }

  /**
   * Memory of output o for a kernel that may work in place of input i: the state itself, where input i is one that becomes this output
   * and nobody else reads. For other buffers the planner finds out.
   */
  outOver(i: number, o = 0): Ref {
    const [v, y] = [this.node.input(i), this.node.output(o)];
    const alone = this.#readers.get(v)?.length === 1 && this.node.inputs.filter((x) => x === v).length === 1;
    if (this.#states.get(v) === y && alone) this.#refs.set(y, this.in(i));
    return this.out(o);
  }

  /** Memory of output o with the contents of input i, for a kernel that changes some of them. */
  change(i: number, o = 0): Ref {
    const ref = this.outOver(i, o);
    if (ref.buffer !== this.in(i).buffer) this.copy(ref, this.in(i));
    return ref;
  }

  copy(to: Ref, from: Ref): void {
    this.emit(this.select('copy', 'any'), copyParams, { bytes: to.bytes }, [to], [from]);
  }

  /**
   * Emits one call. Returns the outputs as they are to be read afterwards: for constants that may be an earlier, equal
   * result.
   */
  emit<F extends Fields>(
    row: KernelRow,
    schema: ParamSchema<F>,
    params: ParamsOf<ParamSchema<F>>,
    outputs: readonly (Ref | undefined)[],
    inputs: readonly (Ref | undefined)[],
    options: { tail?: readonly number[]; reason?: string } = {},
  ): readonly (Ref | undefined)[] {
    const words = encodeParams(schema, params as Readonly<Record<string, number | readonly number[]>>, options.tail);
    const foldable =
      inputs.every((r) => r === undefined || r.buffer.constant) && outputs.every((r) => r === undefined || (r.buffer.io === undefined && !r.buffer.inParts));
    const kernel = this.#placed(row, foldable, words.byteLength);
    const folded = foldable && !isGpuRow(kernel);
    const step: Step = {
      kernel,
      outputs,
      inputs,
      params: words,
      node: this.node,
      reason: options.reason ?? `first usable ${kernel.op} row for ${kernel.dtypes}`,
      ...(this.#site !== undefined && { site: this.#site }),
    };
    if (!folded) {
      this.#main.push(step);
      return outputs;
    }
    const key = `${kernel.name}(${inputs.map((r) => (r === undefined ? '-' : `${r.buffer.key}@${r.offset}+${r.bytes}`)).join(',')};${words.join('.')})`;
    const earlier = this.#constants.get(key);
    if (earlier !== undefined) {
      for (const [v, ref] of this.#refs) {
        const i = outputs.indexOf(ref);
        if (i >= 0) this.#refs.set(v, earlier[i] as Ref);
      }
      return earlier;
    }
    outputs.forEach((r, i) => {
      if (r === undefined) return;
      r.buffer.constant = true;
      r.buffer.key = `${key}#${i}`;
    });
    this.#constants.set(key, outputs);
    this.#init.push(step);
    return outputs;
  }

  /**
   * The row that computes what a GPU's was chosen for, where that cannot: init runs on the processor, and a launch has limits. A row whose
   * packed operand no other reads stays.
   */
  #placed(row: KernelRow, foldable: boolean, paramBytes: number): KernelRow {
    if (!isGpuRow(row) || (!foldable && paramBytes <= (this.#catalogue.gpu?.paramBytes ?? 0))) return row;
    return candidates(this.#catalogue, row.op, row.dtypes).find((k) => !isGpuRow(k) && k.nr === row.nr && k.kr === row.kr) ?? row;
  }

  /** Lowers a whole typed graph. */
  run(graph: Graph, lowerNode: (low: Lowering) => void): LoweredGraph {
    const bind = (list: readonly Value[], kind: 'input' | 'state') =>
      list.map((v, index) => {
        const ref = whole(new Buffer(v.byteLength, v.name, { io: { kind, index } }));
        this.#refs.set(v, ref);
        return ref;
      });
    const inputs = bind(graph.feeds, 'input');
    for (const s of graph.states) assertState(graph.inputs[s.input] as Value, graph.outputs[s.output] as Value);
    const states = bind(
      graph.states.map((s) => graph.inputs[s.input] as Value),
      'state',
    );
    graph.results.forEach((v, index) => {
      if (!this.#outputIndex.has(v)) this.#outputIndex.set(v, index);
    });
    this.#states = new Map(graph.states.map((s) => [graph.inputs[s.input] as Value, graph.outputs[s.output] as Value]));
    this.#readers = graph.states.length === 0 ? new Map() : graph.uses();
    this.#placements = placeParts(graph);
    for (const node of graph.nodes) {
      this.node = node;
      this.#sites = 0;
      // A result that shape arithmetic has settled needs no work at run time.
      if (node.outputs.every((v) => isSettled(v))) {
        for (const v of node.outputs) v.constant ??= settledConstant(v);
        continue;
      }
      lowerNode(this);
    }
    const outputs = graph.results.map((v, index) => {
      const ref = this.refOf(v);
      if (ref.buffer.io?.kind === 'output' && ref.buffer.io.index === index) return ref;
      // A constant, an input passed through, or a value that is named as an output twice.
      const out = whole(new Buffer(v.byteLength, v.name, { io: { kind: 'output', index } }));
      this.node = v.producer ?? (undefined as unknown as Node);
      this.copy(out, ref);
      return out;
    });
    this.#keepStates(graph, states);
    const isOpen = (v: Value) => graph.open.has(v);
    return { init: this.#init, main: this.#main, inputs, outputs, states, open: { inputs: graph.feeds.map(isOpen), outputs: graph.results.map(isOpen) } };
  }

  /** What is not made in the state itself is copied there at the end, when every reader of the old contents is through. */
  #keepStates(graph: Graph, states: readonly Ref[]): void {
    const moves = graph.states.flatMap((s, i) => {
      const v = graph.outputs[s.output] as Value;
      const [to, from] = [states[i] as Ref, this.refOf(v)];
      if (from.buffer === to.buffer) return [];
      this.node = v.producer ?? (undefined as unknown as Node);
      // Old contents of another state, which has a copy of its own coming.
      if (from.buffer.io?.kind !== 'state') return [{ to, from }];
      const held = whole(new Buffer(v.byteLength, `${v.name}/held`));
      this.copy(held, from);
      return [{ to, from: held }];
    });
    for (const { to, from } of moves) this.copy(to, from);
  }

  refOf(v: Value): Ref {
    let ref = this.#refs.get(v);
    if (ref === undefined) {
      if (v.constant === undefined) throw new Error(`value "${v.name}" is read before it is made`);
      ref = whole(new Buffer(v.byteLength, v.name, { constant: true, key: v.constant.key, source: v.constant }));
      this.#refs.set(v, ref);
    }
    return ref;
  }
}

function assertState(input: Value, output: Value): void {
  if (input.dims.join() === output.dims.join()) return;
  const where = `state "${input.name}"`;
  const mustHold = `output "${output.name}" must have the input's shape ${shapeText(input.dims)}`;
  throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', where, mustHold, `it has ${shapeText(output.dims)}`);
}

function isSettled(v: Value): boolean {
  return v.constant !== undefined || (v.known?.every((x) => typeof x === 'number') === true && v.known.length === elementCount(v.dims));
}

function settledConstant(v: Value): Constant {
  return Constant.of(v.type, v.dims, v.known as readonly number[]);
}

/** Bytes of `count` elements of a value's type. */
export function bytesOf(v: Value, count: number): number {
  return byteSize(v.type, count);
}
