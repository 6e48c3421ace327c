// Prints the paint times of the operator page as JSON; run by `cargo xtask bench --only admin`.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const VISITS = 5;
const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const NO_BROWSER = 3;

if (!existsSync(CHROMIUM)) {
  console.error(`no paint is measured: there is no browser at ${CHROMIUM}`);
  process.exit(NO_BROWSER);
}
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--disable-gpu', '--no-first-run', '--disable-background-networking', ...sandbox],
});
const visits = [];
// The first warms the browser, not the page.
for (let n = 0; n <= VISITS; n += 1) visits.push(await visit());
await browser.close();
const median = (name) =>
  visits
    .slice(1)
    .map((one) => one[name])
    .sort((a, b) => a - b)[Math.floor(VISITS / 2)];
console.log(
  JSON.stringify({ first: median('first'), figures: median('figures'), month: median('month') }),
);

async function visit() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    // Resolves with the time of the paint after the plots have changed.
    globalThis.plotted = () =>
      new Promise((done) => {
        new MutationObserver((_, observer) => {
          if (document.querySelector('#plots article') === null) return;
          observer.disconnect();
          requestAnimationFrame(() => setTimeout(() => done(performance.now())));
        }).observe(document, { childList: true, subtree: true });
      });
    globalThis.figures = globalThis.plotted();
  });
  await page.goto(process.argv[2]);
  const figures = await page.evaluate(() => globalThis.figures);
  const first = await page.evaluate(() => performance.getEntriesByName('first-paint')[0].startTime);
  const month = await page.evaluate(async () => {
    const plotted = globalThis.plotted();
    const began = performance.now();
    [...document.querySelectorAll('#spans button')].at(-1).click();
    return (await plotted) - began;
  });
  await context.close();
  return { first, figures, month };
}
