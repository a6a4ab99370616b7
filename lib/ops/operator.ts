/**
 * What an operator is: its name, how it types its outputs, and how it becomes kernel calls. One file per operator
 * family in this folder; `index.ts` is the table.
 */

import type { Lowering } from '../compile/lowering.js';
import type { DType } from '../dtype.js';
import { dsnkError, shapeText } from '../errors.js';
import { type Dim, isConcrete, type Shape } from '../graph/dim.js';
import type { Domain, Node, Value } from '../graph/graph.js';

export interface OutputType {
  readonly dtype: DType;
  /** undefined: the rank itself is not known before the run. */
  readonly shape: Shape | undefined;
  /** Elements, where they are known at compile time and few (shape arithmetic). */
  readonly known?: readonly Dim[] | undefined;
}

export interface Operator {
  readonly name: string;
  readonly domain: Domain;
  /** The opset that introduced it; absent: the first. onnx/upgrade.ts brings every older form to the newest one. */
  readonly since?: number;
  /** Types of all outputs, in order. Checks the node and throws worded errors through `q.fail`. */
  infer(q: Inference): readonly OutputType[];
  /** Whether `lower` writes output 0 where its Ref says, rows of the last axis `rowStride` bytes apart where it has one. */
  readonly writesRows?: boolean;
  /** Emits the kernel calls. Absent: the operator exists only to be rewritten by passes. */
  lower?(low: Lowering): void;
}

/**
 * Thrown while inferring when an operator needs the contents of a tensor to know its output's shape and they are not
 * known at compile time. The session then asks for the value (a graph input) or splits the model there.
 */
export class NeedsValue extends Error {
  constructor(readonly value: Value) {
    super(`the contents of "${value.name}" are needed to know a shape`);
  }
}

/** Largest number of elements followed through shape arithmetic. */
export const MAX_KNOWN = 1024;

/** What an operator's `infer` may look at. */
export class Inference {
  constructor(
    readonly node: Node,
    /** False: symbolic dimensions may stand anywhere and unknown contents give unknown shapes. */
    readonly concrete: boolean,
  ) {}

  get inputCount(): number {
    return this.node.inputs.length;
  }

  has(i: number): boolean {
    return this.node.inputs[i] !== undefined;
  }

  dtype(i: number): DType {
    return this.node.input(i).type;
  }

  shape(i: number): Shape {
    const v = this.node.input(i);
    if (v.shape === undefined) throw new UnknownShape();
    return v.shape;
  }

  rank(i: number): number {
    return this.shape(i).length;
  }

  /** The elements of input i if they are known now. */
  known(i: number): readonly Dim[] | undefined {
    const v = this.node.inputs[i];
    return v === undefined ? undefined : knownElements(v);
  }

  /**
   * The elements of input i as numbers. Where they are not known: a concrete compile throws NeedsValue, a symbolic
   * inference gives up on this node's shapes.
   */
  numbers(i: number): readonly number[] {
    const known = this.known(i);
    if (known !== undefined && isConcrete(known)) return known;
    if (this.concrete) throw new NeedsValue(this.node.input(i));
    throw new UnknownShape();
  }

  /** Like `numbers`, for dimensions: symbols pass. */
  dims(i: number): readonly Dim[] {
    const known = this.known(i);
    if (known !== undefined) return known;
    if (this.concrete) throw new NeedsValue(this.node.input(i));
    throw new UnknownShape();
  }

  /** A dimension that only the run will know. */
  unknownDim(): Dim {
    return `unk_${this.node.name.replace(/\W/g, '_')}`;
  }

  /** Normalises an axis of a tensor of that rank. */
  axis(axis: number, rank: number): number {
    if (axis < -rank || axis >= rank) this.fail(`axis must be in [${-rank}, ${rank - 1}]`, `${axis} came`);
    return axis < 0 ? axis + rank : axis;
  }

  fail(mustHold: string, came?: string): never {
    throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', this.node.where, mustHold, came);
  }

  failDtype(mustHold: string, came?: string): never {
    throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', this.node.where, mustHold, came ?? this.node.inputs.map((v) => v?.dtype ?? '-').join(', '));
  }

  inputTexts(): string {
    return `inputs ${this.node.inputs.map((v) => (v === undefined ? '-' : shapeText(v.shape))).join(' ')}`;
  }
}

/** Internal: symbolic inference gives up on a node. */
export class UnknownShape extends Error {}

/** The elements of a value, from its constant or from shape arithmetic, if few enough and numeric. */
export function knownElements(v: Value): readonly Dim[] | undefined {
  if (v.known !== undefined) return v.known;
  if (v.constant === undefined) return undefined;
  const { dims } = v.constant;
  if (dims.reduce((a, b) => a * b, 1) > MAX_KNOWN) return undefined;
  v.known = v.constant.values();
  return v.known;
}
