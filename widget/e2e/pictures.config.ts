import { defineConfig } from 'vitest/config';

// `npm run pictures`: takes screenshots of the chat window for the documentation.
export default defineConfig({
  test: { include: ['e2e/pictures.ts'], testTimeout: 120_000, hookTimeout: 60_000 },
});
