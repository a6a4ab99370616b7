/** All builder functions, as builder.ts gives them to callers. */
export * from './elementwise.js';
export * from './neural.js';
export * from './quantize.js';
export * from './recurrent.js';
export * from './structure.js';
