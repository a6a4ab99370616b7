/**
 * Moves transposes down past whatever lets them pass, until they meet their inverse and both vanish, or reach a place
 * where they are smallest.
 *
 *     %a = Transpose(%x) {perm=[0,3,1,2]}; %b = Relu(%a); %y = Transpose(%b) {perm=[0,2,3,1]}   →   %y = Relu(%x)
 *     %a = Transpose(%x) {perm=[0,3,1,2]}; %y = Concat(%a, %b) {axis=1}
 *         →   %c = Transpose(%b) {perm=[0,2,3,1]}; %d = Concat(%x, %c) {axis=3}; %y = Transpose(%d) {perm=[0,3,1,2]}
 *
 * A step is taken where it leaves no more elements to move: transposes of constants are free (the init program runs
 * them), so are those that only move dimensions of size 1 (merge-reshapes makes a Reshape of them), and what lies below is looked at before
 * a transpose is pushed towards it. Refuses: operators without a rule in transpose-rules.ts, steps that do not pay.
 */

import { elementCount } from '../graph/dim.js';
import type { AttrValue, Node, Value } from '../graph/graph.js';
import { Constant } from '../graph/graph.js';
import { transposed } from './assign-layout.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { compose, extend, inverse, isIdentity, movesNothing, type Perm, permOf, permute, samePerm } from './permutation.js';
import { type Push, pushRule } from './transpose-rules.js';

/** Sweeps from inputs to outputs; each moves a transpose as far as it will go, so two usually do. */
const MAX_SWEEPS = 6;
/** How far below or above a node is looked before deciding. */
const MAX_DEPTH = 48;

const isTranspose = (node: Node) => node.op === 'Transpose' && node.domain === '';

class Sinker {
  readonly #below = new Map<Value, Map<string, number>>();
  readonly #carries = new Map<Value, Map<string, boolean>>();

  constructor(readonly edit: GraphEditor) {}

