// Types for `require`. TypeScript's `module: node16` does not know that Node has learnt to require an ES module since; the
// others do, and find the same declarations here.
// @ts-ignore TS1479
export * from './dist/index.js';
