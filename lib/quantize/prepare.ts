/**
 * What happens to a model before it is quantized: batch normalization, factors, sums and pads go into the weights by the
 * passes that the compiler runs as well, so that the numbers that are quantized are those that will be multiplied. The result
 * has standard operators only and keeps its symbolic dimensions.
 */
import { dsnkErrorList } from '../errors.js';
import { Constant, type Graph, type Value } from '../graph/graph.js';
import { inferGraph } from '../ops/infer.js';
import { dropDead } from '../passes/drop-dead.js';
import { GraphEditor } from '../passes/editor.js';
import { expandBatchnorm } from '../passes/expand-batchnorm.js';
import { foldPad } from '../passes/fold-pad.js';
import { foldScale } from '../passes/fold-scale.js';

const integerOps = /^(QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|QLinear.*|QAttention|ConvInteger|MatMulInteger|MatMulNBits|QGemm)$/;

export function assertFloat(graph: Graph): void {
  const found = graph.nodes.filter((n) => integerOps.test(n.op)).map((n) => n.where);
  if (found.length === 0) return;
  const some = found.length > 5 ? [...found.slice(0, 5), `and ${found.length - 5} more`] : found;
  throw dsnkErrorList('ERR_DSNK_INVALID_ARGUMENT', `model "${graph.name}"`, 'it must be a float model, it is quantized already:', some);
}

/** Folds in place, for inputs of these shapes; symbolic dimensions come back afterwards. False where a shape needs contents. */
export function foldFloat(graph: Graph, shapes: readonly (readonly number[])[]): boolean {
  const declared = graph.inputs.map((v) => v.shape);
  const saved = graph.clone().graph;
  try {
    graph.inputs.forEach((v, i) => {
      v.shape = shapes[i];
    });
    inferGraph(graph, { concrete: true });
    // Only passes that write no shape of these inputs into the graph.
    for (const pass of [dropDead, expandBatchnorm, foldPad, foldScale, dropDead]) pass.run(graph);
    return true;
  } catch {
    // A shape that depends on contents: the model stays as it is.
    graph.nodes = saved.nodes;
    graph.inputs.splice(0, graph.inputs.length, ...saved.inputs);
    graph.outputs.splice(0, graph.outputs.length, ...saved.outputs);
    return false;
  } finally {
    graph.inputs.forEach((v, i) => {
      v.shape = declared[i];
    });
    for (const node of graph.nodes) for (const v of node.outputs) v.known = undefined;
    inferGraph(graph, { concrete: false });
  }
}

/** Values made of constants alone that others read: what has to be computed before it can be quantized or written to a file. */
export function computedConstants(graph: Graph): Value[] {
  const edit = new GraphEditor(graph);
  const found = new Set<Value>();
  for (const node of graph.nodes) {
    if (node.outputs.some((v) => edit.isConstant(v))) continue;
    for (const v of node.inputs) if (v !== undefined && v.constant === undefined && edit.isConstant(v)) found.add(v);
  }
  return [...found];
}

/** A graph without inputs whose outputs are these values. */
export function constantsOnly(graph: Graph, values: readonly Value[]): Graph {
  const { graph: copy, map } = graph.clone();
  copy.inputs.length = 0;
  copy.outputs.splice(0, copy.outputs.length, ...values.map((v) => map.get(v) as Value));
  dropDead.run(copy);
  copy.outputs.forEach((v, i) => {
    v.name = `constant:${i}`;
  });
  return copy;
}

/** Puts computed bytes where nodes on constants stood. */
export function settleConstants(graph: Graph, values: readonly Value[], bytes: (i: number) => { dims: readonly number[]; data: Uint8Array }): void {
  values.forEach((v, i) => {
    const { dims, data } = bytes(i);
    const settled = graph.addConstant(new Constant(v.type, dims, () => data), v.name);
    graph.replaceValue(v, settled);
  });
  dropDead.run(graph);
}
