import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { ApiError } from '../page/api.js';
import { createConnection } from '../page/connection.js';
import { resumed } from './recordings.js';

const RESUMED = JSON.stringify(resumed());

/** A connection over sockets that the test plays, with tickets t1, t2, … */
function played({ tickets = (n) => `t${n}` } = {}) {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  const sockets = [];
  const seen = [];
  let asked = 0;
  class Socket {
    readyState = 1;
    sent = [];
    constructor(url) {
      this.url = url;
      sockets.push(this);
    }
    send(text) {
      this.sent.push(text);
    }
    close() {}
  }
  const connection = createConnection({
    WebSocket: Socket,
    random: () => 1,
    getTicket: async () => ({ url: 'ws://host/ws', ticket: await tickets((asked += 1)) }),
    on: {
      opened: () => seen.push('opened'),
      closed: () => seen.push('closed'),
      frame: ({ type }) => seen.push(type),
      status: (phase, ms) => seen.push(ms === undefined ? phase : `${phase} ${ms}`),
      refused: ({ status }) => seen.push(`refused ${status}`),
    },
  });
  const settle = async (ms = 0) => {
    mock.timers.tick(ms);
    await new Promise(setImmediate);
  };
  return { connection, sockets, seen, settle };
}

describe('a connection', () => {
  it('opens with a quoted ticket and tells what comes', async () => {
    const { connection, sockets, seen } = played();
    await connection.start({ url: 'ws://host/ws', ticket: 'a+b/c' });
    assert.equal(sockets[0].url, 'ws://host/ws?ticket=a%2Bb%2Fc');
    sockets[0].onopen();
    sockets[0].onmessage({ data: RESUMED });
    sockets[0].onmessage({ data: 'garbage' });
    assert.deepEqual(seen, ['connecting', 'opened', 'open', 'CUSTOM']);
  });

  for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 1015]) {
    it(`is opened again after ${code}, with a ticket of its own`, async () => {
      const { connection, sockets, settle } = played();
      await connection.start();
      sockets[0].onclose({ code });
      await settle(400);
      assert.deepEqual(sockets.map(({ url }) => url), ['ws://host/ws?ticket=t1', 'ws://host/ws?ticket=t2']);
    });
  }

  it('stays closed after any other code', async () => {
    const { connection, sockets, seen, settle } = played();
    await connection.start();
    sockets[0].onclose({ code: 1000 });
    await settle(60_000);
    assert.equal(sockets.length, 1);
    assert.equal(seen.at(-1), 'closed');
  });

  it('waits longer after each failure, until a resume was answered', async () => {
    const { connection, sockets, seen, settle } = played();
    await connection.start();
    for (const wait of [400, 800, 1600]) {
      sockets.at(-1).onclose({ code: 1006 });
      await settle(wait);
    }
    sockets.at(-1).onopen();
    sockets.at(-1).onmessage({ data: RESUMED });
    sockets.at(-1).onclose({ code: 1006 });
    assert.deepEqual(seen.filter((what) => what.startsWith('waiting')), ['waiting 400', 'waiting 800', 'waiting 1600', 'waiting 400']);
  });

  it('waits as long as the server says before it asks for a ticket again', async () => {
    const answers = [new ApiError(429, null, 9000), 't2'];
    const { connection, sockets, settle } = played({
      tickets: async () => {
        const answer = answers.shift();
        if (typeof answer === 'string') return answer;
        throw answer;
      },
    });
    await connection.start();
    await settle(8999);
    assert.equal(sockets.length, 0);
    await settle(1);
    assert.equal(sockets.length, 1);
  });

  it('gives up when the server refuses a ticket', async () => {
    const refuse = () => Promise.reject(new ApiError(404, null, null));
    const { connection, seen, settle } = played({ tickets: refuse });
    await connection.start();
    await settle(60_000);
    assert.deepEqual(seen, ['connecting', 'refused 404']);
  });

  it('is opened again when nobody answers on it', async () => {
    const { connection, sockets, settle } = played();
    await connection.start();
    sockets[0].onopen();
    sockets[0].onmessage({ data: RESUMED });
    await settle(60_000);
    assert.equal(sockets.length, 1);
    connection.send({ type: 'resume', after: 0 });
    await settle(12_000);
    await settle(400);
    assert.equal(sockets.length, 2);
  });

  it('is tried at once when the network is back, and hears nothing of a socket that it left', async () => {
    const { connection, sockets, seen, settle } = played();
    await connection.start();
    sockets[0].onclose({ code: 1006 });
    connection.wake();
    await settle();
    assert.equal(sockets.length, 2);
    const before = seen.length;
    sockets[0].onmessage({ data: RESUMED });
    sockets[0].onclose({ code: 1006 });
    assert.equal(seen.length, before);
  });
});
