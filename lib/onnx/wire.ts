/**
 * Messages that a table describes (proto.ts), through the wire format of @bufbuild/protobuf: its descriptors and generated
 * classes, made from onnx.proto at start, cost a cold process more than reading a model does. Reading makes views of byte
 * fields and copies nothing; fields that the table does not have, or that come in another wire type, are skipped. What is
 * cut off, nested too deep or no protobuf at all throws an Error.
 *
 * A message is an object of what the bytes have. What they do not have reads as its default from the prototype, an empty
 * list for a repeated field, so that `Object.hasOwn` tells what was there.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

const NESTING_LIMIT = 100;

/** Named as the reader's and the writer's methods; 64-bit integers are bigint, which Node has. */
export type Scalar = 'string' | 'bytes' | 'int32' | 'int64' | 'uint64' | 'float' | 'double';

export interface Field {
  readonly number: number;
  readonly type: Scalar | Schema<object>;
  readonly repeated: boolean;
  /** Numbers are written one behind the other; read in either form. */
  readonly packed: boolean;
}
/** Fields of which a message has at most one: `{ case, value }`. */
interface Choice {
  readonly choice: Readonly<Record<string, Field>>;
}

export const one = (number: number, type: Scalar | Schema<object>): Field => ({ number, type, repeated: false, packed: false });
export const list = (number: number, type: Scalar | Schema<object>): Field => ({ number, type, repeated: true, packed: false });
export const packed = (number: number, type: Scalar): Field => ({ number, type, repeated: true, packed: true });
export const choice = (fields: Readonly<Record<string, Field>>): Choice => ({ choice: fields });

interface Slot extends Field {
  /** Property of the message; of a choice the `case`, and the property is `owner`. */
  readonly name: string;
  readonly owner: string | undefined;
}

type Message = Record<string, unknown>;

/** The table of one message. Its fields are asked for at the first use, as messages contain each other. */
export class Schema<M extends object> {
  #slots: readonly (Slot | undefined)[] | undefined;
  readonly #defaults: Message = {};
  readonly #Message = class {} as new () => M;

