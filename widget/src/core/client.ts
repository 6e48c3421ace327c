/** The client: ties the client rule to the calls and the connection. */
import { createApi, type Api } from './api.js';
import { createConnection, isPermanent, type Connection } from './connection.js';
import { ChatError } from './error.js';
import { Identity } from './identity.js';
import { backoff, createPauses } from './pause.js';
import { isOffline, sleepDetector, watchPresence } from './presence.js';
import { reduce } from './rule/reduce.js';
import { begin, type Action, type Input, type RuleState } from './rule/state.js';
import { createOutbox, createStore, newId } from './storage.js';
import { Turns } from './turns.js';
import type { ChatClient, ChatEvent, ChatOptions, ChatState, ConnectionState, Notice, Rating, SendOptions, TurnView } from './types.js';
import type { Frame, Websocket } from './wire.js';

const TICK_MS = 500;
const OPEN_FIRST_PAUSE_MS = 1_000;
const OPEN_LONGEST_PAUSE_MS = 20_000;
const LEARN_AGAIN_MS = 2_000;
const ENDED_AGAIN_MS = 30_000;
const PAGE = 50;
const NEWEST = 9_999_999_999;
// What was sent longer ago than this, and never arrived, the user sends by hand if at all.
const RESEND_MS = 600_000;

// `without` undoes what the type of Input's union hides from Omit.
type Happening = Input extends infer One ? (One extends Input ? Omit<One, 'now'> : never) : never;
type Change = (listener: () => void) => () => void;

/** Makes a client; nothing is asked of the server before `connect()` or `send()`. Throws where `apiUrl` is no address. */
export function createChatClient(options: ChatOptions): ChatClient {
  return new Client(options);
}

