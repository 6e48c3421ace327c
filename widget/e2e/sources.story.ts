// How a reader gets from a reply to the words that it stands on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../tests/support/wait.js';
import type { ChatPage } from './support/chat-page.js';
import { cannotRunStories, TestEnvironment } from './support/environment.js';
import { SourcedReplies, writeHandbook } from './support/sourced-replies.js';

const TEXT =
  'One phone for the group is with the **teacher.**⟦1⟧ See rule [1].\n\n' +
  '| food | allowed |\n|---|---|\n| nuts | no⟦2⟧ |\n\n- Ask first.⟦1⟧(today)';
const SHOWN = /^One phone for the group is with the teacher\.\[1\] See rule \[1\]\./;

describe.skipIf(cannotRunStories)('a reader of sources', () => {
  const handbook = writeHandbook();
  const environment = new TestEnvironment();
  beforeAll(() => environment.start({ env: { CHATBOT_DOCUMENTS: handbook.path } }).then(() => {}));
  afterAll(async () => {
    await environment.stop();
    handbook.remove();
  });

  async function open(): Promise<{ chat: ChatPage; replies: SourcedReplies }> {
    const chat = await environment.visitExample();
    const replies = await SourcedReplies.on(chat.page);
    replies.willReply(TEXT);
    await chat.open();
    return { chat, replies };
  }

  const marks = (chat: ChatPage) => chat.page.locator('yogi-chatbot .reply .mark');
  const panel = (chat: ChatPage) => chat.page.locator('yogi-chatbot dialog.source');
  const focused = (chat: ChatPage) =>
    chat.page.evaluate(() => {
      const { activeElement } = document.querySelector('yogi-chatbot')!.shadowRoot!;
      return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent;
    });

  it('opens a mark, and sees the words in their passage', async () => {
    const { chat } = await open();
    expect(await chat.ask('May I bring my phone?')).toMatch(SHOWN);
    expect(await marks(chat).allTextContents()).toEqual(['[1]', '[2]', '[1]']);
    expect(await chat.page.locator('yogi-chatbot .reply a').count()).toBe(0);
    await chat.expectAccessible();
    await chat.page.getByRole('button', { name: 'Source 1: Student handbook' }).first().click();
    const text = panel(chat).locator('blockquote');
    await waitUntil('the passage', async () => (await text.innerText()).includes('stay at home'));
    expect(await text.locator('mark').innerText()).toBe(
      'one phone for the group is with the teacher.',
    );
    expect(await panel(chat).locator('.path').innerText()).toBe('Rules › Phones');
    expect(await panel(chat).getByRole('link').getAttribute('href')).toBe(
      'https://school.example/handbook',
    );
    await chat.expectAccessible();
    await chat.close();
  });

  it('goes there and back with the keyboard alone', async () => {
    const { chat } = await open();
    await chat.ask('Nuts?');
    await marks(chat).nth(1).focus();
    await chat.page.keyboard.press('Enter');
    await panel(chat).waitFor();
    expect(await panel(chat).getByRole('link').count()).toBe(0); // no address that runs something
    await chat.page.keyboard.press('Escape');
    await waitUntil('the mark again', async () => (await focused(chat))?.startsWith('Source 2'));
    expect(await panel(chat).count()).toBe(0);
    expect(await chat.box.isVisible()).toBe(true);
    await chat.close();
  });

  it('opens marks while the reply is being written, and keeps their focus at its end', async () => {
    const { chat, replies } = await open();
    replies.willReply(TEXT, true);
    await chat.send('Phones?');
    await marks(chat).first().click();
    await waitUntil('the passage', async () =>
      (await panel(chat).innerText()).includes('stay at home'),
    );
    expect(await panel(chat).locator('mark').count()).toBe(0);
    await chat.page.keyboard.press('Escape');
    replies.finish();
    await chat.finalReply();
    expect(await focused(chat)).toBe('Source 1: Student handbook');
    await chat.close();
  });

  it('has the quote even if the document has changed', async () => {
    const { chat } = await open();
    await chat.ask('Phones?');
    await chat.page.route('**/documents/**', (route) =>
      route.fulfill({
        status: 404,
        headers: { 'Access-Control-Allow-Origin': '*' },
        body: '{}',
      }),
    );
    await marks(chat).first().click();
    await waitUntil('the note', async () =>
      (await panel(chat).innerText()).includes('cannot be shown'),
    );
    expect(await panel(chat).locator('mark').innerText()).toMatch(/^one phone/);
    await chat.expectAccessible();
    await chat.close();
  });

  it('sees the host page’s own document, if that shows one', async () => {
    const { chat } = await open();
    await chat.ask('Phones?');
    await chat.page.evaluate(() =>
      document.querySelector('yogi-chatbot')!.addEventListener('yogi-cite', (event) => {
        event.preventDefault();
        Object.assign(window, { cited: (event as CustomEvent).detail });
      }),
    );
    await marks(chat).last().click();
    expect(await chat.page.evaluate(() => (window as unknown as { cited: object }).cited)).toEqual(
      expect.objectContaining({ number: 1, documentId: 'handbook', start: expect.any(Number) }),
    );
    expect(await panel(chat).count()).toBe(0);
    await chat.close();
  });

  it('copies a reply with its marks as text, and finds the titles among the details', async () => {
    const { chat } = await open();
    await chat.ask('Phones?');
    const copied = await chat.page.evaluate(() => {
      const reply = document
        .querySelector('yogi-chatbot')!
        .shadowRoot!.querySelector('.reply .markdown p')!;
      const selection = getSelection()!;
      selection.selectAllChildren(reply);
      return selection.toString();
    });
    expect(copied).toMatch(SHOWN);
    await chat.page.getByRole('button', { name: 'Model and cost' }).click();
    expect(await chat.log.innerText()).toMatch(/Sources\s+Student handbook/);
    await chat.close();
  });
});
