import { kernelEnum, kernelParams } from './params.js';

export const scanKind = kernelEnum('ScanKind', ['sum', 'product']);

/** Running sum or product along n of [outer, n, inner]. Operands: y, x. */
export const scanParams = kernelParams('ScanParams', { kind: 'i32', exclusive: 'i32', reverse: 'i32', spare: 'i32', outer: 'i64', n: 'i64', inner: 'i64' });
