// What is built: the entries of the package, and the one-file script.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the package. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The package's entries by the name of their file in `dist`. */
export const ENTRIES = {
  index: 'src/react/index.ts',
  core: 'src/core/index.ts',
  element: 'src/element/index.ts',
  'ag-ui': 'src/ag-ui/index.ts',
  'ai-sdk': 'src/ai-sdk/index.ts',
};

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/** The package: modules that share their common parts, with the host's own libraries left out. */
export const PACKAGE = {
  ...COMMON,
  entryPoints: Object.fromEntries(
    Object.entries(ENTRIES).filter(([, file]) => existsSync(ROOT + file)),
  ),
  outdir: 'dist',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  packages: 'external',
};

/** The custom element as one script, with everything in it. */
export const SCRIPT = {
  ...COMMON,
  entryPoints: { chatbot: 'src/element/index.ts' },
  outdir: 'dist',
  minify: true,
  banner: { js: '/* @learning-yogi/ai-chatbot, MIT OR Apache-2.0; contains marked, MIT */' },
};
