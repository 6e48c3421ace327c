import { defineConfig } from 'vitest/config';

// Stories in a browser and against a server have a configuration of their own.
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
  },
});
