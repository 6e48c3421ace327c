import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ChatClient, type ChatOptions, createChatClient } from '../../src/core/index.js';
import type { ChatStorage, TurnView } from '../../src/core/types.js';
import { FakeServer, type FakeSocket, memoryStorage, problem } from '../support/fake-server.js';
import {
  cited,
  delta,
  opened,
  passages,
  resumed,
  started,
  stored,
  withheld,
} from '../support/frames.js';

let server: FakeServer;
let clients: ChatClient[];

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  clients = [];
});

afterEach(() => {
  for (const client of clients) client.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function make(storage: ChatStorage | null = null, more: Partial<ChatOptions> = {}): ChatClient {
  const client = createChatClient(server.options(storage, more));
  clients.push(client);
  return client;
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const only = (client: ChatClient): TurnView => client.getState().turns.at(-1)!;
const status = (client: ChatClient) => client.getState().connection.status;

async function open(
  storage: ChatStorage | null = null,
  more: Partial<ChatOptions> = {},
): Promise<ChatClient> {
  const client = make(storage, more);
  await client.connect();
  await settle();
  return client;
}

describe('a message', () => {
  it('is shown at once, accepted, answered and final', async () => {
    const client = await open();
    expect(status(client)).toBe('open');
    const sent = client.send('Hello', { messageId: 'm1' });
    expect([only(client).state, only(client).message]).toEqual(['sending', 'Hello']);
    await sent;
    expect(only(client).state).toBe('waiting');
    server.push(started('m1', 1), opened('m1', 1), delta('m1', 1, 'Per', 0));
    expect([only(client).state, only(client).text, client.getState().running]).toEqual([
      'running',
      'Per',
      true,
    ]);
    server.answer('s1', 'm1', 'Period 3');
    expect(only(client)).toMatchObject({
      state: 'done',
      kind: 'reply',
      text: 'Period 3',
      model: 'a-model',
      costMicroUsd: 123,
    });
    expect(client.getState().running).toBe(false);
  });

  it('has its sources in the state, and their passages on demand', async () => {
    const client = await open();
    await client.send('Phones?', { messageId: 'm1' });
    const text = 'At home [1]';
    server.push(started('m1', 1), passages(1), opened('m1', 1), delta('m1', 1, text, 0));
    expect(only(client)).toMatchObject({ passages: [{ number: 1, documentId: 'handbook' }] });
    server.push(cited('m1', 1, text));
    const [citation] = only(client).citations;
    expect(citation).toMatchObject({ number: 1, offset: 8, quote: 'Phones stay at home' });
    expect(only(client).grounding).toBe('cited');
    expect(await client.passage(citation!)).toMatchObject({ text: 'Phones' });
    expect(server.paths().at(-1)).toBe(
      `GET documents/handbook/passages/3?version=${'ab'.repeat(32)}`,
    );
  });

  it('opens the session by itself', async () => {
    const client = make();
    await client.send('Hello', { messageId: 'm1' });
    expect(server.paths()).toEqual(['POST sessions', 'POST chat']);
    expect(server.calls[1]).toMatchObject({
      key: 'm1',
      token: 'Bearer yogi1.s1.x',
      body: { message: 'Hello', session_id: 's1' },
    });
  });

  it('is tried again under its id while the network is away', async () => {
    const client = await open();
    for (let i = 0; i < 3; i += 1) server.failNext(/POST chat/, 'unreachable');
    const sent = client.send('Hello', { messageId: 'm1' });
    await settle();
    expect(only(client)).toMatchObject({ state: 'sending', error: { code: 'unreachable' } });
    await vi.advanceTimersByTimeAsync(10_000);
    await sent;
    expect(server.calls.filter(({ key }) => key === 'm1')).toHaveLength(4);
    expect(only(client)).toMatchObject({ state: 'waiting', error: null });
  });

  it('waits as long as the server asks, and the state says so', async () => {
    const client = await open();
    server.failNext(/POST chat/, problem(429, 'rate_limited', { retryAfter: 7 }));
    const sent = client.send('Hello');
    await settle();
    expect(client.getState().connection).toEqual({
      status: 'rate-limited',
      retryAt: Date.now() + 7000,
    });
    await vi.advanceTimersByTimeAsync(6_900);
    expect(only(client).state).toBe('sending');
    await vi.advanceTimersByTimeAsync(200);
    await sent;
    expect(status(client)).toBe('open');
  });

  it('that the server refuses fails with its words, and can be taken back', async () => {
    const client = await open();
    server.failNext(
      /POST chat/,
      problem(400, 'invalid_request', { detail: 'message is too long.' }),
    );
    await expect(client.send('Hello', { messageId: 'm1' })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
    expect(only(client)).toMatchObject({
      state: 'failed',
      error: { message: 'message is too long.' },
    });
    expect(client.discard('m1')).toBe('Hello');
    expect(client.getState().turns).toEqual([]);
  });

  it('that failed is sent again under its old id', async () => {
    const client = await open();
    server.failNext(/POST chat/, problem(400, 'invalid_request'));
    await client.send('Hello', { messageId: 'm1' }).catch(() => {});
    await client.resend('m1');
    expect(only(client)).toMatchObject({ messageId: 'm1', state: 'waiting', error: null });
  });

  it('that is stopped while it waits to be sent is not sent', async () => {
    const client = await open();
    server.failNext(/POST chat/, 'unreachable');
    const sent = client.send('Hello', { messageId: 'm1' });
    const refused = expect(sent).rejects.toMatchObject({ code: 'unreachable' });
    await settle();
    await client.stop();
    await settle();
    await refused;
    expect(only(client).state).toBe('failed');
    expect(server.paths().filter((path) => path === 'POST chat')).toHaveLength(1);
  });

  it('is asked again as a new message', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1', documentId: 'd1' });
    const { messageId } = await client.regenerate('m1');
    expect(messageId).not.toBe('m1');
    expect(server.calls.at(-1)!.body).toMatchObject({
      message: 'Hello',
      context: { document_id: 'd1' },
    });
  });

  it('of which nothing is known is named in the error', async () => {
    const client = await open();
    await expect(client.resend('nope')).rejects.toThrow('There is no message "nope".');
  });
});

describe('a reply', () => {
  it('is stopped by its message', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1' });
    await client.stop();
    expect(server.calls.at(-1)).toMatchObject({
      path: 'sessions/s1/stop',
      body: { message_id: 'm1' },
    });
  });

  it('that is too large for a frame is fetched', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1' });
    server.sessions.get('s1')![0] = stored('m1', 1, 'long');
    server.push(withheld('m1', 1));
    await settle();
    expect(only(client)).toMatchObject({ state: 'done', text: 'long' });
  });

  it('is rated with a comment', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    await client.feedback(1, 'down', 'Wrong year.');
    expect(server.calls.at(-1)).toMatchObject({
      path: 'sessions/s1/turns/1/feedback',
      body: { rating: 'down', comment: 'Wrong year.' },
    });
    expect(only(client).feedback).toBe('down');
  });

  it('says what became of its document, which only the history knows', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1', documentId: 'd1' });
    server.answer('s1', 'm1', 'Hi');
    server.sessions.get('s1')![0] = { ...stored('m1', 1, 'Hi'), context: 'unavailable' };
    await settle();
    expect(only(client).context).toBe('unavailable');
  });

  it('leaves the turns that did not change as they are', async () => {
    const client = await open();
    await client.send('One', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    const [first] = client.getState().turns;
    await client.send('Two', { messageId: 'm2' });
    server.push(started('m2', 2), delta('m2', 2, 'H', 0));
    expect(client.getState().turns[0]).toBe(first);
  });
});

