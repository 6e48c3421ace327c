// What a bad network does, and what the person sees of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../tests/support/wait.js';
import { visitIn } from './support/browser.js';
import { cannotRunStories, TestEnvironment } from './support/environment.js';

const SLOW = 'Slowly [[stub:slow]]';
const WORDS = Array.from({ length: 20 }, (_, n) => `word${n}`).join(' ');

describe.skipIf(cannotRunStories)('on a bad network', () => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await TestEnvironment.start();
  });
  afterAll(() => environment?.stop());

  it('a cut in the middle of an answer is not noticed', async () => {
    const chat = await environment.openChat();
    await chat.send(SLOW);
    await chat.streamingText();
    environment.proxy.cut();
    expect(await chat.finalReply()).toBe(WORDS);
    expect(await chat.shownReplies()).toHaveLength(1);
    await chat.close();
  });

  it('a network that stays away is said, and what was written meanwhile is answered when it is back', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    environment.proxy.down();
    await chat.send('Are you there?');
    await waitUntil('a word about it', async () =>
      /Connection lost|Not sent yet/.test(
        await chat.page.locator('yogi-chatbot .window').innerText(),
      ),
    );
    await chat.expectAccessible();
    environment.proxy.up();
    expect(await chat.finalReply()).toBe(WORDS);
    expect(await chat.shownReplies()).toEqual([WORDS, WORDS]);
    await chat.close();
  });

  it('a device without network says so', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.page.context().setOffline(true);
    environment.proxy.cut();
    await waitUntil('the state', async () =>
      (await chat.page.locator('yogi-chatbot .banner').first().innerText()).includes('offline'),
    );
    await chat.expectAccessible();
    await chat.page.context().setOffline(false);
    expect(await chat.ask('And again?')).toBe(WORDS);
    await chat.close();
  });

  it('a reload in the middle of an answer goes on with it', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.send(SLOW);
    await chat.streamingText();
    await chat.page.reload();
    await chat.open();
    expect(await chat.finalReply()).toBe(WORDS);
    const { turns } = await chat.state();
    expect(turns.map(({ message }) => message)).toEqual(['Hello', SLOW]);
    await chat.close();
  });

  it('two tabs show the same conversation', async () => {
    const one = await environment.openChat();
    await one.ask('Hello');
    const two = await visitIn(one.page.context(), one.page.url());
    await two.open();
    await waitUntil('the history', async () => (await two.state()).turns.length === 1);
    await one.send(SLOW);
    expect(await two.streamingText()).toMatch(/^word0/);
    await two.finalReply();
    await one.finalReply();
    await waitUntil('the words of the other tab', async () =>
      (await two.state()).turns.every(({ message }) => message !== null),
    );
    expect(await two.shownReplies()).toEqual(await one.shownReplies());
    await two.send('From here');
    await waitUntil('the third', async () => (await one.state()).turns.length === 3);
    expect(await one.finalReply()).toBe(WORDS);
    await one.close();
  });
});
