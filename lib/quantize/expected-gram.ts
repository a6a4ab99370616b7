/**
 * Without calibration data: what a layer's inputs are likely to be, from what stands before it, as a matrix E[x·xᵀ] up to a factor.
 *
 * - Channels are as large as each other and know nothing of each other, but for a mean: behind Relu and other functions without negative
 *   results, errors of the weights that have one sign add up over all inputs.
 * - Taps of a window see neighbouring places of one channel, which are alike: errors of one sign add up over a kernel.
 * - Behind a normalization, channels are as large as its weights.
 *
 * The first two are the assumptions of Guo et al., "SQuant: On-the-Fly Data-Free Quantization via Diagonal Hessian Approximation",
 * ICLR 2022, §3.2, here as numbers of a matrix that codes are fitted to.
 */
import { dtypes } from '../dtype.js';
import { Constant, type Graph, type Value } from '../graph/graph.js';
import type { Product } from './islands.js';
import { ConstantGraph } from './observe.js';

/** The share of the energy that is the square of the mean: of max(x, 0), x normally distributed. */
const MEAN = 1 / Math.PI;
/** Correlation of neighbouring places. */
const NEIGHBOURS = 0.5;
/** Longer rows would need matrices of gigabytes. */
const LARGEST = 8192;

const nonnegative = new Set(['Relu', 'Sigmoid', 'HardSigmoid', 'Softmax', 'Softplus', 'Exp', 'Abs']);
const passing = new Set([
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Identity',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Slice',
]);
const normalizations = new Set(['LayerNormalization', 'RMSNormalization', 'SimplifiedLayerNormalization']);

function isNonnegative(v: Value): boolean {
  const node = v.producer;
  if (node === undefined || node.domain !== '') return false;
  if (nonnegative.has(node.op)) return true;
  if (node.op === 'Clip') return Number(node.inputs[1]?.constant?.values()?.[0] ?? -1) >= 0;
  if (node.op === 'Concat') return node.inputs.every((i) => i !== undefined && isNonnegative(i));
  return passing.has(node.op) && isNonnegative(node.input(0));
}

/** The factors of a normalization, or the constant that its result is multiplied with. */
function normFactors(v: Value, k: number): Constant | undefined {
  const node = v.producer;
  const candidates = node === undefined ? [] : normalizations.has(node.op) ? [node.inputs[1]] : node.op === 'Mul' ? node.inputs : [];
  const found = candidates.find((c) => c?.constant !== undefined)?.constant;
  return found?.dims.at(-1) === k && found.dims.every((d, i) => d === 1 || i === found.dims.length - 1) ? found : undefined;
}

/** Of each tap with each, the last axis of the kernel fast. */
function tapCorrelations(kernel: readonly number[], dilations: readonly number[]): number[] {
  let places: number[][] = [[]];
  kernel.forEach((size, d) => {
    places = places.flatMap((p) => Array.from({ length: size }, (_, i) => [...p, i * (dilations[d] as number)]));
  });
  const distance = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + Math.abs(x - (b[d] as number)), 0);
  return places.flatMap((a) => places.map((b) => NEIGHBOURS ** distance(a, b)));
}

/** A graph with the output `gram`: [1, k, k] or its diagonal [1, k], for all rows alike. undefined where nothing speaks for other inputs than any. */
export function expectedGram({ node, weight, axis }: Product): Graph | undefined {
  if (node.op === 'ConvTranspose') return undefined;
  const dims = weight.dims as readonly number[];
  const channels = dims[1 - axis] as number;
  const kernel = node.op === 'Conv' ? dims.slice(2) : [];
  const taps = kernel.reduce((a, b) => a * b, 1);
  const k = channels * taps;
  const g = new ConstantGraph();
  const factors = node.op === 'Conv' ? undefined : normFactors(node.input(0), k);
  if (factors !== undefined) {
    const each = g.constant(factors);
    g.output(g.reshape(g.op('Mul', [each, each]), 1, k), 'gram');
    return g.graph;
  }
  const mean = isNonnegative(node.input(0)) ? MEAN : 0;
  if ((taps === 1 && mean === 0) || k > LARGEST) return undefined;
  const ones = kernel.map(() => 1);
  const alike = tapCorrelations(kernel, node.ints('dilations', ones)).map((r) => r * (1 - mean));
  const eye = g.op('EyeLike', [g.op('ConstantOfShape', [g.ints(channels, channels)])], { dtype: dtypes.float32.onnx });
  const own = g.op('Mul', [g.reshape(eye, channels, 1, channels, 1), g.constant(Constant.of('float32', [1, taps, 1, taps], alike))]);
  g.output(g.reshape(g.op('Add', [own, g.float(mean)]), 1, k, k), 'gram');
  return g.graph;
}
