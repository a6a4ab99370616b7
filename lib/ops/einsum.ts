/** Einsum: pairs of operands become matrix products where they can, strided sums of products where they cannot. */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { byteSize, type DType, dtypes } from '../dtype.js';
import type { Dim } from '../graph/dim.js';
import { EINSUM_RANK, einsumParams } from '../kernels/einsum.js';
import { stridesOf } from './known.js';
import type { Inference, Operator } from './operator.js';
import { lowerProduct } from './product.js';
import { copyView } from './strided.js';

/** Subscripts of every operand and of the result; dimensions of an ellipsis are named .0 (the last), .1, …. */
interface Equation {
  readonly terms: readonly (readonly string[])[];
  readonly result: readonly string[];
}

function splitTerm(term: string, ellipsis: readonly string[]): string[] {
  const at = term.indexOf('...');
  return at < 0 ? [...term] : [...term.slice(0, at), ...ellipsis, ...term.slice(at + 3)];
}

/** Reads an equation for operands of those ranks; undefined where it is none. */
export function parseEquation(text: string, ranks: readonly number[]): Equation | undefined {
  const match = /^((?:[A-Za-z]|\.\.\.|,)*)(->((?:[A-Za-z]|\.\.\.)*))?$/.exec(text.replaceAll(' ', ''));
  if (match === null) return undefined;
  const texts = (match[1] as string).split(',');
  if (texts.length !== ranks.length || texts.some((t) => t.indexOf('...') !== t.lastIndexOf('...'))) return undefined;
  const extra = texts.map((t, i) => (ranks[i] as number) - t.replace('...', '').length);
  if (extra.some((n, i) => n < 0 || (n > 0 && !(texts[i] as string).includes('...')))) return undefined;
  const names = (count: number) => Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);
  const terms = texts.map((t, i) => splitTerm(t, names(extra[i] as number)));
  const ellipsis = names(Math.max(0, ...extra));
  if (match[2] !== undefined) {
    const result = splitTerm(match[3] as string, ellipsis);
    const known = new Set(terms.flat());
    return new Set(result).size === result.length && result.every((s) => known.has(s)) ? { terms, result } : undefined;
  }
  const count = new Map<string, number>();
  for (const s of terms.flat()) count.set(s, (count.get(s) ?? 0) + 1);
  const once = [...count].filter(([s, n]) => n === 1 && !s.startsWith('.')).map(([s]) => s);
  return { terms, result: [...ellipsis, ...once.sort()] };
}

/** Sizes of all subscripts; undefined where two dimensions of one subscript differ. */
function sizesOf(terms: Equation['terms'], shapes: readonly (readonly Dim[])[]): Map<string, Dim> | undefined {
  const sizes = new Map<string, Dim>();
  for (const [i, term] of terms.entries()) {
    for (const [d, s] of term.entries()) {
      const now = (shapes[i] as readonly Dim[])[d] as Dim;
      const before = sizes.get(s);
      if (before === undefined || before === 1 || (typeof before === 'string' && now !== 1)) sizes.set(s, now);
      else if (typeof now === 'number' && now !== 1 && now !== before) return undefined;
    }
  }
  return sizes;
}

/** An operand on the way: memory and its stride along each subscript. */
interface Strided {
  readonly ref: Ref;
  readonly strides: ReadonlyMap<string, number>;
}

/** One Einsum node being lowered. */
class Contraction {
  constructor(
    readonly low: Lowering,
    readonly dtype: DType,
    readonly sizes: ReadonlyMap<string, number>,
  ) {}

  size(s: string): number {
    return this.sizes.get(s) as number;
  }

  count(list: readonly string[]): number {
    return list.reduce((n, s) => n * this.size(s), 1);
  }

  dims(list: readonly string[]): number[] {
    return list.map((s) => this.size(s));
  }

  operand(ref: Ref, term: readonly string[], dims: readonly number[]): Strided {
    const strides = new Map<string, number>();
    const dense = stridesOf(dims);
    // a repeated subscript walks the diagonal; a dimension of 1 broadcasts
    for (const [d, s] of term.entries()) strides.set(s, (strides.get(s) ?? 0) + (dims[d] === 1 ? 0 : (dense[d] as number)));
    return { ref, strides };
  }

  dense(ref: Ref, list: readonly string[]): Strided {
    return this.operand(ref, list, this.dims(list));
  }

  temp(list: readonly string[]): Ref {
    return this.low.temp(byteSize(this.dtype, this.count(list)), 'einsum');
  }

  isDense(x: Strided, list: readonly string[]): boolean {
    const dense = stridesOf(this.dims(list));
    return list.every((s, d) => this.size(s) === 1 || x.strides.get(s) === dense[d]);
  }

  /** to[result] = sum over everything else of a·b. */
  sum(to: Ref, result: readonly string[], a: Strided, b?: Strided): Ref {
    const all = new Set([...a.strides.keys(), ...(b?.strides.keys() ?? [])]);
    const labels = [...result, ...[...all].filter((s) => !result.includes(s))].filter((s) => this.size(s) !== 1);
    if (labels.length > EINSUM_RANK) throw new Error(`${this.low.node.where}: at most ${EINSUM_RANK} subscripts are summed at once`);
    const outRank = labels.filter((s) => result.includes(s)).length;
    const along = (x: Strided | undefined) => labels.map((s) => x?.strides.get(s) ?? 0);
    const row = this.low.select('einsum', this.low.outDtype());
    const params = { outRank, rank: labels.length, dims: this.dims(labels), strideA: along(a), strideB: along(b) };
    return this.low.emit(row, einsumParams, params, [to], [a.ref, b?.ref])[0] as Ref;
  }

