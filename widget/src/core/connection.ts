/**
 * One WebSocket that is opened again for as long as it is wanted.
 *
 * Each attempt uses a ticket of its own: a refused upgrade shows itself only as code 1006, so a ticket that was tried
 * once is never tried again.
 */
import { ChatError } from './error.js';
import { backoff } from './pause.js';
import type { ConnectionStatus } from './types.js';
import { type Frame, parseFrame, type Websocket } from './wire.js';

// 1000 may mean that the session is gone, which the next ticket finds out.
const RECONNECT_CODES = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015]);
const UNANSWERED = 4000; // our own: the socket looked open but nobody answered
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 20_000;
const ANSWER_MS = 12_000;

/** What the connection tells. */
export interface ConnectionEvents {
  opened(): void;
  frame(frame: Frame): void;
  closed(): void;
  /** How it stands, with the pause until the next attempt; `open` once the server has answered on the socket. */
  link(status: ConnectionStatus, ms?: number): void;
  /** A ticket was refused, and waiting does not cure it. */
  refused(error: ChatError): void;
}

/** A connection; see `createConnection`. */
export interface Connection {
  /** Connects, with a ticket that is at hand or one of its own. */
  start(offered?: Websocket): void;
  stop(): void;
  /** Tries at once if it only waits to do so. */
  wake(): void;
  send(frame: unknown): void;
}

/** Makes a connection that is stopped. */
export function createConnection(
  getTicket: () => Promise<Websocket>,
  Socket: typeof WebSocket,
  on: ConnectionEvents,
): Connection {
  let socket: WebSocket | null = null;
  let attempts = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let deadline: ReturnType<typeof setTimeout> | undefined;
  let wanted = 0; // counts starts and stops, so that an outdated await is seen

  async function connect(offered?: Websocket): Promise<void> {
    const mine = (wanted += 1);
    clearTimeout(timer);
    timer = undefined;
    on.link('connecting');
    try {
      const { url, ticket } = offered ?? (await getTicket());
      if (mine === wanted) open(`${url}?ticket=${encodeURIComponent(ticket)}`);
    } catch (error) {
      if (mine !== wanted) return;
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
      attempts = 0;
      on.link('open');
    }
    on.frame(frame);
  }

  function ended(code: number): void {
    drop();
    if (code === UNANSWERED || RECONNECT_CODES.has(code)) reconnect(null);
    else giveUp(() => on.link('closed'));
  }

  function reconnect(error: ChatError | null): void {
    const ms = Math.max(
      error?.retryAfterMs ?? 0,
      backoff(attempts, FIRST_PAUSE_MS, LONGEST_PAUSE_MS),
    );
    attempts += 1;
    clearTimeout(timer);
    timer = setTimeout(connect, ms);
    on.link(error?.status === 429 ? 'rate-limited' : 'waiting', ms);
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
    wanted += 1;
    clearTimeout(timer);
    timer = undefined;
    tell();
  }

  // A dead network leaves the socket open for minutes; an unanswered question shows it.
  function expectAnswer(): void {
    deadline ??= setTimeout(() => ended(UNANSWERED), ANSWER_MS);
  }

  return {
    start(offered) {
      drop();
      attempts = 0;
      void connect(offered);
    },
    stop() {
      giveUp(drop);
    },
    wake() {
      if (socket !== null || timer === undefined) return;
      attempts = 0;
      void connect();
    },
    send(frame) {
      if (socket?.readyState !== 1) return;
      socket.send(JSON.stringify(frame));
      expectAnswer();
    },
  };
}

/** Tells whether waiting cures nothing. */
export function isPermanent({ status }: ChatError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
