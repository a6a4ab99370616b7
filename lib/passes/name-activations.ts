/**
 * Gives activation functions that exporters spell out their names back.
 *
 *     Mul(%x, Sigmoid(%x))                                    →   Swish(%x)
 *     Div(Mul(%x, Clip(Add(%x, 3), 0, 6)), 6)                 →   HardSwish(%x)
 *     Div(Clip(Add(%x, 3), 0, 6), 6)                          →   HardSigmoid(%x) {alpha=1/6, beta=1/2}
 *     Mul(Mul(%x, Add(Erf(Div(%x, √2)), 1)), 0.5)             →   Gelu(%x)
 *     Mul(Mul(%x, Add(Tanh(√(2/π)·(%x + 0.044715·%x³)), 1)), 0.5)   →   Gelu(%x) {approximate=tanh}
 *     Mul(%x, Tanh(Softplus(%x)))                             →   Mish(%x)
 *     PRelu(%x, 0.25)                                         →   LeakyRelu(%x) {alpha=0.25}
 *
 * The order of factors and whether a number multiplies or divides do not matter: a product is read as one number times
 * a set of factors. Refuses: numbers off by more than 1e-4, inner results that others read, types other than floats.
 */
import { sameShape } from '../graph/dim.js';
import { type AttrValue, type Node, scalarOf, type Value } from '../graph/graph.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

interface Product {
  readonly scale: number;
  readonly factors: readonly Value[];
}

interface Named {
  readonly op: string;
  readonly x: Value;
  readonly attrs?: Record<string, AttrValue>;
}

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-4 * Math.abs(b);

class Matcher {
  constructor(readonly edit: GraphEditor) {}

