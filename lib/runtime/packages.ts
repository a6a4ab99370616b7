/** Packages that only some uses need: found when these come up, so that others start without them. */
import { dsnkError } from '../errors.js';
import { requirePackage } from './native.js';

export function tokenizersPackage(): typeof import('@huggingface/tokenizers') {
  const name = '@huggingface/tokenizers';
  try {
    return requirePackage(name) as typeof import('@huggingface/tokenizers');
  } catch (cause) {
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      'tokenizer.json',
      `the package ${name} must be installed beside ds-native-kernels`,
      (cause as Error).message,
      cause,
    );
  }
}
