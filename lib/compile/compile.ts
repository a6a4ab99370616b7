/** The pipeline: a typed graph with concrete shapes in, a program out. Everything that is decided is decided here. */

import { dsnkError } from '../errors.js';
import type { Constant, Graph, Node } from '../graph/graph.js';
import { operatorOf } from '../ops/index.js';
import { type Device, passes, runPasses } from '../passes/index.js';
import { type Catalogue, isWinograd, without } from './catalogue.js';
import type { ChoicePolicy } from './choice.js';
import { Lowering } from './lowering.js';
import type { MemoryPlan } from './memory.js';
import { planProgram } from './plan.js';
import { type Precision, roundsProducts, settled } from './precision.js';
import { encodeProgram, type Location, type ProgramImage } from './program.js';
import { schedule } from './schedule.js';
import type { PatternOf } from './sparsity.js';
import { specialize } from './specialize.js';
import type { Step } from './step.js';
import type { WeightIndex } from './weights.js';

export type { Device } from '../passes/index.js';

export interface CompiledProgram {
  readonly words: Uint32Array;
  readonly image: ProgramImage;
  /** The graph after all passes, in execution order. */
  readonly graph: Graph;
  /** One per instruction of main. */
  readonly steps: readonly Step[];
  /** pc → node, for messages. */
  readonly nodes: readonly (Node | undefined)[];
  readonly sources: readonly Constant[];
  readonly added: ReadonlyMap<string, Location>;
  readonly memory: MemoryPlan;
}

/** What `skipPasses` may name. */
export const passNames: ReadonlySet<string> = new Set(passes.map((p) => p.name));

export interface CompileOptions {
  /** Names of passes to leave out. */
  readonly skipPasses?: readonly string[];
  /** false: no Winograd kernel, whose rounding errors are larger (see native/kernels/conv/winograd.inl). */
  readonly winograd?: boolean;
  /** Chooses where a node can be computed in several ways; default: the first. */
  readonly choose?: ChoicePolicy | undefined;
  /** Whether products may round their operands to 16 bits; default `f32`. */
  readonly precision?: Precision;
  /** Finds the pattern of zeros among constant weights; default: nobody asks, and all are dense. */
  readonly patternOf?: PatternOf;
  /** Threads that will run the program. */
  readonly threads?: number;
  /** What will run it: `cuda` where the catalogue has a GPU's rows. Default `cpu`. */
  readonly device?: Device;
}

/**
 * Compiles a graph whose input shapes are numbers. The graph is edited: pass a clone to keep yours.
 * Throws NeedsValue where a shape depends on contents that are not known.
 */
export function compile(graph: Graph, catalogue: Catalogue, weights: WeightIndex, options: CompileOptions = {}): CompiledProgram {
  const precision = settled(options.precision ?? 'f32', catalogue);
  specialize(graph);
  runPasses(
    graph,
    passes.filter((p) => !options.skipPasses?.includes(p.name)),
    { ...options, narrow: roundsProducts(precision, catalogue) },
  );
  schedule(graph);
  const rows = options.winograd === false || options.device === 'cuda' ? without(catalogue, isWinograd) : catalogue;
  const lowered = new Lowering(rows, options.choose, precision, options.patternOf).run(graph, (low) => {
    const op = operatorOf(low.node);
    if (op?.lower === undefined) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'operator must have a kernel');
    try {
      op.lower(low);
    } catch (error) {
      // A plain Error is an operator's "no kernel for this"; a RangeError, a size that a kernel's parameters cannot say.
      const plain = error instanceof Error && (error.constructor === Error || error.constructor === RangeError);
      throw plain ? dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, 'types and sizes must be ones that a kernel takes', error.message, error) : error;
    }
  });
  const { image, sources, added, memory, main } = planProgram(lowered, catalogue, weights);
  return { words: encodeProgram(image), image, graph, steps: main, nodes: main.map((s) => s.node), sources, added, memory };
}
