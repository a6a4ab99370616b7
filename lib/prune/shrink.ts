/** The graph without the units that go: constants lose positions, by nodes on constants that whoever runs sessions settles. */
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import { inferGraph } from '../ops/infer.js';
import { numbersOf } from '../passes/editor.js';
import type { ChannelGroups } from './channel-groups.js';
import type { Edit } from './tracker.js';

export interface Shrunk {
  readonly graph: Graph;
  /** Where the source's values stand in it. */
  readonly map: ReadonlyMap<Value, Value>;
}

/** Positions of a lane that stay. */
export function staying(units: readonly number[], goes: (unit: number) => boolean): number[] {
  return units.flatMap((u, i) => (goes(u) ? [] : [i]));
}

export function shrink(source: Graph, { edits }: Pick<ChannelGroups, 'edits'>, goes: (unit: number) => boolean): Shrunk {
  const { graph, map } = source.clone();
  const sliced: Node[] = [];
  const ints = (values: readonly number[]) => graph.addConstant(Constant.of('int64', [values.length], values));
  for (const edit of edits) {
    const node = map.get(edit.node.output())?.producer as Node;
    if (edit.kind === 'take') {
      if (!edit.units.some(goes)) continue;
      const gather = graph.createNode('Gather', [node.input(edit.input), ints(staying(edit.units, goes))], { attrs: { axis: edit.axis } });
      gather.output().name = graph.freshName(edit.node.input(edit.input).name);
      sliced.push(gather);
      node.inputs[edit.input] = gather.output();
    } else rewrite(graph, node, edit, goes, ints);
  }
  graph.nodes.unshift(...sliced);
  inferGraph(graph, { concrete: false });
  return { graph, map };
}

function rewrite(
  graph: Graph,
  node: Node,
  edit: Exclude<Edit, { kind: 'take' }>,
  goes: (unit: number) => boolean,
  ints: (values: readonly number[]) => Value,
): void {
  if (edit.kind === 'groups') {
    node.attrs.set('group', staying(edit.units, goes).length);
    return;
  }
  if (edit.kind === 'parts') {
    if (!edit.parts.some((part) => part.some(goes))) return;
    node.inputs[1] = ints(edit.parts.map((part) => staying(part, goes).length));
    node.attrs.delete('num_outputs');
    return;
  }
  if (edit.kind === 'length' && !edit.units.some(goes)) return;
  const old = node.input(edit.input);
  const count = staying(edit.units, goes).length;
  const numbers = old.constant && numbersOf(old);
  if (numbers !== undefined) {
    const changed = [...numbers];
    changed[edit.at] = count;
    node.inputs[edit.input] = graph.addConstant(Constant.of('int64', [changed.length], changed));
    return;
  }
  // Computed from sizes: all but this element stays so.
  const size = old.shape?.[0] as number;
  const part = (from: number, to: number) => {
    const cut = graph.createNode('Slice', [old, ints([from]), ints([to])]);
    graph.insertBefore(node, cut);
    return cut.output();
  };
  const pieces = [...(edit.at > 0 ? [part(0, edit.at)] : []), ints([count]), ...(edit.at + 1 < size ? [part(edit.at + 1, size)] : [])];
  const joined = graph.createNode('Concat', pieces, { attrs: { axis: 0 } });
  graph.insertBefore(node, joined);
  node.inputs[edit.input] = joined.output();
}
