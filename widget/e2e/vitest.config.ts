import { defineConfig } from 'vitest/config';

// One file at a time, because all stories share the processors with their browser and server.
export default defineConfig({
  test: {
    include: ['e2e/**/*.story.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
