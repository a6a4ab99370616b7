/** Permutations as Transpose has them: y = Transpose(x, p) has y.dims[i] = x.dims[p[i]]. */

import type { Node } from '../graph/graph.js';

export type Perm = readonly number[];

/** The permutation of a Transpose node; by default it reverses. */
export function permOf(node: Node): Perm {
  const rank = node.input(0).dims.length;
  return node.ints(
    'perm',
    Array.from({ length: rank }, (_, i) => rank - 1 - i),
  );
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
  return p.every((from, to) => from === to);
}

export function samePerm(a: Perm, b: Perm): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** The permutation of a tensor with more leading dimensions, which stay. */
export function extend(p: Perm, rank: number): number[] {
  const lead = rank - p.length;
  return [...Array.from({ length: lead }, (_, i) => i), ...p.map((i) => i + lead)];
}

/** Whether Transpose(x, p) leaves the elements where they are: only dimensions of size 1 move. */
export function movesNothing(dims: readonly number[], p: Perm): boolean {
  if (dims.includes(0)) return true;
  const wide = p.filter((i) => dims[i] !== 1);
  return wide.every((from, i) => i === 0 || (wide[i - 1] as number) < from);
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
