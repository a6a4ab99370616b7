/** Typical kernel calls, each timed in alternation with a register-only multiply-add loop: the machine's peak at that moment. */
import { encodeParams } from '../kernels/params.js';
import { probeFmaFlops, probeFmaParams } from '../kernels/probe.js';
import { loadKernel } from './call.js';
import { type PreparedKernel, prepareKernel } from './kernels.js';
import { nativeCatalogue } from './model.js';

export interface KernelMeasurement {
  readonly name: string;
  readonly kernel: string;
  readonly bestUs: number;
  readonly medianUs: number;
  /** From the best time. */
  readonly gflops: number;
  /** The probe's best, in the same seconds. */
  readonly peakGflops: number;
}

interface Call {
  readonly name: string;
  readonly flops: number;
  prepare(): PreparedKernel;
}

const values = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7));

function gemmCall(m: number, k: number, n: number): Call {
  return {
    name: `gemm ${m}x${k}x${n}`,
    flops: 2 * m * n * k,
    prepare: () => prepareKernel((b, x) => b.matmul(x, { type: 'float32', dims: [k, n], data: values(k * n) }) as never, [m, k], values(m * k)),
  };
}

function convCall(size: number, inC: number, outC: number, kernel: number, stride = 1, groups = 1): Call {
  const pad = (kernel - 1) / 2;
  const outSize = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const dims = [outC, inC / groups, kernel, kernel];
  return {
    name: `conv ${kernel}x${kernel}${stride > 1 ? ` s${stride}` : ''}${groups > 1 ? ' depthwise' : ''} ${inC}→${outC} @${size}`,
    flops: 2 * outC * (inC / groups) * kernel * kernel * outSize * outSize,
    prepare: () =>
      prepareKernel(
        (b, x) =>
          b.conv2d(
            x,
            { type: 'float32', dims, data: values(dims.reduce((p, q) => p * q, 1)) },
            { strides: [stride, stride], padding: [pad, pad, pad, pad], groups },
          ) as never,
        [1, inC, size, size],
        values(inC * size * size),
      ),
  };
}

const calls: readonly Call[] = [
  gemmCall(512, 512, 512),
  gemmCall(1024, 1024, 1024),
  gemmCall(197, 192, 576),
  gemmCall(784, 144, 24),
  gemmCall(49, 960, 160),
  gemmCall(1, 1280, 1000),
  convCall(56, 64, 256, 1),
  convCall(56, 64, 64, 3),
  convCall(14, 256, 256, 3),
  convCall(224, 3, 32, 3, 2),
  convCall(112, 96, 96, 3, 2, 96),
  convCall(56, 144, 144, 3, 1, 144),
];

/** Multiply-add FLOP per nanosecond of one ISA (default: the best usable one) at this moment; about 0.05 ms a call. */
export function fmaProbe(isa?: string): () => number {
  const row = nativeCatalogue().kernels.find((k) => k.op === 'probe_fma' && k.usable && (isa === undefined || k.isa === isa));
  if (row === undefined) return () => Number.NaN;
  const lanes = { scalar: 1, avx2: 8, avx512: 16, avx512bf16: 32, neon: 4 }[row.isa] ?? 1;
  const iterations = 8000;
  const out = new Float32Array(16);
  const call = loadKernel(row, encodeParams(probeFmaParams, { iterations, tiles: 1 }), [{ bytes: out.byteLength }], []);
  return () => probeFmaFlops(iterations, 1, lanes) / call.time([out], []);
}

export function measureKernels(options: { filter?: string; seconds: number }): KernelMeasurement[] {
  const probe = fmaProbe();
  const rows: KernelMeasurement[] = [];
  for (const c of calls) {
    if (options.filter !== undefined && !c.name.includes(options.filter)) continue;
    const prepared = c.prepare();
    const times: number[] = [];
    let peak = 0;
    const end = performance.now() + options.seconds * 1000;
    while (times.length < 5 || performance.now() < end) {
      times.push(prepared.run());
      peak = Math.max(peak, probe());
    }
    times.sort((a, b) => a - b);
    const best = times[0] as number;
    rows.push({
      name: c.name,
      kernel: prepared.kernels.join(' + '),
      bestUs: best / 1e3,
      medianUs: (times[times.length >> 1] as number) / 1e3,
      gflops: c.flops / best,
      peakGflops: peak,
    });
    prepared.dispose();
  }
  return rows;
}
