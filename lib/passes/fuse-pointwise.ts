/**
 * Turns trees of elementwise operators into one pass over memory.
 *
 *     %a = Mul(%x, %w); %b = Add(%a, %c[C]); %d = Sigmoid(%b); %y = Mul(%b, %d)
 *         →   %y = dsnk.Pointwise(%x, %w, %c) {steps=[mulAdd(x0,x1,x2), sigmoid(s0), mul(s0,s1)]}
 *
 * A node joins when everyone who reads it is in the group and its result has the shape of the group's: inputs may
 * broadcast, inner results may not, since they would be computed again for every repetition. Constants of one element
 * become numbers in the program. A function of one tensor of bytes that ends in bytes becomes the table of its 256 results,
 * which the init program computes. Quantized bytes join with their scale as steps, each product and sum rounded on its own.
 * Refuses: element types other than float32 and bool elsewhere, results that are graph outputs or
 * read elsewhere, results made of constants only (the init program holds them), and what exceeds the kernel's limits.
 */

import type { DType } from '../dtype.js';
import { broadcastShapes, type Dim, sameShape } from '../graph/dim.js';
import { Constant, type Node, scalarOf, type Value } from '../graph/graph.js';
import { POINTWISE_LIMITS } from '../kernels/pointwise.js';
import { stepsOf } from '../ops/elementwise.js';
import { assignRegisters, type ExpressionStep, input, mergeDims, parseStep, step, stepText, type Term, value } from '../ops/expression.js';
import { quantizeSteps } from '../ops/quantize.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const plain = (v: Value | undefined) => v === undefined || v.dtype === 'float32' || v.dtype === 'bool';
const isByte = (v: Value) => v.dtype === 'uint8' || v.dtype === 'int8';

/** The steps of a node that may be part of a group. */
function fusableSteps(node: Node | undefined): readonly ExpressionStep[] | undefined {
  if (node === undefined || node.outputs.length !== 1) return undefined;
  const scaled = quantizeSteps(node);
  if (scaled !== undefined) return scaled;
  if (!plain(node.output()) || !node.inputs.every((v) => plain(v) || (node.op === 'Pointwise' && node.domain === 'dsnk'))) return undefined;
  if (node.domain === 'dsnk' && node.op === 'Pointwise') return (node.attrs.get('steps') as readonly string[]).map(parseStep);
  if (node.domain === '' && (node.op === 'Cast' || node.op === 'CastLike')) {
    const truth: ExpressionStep[] = [
      { op: 'logicalNot', terms: [input(0)] },
      { op: 'logicalNot', terms: [step(0)] },
    ];
    return node.output().dtype === 'bool' && node.input(0).dtype !== 'bool' ? truth : [{ op: 'copy', terms: [input(0)] }];
  }
  return stepsOf(node);
}

interface Program {
  readonly inputs: readonly Value[];
  readonly steps: readonly ExpressionStep[];
}

/** One program for the nodes of a group, which stand in topological order; undefined where it exceeds the limits. */
function programOf(group: readonly Node[]): Program | undefined {
  const inputs: Value[] = [];
  const steps: ExpressionStep[] = [];
  const made = new Map<Value, Term>();
  const termOf = (v: Value): Term => {
    const before = made.get(v);
    if (before !== undefined) return before;
    const number = v.dtype === 'float32' ? scalarOf(v) : undefined;
    const term = number === undefined ? input(inputs.push(v) - 1) : value(number);
    made.set(v, term);
    return term;
  };
  for (const node of group) {
    // The scale and the zero point of a quantization are numbers in its steps.
    const operands = quantizeSteps(node) === undefined ? node.inputs : [node.input(0)];
    const terms = operands.filter((v) => v !== undefined).map(termOf);
    const base = steps.length;
    const own = fusableSteps(node) as readonly ExpressionStep[];
    for (const s of own) {
      steps.push({ op: s.op, terms: s.terms.map((t) => ('input' in t ? (terms[t.input] as Term) : 'step' in t ? step(base + t.step) : t)) });
    }
    const last = steps[steps.length - 1] as ExpressionStep;
    // a copy in the middle is its operand
    const through = last.op === 'copy' && node !== group[group.length - 1];
    if (through) steps.pop();
    made.set(node.output(), through ? (last.terms[0] as Term) : step(steps.length - 1));
  }
  // Sums of products rounded once differ from row to row; what becomes a byte must not.
  const short = group.some((node) => node.inputs.some((v) => v !== undefined && isByte(v)) || isByte(node.output())) ? steps : joinProducts(steps);
  const numbers = new Set(short.flatMap((s) => s.terms.flatMap((t) => ('value' in t ? [t.value] : []))));
  if (inputs.length === 0 || inputs.length > POINTWISE_LIMITS.inputs || short.length > POINTWISE_LIMITS.steps) return undefined;
  if (numbers.size > POINTWISE_LIMITS.immediates || assignRegisters(short) === undefined) return undefined;
  return { inputs, steps: short };
}

