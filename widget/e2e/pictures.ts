// Screenshots of the chat window and the admin page for the documentation: `npm run pictures`.
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitUntil } from '../tests/support/wait.js';
import { nextPaint } from './support/accessibility.js';
import { inventedStats, inventedStatus } from './support/invented-stats.js';
import { ScriptedProvider } from './support/scripted-provider.js';
import type { ChatPage } from './support/chat-page.js';
import { cannotRunStories, PACKAGE, TestEnvironment } from './support/environment.js';

const FOLDER = join(PACKAGE, '../docs/images');
const ANSWER = [
  'On Tuesday class 7B has:',
  `| period | subject | room |
|---|---|---|
| 1 | Mathematics | 12 |
| 2 | Art | 3 |
| 3 | **Science** | Lab 2 |`,
  '- Bring your *lab coat*.\n- The [plan](https://example.org/plan) has the rest.',
  '```js\nconst room = plan.find({ period: 3 });\n```',
].join('\n\n');

let environment: TestEnvironment;
let provider: ScriptedProvider;
beforeAll(async () => {
  if (cannotRunStories) return;
  provider = await ScriptedProvider.start();
  environment = await new TestEnvironment().start({
    env: { ANTHROPIC_BASE_URL: provider.url, CHATBOT_PROVIDER_PREFERENCE: 'claude' },
  });
});
afterAll(async () => {
  await environment?.stop();
  await provider?.stop();
});

/** Takes a screenshot in both colour schemes. */
async function takePictures(page: Page, name: string, maxBytes = 100_000): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await nextPaint(page);
    const path = join(FOLDER, `${name}-${colorScheme}.png`);
    const { length } = await page.screenshot({ path, animations: 'disabled' });
    expect(length, path).toBeLessThanOrEqual(maxBytes);
  }
}

const draw = (chat: ChatPage, name: string) => takePictures(chat.page, `chat-${name}`);

const SIZE = { viewport: { width: 760, height: 720 } };

it.skipIf(cannotRunStories)('the states of the chat window', async () => {
  const chat = await environment.openChat(SIZE);
  await draw(chat, 'welcome');
  provider.willReply(ANSWER);
  await chat.ask('What does class 7B have on Tuesday?');
  await draw(chat, 'answer');
  provider.willReply('On Wednesday the first period is **History**, and then ', 'stalls');
  await chat.send('And on Wednesday?');
  await chat.streamingText();
  await draw(chat, 'writing');
  await chat.page.getByRole('button', { name: 'Stop the reply' }).click();
  await chat.finalReply();
  provider.willReply('', 'rejects');
  await chat.send('Who teaches it?');
  await waitUntil('the error', async () =>
    (await chat.log.innerText()).includes('The reply failed:'),
  );
  await draw(chat, 'error');
  environment.proxy.down();
  await waitUntil('the banner', async () =>
    /Connection lost/.test(await chat.page.locator('yogi-chatbot .banner').first().innerText()),
  );
  await draw(chat, 'away');
  environment.proxy.up();
  await chat.close();
});

it.skipIf(cannotRunStories)('the chat window on a phone', async () => {
  const chat = await environment.openChat({
    viewport: { width: 360, height: 640 },
    hasTouch: true,
  });
  provider.willReply(ANSWER);
  await chat.ask('What does class 7B have on Tuesday?');
  await draw(chat, 'phone');
  await chat.close();
});

// The statistics are invented: real ones would take an hour of traffic.
it.skipIf(cannotRunStories)('the admin page', async () => {
  const page = await environment.browser.newPage({ viewport: { width: 1280, height: 1080 } });
  const now = Date.parse('2026-01-05T09:00:00Z');
  await page.route('**/admin/**', (route) => {
    const name = basename(new URL(route.request().url()).pathname);
    if (name === 'stats') return route.fulfill({ json: inventedStats(now) });
    if (name === 'status') return route.fulfill({ json: inventedStatus(now) });
    if (name === 'dead-letters') return route.fulfill({ json: { dead_letters: [] } });
    return route.fulfill({ path: join(PACKAGE, '../local/admin', name) });
  });

  await page.goto(`${environment.pages.url}/admin/index.html`);
  await page.locator('#plots svg').first().waitFor();
  await takePictures(page, 'admin', 200_000);
  await page.close();
});
