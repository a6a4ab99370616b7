/** Compile time grows with the number of nodes, not with its square; long graphs do not exhaust the call stack. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../lib/compile/compile.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { nativeCatalogue } from '../../lib/runtime/model.js';

type Step = (graph: Graph, x: Value, i: number) => Value;

const weight = new Constant('float32', [4, 4, 1, 1], () => new Uint8Array(64));

const elementwise: Step = (graph, x, i) => graph.addNode(['Relu', 'Sigmoid', 'Tanh'][i % 3] as string, [x]).output();

/** Conv, Relu, Conv, Add around them. */
function residual(): Step {
  let skip: Value | undefined;
  return (graph, x, i) => {
    skip ??= x;
    if (i % 4 === 3) {
      const sum = graph.addNode('Add', [x, skip]).output();
      skip = sum;
      return sum;
    }
    return i % 4 === 1 ? graph.addNode('Relu', [x]).output() : graph.addNode('Conv', [x, graph.addConstant(weight)]).output();
  };
}

/** Transposes, some of which meet their inverse. */
const transposes: Step = (graph, x, i) =>
  i % 3 === 1 ? graph.addNode('Relu', [x]).output() : graph.addNode('Transpose', [x], { attrs: { perm: i % 3 === 0 ? [0, 2, 3, 1] : [0, 3, 1, 2] } }).output();

function chain(step: Step, nodes: number): Graph {
  const graph = new Graph('chain');
  let x = graph.addInput('x', 'float32', [1, 4, 8, 8]);
  for (let i = 0; i < nodes; i++) x = step(graph, x, i);
  graph.outputs.push(x);
  return graph;
}

function milliseconds(make: () => Step, nodes: number, repeats: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < repeats; k++) {
    const graph = chain(make(), nodes);
    const begin = performance.now();
    compile(graph, nativeCatalogue(), new WeightIndex());
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}

describe('compile time', () => {
  it.each([
    ['elementwise', () => elementwise],
    ['residual', residual],
    ['transposed', () => transposes],
  ])('of %s chains grows with their length', { timeout: 60_000 }, (name, make) => {
    const [short, middle, long] = [milliseconds(make, 1000, 5), milliseconds(make, 2000, 2), milliseconds(make, 5000, 2)];
    console.log(`${name}: 1,000 nodes ${short.toFixed(0)} ms, 2,000 ${middle.toFixed(0)} ms, 5,000 ${long.toFixed(0)} ms`);
    // 5 where growth is linear, 25 where it is quadratic; between them for a busy machine
    expect(long / short).toBeLessThan(17);
  });

  it.each([
    ['elementwise', () => elementwise, 30_000],
    ['residual', residual, 8_000],
  ])('has no depth limit on %s chains', { timeout: 60_000 }, (_, make, nodes) => {
    expect(milliseconds(make, nodes, 1)).toBeGreaterThan(0);
  });
});
