/**
 * The data of the bundled model: pictures of one shape each, drawn from a seed. Position, size, rotation, stretch and colours vary,
 * the background has a gradient and a texture, strokes and a disc may cover parts, and noise lies over all.
 * All lengths are in units of the picture's side, so that one scene can be drawn in any size.
 */

export const classes = ['arrow', 'circle', 'crescent', 'cross', 'heart', 'hexagon', 'ring', 'square', 'star', 'triangle'];

/** Uniform numbers in [0, 1): a 32-bit counter put through a mixer of two multiplications. */
export function generator(seed) {
  let counter = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    counter = (counter + 0x6d2b79f5) >>> 0;
    let z = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Corners on circles of the given radii in turn, the first one up. */
function corners(count, ...radii) {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count;
    const r = radii[i % radii.length];
    return [r * Math.sin(angle), r * Math.cos(angle)];
  });
}

/** Even-odd rule: crossings of the ray to the right. */
function polygon(points) {
  const edges = points.map(([bx, by], i) => {
    const [ax, ay] = points.at(i - 1);
    return { ax, ay, by, slope: (bx - ax) / (by - ay) };
  });
  return (x, y) => {
    let inside = false;
    for (const { ax, ay, by, slope } of edges) if (ay > y !== by > y && x < slope * (y - ay) + ax) inside = !inside;
    return inside;
  };
}

/** Whether a point lies in the shape, which fills about the unit circle. */
const contains = {
  arrow: polygon([
    [1, 0],
    [0.1, 0.75],
    [0.1, 0.28],
    [-0.95, 0.28],
    [-0.95, -0.28],
    [0.1, -0.28],
    [0.1, -0.75],
  ]),
  circle: (x, y) => x * x + y * y < 0.9,
  crescent: (x, y) => x * x + y * y < 1 && (x - 0.45) ** 2 + y * y > 0.6,
  cross: (x, y) => (Math.abs(x) < 0.3 && Math.abs(y) < 0.95) || (Math.abs(y) < 0.3 && Math.abs(x) < 0.95),
  heart: (x, y) => {
    const [u, v] = [1.25 * x, 1.25 * y + 0.1];
    const r = u * u + v * v - 1;
    return r * r * r < u * u * v * v * v;
  },
  hexagon: polygon(corners(6, 1)),
  ring: (x, y) => {
    const r = x * x + y * y;
    return r < 1 && r > 0.33;
  },
  square: (x, y) => Math.abs(x) < 0.78 && Math.abs(y) < 0.78,
  star: polygon(corners(10, 1, 0.42)),
  triangle: polygon(corners(3, 1)),
};

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/**
 * Every choice of one picture. `difficulty` from 0 to 1 scales contrast, texture, noise and how often something covers the shape:
 * training starts with easy pictures; tests are of difficulty 1.
 */
export function scene(random, { label = Math.floor(random() * classes.length), difficulty = 1 } = {}) {
  const between = (low, high) => low + (high - low) * random();
  const colour = () => [random(), random(), random()];
  const ground = colour();
  // Two colours that a viewer can tell apart at this noise.
  let paint = colour();
  while (distance(ground, paint) < 0.7 - 0.25 * difficulty) paint = colour();
  const tinted = (c, by) => c.map((v) => v + between(-by, by));
  const radius = between(0.21, 0.4);
  const x = between(radius * 0.9, 1 - radius * 0.9);
  const y = between(radius * 0.9, 1 - radius * 0.9);
  const strokes = Array.from({ length: Math.floor(random() * 4 * difficulty) }, () => ({
    from: [random(), random()],
    to: [random(), random()],
    radius: between(0.006, 0.018),
    colour: colour(),
  }));
  if (random() < 0.4 * difficulty) {
    const at = between(0, 2 * Math.PI);
    const centre = [x + radius * Math.cos(at), y + radius * Math.sin(at)];
    strokes.push({ from: centre, to: centre, radius: radius * between(0.1, 0.3), colour: colour() });
  }
  return {
    label,
    ground: { from: ground, to: tinted(ground, 0.15), angle: between(0, 2 * Math.PI) },
    texture: {
      kind: Math.floor(random() * 4),
      strength: difficulty * between(0.02, 0.1),
      frequency: between(4, 16) * Math.PI,
      angle: between(0, Math.PI),
      phase: between(0, 6),
    },
    paint: { from: paint, to: tinted(paint, 0.12), angle: between(0, 2 * Math.PI) },
    shape: { x, y, radius, angle: between(0, 2 * Math.PI), stretch: between(0.9, 1.11) },
    strokes,
    noise: difficulty * between(0, 0.07),
    noiseSeed: Math.floor(random() * 2 ** 32),
  };
}

