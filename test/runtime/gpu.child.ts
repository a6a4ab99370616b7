/**
 * One process with a GPU of the environment's choosing: runs a small network on the providers of argument 1 (comma separated), on the
 * GPU or else the processor, and on the processor; prints what came of it as JSON. A driver opens once in a process, so each scenario has its own.
 */
import { DsnkError } from '../../lib/errors.js';
import { GraphBuilder, InferenceSession, Tensor } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const [providers = 'cuda', runs = '1'] = process.argv.slice(2);

function network() {
  const b = new GraphBuilder('net');
  const x = b.input('x', { dataType: 'float32', shape: [1, 3, 16, 16] });
  const w = { type: 'float32' as const, dims: [8, 3, 3, 3], data: randomFloats(8 * 27, 1) };
  const v = { type: 'float32' as const, dims: [8 * 256, 10], data: randomFloats(8 * 2560, 2) };
  const conv = b.relu(b.conv2d(x, w, { padding: [1, 1, 1, 1] }));
  return b.build({ y: b.softmax(b.matmul(b.reshape(conv, [1, 8 * 256]), v), 1) });
}

const input = new Tensor('float32', randomFloats(3 * 256, 3), [1, 3, 16, 16]);
const worded = (error: unknown) => {
  if (!(error instanceof DsnkError)) throw error;
  return { code: error.code, message: error.message };
};

async function attempt(executionProviders: string[], times: number) {
  try {
    const session = await InferenceSession.fromGraph(network(), { executionProviders });
    const { name, device, refused } = session.provider;
    const provider = { name, device, refused: refused?.message };
    try {
      const results: number[][] = [];
      for (let i = 0; i < times; i++) {
        const { y } = await session.run({ x: input });
        results.push(Array.from(y?.data as Float32Array));
      }
      const kernels = session.report().programs.flatMap((p) => p.kernels.map((k) => k.kernel));
      await session.release();
      return { provider, results, kernels };
    } catch (error) {
      const again = await session.run({ x: input }).then(() => undefined, worded);
      return { provider, error: worded(error), again };
    }
  } catch (error) {
    return { error: worded(error) };
  }
}

const asked = await attempt(providers.split(','), Number(runs));
const later = await attempt(['cuda', 'cpu'], 2);
const onProcessor = await attempt(['cpu'], 1);
console.log(JSON.stringify({ asked, later, onProcessor }));