  /** The node that makes v, if it has this name and v has one reader. */
  #made(v: Value | undefined, op: string): Node | undefined {
    const node = v?.producer;
    return v !== undefined && node?.op === op && node.domain === '' && this.edit.onlyUser(v) !== undefined ? node : undefined;
  }

  /** v as a number times factors, looking through products and quotients that nobody else reads. */
  product(v: Value, root = true): Product {
    const node = root ? v.producer : (this.#made(v, 'Mul') ?? this.#made(v, 'Div') ?? this.#made(v, 'Pow'));
    if (node === undefined || node.domain !== '') return { scale: 1, factors: [v] };
    const [a, b] = [node.inputs[0], node.inputs[1]];
    if (a === undefined || b === undefined) return { scale: 1, factors: [v] };
    const right = scalarOf(b);
    if (node.op === 'Pow' && (right === 2 || right === 3)) return { scale: 1, factors: new Array<Value>(right).fill(a) };
    if (node.op === 'Div' && right !== undefined) {
      const p = this.product(a, false);
      return { scale: p.scale / right, factors: p.factors };
    }
    if (node.op !== 'Mul') return { scale: 1, factors: [v] };
    const [p, q] = [a, b].map((f): Product => {
      const s = scalarOf(f);
      return s === undefined ? this.product(f, false) : { scale: s, factors: [] };
    }) as [Product, Product];
    return { scale: p.scale * q.scale, factors: [...p.factors, ...q.factors] };
  }

  /** f where v = f + c. */
  #plus(v: Value | undefined, c: number): Value | undefined {
    const add = this.#made(v, 'Add');
    if (add === undefined) return undefined;
    const [a, b] = [add.input(0), add.input(1)];
    if (near(scalarOf(b) ?? Number.NaN, c)) return a;
    return near(scalarOf(a) ?? Number.NaN, c) ? b : undefined;
  }

  /** x where v = clip(x + 3, 0, 6). */
  #relu6Plus3(v: Value): Value | undefined {
    const clip = this.#made(v, 'Clip');
    return clip !== undefined && scalarOf(clip.inputs[1]) === 0 && scalarOf(clip.inputs[2]) === 6 ? this.#plus(clip.inputs[0], 3) : undefined;
  }

  /** Whether v = scale·x. */
  #isScaled(v: Value | undefined, x: Value, scale: number): boolean {
    if (v === undefined) return false;
    const p = this.product(v, false);
    return p.factors.length === 1 && p.factors[0] === x && near(p.scale, scale);
  }

  /** Whether v = √(2/π)·(x + 0.044715·x³), or the same with x factored out. */
  #isTanhArgument(v: Value, x: Value): boolean {
    const outer = this.product(v, false);
    if (!near(outer.scale, Math.sqrt(2 / Math.PI))) return false;
    const sums = outer.factors.filter((f) => f !== x);
    const add = sums.length === 1 ? this.#made(sums[0], 'Add') : undefined;
    if (add === undefined || outer.factors.length > 2) return false;
    const factoredOut = outer.factors.length === 2;
    const terms = add.inputs.map((t): Product => {
      const s = scalarOf(t);
      return s !== undefined ? { scale: s, factors: [] } : t === x ? { scale: 1, factors: [x] } : this.product(t as Value, false);
    });
    const has = (scale: number, power: number) => terms.some((t) => near(t.scale, scale) && t.factors.length === power && t.factors.every((f) => f === x));
    const less = factoredOut ? 1 : 0;
    return has(1, 1 - less) && has(0.044715, 3 - less);
  }

  named(node: Node): Named | undefined {
    if (node.op === 'PRelu' && node.domain === '') {
      const alpha = scalarOf(node.inputs[1]);
      return alpha === undefined ? undefined : { op: 'LeakyRelu', x: node.input(0), attrs: { alpha } };
    }
    if (node.domain !== '' || (node.op !== 'Mul' && node.op !== 'Div')) return undefined;
    const { scale, factors } = this.product(node.output());
    if (factors.length === 1 && near(scale, 1 / 6)) {
      const x = this.#relu6Plus3(factors[0] as Value);
      return x && { op: 'HardSigmoid', x, attrs: { alpha: 1 / 6, beta: 0.5 } };
    }
    if (factors.length !== 2) return undefined;
    const [a, b] = factors as [Value, Value];
    return this.#gated(scale, a, b) ?? this.#gated(scale, b, a);
  }

  /** scale·x·gate(x). */
  #gated(scale: number, x: Value, gate: Value): Named | undefined {
    if (near(scale, 1)) {
      if (this.#made(gate, 'Sigmoid')?.inputs[0] === x) return { op: 'Swish', x };
      const hard = this.#made(gate, 'HardSigmoid');
      if (hard?.inputs[0] === x && near(hard.float('alpha', 0.2), 1 / 6) && near(hard.float('beta', 0.5), 0.5)) return { op: 'HardSwish', x };
      const tanh = this.#made(gate, 'Tanh');
      if (this.#made(tanh?.inputs[0], 'Softplus')?.inputs[0] === x) return { op: 'Mish', x };
    }
    if (near(scale, 1 / 6) && this.#relu6Plus3(gate) === x) return { op: 'HardSwish', x };
    if (near(scale, 0.5)) {
      const inner = this.#plus(gate, 1);
      if (this.#isScaled(this.#made(inner, 'Erf')?.inputs[0], x, Math.SQRT1_2)) return { op: 'Gelu', x };
      const tanh = this.#made(inner, 'Tanh');
      if (tanh !== undefined && this.#isTanhArgument(tanh.input(0), x)) return { op: 'Gelu', x, attrs: { approximate: 'tanh' } };
    }
    return undefined;
  }
}

export const nameActivations: Pass = {
  name: 'name-activations',
  run(graph) {
    const edit = new GraphEditor(graph);
    const matcher = new Matcher(edit);
    // from the end, so that the whole of HardSwish is seen before the HardSigmoid in it
    for (const node of edit.nodes('backward')) {
      if (node.outputs.length !== 1 || node.output().dtype !== 'float32' || edit.isUnused(node.output())) continue;
      const found = matcher.named(node);
      if (found === undefined || !sameShape(found.x.dims, node.output().dims)) continue;
      edit.replaceNode(node.output(), found.op, [found.x], found.attrs === undefined ? {} : { attrs: found.attrs });
    }
    return edit.finish();
  },
};
