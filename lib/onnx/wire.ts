/**
 * Protobuf's wire format, for messages that a table describes (proto.ts). Reading makes views of byte fields and copies
 * nothing; fields that the table does not have, or that come in another wire type, are skipped. What is cut off, nested
 * too deep or no protobuf at all throws an Error.
 *
 * A message is an object: a list for every repeated field, and what the bytes have of the others. What they do not have
 * reads as its default from the prototype, so that `Object.hasOwn` tells what was there.
 */
const NESTING_LIMIT = 100;

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
  #lists: readonly string[] = [];
  readonly #defaults: Message = {};

  constructor(
    readonly name: string,
    readonly fields: () => { readonly [K in keyof M]-?: Field | Choice },
  ) {}

  /** By field number. */
  get slots(): readonly (Slot | undefined)[] {
    if (this.#slots !== undefined) return this.#slots;
    const slots: Slot[] = [];
    const lists: string[] = [];
    for (const [name, field] of Object.entries<Field | Choice>(this.fields())) {
      if ('choice' in field) {
        for (const [of, f] of Object.entries(field.choice)) slots[f.number] = { ...f, name: of, owner: name };
        this.#defaults[name] = { case: undefined };
      } else {
        slots[field.number] = { ...field, name, owner: undefined };
        if (field.repeated) lists.push(name);
        else if (typeof field.type === 'string') this.#defaults[name] = defaults[field.type];
      }
    }
    this.#lists = lists;
    this.#slots = slots;
    return slots;
  }

  create(): M {
    void this.slots;
    const message = Object.create(this.#defaults) as Message;
    for (const name of this.#lists) message[name] = [];
    return message as M;
  }
}

const defaults: Readonly<Record<Scalar, unknown>> = { string: '', bytes: new Uint8Array(0), int32: 0, int64: 0n, uint64: 0n, float: 0, double: 0 };

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

const wireOf: Readonly<Record<Scalar, number>> = { string: BYTES, bytes: BYTES, int32: VARINT, int64: VARINT, uint64: VARINT, float: FIXED32, double: FIXED64 };

/** Reads a message. `bytes` must stay as they are while the message is used. */
export function readMessage<M extends object>(schema: Schema<M>, bytes: Uint8Array): M {
  const message = schema.create();
  new Reader(bytes).fields(schema, message as Message, bytes.length, 1);
  return message;
}

const utf8 = new TextDecoder();

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** High half of the last varint. */
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fields(schema: Schema<object>, message: Message, end: number, depth: number): void {
    if (depth > NESTING_LIMIT) throw new Error(`${schema.name}: messages are nested more than ${NESTING_LIMIT} deep`);
    const { slots } = schema;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const wire = tag & 7;
      const slot = slots[tag >>> 3];
      if (slot === undefined) this.#skip(tag, end, depth);
      else if (typeof slot.type !== 'string') {
        if (wire === BYTES) this.#inner(slot, slot.type, message, this.#length(end), depth);
        else this.#skip(tag, end, depth);
      } else if (wire === wireOf[slot.type]) {
        const value = this.#scalar(slot.type, end);
        if (slot.repeated) (message[slot.name] as unknown[]).push(value);
        else if (slot.owner === undefined) message[slot.name] = value;
        else message[slot.owner] = { case: slot.name, value };
      } else if (wire === BYTES && slot.repeated) {
        const values = message[slot.name] as unknown[];
        const stop = this.#length(end);
        while (this.#at < stop) values.push(this.#scalar(slot.type, stop));
      } else this.#skip(tag, end, depth);
    }
  }

  /** A message field that comes twice is one message of both. */
  #inner(slot: Slot, schema: Schema<object>, message: Message, end: number, depth: number): void {
    let inner: Message;
    if (slot.repeated) {
      inner = schema.create() as Message;
      (message[slot.name] as unknown[]).push(inner);
    } else if (slot.owner === undefined) {
      inner = (message[slot.name] ??= schema.create()) as Message;
    } else {
      const there = message[slot.owner] as { case: string; value: Message };
      inner = there.case === slot.name ? there.value : (schema.create() as Message);
      message[slot.owner] = { case: slot.name, value: inner };
    }
    this.fields(schema, inner, end, depth + 1);
  }

  #scalar(type: Scalar, end: number): unknown {
    switch (type) {
      case 'string':
        return this.#string(this.#length(end));
      case 'bytes': {
        const stop = this.#length(end);
        const view = this.#bytes.subarray(this.#at, stop);
        this.#at = stop;
        return view;
      }
      case 'int32':
        return this.#varint(end) | 0;
      case 'int64': {
        const low = this.#varint(end);
        return this.#high === 0 ? BigInt(low) : (BigInt(this.#high | 0) << 32n) | BigInt(low);
      }
      case 'uint64': {
        const low = this.#varint(end);
        return this.#high === 0 ? BigInt(low) : (BigInt(this.#high) << 32n) | BigInt(low);
      }
      case 'float':
        return this.#view.getFloat32(this.#pass(4, end), true);
      case 'double':
        return this.#view.getFloat64(this.#pass(8, end), true);
    }
  }

  /** Names are short and ASCII: characters one by one cost less than a call of the decoder. */
  #string(end: number): string {
    const start = this.#at;
    this.#at = end;
    if (end - start > 64) return utf8.decode(this.#bytes.subarray(start, end));
    let text = '';
    for (let i = start; i < end; i++) {
      const c = this.#bytes[i] as number;
      if (c >= 0x80) return utf8.decode(this.#bytes.subarray(start, end));
      text += String.fromCharCode(c);
    }
    return text;
  }

  /** The low half of a varint; the high one is kept beside it. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= end) throw cutOff();
      const b = bytes[this.#at++] as number;
      const bits = b & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (b < 0x80) {
        this.#high = high >>> 0;
        return low >>> 0;
      }
    }
    throw new Error('a number has more than ten bytes');
  }

  /** Where the bytes of a length-delimited field end. */
  #length(end: number): number {
    const length = this.#varint(end);
    if (this.#high !== 0 || length > end - this.#at) throw cutOff();
    return this.#at + length;
  }

  #pass(bytes: number, end: number): number {
    const at = this.#at;
    if (bytes > end - at) throw cutOff();
    this.#at = at + bytes;
    return at;
  }

  #skip(tag: number, end: number, depth: number): void {
    if (tag >>> 3 === 0 || this.#high !== 0) throw new Error('a field has no valid number');
    switch (tag & 7) {
      case VARINT:
        this.#varint(end);
        return;
      case FIXED64:
        this.#pass(8, end);
        return;
      case BYTES:
        this.#at = this.#length(end);
        return;
      case FIXED32:
        this.#pass(4, end);
        return;
      case GROUP:
        if (depth > NESTING_LIMIT) throw new Error(`groups are nested more than ${NESTING_LIMIT} deep`);
        for (;;) {
          const inner = this.#varint(end);
          if ((inner & 7) !== GROUP_END) this.#skip(inner, end, depth + 1);
          else if (inner >>> 3 === tag >>> 3) return;
          else throw new Error('a group ends that did not begin');
        }
      default:
        throw new Error(`a field has wire type ${tag & 7}`);
    }
  }
}

