/**
 * What of a typed graph follows the length of a past: the same graph, typed for three lengths, is compared value by value. A dimension is fixed, or the
 * past's length, or that with the new rows (`total`); settled elements are the same in all, or lie on lines, or are the same where all have them.
 * What only a few lengths are asked ("is there a past?", "is it 17?") the three may all answer alike: shorter ones are checked too, and where sides of a
 * comparison meet.
 */
import { elementCount } from '../graph/dim.js';
import type { Graph, Value } from '../graph/graph.js';
import { knownElements } from '../ops/operator.js';

export type AxisKind = 'past' | 'total';

/** Settled elements: `lines` has element i at past length n as base[i] + slope[i]·n; `others` follow it in no simple way. */
export type Elements =
  | { readonly kind: 'fixed' | 'positions' | 'others' }
  | { readonly kind: 'lines'; readonly base: readonly number[]; readonly slope: readonly number[] };

/** Thrown where something follows the past in a way that one program cannot: the graph is compiled for each length then. */
export class NotGrowing extends Error {}

export interface Probe {
  readonly graph: Graph;
  /** Tokens of the past that it is typed for. */
  readonly past: number;
}

export class Comparison {
  readonly #twins = new Map<Value, readonly Value[]>();
  readonly #elements = new Map<Value, Elements | undefined>();

  /** `main` is the one that will be compiled, `others` have shorter pasts, `checked` the shortest; all were made alike. */
  constructor(
    readonly main: Probe,
    readonly others: readonly Probe[],
    readonly rows: number,
    readonly checked: readonly Probe[],
    /** Tokens of the shortest past. */
    readonly least: number,
  ) {
    const { graph } = main;
    const probes = [...others, ...checked];
    for (const { graph: other } of probes) if (other.nodes.length !== graph.nodes.length) throw new NotGrowing('nodes depend on the length');
    graph.inputs.forEach((v, i) => {
      this.#pair(v, (g) => g.inputs[i]);
    });
    graph.nodes.forEach((node, n) => {
      for (const { graph: other } of probes) if (other.nodes[n]?.op !== node.op) throw new NotGrowing('nodes depend on the length');
      node.outputs.forEach((v, i) => {
        this.#pair(v, (g) => g.nodes[n]?.outputs[i]);
      });
    });
  }

