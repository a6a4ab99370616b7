/** Graphs for pass tests: a few lines make one, and its text is compared. */

import type { DType } from '../../lib/dtype.js';
import { type AttrValue, Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { printGraph } from '../../lib/graph/print.js';
import { verifyGraph } from '../../lib/graph/verify.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { type Pass, runPasses } from '../../lib/passes/index.js';

type Attrs = Record<string, AttrValue>;

export class Build {
  readonly graph: Graph;
  constructor(name = 'g') {
    this.graph = new Graph(name);
  }
  input(name: string, dims: readonly number[], dtype: DType = 'float32'): Value {
    return this.graph.addInput(name, dtype, dims);
  }
  /** A node of one result, named like its value. */
  op(op: string, inputs: (Value | undefined)[], attrs: Attrs = {}, name = op.toLowerCase()): Value {
    return this.graph.addNode(op, inputs, { name: this.#name(name), attrs }).output();
  }
  ops(op: string, inputs: (Value | undefined)[], outputs: number, attrs: Attrs = {}): readonly Value[] {
    return this.graph.addNode(op, inputs, { name: this.#name(op.toLowerCase()), attrs, outputs }).outputs;
  }
  f32(dims: readonly number[], fill?: number): Value {
    const count = dims.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: count }, (_, i) => fill ?? ((i * 7) % 13) - 6);
    // Weights of a model are different tensors whatever they hold: no key of their contents.
    const { read } = Constant.of('float32', dims, values);
    return this.graph.addConstant(new Constant('float32', dims, read));
  }
  floats(...values: number[]): Value {
    return this.graph.addConstant(Constant.of('float32', [values.length], values));
  }
  scalar(value: number): Value {
    return this.graph.addConstant(Constant.of('float32', [], [value]));
  }
  ints(...values: number[]): Value {
    return this.graph.addConstant(Constant.of('int64', [values.length], values));
  }
  int(value: number): Value {
    return this.graph.addConstant(Constant.of('int64', [], [value]));
  }
  conv(x: Value, out: number, kernel: number, attrs: Attrs = {}, bias = true): Value {
    if (x.shape === undefined) this.infer();
    const c = x.dims[1] as number;
    const group = (attrs['group'] as number | undefined) ?? 1;
    const spatial = x.dims.length - 2;
    const pad = (kernel - 1) / 2;
    const w = this.f32([out, c / group, ...new Array<number>(spatial).fill(kernel)]);
    const y = this.op('Conv', bias ? [x, w, this.f32([out])] : [x, w], { pads: new Array<number>(2 * spatial).fill(pad), ...attrs });
    this.infer();
    return y;
  }
  bn(x: Value): Value {
    if (x.shape === undefined) this.infer();
    const c = x.dims[1] as number;
    const y = this.op('BatchNormalization', [x, this.f32([c]), this.f32([c]), this.f32([c]), this.f32([c], 2)], {}, 'bn');
    this.infer();
    return y;
  }
  infer(): void {
    inferGraph(this.graph, { concrete: true });
  }
  done(...outputs: Value[]): Graph {
    this.graph.outputs.push(...outputs);
    this.infer();
    verifyGraph(this.graph, 'construction');
    return this.graph;
  }
  readonly #names = new Map<string, number>();
  #name(stem: string): string {
    const n = this.#names.get(stem) ?? 0;
    this.#names.set(stem, n + 1);
    return n === 0 ? stem : `${stem}${n + 1}`;
  }
}

/** The nodes of a graph, one line each. */
export function text(graph: Graph): string {
  return printGraph(graph)
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .join('\n');
}

/** Runs one pass; gives the text afterwards. */
export function rewritten(graph: Graph, ...list: Pass[]): string {
  runPasses(graph, list);
  for (const pass of list) verifyGraph(graph, pass.name);
  expectInferenceAgrees(graph);
  return text(graph);
}

/** Every type in the graph is what inference would say again. */
export function expectInferenceAgrees(graph: Graph): void {
  const before = text(graph);
  inferGraph(graph, { concrete: true });
  if (text(graph) !== before) throw new Error(`types changed:\n${before}\n\n${text(graph)}`);
}

export function countOf(graph: Graph, op: string): number {
  return graph.nodes.filter((n) => n.op === op).length;
}

/** The graph before and after some passes, as one text. */
export function golden(graph: Graph, ...list: Pass[]): string {
  return `${text(graph)}\n→\n${rewritten(graph, ...list)}`;
}
