import { defineConfig } from 'vitest/config';

// One browser and one server at a time: the machine that measures also serves.
export default defineConfig({
  test: {
    include: ['e2e/**/*.story.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