  #pair(v: Value, twinIn: (graph: Graph) => Value | undefined): void {
    this.#twins.set(
      v,
      [...this.others, ...this.checked].map(({ graph }) => {
        const twin = twinIn(graph);
        if (twin === undefined) throw new NotGrowing('values depend on the length');
        return twin;
      }),
    );
  }

  #twinsOf(v: Value): readonly Value[] {
    return this.#twins.get(v)?.slice(0, this.others.length) ?? [];
  }

  /** The axes that follow the past. */
  axesOf(v: Value): ReadonlyMap<number, AxisKind> {
    const axes = new Map<number, AxisKind>();
    for (const [d, n] of v.dims.entries()) {
      const moved = this.#twinsOf(v).map((twin, i) => n - (twin.dims[d] as number) - (this.main.past - (this.others[i] as Probe).past));
      const fixed = this.#twinsOf(v).every((twin) => twin.dims[d] === n);
      if (fixed) continue;
      const extra = n - this.main.past;
      if (moved.some((m) => m !== 0) || (extra !== 0 && extra !== this.rows)) throw new NotGrowing(`dimensions of "${v.name}" follow the length`);
      axes.set(d, extra === 0 ? 'past' : 'total');
    }
    for (const [i, { past }] of this.checked.entries()) {
      const dims = this.#twins.get(v)?.[this.others.length + i]?.dims;
      const wanted = v.dims.map((n, d) => (axes.has(d) ? n - this.main.past + past : n));
      if (dims !== undefined && dims.join() !== wanted.join()) throw new NotGrowing(`dimensions of "${v.name}" follow the length`);
    }
    return axes;
  }

  /** undefined where elements are not settled. */
  elementsOf(v: Value): Elements | undefined {
    if (!this.#elements.has(v)) {
      const compared = this.#compared(v);
      this.#elements.set(v, compared === undefined || this.#holds(v, compared) ? compared : { kind: 'others' });
    }
    return this.#elements.get(v);
  }

  /** Whether that is so at every length, as far as can be told. */
  #holds(v: Value, elements: Elements): boolean {
    if (elements.kind === 'others') return true;
    const known = numbersOf(v) as readonly number[];
    const there = this.checked.every(({ past }, i) => {
      const twin = this.#twins.get(v)?.[this.others.length + i];
      const numbers = twin && numbersOf(twin);
      if (twin === undefined || numbers === undefined) return true;
      const { kind } = elements;
      return commonPart(twin.dims, v.dims, (a, b) => numbers[a] === (kind === 'lines' ? at(elements, b, past) : known[b]));
    });
    const { op, inputs } = v.producer ?? { op: '', inputs: [] };
    if (!there || elements.kind !== 'fixed') return there;
    if (LOGIC.has(op)) return !inputs.some((x) => x && this.elementsOf(x)?.kind === 'others');
    return op !== 'Equal' || !this.#meet(inputs as readonly Value[], known.length);
  }

  /** Whether one side of a comparison passes the other at a length that a past may have. */
  #meet(sides: readonly Value[], count: number): boolean {
    const [a, b] = sides.map((v) => {
      const elements = this.elementsOf(v);
      const base = numbersOf(v);
      return elements?.kind === 'lines' ? elements : base && elements?.kind !== 'others' ? { base, slope: base.map(() => 0) } : undefined;
    });
    if (a === undefined || b === undefined) return true;
    for (let i = 0; i < count; i++) {
      const of = (list: readonly number[]) => list[list.length === 1 ? 0 : i] as number;
      if (![a, b].every(({ base }) => base.length === 1 || base.length === count)) return true;
      const slope = of(a.slope) - of(b.slope);
      const n = (of(b.base) - of(a.base)) / slope;
      if (slope !== 0 && Number.isInteger(n) && n >= this.least && n <= this.main.past) return true;
    }
    return false;
  }

  #compared(v: Value): Elements | undefined {
    if (v.producer === undefined && this.#twinsOf(v).length === 0) return undefined;
    const known = numbersOf(v);
    if (known === undefined) return undefined;
    const twins = this.#twinsOf(v).map((twin) => ({ dims: twin.dims, known: numbersOf(twin) }));
    if (twins.some((t) => t.known === undefined)) return { kind: 'others' };
    const alike = twins.every((t) => t.dims.join() === v.dims.join());
    const same = twins.every((t) => commonPart(t.dims, v.dims, (there, here) => (t.known as readonly number[])[there] === known[here]));
    if (same) return { kind: alike ? 'fixed' : 'positions' };
    return alike
      ? this.#linesOf(
          known,
          twins.map((t) => t.known as readonly number[]),
        )
      : { kind: 'others' };
  }

  #linesOf(known: readonly number[], twins: readonly (readonly number[])[]): Elements {
    const { past } = this.main;
    const steps = this.others.map((probe) => past - probe.past);
    const slope = known.map((x, i) => (x - (twins[0]?.[i] as number)) / (steps[0] as number));
    const fits = twins.every((t, k) => known.every((x, i) => x - (slope[i] as number) * (steps[k] as number) === t[i]));
    if (!fits || !slope.every(Number.isInteger)) return { kind: 'others' };
    return { kind: 'lines', base: known.map((x, i) => x - (slope[i] as number) * past), slope };
  }
}

/** Answers that follow from others': where these change, so may they. */
const LOGIC = new Set(['And', 'Or', 'Xor', 'Not', 'Where']);

const at = ({ base, slope }: { readonly base: readonly number[]; readonly slope: readonly number[] }, i: number, past: number) =>
  (base[i] as number) + (slope[i] as number) * past;

function numbersOf(v: Value): readonly number[] | undefined {
  const known = knownElements(v);
  return known?.length === elementCount(v.dims) && known.every((x) => typeof x === 'number') ? (known as readonly number[]) : undefined;
}

/** Whether `holds` for the places of every element that both have. */
function commonPart(a: readonly number[], b: readonly number[], holds: (inA: number, inB: number) => boolean): boolean {
  const dims = a.map((n, d) => Math.min(n, b[d] as number));
  const at = dims.map(() => 0);
  for (let left = elementCount(dims); left > 0; left--) {
    const place = (of: readonly number[]) => at.reduce((sum, i, d) => sum * (of[d] as number) + i, 0);
    if (!holds(place(a), place(b))) return false;
    for (let d = at.length - 1; d >= 0; d--) {
      at[d] = (at[d] as number) + 1;
      if ((at[d] as number) < (dims[d] as number)) break;
      at[d] = 0;
    }
  }
  return true;
}
