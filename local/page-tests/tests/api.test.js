import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createApi } from '../page/api.js';

const BUSY = { status: 503, body: { detail: 'The server is busy.' }, headers: { 'Retry-After': '7' } };
const MESSAGE = { message: 'Hi', message_id: 'm1', session_id: 's1' };

/** An API whose server gives `answers` one after the other; null is a lost connection. */
function scripted(...answers) {
  const calls = [];
  const waits = [];
  const values = new Map([['token', 'old']]);
  const api = createApi({
    base: 'http://host/base/',
    storage: { get: (name) => values.get(name) ?? null, set: (name, value) => values.set(name, value) },
    random: () => 1,
    sleep: async (ms) => waits.push(ms),
    fetch: async (url, options) => {
      calls.push({ url: url.href, ...options });
      const answer = answers.shift();
      if (!answer) throw new TypeError('no network');
      return new Response(answer.status === 204 ? null : JSON.stringify(answer.body ?? {}), { status: answer.status, headers: answer.headers });
    },
  });
  return { api, calls, waits, values };
}

describe('a call', () => {
  it('proves who it is, and keeps a new token', async () => {
    const { api, calls, values } = scripted({ status: 202, body: { session_token: 'new' } });
    await api.send(MESSAGE);
    assert.equal(calls[0].url, 'http://host/base/chat');
    assert.equal(calls[0].headers.Authorization, 'Bearer old');
    assert.equal(calls[0].headers['Idempotency-Key'], 'm1');
    assert.equal(values.get('token'), 'new');
  });

  it('quotes the session id and understands an empty answer', async () => {
    const { api, calls } = scripted({ status: 204 });
    assert.equal(await api.rate('a:b', 3, 'up'), null);
    assert.equal(calls[0].url, 'http://host/base/sessions/a%3Ab/turns/3/feedback');
  });
});

describe('a message that was not answered', () => {
  it('is sent again with the same id, no sooner than Retry-After says', async () => {
    const { api, calls, waits } = scripted(null, BUSY, { status: 202 });
    const notes = [];
    await api.send(MESSAGE, (error) => notes.push(error.reason));
    assert.deepEqual(waits, [500, 7000]);
    assert.deepEqual(new Set(calls.map(({ headers }) => headers['Idempotency-Key'])), new Set(['m1']));
    assert.deepEqual(notes, ['The server cannot be reached.', 'The server is busy.']);
  });

  it('is given up after a few attempts', async () => {
    const { api, calls } = scripted();
    await assert.rejects(api.send(MESSAGE), { status: 0 });
    assert.equal(calls.length, 6);
  });

  it('is given up at once when the wait would be long', async () => {
    const { api, calls } = scripted({ ...BUSY, headers: { 'Retry-After': '3600' } });
    await assert.rejects(api.send(MESSAGE), { status: 503, retryAfterMs: 3_600_000 });
    assert.equal(calls.length, 1);
  });
});

for (const status of [400, 401, 404, 409, 413, 415]) {
  it(`an answer of ${status} is not repeated, and is told with its field`, async () => {
    const { api, calls } = scripted({ status, body: { title: 'Invalid', detail: 'It is too long.', field: 'message' } });
    await assert.rejects(api.send(MESSAGE), { status, message: 'It is too long. (message)' });
    assert.equal(calls.length, 1);
  });
}
