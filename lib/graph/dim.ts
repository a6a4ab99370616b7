/**
 * Dimensions: a number, or a symbol (a name, or an expression over names that is kept as text). Arithmetic on symbols
 * builds text, so that two equal expressions stay equal.
 */

export type Dim = number | string;
export type Shape = readonly Dim[];

export function isConcrete(shape: readonly Dim[]): shape is readonly number[] {
  for (let i = 0; i < shape.length; i++) if (typeof shape[i] !== 'number') return false;
  return true;
}

const atom = (d: Dim) => (typeof d === 'number' || /^[\w.]+$/.test(d) ? `${d}` : `(${d})`);

export function addDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  return typeof b === 'number' && b < 0 ? `${atom(a)}-${-b}` : `${atom(a)}+${atom(b)}`;
}

export function subDim(a: Dim, b: Dim): Dim {
  if (a === b) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return b === 0 ? a : `${atom(a)}-${atom(b)}`;
}

export function mulDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a === 1) return b;
  if (b === 1) return a;
  if (a === 0 || b === 0) return 0;
  return `${atom(a)}*${atom(b)}`;
}

/** Integer division, rounded down. */
export function floorDivDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b);
  if (b === 1) return a;
  if (a === b) return 1;
  if (typeof a === 'string' && a.endsWith(`*${atom(b)}`)) return a.slice(0, -`*${atom(b)}`.length);
  return `floor(${a}/${atom(b)})`;
}

export function ceilDivDim(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.ceil(a / b);
  if (b === 1) return a;
  return `ceil(${a}/${atom(b)})`;
}

export function productDim(shape: readonly Dim[]): Dim {
  return shape.reduce<Dim>(mulDim, 1);
}

/** Number of elements of a concrete shape. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i] as number;
  return count;
}

export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * The shape of an elementwise result (ONNX "multidirectional broadcasting", docs/Broadcasting.md); undefined where two
 * dimensions cannot meet. A symbol meets 1 and itself; against another symbol or number it is taken to be equal, and
 * the number wins.
 */
export function broadcastShapes(a: readonly Dim[], b: readonly Dim[]): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) out.push(x);
    else if (x === 1) out.push(y);
    else if (typeof x === 'string') out.push(y);
    else if (typeof y === 'string') out.push(x);
    else return undefined;
  }
  return out;
}
