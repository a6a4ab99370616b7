/**
 * The one error type of the package and its codes. A message has the form *where: what must hold, what came*.
 */

/** Every code, with what it means. Documented in the README; a test keeps the two equal. */
export const errorCodes = {
  ERR_DSNK_NO_BINARY: 'no native addon for this platform was found or could be loaded',
  ERR_DSNK_INVALID_MODEL: 'the model file is damaged, inconsistent or refers to data outside its folder',
  ERR_DSNK_UNSUPPORTED_OP: 'the model uses operators, opsets or types that this version does not run (all are listed)',
  ERR_DSNK_SHAPE_MISMATCH: 'shapes do not fit an operator or a declared input',
  ERR_DSNK_DTYPE_MISMATCH: 'an element type does not fit an operator or a declared input',
  ERR_DSNK_INVALID_ARGUMENT: 'an argument of a call is missing, unknown or of the wrong kind',
  ERR_DSNK_INVALID_PROGRAM: 'a compiled program is damaged or was compiled for another build',
  ERR_DSNK_OUT_OF_MEMORY: 'the system gave no memory of the size asked for',
  ERR_DSNK_RUNTIME_FAULT: 'tensor contents that an operator does not allow (an index out of range, a division by zero)',
  ERR_DSNK_DISPOSED: 'the session or buffer was released before',
  ERR_DSNK_DEVICE_UNAVAILABLE: 'the execution provider asked for cannot be used on this machine',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class DsnkError extends Error {
  override readonly name = 'DsnkError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** *where: what must hold, what came* */
export function dsnkError(code: ErrorCode, where: string, mustHold: string, came?: string, cause?: unknown): DsnkError {
  return new DsnkError(code, `${where}: ${mustHold}${came === undefined ? '' : `, ${came}`}`, cause === undefined ? undefined : { cause });
}

/** Several problems of one kind, listed at once. */
export function dsnkErrorList(code: ErrorCode, where: string, summary: string, items: readonly string[]): DsnkError {
  return new DsnkError(code, `${where}: ${summary}\n${items.map((item) => `  - ${item}`).join('\n')}`);
}

/** Any value in an error's words: not everything can be made a string. */
export function spelled(value: unknown): string {
  try {
    return typeof value === 'string' ? `"${value}"` : String(value);
  } catch {
    return `an ${typeof value}`;
  }
}

/** `[1,3,224,224]`, with symbols as they are. */
export function shapeText(shape: readonly (number | string)[] | undefined): string {
  return shape === undefined ? '[unknown]' : `[${Array.from(shape, (d) => (typeof d === 'string' ? d : spelled(d))).join(',')}]`;
}

/** Every key of some options: the compiler holds the list complete. */
export type KeysOf<Options> = { readonly [Key in keyof Options]-?: true };

/** Throws ERR_DSNK_INVALID_ARGUMENT where options are none, or have a key that nothing reads: a slip of the pen would silently change results. */
export function checkKeys(where: string, options: unknown, known: Readonly<Record<string, true>>, name = 'options'): void {
  const bad = (mustHold: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, mustHold, `${spelled(came)} came`);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw bad(`${name} must be an object`, options);
  const unknown = Object.entries(options).find(([key, value]) => value !== undefined && !Object.hasOwn(known, key));
  if (unknown !== undefined) throw bad(`${name} must be of ${Object.keys(known).join(', ')}`, unknown[0]);
}
