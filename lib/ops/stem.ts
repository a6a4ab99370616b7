/**
 * Convolutions of images with few channels (RGB): kernel `stem`, which reads either layout without gathering. Planes
 * come from `dsnk.StemConv` (passes/read-planes.ts), channels-last images from `dsnk.Conv`.
 */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import { elementCount } from '../graph/dim.js';
import { convPackParams } from '../kernels/conv.js';
import { STEM_LIMITS, stemParams } from '../kernels/stem.js';
import type { WindowShape } from './spatial.js';

/** Whether the kernel takes a convolution; its operands must be float32 and it has no residual. */
export function suitsStem(channels: number, channelsLast: boolean, window: WindowShape, group: number): boolean {
  if (group !== 1 || channels < 1 || channels > STEM_LIMITS.channels || window.kernel.length !== 2) return false;
  if (window.dilations.some((d) => d !== 1)) return false;
  const [each, planes] = channelsLast ? [channels, 1] : [1, channels];
  const step = (window.strides[1] as number) * each;
  const [rows, run] = [(window.kernel[0] as number) * planes, (window.kernel[1] as number) * each];
  return (STEM_LIMITS.steps as readonly number[]).includes(step) && rows <= STEM_LIMITS.rows && run <= STEM_LIMITS.run;
}

/** The rows of the kernel as ways to compute the node. */
export function stemWays(
  low: Lowering,
  channelsLast: boolean,
  window: WindowShape,
  pads: readonly number[],
  ldc: number,
  epilogue: { activation: number; alpha: number; beta: number },
): readonly Way<unknown>[] {
  const [x, y] = [low.dims(0), low.outDims()];
  const channels = (channelsLast ? x[3] : x[1]) as number;
  const outChannels = y[3] as number;
  const taps = elementCount(window.kernel);
  // the packed k follows the order in which memory is walked: planes, rows, columns, or rows, columns, channels
  const order = channelsLast ? { inPerGroup: channels, taps } : { inPerGroup: 1, taps: channels * taps };
  const way = (kernel: KernelRow): Way<unknown> => ({
    name: kernel.name,
    reason: `few channels, ${channelsLast ? 'last' : 'read as planes'}`,
    emit: (reason) => {
      const [packed] = low.emit(
        low.select('conv_pack', low.dtype(1)),
        convPackParams,
        { group: 1, outPerGroup: outChannels, ...order, transposed: 0, lanes: kernel.kr, vectors: kernel.nr / kernel.kr },
        [low.temp(taps * channels * Math.ceil(outChannels / kernel.kr) * kernel.kr * 4, 'weights')],
        [low.in(1)],
        { reason: `panels of ${kernel.nr} columns for ${kernel.name}` },
      );
      low.emit(
        kernel,
        stemParams,
        {
          batch: x[0] as number,
          channels,
          outChannels,
          channelsLast: channelsLast ? 1 : 0,
          inSize: channelsLast ? x.slice(1, 3) : x.slice(2),
          outSize: y.slice(1, 3),
          kernel: window.kernel,
          strides: window.strides,
          pads: pads.slice(0, 2),
          ldc,
          ...epilogue,
        },
        [low.out()],
        [low.in(0), packed, low.input(2)],
        { reason },
      );
    },
  });
  return low.rows('stem', low.dtype(0)).map(way);
}
