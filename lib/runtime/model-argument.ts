/** Model arguments of `create`: what is bytes, and what is none. */
import { types } from 'node:util';
import { dsnkError } from '../errors.js';

/** Views of a detached buffer cannot be made; the length alone does not tell it from an empty one. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}

/** The bytes that a caller means. */
export function bytesOf(model: unknown, where: string, offset = 0, length?: number): Uint8Array {
  const whole = (model as ArrayBufferLike | undefined)?.byteLength;
  if (typeof whole === 'number' && !(offset >= 0 && (length ?? 0) >= 0 && offset + (length ?? 0) <= whole)) {
    const came = `${offset} and ${length} came for ${whole} bytes`;
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'byteOffset and byteLength must lie inside the buffer', came);
  }
  const memory = ArrayBuffer.isView(model) ? model.buffer : model;
  // Not by class: a buffer of another realm (a test runner's, say) is one of another class.
  if ((types.isAnyArrayBuffer(memory) && isDetached(memory)) || !Number.isInteger(offset))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'model must be bytes in a buffer that is not detached', `offset ${offset} came`);
  if (ArrayBuffer.isView(model)) return new Uint8Array(model.buffer, model.byteOffset + offset, length ?? model.byteLength - offset);
  if (types.isAnyArrayBuffer(model)) return new Uint8Array(model, offset, length);
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'model must be a path, a URL, a Uint8Array or an ArrayBuffer', `${typeof model} came`);
}
