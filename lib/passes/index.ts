/** The ordered list of passes is the optimizer. */
import type { Graph } from '../graph/graph.js';
import { verifyGraph } from '../graph/verify.js';
import { assignLayout } from './assign-layout.js';
import { dropDead } from './drop-dead.js';
import { dropIdentity } from './drop-identity.js';
import { expandBatchnorm } from './expand-batchnorm.js';
import { expandContrib } from './expand-contrib.js';
import { expandFunctions } from './expand-functions.js';
import { foldGate } from './fold-gate.js';
import { foldPad } from './fold-pad.js';
import { foldScale } from './fold-scale.js';
import { foldShapes } from './fold-shapes.js';
import { fuseBands } from './fuse-bands.js';
import { fuseEpilogue } from './fuse-epilogue.js';
import { fuseIntegers } from './fuse-integers.js';
import { fusePointwise } from './fuse-pointwise.js';
import { keepLowBits } from './keep-low-bits.js';
import { mergeEqual } from './merge-equal.js';
import { mergeReshapes } from './merge-reshapes.js';
import { nameActivations } from './name-activations.js';
import { nameAttention } from './name-attention.js';
import { nameNorms } from './name-norms.js';
import { partQuantization } from './part-quantization.js';
import { readPlanes } from './read-planes.js';
import { sinkReshapes } from './sink-reshapes.js';
import { sinkTransposes } from './sink-transposes.js';
import { takeAttention } from './take-attention.js';
import { takeIntegerProducts } from './take-integer-products.js';

export type Device = 'cpu' | 'cuda';

/** What the program will run on, where that decides whether a rewrite pays. Threads never decide a result. */
export interface Target {
  /** Nodes that only processors have kernels for are left as they are where this is `cuda`. Default `cpu`. */
  readonly device?: Device;
  readonly threads?: number;
  /** Products with constant weights will run in 16 bits where that pays. */
  readonly narrow?: boolean;
}

export interface Pass {
  readonly name: string;
  /** One rewrite, applied wherever it fits. New nodes must come out typed (inferNode). Returns the number of rewrites. */
  run(graph: Graph, target?: Target): number;
}

// biome-ignore format: one pass a line
export const passes: readonly Pass[] = [
  expandContrib,    // operators of onnxruntime → standard ones, and attention over caches
  takeAttention,    // Attention, where nothing else is asked of it → one node
  expandFunctions,  // Attention, losses, rotary embeddings but in float32 → the operators they are made of
  foldShapes,       // settled shape arithmetic → constants
  dropDead,         // what no output needs goes
  dropIdentity,     // what changes nothing goes
  mergeReshapes,    // Flatten, Squeeze, Unsqueeze, Reshape → one Reshape
  mergeEqual,       // the same from the same → once
  expandBatchnorm,  // BatchNormalization → a multiplication and an addition per channel
  foldPad,          // Pad → pads of the convolution or pool
  foldScale,        // factors and sums per channel → weights and bias
  nameActivations,  // spelled-out Gelu, HardSwish, Swish, Mish → one node
  nameNorms,        // spelled-out layer and RMS normalisation → one node
  nameAttention,    // scores, softmax and weighted sum → one node on the projections as they lie
  keepLowBits,      // constant weights of few bits stay in them until they are multiplied
  takeIntegerProducts, // products of quantized tensors → one node in integers
  assignLayout,     // convolutions and pools read and write channels last
  sinkTransposes,   // transposes meet their inverse and vanish
  mergeReshapes,    // what transposes left behind
  sinkReshapes,     // activations and sums come to stand next to what they fuse with
  mergeReshapes,    // reshapes that met on the way down
  dropIdentity,     // reshapes to the same shape
  mergeEqual,       // transposes and constants made twice
  partQuantization, // bytes stay bytes through what only moves them
  fuseEpilogue,     // bias, residual, activation → the convolution or product before
  fuseIntegers,     // products, sums, averages and softmax between quantized tensors run in integers
  fuseBands,        // 1x1, depthwise, 1x1 → one node that keeps what is between them in the cache
  readPlanes,       // the first convolution reads an image channels first
  foldGate,         // squeeze and excitation: the gate goes into the weights of the 1x1 convolution
  fusePointwise,    // trees of elementwise nodes → one pass over memory; functions of bytes → tables
  dropDead,         // results that lost their readers
];

/** Runs passes in order; checks the graph after each where DSNK_VERIFY is set (tests set it). */
export function runPasses(graph: Graph, list: readonly Pass[] = passes, target: Target = {}): Map<string, number> {
  const rewrites = new Map<string, number>();
  for (const pass of list) {
    rewrites.set(pass.name, (rewrites.get(pass.name) ?? 0) + pass.run(graph, target));
    if (process.env['DSNK_VERIFY']) verifyGraph(graph, `pass ${pass.name}`);
  }
  return rewrites;
}
