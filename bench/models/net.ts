/** Layers with seeded weights: the same network on every machine. */
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import type { Graph } from '../../lib/graph/graph.js';

export type ActivationFunction = (x: Operand) => Operand;

export interface ConvOptions {
  readonly stride?: number;
  readonly groups?: number;
  readonly act?: ActivationFunction | undefined;
  /** Default: (kernel - 1) / 2 on every side. */
  readonly padding?: number;
}

export class Net {
  readonly b: GraphBuilder;
  #seed: number;
  #layer = 0;

  constructor(name: string, seed = 1) {
    this.b = new GraphBuilder(name);
    this.#seed = seed;
  }

  image(size = 224): Operand {
    return this.b.input('input', { dataType: 'float32', shape: [1, 3, size, size] });
  }

  /** Uniform in ±limit, from a counter-based generator: fast enough for tens of millions of weights. */
  weights(dims: number[], limit: number): Operand {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    let state = (this.#seed++ * 0x9e3779b9) >>> 0;
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = (state / 2147483648 - 1) * limit;
    }
    return this.b.constant({ type: 'float32', dims, data });
  }

  channels(x: Operand): number {
    return x.shape[1] as number;
  }

  /** Convolution with bias (a BatchNormalization already folded, as exporters do), then an activation. */
  conv(x: Operand, out: number, kernel: number, { stride = 1, groups = 1, act, padding = (kernel - 1) / 2 }: ConvOptions = {}): Operand {
    const fanIn = (this.channels(x) / groups) * kernel * kernel;
    const y = this.b.conv2d(x, this.weights([out, this.channels(x) / groups, kernel, kernel], Math.sqrt(6 / fanIn)), {
      bias: this.weights([out], 0.1),
      strides: [stride, stride],
      padding: [padding, padding, padding, padding],
      groups,
      label: `conv${this.#layer++}`,
    }) as Operand;
    return act ? act(y) : y;
  }

  depthwise(x: Operand, kernel: number, stride: number, act?: ActivationFunction): Operand {
    return this.conv(x, this.channels(x), kernel, { stride, groups: this.channels(x), act });
  }

  /** x·W + bias over the last axis. */
  dense(x: Operand, out: number): Operand {
    const k = x.shape[x.shape.length - 1] as number;
    return this.b.add(this.b.matmul(x, this.weights([k, out], Math.sqrt(3 / k)), { label: `dense${this.#layer++}` }), this.weights([out], 0.1)) as Operand;
  }

  /** Global average pooling and a classifier. */
  classify(x: Operand, classes = 1000): Operand {
    const c = this.channels(x);
    const flat = this.b.reshape(this.b.averagePool2d(x), [1, c]) as Operand;
    return this.b.gemm(flat, this.weights([classes, c], Math.sqrt(3 / c)), { c: this.weights([classes], 0.1), bTranspose: true }) as Operand;
  }

  /** x · gate(expand(relu(reduce(mean(x))))): squeeze-and-excitation. */
  squeezeExcite(x: Operand, reduced: number, act: ActivationFunction, gate: ActivationFunction): Operand {
    const pooled = this.b.averagePool2d(x) as Operand;
    return this.b.mul(x, this.conv(this.conv(pooled, reduced, 1, { act }), this.channels(x), 1, { act: gate })) as Operand;
  }

  done(output: Operand): Graph {
    return this.b.build({ output });
  }
}