/** add(mul(a,b),c) → mulAdd(a,b,c), where nothing else reads the product. */
function joinProducts(steps: readonly ExpressionStep[]): ExpressionStep[] {
  const readers = steps.map(() => 0);
  for (const s of steps) for (const t of s.terms) if ('step' in t) readers[t.step] = (readers[t.step] as number) + 1;
  const gone = new Set<number>();
  const joined = steps.map((s) => {
    if (s.op !== 'add') return s;
    const at = s.terms.findIndex((t) => 'step' in t && steps[t.step]?.op === 'mul' && readers[t.step] === 1);
    if (at < 0) return s;
    const product = (s.terms[at] as { step: number }).step;
    gone.add(product);
    return { op: 'mulAdd' as const, terms: [...(steps[product] as ExpressionStep).terms, s.terms[1 - at] as Term] };
  });
  const place = new Map<number, number>();
  const kept = joined.filter((_, i) => !gone.has(i) && place.set(i, place.size));
  return kept.map((s) => ({ op: s.op, terms: s.terms.map((t) => ('step' in t ? step(place.get(t.step) as number) : t)) }));
}

function fits(program: Program, dims: readonly number[]): boolean {
  const shape = program.inputs.reduce<Dim[] | undefined>((s, v) => s && broadcastShapes(s, v.dims), []);
  if (shape === undefined || !sameShape(shape, dims)) return false;
  const shapes = program.inputs.map((v) => v.dims);
  return mergeDims(dims, shapes).dims.length <= POINTWISE_LIMITS.rank;
}

/** All bytes in the order of their bits, as numbers of a type. */
function everyByte(edit: GraphEditor, type: DType): Value {
  const values = Array.from({ length: 256 }, (_, bits) => (type === 'int8' && bits > 127 ? bits - 256 : bits));
  return edit.graph.addConstant(Constant.of(type, [256], values));
}

export const fusePointwise: Pass = {
  name: 'fuse-pointwise',
  run(graph) {
    const edit = new GraphEditor(graph);
    const order = new Map(graph.nodes.map((node, i) => [node, i]));
    const inOrder = (nodes: Iterable<Node>) => [...nodes].sort((a, b) => (order.get(a) as number) - (order.get(b) as number));
    // from the end: the root of a group is the last of its nodes
    for (const root of edit.nodes('backward')) {
      const y = root.outputs[0];
      if (y === undefined || edit.isUnused(y) || edit.isConstant(y) || fusableSteps(root) === undefined) continue;
      const group = new Set([root]);
      let best: Program | undefined;
      const queue = [...root.inputs];
      while (queue.length > 0) {
        const v = queue.shift();
        const node = v?.producer;
        if (v === undefined || node === undefined || group.has(node) || edit.isKept(v) || edit.isConstant(v)) continue;
        if (fusableSteps(node) === undefined || !sameShape(v.dims, y.dims) || !edit.users(v).every((u) => group.has(u))) continue;
        const program = programOf(inOrder([...group, node]));
        if (program === undefined || !fits(program, y.dims)) continue;
        group.add(node);
        best = program;
        queue.push(...node.inputs);
      }
      if (best === undefined) continue;
      const attrs = { steps: best.steps.map(stepText), dtype: y.dtype === 'float32' ? undefined : y.type };
      const [x, ...others] = best.inputs as readonly [Value, ...Value[]];
      if (others.length === 0 && isByte(x) && isByte(y) && sameShape(x.dims, y.dims)) {
        const results = edit.value('Pointwise', [everyByte(edit, x.type)], { domain: 'dsnk', attrs: { ...attrs, exact: 1 } });
        edit.replaceNode(y, 'Table', [x, results], { domain: 'dsnk' });
        continue;
      }
      edit.replaceNode(y, 'Pointwise', best.inputs, { domain: 'dsnk', attrs });
    }
    return edit.finish();
  },
};
