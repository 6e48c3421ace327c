/** The public client, assembled from its parts. */
import { createApi } from './api.js';
import { createConnection } from './connection.js';
import {
  changed,
  type ClientCore,
  isResting,
  isInProgress,
  setLink,
  stateOf,
} from './client-core.js';
import { deliverMessage, resendFromOutbox, requireTurn, sendMessage } from './delivery.js';
import { dispatch, receive } from './driver.js';
import { createIdentity } from './identity.js';
import { createSleeper } from './sleep.js';
import { watchDevice } from './device.js';
import { initialState } from './rule/state.js';
import { leaveSession, loadOlder, handlePermanentError, openSession } from './session.js';
import { createOutbox, createStore } from './storage.js';
import { createTurnList } from './turn-list.js';
import type { ChatClient, ChatOptions } from './types.js';

/**
 * Creates a client. It calls the server only after `connect()` or `send()`.
 *
 * Throws a `TypeError` if `apiUrl` is not a URL.
 */
export function createChatClient(options: ChatOptions): ChatClient {
  const core = createCore(options);
  const { api, turns, outbox } = core;
  let unwatch: (() => void) | undefined;
  let older: Promise<void> | undefined;

  const wake = () => {
    core.sleeper.wakeAll();
    core.connection.wake();
    dispatch(core, { type: 'woken' });
  };
  const session = () => {
    core.isClosed = false;
    unwatch ??= watchDevice({
      tick: () => dispatch(core, { type: 'tick' }),
      changed: () => changed(core),
      back: wake,
    });
    return openSession(core);
  };
  const renew = async () => {
    leaveSession(core);
    core.wanted = undefined;
    core.rule = initialState();
    core.notice = null;
    turns.clear();
    outbox.clear();
    await session();
  };

  return {
    getState: () => stateOf(core),
    subscribe: (listener) => subscribeTo(core.listeners, listener),
    onEvent: (listener) => subscribeTo(core.eventListeners, listener),
    async connect() {
      if (!isResting(core)) return wake();
      await session();
      resendFromOutbox(core);
    },
    send(text, more) {
      void session().catch(() => {});
      return sendMessage(core, text, more);
    },
    async resend(messageId) {
      void session().catch(() => {});
      return deliverMessage(core, messageId);
    },
    async regenerate(messageId) {
      const { message, documentId } = requireTurn(core, messageId);
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
    async stop(messageId = turns.list().find(isInProgress)?.messageId) {
      if (messageId === undefined) return;
      if (turns.get(messageId)?.state === 'sending') {
        core.stopped.add(messageId);
        core.sleeper.wakeAll();
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
      await session(); // which also gives an anonymous caller a token
      return (await api.documents()).documents;
    },
    async passage(place) {
      await session();
      return api.passage(place);
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
      core.epoch += 1;
      core.isClosed = true;
      core.opening = null;
      core.connection.stop();
      core.sleeper.wakeAll();
      unwatch?.();
      unwatch = undefined;
      setLink(core, 'idle');
    },
  };
}

function createCore(options: ChatOptions): ClientCore {
  const base = baseUrl(options.apiUrl);
  const store = createStore(options.storage, base.href);
  const identity = createIdentity(store, options.token);
  const sleeper = createSleeper();
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
  const api = createApi({ base, fetch, credentials: identity, sleeper });
  const ticket = async () => (await api.ticket(identity.id!)).websocket;
  const connection = createConnection(ticket, options.WebSocket ?? globalThis.WebSocket, {
    opened: () => dispatch(core, { type: 'opened' }),
    closed: () => dispatch(core, { type: 'closed' }),
    frame: (frame) => receive(core, frame),
    link: (status, ms) => setLink(core, status, ms),
    refused: (error) => void handlePermanentError(core, error, core.epoch),
  });
  const core: ClientCore = {
    options,
    api,
    connection,
    identity,
    outbox: createOutbox(store),
    sleeper,
    turns: createTurnList(),
    listeners: new Set(),
    eventListeners: new Set(),
    stopped: new Set(),
    wanted: options.sessionId,
    rule: initialState(),
    epoch: 0,
    opening: null,
    isClosed: false,
    link: { status: 'idle', retryAt: null },
    limitedUntil: 0,
    fetchedAt: -Infinity,
    notice: null,
    loading: false,
    hasOlder: false,
    state: null,
  };
  return core;
}

function subscribeTo<Listener>(to: Set<Listener>, listener: Listener): () => void {
  to.add(listener);
  return () => to.delete(listener);
}

function baseUrl(apiUrl: string): URL {
  try {
    return new URL(
      apiUrl === '' ? './' : apiUrl.replace(/\/?$/, '/'),
      globalThis.document?.baseURI,
    );
  } catch {
    throw new TypeError(`apiUrl is not a URL: "${apiUrl}"`);
  }
}
