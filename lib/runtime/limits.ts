/** What callers may choose of a model's options, for sessions and traced functions alike. */
import { type Precision, precisions } from '../compile/precision.js';
import { dsnkError, spelled } from '../errors.js';
import { checkTune, type TuneOptions } from './tune.js';

interface Limits {
  readonly intraOpNumThreads?: number;
  readonly maxPrograms?: number;
  readonly winograd?: boolean;
  readonly tune?: boolean | TuneOptions;
  readonly precision?: Precision;
}

/** Checks what callers may choose of a model's options. */
export function checkLimits(where: string, { intraOpNumThreads: threads, maxPrograms, winograd, tune, precision }: Limits): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 256)) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'intraOpNumThreads must be an integer from 1 to 256', `${spelled(threads)} came`);
  }
  if (maxPrograms !== undefined && !(Number.isInteger(maxPrograms) && maxPrograms >= 1)) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'maxPrograms must be a positive integer', `${spelled(maxPrograms)} came`);
  }
  if (winograd !== undefined && typeof winograd !== 'boolean') {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'winograd must be true or false', `${spelled(winograd)} came`);
  }
  checkTune(where, tune);
  if (precision !== undefined && !precisions.includes(precision)) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `precision must be one of ${precisions.join(', ')}`, `${spelled(precision)} came`);
  }
}
