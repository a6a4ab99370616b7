/** What each operator makes of tensors in which a dimension follows a past: see grow.ts. */
import { elementCount, sameShape } from '../graph/dim.js';
import type { Node, Value } from '../graph/graph.js';
import { elementwiseOperators } from '../ops/elementwise.js';
import { numbersOf } from '../passes/editor.js';
import type { Grower } from './grow.js';
import { NotGrowing } from './growing.js';

export interface Rule {
  /** Inputs whose elements decide shapes only, or have been looked at by `look`. */
  readonly shapes: readonly number[];
  /** Notes what has to be rewritten; returns whether zeros stand behind the tokens of the results. Throws NotGrowing. */
  look(g: Grower, node: Node): boolean;
}

const rule = (look: Rule['look'], shapes: readonly number[] = []): Rule => ({ look, shapes });
const refuse = (node: Node, why: string): never => {
  throw new NotGrowing(`${node.where}: ${why}`);
};
const zerosOf = (g: Grower, node: Node) => node.inputs.every((v) => g.growing(v).zeros);
const axisOf = (node: Node, rank: number, fallback?: number) => {
  const axis = node.int('axis', fallback);
  return axis < 0 ? axis + rank : axis;
};
const isTotal = (g: Grower, v: Value, axis: number) => g.growing(v).axes.get(axis) === 'total';
const hasPast = (g: Grower, v: Value | undefined) => [...g.growing(v).axes.values()].includes('past');

/** Elements of an input that must be the same at every length. */
function fixedNumbers(g: Grower, node: Node, i: number): readonly number[] | undefined {
  const e = g.elements(node.inputs[i]);
  if (e !== undefined && e.kind !== 'fixed') refuse(node, `input ${i} follows the length`);
  return numbersOf(node.inputs[i]);
}

/** What moves whole dimensions, or computes element by element. */
const keeps = rule(zerosOf, [1]);
const elementwise = rule((g, node) => {
  if (node.inputs.some((v) => hasPast(g, v))) return refuse(node, 'computes on a past');
  return node.op === 'Cast' && zerosOf(g, node);
});
const cast = rule(zerosOf);

const softmax = rule((g, node) => {
  const x = node.input(0);
  const axis = axisOf(node, x.dims.length, -1);
  if (hasPast(g, x) || g.growing(x).axes.size > 1) return refuse(node, 'must have scores of one length');
  if (!isTotal(g, x, axis)) return false;
  const dtype = x.type;
  if (dtype !== 'float32' && dtype !== 'float16' && dtype !== 'bfloat16' && dtype !== 'float64') return refuse(node, 'must have floats');
  g.rewrite(node, () => {
    const scores = node.input(0);
    g.edit.setInput(node, 0, g.edit.value('Add', [scores, g.bias(dtype, scores.dims.length, axis)]));
  });
  return true;
});

const matmul = rule((g, node) => {
  const [a, b] = [node.input(0), node.input(1)];
  if (hasPast(g, a) || hasPast(g, b)) return refuse(node, 'multiplies a past');
  const inner = [g.growing(a).axes.has(a.dims.length - 1), g.growing(b).axes.has(Math.max(b.dims.length - 2, 0))];
  if (inner.includes(true) && !(g.growing(a).zeros && g.growing(b).zeros)) return refuse(node, 'sums over what means nothing');
  return false;
});

const reshape = rule(
  (g, node) => {
    const [x, y] = [node.input(0), node.output()];
    const [[from] = [], ...more] = g.growing(x).axes;
    const [[to] = [], ...others] = g.growing(y).axes;
    if (more.length + others.length > 0 || (from === undefined) !== (to === undefined)) return refuse(node, 'mixes lengths');
    if (from === undefined || to === undefined) return true;
    const around = (v: Value, axis: number) => [elementCount(v.dims.slice(0, axis)), elementCount(v.dims.slice(axis + 1))];
    if (hasPast(g, x) || around(x, from).join() !== around(y, to).join()) return refuse(node, 'mixes lengths');
    return g.growing(x).zeros;
  },
  [1],
);

const concat = rule((g, node) => {
  const y = node.output();
  const axis = axisOf(node, y.dims.length);
  if (!g.growing(y).axes.has(axis)) return zerosOf(g, node);
  const [past, now, ...more] = node.inputs as Value[];
  const fits = past && now && more.length === 0 && axis > 0 && g.growing(past).axes.get(axis) === 'past' && g.growing(now).axes.size === 0;
  if (!fits || !isTotal(g, y, axis) || g.growing(y).axes.size > 1 || !g.growing(past).zeros) return refuse(node, 'must join a past and new rows');
  g.rewrite(node, () => {
    g.replace(y, g.append(node.input(0), node.input(1), axis));
  });
  return true;
});

