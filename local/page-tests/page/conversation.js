// What the page shows: one entry per message, by its message id, from the
// moment the user sends it until its final stands.

/** The entries of one session, in the order in which they are shown. */
export class Conversation {
  #entries = new Map();
  #made = 0;

  /** Gives the entries: first those with a turn, in order, then those without. */
  entries() {
    const all = [...this.#entries.values()];
    return all.sort((a, b) => (a.turn ?? Infinity) - (b.turn ?? Infinity) || a.order - b.order);
  }

  get(messageId) {
    return this.#entries.get(messageId);
  }

  /** Gives the first entry that the server has and that has no final yet. */
  running() {
    return this.entries().find((entry) => entry.send === 'sent' && entry.final === null);
  }

  /** Gives the turn before the first one whose message is not known here, or null. */
  missingAfter() {
    const first = this.entries().find((entry) => entry.message === null && entry.turn !== null);
    return first ? first.turn - 1 : null;
  }

  addOwn({ messageId, message, documentId }) {
    this.#change(messageId, { message, documentId, send: 'sending' });
  }

  setSend(messageId, send, note = null) {
    if (this.#entries.has(messageId)) this.#change(messageId, { send, note });
  }

  setRating(messageId, rating) {
    this.#change(messageId, { rating });
  }

  remove(messageId) {
    this.#entries.delete(messageId);
  }

  clear() {
    this.#entries.clear();
  }

  /** Takes what only the history knows: the users' messages and what context was used. */
  learn(turns) {
    for (const { message_id: id, turn, message, context } of turns) {
      this.#change(id, { turn, message, context: context ?? null, send: 'sent', note: null });
    }
  }

  /** Takes over the client rule's state after an input. */
  apply(state, actions) {
    for (const action of actions) {
      if (action.type === 'forget') this.#forget();
      if (action.type === 'final') this.#take(action.turn, action.turn.final);
    }
    // A turn behind the head may be final already; it is not shown as one yet.
    for (const turn of state.turns.values()) this.#take(turn, null);
  }

  #take({ turn, runId, text, status }, final) {
    if (runId === null) return;
    const { context } = this.#entries.get(runId) ?? {};
    this.#change(runId, { turn, text, status, final, context: final?.context ?? context ?? null, send: 'sent', note: null });
  }

  // The session began anew: what the server does not have yet is still the user's.
  #forget() {
    for (const [id, entry] of this.#entries) {
      if (entry.send === 'sent' && entry.turn !== null) this.#entries.delete(id);
    }
  }

  #change(messageId, change) {
    const known = this.#entries.get(messageId) ?? blank(messageId, (this.#made += 1));
    this.#entries.set(messageId, { ...known, ...change });
  }
}

function blank(messageId, order) {
  return {
    messageId,
    order,
    turn: null,
    message: null,
    documentId: null,
    send: 'sent',
    note: null,
    text: '',
    status: null,
    final: null,
    context: null,
    rating: null,
  };
}
