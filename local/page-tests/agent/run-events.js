// Gives an AG-UI consumer one run of our stream, as the protocol wants it: with
// the opening events that were lost, without repeats, and with a restart as a
// MESSAGES_SNAPSHOT that no longer holds the old partial text.

/** The events of the run `runId`; `history` are the messages before its reply. */
export class RunEvents {
  done = false;
  #started = false;
  #open = null; // the reply as the consumer has it: {gen, id, text}

  constructor({ threadId, runId, history }) {
    Object.assign(this, { threadId, runId, history });
  }

  /** Gives the events that the client rule's new state and actions amount to. */
  next(state, actions) {
    const events = actions.flatMap((action) => this.#fromAction(state, action));
    const head = state.turns.get(state.cursor + 1);
    if (this.done || head?.runId !== this.runId || head.final) return events;
    return [...events, ...this.#draft(head)];
  }

  #fromAction(state, { type, turn }) {
    if (this.done) return [];
    if (type === 'forget') return this.#gone();
    if (turn?.runId !== this.runId) return [];
    if (type === 'final') return this.#end(turn);
    // Nothing of a turn is given before its predecessor is final.
    return type === 'status' && turn.turn === state.cursor + 1 && turn.status ? this.#status(turn) : [];
  }

  #draft(turn) {
    const restart = this.#open !== null && this.#open.gen !== turn.gen ? this.#replace([]) : [];
    return [...this.#start(), ...restart, ...this.#extend(turn)];
  }

  #end(turn) {
    this.done = true;
    const continues = this.#open === null || turn.text.startsWith(this.#open.text);
    const reply = { id: idOf(turn), role: 'assistant', content: turn.text };
    const text = continues ? [...this.#extend(turn), ...this.#close()] : this.#replace(turn.text === '' ? [] : [reply]);
    return [...this.#start(), ...text, this.#last(turn)];
  }

  #status(turn) {
    return [...this.#start(), { type: 'CUSTOM', name: 'chat.status', value: turn.status }];
  }

  #gone() {
    this.done = true;
    return [...this.#start(), ...this.#close(), { type: 'RUN_ERROR', message: 'The session has ended.', code: 'session_gone' }];
  }

  #start() {
    if (this.#started) return [];
    this.#started = true;
    return [{ type: 'RUN_STARTED', threadId: this.threadId, runId: this.runId }];
  }

  #extend(turn) {
    const delta = turn.text.slice(this.#open?.text.length ?? 0);
    if (delta === '') return [];
    const opening = this.#open === null ? [{ type: 'TEXT_MESSAGE_START', messageId: idOf(turn), role: 'assistant' }] : [];
    this.#open = { gen: turn.gen, id: this.#open?.id ?? idOf(turn), text: turn.text };
    return [...opening, { type: 'TEXT_MESSAGE_CONTENT', messageId: this.#open.id, delta }];
  }

  #close() {
    if (this.#open === null) return [];
    const { id } = this.#open;
    this.#open = null;
    return [{ type: 'TEXT_MESSAGE_END', messageId: id }];
  }

  #replace(replies) {
    return [...this.#close(), { type: 'MESSAGES_SNAPSHOT', messages: [...this.history, ...replies] }];
  }

  #last({ final, end, turn, text, replyId }) {
    const metadata = end?.metadata ?? { turn, finishReason: final.finishReason };
    if (final.kind === 'error') return { type: 'RUN_ERROR', ...final.error, metadata };
    const { threadId, runId } = this;
    return { type: 'RUN_FINISHED', threadId, runId, result: { messageId: replyId, text }, usage: end?.usage ?? [], metadata };
  }
}

function idOf({ replyId, runId, gen }) {
  return replyId ?? `${runId}.${gen}`;
}
