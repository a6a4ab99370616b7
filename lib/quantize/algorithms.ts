/** How weights of few bits are rounded. */
export const fewBitsAlgorithms = ['rtn', 'mse', 'hqq', 'expected', 'gptq'] as const;
export type FewBitsAlgorithm = (typeof fewBitsAlgorithms)[number];
