/** What an addon file says of itself, read from its ELF header before anything of it is run: a wrong file gives a sentence, not a crash. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** By Node's name of an architecture: e_machine, and the word that people use. */
const machines: Readonly<Record<string, readonly [number, string]>> = {
  x64: [62, 'x86-64'],
  arm64: [183, 'aarch64'],
  arm: [40, 'arm (32-bit)'],
  ia32: [3, 'x86 (32-bit)'],
  riscv64: [243, 'riscv64'],
  loong64: [258, 'loongarch64'],
};

/** `aarch64` for arm64, and so on. */
export const machineText = (arch: string) => machines[arch]?.[1] ?? arch;

/** Thrown with what is wrong with a file. */
class Unusable extends Error {}

const LOAD = 1;
const INTERPRETER = 3;
const SHARED_OBJECT = 3;
const STRING_TABLE = 3;

/** The headers of a little-endian ELF file of either width. Every read refuses what lies behind the end. */
class ElfFile {
  readonly #fd: number;
  readonly #sizeBytes: number;
  readonly #header: Buffer;
  readonly #wide: boolean;

  constructor(path: string) {
    // Without waiting: a pipe that nobody writes to would be opened for ever.
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = fstatSync(this.#fd);
      if (status.isDirectory()) throw new Unusable('a folder, not a file');
      if (!status.isFile()) throw new Unusable('no regular file');
      this.#sizeBytes = status.size;
      this.#header = this.#sizeBytes < 64 ? Buffer.alloc(64) : this.bytes(0, 64);
      if (this.#header.readUInt32BE(0) !== 0x7f454c46) throw new Unusable(`no addon: ${this.#sizeBytes} bytes without the mark of an ELF file`);
      if (this.#header[5] !== 1) throw new Unusable('built for a big-endian machine');
      this.#wide = this.#header[4] === 2;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  get type(): number {
    return this.#header.readUInt16LE(16);
  }
  get machine(): number {
    return this.#header.readUInt16LE(18);
  }

  bytes(offset: number, sizeBytes: number): Buffer {
    const end = offset + sizeBytes;
    const buffer = end <= this.#sizeBytes ? Buffer.alloc(sizeBytes) : undefined;
    if (buffer === undefined || readSync(this.#fd, buffer, 0, sizeBytes, offset) !== sizeBytes)
      throw new Unusable(`cut off: it must have at least ${end} bytes and has ${this.#sizeBytes}`);
    return buffer;
  }

  segments(): { readonly type: number; readonly offset: number; readonly sizeBytes: number }[] {
    const [entryBytes, count] = this.#counts(0);
    const table = this.bytes(this.#place(this.#header, this.#wide ? 32 : 28), entryBytes * count);
    return Array.from({ length: count }, (_, i) => {
      const entry = table.subarray(i * entryBytes, (i + 1) * entryBytes);
      return { type: entry.readUInt32LE(0), offset: this.#place(entry, this.#wide ? 8 : 4), sizeBytes: this.#place(entry, this.#wide ? 32 : 16) };
    });
  }

  /** Whether what lies between the headers has its length: the section table comes last, and one of its rows must be the table of names. */
  checkLength(): void {
    for (const s of this.segments()) if (s.type === LOAD) this.bytes(s.offset + s.sizeBytes, 0);
    const [entryBytes, count, names] = this.#counts(4);
    const at = this.#place(this.#header, this.#wide ? 40 : 32);
    if (at === 0) return;
    const table = this.bytes(at, entryBytes * count);
    if (names >= count || table.readUInt32LE(names * entryBytes + 4) !== STRING_TABLE) throw new Unusable('damaged: its tables are not where its header says');
  }

  #place(from: Buffer, at: number): number {
    return this.#wide ? Number(from.readBigUInt64LE(at)) : from.readUInt32LE(at);
  }
  #counts(at: number): [number, number, number] {
    const word = (d: number) => this.#header.readUInt16LE((this.#wide ? 54 : 42) + at + d);
    return [word(0), word(2), at === 0 ? 0 : word(4)];
  }
}

function withElf<T>(path: string, use: (file: ElfFile) => T): T {
  const file = new ElfFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** Why the file cannot be loaded into this process, or undefined where nothing speaks against trying. */
export function refusal(path: string): string | undefined {
  try {
    return withElf(path, (file) => {
      if (file.type !== SHARED_OBJECT) return 'no addon: an ELF file, but no shared object';
      file.checkLength();
      if (file.machine === machines[process.arch]?.[0]) return undefined;
      const built = Object.values(machines).find(([number]) => number === file.machine)?.[1] ?? `machine ${file.machine}`;
      return `built for ${built}, this Node is ${machineText(process.arch)}`;
    });
  } catch (error) {
    if (error instanceof Unusable) return error.message;
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'not there' : message;
  }
}

/** The C library of this process, from the loader that its program names. */
export function libc(): 'glibc' | 'musl' {
  try {
    return withElf(process.execPath, (program) => {
      const loader = program.segments().find((s) => s.type === INTERPRETER);
      return loader && program.bytes(loader.offset, loader.sizeBytes).includes('ld-musl') ? 'musl' : 'glibc';
    });
  } catch {
    return 'glibc'; // an architecture or a program that this reader does not know
  }
}

/** `glibc 2.36`. Has Node write a whole report, so for messages only. */
export function libcText(): string {
  if (libc() === 'musl') return 'musl';
  const report = process.report?.getReport() as unknown as { header?: { glibcVersionRuntime?: string } } | undefined;
  return `glibc ${report?.header?.glibcVersionRuntime ?? ''}`.trimEnd();
}
