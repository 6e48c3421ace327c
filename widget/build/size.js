// Checks the sizes of the bundles, minified and gzipped.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ENTRIES, SCRIPT } from './entries.js';

// In bytes; a kilobyte is 1,000 of them. The core had 9,000 before replies had sources: their parsing
// is part of the client rule, and reading a passage needs the client's credentials.
const LIMITS = [
  ['the custom element, everything included', ENTRIES.element, 45_000],
  ['the core client', ENTRIES.core, 9_400],
];

const format = (bytes) => bytes.toLocaleString('en');

let isTooLarge = false;
for (const [what, file, limit] of LIMITS) {
  const { outputFiles } = await build({ ...SCRIPT, banner: {}, entryPoints: [file], write: false });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  isTooLarge ||= size > limit;
  console.log(
    `${what}: ${format(size)} of ${format(limit)} bytes${size > limit ? ', TOO LARGE' : ''}`,
  );
}
if (isTooLarge) process.exit(1);
