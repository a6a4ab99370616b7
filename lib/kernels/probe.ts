/** In-situ ceilings of the machine: what a bench divides by. */
import { kernelParams } from './params.js';

/** A register-only loop of fused multiply-adds. Operands: y (64 bytes). FLOPs a tile: see probeFmaFlops. */
export const probeFmaParams = kernelParams('ProbeFmaParams', { iterations: 'i64', tiles: 'i64' });

/** Vector FMA of one iteration of probe_fma. */
export const PROBE_FMA_PER_ITERATION = 12;

/** Floating-point operations of one call for a row of so many lanes. */
export function probeFmaFlops(iterations: number, tiles: number, lanes: number): number {
  return 2 * PROBE_FMA_PER_ITERATION * lanes * iterations * tiles;
}

/** Streams x and sums it, `rounds` times: bytes·rounds read. Operands: y (64 bytes a tile), x. */
export const probeReadParams = kernelParams('ProbeReadParams', { bytes: 'i64', rounds: 'i64', tiles: 'i64' });
