import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    env: { DSNK_VERIFY: '1' },
    testTimeout: 240_000,
    // Process isolation: a crash of the addon fails one file, not the run.
    pool: 'forks',
  },
});
