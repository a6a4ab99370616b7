/**
 * Every older form of an operator becomes the newest one, so that inference, passes and kernels know one form only.
 * A rule belongs to an operator and to the opset that changed it: it applies to nodes of opsets before that, oldest
 * rule first.
 */
import type { AttrValue, Value } from '../graph/graph.js';

/** A node on its way into the graph. */
export interface Draft {
  op: string;
  name: string;
  inputs: (Value | undefined)[];
  outputs: Value[];
  attrs: Map<string, AttrValue>;
}

export interface UpgradeEnvironment {
  /** A value name that is not taken. */
  fresh(stem: string): string;
  /** Notes that this form cannot be brought to the newest one. */
  problem(text: string): void;
}

export function upgradesOf(_op: string): readonly number[] {
  return [];
}

export function upgradeNode(draft: Draft, _opset: number, _environment: UpgradeEnvironment): Draft[] {
  return [draft];
}
