/** Who reads which value. Most values have one reader, which is kept without a set around it. */
import type { Graph, Node, Value } from '../graph/graph.js';

export class Readers {
  readonly #of = new Map<Value, Node | Set<Node>>();

  constructor(graph: Graph) {
    for (const node of graph.nodes) this.addAll(node);
  }

  addAll(node: Node): void {
    for (const v of node.inputs) if (v !== undefined) this.add(v, node);
  }

  add(v: Value, node: Node): void {
    const there = this.#of.get(v);
    if (there === undefined) this.#of.set(v, node);
    else if (there instanceof Set) there.add(node);
    else if (there !== node) this.#of.set(v, new Set([there, node]));
  }

  delete(v: Value, node: Node): void {
    const there = this.#of.get(v);
    if (there instanceof Set) there.delete(node);
    else if (there === node) this.#of.delete(v);
  }

  count(v: Value): number {
    const there = this.#of.get(v);
    return there === undefined ? 0 : there instanceof Set ? there.size : 1;
  }

  /** In the order in which they came. */
  list(v: Value): readonly Node[] {
    const there = this.#of.get(v);
    return there === undefined ? [] : there instanceof Set ? [...there] : [there];
  }
}
