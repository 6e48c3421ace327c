import { defineConfig } from 'vitest/config';

// `npm run bench`: measures, and checks only that the text is right.
export default defineConfig({
  test: {
    include: ['e2e/bench/streaming.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    disableConsoleIntercept: true,
  },
});
