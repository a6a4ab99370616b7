/** Packages that only some uses need: found when these come up, so that others start without them. */
import { dsnkError } from '../errors.js';
import { requirePackage } from './native.js';

export const tokenizersPackage = () => named('@huggingface/tokenizers', 'tokenizer.json') as typeof import('@huggingface/tokenizers');
export const jinjaPackage = () => named('@huggingface/jinja', 'chat_template') as typeof import('@huggingface/jinja');

function named(name: string, where: string): unknown {
  try {
    return requirePackage(name);
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `the package ${name} must be installed beside ds-native-kernels`, (cause as Error).message, cause);
  }
}
