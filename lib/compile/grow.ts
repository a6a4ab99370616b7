/**
 * One program for a past of any length up to a capacity. The graph is typed for the longest past; then
 *
 *     %present = Concat(%past, %new)          →   %present = TensorScatter(%past, %new, count)   with room for all in both
 *     %w = Softmax(%scores)                   →   %w = Softmax(%scores + %bias), -∞ where no token stands yet
 *     what counts with the length             →   the same from `count`, an input of its own
 *     inputs and outputs with the dimension   →   dsnk.SpreadRows, which gives blocks their room, or takes it away
 *
 * Behind the tokens that are there values are zeros or mean nothing: products may only sum over them where both sides are zeros. Refuses
 * (NotGrowing) what it has no rule for: such a model is compiled for every length.
 */
import { dtypes } from '../dtype.js';
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import { inferNode } from '../ops/infer.js';
import { GraphEditor } from '../passes/editor.js';
import { expandContrib } from '../passes/expand-contrib.js';
import { foldShapes } from '../passes/fold-shapes.js';
import { splitHeads } from '../passes/functions/attention.js';
import { type AxisKind, Comparison, type Elements, NotGrowing, type Probe } from './growing.js';
import { ruleOf } from './growing-rules.js';
import { specialize } from './specialize.js';

export interface GrowOptions {
  /** The graph typed for a past of so many tokens. */
  readonly typed: (past: number) => Graph;
  /** Tokens that past and new rows may have together. */
  readonly capacity: number;
  readonly rows: number;
  /** Other lengths, the least among them, at which what is settled must be as the longer ones say. */
  readonly checked: readonly number[];
}

/** What follows the past in a value, and whether zeros stand behind the tokens that are there. */
export interface Growing {
  readonly axes: ReadonlyMap<number, AxisKind>;
  readonly zeros: boolean;
}

export const FIXED: Growing = { axes: new Map(), zeros: true };

/** Least tokens between the capacity and new rows: the lengths that are compared lie between. */
export const GROWING_ROOM = 6;

/** Throws NotGrowing where one program cannot serve all lengths. Its last feed is the count of tokens in the past, int64 [1]. */
export function growGraph({ typed, capacity, rows, checked }: GrowOptions): Graph {
  const longest = capacity - rows;
  const probe = (past: number) => {
    const graph = typed(past);
    specialize(graph);
    const asked = opsOf(graph);
    expandContrib.run(graph, {});
    return { graph, past, asked };
  };
  const [main, ...others] = [longest, longest - 1, 2].map(probe) as [Named, ...Named[]];
  const shorter = checked.map(probe);
  if (shorter.some(({ asked }) => asked !== main.asked)) throw new NotGrowing('nodes depend on the length');
  // Contrib operators are written in another way where nothing has come before.
  const alike = shorter.filter(({ graph }) => opsOf(graph) === opsOf(main.graph));
  return new Grower(new Comparison(main, others, rows, alike, Math.min(...checked)), capacity, rows).run();
}

interface Named extends Probe {
  /** Operators of the model itself. */
  readonly asked: string;
}

const opsOf = (graph: Graph) => graph.nodes.map((node) => node.op).join();

export class Grower {
  readonly graph: Graph;
  readonly edit: GraphEditor;
  readonly #growing = new Map<Value, Growing>();
  readonly #elements = new Map<Value, Elements>();
  readonly #rewrites = new Map<Node, () => void>();
  readonly #count: Value;
  readonly #biases = new Map<string, Value>();
  #total: Value | undefined;

  constructor(
    readonly comparison: Comparison,
    readonly capacity: number,
    readonly rows: number,
  ) {
    this.graph = comparison.main.graph;
    this.edit = new GraphEditor(this.graph);
    this.#count = this.graph.addInput('tokens of the past', 'int64', [1]);
  }

