// Pictures of the chat window, light and dark, for the documents: `npm run pictures`.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../tests/support/wait.js';
import { Author } from './support/author.js';
import type { ChatPage } from './support/chat-page.js';
import { isBare, PACKAGE, Stage } from './support/stage.js';

const FOLDER = join(PACKAGE, '../docs/images');
const ANSWER = [
  'On Tuesday class 7B has:\n\n| period | subject | room |\n|---|---|---|\n| 1 | Mathematics | 12 |\n| 2 | Art | 3 |\n| 3 | **Science** | Lab 2 |',
  '- Bring your *lab coat*.\n- The [plan](https://example.org/plan) has the rest.',
  '```js\nconst room = plan.find({ period: 3 });\n```',
].join('\n\n');

let stage: Stage;
let author: Author;
beforeAll(async () => {
  if (isBare) return;
  author = await Author.start();
  stage = await Stage.set({
    env: { ANTHROPIC_BASE_URL: author.url, CHATBOT_PROVIDER_PREFERENCE: 'claude' },
  });
});
afterAll(async () => {
  await stage?.strike();
  await author?.stop();
});

/** Draws a state in both colour schemes. */
async function draw(chat: ChatPage, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await chat.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await chat.painted();
    const path = join(FOLDER, `chat-${name}-${colorScheme}.png`);
    const { length } = await chat.page.screenshot({ path, animations: 'disabled' });
    expect(length, path).toBeLessThanOrEqual(100_000);
  }
}

const SIZE = { viewport: { width: 760, height: 720 } };

it.skipIf(isBare)('the states of the chat window', async () => {
  const chat = await stage.enter(SIZE);
  await draw(chat, 'welcome');
  author.writes(ANSWER);
  await chat.ask('What does class 7B have on Tuesday?');
  await draw(chat, 'answer');
  author.writes('On Wednesday the first period is **History**, and then ', 'stays silent');
  await chat.say('And on Wednesday?');
  await chat.writing();
  await draw(chat, 'writing');
  await chat.page.getByRole('button', { name: 'Stop the reply' }).click();
  await chat.settled();
  author.writes('', 'refuses');
  await chat.say('Who teaches it?');
  await until('the error', async () => (await chat.log.innerText()).includes('No answer:'));
  await draw(chat, 'error');
  stage.proxy.down();
  await until('a word about it', async () =>
    /Connection lost/.test(await chat.page.locator('yogi-chatbot .banner').first().innerText()),
  );
  await draw(chat, 'away');
  stage.proxy.up();
  await chat.close();
});

it.skipIf(isBare)('the chat window on a phone', async () => {
  const chat = await stage.enter({ viewport: { width: 360, height: 640 }, hasTouch: true });
  author.writes(ANSWER);
  await chat.ask('What does class 7B have on Tuesday?');
  await draw(chat, 'phone');
  await chat.close();
});
