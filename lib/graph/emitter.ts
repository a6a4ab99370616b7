/** Nodes of a graph under construction, one line each. */
import { type DType, dtypes } from '../dtype.js';
import { type AttrValue, Constant, type Domain, type Graph, type Value } from './graph.js';

export class Emitter {
  constructor(readonly graph: Graph) {}

  op(op: string, inputs: (Value | undefined)[], attrs: Record<string, AttrValue | undefined> = {}, name?: string, domain: Domain = ''): Value {
    return this.graph.addNode(op, inputs, { attrs, domain, ...(name !== undefined && { name }) }).output();
  }

  ops(op: string, inputs: (Value | undefined)[], outputs: number, attrs: Record<string, AttrValue> = {}, domain: Domain = ''): readonly Value[] {
    return this.graph.addNode(op, inputs, { attrs, domain, outputs }).outputs;
  }

  constant(constant: Constant): Value {
    return this.graph.addConstant(constant);
  }

  ints(...values: number[]): Value {
    return this.constant(Constant.of('int64', [values.length], values));
  }

  int(value: number): Value {
    return this.constant(Constant.of('int64', [], [value]));
  }

  bytes(...values: number[]): Value {
    return this.constant(Constant.of('uint8', values.length === 1 ? [] : [values.length], values));
  }

  float(value: number): Value {
    return this.constant(Constant.of('float32', [], [value]));
  }

  floats(values: ArrayLike<number>): Value {
    return this.constant(Constant.of('float32', [values.length], values));
  }

  reshape(x: Value, ...dims: number[]): Value {
    return this.op('Reshape', [x, this.ints(...dims)]);
  }

  /** v, of this type, in float32. */
  float32(v: Value, dtype: DType): Value {
    return dtype === 'float32' ? v : this.op('Cast', [v], { to: dtypes.float32.onnx });
  }

  /** Elements [from, to) of the last axis. */
  slice(x: Value, from: number, to: number): Value {
    return this.op('Slice', [x, this.ints(from), this.ints(to), this.ints(-1)]);
  }
}