const gather = rule((g, node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  const axis = axisOf(node, x.dims.length, 0);
  if (hasPast(g, indices)) return refuse(node, 'indices follow the past');
  const follows = g.growing(x).axes.get(axis);
  // Rows of a table that has none for tokens that may never come.
  if (g.growing(indices).axes.size > 0 && numbersOf(indices)?.some((i) => i >= (x.dims[axis] as number))) return refuse(node, 'must have rows for all tokens');
  if (follows === undefined) return g.growing(indices).axes.size === 0 && g.growing(x).zeros;
  // From the end counts from another place in every call.
  const known = numbersOf(indices);
  const early = g.elements(indices)?.kind !== 'lines' && (known === undefined || known.every((i) => i >= 0));
  if (follows === 'past' || !early || g.growing(x).axes.size > 1) return refuse(node, 'takes tokens by their distance from the end');
  return false;
});

const split = rule(
  (g, node) => {
    const x = node.input(0);
    if (g.growing(x).axes.has(axisOf(node, x.dims.length, 0))) return refuse(node, 'cuts tokens');
    return g.growing(x).zeros;
  },
  [1],
);

/** Where a run of rows begins that is cut out of one axis, at a past of no length, or undefined where all of it stays where it is. */
function startOf(g: Grower, node: Node): { readonly axis: number; readonly base: number } | undefined {
  const x = node.input(0);
  const starts = node.input(1);
  const axes = fixedNumbers(g, node, 3) ?? [...starts.dims.slice(0, 1).flatMap((n) => [...Array(n).keys()])];
  const steps = fixedNumbers(g, node, 4);
  const settled = g.elements(starts);
  let moved: { axis: number; base: number } | undefined;
  axes.forEach((given, i) => {
    const axis = given < 0 ? given + x.dims.length : given;
    const [before, after] = [g.growing(x).axes.has(axis), g.growing(node.output()).axes.has(axis)];
    let [base, slope] = settled?.kind === 'lines' ? [settled.base[i] as number, settled.slope[i] as number] : [numbersOf(starts)?.[i] as number, 0];
    if (settled?.kind === 'others' || settled?.kind === 'positions') refuse(node, 'starts anywhere');
    // From the end of what follows the past.
    if (base < 0 && slope === 0 && before) [base, slope] = [base + g.rows, 1];
    if (base < 0 && slope === 0) base += x.dims[axis] as number;
    const step = steps?.[i] ?? 1;
    if (slope === 0 && (!after || (base === 0 && step === 1))) return;
    if (slope !== 1 || after || step !== 1 || moved !== undefined) refuse(node, 'cuts tokens');
    moved = { axis, base };
  });
  return moved;
}

const slice = rule(
  (g, node) => {
    const [x, y] = [node.input(0), node.output()];
    if (hasPast(g, x) || hasPast(g, y)) return refuse(node, 'cuts a past');
    const moved = startOf(g, node);
    if (moved === undefined) return g.growing(x).zeros && [...g.growing(y).axes.keys()].every((axis) => g.growing(x).axes.has(axis));
    const others = x.dims.with(moved.axis, y.dims[moved.axis] as number);
    if (!sameShape(others, y.dims)) return refuse(node, 'cuts several axes');
    g.rewrite(node, () => {
      const n = y.dims[moved.axis] as number;
      const first = g.edit.value('Add', [g.counts(1), g.edit.scalar('int64', moved.base)]);
      const at = g.edit.value('Add', [g.steps(n, [n]), first]);
      g.replace(y, g.edit.value('Gather', [node.input(0), at], { attrs: { axis: moved.axis } }));
    });
    return false;
  },
  [1, 2, 3, 4],
);

const range = rule(
  (g, node) => {
    for (const i of [0, 2]) fixedNumbers(g, node, i);
    return false;
  },
  [0, 1, 2],
);

const reduce = rule(
  (g, node) => {
    const x = node.input(0);
    const given = fixedNumbers(g, node, 1) ?? [];
    const axes = given.length > 0 ? given.map((a) => (a < 0 ? a + x.dims.length : a)) : [...x.dims.keys()];
    const over = axes.some((a) => g.growing(x).axes.has(a));
    if (hasPast(g, x) || (over && (node.op !== 'ReduceSum' || !g.growing(x).zeros))) return refuse(node, 'sums over what means nothing');
    return false;
  },
  [1],
);

const scan = rule(
  (g, node) => {
    fixedNumbers(g, node, 1);
    if (hasPast(g, node.input(0)) || node.int('reverse', 0) !== 0) return refuse(node, 'counts from the end');
    return false;
  },
  [1],
);

const trilu = rule(
  (g, node) => {
    fixedNumbers(g, node, 1);
    return hasPast(g, node.input(0)) ? refuse(node, 'cuts a past') : false;
  },
  [1],
);

