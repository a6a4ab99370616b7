/** Conversion between any two element types. */
import { kernelEnum, kernelParams } from './params.js';

/** The kernels' names of the element types (lib/dtype.ts, `short`). */
export const castType = kernelEnum('CastType', [
  'f32',
  'f64',
  'f16',
  'bf16',
  'f8e4m3fn',
  'f8e4m3fnuz',
  'f8e5m2',
  'f8e5m2fnuz',
  'f8e8m0',
  'f4e2m1',
  'i8',
  'i16',
  'i32',
  'i64',
  'u8',
  'u16',
  'u32',
  'u64',
  'i4',
  'u4',
  'i2',
  'u2',
  'boolean',
]);

/** How a value between two powers of two becomes an f8e8m0. */
export const castRound = kernelEnum('CastRound', ['up', 'down', 'nearest']);

export const castParams = kernelParams('CastParams', { count: 'i64', from: 'i32', to: 'i32', saturate: 'i32', round: 'i32' });
