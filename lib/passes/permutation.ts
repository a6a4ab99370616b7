/** Permutations as Transpose has them: y = Transpose(x, p) has y.dims[i] = x.dims[p[i]]. */

import { sameShape } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';

export type Perm = readonly number[];

/** The permutation of a Transpose node; by default it reverses. */
export function permOf(node: Node): Perm {
  if (node.has('perm')) return node.ints('perm');
  const rank = node.input(0).dims.length;
  return Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

/** The permutation of Transpose(Transpose(x, first), second). */
export function compose(first: Perm, second: Perm): number[] {
  return second.map((i) => first[i] as number);
}

export function inverse(p: Perm): number[] {
  const q = new Array<number>(p.length);
  p.forEach((from, to) => {
    q[from] = to;
  });
  return q;
}

export function isIdentity(p: Perm): boolean {
  for (let i = 0; i < p.length; i++) if (p[i] !== i) return false;
  return true;
}

export const samePerm: (a: Perm, b: Perm) => boolean = sameShape;

/** The permutation of a tensor with more leading dimensions, which stay. */
export function extend(p: Perm, rank: number): Perm {
  const lead = rank - p.length;
  if (lead === 0) return p;
  return [...Array.from({ length: lead }, (_, i) => i), ...p.map((i) => i + lead)];
}

/** Whether Transpose(x, p) leaves the elements where they are: only dimensions of size 1 move. */
export function movesNothing(dims: readonly number[], p: Perm): boolean {
  if (dims.includes(0)) return true;
  let last = -1;
  for (const from of p) {
    if (dims[from] === 1) continue;
    if (from < last) return false;
    last = from;
  }
  return true;
}

export function permute<T>(list: readonly T[], p: Perm): T[] {
  return p.map((i) => list[i] as T);
}

/** NHWC → NCHW for any number of spatial dimensions: [0, last, 1, 2, …]. */
export function channelsFirst(rank: number): number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
}

/** NCHW → NHWC: [0, 2, 3, …, 1]. */
export function channelsLast(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}
