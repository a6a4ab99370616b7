/**
 * Training pictures, drawn once, the easy ones first, and shown many times: turned, mirrored, and with other colours, which
 * makes 8 · 6 · 8 pictures of one. No class changes by that.
 */
import { draw, generator, preprocess, scene } from './pictures.mjs';

export class Album {
  #side;
  #pictures;
  labels;

  /** Difficulty grows evenly over the first `easy` pictures; the others are of difficulty 1. */
  constructor(seed, count, side, easy) {
    this.#side = side;
    this.labels = new Uint8Array(count);
    this.#pictures = Array.from({ length: count }, (_, i) => {
      const picture = scene(generator(Math.imul(seed, 1_000_003) + i), { difficulty: i < easy ? i / easy : 1 });
      this.labels[i] = picture.label;
      return draw(picture, side);
    });
  }

  /** `count` pictures [count, side, side, 3], normalized, of the first `share` of the album. */
  batch(random, count, share) {
    const side = this.#side;
    const images = new Float32Array(count * side * side * 3);
    const labels = new Uint8Array(count);
    const below = (n) => Math.floor(random() * n);
    for (let n = 0; n < count; n++) {
      const index = below(share * this.labels.length);
      labels[n] = this.labels[index];
      const bytes = this.#pictures[index];
      // Pixel (row, column) comes from origin + row · down + column · right.
      let [origin, down, right] = [0, 3 * side, 3];
      if (random() < 0.5) [down, right] = [right, down];
      if (random() < 0.5) [origin, down] = [origin + (side - 1) * down, -down];
      if (random() < 0.5) [origin, right] = [origin + (side - 1) * right, -right];
      const from = [0, 1, 2];
      for (let c = 2; c > 0; c--) {
        const other = below(c + 1);
        [from[c], from[other]] = [from[other], from[c]];
      }
      for (let c = 0; c < 3; c++) {
        const negative = random() < 0.5;
        const gain = (negative ? -preprocess.scale : preprocess.scale) / preprocess.std[c];
        const base = ((negative ? 1 : 0) - preprocess.mean[c]) / preprocess.std[c];
        for (let row = 0, at = n * side * side * 3 + c; row < side; row++) {
          let source = origin + row * down + from[c];
          for (let column = 0; column < side; column++, at += 3, source += right) images[at] = bytes[source] * gain + base;
        }
      }
    }
    return { images, labels };
  }
}