class Client implements ChatClient {
  readonly #options: ChatOptions;
  readonly #identity: Identity;
  readonly #outbox;
  readonly #api: Api;
  readonly #connection: Connection;
  readonly #pauses = createPauses();
  readonly #turns = new Turns();
  readonly #listeners = new Set<() => void>();
  readonly #eventListeners = new Set<(event: ChatEvent) => void>();
  readonly #given = new Set<string>(); // messages that the user stopped before they were sent
  #rule: RuleState = begin();
  #era = 0; // counts sessions, so that an answer for an earlier one is dropped
  #opening: Promise<string> | null = null;
  #link: ConnectionState = { status: 'idle', retryAt: null };
  #limitedUntil = 0;
  #notice: Notice | null = null;
  #loading = false;
  #hasOlder = false;
  #olderBusy: Promise<void> | null = null;
  #learnedAt = -Infinity;
  #endedAt = -Infinity;
  #state: ChatState | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(options: ChatOptions) {
    this.#options = options;
    const base = baseOf(options.apiUrl);
    const store = createStore(options.storage, base.href);
    this.#identity = new Identity(store, options.token);
    this.#outbox = createOutbox(store);
    const fetch: typeof globalThis.fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
    this.#api = createApi({ base, fetch, credentials: this.#identity, pauses: this.#pauses });
    this.#connection = createConnection(() => this.#ticket(), options.WebSocket ?? globalThis.WebSocket, {
      opened: () => this.#dispatch({ type: 'opened' }),
      closed: () => this.#dispatch({ type: 'closed' }),
      frame: (frame) => this.#receive(frame),
      connecting: () => this.#setLink('connecting'),
      live: () => this.#setLink('open'),
      waiting: (ms, error) => this.#setLink(error?.status === 429 ? 'rate-limited' : 'waiting', ms),
      ended: () => void this.#ended(),
      refused: (error) => this.#refused(error, this.#era),
    });
  }

  getState = (): ChatState => {
    this.#state ??= {
      connection: this.#connectionState(),
      sessionId: this.#identity.id,
      turns: this.#turns.list(),
      running: this.#turns.list().some(isUnderWay),
      hasOlder: this.#hasOlder,
      loading: this.#loading,
      notice: this.#notice,
    };
    return this.#state;
  };

  subscribe: Change = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  onEvent(listener: (event: ChatEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  async connect(): Promise<void> {
    this.#watch();
    if (['idle', 'closed', 'signed-out'].includes(this.#link.status)) await this.#session();
    else this.#wake();
  }

  async send(text: string, options: SendOptions = {}): Promise<{ messageId: string }> {
    const messageId = options.messageId ?? newId();
    const { documentId = this.#options.documentId ?? null, provider = this.#options.provider ?? null } = options;
    this.#turns.change(messageId, { message: text, documentId, provider, createdAt: new Date().toISOString() });
    this.#outbox.add({ messageId, message: text, documentId, provider, at: Date.now() });
    return this.#deliver(messageId);
  }

  async resend(messageId: string): Promise<{ messageId: string }> {
    this.#known(messageId);
    return this.#deliver(messageId);
  }

  async regenerate(messageId: string): Promise<{ messageId: string }> {
    const { message, documentId } = this.#known(messageId);
    return this.send(message ?? '', { documentId });
  }

  discard(messageId: string): string | null {
    const turn = this.#turns.get(messageId);
    if (turn?.state !== 'failed') return null;
    this.#turns.remove(messageId);
    this.#outbox.remove(messageId);
    this.#changed();
    return turn.message;
  }

  async stop(messageId?: string): Promise<void> {
    const id = messageId ?? this.#turns.list().find(isUnderWay)?.messageId;
    if (id === undefined) return;
    if (this.#turns.get(id)?.state === 'sending') {
      this.#given.add(id);
      this.#pauses.hurry();
    }
    if (this.#identity.id !== null) await this.#api.stop(this.#identity.id, id);
  }

  async feedback(turn: number, rating: Rating, comment?: string): Promise<void> {
    const rated = this.#turns.list().find((view) => view.turn === turn);
    await this.#api.feedback(await this.#session(), turn, rating, comment || undefined);
    if (rated) this.#turns.change(rated.messageId, { feedback: rating });
    this.#changed();
  }

  loadOlder(): Promise<void> {
    this.#olderBusy ??= this.#older().finally(() => {
      this.#olderBusy = null;
    });
    return this.#olderBusy;
  }

  async documents() {
    await this.#session(); // which also gives an anonymous caller the proof of who is asking
    return (await this.#api.documents()).documents;
  }

  async newSession(): Promise<void> {
    this.#leave(false);
    this.#turns.clear();
    this.#outbox.clear();
    this.#notice = null;
    this.#watch();
    this.#changed();
    await this.#session();
  }

  async deleteSession(): Promise<void> {
    const id = this.#identity.id;
    if (id !== null) {
      await this.#api.remove(id).catch((error) => {
        if (error.status !== 404) throw error;
      });
    }
    await this.newSession();
  }

  dismissNotice(): void {
    this.#notice = null;
    this.#changed();
  }

  close(): void {
    this.#era += 1;
    this.#opening = null;
    this.#pauses.hurry();
    this.#connection.stop();
    this.#stopWatching?.();
    this.#stopWatching = null;
    this.#setLink('idle');
  }

  // ---- sessions

  /** Gives the session, opening it if need be; one attempt at a time, until it succeeds or is refused for good. */
  #session(): Promise<string> {
    this.#watch();
    const { id } = this.#identity;
    if (id !== null && !['idle', 'closed', 'signed-out'].includes(this.#link.status)) return this.#opening ?? Promise.resolve(id);
    if (this.#opening) return this.#opening;
    const opening = this.#open((this.#era += 1)).finally(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    this.#opening = opening;
    return opening;
  }

  async #open(era: number): Promise<string> {
    this.#setLink('connecting');
    for (let tries = 0; ; tries += 1) {
      try {
        const id = await this.#openOnce(era);
        this.#resendAll();
        return id;
      } catch (error) {
        if (era !== this.#era || !(error instanceof ChatError)) throw error;
        if (isGone(error) && this.#canBeginAnew(error)) {
          this.#forgetLost(error);
          continue;
        }
        if (isPermanent(error)) {
          this.#opening = null;
          this.#refused(error, era);
          throw error;
        }
        const ms = Math.max(error.retryAfterMs ?? 0, backoff(tries, OPEN_FIRST_PAUSE_MS, OPEN_LONGEST_PAUSE_MS));
        this.#setLink(error.status === 429 ? 'rate-limited' : 'waiting', ms);
        await this.#pauses.sleep(ms, error.retryAfterMs === null);
        if (era !== this.#era) throw error;
      }
    }
  }

  async #openOnce(era: number): Promise<string> {
    const wanted = this.#identity.id ?? this.#options.sessionId;
    const isStored = this.#identity.id !== null || this.#identity.restore(wanted);
    let websocket: Websocket | undefined;
    if (!isStored) {
      const opened = await this.#api.openSession(this.#wanted);
      this.#check(era);
      this.#identity.take(opened.session_id);
      websocket = opened.websocket;
    }
    const id = this.#identity.id!;
    if (isStored || this.#wanted !== undefined) await this.#restore(id, era);
    else this.#rule = { ...begin(id), awaited: this.#rule.awaited };
    this.#connection.start(websocket);
    return id;
  }

  #wantsNone = false; // the host's session was left for a new one

  get #wanted(): string | undefined {
    return this.#wantsNone ? undefined : this.#options.sessionId;
  }

  async #restore(id: string, era: number): Promise<void> {
    this.#loading = true;
    this.#changed();
    try {
      const { turns } = await this.#api.turns(id, { before: NEWEST, limit: PAGE }, 1);
      this.#check(era);
      const firstOpen = turns.find(({ state }) => state === 'running')?.turn;
      const last = turns.at(-1)?.turn ?? 0;
      this.#rule = { ...begin(id, firstOpen === undefined ? last : firstOpen - 1), awaited: this.#rule.awaited };
      this.#turns.restore(turns);
      for (const { message_id } of turns) this.#outbox.remove(message_id);
      this.#hasOlder = (turns[0]?.turn ?? 1) > 1;
      this.#dispatch({ type: 'history', turns });
    } finally {
      this.#loading = false;
    }
  }

  #check(era: number): void {
    if (era !== this.#era) throw new ChatError(0, 'superseded', 'Another conversation was opened.');
  }

  // A session that is gone is followed by a new one, unless the host named it or has to say who is speaking.
  #canBeginAnew({ status }: ChatError): boolean {
    if (status === 401 && this.#identity.isHosted) return false;
    return this.#identity.id !== null || status === 401;
  }

  #forgetLost({ status }: ChatError): void {
    if (this.#turns.list().some(({ turn }) => turn !== null) || this.#identity.id !== null) {
      this.#notice = { code: 'session-ended', message: null };
    }
    this.#rule = { ...begin(), awaited: this.#rule.awaited };
    this.#turns.forget();
    this.#hasOlder = false;
    this.#identity.forget(status === 401);
    this.#changed();
  }

  // The session or the right to it is gone, and what was said with it; what the
  // server never had goes to the new session, under the same ids.
  async #lost(error: ChatError, era: number): Promise<void> {
    if (era !== this.#era) return;
    if (!this.#canBeginAnew(error)) return this.#refused(error, era);
    const before = this.#notice;
    this.#forgetLost(error);
    this.#leave(error.status === 401, false);
    if (this.#turns.list().length === 0 && before) this.#notice = before;
    await this.#session().catch(() => {});
  }

  #leave(token: boolean, chosen = true): void {
    this.#era += 1;
    this.#opening = null;
    this.#wantsNone ||= chosen;
    this.#connection.stop();
    this.#pauses.hurry();
    this.#rule = { ...begin(), awaited: chosen ? new Set() : this.#rule.awaited };
    this.#hasOlder = false;
    this.#identity.forget(token);
    this.#link = { status: 'idle', retryAt: null };
  }

  #refused(error: ChatError, era: number): void {
    if (era !== this.#era) return;
    if (isGone(error) && this.#canBeginAnew(error)) return void this.#lost(error, era);
    this.#connection.stop();
    if (error.status === 401) return this.#setLink('signed-out');
    this.#notice = { code: 'refused', message: error.message };
    this.#setLink('closed');
  }

  async #ticket(): Promise<Websocket> {
    const { websocket } = await this.#api.ticket(this.#identity.id!);
    return websocket;
  }

  // The server closed on purpose: because the session is gone, or for another reason that may be over.
  async #ended(): Promise<void> {
    const era = this.#era;
    const again = Date.now() - this.#endedAt > ENDED_AGAIN_MS;
    this.#endedAt = Date.now();
    this.#setLink('connecting');
    try {
      await this.#api.turns(this.#identity.id!, { limit: 1 });
      if (era !== this.#era) return;
      if (again) this.#connection.start();
      else this.#setLink('closed');
    } catch (error) {
      if (error instanceof ChatError) this.#refused(error, era);
    }
  }

  // ---- messages

  async #deliver(messageId: string): Promise<{ messageId: string }> {
    this.#given.delete(messageId);
    this.#turns.change(messageId, { state: 'sending', error: null, retryAt: null });
    this.#dispatch({ type: 'sending', messageId });
    for (let tries = 0; ; tries += 1) {
      let era = this.#era;
      try {
        const session = await this.#session();
        era = this.#era;
        await this.#api.send(this.#body(messageId, session), (error, ms) => this.#note(messageId, error, ms));
        return this.#accepted(messageId);
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        const isOurs = this.#turns.get(messageId) !== undefined && !this.#given.has(messageId);
        if (isOurs && tries < 2 && isGone(error) && (era !== this.#era || this.#canBeginAnew(error))) {
          await this.#lost(error, era);
          continue;
        }
        if (isOurs && error.code === 'superseded') continue;
        if (error.status === 401 && era === this.#era) this.#refused(error, era);
        throw this.#unsent(messageId, error);
      }
    }
  }

  #body(messageId: string, session_id: string) {
    const { message, documentId, provider } = this.#known(messageId);
    return {
      message: message ?? '',
      message_id: messageId,
      session_id,
      ...(documentId !== null && { context: { document_id: documentId } }),
      ...(provider !== null && { provider }),
    };
  }

  #accepted(messageId: string): { messageId: string } {
    this.#limitedUntil = 0;
    this.#outbox.remove(messageId);
    if (this.#turns.get(messageId)?.state === 'sending') {
      this.#turns.change(messageId, { state: 'waiting', error: null, retryAt: null });
    }
    this.#changed();
    return { messageId };
  }

  #unsent(messageId: string, error: ChatError): ChatError {
    this.#limitedUntil = 0;
    const turn = this.#turns.get(messageId);
    // A frame may have shown meanwhile that the server has it.
    if (turn?.state === 'sending') {
      const { code, message, retryAfterMs } = error;
      const retryAt = retryAfterMs === null ? null : Date.now() + retryAfterMs;
      this.#turns.change(messageId, { state: 'failed', error: { code, message }, retryAt });
      this.#dispatch({ type: 'unsent', messageId });
    }
    this.#changed();
    return error;
  }

  #note(messageId: string, { status, code, message }: ChatError, ms: number): boolean {
    const turn = this.#turns.get(messageId);
    if (this.#given.has(messageId) || !turn) return false;
    if (turn.state === 'sending') this.#turns.change(messageId, { error: { code, message }, retryAt: Date.now() + ms });
    this.#limitedUntil = status === 429 ? Date.now() + ms : 0;
    this.#changed();
    return true;
  }

  // What a reload interrupted is sent again: the same id makes that harmless.
  #resendAll(): void {
    for (const { messageId, message, documentId, provider, at } of this.#outbox.all()) {
      if (this.#turns.get(messageId)) continue;
      this.#turns.change(messageId, { message, documentId, provider, createdAt: new Date(at).toISOString(), state: 'failed' });
      if (Date.now() - at < RESEND_MS) this.#deliver(messageId).catch(() => {});
    }
    this.#changed();
  }

  #known(messageId: string): TurnView {
    const turn = this.#turns.get(messageId);
    if (!turn) throw new ChatError(0, 'not_found', `There is no message "${messageId}".`, { field: 'messageId' });
    return turn;
  }

  async #older(): Promise<void> {
    const oldest = this.#turns.list()[0]?.turn;
    const id = this.#identity.id;
    if (!this.#hasOlder || id === null || oldest == null) return;
    const era = this.#era;
    const { turns } = await this.#api.turns(id, { before: oldest, limit: PAGE });
    if (era !== this.#era) return;
    this.#turns.restore(turns);
    this.#hasOlder = turns.length > 0 && turns[0]!.turn > this.#rule.first;
    this.#changed();
  }

  // ---- the client rule

  #receive(frame: Frame): void {
    if (frame.type === 'CUSTOM' && frame.name === 'chat.error') {
      const { code } = (frame.value ?? {}) as { code?: string };
      if (code === 'not_found') void this.#lost(new ChatError(404, code, ''), this.#era);
      return;
    }
    this.#dispatch({ type: 'frame', frame });
  }

  #dispatch(happening: Happening): void {
    const { state, actions } = reduce(this.#rule, { ...happening, now: performance.now() } as Input);
    this.#rule = state;
    if (happening.type === 'history') this.#turns.learn(happening.turns);
    if (happening.type !== 'tick' || actions.length > 0) {
      for (const action of actions) this.#show(action);
      for (const turn of state.turns.values()) this.#turns.advance(turn);
      this.#changed();
      for (const action of actions) this.#perform(action);
    }
    void this.#learnMissing();
  }

  #show(action: Action): void {
    if (action.type === 'forget') {
      this.#turns.forget();
      this.#hasOlder = false;
    }
    if (action.type === 'final') {
      this.#turns.finish(action.turn, action.turn.final!);
      if (action.turn.runId !== null) this.#outbox.remove(action.turn.runId);
    }
  }

  #perform(action: Action): void {
    if (action.type === 'resume') this.#connection.send({ type: 'resume', after: action.after });
    if (action.type === 'fetch') void this.#fetch(action.after);
    if (action.type === 'event') for (const listener of this.#eventListeners) call(() => listener(action.event));
  }

  async #fetch(after: number): Promise<void> {
    const era = this.#era;
    const { born } = this.#rule;
    const id = this.#identity.id;
    if (id === null) return;
    try {
      const { turns } = await this.#api.turns(id, { after }, 1);
      // An answer from before the session began anew tells of turns that are no more.
      if (era !== this.#era || (born !== null && born !== this.#rule.born)) return;
      this.#dispatch({ type: 'history', turns });
    } catch (error) {
      // Any other failure is tried again by the client rule's tick.
      if (error instanceof ChatError && error.status === 404) await this.#lost(error, era);
    }
  }

  // Another tab may have sent the message; frames carry only the reply.
  async #learnMissing(): Promise<void> {
    const after = this.#turns.missingAfter();
    const now = performance.now();
    if (after === null || now - this.#learnedAt < LEARN_AGAIN_MS) return;
    this.#learnedAt = now;
    await this.#fetch(after);
  }

  // ---- the world outside

  #watch(): void {
    if (this.#stopWatching) return;
    const slept = sleepDetector();
    const ticking = setInterval(() => {
      if (slept()) this.#wake();
      this.#dispatch({ type: 'tick' });
    }, TICK_MS);
    const stop = watchPresence(
      () => this.#changed(),
      () => this.#wake(),
    );
    this.#stopWatching = () => {
      clearInterval(ticking);
      stop();
    };
  }

  #wake(): void {
    this.#pauses.hurry();
    this.#connection.wake();
    this.#dispatch({ type: 'woken' });
  }

  #connectionState(): ConnectionState {
    const { status } = this.#link;
    if (status !== 'idle' && status !== 'signed-out' && isOffline()) return { status: 'offline', retryAt: null };
    if (this.#limitedUntil > Date.now()) return { status: 'rate-limited', retryAt: this.#limitedUntil };
    return this.#link;
  }

  #setLink(status: ConnectionState['status'], ms: number | null = null): void {
    this.#link = { status, retryAt: ms === null ? null : Date.now() + ms };
    this.#changed();
  }

  #changed(): void {
    this.#state = null;
    for (const listener of this.#listeners) call(listener);
  }
}

function isGone({ status }: ChatError): boolean {
  return status === 401 || status === 404;
}

function isUnderWay({ state }: TurnView): boolean {
  return state === 'sending' || state === 'waiting' || state === 'running';
}

// A listener that fails must not stop the client; the page learns of it as of any other error.
function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function baseOf(apiUrl: string): URL {
  const address = apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`;
  try {
    return new URL(address === '/' && apiUrl === '' ? './' : address, globalThis.document?.baseURI);
  } catch {
    throw new TypeError(`apiUrl is not an address: "${apiUrl}"`);
  }
}
