/** `winograd: false`: no Winograd kernel in any program, and the sums of the direct kernel. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { compile, InferenceSession, ops, Tensor } from '../../lib/index.js';
import { convPackParams, convParams } from '../../lib/kernels/conv.js';
import { exportModel } from '../../lib/onnx/export.js';
import { callKernel, randomFloats, rowNamed, rowsOf } from '../kernels/harness.js';

const [C, M, SIZE] = [24, 40, 20];
const w = randomFloats(M * C * 9, 1);
const pixels = randomFloats(C * SIZE * SIZE, 2);
const feeds = { x: new Tensor('float32', pixels, [1, C, SIZE, SIZE]) };
const options = { padding: [1, 1, 1, 1] } as const;

function graph() {
  const b = new GraphBuilder('conv');
  const x = b.input('x', { dataType: 'float32', shape: [1, C, SIZE, SIZE] });
  return b.build({ y: b.conv2d(x, { type: 'float32', dims: [M, C, 3, 3], data: w }, options) as Operand });
}

async function profile(session: InferenceSession) {
  const { outputs, nodes } = await session.profile(feeds);
  await session.release();
  return { y: outputs['y']?.data as Float32Array, kernels: nodes.map((n) => n.kernel) };
}

/** The direct kernel's result, channels first. */
function direct(): Float32Array {
  const row = rowsOf('conv', 'f32')[0] as KernelRow;
  const packed = new Float32Array(9 * C * Math.ceil(M / row.kr) * row.kr);
  const pack = { group: 1, outPerGroup: M, inPerGroup: C, taps: 9, transposed: 0, lanes: row.kr, vectors: row.nr / row.kr };
  callKernel(rowNamed('conv_pack_scalar'), convPackParams, pack, [packed], [w]);
  const last = new Float32Array(pixels.length);
  pixels.forEach((v, i) => {
    last[(i % (SIZE * SIZE)) * C + Math.floor(i / (SIZE * SIZE))] = v;
  });
  const y = new Float32Array(SIZE * SIZE * M);
  const [one, size] = [
    [1, 1, 1],
    [1, SIZE, SIZE],
  ];
  const shape = { batch: 1, channels: C, outChannels: M, group: 1, inSize: size, outSize: size, kernel: [1, 3, 3], pads: [0, 1, 1] };
  callKernel(row, convParams, { ...shape, strides: one, dilations: one, ldc: M, activation: 0, alpha: 0, beta: 0 }, [y], [last, packed, undefined, undefined]);
  return Float32Array.from(y, (_, i) => y[(i % (SIZE * SIZE)) * M + Math.floor(i / (SIZE * SIZE))] as number);
}

describe('winograd', () => {
  it('is chosen by default and refused by false, for graphs and files', async () => {
    const byDefault = await profile(await InferenceSession.fromGraph(graph()));
    expect(byDefault.kernels.join()).toMatch(/winograd/);
    const want = direct();
    expect(byDefault.y).not.toEqual(want);
    for (const session of [
      await InferenceSession.fromGraph(graph(), { winograd: false }),
      await InferenceSession.create(exportModel(graph()), { winograd: false }),
    ]) {
      const { y, kernels } = await profile(session);
      expect(kernels.filter((k) => k.includes('winograd'))).toEqual([]);
      expect(y).toEqual(want);
    }
  });

  it('is refused in functions that are compiled', async () => {
    const f = (x: Operand) => ops.conv2d(x, { type: 'float32', dims: [M, C, 3, 3], data: w }, options);
    const plain = compile(f, { winograd: false });
    const free = compile(f);
    expect((await plain(feeds.x)).data).toEqual(direct());
    expect(plain.sync(feeds.x).data).toEqual(direct());
    expect((await free(feeds.x)).data).not.toEqual(direct());
    plain.dispose();
    free.dispose();
  });

  it('must be true or false', async () => {
    const refused = { code: 'ERR_DSNK_INVALID_ARGUMENT', message: 'session options: winograd must be true or false, "no" came' };
    await expect(InferenceSession.fromGraph(graph(), { winograd: 'no' as never })).rejects.toMatchObject(refused);
  });
});
