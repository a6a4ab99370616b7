/** What is already packed: every program of a session shares one store of weights. */
import type { Location } from './program.js';

export class WeightIndex {
  readonly #places = new Map<string, Location>();
  /** Number of blocks in the native store. */
  blocks = 0;

  find(key: string): Location | undefined {
    return this.#places.get(key);
  }

  /** Called once the block of a program has been filled. */
  commit(added: ReadonlyMap<string, Location>): void {
    this.blocks++;
    for (const [key, place] of added) this.#places.set(key, place);
  }
}
