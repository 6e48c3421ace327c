import { defineConfig } from 'vitest/config';

// The browser stories have their own configuration in `e2e/`.
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
  },
});
