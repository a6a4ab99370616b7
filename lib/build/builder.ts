/**
 * The typed graph builder. Method and option names are WebNN's (W3C, IDL of 2025); what WebNN does not have is marked
 * "ours" in the functions' docs.
 */
import { type DType, isDType } from '../dtype.js';
import { DsnkError, dsnkError, shapeText, spelled } from '../errors.js';
import type { Shape } from '../graph/dim.js';
import { Constant, Graph } from '../graph/graph.js';
import { readTensor, type TensorLike } from '../tensor.js';
import * as functions from './functions.js';
import { Operand } from './operand.js';
import { scalarConstant } from './scalar.js';

export interface OperandDescriptor {
  readonly dataType: DType;
  /** Names stand for dimensions that each run may choose. */
  readonly shape: Shape;
}

type Functions = typeof functions;

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface lists what the loop at the end installs
export class GraphBuilder {
  readonly #graph: Graph;
  constructor(name = 'graph') {
    if (typeof name !== 'string') throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'GraphBuilder', 'name must be a string', `${spelled(name)} came`);
    this.#graph = new Graph(name);
  }

  /** A graph input. */
  input(name: string, descriptor: OperandDescriptor): Operand {
    const { dataType, shape } = descriptor ?? {};
    const where = `input ${spelled(name)}`;
    if (typeof name !== 'string') throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'its name must be a string', `${spelled(name)} came`);
    if (!isDType(dataType)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'dataType must be an ONNX element type', `${spelled(dataType)} came`);
    if (!Array.isArray(shape) || !shape.every((d) => typeof d === 'string' || (Number.isSafeInteger(d) && d >= 0))) {
      const came = Array.isArray(shape) ? shapeText(shape) : spelled(shape);
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'shape must be a list of names and non-negative integers', `${came} came`);
    }
    if (this.#graph.inputs.some((v) => v.name === name)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'input names must be unique', 'it came twice');
    return new Operand(this.#graph, this.#graph.addInput(name, dataType, [...shape]));
  }

  /** A tensor known now (copied), or a scalar of an element type. */
  constant(value: TensorLike | number, dataType: DType = 'float32'): Operand {
    if (typeof value === 'number') return new Operand(this.#graph, this.#graph.addConstant(scalarConstant('constant', value, dataType)));
    const t = readTensor(value, 'constant');
    const bytes = new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength).slice();
    return new Operand(this.#graph, this.#graph.addConstant(new Constant(t.dtype, [...t.dims], () => bytes)));
  }

  /** Ends the graph with these outputs, renamed to the keys. Nodes that none of them needs are left out when it is compiled. */
  build(outputs: Readonly<Record<string, Operand>>): Graph {
    if (Object.keys(outputs ?? {}).length === 0) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'build', 'outputs must have at least one operand', 'none came');
    for (const [name, operand] of Object.entries(outputs)) {
      const came = operand instanceof Operand ? 'one of another builder' : spelled(operand);
      if (!(operand instanceof Operand) || operand.graph !== this.#graph)
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `output "${name}"`, 'operands must belong to this builder', `${came} came`);
      let value = operand.value;
      // An input, a constant or a value that is an output already keeps its name: the output is a copy of it.
      if (value.producer === undefined || this.#graph.outputs.includes(value)) value = (functions.identity(operand) as Operand).value;
      value.name = name;
      this.#graph.outputs.push(value);
    }
    return this.#graph;
  }
}

/** Options, and which of their keys are read: one that nothing reads is a mistake that would silently change results. */
class ReadOptions {
  readonly #read = new Set<string>();
  readonly options: object;

  constructor(readonly given: object) {
    this.options = new Proxy(given, {
      get: (target, key) => {
        if (typeof key === 'string') this.#read.add(key);
        return Reflect.get(target, key);
      },
    });
  }

  /** Those that functions take, and one of the caller's that is none of them. */
  unread(): { readonly known: string; readonly key: string } | undefined {
    const found = Object.entries(this.given).find(([key, value]) => value !== undefined && !this.#read.has(key));
    return found && { known: [...this.#read].join(', '), key: found[0] };
  }
}

/** Whether an argument behind the required ones is the options: neither a number, nor a list, nor a tensor or operand. */
const isOptions = (x: unknown): x is object => typeof x === 'object' && x !== null && !Array.isArray(x) && !(x instanceof Operand) && !('dims' in x);

/**
 * A function that says what is wrong with its arguments, whatever they are: what comes before the first default is required, and
 * null is nothing that any of them takes. Where the function itself trips over something else, that is the caller's too.
 */
function guarded<F extends (...args: never[]) => unknown>(name: string, fn: F): F {
  const bad = (mustHold: string, came: string, cause?: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', name, mustHold, came, cause);
  const call = (...args: unknown[]): unknown => {
    if (args.length < fn.length) throw bad(`arguments must be at least ${fn.length}`, `${args.length} came`);
    args.forEach((x, i) => {
      if (x === undefined && i > 0 && i < fn.length) throw bad(`argument ${i + 1} must be given`, 'undefined came');
      if (x === null && i >= fn.length) throw bad('options must be an object', 'null came');
    });
    const last = args.length > fn.length ? args.at(-1) : undefined;
    const options = isOptions(last) ? new ReadOptions(last) : undefined;
    if (options !== undefined) args[args.length - 1] = options.options;
    try {
      const result = fn(...(args as never[]));
      const unread = options?.unread();
      if (unread !== undefined) throw bad(`options must be of ${unread.known}`, `"${unread.key}" came`);
      return result;
    } catch (error) {
      if (error instanceof DsnkError || !(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)) throw error;
      throw bad('arguments must be of the declared types', error.message, error);
    }
  };
  return Object.defineProperty(call, 'name', { value: name }) as unknown as F;
}

/** All builder functions. The same functions work on operands (building a graph) and on tensors (computing at once). */
export const ops: Functions = Object.fromEntries(Object.entries(functions).map(([name, fn]) => [name, guarded(name, fn)])) as never;

/** Every one of them is a method too. */
export interface GraphBuilder extends Functions {}

for (const [name, fn] of Object.entries(ops)) Object.defineProperty(GraphBuilder.prototype, name, { value: fn, writable: true, configurable: true });
