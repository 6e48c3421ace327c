// The bundles: the entries of the package, and the single-file script.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';

/** The folder of the package. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The entries of the package by the name of their file in `dist`. */
export const ENTRIES = {
  index: 'src/react/index.ts',
  core: 'src/core/index.ts',
  element: 'src/element/index.ts',
  'ag-ui': 'src/ag-ui/index.ts',
  'ai-sdk': 'src/ai-sdk/index.ts',
};

/** Imports `*.css?inline` as minified text, as Vite does in tests and in the demo. */
const INLINE_CSS = {
  name: 'inline-css',
  setup(build) {
    build.onResolve({ filter: /\.css\?inline$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.replace('?inline', '')),
      namespace: 'inline-css',
    }));
    build.onLoad({ filter: /./, namespace: 'inline-css' }, async ({ path }) => {
      const { code } = await transform(await readFile(path), { loader: 'css', minify: true });
      return { contents: code, loader: 'text', watchFiles: [path] };
    });
  },
};

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [INLINE_CSS],
};

/** The package: modules that share common chunks; libraries of the host are not bundled. */
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

/** The custom element as a single script without dependencies. */
export const SCRIPT = {
  ...COMMON,
  entryPoints: { chatbot: 'src/element/index.ts' },
  outdir: 'dist',
  minify: true,
  banner: { js: '/* @learning-yogi/ai-chatbot, MIT OR Apache-2.0; contains marked, MIT */' },
};
