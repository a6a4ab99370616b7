/**
 * Makes constants of results that shape arithmetic has settled, so that whole shape subgraphs disappear.
 *
 *     %s = Shape(%x); %n = Gather(%s, i64{0}); %y = Reshape(%x, %n)   →   %y = Reshape(%x, i64{8})
 *
 * Refuses: contents that are not all numbers, element types without a number form, 64-bit integers past 2^53 (numbers
 * would round them). Constant tensors of any size are no matter of this pass: the init program computes them.
 */
import { elementCount } from '../graph/dim.js';
import { Constant, type Value } from '../graph/graph.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const numberTypes = new Set(['float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool']);

function settled(v: Value): readonly number[] | undefined {
  if (v.constant !== undefined || v.known === undefined || v.shape === undefined || !numberTypes.has(v.type)) return undefined;
  const wide = v.type === 'int64' || v.type === 'uint64';
  const exact = (x: unknown) => typeof x === 'number' && (!wide || Number.isSafeInteger(x));
  return v.known.length === elementCount(v.dims) && v.known.every(exact) ? (v.known as readonly number[]) : undefined;
}

export const foldShapes: Pass = {
  name: 'fold-shapes',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of graph.nodes) {
      for (const out of node.outputs) {
        const elements = settled(out);
        if (elements === undefined || edit.isUnused(out)) continue;
        edit.replaceValue(out, graph.addConstant(Constant.of(out.type, out.dims, elements), out.name));
        edit.rewrites++;
      }
    }
    return edit.finish();
  },
};