const cutOff = () => new Error('the bytes end inside a field');

/** What `writeMessage` takes: any part of a message. */
export type Init<T> = T extends string | number | bigint | boolean | Uint8Array | undefined
  ? T
  : T extends readonly (infer E)[]
    ? readonly Init<E>[]
    : { readonly [K in keyof T]?: Init<T[K]> | undefined };

/** Writes what is there of a message, in the order of field numbers. */
export function writeMessage<M extends object>(schema: Schema<M>, message: Init<M>): Uint8Array {
  const writer = new Writer();
  writer.fields(schema, message as Message);
  return writer.finish();
}

const encoder = new TextEncoder();

class Writer {
  readonly #parts: Uint8Array[] = [];
  #bytes: number[] = [];
  #length = 0;

  fields(schema: Schema<object>, message: Message): void {
    for (const slot of schema.slots) {
      if (slot === undefined) continue;
      if (slot.owner !== undefined) {
        const chosen = Object.hasOwn(message, slot.owner) ? (message[slot.owner] as { case?: string; value: unknown } | undefined) : undefined;
        if (chosen?.case === slot.name) this.#field(slot, chosen.value);
        continue;
      }
      const value = Object.hasOwn(message, slot.name) ? message[slot.name] : undefined;
      if (value === undefined) continue;
      if (!slot.repeated) this.#field(slot, value);
      else if (!slot.packed) for (const item of value as readonly unknown[]) this.#field(slot, item);
      else if ((value as readonly unknown[]).length > 0) {
        const inner = new Writer();
        for (const item of value as readonly unknown[]) inner.#scalar(slot.type as Scalar, item);
        this.#varint(BigInt((slot.number << 3) | BYTES));
        this.#append(inner);
      }
    }
  }

  finish(): Uint8Array {
    this.#flush();
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  #field(slot: Slot, value: unknown): void {
    const { type } = slot;
    this.#varint(BigInt((slot.number << 3) | (typeof type === 'string' ? wireOf[type] : BYTES)));
    if (typeof type === 'string') this.#scalar(type, value);
    else {
      const inner = new Writer();
      inner.fields(type, value as Message);
      this.#append(inner);
    }
  }

  #scalar(type: Scalar, value: unknown): void {
    switch (type) {
      case 'string':
        this.#block(encoder.encode(value as string));
        return;
      case 'bytes':
        this.#block(value as Uint8Array);
        return;
      case 'int32':
      case 'int64':
      case 'uint64':
        this.#varint(BigInt.asUintN(64, BigInt(value as number | bigint)));
        return;
      case 'float':
        this.#bytes.push(...new Uint8Array(Float32Array.of(value as number).buffer));
        return;
      case 'double':
        this.#bytes.push(...new Uint8Array(Float64Array.of(value as number).buffer));
    }
  }

  #varint(value: bigint): void {
    let left = value;
    for (; left >= 0x80n; left >>= 7n) this.#bytes.push(Number(left & 0x7fn) | 0x80);
    this.#bytes.push(Number(left));
  }

  #block(bytes: Uint8Array): void {
    this.#varint(BigInt(bytes.length));
    if (bytes.length < 64) {
      this.#bytes.push(...bytes);
      return;
    }
    this.#flush();
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  #append(inner: Writer): void {
    inner.#flush();
    this.#varint(BigInt(inner.#length));
    this.#flush();
    for (const part of inner.#parts) this.#parts.push(part);
    this.#length += inner.#length;
  }

  #flush(): void {
    if (this.#bytes.length === 0) return;
    this.#parts.push(Uint8Array.from(this.#bytes));
    this.#length += this.#bytes.length;
    this.#bytes = [];
  }
}
