/**
 * Control flow. A concrete compile never sees these nodes: compile/specialize.ts replaces an If by the branch that its
 * condition chooses and unrolls Loop and Scan, whose trip counts are then known. Here they only type their outputs for
 * a symbolic model.
 */
import { Graph, type Node } from '../graph/graph.js';
import { inferGraph } from './infer.js';
import type { Inference, Operator, OutputType } from './operator.js';

/** Types of a subgraph's outputs for inputs of the given types; undefined shapes where they cannot be told. */
function subgraphTypes(q: Inference, attr: string, inputs: Node['inputs'], drop: number): (OutputType | undefined)[] {
  const sub = q.node.attrs.get(attr);
  if (!(sub instanceof Graph)) return q.fail(`attribute ${attr} must be a graph`, 'it is missing');
  const { graph } = sub.clone();
  graph.inputs.forEach((v, i) => {
    const outer = inputs[i];
    v.dtype = outer?.dtype ?? v.dtype;
    v.shape = i < drop ? v.shape : outer?.shape;
  });
  inferGraph(graph, { concrete: false });
  return graph.outputs.map((v) => (v.dtype === undefined ? undefined : { dtype: v.dtype, shape: v.shape }));
}

const unknown = (types: readonly (OutputType | undefined)[], q: Inference): OutputType[] =>
  types.map((t) => ({ dtype: t?.dtype ?? q.node.input(0).type, shape: undefined }));

export const controlOperators: readonly Operator[] = [
  {
    name: 'If',
    domain: '',
    infer(q) {
      const captured = q.node.inputs.slice(1);
      const [then, otherwise] = [subgraphTypes(q, 'then_branch', captured, 0), subgraphTypes(q, 'else_branch', captured, 0)];
      return then.map((t, i) => {
        const o = otherwise[i];
        const same = t?.shape !== undefined && o?.shape !== undefined && t.shape.join() === o.shape.join();
        return { dtype: t?.dtype ?? o?.dtype ?? 'float32', shape: same ? t.shape : undefined };
      });
    },
  },
  {
    name: 'Loop',
    domain: '',
    infer: (q) => unknown(subgraphTypes(q, 'body', q.node.inputs, 2).slice(1), q),
  },
  {
    name: 'Scan',
    domain: '',
    since: 8,
    infer: (q) => unknown(subgraphTypes(q, 'body', q.node.inputs, 0), q),
  },
];