  constructor(
    readonly name: string,
    readonly fields: () => { readonly [K in keyof M]-?: Field | Choice },
  ) {
    // a constructor of its own gives the messages of a table one shape
    Object.setPrototypeOf(this.#Message.prototype, this.#defaults);
  }

  /** By field number. */
  get slots(): readonly (Slot | undefined)[] {
    if (this.#slots !== undefined) return this.#slots;
    const slots: Slot[] = [];
    for (const [name, field] of Object.entries<Field | Choice>(this.fields())) {
      if ('choice' in field) {
        for (const [of, f] of Object.entries(field.choice)) slots[f.number] = { ...f, name: of, owner: name };
        this.#defaults[name] = { case: undefined };
      } else {
        slots[field.number] = { ...field, name, owner: undefined };
        if (field.repeated) this.#defaults[name] = NONE;
        else if (typeof field.type === 'string') this.#defaults[name] = defaults[field.type];
      }
    }
    this.#slots = slots;
    return slots;
  }

  create(): M {
    void this.slots;
    return new this.#Message();
  }
}

const NONE: readonly unknown[] = Object.freeze([]);
const defaults: Readonly<Record<Scalar, unknown>> = { string: '', bytes: new Uint8Array(0), int32: 0, int64: 0n, uint64: 0n, float: 0, double: 0 };

const wireOf: Readonly<Record<Scalar, WireType>> = {
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  int32: WireType.Varint,
  int64: WireType.Varint,
  uint64: WireType.Varint,
  float: WireType.Bit32,
  double: WireType.Bit64,
};

/** Reads a message. `bytes` must stay as they are while the message is used. */
export function readMessage<M extends object>(schema: Schema<M>, bytes: Uint8Array): M {
  const message = schema.create();
  try {
    readFields(new BinaryReader(bytes), schema, message as Message, bytes.length, 1);
  } catch (error) {
    // The reader's way to say that the last field is cut off.
    throw error instanceof RangeError ? new Error('the bytes end inside a field') : error;
  }
  return message;
}

function readFields(reader: BinaryReader, schema: Schema<object>, message: Message, end: number, depth: number): void {
  if (depth > NESTING_LIMIT) throw new Error(`${schema.name}: messages are nested more than ${NESTING_LIMIT} deep`);
  const { slots } = schema;
  while (reader.pos < end) {
    // not `reader.tag()`, whose pair of numbers costs as much as a field
    const tag = reader.uint32();
    const number = tag >>> 3;
    const wire: WireType = tag & 7;
    if (number === 0) throw new Error(`${schema.name}: fields have numbers from 1 on`);
    const slot = slots[number];
    if (slot === undefined) {
      reader.skip(wire, number);
      continue;
    }
    const { type } = slot;
    if (typeof type === 'string' && wire === wireOf[type]) {
      const value = reader[type]();
      if (slot.repeated) listOf(slot, message).push(value);
      else if (slot.owner === undefined) message[slot.name] = value;
      else message[slot.owner] = { case: slot.name, value };
    } else if (wire !== WireType.LengthDelimited || (typeof type === 'string' && !slot.repeated)) reader.skip(wire, number);
    else {
      const stop = reader.uint32() + reader.pos;
      if (stop > end) throw new RangeError();
      if (typeof type !== 'string') readFields(reader, type, innerOf(slot, type, message), stop, depth + 1);
      else for (const items = listOf(slot, message); reader.pos < stop; ) items.push(reader[type]());
      if (reader.pos > stop) throw new RangeError();
    }
    if (reader.pos > end) throw new RangeError();
  }
}

function listOf({ name }: Slot, message: Message): unknown[] {
  let items = message[name] as unknown[];
  if (items === NONE) {
    items = [];
    message[name] = items;
  }
  return items;
}

/** The message to read into: a field that comes twice is one message of both. */
function innerOf(slot: Slot, schema: Schema<object>, message: Message): Message {
  if (slot.repeated) {
    const inner = schema.create() as Message;
    listOf(slot, message).push(inner);
    return inner;
  }
  if (slot.owner === undefined) {
    message[slot.name] ??= schema.create();
    return message[slot.name] as Message;
  }
  const there = message[slot.owner] as { case: string; value: Message };
  const inner = there.case === slot.name ? there.value : (schema.create() as Message);
  message[slot.owner] = { case: slot.name, value: inner };
  return inner;
}

/** What `writeMessage` takes: any part of a message. */
export type Init<T> = T extends string | number | bigint | boolean | Uint8Array | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Init<E>[]
    : { readonly [K in keyof T]?: Init<T[K]> | undefined };

/** Writes what is there of a message, in the order of field numbers. */
export function writeMessage<M extends object>(schema: Schema<M>, message: Init<M>): Uint8Array {
  const writer = new BinaryWriter();
  writeFields(writer, schema, message as Message);
  return writer.finish();
}

function writeFields(writer: BinaryWriter, schema: Schema<object>, message: Message): void {
  for (const slot of schema.slots) {
    if (slot === undefined) continue;
    if (slot.owner !== undefined) {
      const chosen = Object.hasOwn(message, slot.owner) ? (message[slot.owner] as { case?: string; value: unknown } | undefined) : undefined;
      if (chosen?.case === slot.name) writeField(writer, slot, chosen.value);
      continue;
    }
    const value = Object.hasOwn(message, slot.name) ? message[slot.name] : undefined;
    if (value === undefined) continue;
    if (!slot.repeated) writeField(writer, slot, value);
    else if (!slot.packed) for (const item of value as readonly unknown[]) writeField(writer, slot, item);
    else if ((value as readonly unknown[]).length > 0) {
      writer.tag(slot.number, WireType.LengthDelimited).fork();
      for (const item of value as readonly unknown[]) writer[slot.type as Scalar](item as never);
      writer.join();
    }
  }
}

function writeField(writer: BinaryWriter, slot: Slot, value: unknown): void {
  const { type } = slot;
  if (typeof type === 'string') writer.tag(slot.number, wireOf[type])[type](value as never);
  else {
    writer.tag(slot.number, WireType.LengthDelimited).fork();
    writeFields(writer, type, value as Message);
    writer.join();
  }
}
