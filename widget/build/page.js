// Checks that the script which `cargo run` serves is the one built from the sources; `--write`
// updates it.
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { ROOT, SCRIPT } from './entries.js';

const SERVED = `${ROOT}/../local/page/chatbot.js`;

const { outputFiles } = await build({ ...SCRIPT, write: false });
const built = Buffer.from(outputFiles[0].contents);
if (process.argv.includes('--write')) {
  writeFileSync(SERVED, built);
} else if (!built.equals(readFileSync(SERVED))) {
  console.error(
    'local/page/chatbot.js is out of date: run `npm run page` in widget/ and commit it',
  );
  process.exit(1);
} else {
  console.log('local/page/chatbot.js is up to date');
}
