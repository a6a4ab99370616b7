/**
 * Merges nodes that compute the same from the same.
 *
 *     %a = Shape(%x); %b = Shape(%x); %y = Concat(%a, %b)   →   %a = Shape(%x); %y = Concat(%a, %a)
 *
 * Refuses: operators that draw random numbers, nodes with subgraphs, different numbers of results. Small constants are
 * equal by their bytes, large ones only where they are the same tensor.
 */
import { type AttrValue, Constant, Graph, type Node, type Value } from '../graph/graph.js';
import { GraphEditor, randomOps } from './editor.js';
import type { Pass } from './index.js';

/** Bytes up to which constants are compared by content. */
const SMALL = 256;

function constantText(c: Constant): string {
  const bytes = c.byteLength <= SMALL ? Buffer.from(c.read()).toString('hex') : c.key;
  return `${c.dtype}[${c.dims}]${bytes}`;
}

function attrText(a: AttrValue): string | undefined {
  if (a instanceof Constant) return constantText(a);
  if (a instanceof Graph || (Array.isArray(a) && a.some((x) => x instanceof Graph))) return undefined;
  return JSON.stringify(a, (_, x) => (Object.is(x, -0) ? '-0' : typeof x === 'number' && !Number.isFinite(x) ? `${x}` : x));
}

export const mergeEqual: Pass = {
  name: 'merge-equal',
  run(graph) {
    const edit = new GraphEditor(graph);
    const ids = new Map<Value, string>();
    const idOf = (v: Value | undefined): string => {
      if (v === undefined) return '-';
      let id = ids.get(v);
      if (id === undefined) {
        id = v.constant === undefined ? `%${ids.size}` : constantText(v.constant);
        ids.set(v, id);
      }
      return id;
    };
    // Attributes are only written out where something else agrees.
    const keyOf = (node: Node) => `${node.domain}:${node.op}(${node.inputs.map(idOf).join(',')})${node.outputs.map((v) => v.dtype).join(',')}`;
    const attrsOf = (node: Node): string | undefined => {
      const attrs: string[] = [];
      for (const [name, a] of node.attrs) {
        const text = attrText(a);
        if (text === undefined) return undefined;
        attrs.push(`${name}=${text}`);
      }
      return attrs.sort().join(',');
    };
    const seen = new Map<string, Node | Map<string, Node>>();
    for (const node of edit.nodes()) {
      if (randomOps.has(node.op) || node.op === 'Dropout') continue;
      const key = keyOf(node);
      let alike = seen.get(key);
      if (alike === undefined) {
        seen.set(key, node);
        continue;
      }
      const attrs = attrsOf(node);
      if (attrs === undefined) continue;
      if (!(alike instanceof Map)) {
        const first = attrsOf(alike);
        alike = new Map(first === undefined ? [] : [[first, alike]]);
        seen.set(key, alike);
      }
      const twin = alike.get(attrs);
      if (twin === undefined) {
        alike.set(attrs, node);
        continue;
      }
      node.outputs.forEach((v, i) => {
        edit.replaceValue(v, twin.output(i));
      });
      edit.rewrites++;
    }
    return edit.finish();
  },
};
