/** Where the graph of a session comes from: a file, bytes, or a graph that is there already. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dsnkError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { importModel } from '../onnx/import.js';
import { native } from './native.js';

export interface ModelSource {
  readonly graph: Graph;
  /** Keep the bytes of constants after packing: there is no file to read them from again. */
  readonly keepBytes: boolean;
  /** Called after each load, and where there will be none. */
  readonly free?: () => void;
  /** What the importer found that no session can run. */
  readonly problems?: readonly string[];
  readonly metadata?: ReadonlyMap<string, string>;
}

/** A whole file in native memory, until `free`. */
export async function readFile(path: string): Promise<{ readonly buffer: ArrayBuffer; readonly free: () => void }> {
  const buffer = await new Promise<ArrayBuffer>((done, fail) => {
    native().readFile(path, (code, _pc, _fault, text, value) => {
      if (code === 0) done(value as ArrayBuffer);
      else if (code === constants.errno.ENOMEM)
        fail(dsnkError('ERR_DSNK_OUT_OF_MEMORY', `model "${path}"`, 'the system must have the memory for the file', text));
      else fail(dsnkError('ERR_DSNK_INVALID_MODEL', `model "${path}"`, 'file must be readable', text));
    });
  });
  return { buffer, free: () => native().releaseBuffer(buffer) };
}

/** The file is read into native memory, decoded as views of it, and given back once its weights are packed. */
export async function readModel(path: string): Promise<ModelSource> {
  // Once the buffer is gone, the decoded model reads the file itself.
  const { buffer, free } = await readFile(path);
  try {
    return { ...importModel(new Uint8Array(buffer), { source: { path } }), keepBytes: false, free };
  } catch (error) {
    free();
    throw error;
  }
}

/** The bytes are copied once: the caller may change or transfer theirs, and later shapes may need the weights again. */
export function adoptModel(bytes: Uint8Array): ModelSource {
  const buffer = native().adopt(bytes);
  if (buffer === null)
    throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', 'model', 'the system must have the memory for a copy of the model', `${bytes.byteLength} bytes`);
  return { ...importModel(new Uint8Array(buffer)), keepBytes: true };
}

/** The path that a string or file: URL names. */
export function pathOf(model: string | URL, where: string): string {
  if (typeof model === 'string') return resolve(model);
  if (model.protocol !== 'file:') throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'a URL must be a file: URL', `${model.protocol} came`);
  try {
    return fileURLToPath(model);
  } catch (error) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'a URL must be one of a local file', `"${model.href}" came`, error);
  }
}
