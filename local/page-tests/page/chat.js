// One open conversation: ties the client rule to the calls and the connection.

import { createConnection } from './connection.js';
import { Conversation } from './conversation.js';
import { begin, reduce } from './client-rule.js';
import { newId, restoreOutbox, saveOutbox } from './outbox.js';

const TICK_MS = 500;
const OPEN_AGAIN_MS = 3_000;
const LEARN_AGAIN_MS = 2_000;

/**
 * A chat with the server; `onChange` is called after anything changed, and
 * `onNotice` with text for the user.
 */
export class Chat {
  conversation = new Conversation();
  link = { phase: 'connecting', until: null };
  sessionId = null;
  #state = begin();
  #era = 0; // counts sessions, so that an answer for an earlier one is dropped
  #opening = null;
  #learnedAt = -Infinity;
  #hurry = () => {}; // ends the wait of `#pause`

  constructor({ api, storage, WebSocket, onChange, onNotice }) {
    Object.assign(this, { api, storage, onChange, onNotice });
    this.connection = createConnection({
      getTicket: async () => (await api.ticket(this.sessionId)).websocket ?? Promise.reject(new Error('no ticket')),
      WebSocket,
      on: {
        opened: () => this.#dispatch({ type: 'opened' }),
        frame: (frame) => this.#receive(frame),
        closed: () => this.#dispatch({ type: 'closed' }),
        status: (phase, ms) => this.#setLink(phase, ms),
        refused: (error) => this.#lost(error),
      },
    });
    this.ticking = setInterval(() => this.#dispatch({ type: 'tick' }), TICK_MS);
  }

  /** Goes on with the stored session, or opens one. */
  async start() {
    const stored = this.storage.get('session');
    if (!stored || !this.storage.get('token')) return this.renew();
    this.sessionId = stored;
    const era = (this.#era += 1);
    restoreOutbox(this.storage, this.conversation);
    try {
      await this.#load(era);
      if (era === this.#era) await this.connection.start();
    } catch (error) {
      if (era === this.#era) await this.#retryStart(error, era);
    }
  }

  /** Opens a new session and forgets the one before. */
  async renew() {
    this.#era += 1;
    this.connection.stop();
    this.#state = begin();
    this.conversation.clear();
    this.sessionId = null;
    this.storage.set('session', null);
    this.storage.set('outbox', null);
    this.#opening = null;
    this.onChange();
    await this.#session().catch(() => {});
  }

  /** Deletes the session with everything in it, and opens a new one. */
  async remove() {
    if (this.sessionId !== null) {
      await this.api.remove(this.sessionId).catch((error) => {
        if (error.status !== 404) throw error;
      });
    }
    await this.renew();
  }

  /** Sends a message; its entry shows what became of it. */
  async send(message, documentId) {
    await this.#deliver({ messageId: newId(), message, documentId });
  }

  /** Sends again, under the same id, what could not be sent. */
  async resend(messageId) {
    await this.#deliver(this.conversation.get(messageId));
  }

  /** Asks the server to stop the reply that is being written. */
  async stop() {
    const entry = this.conversation.running();
    if (entry) await this.api.stop(this.sessionId, entry.messageId);
  }

  async rate(messageId, rating) {
    await this.api.rate(this.sessionId, this.conversation.get(messageId).turn, rating);
    this.conversation.setRating(messageId, rating);
    this.onChange();
  }

  /** Connects again at once, because the user asked for it or the network is back. */
  wake() {
    this.#hurry();
    if (this.link.phase === 'closed' && this.sessionId !== null) this.connection.start();
    else this.connection.wake();
  }

  /** Connects again at once if it only waits to do so. */
  wakeIfWaiting() {
    this.#hurry();
    this.connection.wake();
  }

  /** Ends the connection and the clock; nothing may be called after it. */
  close() {
    this.#era += 1;
    this.#hurry();
    this.connection.stop();
    clearInterval(this.ticking);
  }

  /** Takes back a message that could not be sent. */
  discard(messageId) {
    this.conversation.remove(messageId);
    saveOutbox(this.storage, this.conversation);
    this.onChange();
  }

  async #deliver({ messageId, message, documentId }, inNewSession = false) {
    const era = this.#era;
    const isKnown = this.sessionId !== null;
    this.conversation.addOwn({ messageId, message, documentId });
    this.#dispatch({ type: 'sending', messageId });
    saveOutbox(this.storage, this.conversation);
    try {
      const sessionId = this.sessionId ?? (await this.#session());
      const body = { message, message_id: messageId, session_id: sessionId };
      if (documentId) body.context = { document_id: documentId };
      const answer = await this.api.send(body, (error, ms) => this.#note(messageId, error, ms));
      if (era !== this.#era) return;
      this.conversation.setSend(messageId, 'sent');
      if (this.link.phase === 'closed') this.connection.start(answer.websocket);
    } catch (error) {
      if (era !== this.#era) return;
      if (isGone(error) && isKnown && !inNewSession) return this.#lost(error);
      this.conversation.setSend(messageId, 'failed', error.message);
      this.#dispatch({ type: 'unsent', messageId });
    }
    saveOutbox(this.storage, this.conversation);
    this.onChange();
  }

  // One opening at a time, until it succeeds or the server refuses for good.
  #session() {
    this.#opening ??= this.#openSession(this.#era).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openSession(era) {
    for (;;) {
      this.#setLink('connecting');
      try {
        const { session_id: id, websocket } = await this.api.openSession();
        if (era !== this.#era) throw new Error('Another conversation was opened.');
        this.sessionId = id;
        this.storage.set('session', id);
        this.connection.start(websocket);
        return id;
      } catch (error) {
        if (era !== this.#era) throw error;
        if (error.status === 401 && this.storage.get('token')) {
          this.storage.set('token', null);
          continue;
        }
        if (error.status >= 400 && error.status < 500 && error.status !== 429) {
          this.#setLink('closed');
          this.onNotice(error.message);
          throw error;
        }
        await this.#pause(error);
      }
    }
  }

  async #load(era) {
    for (let after = 0; ; ) {
      const { turns } = await this.api.turns(this.sessionId, after);
      if (era !== this.#era || turns.length === 0) return;
      this.conversation.learn(turns);
      this.#dispatch({ type: 'history', turns });
      after = turns.at(-1).turn;
    }
  }

  async #retryStart(error, era) {
    if (isGone(error)) return this.#lost(error);
    await this.#pause(error);
    if (era === this.#era) await this.start();
  }

  async #pause({ retryAfterMs }) {
    const ms = Math.max(OPEN_AGAIN_MS, retryAfterMs ?? 0);
    this.#setLink('waiting', ms);
    await new Promise((resolve) => {
      this.#hurry = resolve;
      setTimeout(resolve, ms);
    });
  }

  // The session or the right to it is gone, and what was said with it; what the
  // server never had goes to the new session, under the same ids.
  async #lost(error) {
    if (error.status === 401) this.storage.set('token', null);
    if (!isGone(error)) {
      this.#setLink('closed');
      this.onNotice(error.message);
      return;
    }
    this.onNotice('The earlier conversation has ended. This is a new one.');
    const unsent = this.conversation.entries().filter(({ send }) => send !== 'sent');
    const renewed = this.renew();
    await Promise.all([renewed, ...unsent.map((entry) => this.#carryOver(entry))]);
  }

  async #carryOver(entry) {
    if (entry.send === 'sending') return this.#deliver(entry, true);
    this.conversation.addOwn(entry);
    this.conversation.setSend(entry.messageId, entry.send, entry.note);
    saveOutbox(this.storage, this.conversation);
  }

  #receive(frame) {
    if (frame.type === 'CUSTOM' && frame.name === 'chat.error') this.onNotice(frame.value?.message ?? 'The server refused a frame.');
    this.#dispatch({ type: 'frame', frame });
  }

  #dispatch(input) {
    const before = this.#state;
    const { state, actions } = reduce(before, { ...input, now: performance.now() });
    this.#state = state;
    if (input.type === 'tick' && actions.length === 0) return this.#learnMissing();
    this.conversation.apply(state, actions);
    for (const action of actions) {
      if (action.type === 'resume') this.connection.send({ type: 'resume', after: action.after });
      if (action.type === 'fetch') this.#fetch(action.after);
      if (action.type === 'final') saveOutbox(this.storage, this.conversation);
    }
    this.onChange();
    this.#learnMissing();
  }

  async #fetch(after) {
    const era = this.#era;
    const { born } = this.#state;
    try {
      const { turns } = await this.api.turns(this.sessionId, after);
      // An answer from before the session began anew tells of turns that are no more.
      if (era !== this.#era || (born !== null && born !== this.#state.born)) return;
      this.conversation.learn(turns);
      this.#dispatch({ type: 'history', turns });
    } catch (error) {
      // Any other failure is tried again by the client rule's tick.
      if (era === this.#era && error.status === 404) await this.#lost(error);
    }
  }

  // Another tab may have sent the message; frames carry only the reply.
  async #learnMissing() {
    const after = this.conversation.missingAfter();
    const now = performance.now();
    if (after === null || now - this.#learnedAt < LEARN_AGAIN_MS) return;
    this.#learnedAt = now;
    await this.#fetch(after);
  }

  #note(messageId, { reason }, ms) {
    const note = `${reason} Trying again in ${Math.ceil(ms / 1000)} s…`;
    this.conversation.setSend(messageId, 'sending', note);
    this.onChange();
  }

  #setLink(phase, ms = null) {
    this.link = { phase, until: ms === null ? null : performance.now() + ms };
    this.onChange();
  }
}

function isGone({ status }) {
  return status === 401 || status === 404;
}
