import { kernelParams } from './params.js';

/** y = x, `bytes` bytes. Operands: y, x. */
export const copyParams = kernelParams('CopyParams', { bytes: 'i64' });
