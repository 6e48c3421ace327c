/**
 * A WebSocket that reconnects until it is stopped.
 *
 * Every attempt uses a new ticket. A browser reports a rejected upgrade only as close code 1006,
 * the same as a lost network, so the client cannot know whether a ticket was used up. Reusing it
 * could fail forever.
 */
import { ChatError, isPermanent } from './error.js';
import { retryDelay } from './sleep.js';
import type { ConnectionStatus } from './types.js';
import { type Frame, parseFrame, type SocketTicket } from './wire.js';

const NO_ANSWER_CODE = 4000; // never sent by the server: the socket looked open but was dead
// The server closes with 1000 also when the session was deleted; asking for the next ticket shows.
const RECONNECT_CODES = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, NO_ANSWER_CODE]);
const FIRST_DELAY_MS = 400;
const MAX_DELAY_MS = 20_000;
const ANSWER_TIMEOUT_MS = 12_000;

/** Callbacks of a connection. */
export interface ConnectionEvents {
  opened(): void;
  frame(frame: Frame): void;
  closed(): void;
  /**
   * The status has changed; `ms` is the delay until the next attempt. It becomes `open` only with
   * the first `chat.resumed`: an open socket alone does not prove that the server is there.
   */
  link(status: ConnectionStatus, ms?: number): void;
  /** A ticket was refused for good; there will be no further attempt. */
  refused(error: ChatError): void;
}

/** See `createConnection`. */
export interface Connection {
  /** Connects, with the given ticket or a new one. */
  start(offered?: SocketTicket): void;
  stop(): void;
  /** Ends the delay before the next attempt, if there is one. */
  wake(): void;
  send(frame: unknown): void;
}

/** Creates a connection, initially stopped. */
export function createConnection(
  getTicket: () => Promise<SocketTicket>,
  Socket: typeof WebSocket,
  on: ConnectionEvents,
): Connection {
  let socket: WebSocket | null = null;
  let failures = 0;
  let blocked = 0; // how often in a row a socket failed although the ticket for it came over HTTP
  let timer: ReturnType<typeof setTimeout> | undefined;
  let deadline: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0; // changes with every start and stop, so that an outdated await can tell

  async function connect(offered?: SocketTicket): Promise<void> {
    const mine = (attempt += 1);
    clearTimeout(timer);
    timer = undefined;
    on.link(blocked > 1 ? 'polling' : 'connecting');
    try {
      const { url, ticket } = offered ?? (await getTicket());
      if (mine === attempt) open(`${url}?ticket=${encodeURIComponent(ticket)}`);
    } catch (error) {
      if (mine !== attempt) return;
      const failure = error instanceof ChatError ? error : null;
      if (failure && isPermanent(failure)) giveUp(() => on.refused(failure));
      else reconnect(failure);
    }
  }

  function open(url: string): void {
    const opened = new Socket(url);
    socket = opened;
    expectAnswer();
    opened.onopen = () => opened === socket && on.opened();
    opened.onmessage = ({ data }) => {
      if (opened === socket) receive(data);
    };
    opened.onclose = ({ code }) => opened === socket && ended(code);
  }

  function receive(data: unknown): void {
    clearTimeout(deadline);
    deadline = undefined;
    const frame = parseFrame(data);
    if (frame === null) return;
    if (frame.type === 'CUSTOM' && frame.name === 'chat.resumed') {
      failures = blocked = 0;
      on.link('open');
    }
    on.frame(frame);
  }

  function ended(code: number): void {
    drop();
    if (RECONNECT_CODES.has(code)) reconnect(null);
    else giveUp(() => on.link('closed'));
  }

  function reconnect(error: ChatError | null): void {
    const ms = retryDelay(error, failures, FIRST_DELAY_MS, MAX_DELAY_MS);
    failures += 1;
    blocked = error ? 0 : blocked + 1;
    clearTimeout(timer);
    timer = setTimeout(connect, ms);
    if (error?.status === 429) on.link('rate-limited', ms);
    else on.link(blocked > 1 ? 'polling' : 'waiting', ms);
  }

  function drop(): void {
    clearTimeout(deadline);
    deadline = undefined;
    const old = socket;
    socket = null;
    if (old === null) return;
    old.close();
    on.closed();
  }

  function giveUp(tell: () => void): void {
    attempt += 1;
    clearTimeout(timer);
    timer = undefined;
    tell();
  }

  // When the network dies silently, the browser keeps the socket open for minutes. Every question
  // that is sent therefore has to be followed by some frame in time. `??=` keeps the deadline of
  // the first unanswered question: asking again must not postpone it.
  function expectAnswer(): void {
    deadline ??= setTimeout(() => ended(NO_ANSWER_CODE), ANSWER_TIMEOUT_MS);
  }

  return {
    start(offered) {
      drop();
      failures = 0;
      void connect(offered);
    },
    stop() {
      giveUp(drop);
    },
    wake() {
      if (socket !== null || timer === undefined) return;
      failures = 0;
      void connect();
    },
    send(frame) {
      if (socket?.readyState !== 1) return;
      socket.send(JSON.stringify(frame));
      expectAnswer();
    },
  };
}
