/** What an upgrade rule is and what it may do to a node. */
import type { DType } from '../../dtype.js';
import { dsnkError } from '../../errors.js';
import { type AttrValue, Constant, Value } from '../../graph/graph.js';

/** A node on its way into the graph. */
export interface Draft {
  op: string;
  name: string;
  inputs: (Value | undefined)[];
  outputs: Value[];
  attrs: Map<string, AttrValue>;
}

export interface UpgradeEnvironment {
  /** A value name that is not taken. */
  fresh(stem: string): string;
  /** Whether anything reads a value of that name. */
  isRead(name: string): boolean;
  /** Notes that this form cannot be brought to the newest one. */
  problem(text: string): void;
}

export interface Rule {
  readonly ops: readonly string[];
  /** Applies to nodes of opsets before this one; Infinity: to every node. */
  readonly before: number;
  readonly apply: (u: Upgrade) => void;
}

export const rule = (before: number, ops: string | readonly string[], apply: (u: Upgrade) => void): Rule => ({
  ops: typeof ops === 'string' ? [ops] : ops,
  before,
  apply,
});

/** One node being upgraded: `draft` is edited in place, other nodes go before or after it. */
export class Upgrade {
  readonly before: Draft[] = [];
  readonly after: Draft[] = [];

  constructor(
    readonly draft: Draft,
    readonly environment: UpgradeEnvironment,
  ) {}

  get x(): Value {
    return this.input(0);
  }

  input(i: number): Value {
    const v = this.draft.inputs[i];
    if (v === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', `${this.draft.op} "${this.draft.name}"`, `input ${i} is required`, 'it is missing');
    return v;
  }

  /** Removes an attribute and returns it. */
  take(name: string): AttrValue | undefined {
    const value = this.draft.attrs.get(name);
    this.draft.attrs.delete(name);
    return value;
  }

  takeNumber(name: string): number | undefined {
    const value = this.take(name);
    if (value === undefined || typeof value === 'number') return value;
    throw this.#wrong(name, 'a number');
  }

  takeInteger(name: string): number | undefined {
    const value = this.takeNumber(name);
    if (value !== undefined && !Number.isInteger(value)) throw this.#wrong(name, 'an integer');
    return value;
  }

  takeNumbers(name: string): readonly number[] | undefined {
    const value = this.take(name);
    if (value === undefined || (Array.isArray(value) && value.every((v) => typeof v === 'number'))) return value as readonly number[] | undefined;
    throw this.#wrong(name, 'a list of numbers');
  }

  takeIntegers(name: string): readonly number[] | undefined {
    const value = this.takeNumbers(name);
    if (value?.every((v) => Number.isInteger(v)) === false) throw this.#wrong(name, 'a list of integers');
    return value;
  }

  #wrong(name: string, kind: string): Error {
    return dsnkError('ERR_DSNK_INVALID_MODEL', `${this.draft.op} "${this.draft.name}"`, `attribute ${name} must be ${kind}`, 'another type came');
  }

  constant(dtype: DType, dims: readonly number[], values: readonly number[]): Value {
    const value = new Value(this.environment.fresh(`${this.draft.name}/${dtype}`), { dtype, shape: dims });
    value.constant = Constant.of(dtype, dims, values);
    return value;
  }

  /** A one-dimensional int64 constant: axes, shapes, pads. */
  ints(values: readonly number[]): Value {
    return this.constant('int64', [values.length], values);
  }

  /** A scalar of the element type of `like`. */
  scalar(number: number, like: Value): Value {
    switch (like.dtype) {
      case 'float32':
      case 'float64':
      case 'int64':
      case 'int32':
      case 'int16':
      case 'int8':
      case 'uint64':
      case 'uint32':
      case 'uint16':
      case 'uint8':
        return this.constant(like.dtype, [], [number]);
      default:
        return this.emit('CastLike', [this.constant('float32', [], [number]), like]);
    }
  }

  setInput(i: number, value: Value | undefined): void {
    const { inputs } = this.draft;
    while (inputs.length < i) inputs.push(undefined);
    inputs[i] = value;
  }

  /** A node before this one. */
  emit(op: string, inputs: (Value | undefined)[], attrs: Record<string, AttrValue> = {}, dtype?: DType): Value {
    const name = this.environment.fresh(`${this.draft.name}/${op}`);
    const output = new Value(name, { dtype });
    this.before.push({ op, name, inputs, outputs: [output], attrs: new Map(Object.entries(attrs)) });
    return output;
  }

  /** A node after this one, which takes over its first output. */
  follow(op: string, inputs: (result: Value) => (Value | undefined)[], attrs: Record<string, AttrValue> = {}): void {
    const output = this.draft.outputs[0] as Value;
    const name = this.environment.fresh(`${this.draft.name}/${this.draft.op}`);
    const between = new Value(name, { dtype: output.dtype });
    this.draft.outputs[0] = between;
    this.after.unshift({
      op,
      name: this.environment.fresh(`${this.draft.name}/${op}`),
      inputs: inputs(between),
      outputs: [output],
      attrs: new Map(Object.entries(attrs)),
    });
  }

  /** This node becomes another one; attributes of the old one go. */
  become(op: string, inputs: (Value | undefined)[], attrs: Record<string, AttrValue> = {}): void {
    this.draft.op = op;
    this.draft.inputs = inputs;
    this.draft.attrs = new Map(Object.entries(attrs));
  }

  /** `value` with dimensions of size 1 appended, so that it broadcasts from an inner axis. */
  appendOnes(value: Value, count: number): Value {
    const rank = value.shape?.length ?? 0;
    if (count === 0) return value;
    if (value.constant !== undefined) {
      const { dtype, dims, read } = value.constant;
      const shape = [...dims, ...Array.from({ length: count }, () => 1)];
      const out = new Value(this.environment.fresh(value.name), { dtype, shape });
      out.constant = new Constant(dtype, shape, read);
      return out;
    }
    return this.emit('Unsqueeze', [value, this.ints(Array.from({ length: count }, (_, i) => rank + i))], {}, value.dtype);
  }

  problem(text: string): void {
    this.environment.problem(text);
  }
}
