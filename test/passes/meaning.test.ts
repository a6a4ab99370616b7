/** Random networks mean the same before and after the optimizer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from '../../lib/compile/schedule.js';
import type { Graph, Value } from '../../lib/graph/graph.js';
import { verifyGraph } from '../../lib/graph/verify.js';
import { passes } from '../../lib/passes/index.js';
import { Build, expectInferenceAgrees, text } from './graphs.js';
import { interpret } from './interpret.js';

/** Builds a network from a list of random choices. */
function network(choices: readonly number[]): Graph {
  const b = new Build();
  let at = 0;
  const choose = (n: number) => (choices[at++ % choices.length] as number) % n;
  const batch = 1 + choose(2);
  const values: Value[] = [b.input('x', [batch, 4, 3, 2]), b.input('z', [batch, 4, 3, 2])];
  const steps = 4 + choose(10);
  const like = (v: Value) => values.filter((w) => w !== v && `${w.dims}` === `${v.dims}`);
  for (let i = 0; i < steps; i++) {
    const x = values[Math.max(0, values.length - 1 - choose(4))] as Value;
    const rank = x.dims.length;
    const axis = choose(rank);
    const size = x.dims[axis] as number;
    const twin = like(x)[0];
    const image = rank === 4 && (x.dims[2] as number) > 0;
    let made: readonly Value[] = [];
    switch (choose(18)) {
      case 0:
      case 1:
      case 2:
        if (image) made = [b.conv(x, 4, choose(2) === 0 ? 1 : 3, (x.dims[1] as number) % 2 === 0 ? { group: 1 + choose(2) } : {}, choose(2) === 0)];
        break;
      case 3:
        made = [b.op('Relu', [x])];
        break;
      case 4:
        made = [b.op('Mul', [x, b.op('Sigmoid', [x])])];
        break;
      case 5:
        made = twin === undefined ? [] : [b.op('Add', [x, twin])];
        break;
      case 6:
        made = [b.op('Concat', twin === undefined ? [x, x] : [x, twin], { axis })];
        break;
      case 7:
        if (size > 1) made = b.ops('Split', [x, b.ints(1, size - 1)], 2, { axis });
        break;
      case 8:
        if (size > 1) made = [b.op('Slice', [x, b.ints(1), b.ints(size), b.ints(axis)])];
        break;
      case 9:
        made = [b.op('Softmax', [x], { axis })];
        break;
      case 10:
        made = [b.op(['ReduceMean', 'ReduceSum', 'ReduceMax'][choose(3)] as string, [x, b.ints(axis)], { keepdims: rank > 2 ? choose(2) : 1 })];
        break;
      case 11: {
        // two dimensions trade places
        const p = x.dims.map((_, k) => k);
        const other = choose(rank);
        [p[axis], p[other]] = [p[other] as number, p[axis] as number];
        made = [b.op('Transpose', [x], { perm: p })];
        break;
      }
      case 12:
        // a channel shuffle
        if (image && (x.dims[1] as number) % 2 === 0) {
          const [n = 0, c = 0, h = 0, w = 0] = x.dims;
          const five = b.op('Transpose', [b.op('Reshape', [x, b.ints(n, 2, c / 2, h, w)])], { perm: [0, 2, 1, 3, 4] });
          made = [b.op('Reshape', [five, b.ints(n, c, h, w)])];
        }
        break;
      case 13:
        // two neighbours become one dimension, or one becomes two
        if (rank > 2 && axis + 1 < rank)
          made = [b.op('Reshape', [x, b.ints(...x.dims.slice(0, axis), size * (x.dims[axis + 1] as number), ...x.dims.slice(axis + 2))])];
        else made = [b.op('Unsqueeze', [x, b.ints(axis)])].slice(rank > 4 ? 1 : 0);
        break;
      case 14:
        made = [b.op(choose(2) === 0 ? 'Mul' : 'Add', [x, b.f32(x.dims.map((d, k) => (k === axis ? d : 1)).slice(choose(2) === 0 ? 0 : axis))])];
        break;
      case 15:
        // a scaled product with its own transpose
        if (rank > 1) {
          const p = x.dims.map((_, k) => k);
          [p[rank - 1], p[rank - 2]] = [rank - 2, rank - 1];
          made = [b.op('MatMul', [b.op('Mul', [x, b.scalar(0.125)]), b.op('Transpose', [x], { perm: p })])];
        }
        break;
      case 16:
        if (rank > 1) made = [b.op('MatMul', [x, b.f32([x.dims.at(-1) as number, 3])])];
        break;
      default:
        if (image) made = [b.op('GlobalAveragePool', [x])];
    }
    b.infer();
    if (made.every((v) => v.dims.reduce((p, q) => p * q, 1) <= 400)) values.push(...made);
  }
  return b.done(...values.slice(-3));
}

describe('the optimizer', () => {
  it('keeps the meaning of random networks', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 30, maxLength: 90 }), (choices) => {
        const graph = network(choices);
        const before = text(graph);
        const feeds = graph.inputs.map((v, k) => Float64Array.from({ length: v.dims.reduce((p, q) => p * q, 1) }, (_, i) => Math.sin(i * 1.7 + k)));
        const wanted = interpret(graph, feeds);
        const shapes = graph.outputs.map((v) => `${v.dims}`);
        for (const pass of passes) {
          if (pass.name === 'fuse-pointwise') continue;
          const previous = text(graph);
          pass.run(graph);
          verifyGraph(graph, pass.name);
          expectInferenceAgrees(graph);
          const got = interpret(graph, feeds);
          wanted.forEach((list, o) => {
            const scale = list.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
            list.forEach((v, i) => {
              // float64 throughout: only the order of sums differs
              if (!(Math.abs(v - (got[o]?.[i] as number)) <= 1e-9 * scale))
                throw new Error(
                  `${pass.name} changed output ${o}[${i}]: ${v} became ${got[o]?.[i]}\n${before}\n→ (before ${pass.name})\n${previous}\n→\n${text(graph)}`,
                );
            });
          });
        }
        schedule(graph);
        verifyGraph(graph, 'schedule');
        expect(graph.outputs.map((v) => `${v.dims}`)).toEqual(shapes);
      }),
      { numRuns: 100 },
    );
  });
});
