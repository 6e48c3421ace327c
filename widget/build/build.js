// Builds the package into `dist`: modules, types and the single-file script.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { PACKAGE, ROOT, SCRIPT } from './entries.js';

rmSync(`${ROOT}/dist`, { recursive: true, force: true });
await Promise.all([build(PACKAGE), build(SCRIPT)]);
execFileSync(
  process.execPath,
  [`${ROOT}/node_modules/typescript/bin/tsc`, '-p', 'build/tsconfig.json'],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
