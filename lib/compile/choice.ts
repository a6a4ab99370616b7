/**
 * Sites of choice: nodes that can be computed in more than one way. An operator offers the ways, best guess first; a
 * policy, an argument of the compile, may take another one than the first (the tuner in runtime/tune.ts takes measured
 * ones).
 */
import { shortName } from '../dtype.js';
import type { AttrValue, Node, Value } from '../graph/graph.js';

/** One way to compute a node. */
export interface Way<T> {
  /** Tells it from the other ways of its site: the name of the kernel that does the work. */
  readonly name: string;
  readonly reason: string;
  /** Emits the calls, with the reason for having chosen this way. */
  readonly emit: (reason: string) => T;
}

export interface Choice {
  readonly name: string;
  readonly reason: string;
}

/** Chooses among the ways of a site by their names; undefined: the first. */
export type ChoicePolicy = (site: string, names: readonly string[]) => Choice | undefined;

function valueText(v: Value | undefined): string {
  if (v === undefined) return '-';
  return `${shortName(v.type)}[${v.dims.join(',')}]${v.constant === undefined ? '' : ' constant'}`;
}

function attrText(v: AttrValue): string {
  return typeof v === 'object' && !Array.isArray(v) ? '' : String(v);
}

/**
 * What decides how long each way of a node takes: operator, types, shapes, attributes, and which inputs are constant.
 * Nodes that agree in this are one site.
 */
export function siteOf(node: Node, nth: number): string {
  const attrs = [...node.attrs].map(([name, v]) => `${name}=${attrText(v)}`).sort();
  const name = `${node.domain === '' ? '' : `${node.domain}.`}${node.op}${nth === 0 ? '' : `#${nth}`}`;
  return `${name}(${node.inputs.map(valueText).join(', ')})${attrs.length === 0 ? '' : ` ${attrs.join(' ')}`}`;
}
