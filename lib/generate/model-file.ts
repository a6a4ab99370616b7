/** Files of weights: read into native memory, checked, and views of it from then on. */
import { isDType } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import { Constant } from '../graph/graph.js';
import { ModelBytes } from '../onnx/model-bytes.js';
import { readFile } from '../runtime/model-source.js';
import { blockFormats } from './blocks.js';
import type { FindTensor, StoredTensor, TensorEntry } from './tensors.js';

/** A whole file. Its tensors are views until `free`, and read from the disk again after that. */
export class ModelFile {
  readonly bytes: Uint8Array;
  readonly #source: ModelBytes;

  private constructor(
    readonly path: string,
    buffer: ArrayBuffer,
    readonly free: () => void,
  ) {
    this.bytes = new Uint8Array(buffer);
    this.#source = new ModelBytes(this.bytes, path);
  }

  static async read(path: string): Promise<ModelFile> {
    const { buffer, free } = await readFile(path);
    try {
      return new ModelFile(path, buffer, free);
    } catch (error) {
      free();
      throw error;
    }
  }

  /** A tensor of the file; each is one constant however often it is asked for. */
  tensor({ name, dims, type, dtype, block, begin, end }: TensorEntry): StoredTensor {
    const read = () => this.#source.view(begin, end - begin);
    if (block !== undefined) {
      const k = dims.at(-1) as number;
      const rows = elementCount(dims) / k;
      return { name, dims, block, constant: new Constant('uint8', [rows, k / block.elements, block.bytes], read) };
    }
    if (dtype === undefined || !isDType(dtype)) {
      const known = ['F32', 'F16', 'BF16', ...blockFormats.map((f) => f.name)].join(', ');
      throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', `tensor "${name}" of ${this.path}`, `its type must be one of ${known}`, `it is ${type}`);
    }
    return { name, dims, constant: new Constant(dtype, dims, read) };
  }
}

/** Tensors by name, each with the file that has it. */
export type FileEntries = Map<string, { readonly file: ModelFile; readonly entry: TensorEntry }>;

export const entriesOf = (file: ModelFile, entries: readonly TensorEntry[]): FileEntries => new Map(entries.map((entry) => [entry.name, { file, entry }]));

/** Tensors of files by name. */
export function tensorsOf(files: FileEntries): FindTensor {
  const made = new Map<string, StoredTensor>();
  return (name) => {
    const found = files.get(name);
    if (found === undefined) return undefined;
    let tensor = made.get(name);
    if (tensor === undefined) {
      tensor = found.file.tensor(found.entry);
      made.set(name, tensor);
    }
    return tensor;
  };
}

/** Throws where ranges of bytes overlap: nobody writes such files but to deceive. */
export function assertApart(entries: readonly TensorEntry[], where: string): void {
  const sorted = entries.filter((e) => e.end > e.begin).sort((a, b) => a.begin - b.begin);
  for (let i = 1; i < sorted.length; i++) {
    const [before, entry] = [sorted[i - 1] as TensorEntry, sorted[i] as TensorEntry];
    if (entry.begin < before.end) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'tensors must not overlap', `"${before.name}" and "${entry.name}" do`);
  }
}
