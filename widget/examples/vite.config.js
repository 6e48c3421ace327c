import { defineConfig } from 'vite';

// Each folder is a front end of its own; they share what is installed here.
export default defineConfig({
  build: {
    rolldownOptions: {
      input: {
        react: 'react/index.html',
        'ag-ui': 'ag-ui/index.html',
        'ai-sdk': 'ai-sdk/index.html',
      },
    },
    chunkSizeWarningLimit: 2000,
  },
});