  /** An operand without the subscripts that only it has and nobody wants. */
  reduced(x: Strided, wanted: ReadonlySet<string>): Strided {
    const keep = [...x.strides.keys()].filter((s) => wanted.has(s));
    if (keep.length === x.strides.size) return x;
    return this.dense(this.sum(this.temp(keep), keep, x), keep);
  }

  /** An operand as dense matrices [batch, rows, columns], by name where it lies so (or exchanged), else by a copy. */
  matrices(x: Strided, batch: readonly string[], rows: readonly string[], columns: readonly string[]) {
    const own = batch.filter((s) => x.strides.get(s) !== 0 || this.size(s) === 1);
    const dims = batch.map((s) => (own.includes(s) ? this.size(s) : 1));
    if (this.isDense(x, [...own, ...rows, ...columns])) return { ref: x.ref, batch: dims, transposed: false };
    if (this.isDense(x, [...own, ...columns, ...rows])) return { ref: x.ref, batch: dims, transposed: true };
    const list = [...own, ...rows, ...columns];
    const to = this.temp(list);
    const view = { dims: this.dims(list), strides: list.map((s) => x.strides.get(s) ?? 0), offset: 0 };
    return { ref: copyView(this.low, to, x.ref, view, byteSize(this.dtype, 1)), batch: dims, transposed: false };
  }

  /** to[result] = sum over everything else of a·b, by a matrix product where that is what it is. */
  product(to: Ref, result: readonly string[], left: Strided, right: Strided): Ref {
    const kept = new Set(result);
    const a = this.reduced(left, new Set([...kept, ...right.strides.keys()]));
    const b = this.reduced(right, new Set([...kept, ...a.strides.keys()]));
    const shared = [...a.strides.keys()].filter((s) => b.strides.has(s));
    const k = shared.filter((s) => !kept.has(s));
    const batch = result.filter((s) => shared.includes(s));
    const m = result.filter((s) => a.strides.has(s) && !b.strides.has(s));
    const n = result.filter((s) => b.strides.has(s) && !a.strides.has(s));
    const generic = this.low.trySelect('matmul_generic', this.low.outDtype()) !== undefined || this.dtype === 'float32';
    // A subscript of size 1 in one operand only is a sum over the other's: strides of 0 say so.
    const broadcasts = k.some((s) => this.size(s) !== 1 && (a.strides.get(s) === 0 || b.strides.get(s) === 0));
    if (!generic || broadcasts || k.length === 0 || this.count([...m, ...n]) < 4) return this.sum(to, result, a, b);
    const order = [...batch, ...m, ...n];
    const direct = order.every((s, i) => s === result[i]);
    const out = lowerProduct(
      this.low,
      {
        m: this.count(m),
        n: this.count(n),
        k: this.count(k),
        batch: this.dims(batch),
        a: this.matrices(a, batch, m, k),
        b: this.matrices(b, batch, k, n),
        out: direct ? to : this.temp(order),
      },
      this.dtype,
    );
    if (direct) return out;
    const strides = this.dense(out, order).strides;
    const view = { dims: this.dims(result), strides: result.map((s) => strides.get(s) as number), offset: 0 };
    return copyView(this.low, to, out, view, byteSize(this.dtype, 1));
  }
}

function equationOf(q: Inference): Equation {
  const text = q.node.string('equation');
  const ranks = q.node.inputs.map((_, i) => q.rank(i));
  const equation = parseEquation(text, ranks);
  if (equation === undefined)
    q.fail('equation must have one term of matching rank for every input and name its result from them', `"${text}", ${q.inputTexts()}`);
  return equation;
}

const einsum: Operator = {
  name: 'Einsum',
  domain: '',
  since: 12,
  infer(q: Inference) {
    const dtype = q.dtype(0);
    const { kind } = dtypes[dtype];
    if (!['float', 'int', 'uint'].includes(kind) || dtypes[dtype].bits < 8 || dtype.startsWith('float8'))
      q.failDtype('element type must be a number of at least 8 bits');
    for (let i = 1; i < q.inputCount; i++) if (q.dtype(i) !== dtype) q.failDtype('inputs must have one element type');
    const { terms, result } = equationOf(q);
    const sizes = sizesOf(
      terms,
      terms.map((_, i) => q.shape(i)),
    );
    if (sizes === undefined) q.fail(`dimensions with one subscript must be equal in "${q.node.string('equation')}"`, q.inputTexts());
    return [{ dtype, shape: result.map((s) => sizes.get(s) as Dim) }];
  },
  lower(low) {
    const shapes = low.node.inputs.map((_, i) => low.dims(i));
    const equation = parseEquation(
      low.node.string('equation'),
      shapes.map((s) => s.length),
    ) as Equation;
    const { terms, result } = equation;
    const work = new Contraction(low, low.node.input(0).type, sizesOf(terms, shapes) as Map<string, number>);
    let left = work.operand(low.in(0), terms[0] as string[], shapes[0] as number[]);
    if (terms.length === 1) {
      work.sum(low.out(), result, left);
      return;
    }
    for (let i = 1; i < terms.length; i++) {
      const right = work.operand(low.in(i), terms[i] as string[], shapes[i] as number[]);
      if (i === terms.length - 1) {
        work.product(low.out(), result, left, right);
        return;
      }
      const later = new Set([...result, ...terms.slice(i + 1).flat()]);
      const keep = [...new Set([...left.strides.keys(), ...right.strides.keys()])].filter((s) => later.has(s));
      left = work.dense(work.product(work.temp(keep), keep, left, right), keep);
    }
  },
};

export const einsumOperators: readonly Operator[] = [einsum];
