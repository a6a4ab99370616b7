import { kernelEnum, kernelParams } from './params.js';

export const softmaxKind = kernelEnum('SoftmaxKind', ['softmax', 'logSoftmax', 'hardmax']);

/** Along the middle of [outer, n, inner]. Operands: y, x. */
export const softmaxParams = kernelParams('SoftmaxParams', { kind: 'i32', spare: 'i32', outer: 'i64', n: 'i64', inner: 'i64' });
