/**
 * Where the bytes of a model lie. Tensors are views or byte ranges: nothing is copied at import, and a model that came
 * from a path can give its memory back once the weights are packed, because every range can be read again from disk.
 */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { dsnkError } from '../errors.js';

/** A regular file, remembered by size and modification time: a range read later must come from the same contents. */
export class DiskFile {
  readonly size: number;
  readonly #mtime: bigint;

  constructor(
    readonly path: string,
    /** `model` or `external data`, for messages. */
    readonly what: string,
  ) {
    try {
      const stat = statSync(path, { bigint: true });
      if (!stat.isFile()) throw new Error('it is not a regular file');
      this.size = Number(stat.size);
      this.#mtime = stat.mtimeNs;
    } catch (cause) {
      throw dsnkError(
        'ERR_DSNK_INVALID_MODEL',
        `${what} file ${path}`,
        'it must be a readable file',
        cause instanceof Error ? cause.message : `${cause}`,
        cause,
      );
    }
  }

  /** Reads a byte range (pread: nothing else of the file is touched). */
  read(offset: number, length: number): Uint8Array {
    const where = `${this.what} file ${this.path}`;
    const bytes = new Uint8Array(length);
    let file: number;
    try {
      file = openSync(this.path, constants.O_RDONLY);
    } catch (cause) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'model file must stay unchanged while a session uses it', 'it cannot be opened any more', cause);
    }
    try {
      const stat = fstatSync(file, { bigint: true });
      if (Number(stat.size) !== this.size || stat.mtimeNs !== this.#mtime) {
        throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'model file must stay unchanged while a session uses it', 'its size or modification time differs');
      }
      for (let done = 0; done < length; ) {
        // One read call moves at most 2 GiB.
        const got = readSync(file, bytes, done, Math.min(length - done, 1 << 30), offset + done);
        if (got === 0) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `bytes [${offset}, ${offset + length}) must be there`, 'the file ends before');
        done += got;
      }
    } finally {
      closeSync(file);
    }
    return bytes;
  }
}

/** The bytes of the model file itself: those in memory while they are attached, those on disk afterwards. */
export class ModelBytes {
  readonly #bytes: Uint8Array;
  readonly #size: number;
  readonly #start: number;
  readonly #file: DiskFile | undefined;

  constructor(bytes: Uint8Array, path?: string) {
    this.#bytes = bytes;
    this.#size = bytes.byteLength;
    this.#start = bytes.byteOffset;
    this.#file = path === undefined ? undefined : new DiskFile(path, 'model');
  }

  /** Where in the file a view of these bytes begins. */
  offsetOf(view: Uint8Array): number {
    return view.byteOffset - this.#start;
  }

  view(offset: number, length: number): Uint8Array {
    if (this.#bytes.byteLength === this.#size) return this.#bytes.subarray(offset, offset + length);
    if (this.#file !== undefined) return this.#file.read(offset, length);
    throw dsnkError('ERR_DSNK_INVALID_MODEL', 'model bytes', 'the buffer must stay attached while a session uses it', 'it was transferred');
  }
}

/** External data files: only those below the folder of the model, whatever links say. */
export class ExternalFolder {
  readonly #roots: readonly string[];
  readonly #folder: string | undefined;
  readonly #files = new Map<string, DiskFile>();

  constructor(options: { source?: { path: string } | undefined; folder?: string | undefined }) {
    const path = options.source?.path;
    this.#folder = options.folder ?? (path === undefined ? undefined : dirname(path));
    const roots = new Set<string>();
    try {
      if (this.#folder !== undefined) roots.add(realpathSync(this.#folder));
      // A model that is itself a link (the cache of a model hub) has its data beside its target.
      if (path !== undefined) roots.add(dirname(realpathSync(path)));
    } catch {
      // A folder that is not there holds no file either: `open` words it.
    }
    this.#roots = [...roots];
  }

  /** The file that `location` names, for the tensor called `where`. */
  open(location: string, where: string): DiskFile {
    const known = this.#files.get(location);
    if (known !== undefined) return known;
    const fail = (came: string, cause?: unknown) =>
      dsnkError('ERR_DSNK_INVALID_MODEL', where, 'external data must be a file inside the folder of the model', came, cause);
    if (this.#folder === undefined) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'a model with external data must be loaded by path or with its folder', 'only its bytes came');
    }
    if (location === '') throw fail('no location came');
    if (location.includes('\0') || isAbsolute(location) || /^[A-Za-z]:/.test(location) || location.split(/[\\/]/).includes('..')) {
      throw fail(`location ${JSON.stringify(location)} came`);
    }
    let real: string;
    try {
      real = realpathSync(join(this.#folder, location));
    } catch (cause) {
      throw fail(`${JSON.stringify(location)} is not there`, cause);
    }
    const inside = this.#roots.some((root) => {
      const rest = relative(root, real);
      return rest !== '' && rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest);
    });
    if (!inside) throw fail(`${JSON.stringify(location)} leads to ${real}`);
    const file = new DiskFile(real, 'external data');
    this.#files.set(location, file);
    return file;
  }
}
