import { defineConfig } from 'vitest/config';

/** `npm run test:package`: slow, and in need of `npm run prebuild` before it, so not among `npm test`. */
export default defineConfig({
  test: {
    include: ['test/package/*.test.ts'],
    globalSetup: ['test/package/setup.ts'],
    testTimeout: 900_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
