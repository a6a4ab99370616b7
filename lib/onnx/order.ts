/** The order of nodes: every model must name its values once and without cycles; the order in the file is not trusted. */
import { dsnkError } from '../errors.js';
import type { GraphProto, NodeProto } from './proto.js';

export function nodeWhere(node: NodeProto): string {
  const op = node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
  return `${op} "${node.name !== '' ? node.name : (node.output.find((o) => o !== '') ?? '')}"`;
}

/** Names a node reads: its inputs and what its subgraphs take from outside. */
function reads(node: NodeProto): Set<string> {
  const names = new Set(node.input.filter((name) => name !== ''));
  for (const a of node.attribute) {
    for (const g of a.g === undefined ? a.graphs : [a.g, ...a.graphs]) for (const name of captured(g)) names.add(name);
  }
  return names;
}

function captured(graph: GraphProto): Set<string> {
  const made = new Set([
    ...graph.input.map((v) => v.name),
    ...graph.initializer.map((t) => t.name),
    ...graph.sparseInitializer.map((t) => t.values?.name ?? ''),
    ...graph.node.flatMap((n) => n.output),
  ]);
  const names = new Set<string>();
  for (const node of graph.node) for (const name of reads(node)) if (!made.has(name)) names.add(name);
  for (const v of graph.output) if (!made.has(v.name)) names.add(v.name);
  return names;
}

/**
 * Topological order, that of the file where it is one already. `taken` are the names of this scope before the first node,
 * `visible` those and the ones of the scopes around it.
 */
export function orderNodes(nodes: readonly NodeProto[], taken: (name: string) => boolean, visible: (name: string) => boolean, where: string): NodeProto[] {
  const maker = new Map<string, number>();
  for (const [i, node] of nodes.entries()) {
    for (const name of node.output) {
      if (name === '') continue;
      if (maker.has(name) || taken(name))
        throw dsnkError('ERR_DSNK_INVALID_MODEL', nodeWhere(node), 'values must be made once', `"${name}" is made a second time`);
      maker.set(name, i);
    }
  }
  const waitsFor = new Int32Array(nodes.length);
  const readers: number[][] = nodes.map(() => []);
  for (const [i, node] of nodes.entries()) {
    for (const name of reads(node)) {
      const from = maker.get(name);
      if (from !== undefined) {
        readers[from]?.push(i);
        waitsFor[i] = (waitsFor[i] ?? 0) + 1;
      } else if (!visible(name)) {
        throw dsnkError('ERR_DSNK_INVALID_MODEL', nodeWhere(node), 'inputs must be made by a node, an input or an initializer', `"${name}" is not`);
      }
    }
  }
  const ready = new IndexHeap();
  for (let i = 0; i < nodes.length; i++) if (waitsFor[i] === 0) ready.push(i);
  const ordered: NodeProto[] = [];
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    ordered.push(nodes[i] as NodeProto);
    for (const reader of readers[i] ?? []) {
      const left = (waitsFor[reader] ?? 0) - 1;
      waitsFor[reader] = left;
      if (left === 0) ready.push(reader);
    }
  }
  if (ordered.length < nodes.length) {
    const stuck = nodes.filter((_, i) => (waitsFor[i] ?? 0) > 0).map(nodeWhere);
    throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'nodes must not form a cycle', `${stuck.slice(0, 4).join(', ')}${stuck.length > 4 ? ' …' : ''} do`);
  }
  return ordered;
}

/** Smallest index first, so that a file that is in order stays in order. */
class IndexHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = items[up] as number;
      if (above <= item) break;
      items[at] = above;
      at = up;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && (items[down + 1] as number) < (items[down] as number)) down++;
      const below = items[down] as number;
      if (below >= last) break;
      items[at] = below;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
