/** A server inside the test that implements the contract, with faults on demand. */
import type { ChatOptions, ChatStorage } from '../../src/core/index.js';
import type { Frame, StoredTurn } from '../../src/core/wire.js';
import { finished, opened, resumed, started, stored, delta, status } from './frames.js';

/** A call as the server received it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly key: string | null;
  readonly body: Record<string, unknown>;
}

type Fault = (call: Call) => Response | 'unreachable' | undefined;

export function problem(
  status: number,
  code: string,
  more: { detail?: string; retryAfter?: number } = {},
): Response {
  const body = {
    type: `urn:learning-yogi:chatbot:error:${code}`,
    title: code,
    status,
    detail: more.detail ?? code,
  };
  return Response.json(body, {
    status,
    headers: more.retryAfter === undefined ? {} : { 'Retry-After': String(more.retryAfter) },
  });
}

export class FakeServer {
  readonly calls: Call[] = [];
  readonly sessions = new Map<string, StoredTurn[]>();
  readonly sockets: FakeSocket[] = [];
  readonly faults: Fault[] = [];
  #made = 0;

  /** Responds to the next call that matches with a fault, once. */
  failNext(path: RegExp, fault: Response | 'unreachable'): void {
    let isDone = false;
    this.faults.push((call) => {
      if (isDone || !path.test(`${call.method} ${call.path}`)) return undefined;
      isDone = true;
      return fault;
    });
  }

  options(storage: ChatStorage | null = null, more: Partial<ChatOptions> = {}): ChatOptions {
    const server = this;
    class Socket extends FakeSocket {
      constructor(url: string) {
        super(url, server);
      }
    }
    const WebSocket = Socket as unknown as typeof globalThis.WebSocket;
    return {
      apiUrl: 'http://chat.test/api',
      storage,
      fetch: (...args) => this.#fetch(...args),
      WebSocket,
      ...more,
    };
  }

  /** The most recently opened socket. */
  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  paths(): string[] {
    return this.calls.map(({ method, path }) => `${method} ${path}`);
  }

  /** Streams a reply to a message, and makes it final. */
  answer(session: string, messageId: string, text: string): void {
    const turns = this.sessions.get(session)!;
    const n = turns.findIndex(({ message_id }) => message_id === messageId) + 1;
    this.push(started(messageId, n), opened(messageId, n), status(n), delta(messageId, n, text, 0));
    turns[n - 1] = {
      ...turns[n - 1]!,
      ...stored(messageId, n, text),
      message: turns[n - 1]!.message,
    };
    this.push(finished(messageId, n, text));
  }

  push(...frames: Frame[]): void {
    for (const frame of frames) for (const socket of this.sockets) socket.deliver(frame);
  }

  resume(session: string, after: number): Frame[] {
    const turns = this.sessions.get(session)!;
    const finals = turns.filter(({ turn, state }) => turn > after && state === 'done');
    return [
      resumed(turns.length + 1),
      ...finals.map(({ message_id, turn, text }) => finished(message_id, turn, text ?? '')),
    ];
  }

  async #fetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(String(input));
    const headers = new Headers(init.headers);
    const call: Call = {
      method: init.method ?? 'GET',
      path: url.pathname.replace('/api/', '') + url.search,
      token: headers.get('Authorization'),
      key: headers.get('Idempotency-Key'),
      body: init.body ? JSON.parse(String(init.body)) : {},
    };
    this.calls.push(call);
    for (const fault of this.faults) {
      const answer = fault(call);
      if (answer === 'unreachable') throw new TypeError('network');
      if (answer) return answer;
    }
    return this.#answer(call);
  }

  #answer({ method, path, body, token }: Call): Response {
    const [, id, rest = ''] = /^sessions\/([^/?]+)(.*)$/.exec(path) ?? [];
    if (path === 'sessions')
      return this.#open(String(body.session_id ?? `s${(this.#made += 1)}`), token);
    if (path.startsWith('documents/handbook/passages/3?'))
      return Response.json({ title: 'Student handbook', headings: [], start: 0, text: 'Phones' });
    if (path === 'documents') return Response.json({ documents: [{ id: 'd1', title: 'One' }] });
    if (path === 'chat') return this.#accept(String(body.session_id), body);
    const turns = this.sessions.get(id ?? '');
    if (!turns) return problem(404, 'not_found');
    if (method === 'DELETE') this.sessions.delete(id!);
    if (method === 'DELETE' || rest.endsWith('/feedback'))
      return new Response(null, { status: 204 });
    if (rest === '/stop') return Response.json({}, { status: 202 });
    if (rest === '/tickets')
      return Response.json({ websocket: this.#websocket(id!) }, { status: 201 });
    return Response.json(this.#page(turns, new URLSearchParams(rest.split('?')[1])));
  }

  #open(id: string, token: string | null): Response {
    if (!this.sessions.has(id)) this.sessions.set(id, []);
    const issued = token === null ? { session_token: `yogi1.${id}.x` } : {};
    return Response.json(
      { session_id: id, ...issued, websocket: this.#websocket(id) },
      { status: 201 },
    );
  }

  #accept(session: string, body: Record<string, unknown>): Response {
    const turns = this.sessions.get(session);
    if (!turns) return problem(404, 'not_found');
    const message_id = String(body.message_id);
    if (!turns.some((turn) => turn.message_id === message_id)) {
      const message = String(body.message);
      turns.push({
        turn: turns.length + 1,
        message_id,
        message,
        state: 'running',
        created_at: '2026-01-05T08:00:00Z',
      });
    }
    return Response.json(
      { session_id: session, message_id, websocket: this.#websocket(session) },
      { status: 202 },
    );
  }

  #page(turns: StoredTurn[], query: URLSearchParams) {
    const limit = Number(query.get('limit') ?? 100);
    const before = query.get('before');
    if (before !== null)
      return {
        turns: turns.filter(({ turn }) => turn < Number(before)).slice(-limit),
        running: false,
      };
    return {
      turns: turns.filter(({ turn }) => turn > Number(query.get('after') ?? 0)).slice(0, limit),
      running: false,
    };
  }

  #websocket(session: string) {
    return {
      url: `ws://chat.test/${session}`,
      ticket: `ticket1.${(this.#made += 1)}.x`,
      expires_in: 30,
    };
  }
}

/** A socket whose other end is in the test. */
export class FakeSocket {
  readyState = 0;
  readonly sent: { type: string; after: number }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly session: string;

  constructor(
    readonly url: string,
    private readonly server: FakeServer,
  ) {
    this.session = new URL(url).pathname.slice(1);
    server.sockets.push(this);
    queueMicrotask(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.onopen?.();
    });
  }

  send(data: string): void {
    const frame = JSON.parse(data) as { type: string; after: number };
    this.sent.push(frame);
    queueMicrotask(() => {
      for (const answer of this.server.sessions.has(this.session)
        ? this.server.resume(this.session, frame.after)
        : [])
        this.deliver(answer);
    });
  }

  deliver(frame: Frame): void {
    if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** Closes the socket as the server or the network would. */
  drop(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code });
  }

  close(): void {
    this.readyState = 3;
  }
}

/** Storage in memory with the interface of a browser's. */
export function memoryStorage(): ChatStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
