import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/package/**'], // npm run test:package
    env: { DSNK_VERIFY: '1' },
    testTimeout: 240_000,
    // Process isolation: a crash of the addon fails one file, not the run.
    pool: 'forks',
  },
});
