// The page's own session logic against the fake server, without a browser.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { createApi } from '../page/api.js';
import { Chat } from '../page/chat.js';
import { createStorage } from '../page/storage.js';
import { startServer } from '../fake/server.js';

/** A tab of a browser; tabs with one `disk` share their local storage. */
class Tab {
  notices = [];
  #waiting = [];

  constructor(url, disk = new Map()) {
    this.disk = disk;
    const backing = {
      getItem: (name) => disk.get(name) ?? null,
      setItem: (name, value) => disk.set(name, value),
      removeItem: (name) => disk.delete(name),
    };
    const storage = createStorage(() => backing);
    this.chat = new Chat({
      api: createApi({ base: url, storage, fetch }),
      storage,
      WebSocket,
      onChange: () => this.#wake(),
      onNotice: (text) => this.notices.push(text),
    });
  }

  entries() {
    return this.chat.conversation.entries();
  }

  /** Waits until the condition holds; the test's own timeout ends a wait that is in vain. */
  until(condition) {
    return new Promise((resolve) => {
      this.#waiting.push(() => condition() && (resolve(), true));
      this.#wake();
    });
  }

  finals(count) {
    return this.until(() => this.entries().filter(({ final }) => final).length === count);
  }

  #wake() {
    this.#waiting = this.#waiting.filter((check) => !check());
  }
}

describe('the page', { timeout: 30_000 }, () => {
  let server;
  let tabs = [];

  const open = async (disk) => {
    const tab = new Tab(server.url, disk);
    tabs.push(tab);
    await tab.chat.start();
    return tab;
  };
  before(async () => {
    server = await startServer({ pace: 0.2 });
  });
  after(async () => {
    for (const { chat } of tabs) chat.close();
    await server.close();
  });

  it('shows a message at once, then its reply', async () => {
    const tab = await open();
    const sent = tab.chat.send('Hello', null);
    assert.deepEqual(tab.entries().map(({ message, send }) => [message, send]), [['Hello', 'sending']]);
    await sent;
    await tab.finals(1);
    assert.match(tab.entries()[0].final.text, /period 3/);
  });

  it('goes on after the connection was lost in the middle of a reply', async () => {
    const tab = await open();
    await tab.chat.send('Hello', null);
    await tab.until(() => tab.entries()[0].text.length > 10);
    server.drop();
    await tab.finals(1);
    assert.equal(tab.entries()[0].final.text, server.world.sessions.get(tab.chat.sessionId).turns[0].text);
  });

  it('shows everything after a reload in the middle of a reply', async () => {
    const tab = await open();
    await tab.chat.send('One', null);
    await tab.finals(1);
    await tab.chat.send('Two [[stub:die-once]]', null);
    await tab.until(() => tab.entries()[1].text.length > 5);
    const again = await open(tab.disk);
    assert.equal(again.chat.sessionId, tab.chat.sessionId);
    await again.finals(2);
    assert.deepEqual(again.entries().map(({ message }) => message), ['One', 'Two [[stub:die-once]]']);
  });

  it('shows what another tab asked', async () => {
    const tab = await open();
    const other = await open(tab.disk);
    await tab.chat.send('From the first tab', null);
    await other.finals(1);
    await other.until(() => other.entries()[0].message === 'From the first tab');
  });

  it('stops a reply', async () => {
    const tab = await open();
    await tab.chat.send('Slowly [[stub:slow]]', null);
    await tab.until(() => tab.entries()[0].text.length > 0);
    await tab.chat.stop();
    await tab.finals(1);
    assert.equal(tab.entries()[0].final.kind, 'cancelled');
  });

  it('keeps a message that was refused, through a reload too', async () => {
    const tab = await open();
    await tab.chat.send('[[fake:invalid]]', 'school');
    assert.match(tab.entries()[0].note, /not allowed/);
    const again = await open(tab.disk);
    assert.deepEqual(again.entries().map(({ message, documentId, send }) => [message, documentId, send]), [['[[fake:invalid]]', 'school', 'failed']]);
    again.chat.discard(again.entries()[0].messageId);
    assert.equal(again.disk.get('learning-yogi.outbox'), undefined);
  });

  it('sends a message to a new session when the old one has ended', async () => {
    const tab = await open();
    const old = tab.chat.sessionId;
    server.world.sessions.delete(old);
    server.world.ended = old;
    await tab.chat.send('Still there?', null);
    await tab.finals(1);
    assert.notEqual(tab.chat.sessionId, old);
    assert.deepEqual(tab.notices, ['The earlier conversation has ended. This is a new one.']);
  });

  it('deletes a conversation and begins another', async () => {
    const tab = await open();
    const old = tab.chat.sessionId;
    await tab.chat.send('Hello', null);
    await tab.finals(1);
    await tab.chat.remove();
    assert.equal(server.world.sessions.has(old), false);
    assert.notEqual(tab.chat.sessionId, old);
    assert.deepEqual(tab.entries(), []);
  });
});
