/**
 * Concat without copies: a value that only a Concat reads is made where it ends up, as columns of the joined rows.
 *
 *     %a = dsnk.Conv(%x, V); %b = dsnk.Conv(%x, W); %y = Concat(%a, %b) {axis=3}
 *         →   both convolutions write into %y, rows of it apart
 *
 * Only operators that can write rows apart take part (Operator.writesRows), with one result. Refuses: values that others read or that
 * leave the graph, results of constants (the init program makes them), and columns whose bytes do not start and end at
 * multiples of 8, where operands must lie.
 */
import { elementCount } from '../graph/dim.js';
import type { Graph, Value } from '../graph/graph.js';
import { operatorOf } from '../ops/index.js';
import { elementBytesOf } from '../ops/strided.js';

/** Where a value lies inside another one: `rows` ranges, the first at `offset`, `rowStride` bytes apart. */
export interface Placement {
  readonly of: Value;
  readonly offset: number;
  readonly rows: number;
  readonly rowStride: number;
}

const ALIGN = 8;

export function placeParts(graph: Graph): Map<Value, Placement> {
  const placements = new Map<Value, Placement>();
  const joins = graph.nodes.filter((node) => node.op === 'Concat' && node.domain === '' && node.inputs.length > 1);
  if (joins.length === 0) return placements;
  const reads = new Map<Value, number>();
  for (const node of graph.nodes) for (const v of node.inputs) if (v !== undefined) reads.set(v, (reads.get(v) ?? 0) + 1);
  for (const v of graph.outputs) reads.set(v, (reads.get(v) ?? 0) + 1);
  for (const node of joins) {
    const y = node.output();
    const axis = node.int('axis');
    const d = axis < 0 ? axis + y.dims.length : axis;
    const rows = elementCount(y.dims.slice(0, d));
    const bytes = elementBytesOf(y);
    const rowStride = elementCount(y.dims.slice(d)) * bytes;
    let end = 0;
    for (const v of node.inputs as Value[]) {
      const offset = end;
      const rowBytes = elementCount(v.dims.slice(d)) * bytes;
      end += rowBytes;
      const { producer } = v;
      if (rows === 0 || rowBytes === 0 || producer === undefined || reads.get(v) !== 1 || offset % ALIGN !== 0) continue;
      // what comes behind starts where this ends; the next row starts a stride on, at any multiple of the element
      if (end % ALIGN !== 0 && end !== rowStride) continue;
      if (operatorOf(producer)?.writesRows !== true || producer.outputs.length !== 1 || producer.inputs.every((x) => x?.constant !== undefined)) continue;
      // the operator's rows are those along the last axis
      if (rows !== 1 && d !== y.dims.length - 1) continue;
      placements.set(v, { of: y, offset, rows, rowStride });
    }
  }
  return placements;
}