/** Caches of which a run says itself how much is there. */
const caches = rule((g, node) => {
  const at = node.op === 'CacheAppend' ? [0, 1] : [1, 2];
  node.inputs.forEach((v, i) => {
    const fits = at.includes(i) ? [...g.growing(v).axes].every(([axis, kind]) => axis === 2 && kind === 'total') : g.growing(v).axes.size === 0;
    if (!fits) refuse(node, 'must have the tokens behind the heads');
  });
  return at.every((i) => g.growing(node.inputs[i]).zeros);
});

/** The operator with a past: rows are appended here, and what may be seen becomes a sum on the scores. */
const attention = rule((g, node) => {
  const [mask, pastK, pastV] = [node.inputs[3], node.inputs[4], node.inputs[5]];
  const axes = [0, 1, 2, 6].flatMap((i) => [...g.growing(node.inputs[i]).axes]);
  const scores = node.outputs[3];
  if (pastK === undefined || pastV === undefined || axes.length > 0 || node.inputs[6] !== undefined || scores !== undefined)
    return refuse(node, 'must have a past and new rows');
  const columns = mask && mask.dims.length - 1;
  if (mask !== undefined && ([...g.growing(mask).axes].some(([a, kind]) => a !== columns || kind !== 'total') || mask.dims.length < 2))
    return refuse(node, 'mask');
  if (mask !== undefined && mask.dims.at(-1) !== 1 && g.growing(mask).axes.size === 0) return refuse(node, 'must have a mask over all tokens');
  g.rewrite(node, () => rewriteAttention(g, node));
  return true;
});

function rewriteAttention(g: Grower, node: Node): void {
  const { edit } = g;
  const [heads, keyHeads] = [node.int('q_num_heads', 0), node.int('kv_num_heads', 0)];
  const q = g.heads(node.input(0), heads);
  const k = g.append(node.input(4), g.heads(node.input(1), keyHeads), 2);
  const v = g.append(node.input(5), g.heads(node.input(2), keyHeads), 2);
  const [rows, columns] = [q.dims[2] as number, g.capacity];
  const causal = node.int('is_causal', 0) !== 0;
  const last = edit.value('Add', [edit.reshape(g.counts(1), [1, 1]), g.steps(rows, [rows, 1])]);
  const column = g.steps(columns, [1, columns]);
  const seen = causal ? edit.value('LessOrEqual', [column, last]) : edit.value('Less', [column, g.total]);
  const mask = node.inputs[3];
  let merged: Value;
  if (mask?.type === 'bool') merged = edit.value('And', [mask, seen]);
  else {
    const dtype = mask?.type ?? q.type;
    const bias = edit.value('Where', [seen, edit.scalar(dtype, 0), edit.scalar(dtype, -Infinity)]);
    merged = mask === undefined ? bias : edit.value('Add', [mask, bias]);
  }
  const attrs = Object.fromEntries([...node.attrs].filter(([name]) => !['is_causal', 'q_num_heads', 'kv_num_heads'].includes(name)));
  const y = edit.value('Attention', [q, k, v, merged], { name: node.name, attrs });
  const [batch, , , depth] = y.dims as [number, number, number, number];
  const flat =
    node.input(0).dims.length === 4 ? y : edit.reshape(edit.value('Transpose', [y], { attrs: { perm: [0, 2, 1, 3] } }), [batch, rows, heads * depth]);
  node.outputs.forEach((old, i) => {
    const to = [flat, k, v][i];
    if (to !== undefined && !edit.isUnused(old)) g.replace(old, to);
  });
}

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...elementwiseOperators.filter((op) => op.domain === '').map((op): [string, Rule] => [op.name, elementwise]),
  ...['Identity', 'Transpose', 'Squeeze', 'Unsqueeze'].map((name): [string, Rule] => [name, keeps]),
  ...['ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceMean'].map((name): [string, Rule] => [name, reduce]),
  ['Cast', cast],
  ['Softmax', softmax],
  ['MatMul', matmul],
  ['Reshape', reshape],
  ['Expand', rule((g, node) => g.growing(node.input(0)).zeros && g.growing(node.input(0)).axes.size === g.growing(node.output()).axes.size, [1])],
  ['ConstantOfShape', rule(() => false, [0])],
  ['Concat', concat],
  ['Gather', gather],
  ['Split', split],
  ['Slice', slice],
  ['Range', range],
  ['CumSum', scan],
  ['Trilu', trilu],
  ['Attention', attention],
]);

const ownRules: ReadonlyMap<string, Rule> = new Map([
  ['CacheAppend', caches],
  ['CachedAttention', caches],
]);

export const ruleOf = (node: Node): Rule | undefined => (node.domain === 'dsnk' ? ownRules : node.domain === '' ? rules : undefined)?.get(node.op);
