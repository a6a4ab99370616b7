/** What the rules of channel-groups.ts work with: where units lie, and what nodes change when they go. */
import type { Dim } from '../graph/dim.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { Units } from './units.js';

/** Positions of a tensor on one axis, and the unit of each. */
export interface Lane {
  readonly axis: number;
  readonly units: readonly number[];
}

/** What a node has to change when units go. `input` is an operand of it. */
export type Edit = { readonly node: Node } & (
  | /** A constant keeps these positions of an axis. */ {
      readonly kind: 'take';
      readonly input: number;
      readonly axis: number;
      readonly units: readonly number[];
    }
  | /** An element of a list of sizes is how many are left. */ {
      readonly kind: 'length';
      readonly input: number;
      readonly at: number;
      readonly units: readonly number[];
    }
  | /** An element of a list of positions is how many are left before it. */ {
      readonly kind: 'position';
      readonly input: number;
      readonly at: number;
      readonly units: readonly number[];
    }
  | /** Groups of a convolution, by a channel of each. */ { readonly kind: 'groups'; readonly units: readonly number[] }
  | /** Results of a Split. */ { readonly kind: 'parts'; readonly parts: readonly (readonly number[])[] }
);

/** A product of two tensors whose batch has units: heads. */
export interface HeadProduct {
  readonly node: Node;
  readonly units: readonly number[];
}

/** What rules work with. */
export class Tracker {
  readonly units = new Units();
  readonly edits: Edit[] = [];
  readonly headProducts: HeadProduct[] = [];
  readonly lanes = new Map<Value, Lane>();
  readonly #graph: Graph;
  readonly #uses: ReadonlyMap<Value, readonly Node[]>;

  constructor(
    graph: Graph,
    readonly dimsOf: (v: Value) => readonly number[] | undefined,
  ) {
    this.#graph = graph;
    this.#uses = graph.uses();
  }

  readers(v: Value): readonly Node[] {
    return this.#uses.get(v) ?? [];
  }

  /** By a node, or as an output of the model. */
  isRead(v: Value): boolean {
    return this.readers(v).length > 0 || this.#graph.isOutput(v);
  }

  /** The first lane among a node's inputs, and where. */
  firstLane(node: Node): { readonly i: number; readonly lane: Lane } | undefined {
    for (const [i, v] of node.inputs.entries()) {
      const lane = v && this.lanes.get(v);
      if (lane !== undefined) return { i, lane };
    }
    return undefined;
  }

  rank(v: Value): number {
    return this.dimsOf(v)?.length ?? v.shape?.length ?? 0;
  }

  /** The result has this lane. False where the number of positions does not follow from the model alone. */
  carry(v: Value, lane: Lane): boolean {
    const declared: Dim | undefined = v.shape?.[lane.axis];
    if (declared !== lane.units.length) return false;
    this.lanes.set(v, lane);
    return true;
  }

  pinInputs(node: Node, why: string): void {
    for (const v of node.inputs) {
      const lane = v && this.lanes.get(v);
      if (lane !== undefined) this.units.pin(lane.units, why);
    }
  }
}

/** True where the node can go on with fewer; otherwise why it cannot, or nothing to say. */
export type Rule = (node: Node, t: Tracker) => true | string | undefined;

export const UNKNOWN = 'makes a tensor of unknown shape of them';

/** The same lane in every result. */
export function same(node: Node, t: Tracker, lane: Lane): true | string {
  return node.outputs.every((y) => t.carry(y, lane) || !t.isRead(y)) ? true : UNKNOWN;
}

export const axisAmong = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