  /** Elements that Transpose(v, p) moves at run time. */
  #work(v: Value, p: Perm): number {
    return this.edit.isConstant(v) || movesNothing(v.dims, p) ? 0 : elementCount(v.dims);
  }

  /** The source of a transpose by p that made v. */
  #sourceOf(v: Value, p: Perm): Value | undefined {
    const node = v.producer;
    return node !== undefined && isTranspose(node) && samePerm(extend(permOf(node), p.length), p) ? node.input(0) : undefined;
  }

  /** Elements to move so that v can be read before a transpose by p. */
  #cost(v: Value, p: Perm, ahead: boolean, depth: number): number {
    if (this.#sourceOf(v, p) !== undefined) return 0;
    if (v.dims.length > p.length) return Number.POSITIVE_INFINITY;
    const q = inverse(p);
    const work = this.#work(v, v.dims.length === p.length ? q : [0]);
    if (v.dims.length < p.length) return movesNothing(leftPadded(v.dims, p.length), q) || this.edit.isConstant(v) ? 0 : elementCount(v.dims);
    if (work === 0 || this.edit.users(v).some((user) => isTranspose(user) && samePerm(permOf(user), q))) return 0;
    return ahead && this.#mayCarry(v, p, depth) ? 0 : work;
  }

  /** Whether a transpose by p above v could still come down to it. */
  #mayCarry(v: Value, p: Perm, depth: number): boolean {
    if (depth > MAX_DEPTH || v.producer === undefined) return false;
    if (this.#sourceOf(v, p) !== undefined) return true;
    const memo = memoOf(this.#carries, v);
    const key = p.join();
    let answer = memo.get(key);
    if (answer === undefined) {
      memo.set(key, false);
      const node = v.producer;
      const push = node.inputs[0]?.dims.length === p.length ? pushRule(node, 0, p) : undefined;
      const passes = push?.outPerms.some((q, i) => node.outputs[i] === v && samePerm(q, p)) ?? false;
      answer = passes && (push as Push).follow.some((i) => this.#mayCarry(node.input(i), p, depth + 1));
      memo.set(key, answer);
    }
    return answer;
  }

  /** Elements that a transpose by p put on v would cost in the end; negative where it takes others away. */
  #costBelow(v: Value, p: Perm, depth: number): number {
    if (isIdentity(p)) return 0;
    const own = this.#work(v, p);
    if (depth > MAX_DEPTH) return own;
    const memo = memoOf(this.#below, v);
    const key = p.join();
    const known = memo.get(key);
    if (known !== undefined) return known;
    memo.set(key, own);
    let passing = 0;
    let gains = 0;
    let stays = this.edit.isKept(v);
    for (const user of this.edit.users(v)) {
      const cost = this.#costPast(user, v, p, depth);
      if (cost >= own && own > 0) stays = true;
      else if (cost > 0 && own === 0) stays = true;
      else passing += cost;
      gains += Math.min(cost, 0);
    }
    const answer = stays ? own + gains : Math.min(passing, own + gains);
    memo.set(key, answer);
    return answer;
  }

  /** The same for one reader of v; infinite where it lets nothing pass. */
  #costPast(node: Node, v: Value, p: Perm, depth: number): number {
    if (isTranspose(node)) {
      const both = compose(p, permOf(node));
      return isIdentity(both) || movesNothing(permute(v.dims, inverse(p)), both) ? -this.#work(v, permOf(node)) : 0;
    }
    const at = node.inputs.indexOf(v);
    const push = pushRule(node, at, p);
    if (push === undefined) return Number.POSITIVE_INFINITY;
    return this.#costOf(node, push, p, (x) => x === v, depth);
  }

  /** What pushing past `node` costs: other inputs to bring along, and what comes out below. */
  #costOf(node: Node, push: Push, p: Perm, given: (v: Value) => boolean, depth: number): number {
    const full = push.full ?? p;
    let cost = 0;
    for (const i of push.follow) {
      const x = node.input(i);
      if (!given(x)) cost += this.#cost(x, full, depth > 0, depth);
    }
    if (push.before !== undefined && !movesNothing(permute(node.input(0).dims, inverse(p)), push.before)) cost += elementCount(node.input(0).dims);
    node.outputs.forEach((out, i) => {
      cost += this.#costBelow(out, push.outPerms[i] as Perm, depth + 1);
    });
    return cost;
  }

  /** Merges a transpose with the one before it, or takes it away where it does nothing. */
  #merge(node: Node): boolean {
    const { edit } = this;
    const p = permOf(node);
    const above = node.input(0).producer;
    if (!isIdentity(p) && (above === undefined || !isTranspose(above))) return false;
    this.#forget();
    if (isIdentity(p)) {
      edit.replaceValue(node.output(), node.input(0));
      return true;
    }
    const source = (above as Node).input(0);
    const both = compose(permOf(above as Node), p);
    edit.replaceValue(node.output(), isIdentity(both) ? source : transposed(edit, source, both));
    return true;
  }

  /** What was found above and below holds until the graph changes. */
  #forget(): void {
    this.#below.clear();
    this.#carries.clear();
  }

  /** v read before a transpose by p. */
  #before(v: Value, p: Perm): Value {
    const source = this.#sourceOf(v, p);
    if (source !== undefined) return source;
    const { edit } = this;
    const q = inverse(p);
    const wide = edit.reshape(v, leftPadded(v.dims, p.length));
    if (movesNothing(wide.dims, q) && edit.isConstant(wide)) return edit.reshape(wide, permute(wide.dims, q));
    return transposed(edit, wide, q);
  }

  #push(node: Node, push: Push, p: Perm): void {
    const { edit } = this;
    this.#forget();
    const full = push.full ?? p;
    let inputs = push.follow.map((i) => this.#before(node.input(i), full));
    if (push.before !== undefined) inputs = [transposed(edit, inputs[0] as Value, push.before)];
    const results = push.build !== undefined ? [push.build(edit, inputs, node)] : this.#rebuilt(node, push, inputs);
    node.outputs.forEach((old, i) => {
      const result = results[i] as Value;
      const perm = push.outPerms[i] as Perm;
      if (edit.isUnused(old)) return;
      result.name = old.name;
      if (isIdentity(perm)) edit.replaceValue(old, result);
      else edit.replaceValue(old, transposed(edit, result, perm));
    });
  }

  #rebuilt(node: Node, push: Push, follow: readonly Value[]): readonly Value[] {
    const { edit } = this;
    const inputs = [...node.inputs];
    push.follow.forEach((i, k) => {
      inputs[i] = follow[k];
    });
    for (const [key, values] of Object.entries(push.params ?? {})) {
      const i = Number(key);
      while (inputs.length < i) inputs.push(undefined);
      const dtype = node.inputs[i]?.dtype ?? (node.op === 'Slice' ? node.input(1).type : 'int64');
      inputs[i] = edit.graph.addConstant(Constant.of(dtype, [values.length], values));
    }
    const attrs: Record<string, AttrValue> = { ...Object.fromEntries(node.attrs), ...push.attrs };
    return edit.add(node.op, inputs, { domain: node.domain, name: node.name, attrs, outputs: node.outputs.length }).outputs;
  }

  /** Tries to move the transposes above `node` below it. */
  visit(node: Node): boolean {
    const { edit } = this;
    if (isTranspose(node)) return this.#merge(node);
    if (node.outputs.length > 0 && edit.isConstant(node.output())) return false;
    for (let i = 0; i < node.inputs.length; i++) {
      const x = node.inputs[i];
      const above = x?.producer;
      if (x === undefined || above === undefined || !isTranspose(above) || edit.isConstant(x)) continue;
      const p = permOf(above);
      const push = pushRule(node, i, p);
      if (push === undefined) continue;
      const full = push.full ?? p;
      let before = 0;
      let brought = push.before === undefined ? 0 : 1;
      for (const k of push.follow) {
        const v = node.input(k);
        const source = this.#sourceOf(v, full);
        // a transpose that others read too is only partly this node's
        if (source !== undefined) before += this.#work(source, permOf(v.producer as Node)) / (edit.users(v).length + (edit.isKept(v) ? 1 : 0));
        else if (this.#cost(v, full, false, 0) > 0) brought++;
      }
      const after = this.#costOf(node, push, p, () => false, 0);
      if (after < before || (after === before && brought === 0)) {
        this.#push(node, push, p);
        return true;
      }
    }
    return false;
  }
}

const leftPadded = (dims: readonly number[], rank: number) => [...new Array<number>(Math.max(0, rank - dims.length)).fill(1), ...dims];

function memoOf<T>(memo: Map<Value, Map<string, T>>, v: Value): Map<string, T> {
  let map = memo.get(v);
  if (map === undefined) {
    map = new Map();
    memo.set(v, map);
  }
  return map;
}

export const sinkTransposes: Pass = {
  name: 'sink-transposes',
  run(graph) {
    let rewrites = 0;
    for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
      const edit = new GraphEditor(graph);
      const sinker = new Sinker(edit);
      for (const node of edit.nodes()) if (sinker.visit(node)) edit.rewrites++;
      const done = edit.finish();
      rewrites += done;
      if (done === 0) break;
    }
    return rewrites;
  },
};
