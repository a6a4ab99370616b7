/** What a loader makes of a file or folder. */
import type { ChatFormat } from './chat.js';
import type { DecoderShape } from './decoder.js';
import type { Weights } from './tensors.js';
import type { Tokenizer } from './tokenizer.js';

export interface TextModel {
  readonly shape: DecoderShape;
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  /** How conversations are written, where the file says it. */
  readonly chat?: ChatFormat | undefined;
  /** Gives the files' memory back, once weights are packed. */
  readonly free: () => void;
}
