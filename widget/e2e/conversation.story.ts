// What a person does in the chat window.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../tests/support/wait.js';
import { visit } from './support/browser.js';
import { ChatPage } from './support/chat-page.js';
import { cannotRunStories, TestEnvironment } from './support/environment.js';

const WORDS = Array.from({ length: 20 }, (_, n) => `word${n}`).join(' ');

describe.skipIf(cannotRunStories)('a person', () => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await TestEnvironment.start();
  });
  afterAll(() => environment?.stop());

  it('who comes first is offered a question, and gets its answer', async () => {
    const chat = await visit(environment.browser, `${environment.pages.url}/examples/html/`);
    await chat.expectAccessible();
    await chat.open();
    await chat.expectAccessible();
    await chat.page.getByRole('button', { name: 'Who teaches 7B?' }).click();
    expect(await chat.finalReply()).toBe(WORDS);
    await chat.expectAccessible();
    await chat.close();
  });

  it('sees the answer grow word by word', async () => {
    const chat = await environment.openChat();
    await chat.send('Slowly [[stub:slow]]');
    const first = await chat.streamingText();
    await chat.expectAccessible();
    const later = await waitUntil('more', async () => {
      const text = await chat.streamingText();
      return text.length > first.length ? text : null;
    });
    expect(WORDS.startsWith(first.trim()) && WORDS.startsWith(later.trim())).toBe(true);
    expect(await chat.finalReply()).toBe(WORDS);
    await chat.close();
  });

  it('stops an answer, and keeps the text so far', async () => {
    const chat = await environment.openChat();
    await chat.send('Slowly [[stub:slow]]');
    await chat.streamingText();
    await chat.page.getByRole('button', { name: 'Stop the reply' }).click();
    const text = await chat.finalReply();
    expect(WORDS.startsWith(text) && text !== WORDS).toBe(true);
    expect(await chat.log.innerText()).toContain('Stopped.');
    await chat.expectAccessible();
    await chat.close();
  });

  it('rates an answer, and looks at its model and cost', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.page.getByRole('button', { name: 'Bad reply' }).click();
    await chat.expectAccessible();
    await chat.page.getByRole('button', { name: 'Send the comment' }).click();
    await waitUntil('the rating', async () => (await chat.state()).turns[0]!.feedback === 'down');
    await chat.page.getByRole('button', { name: 'Model and cost' }).click();
    await chat.expectAccessible();
    await chat.close();
  });

  it('deletes a conversation, and nothing of it is left', async () => {
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
    expect(await chat.ask('And again?')).toBe(WORDS);
    expect(await chat.shownReplies()).toHaveLength(1);
    await chat.close();
  });

  it('who has only a keyboard opens, asks, and closes', async () => {
    const chat = await visit(environment.browser, `${environment.pages.url}/examples/html/`);
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
    expect(await chat.finalReply()).toBe(WORDS);
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

  it('on a narrow screen the window is all there is, and nothing is cut off', async () => {
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

  it('finds the same window on the page that the server itself serves, whose policy it keeps', async () => {
    const context = await environment.browser.newContext();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${environment.proxy.url}/`);
    const chat = new ChatPage(page);
    await chat.box.waitFor();
    expect(await chat.ask('Hello')).toBe(WORDS);
    await chat.expectAccessible();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('who is signed out is told so, and goes on once signed in', async () => {
    const chat = await visit(environment.browser, `${environment.pages.url}/examples/html/`);
    await chat.page.evaluate(() => {
      Object.assign(document.querySelector('yogi-chatbot')!, {
        options: { token: () => undefined },
      });
    });
    await chat.open();
    await waitUntil('a word about it', async () =>
      (await chat.page.locator('yogi-chatbot .banner').first().innerText()).includes('signed out'),
    );
    await chat.expectAccessible();
    await chat.page.evaluate(() =>
      Object.assign(document.querySelector('yogi-chatbot')!, { options: {} }),
    );
    expect(await chat.ask('Hello')).toBe(WORDS);
    await chat.close();
  });
});
