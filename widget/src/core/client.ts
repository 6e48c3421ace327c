/** The client, put together from its parts. */
import { createApi } from './api.js';
import { createConnection } from './connection.js';
import { changed, type Core, isResting, isUnderWay, setLink, stateOf } from './core.js';
import { deliver, deliverKept, known, send } from './delivery.js';
import { dispatch, receive } from './driver.js';
import { Identity } from './identity.js';
import { createPauses } from './pause.js';
import { watchPresence } from './presence.js';
import { begin } from './rule/state.js';
import { leaveSession, loadOlder, lose, openSession } from './session.js';
import { createOutbox, createStore } from './storage.js';
import { Turns } from './turns.js';
import type { ChatClient, ChatOptions } from './types.js';

/** Makes a client; nothing is asked of the server before `connect()` or `send()`. Throws where `apiUrl` is no address. */
export function createChatClient(options: ChatOptions): ChatClient {
  const core = createCore(options);
  const { api, turns, outbox } = core;
  let unwatch: (() => void) | undefined;
  let older: Promise<void> | undefined;

  const wake = () => {
    core.pauses.hurry();
    core.connection.wake();
    dispatch(core, { type: 'woken' });
  };
  const session = () => {
    core.isClosed = false;
    unwatch ??= watchPresence({
      tick: () => dispatch(core, { type: 'tick' }),
      changed: () => changed(core),
      back: wake,
    });
    return openSession(core);
  };
  const renew = async () => {
    leaveSession(core);
    core.wanted = undefined;
    core.rule = begin();
    core.notice = null;
    turns.clear();
    outbox.clear();
    await session();
  };

  return {
    getState: () => stateOf(core),
    subscribe: (listener) => add(core.listeners, listener),
    onEvent: (listener) => add(core.eventListeners, listener),
    async connect() {
      if (!isResting(core)) return wake();
      await session();
      deliverKept(core);
    },
    send(text, more) {
      void session().catch(() => {});
      return send(core, text, more);
    },
    async resend(messageId) {
      void session().catch(() => {});
      return deliver(core, messageId);
    },
    async regenerate(messageId) {
      const { message, documentId } = known(core, messageId);
      return this.send(message ?? '', { documentId });
    },
    discard(messageId) {
      const turn = turns.get(messageId);
      if (turn?.state !== 'failed') return null;
      turns.remove(messageId);
      outbox.remove(messageId);
      changed(core);
      return turn.message;
    },
    async stop(messageId = turns.list().find(isUnderWay)?.messageId) {
      if (messageId === undefined) return;
      if (turns.get(messageId)?.state === 'sending') {
        core.stopped.add(messageId);
        core.pauses.hurry();
      }
      if (core.identity.id !== null) await api.stop(core.identity.id, messageId);
    },
    async feedback(turn, rating, comment) {
      await api.feedback(await session(), turn, rating, comment || undefined);
      const rated = turns.list().find((view) => view.turn === turn);
      if (rated) turns.change(rated.messageId, { feedback: rating });
      changed(core);
    },
    loadOlder: () =>
      (older ??= loadOlder(core).finally(() => {
        older = undefined;
      })),
    async documents() {
      await session(); // which also gives an anonymous caller the proof of who is asking
      return (await api.documents()).documents;
    },
    newSession: renew,
    async deleteSession() {
      const { id } = core.identity;
      if (id !== null) {
        await api.remove(id).catch((error) => {
          if (error.status !== 404) throw error;
        });
      }
      await renew();
    },
    dismissNotice() {
      core.notice = null;
      changed(core);
    },
    close() {
      core.era += 1;
      core.isClosed = true;
      core.opening = null;
      core.connection.stop();
      core.pauses.hurry();
      unwatch?.();
      unwatch = undefined;
      setLink(core, 'idle');
    },
  };
}

function createCore(options: ChatOptions): Core {
  const base = baseOf(options.apiUrl);
  const store = createStore(options.storage, base.href);
  const identity = new Identity(store, options.token);
  const pauses = createPauses();
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
  const api = createApi({ base, fetch, credentials: identity, pauses });
  const ticket = async () => (await api.ticket(identity.id!)).websocket;
  const connection = createConnection(ticket, options.WebSocket ?? globalThis.WebSocket, {
    opened: () => dispatch(core, { type: 'opened' }),
    closed: () => dispatch(core, { type: 'closed' }),
    frame: (frame) => receive(core, frame),
    link: (status, ms) => setLink(core, status, ms),
    refused: (error) => void lose(core, error, core.era),
  });
  const core: Core = {
    options,
    api,
    connection,
    identity,
    outbox: createOutbox(store),
    pauses,
    turns: new Turns(),
    listeners: new Set(),
    eventListeners: new Set(),
    stopped: new Set(),
    wanted: options.sessionId,
    rule: begin(),
    era: 0,
    opening: null,
    isClosed: false,
    link: { status: 'idle', retryAt: null },
    limitedUntil: 0,
    learnedAt: -Infinity,
    notice: null,
    loading: false,
    hasOlder: false,
    state: null,
  };
  return core;
}

function add<Listener>(to: Set<Listener>, listener: Listener): () => void {
  to.add(listener);
  return () => to.delete(listener);
}

function baseOf(apiUrl: string): URL {
  try {
    return new URL(
      apiUrl.replace(/\/?$/, '/').replace(/^\/$/, apiUrl === '' ? './' : '/'),
      globalThis.document?.baseURI,
    );
  } catch {
    throw new TypeError(`apiUrl is not an address: "${apiUrl}"`);
  }
}
