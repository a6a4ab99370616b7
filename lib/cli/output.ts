/** How the command line talks: results on stdout or in files, decoration on stderr, colour only where it is wanted. */
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { dsnkError } from '../errors.js';

/** Escape sequences that begin and end a style. */
const styles = { red: [31, 39], green: [32, 39], yellow: [33, 39], dim: [2, 22] } as const;
type Style = keyof typeof styles;

/** Colour for a stream: NO_COLOR and FORCE_COLOR are honoured, else only a terminal gets it. */
export function styled(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  const force = process.env['FORCE_COLOR'];
  const on = process.env['NO_COLOR'] ? false : force !== undefined ? force !== '0' : stream.isTTY === true;
  const [begin, end] = styles[style];
  return on ? `\u001b[${begin}m${text}\u001b[${end}m` : text;
}

function notWritable(option: string, cause: unknown): Error {
  return dsnkError('ERR_DSNK_INVALID_ARGUMENT', option, 'must name a file that can be written', (cause as Error).message, cause);
}

/** Throws where an option's file could not be written: better before a calibration of minutes than after it. */
export function checkWritable(option: string, path: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw new Error(`"${path}" is a folder`);
    accessSync(there === undefined ? dirname(resolve(path)) : path, constants.W_OK);
  } catch (cause) {
    throw notWritable(option, cause);
  }
}

/** Writes the file that an option names. */
export function writeOutput(option: string, path: string, contents: string | Uint8Array): void {
  try {
    writeFileSync(path, contents);
  } catch (cause) {
    throw notWritable(option, cause);
  }
}

/** JSON has no word for infinity, but 1e999 is a number that parsers read as one; `JSON.stringify` would write null. */
export function jsonText(document: unknown): string {
  const writable = (v: unknown) => (v === Number.POSITIVE_INFINITY || v === Number.NEGATIVE_INFINITY ? `\0${v}` : typeof v === 'bigint' ? Number(v) : v);
  return JSON.stringify(document, (_, v) => writable(v), 2).replace(/"\\u0000(-?)Infinity"/g, (_, sign) => `${sign}1e999`);
}

export function printJson(document: unknown): void {
  process.stdout.write(`${jsonText(document)}\n`);
}

/** Rows as aligned columns; columns of numbers go to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const count = Math.max(0, ...rows.map((r) => r.length));
  const widths = Array.from({ length: count }, (_, c) => Math.max(...rows.map((r) => (r[c] ?? '').length)));
  const numeric = widths.map((_, c) => rows.slice(1).every((r) => /^[-\d.,%×]*$/.test(r[c] ?? '')));
  return rows
    .map((r) =>
      r
        .map((cell, c) => (numeric[c] ? cell.padStart(widths[c] as number) : cell.padEnd(widths[c] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function bytesText(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Sizes of caches, which come in powers of two. */
export function cacheText(bytes: number): string {
  if (bytes === 0) return 'unknown';
  return bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${Number((bytes / 2 ** 20).toFixed(1))} MiB`;
}

export const threadsText = (threads: number) => `${threads} thread${threads === 1 ? '' : 's'}`;

/** A single line on a terminal for work that takes more than a second; silent elsewhere. */
export class Progress {
  readonly #started = performance.now();
  #shown = false;
  #last = 0;

  constructor(
    readonly what: string,
    readonly total: number,
  ) {}

  at(done: number): void {
    const now = performance.now();
    if (process.stderr.isTTY !== true || now - this.#started < 1000 || now - this.#last < 100) return;
    this.#last = now;
    this.#shown = true;
    const width = 24;
    const filled = Math.round((done / this.total) * width);
    process.stderr.write(`\r${this.what} [${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${done}/${this.total}`);
  }

  end(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
  }
}

/** A bar for each stage of work that names its stages. */
export class StageProgress {
  #stage = '';
  #bar: Progress | undefined;

  /** `total` stands where a stage does not know its own. */
  constructor(readonly total: number | undefined) {}

  at({ stage, done, total }: { readonly stage: string; readonly done: number; readonly total: number | undefined }): void {
    if (stage !== this.#stage) {
      this.end();
      this.#stage = stage;
      this.#bar = new Progress(stage, total ?? this.total ?? 0);
    }
    this.#bar?.at(done);
  }

  end(): void {
    this.#bar?.end();
  }
}
