// What users do in the chat window.
import { describe, expect, it } from 'vitest';
import { STUB_REPLY } from '../tests/support/backend.js';
import { waitUntil } from '../tests/support/wait.js';
import { ChatPage } from './support/chat-page.js';
import { cannotRunStories, useEnvironment } from './support/environment.js';

const REPLY = STUB_REPLY.trim();

describe.skipIf(cannotRunStories)('a user', () => {
  const environment = useEnvironment();

  it('is offered questions on the first visit, and gets a reply to one', async () => {
    const chat = await environment.visitExample();
    await chat.expectAccessible();
    await chat.open();
    await chat.expectAccessible();
    await chat.page.getByRole('button', { name: 'Who teaches 7B?' }).click();
    expect(await chat.finalReply()).toBe(REPLY);
    await chat.expectAccessible();
    await chat.close();
  });

  it('sees the reply grow word by word', async () => {
    const chat = await environment.openChat();
    await chat.send('Slowly [[stub:slow]]');
    const first = await chat.streamingText();
    await chat.expectAccessible();
    const later = await waitUntil('more', async () => {
      const text = await chat.streamingText();
      return text.length > first.length ? text : null;
    });
    expect(REPLY.startsWith(first.trim()) && REPLY.startsWith(later.trim())).toBe(true);
    expect(await chat.finalReply()).toBe(REPLY);
    await chat.close();
  });

  it('stops a reply, and keeps the text so far', async () => {
    const chat = await environment.openChat();
    await chat.send('Slowly [[stub:slow]]');
    await chat.streamingText();
    await chat.page.getByRole('button', { name: 'Stop the reply' }).click();
    const text = await chat.finalReply();
    expect(REPLY.startsWith(text) && text !== REPLY).toBe(true);
    expect(await chat.log.innerText()).toContain('Stopped.');
    await chat.expectAccessible();
    await chat.close();
  });

  it('rates a reply, and looks at its model and cost', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.page.getByRole('button', { name: 'Bad reply' }).click();
    await chat.expectAccessible();
    await chat.page.getByRole('button', { name: 'Send comment' }).click();
    await waitUntil('the rating', async () => (await chat.state()).turns[0]!.feedback === 'down');
    await chat.page.getByRole('button', { name: 'Model and cost' }).click();
    await chat.expectAccessible();
    await chat.close();
  });

  it('deletes a conversation, and nothing of it remains', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    const { sessionId } = await chat.state();
    await chat.page.getByRole('button', { name: 'Delete the conversation' }).click();
    await chat.expectAccessible();
    await chat.page.getByRole('button', { name: 'Delete', exact: true }).click();
    await waitUntil('a new session', async () => {
      const state = await chat.state();
      return state.turns.length === 0 && state.sessionId !== sessionId && state.sessionId !== null;
    });
    await chat.page.reload();
    await chat.open();
    expect(await chat.ask('And again?')).toBe(REPLY);
    expect(await chat.shownReplies()).toHaveLength(1);
    await chat.close();
  });

  it('opens, asks and closes with the keyboard alone', async () => {
    const chat = await environment.visitExample();
    const { keyboard } = chat.page;
    const focus = () =>
      chat.page.evaluate(() => {
        const element = document.querySelector('yogi-chatbot')!.shadowRoot!.activeElement;
        return element?.getAttribute('aria-label') ?? element?.tagName ?? '';
      });
    await keyboard.press('Tab');
    await waitUntil('the button', async () => (await focus()) === 'Open the chat');
    await keyboard.press('Enter');
    await waitUntil('the field', async () => /Message|TEXTAREA/.test(await focus()));
    await keyboard.type('Hello');
    await keyboard.press('Enter');
    expect(await chat.finalReply()).toBe(REPLY);
    expect(await focus()).toMatch(/Message|TEXTAREA/);
    await waitUntil('the announcement', () =>
      chat.page.evaluate(() => {
        const live = document
          .querySelector('yogi-chatbot')!
          .shadowRoot!.querySelectorAll('[aria-live], [role=status]');
        return [...live].some(({ textContent }) => textContent?.includes('word19'));
      }),
    );
    await keyboard.press('Escape');
    await waitUntil('the button again', async () => (await focus()) === 'Open the chat');
    await chat.close();
  });

  it('sees the window fill a narrow screen, with nothing cut off', async () => {
    const chat = await environment.openChat({
      viewport: { width: 320, height: 568 },
      hasTouch: true,
    });
    await chat.ask('Hello [[stub:echo]] | a | b | c | d | e | f |');
    const { frame, overflow } = await chat.page.evaluate(() => {
      const root = document.querySelector('yogi-chatbot')!.shadowRoot!;
      const { width, height } = root.querySelector('.frame')!.getBoundingClientRect();
      return {
        frame: [width, height],
        overflow: document.documentElement.scrollWidth - innerWidth,
      };
    });
    expect(frame).toEqual([320, 568]);
    expect(overflow).toBeLessThanOrEqual(0);
    await chat.expectAccessible();
    await chat.close();
  });

  it('finds the window on the page of the server, within its content security policy', async () => {
    const context = await environment.browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${environment.proxy.url}/`);
    const chat = new ChatPage(page);
    await chat.box.waitFor();
    expect(await chat.ask('Hello')).toBe(REPLY);
    await chat.expectAccessible();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('is told about being signed out, and continues after signing in', async () => {
    const chat = await environment.visitExample();
    await chat.page.evaluate(() => {
      Object.assign(document.querySelector('yogi-chatbot')!, {
        options: { token: () => undefined },
      });
    });
    await chat.open();
    await waitUntil('the banner', async () =>
      (await chat.page.locator('yogi-chatbot .banner').first().innerText()).includes('signed out'),
    );
    await chat.expectAccessible();
    await chat.page.evaluate(() =>
      Object.assign(document.querySelector('yogi-chatbot')!, { options: {} }),
    );
    expect(await chat.ask('Hello')).toBe(REPLY);
    await chat.close();
  });
});
