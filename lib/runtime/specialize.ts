/**
 * Programs of one graph for the inputs of a call. A program holds for a signature: the shapes of the inputs, and the contents of those
 * small ones that decide shapes. Where a past grows from call to call, one program holds for many of its lengths.
 */
import type { Catalogue } from '../compile/catalogue.js';
import type { ChoicePolicy } from '../compile/choice.js';
import { type CompiledProgram, type CompileOptions, compile } from '../compile/compile.js';
import type { WeightIndex } from '../compile/weights.js';
import { dsnkError, shapeText } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import type { Graph, State, Value } from '../graph/graph.js';
import { MAX_KNOWN, NeedsValue } from '../ops/operator.js';
import { keepCapacity } from '../ops/transformer-functions.js';
import type { HostTensor } from '../tensor.js';
import { type GrowingCall, GrowingPast } from './growing.js';
import { patternOf } from './sparsity.js';
import { ancestors, type Split, splitGraph } from './split.js';
import type { SessionState } from './state.js';
import type { Tuner } from './tune.js';
import type { Work } from './work.js';

export interface SpecializeOptions extends CompileOptions {
  /** Measures where a node can be computed in several ways. */
  readonly tuner?: Tuner | undefined;
}

/** A program, or where the graph has to be cut in two so that there can be programs. */
export type Specialized = CompiledProgram | Split;
export const isSplit = (made: Specialized): made is Split => 'feed' in made;

export class Specializer {
  /** Graph inputs whose contents belong to the signature. */
  readonly #valueInputs = new Set<number>();
  /** Set where inputs hold a past that outputs continue. */
  #growing: GrowingPast | undefined;

  constructor(
    readonly graph: Graph,
    readonly options: SpecializeOptions,
    readonly catalogue: Catalogue,
    { grows }: { readonly grows: boolean },
  ) {
    if (grows) this.#growing = GrowingPast.of(graph);
  }

  /** What grows, if anything does. */
  get growing(): GrowingPast | undefined {
    return this.#growing;
  }

  /** Makes an output an input of the next run, with room for `capacity` tokens where it grows. Programs made before serve no more. */
  bind(state: State, capacity?: number): void {
    this.graph.states.push(state);
    if (capacity === undefined) keepCapacity(this.graph, state);
    else this.#growing = GrowingPast.of(this.graph, capacity);
  }

  /** What grows in a call, in numbers; undefined where nothing does. */
  callOf(inputs: readonly HostTensor[], state: SessionState | undefined): GrowingCall | undefined {
    return this.#growing?.callOf(inputs, state);
  }

  /** Calls with the same one are served by the same program. */
  signature(inputs: readonly HostTensor[], state: SessionState | undefined): string {
    const call = this.#growing?.callOf(inputs, state);
    if (call !== undefined) return (this.#growing as GrowingPast).keyOf(call, inputs, this.#valueInputs);
    let key = '';
    for (let i = 0; i < inputs.length; i++) {
      const t = inputs[i] as HostTensor;
      key += `${t.dims.join(',')};`;
      if (this.#valueInputs.has(i)) key += `=${t.data.join(',')};`;
    }
    return key;
  }

  /** Compiles, after measuring what the tuner does not know yet. */
  *specialize(inputs: readonly HostTensor[], index: WeightIndex, state: SessionState | undefined): Work<Specialized> {
    const growing = this.#growing;
    const grown = this.#compileGrowing(inputs, index, state);
    if (grown !== undefined) return grown;
    try {
      return yield* this.#compileMeasured(inputs, index);
    } catch (error) {
      // The call was wrong, not the attempt to serve all lengths.
      this.#growing = growing;
      throw error;
    }
  }

  *#compileMeasured(inputs: readonly HostTensor[], index: WeightIndex): Work<Specialized> {
    const { tuner } = this.options;
    if (tuner === undefined) return this.#compile(inputs, index);
    const unknown = new Map<string, readonly string[]>();
    const compiled = this.#compile(inputs, index, tuner.policy(unknown));
    if (isSplit(compiled) || unknown.size === 0) return compiled;
    yield* tuner.measure(unknown, inputs, (own, policy) => {
      const variant = this.#compile(inputs, own, policy);
      return isSplit(variant) ? undefined : variant;
    });
    return this.#compile(inputs, index, tuner.policy());
  }

  /** The program for a past of any length; undefined where nothing grows, or one program cannot serve all lengths. */
  #compileGrowing(inputs: readonly HostTensor[], index: WeightIndex, state: SessionState | undefined): CompiledProgram | undefined {
    for (;;) {
      const growing = this.#growing;
      const call = growing?.callOf(inputs, state);
      if (growing === undefined || call === undefined) return undefined;
      const made = growing.compile(call, inputs, this.#valueInputs, (graph) => compile(graph, this.catalogue, index, { patternOf, ...this.options }));
      if (made.compiled !== undefined) return made.compiled;
      if (made.refused instanceof NeedsValue && this.#settle(made.needs, inputs)) continue;
      if (this.graph.states.length > 0) throw growing.refused(made.refused);
      this.#growing = undefined;
    }
  }

  #compile(inputs: readonly HostTensor[], index: WeightIndex, choose?: ChoicePolicy): Specialized {
    for (;;) {
      const { graph, map } = this.graph.clone();
      graph.feeds.forEach((v, i) => {
        const t = inputs[i] as HostTensor;
        v.shape = t.dims;
        v.dtype = t.dtype;
        if (this.#valueInputs.has(i)) v.known = Array.from(t.data as ArrayLike<number | bigint>, Number);
      });
      try {
        return compile(graph, this.catalogue, index, { patternOf, ...this.options, choose });
      } catch (error) {
        if (!(error instanceof NeedsValue)) throw error;
        const original = [...map].find(([, copy]) => copy === error.value)?.[0];
        // A value of an unrolled body is not one of this graph: whatever decides it comes from small inputs.
        if (this.#settle(original, inputs)) continue;
        if (original === undefined) {
          throw dsnkError(
            'ERR_DSNK_UNSUPPORTED_OP',
            `value "${error.value.name}"`,
            'shapes inside a subgraph must follow from shapes and small inputs',
            'this one does not',
          );
        }
        // No stage can give what is an input already.
        if (original.producer === undefined) {
          const { name, shape } = original;
          throw dsnkError(
            'ERR_DSNK_UNSUPPORTED_OP',
            `input "${name}"`,
            `contents that decide a shape must be at most ${MAX_KNOWN} numbers`,
            `it is ${shapeText(shape)}`,
          );
        }
        return splitGraph(this.graph, original);
      }
    }
  }

  /** Takes the inputs that a value is computed from (undefined: all) into the signature; false when that changes nothing. */
  #settle(value: Value | undefined, inputs: readonly HostTensor[]): boolean {
    let grew = false;
    const values = value === undefined ? new Set(this.graph.inputs.filter((v) => v.type !== 'float32')) : ancestors(this.graph, value).values;
    this.graph.feeds.forEach((v, i) => {
      const t = inputs[i] as HostTensor;
      if (this.#valueInputs.has(i) || t.data.length > MAX_KNOWN || !values.has(v)) return;
      // A compile ahead of the first run knows shapes only.
      if (t.data.byteLength === 0 && elementCount(t.dims) > 0) throw new NeedsValue(v);
      this.#valueInputs.add(i);
      grew = true;
    });
    return grew;
  }
}
