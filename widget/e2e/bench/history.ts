/** A conversation that exists before a page is opened. */
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { createChatClient } from '../../src/core/index.js';
import { waitUntil } from '../../tests/support/wait.js';

/** Creates a session of `turns` turns, and returns what a browser would have stored for it. */
export async function createConversation(
  apiUrl: string,
  turns: number,
): Promise<ReadonlyMap<string, string>> {
  const stored = new Map<string, string>();
  const storage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  };
  const client = createChatClient({ apiUrl, storage, WebSocket: WebSocket as never });
  for (let n = 1; n <= turns; n += 1) {
    await client.send(`Question ${n}`);
    await waitUntil(`turn ${n}`, () => client.getState().turns.at(-1)!.state === 'done');
  }
  client.close();
  return stored;
}

/** Makes a page continue a stored conversation. */
export async function restore(page: Page, stored: ReadonlyMap<string, string>): Promise<void> {
  await page.addInitScript(
    (entries) => {
      for (const [key, value] of entries) localStorage.setItem(key, value);
    },
    [...stored],
  );
}
