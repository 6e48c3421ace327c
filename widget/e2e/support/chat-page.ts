/** The chat window in a page, as a user operates it. */
import type { Page } from 'playwright-core';
import type { ChatState } from '../../src/core/index.js';
import { waitUntil } from '../../tests/support/wait.js';
import { expectAccessible, nextPaint } from './accessibility.js';

const SETTLE_MS = 40_000;

/** One tab. */
export class ChatPage {
  constructor(readonly page: Page) {}

  get box() {
    return this.page.locator('yogi-chatbot textarea').first();
  }

  get replies() {
    return this.page.locator('yogi-chatbot .reply .markdown');
  }

  get log() {
    return this.page.locator('yogi-chatbot [role=log]');
  }

  async open(): Promise<void> {
    await this.page.locator('yogi-chatbot .launcher').click();
    await this.box.waitFor();
  }

  async send(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press('Enter');
  }

  /** Sends a message, and waits for its reply. */
  async ask(text: string): Promise<string> {
    const before = (await this.state()).turns.length;
    await this.send(text);
    await waitUntil('the message is there', async () => (await this.state()).turns.length > before);
    return this.finalReply();
  }

  state(): Promise<ChatState> {
    return this.page.evaluate(() => {
      const element = document.querySelector('yogi-chatbot') as unknown as {
        client: { getState(): ChatState };
      };
      return structuredClone(element.client.getState());
    });
  }

  /** Waits until the newest reply is being streamed, and returns its text so far. */
  async streamingText(): Promise<string> {
    return waitUntil('text of the reply', async () =>
      this.page.evaluate(() => {
        const root = document.querySelector('yogi-chatbot')!.shadowRoot!;
        const row = [...root.querySelectorAll('article.turn')].at(-1);
        const isOver = row?.querySelector('.reply')?.getAttribute('aria-busy') !== 'true';
        return isOver ? '' : (row?.querySelector('.markdown')?.textContent ?? '');
      }),
    );
  }

  /**
   * Waits until nothing is pending, and returns the text of the newest reply as it is shown.
   */
  async finalReply(): Promise<string> {
    await waitUntil(
      'every turn is done',
      async () => {
        const { turns, running } = await this.state();
        return !running && turns.length > 0;
      },
      SETTLE_MS,
    );
    await this.nextPaint();
    return this.shownReplies().then((texts) => texts.at(-1) ?? '');
  }

  /** Returns the texts of all replies that are shown. */
  async shownReplies(): Promise<string[]> {
    await this.nextPaint();
    return (await this.replies.allTextContents()).map((text) => text.trim());
  }

  nextPaint(): Promise<void> {
    return nextPaint(this.page);
  }

  /** Fails with every rule of accessibility that the page offends as it is now, light and dark. */
  async expectAccessible(): Promise<void> {
    await expectAccessible(this.page);
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