describe('after a reload', () => {
  it('the conversation is there, and what is running goes on', async () => {
    const storage = memoryStorage();
    const before = await open(storage);
    await before.send('One', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    await before.send('Two', { messageId: 'm2' });
    before.close();
    const client = await open(storage);
    expect(
      client.getState().turns.map(({ message, state, text }) => [message, state, text]),
    ).toEqual([
      ['One', 'done', 'Hi'],
      ['Two', 'running', ''],
    ]);
    expect(server.socket.sent).toEqual([{ type: 'resume', after: 1 }]);
    server.answer('s1', 'm2', 'Bye');
    expect(only(client).text).toBe('Bye');
  });

  it('a message that had not arrived is sent again under its id', async () => {
    const storage = memoryStorage();
    const before = await open(storage);
    server.failNext(/POST chat/, 'unreachable');
    before.send('Hello', { messageId: 'm1' }).catch(() => {});
    await settle();
    before.close();
    const client = await open(storage);
    expect(server.sessions.get('s1')!.map(({ message_id }) => message_id)).toEqual(['m1']);
    expect(only(client)).toMatchObject({ messageId: 'm1', message: 'Hello' });
  });

  it('older turns are read page by page', async () => {
    const storage = memoryStorage();
    (await open(storage)).close();
    const turns = Array.from({ length: 120 }, (_, i) =>
      stored(`m${i + 1}`, i + 1, `reply ${i + 1}`),
    );
    server.sessions.set('s1', turns);
    const client = await open(storage);
    const numbers = () => client.getState().turns.map(({ turn }) => turn);
    expect([numbers()[0], numbers().length, client.getState().hasOlder]).toEqual([71, 50, true]);
    await Promise.all([client.loadOlder(), client.loadOlder()]);
    expect([numbers()[0], numbers().length]).toEqual([21, 100]);
    await client.loadOlder();
    expect([numbers()[0], numbers().length, client.getState().hasOlder]).toEqual([1, 120, false]);
  });
});

describe('a session', () => {
  it('whose token has expired is replaced by a new one with the unsent messages', async () => {
    const storage = memoryStorage();
    const client = await open(storage);
    await client.send('One', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    server.faults.push(({ token }) =>
      token === 'Bearer yogi1.s1.x' ? problem(401, 'unauthorized') : undefined,
    );
    await client.send('Two', { messageId: 'm2' });
    expect(client.getState().notice).toEqual({ code: 'session-ended', message: null });
    expect(client.getState().turns.map(({ messageId }) => messageId)).toEqual(['m2']);
    expect(
      server.sessions.get(client.getState().sessionId!)!.map(({ message_id }) => message_id),
    ).toEqual(['m2']);
    client.dismissNotice();
    expect(client.getState().notice).toBeNull();
  });

  it('that was deleted elsewhere is followed by a new one', async () => {
    const client = await open(memoryStorage());
    await client.send('One', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    server.sessions.delete('s1');
    server.push({
      type: 'CUSTOM',
      name: 'chat.error',
      value: { code: 'not_found', message: 'gone' },
    });
    server.socket.drop(1000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(client.getState()).toMatchObject({
      notice: { code: 'session-ended' },
      turns: [],
      connection: { status: 'open' },
    });
  });

  it('that was reset is loaded from its start', async () => {
    const client = await open();
    await client.send('One', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    server.sessions.set('s1', []);
    server.push(resumed(1, 1_900_000_000_000));
    expect(client.getState().turns).toEqual([]);
    expect(server.socket.sent.at(-1)).toEqual({ type: 'resume', after: 0 });
  });

  it('can be left for a new one, and what was under way with it', async () => {
    const client = await open(memoryStorage());
    server.failNext(/POST chat/, 'unreachable');
    const sent = expect(client.send('One')).rejects.toMatchObject({ name: 'ChatError' });
    await settle();
    await client.newSession();
    await sent;
    await settle();
    expect(client.getState()).toMatchObject({
      turns: [],
      notice: null,
      connection: { status: 'open' },
    });
    expect(client.getState().sessionId).not.toBe('s1');
  });

  it('is deleted on the server too', async () => {
    const client = await open();
    await client.deleteSession();
    expect(server.paths()).toContain('DELETE sessions/s1');
    expect(client.getState().sessionId).not.toBe('s1');
  });

  it('shows what another tab has sent', async () => {
    const storage = memoryStorage();
    const one = await open(storage);
    const two = await open(storage);
    await one.send('Hello', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    await settle();
    expect(only(two)).toMatchObject({ message: 'Hello', text: 'Hi', state: 'done' });
  });

  it('of the host keeps its id', async () => {
    const client = await open(null, { sessionId: 'class-7b' });
    expect([client.getState().sessionId, server.calls[0]!.body]).toEqual([
      'class-7b',
      { session_id: 'class-7b' },
    ]);
  });

  it('that cannot be opened yet is tried again', async () => {
    server.failNext(/POST sessions/, problem(503, 'unavailable', { retryAfter: 3 }));
    const client = make();
    const connected = client.connect();
    await settle();
    expect(status(client)).toBe('waiting');
    await vi.advanceTimersByTimeAsync(3_000);
    await connected;
    expect(client.getState().sessionId).toBe('s1');
  });

  it('that the server refuses is a notice, and connect() tries again', async () => {
    server.failNext(
      /POST sessions/,
      problem(400, 'invalid_request', { detail: 'session_id is bad.' }),
    );
    const client = make();
    await expect(client.connect()).rejects.toMatchObject({ status: 400 });
    expect(client.getState()).toMatchObject({
      connection: { status: 'closed' },
      notice: { code: 'refused', message: 'session_id is bad.' },
    });
    await client.connect();
    await settle();
    expect(status(client)).toBe('open');
  });
});

describe("a host's token", () => {
  it('is asked for again when it was refused', async () => {
    let token = 'old';
    const client = make(null, { token: (refresh) => (refresh ? (token = 'new') : token) });
    server.faults.push((call) =>
      call.token === 'Bearer old' ? problem(401, 'unauthorized') : undefined,
    );
    await client.connect();
    expect(server.calls.map(({ token }) => token)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('that is missing signs the user out, until connect()', async () => {
    let token: string | undefined;
    const client = make(null, { token: () => token });
    await expect(client.connect()).rejects.toMatchObject({ status: 401 });
    expect([status(client), server.calls]).toEqual(['signed-out', []]);
    token = 'a';
    await client.connect();
    await settle();
    expect(status(client)).toBe('open');
  });

  it('that is refused for good signs the user out and keeps what is shown', async () => {
    const client = await open(null, { token: () => 'a' });
    await client.send('One', { messageId: 'm1' });
    server.answer('s1', 'm1', 'Hi');
    server.faults.push(() => problem(401, 'unauthorized'));
    await expect(client.send('Two')).rejects.toMatchObject({ status: 401 });
    expect(status(client)).toBe('signed-out');
    expect(client.getState().turns.map(({ state }) => state)).toEqual(['done', 'failed']);
  });
});

describe('the connection', () => {
  it('comes back with a new ticket, and heals what was missed', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1' });
    const [first] = server.sockets;
    first!.drop(1006);
    expect(status(client)).toBe('waiting');
    server.answer('s1', 'm1', 'Hi');
    await vi.advanceTimersByTimeAsync(500);
    expect(server.socket.url).not.toBe(first!.url);
    expect(only(client).text).toBe('Hi');
  });

  it('that is blocked is replaced by long polls, until a socket opens', async () => {
    const drop = () => queueMicrotask(() => server.socket.drop(1006));
    let isBlocked = true;
    const options = server.options();
    class Socket extends (options.WebSocket as unknown as typeof FakeSocket) {
      constructor(url: string) {
        super(url, server);
        if (!isBlocked) return;
        this.readyState = 2;
        drop();
      }
    }
    const WebSocket = Socket as unknown as typeof globalThis.WebSocket;
    const client = await open(null, { WebSocket });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(status(client)).toBe('polling');
    const idle = server.paths().filter((path) => path.includes('wait=15'));
    await client.send('Hello', { messageId: 'm1' });
    await vi.advanceTimersByTimeAsync(3_000);
    server.answer('s1', 'm1', 'Hi');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(only(client)).toMatchObject({ state: 'done', text: 'Hi' });
    expect(idle).toEqual([]);
    expect(server.paths()).toContain('GET sessions/s1/turns?after=0&wait=15');
    isBlocked = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(status(client)).toBe('open');
    const polls = server.calls.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(server.calls.length).toBe(polls);
  });

  it('that is lost with the server is not taken for blocked', async () => {
    const client = await open();
    server.faults.push(() => 'unreachable');
    server.socket.drop(1006);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(status(client)).toBe('waiting');
  });

  it('that the server ends for good is closed, until connect()', async () => {
    const client = await open();
    server.socket.drop(1008);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([status(client), server.sockets.length]).toEqual(['closed', 1]);
    await client.connect();
    await settle();
    expect(status(client)).toBe('open');
  });

  it('that nobody answers on is dropped', async () => {
    const client = await open();
    await client.send('Hello', { messageId: 'm1' });
    server.socket.send = () => {};
    await vi.advanceTimersByTimeAsync(25_000);
    expect(server.sockets.length).toBeGreaterThan(1);
    expect(status(client)).toBe('open');
  });

  it('is not opened twice by two calls', async () => {
    const client = make();
    await Promise.all([client.connect(), client.connect(), client.send('Hello')]);
    await settle();
    expect([
      server.paths().filter((path) => path === 'POST sessions').length,
      server.sockets.length,
    ]).toEqual([1, 1]);
  });
});

it('a listener that fails does not stop the client', async () => {
  const client = await open();
  const failures: unknown[] = [];
  const note = (error: unknown) => failures.push(error);
  process.once('uncaughtException', note);
  const remove = client.subscribe(() => {
    remove();
    throw new Error('of the host');
  });
  await client.send('Hello');
  expect(only(client).state).toBe('waiting');
});

it('an invalid apiUrl is named in the error', () => {
  expect(() => createChatClient({ apiUrl: 'http://' })).toThrow('apiUrl is not a URL: "http://"');
});