/** A function of x and y between -1 and 1: nothing, stripes, checks, or soft blobs. */
function pattern({ kind, frequency, angle, phase }) {
  const [c, s] = [frequency * Math.cos(angle), frequency * Math.sin(angle)];
  if (kind === 0) return () => 0;
  if (kind === 1) return (x, y) => Math.sin(c * x + s * y + phase);
  if (kind === 2) return (x, y) => (Math.sin(c * x + s * y + phase) * Math.sin(c * y - s * x) > 0 ? 1 : -1);
  return (x, y) => {
    const [u, v] = [c * x + s * y + phase, c * y - s * x];
    return (Math.sin(u) + Math.sin(0.7 * v + 1.3 * phase) + Math.sin(0.45 * (u + v))) / 3;
  };
}

/** How far a point is along a gradient: 0 and 1 at the ends. */
function ramp({ angle }) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return (x, y) => 0.5 + (x - 0.5) * c + (y - 0.5) * s;
}

/** The share of a pixel that the shape covers, from 2×2 points in it. */
function coverage(inside, { x, y, radius, angle, stretch }, side) {
  const reach = radius * 1.15 + side;
  const [c, s] = [Math.cos(angle) / radius, Math.sin(angle) / radius];
  return (px, py) => {
    if (Math.abs(px - x) > reach || Math.abs(py - y) > reach) return 0;
    let hits = 0;
    for (let k = 0; k < 4; k++) {
      const dx = px + ((k & 1) - 0.5) * 0.5 * side - x;
      const dy = py + ((k >> 1) - 0.5) * 0.5 * side - y;
      if (inside((c * dx + s * dy) / stretch, (c * dy - s * dx) * stretch)) hits++;
    }
    return hits / 4;
  };
}

/** The share of a pixel that a thick line covers, from the distance to it. */
function strokeCoverage({ from, to, radius }, side) {
  const [x, y] = from;
  const [dx, dy] = [to[0] - x, to[1] - y];
  const length = dx * dx + dy * dy;
  return (px, py) => {
    const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - x) * dx + (py - y) * dy) / length));
    const away = Math.sqrt((px - x - t * dx) ** 2 + (py - y - t * dy) ** 2);
    return Math.min(1, Math.max(0, (radius - away) / side + 0.5));
  };
}

/** [size, size, 3] bytes. */
export function draw(picture, size) {
  const { ground, texture, paint, shape, strokes, noise } = picture;
  const side = 1 / size;
  const random = generator(picture.noiseSeed);
  const [groundRamp, paintRamp, textureAt] = [ramp(ground), ramp(paint), pattern(texture)];
  const shapeAt = coverage(contains[classes[picture.label]], shape, side);
  const over = strokes.map((s) => ({ colour: s.colour, at: strokeCoverage(s, side) }));
  const out = new Uint8ClampedArray(size * size * 3);
  for (let at = 0, row = 0; row < size; row++) {
    const y = (row + 0.5) * side;
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) * side;
      const g = groundRamp(x, y);
      const shade = texture.strength * textureAt(x, y);
      const covered = shapeAt(x, y);
      const p = covered > 0 ? paintRamp(x, y) : 0;
      for (let c = 0; c < 3; c++) {
        let v = ground.from[c] + g * (ground.to[c] - ground.from[c]) + shade;
        v += covered * (paint.from[c] + p * (paint.to[c] - paint.from[c]) - v);
        for (let i = 0; i < over.length; i++) v += over[i].at(x, y) * (over[i].colour[c] - v);
        // The sum of two uniform numbers: a triangle of variance 1/6, so that its deviation is `noise`.
        if (noise > 0) v += 2.45 * noise * (random() + random() - 1);
        out[at++] = 255 * v;
      }
    }
  }
  return out;
}

/** How bytes become the model's input. */
export const preprocess = { resizeRatio: 1, scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/**
 * `count` pictures: [count, 3, side, side] normalized as above, and their labels.
 * Picture i depends on the seed and i alone.
 */
export function batch(seed, count, side = 64) {
  const labels = new Uint8Array(count);
  const images = new Float32Array(count * side * side * 3);
  const pixels = side * side;
  for (let n = 0; n < count; n++) {
    const picture = scene(generator(Math.imul(seed, 1_000_003) + n));
    labels[n] = picture.label;
    const bytes = draw(picture, side);
    for (let i = 0; i < bytes.length; i++) {
      const c = i % 3;
      images[n * bytes.length + c * pixels + (i - c) / 3] = (bytes[i] * preprocess.scale - preprocess.mean[c]) / preprocess.std[c];
    }
  }
  return { images, labels };
}
