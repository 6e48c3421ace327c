// What an operator sees on the page `/admin` of the server (`local/admin`).
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Backend } from '../tests/support/backend.js';
import { waitUntil } from '../tests/support/wait.js';
import { createConversation } from './bench/history.js';
import { expectAccessible, nextPaint } from './support/accessibility.js';
import { launch } from './support/browser.js';
import { cannotRunStories } from './support/environment.js';

const TURNS = 3;
const TOKEN = 'an-operator-token-for-tests';
const HOUR = 3_600_000;
/** What the browser itself logs for a 401, and for a server that is down. */
const EXPECTED = /401 \(Unauthorized\)|ERR_CONNECTION_REFUSED/;

let browser: Browser;
let backend: Backend;
let pageErrors: string[] = [];

async function visit(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.on('pageerror', (error) => pageErrors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text()))
      pageErrors.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(backend.url) && !request.url().startsWith('data:'))
      pageErrors.push(`asks for ${request.url()}`);
  });
  await page.goto(`${backend.url}/admin`);
  return page;
}

const tile = (page: Page, label: string) =>
  page.locator('.tile', { has: page.getByText(label, { exact: true }) }).locator('b');
const plot = (page: Page, title: string) =>
  page.locator('#plots article', { has: page.getByRole('heading', { name: title, exact: true }) });
const alert = (page: Page) => page.getByRole('alert');

async function shows(page: Page, turns: number): Promise<void> {
  await waitUntil(
    `${turns} messages`,
    async () => (await tile(page, 'Messages').allTextContents())[0] === String(turns),
  );
}

describe.skipIf(cannotRunStories)('an operator', () => {
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(() => {
    expect(pageErrors.splice(0)).toEqual([]);
  });

  describe('on their own machine', () => {
    beforeAll(async () => {
      backend = await Backend.start();
      await createConversation(backend.url, TURNS);
    });
    afterAll(() => backend?.stop());

    it('sees how many messages there were, how long replies took and what they cost', async () => {
      const page = await visit();
      await shows(page, TURNS);
      expect(await tile(page, 'Errors').textContent()).toBe('0');
      expect(await tile(page, 'Cost').textContent()).toMatch(/^\$0\.\d+$/);
      expect(await tile(page, 'Time to full reply').textContent()).toMatch(/^[\d.]+ m?s$/);
      for (const title of [
        'Messages',
        'Time to first token',
        'Time to full reply',
        'Time in the queue',
        'Tokens',
        'Cost',
      ]) {
        const marks = plot(page, title).locator('svg :is(rect, path)');
        expect(await marks.count(), title).toBeGreaterThan(0);
      }
      expect(await plot(page, 'Ratings').innerText()).toContain('No data in this period.');
      expect(await page.locator('#providers tbody tr').first().innerText()).toMatch(
        /^claude\s.*available$/,
      );
      expect(await page.locator('#models tbody tr').first().innerText()).toMatch(
        /^claude\s.*users\s+3\s/,
      );
      expect(await page.locator('#letters').innerText()).toContain('yogi dlq list');
      expect(await page.locator('#server').innerText()).toMatch(
        / open connections?, database [\d.]+ [kM]B, [\d.]+ GB free on its disk$/,
      );
      expect((await alert(page).isVisible()) || (await page.locator('#token').isVisible())).toBe(
        false,
      );
      await page.context().close();
    });

    it('reads the data of a plot in a table, in both colour schemes', async () => {
      const page = await visit();
      await shows(page, TURNS);
      await plot(page, 'Messages').getByText('Show as table').click();
      const rows = await plot(page, 'Messages').locator('tbody tr').allInnerTexts();
      const users = rows.map((row) => Number(row.split('\t')[1]));
      expect(users.reduce((sum, count) => sum + count, 0)).toBe(TURNS);
      await expectAccessible(page);
      const backgrounds = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        backgrounds.push(
          await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
        );
      }
      expect(backgrounds).toEqual(['rgb(246, 247, 249)', 'rgb(18, 21, 27)']);
      await page.context().close();
    });

    it('chooses the time range', async () => {
      const page = await visit();
      await shows(page, TURNS);
      for (const [label, hours] of [
        ['6 h', 6],
        ['24 h', 24],
        ['7 d', 168],
        ['30 d', 720],
      ] as const) {
        const asked = page.waitForResponse((answer) => answer.url().includes('/stats?'));
        await page.getByRole('button', { name: label }).click();
        const query = new URL((await asked).url()).searchParams;
        expect(Number(query.get('to')) - Number(query.get('from'))).toBe(hours * HOUR);
        expect(await page.locator('#spans [aria-pressed=true]').allTextContents()).toEqual([label]);
        await shows(page, TURNS);
      }
      await waitUntil('days on the axis', async () =>
        /\d+ [A-Z][a-z]{2}/.test(
          (await plot(page, 'Messages').locator('svg text').allTextContents()).at(-1)!,
        ),
      );
      await page.context().close();
    });

    it('sees everything on a phone', async () => {
      const page = await visit({ viewport: { width: 360, height: 640 }, hasTouch: true });
      await shows(page, TURNS);
      await nextPaint(page);
      expect(await page.evaluate(() => document.scrollingElement!.scrollWidth)).toBeLessThanOrEqual(
        360,
      );
      await expectAccessible(page);
      await page.context().close();
    });

    it('is told when the server is down, and sees it come back', async () => {
      const page = await visit();
      await shows(page, TURNS);
      await backend.server.kill();
      await waitUntil('the alert', () => alert(page).isVisible());
      expect(await alert(page).innerText()).toBe('The server is not responding. Retrying…');
      expect(await page.locator('#server').innerText()).toBe('unreachable');
      expect(await tile(page, 'Messages').textContent(), 'the last known value stays').toBe(
        String(TURNS),
      );
      await expectAccessible(page);
      await backend.server.start();
      await waitUntil('the alert to disappear', async () => !(await alert(page).isVisible()));
      expect(await page.locator('#server').innerText()).toMatch(/^Version .*, up [\d.]+ m?s/);
      await shows(page, TURNS);
      await page.context().close();
    });
  });

  describe('where the server is open to others', () => {
    beforeAll(async () => {
      backend = await Backend.start({
        env: { CHATBOT_ALLOWED_ORIGINS: 'https://school.example', CHATBOT_OPERATOR_TOKEN: TOKEN },
      });
      await createConversation(backend.url, TURNS);
    });
    afterAll(() => backend?.stop());

    it('is asked for the token, and sees statistics and dead letters with it', async () => {
      const page = await visit();
      const token = page.getByLabel('Operator token');
      await token.waitFor();
      expect(await page.locator('.tile').count()).toBe(0);
      expect(await alert(page).isVisible()).toBe(false);
      await expectAccessible(page);
      await token.fill('not-the-token');
      await token.press('Enter');
      await waitUntil('the alert', () => alert(page).isVisible());
      expect(await alert(page).innerText()).toBe('Invalid operator token.');
      expect(await page.locator('.tile').count()).toBe(0);
      await expectAccessible(page);
      await token.fill(TOKEN);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await shows(page, TURNS);
      expect((await alert(page).isVisible()) || (await token.isVisible())).toBe(false);
      expect(await page.locator('#letters').innerText()).toBe('None.');
      await page.reload();
      await shows(page, TURNS);
      await expectAccessible(page);
      await page.context().close();
    });
  });
});
