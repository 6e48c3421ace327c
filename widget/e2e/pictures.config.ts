import { defineConfig } from 'vitest/config';

// `npm run pictures`: draws the states of the chat window for the documents.
export default defineConfig({
  test: { include: ['e2e/pictures.ts'], testTimeout: 120_000, hookTimeout: 60_000 },
});
