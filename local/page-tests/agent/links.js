// Where an agent's frames come from: a recording, or a server.

import { begin, reduce } from '../page/client-rule.js';
import { createApi } from '../page/api.js';
import { createConnection } from '../page/connection.js';

/** Applies the client rule to inputs and tells its listeners. */
class Link {
  #state = begin();
  #listeners = new Set();

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispatch(input) {
    const { state, actions } = reduce(this.#state, { now: performance.now(), ...input });
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state, actions);
    for (const action of actions) this.perform(action);
  }

  perform() {}
}

/** Plays one recording for each message that is sent. */
export class RecordedLink extends Link {
  constructor(recordings, history = []) {
    super();
    Object.assign(this, { recordings: [...recordings], history });
    this.dispatch({ type: 'opened' });
  }

  async send() {
    for (const frame of this.recordings.shift()) this.dispatch({ type: 'frame', frame });
  }

  perform({ type, after }) {
    if (type !== 'fetch') return;
    const turns = this.history.filter(({ turn }) => turn > after);
    queueMicrotask(() => this.dispatch({ type: 'history', turns }));
  }
}

/** Talks to the server at `url`. */
export class LiveLink extends Link {
  frames = [];

  static async open({ url, WebSocket }) {
    const values = new Map();
    const storage = { get: (name) => values.get(name) ?? null, set: (name, value) => values.set(name, value) };
    const api = createApi({ base: url, storage, fetch });
    const { session_id: sessionId, websocket } = await api.openSession();
    const link = Object.assign(new LiveLink(), { api, sessionId });
    link.connection = createConnection({
      WebSocket,
      getTicket: async () => (await api.ticket(sessionId)).websocket,
      on: {
        opened: () => link.dispatch({ type: 'opened' }),
        closed: () => link.dispatch({ type: 'closed' }),
        frame: (frame) => {
          link.frames.push(frame);
          link.dispatch({ type: 'frame', frame });
        },
        status: () => {},
        refused: (error) => link.dispatch({ type: 'gone', error }),
      },
    });
    link.ticking = setInterval(() => link.dispatch({ type: 'tick' }), 250);
    link.connection.start(websocket);
    return link;
  }

  async send({ id, content }) {
    this.dispatch({ type: 'sending', messageId: id });
    await this.api.send({ session_id: this.sessionId, message_id: id, message: content });
  }

  async perform({ type, after }) {
    if (type === 'resume') this.connection.send({ type, after });
    if (type === 'fetch') this.dispatch({ type: 'history', turns: (await this.api.turns(this.sessionId, after)).turns });
  }

  close() {
    clearInterval(this.ticking);
    this.connection.stop();
  }
}
