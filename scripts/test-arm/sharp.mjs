// What the test files import as `sharp`: takes down what is asked and lets the machine's own Node decode the picture, for
// which DSNK_HOST_NODE names the program.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const steps = ['resize', 'removeAlpha', 'ensureAlpha', 'raw', 'png', 'jpeg', 'grayscale', 'toColourspace', 'extract', 'flatten'];

class Picture {
  #input;
  #calls = [];

  constructor(input) {
    this.#input = input;
  }

  static {
    for (const step of steps) {
      Picture.prototype[step] = function (...args) {
        this.#calls.push([step, args]);
        return this;
      };
    }
  }

  async toBuffer(options) {
    const asked = JSON.stringify({ input: typeof this.#input === 'string' ? this.#input : [...this.#input], calls: this.#calls });
    const answer = execFileSync(process.env.DSNK_HOST_NODE, [fileURLToPath(import.meta.url)], { input: asked, maxBuffer: 1 << 28 });
    const length = answer.readUInt32LE(0);
    const info = JSON.parse(answer.toString('utf8', 4, 4 + length));
    const data = answer.subarray(4 + length);
    return options?.resolveWithObject ? { data, info } : data;
  }
}

export default (input) => new Picture(input);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { default: sharp } = await import('sharp');
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { input, calls } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const picture = calls.reduce((p, [step, args]) => p[step](...args), sharp(typeof input === 'string' ? input : Buffer.from(input)));
  const { data, info } = await picture.toBuffer({ resolveWithObject: true });
  const head = Buffer.from(JSON.stringify(info));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  process.stdout.write(Buffer.concat([length, head, data]));
}
