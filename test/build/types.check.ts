/** Compiled, never run: what the types of the public functions promise. */
import { type CompiledFunction, compile, GraphBuilder, type Operand, ops, type Tensor, type TensorLike } from '../../lib/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <_ extends true>() => {};

declare const o: Operand;
declare const t: Tensor;
declare const plain: TensorLike;

export function promises() {
  // An operand anywhere makes an operand; tensors and numbers alone make a tensor.
  const fromOperand = ops.relu(o);
  is<Same<typeof fromOperand, Operand>>();
  const fromTensor = ops.relu(t);
  is<Same<typeof fromTensor, Tensor>>();
  const fromPlain = ops.relu(plain);
  is<Same<typeof fromPlain, Tensor>>();
  const mixed = ops.add(t, o);
  is<Same<typeof mixed, Operand>>();
  const scaled = ops.mul(o, 2);
  is<Same<typeof scaled, Operand>>();
  const numbers = ops.sub(1, t);
  is<Same<typeof numbers, Tensor>>();
  const chosen = ops.where(t, o, 0);
  is<Same<typeof chosen, Operand>>();
  const weights = ops.conv2d(o, t, { padding: [1, 1, 1, 1], bias: t });
  is<Same<typeof weights, Operand>>();
  const parts = ops.split(o, 2);
  is<Same<typeof parts, Operand[]>>();
  const joined = ops.concat([t, t], 0);
  is<Same<typeof joined, Tensor>>();
  const states = ops.lstm(o, t, t, 1, 1);
  is<Same<typeof states, Operand[]>>();
  const fromBuilder = new GraphBuilder().relu(o);
  is<Same<typeof fromBuilder, Operand>>();

  // A compiled function returns tensors in the structure that fn returned operands in.
  const one = compile((x) => ops.relu(x));
  is<Same<typeof one, CompiledFunction<Operand>>>();
  const single = one.sync(t);
  is<Same<typeof single, Tensor>>();
  const named = compile((x) => ({ a: ops.relu(x), b: x })).sync(t);
  is<Same<typeof named, { a: Tensor; b: Tensor }>>();

  // @ts-expect-error a string is no argument
  ops.relu('x');
  // @ts-expect-error one number alone has no element type
  ops.relu(1);
  // @ts-expect-error four numbers make a padding
  ops.conv2d(o, o, { padding: [1, 1] });
  // @ts-expect-error an unknown option
  ops.clamp(o, { minimum: 0 });
  // @ts-expect-error an unknown element type
  ops.cast(o, 'float31');
  // @ts-expect-error fn must return operands
  compile(() => 3);
}