  run(): Graph {
    const { graph } = this;
    const fed = graph.inputs.slice(0, -1);
    for (const v of fed) this.#growing.set(v, { axes: this.comparison.axesOf(v), zeros: true });
    const work = [...graph.nodes];
    for (const node of work) this.#look(node);
    for (const v of fed) this.#widenInput(v);
    for (const node of work) {
      const rewrite = this.#rewrites.get(node);
      if (rewrite !== undefined) rewrite();
      else if (node.outputs.some((v) => this.#hasPast(v))) inferNode(node, { concrete: true });
    }
    graph.outputs.forEach((v, i) => {
      if (!graph.states.some((s) => s.output === i)) this.#narrowOutput(v, i);
    });
    this.edit.finish();
    // What is settled was settled for the longest past: it stays so when the past's inputs get room for new rows.
    foldShapes.run(graph, {});
    return graph;
  }

  growing(v: Value | undefined): Growing {
    return (v && this.#growing.get(v)) ?? FIXED;
  }

  elements(v: Value | undefined): Elements | undefined {
    return v && this.#elements.get(v);
  }

  /** What is done with a node once all have been looked at. */
  rewrite(node: Node, work: () => void): void {
    this.#rewrites.set(node, work);
  }

  #hasPast(v: Value): boolean {
    return [...this.growing(v).axes.values()].includes('past');
  }

  #look(node: Node): void {
    const elements = node.outputs.map((v) => this.comparison.elementsOf(v));
    node.outputs.forEach((v, i) => {
      const own = elements[i];
      this.#growing.set(v, { axes: this.comparison.axesOf(v), zeros: false });
      if (own !== undefined) this.#elements.set(v, own);
    });
    // Settled arithmetic needs no node; what follows the length in no simple way is computed.
    if (elements.every((e) => e !== undefined && e.kind !== 'others')) return;
    for (const v of node.outputs) v.known = undefined;
    for (const v of node.outputs) this.#elements.delete(v);
    const touched = node.inputs.some((v) => this.growing(v).axes.size > 0 || this.#follows(v)) || node.outputs.some((v) => this.growing(v).axes.size > 0);
    if (!touched) return;
    const rule = ruleOf(node);
    if (rule === undefined) throw new NotGrowing(`${node.where} has no rule`);
    const zeros = rule.look(this, node);
    for (const v of node.outputs) this.#growing.set(v, { axes: this.growing(v).axes, zeros });
    const lines = [...node.inputs.keys()].filter((i) => this.elements(node.inputs[i])?.kind === 'lines' && !rule.shapes.includes(i));
    if (lines.length === 0) return;
    const work = this.#rewrites.get(node);
    this.rewrite(node, () => {
      for (const i of lines) this.edit.setInput(node, i, this.#counted(node.inputs[i] as Value));
      work?.();
    });
  }

  #follows(v: Value | undefined): boolean {
    const kind = this.elements(v)?.kind;
    return kind === 'lines' || kind === 'others';
  }

  /** base + slope·count, as the value's type and shape. */
  #counted(v: Value): Value {
    const e = this.elements(v);
    if (e?.kind !== 'lines') throw new NotGrowing(`"${v.name}" is not on lines`);
    const { edit } = this;
    const constant = (list: readonly number[]) => edit.graph.addConstant(Constant.of('int64', v.dims, list));
    const count = edit.reshape(
      this.#count,
      v.dims.map(() => 1),
    );
    const grown = e.slope.every((s) => s === 1) ? count : edit.value('Mul', [count, constant(e.slope)]);
    const sum = edit.value('Add', [grown, constant(e.base)]);
    return v.type === 'int64' ? sum : edit.value('Cast', [sum], { attrs: { to: dtypes[v.type].onnx } });
  }

  /** Tokens in the past, int64 [n]. */
  counts(n: number): Value {
    return n === 1 ? this.#count : this.edit.value('Expand', [this.#count, this.edit.ints([n])]);
  }

  /** Those and the new rows, int64 [1]. */
  get total(): Value {
    this.#total ??= this.edit.value('Add', [this.#count, this.edit.scalar('int64', this.rows)]);
    return this.#total;
  }

  /** 0, 1, … under the dimensions of a broadcast. */
  steps(n: number, dims: readonly number[]): Value {
    return this.graph.addConstant(Constant.of('int64', dims, [...Array(n).keys()]));
  }

  /** What stands and what does not, as a sum on scores of `rank` dimensions whose given one is that of tokens. */
  bias(dtype: 'float32' | 'float16' | 'bfloat16' | 'float64', rank: number, axis: number): Value {
    const dims = Array.from({ length: rank - axis }, (_, i) => (i === 0 ? this.capacity : 1));
    const key = `${dtype} ${dims}`;
    let bias = this.#biases.get(key);
    if (bias === undefined) {
      const { edit } = this;
      const there = edit.value('Less', [this.steps(this.capacity, dims), this.total]);
      bias = edit.value('Where', [there, edit.scalar(dtype, 0), edit.scalar(dtype, -Infinity)]);
      this.#biases.set(key, bias);
    }
    return bias;
  }

  /** The past with new rows behind it, which has the room of both. */
  append(past: Value, now: Value, axis: number): Value {
    return this.edit.value('TensorScatter', [past, now, this.counts(past.dims[0] as number)], { attrs: { axis } });
  }

  heads(v: Value, count: number): Value {
    return splitHeads(this.edit, v, count);
  }

  #widenInput(v: Value): void {
    const { graph, edit } = this;
    const [[axis, kind] = [], ...more] = this.growing(v).axes;
    if (axis === undefined || kind === undefined) return;
    if (more.length > 0 || edit.isKept(v)) throw new NotGrowing(`input "${v.name}"`);
    v.shape = v.dims.with(axis, this.capacity);
    if (graph.states.some((s) => graph.inputs[s.input] === v)) return;
    const extra = kind === 'past' ? 0 : this.rows;
    graph.open.set(v, { axis, extra });
    const readers = [...edit.users(v)];
    const spread = edit.value('SpreadRows', [v, this.#count], { domain: 'dsnk', attrs: { axis, extra } });
    for (const node of readers) for (const [i, x] of node.inputs.entries()) if (x === v) edit.setInput(node, i, spread);
  }

  #narrowOutput(v: Value, i: number): void {
    const { graph, edit } = this;
    const own = this.elements(v);
    if (own !== undefined && own.kind !== 'fixed') throw new NotGrowing(`output "${v.name}" counts`);
    const [[axis, kind] = [], ...more] = this.growing(v).axes;
    if (axis === undefined) return;
    if (more.length > 0 || kind === 'past') throw new NotGrowing(`output "${v.name}"`);
    const dense = edit.value('SpreadRows', [v, this.#count], { domain: 'dsnk', attrs: { axis, extra: this.rows, dense: 1 } });
    dense.name = v.name;
    v.name = `${v.name} with room`;
    graph.outputs[i] = dense;
    graph.open.set(dense, { axis, extra: this.rows });
  }

  /** Every reader of `old` gets `to`. */
  replace(old: Value, to: Value): void {
    to.name = old.name;
    this.#growing.set(to, this.growing(old));
    this.edit.replaceValue(old, to);
  }
}
