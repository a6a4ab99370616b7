/** What a loader makes of a file or folder. */
import type { DecoderShape } from './decoder.js';
import type { Weights } from './tensors.js';
import type { Tokenizer } from './tokenizer.js';

export interface TextModel {
  readonly shape: DecoderShape;
  readonly weights: Weights;
  readonly tokenizer: Tokenizer;
  /** Gives the files' memory back, once weights are packed. */
  readonly free: () => void;
}
