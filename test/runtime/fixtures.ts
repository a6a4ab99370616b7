/** Models for lifecycle tests: how long a run takes is set by the number of matrix products. */
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import type { Graph } from '../../lib/graph/graph.js';
import { Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

export const WIDTH = 1024;

/** `layers` products of [1024,1024] matrices, about 20 ms each on one core. Results stay of the order of the input. */
export function slowGraph(layers: number): Graph {
  const b = new GraphBuilder('slow');
  let x = b.input('x', { dataType: 'float32', shape: [WIDTH, WIDTH] });
  const w = b.constant({ type: 'float32', dims: [WIDTH, WIDTH], data: randomFloats(WIDTH * WIDTH, 3, -0.054, 0.054) });
  for (let i = 0; i < layers; i++) x = b.matmul(x, w) as Operand;
  return b.build({ y: x });
}

export function slowInput(): Tensor {
  return new Tensor('float32', randomFloats(WIDTH * WIDTH, 5), [WIDTH, WIDTH]);
}

/** relu(x·w + 1) on a few numbers. */
export function tinyGraph(): Graph {
  const b = new GraphBuilder('tiny');
  const x = b.input('x', { dataType: 'float32', shape: [1, 4] });
  return b.build({ y: b.relu(x) as Operand });
}
