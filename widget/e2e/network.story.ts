// What a bad network does, and what the user sees of it.
import { describe, expect, it } from 'vitest';
import { STUB_REPLY } from '../tests/support/backend.js';
import { waitUntil } from '../tests/support/wait.js';
import { visitIn } from './support/browser.js';
import { cannotRunStories, useEnvironment } from './support/environment.js';

const SLOW = 'Slowly [[stub:slow]]';
const REPLY = STUB_REPLY.trim();

describe.skipIf(cannotRunStories)('on a bad network', () => {
  const environment = useEnvironment();

  it('a connection cut in the middle of a reply goes unnoticed', async () => {
    const chat = await environment.openChat();
    await chat.send(SLOW);
    await chat.streamingText();
    environment.proxy.cut();
    expect(await chat.finalReply()).toBe(REPLY);
    expect(await chat.shownReplies()).toHaveLength(1);
    await chat.close();
  });

  it('an outage is shown, and messages written during it are answered afterwards', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    environment.proxy.down();
    await chat.send('Are you there?');
    await waitUntil('the warning', async () =>
      /Connection lost|Not sent yet/.test(
        await chat.page.locator('yogi-chatbot .window').innerText(),
      ),
    );
    await chat.expectAccessible();
    environment.proxy.up();
    expect(await chat.finalReply()).toBe(REPLY);
    expect(await chat.shownReplies()).toEqual([REPLY, REPLY]);
    await chat.close();
  });

  it('a device that is offline says so', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.page.context().setOffline(true);
    environment.proxy.cut();
    await waitUntil('the banner', async () =>
      (await chat.page.locator('yogi-chatbot .banner').first().innerText()).includes('offline'),
    );
    await chat.expectAccessible();
    await chat.page.context().setOffline(false);
    expect(await chat.ask('And again?')).toBe(REPLY);
    await chat.close();
  });

  it('a reload in the middle of a reply continues it', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.send(SLOW);
    await chat.streamingText();
    await chat.page.reload();
    await chat.open();
    expect(await chat.finalReply()).toBe(REPLY);
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
    await waitUntil('the messages of the other tab', async () =>
      (await two.state()).turns.every(({ message }) => message !== null),
    );
    expect(await two.shownReplies()).toEqual(await one.shownReplies());
    await two.send('From here');
    await waitUntil('the third', async () => (await one.state()).turns.length === 3);
    expect(await one.finalReply()).toBe(REPLY);
    await one.close();
  });
});
