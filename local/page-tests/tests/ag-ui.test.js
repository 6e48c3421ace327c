// The client that nobody here wrote accepts our stream. `runAgent` checks every
// event against its schemas and verifies their order on the way.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AbstractAgent } from '@ag-ui/client';
import { EventSchemas } from '@ag-ui/core/schemas';
import { from } from 'rxjs';
import { WebSocket } from 'ws';
import { ChatAgent } from '../agent/chat-agent.js';
import { LiveLink, RecordedLink } from '../agent/links.js';
import { startServer } from '../fake/server.js';
import * as frames from './recordings.js';

// What a stub provider is told by the text of the message.
const NORMAL = 'What does class 7B have on Tuesday in period 3?';
const RESTARTED = 'Die once, please [[stub:die-once]]';
const CANCELLED = 'Take your time [[stub:slow]]';
const FAILED = 'Nobody can answer this [[stub:fatal]]';

const LARGEST_FRAME = 28 * 1024;

async function run(agent, id, content, onText = () => {}) {
  const events = [];
  agent.addMessage({ id, role: 'user', content });
  const { result } = await agent.runAgent(
    { runId: id },
    {
      onEvent: ({ event }) => {
        events.push(event);
        if (event.type === 'TEXT_MESSAGE_CONTENT') onText();
      },
    },
  );
  return { result, events, types: events.map(({ type }) => type), replies: agent.messages.filter(({ role }) => role === 'assistant') };
}

const recorded = (frames, history) => run(new ChatAgent({ threadId: 's1', link: new RecordedLink([frames], history) }), 'm1', NORMAL);

describe('a recorded run', () => {
  it('that goes well gives its text once', async () => {
    const { result, types, replies } = await recorded(frames.normal);
    assert.deepEqual(types, ['RUN_STARTED', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'RUN_FINISHED']);
    assert.deepEqual(result, { messageId: 'm1.1', text: 'Period 3 is Science.' });
    assert.deepEqual(replies.map(({ id, content }) => [id, content]), [['m1.1', 'Period 3 is Science.']]);
  });

  it('that is restarted drops the old partial text', async () => {
    const { types, replies } = await recorded(frames.restarted);
    assert.equal(types.filter((type) => type === 'MESSAGES_SNAPSHOT').length, 1);
    assert.ok(types.includes('CUSTOM'));
    assert.deepEqual(replies.map(({ id, content }) => [id, content]), [['m1.2', 'Period 3 is Science.']]);
  });

  it('that is cancelled keeps the text that there was', async () => {
    const { events, replies } = await recorded(frames.cancelled);
    assert.equal(events.at(-1).metadata.finishReason, 'cancelled');
    assert.deepEqual(replies.map(({ content }) => content), ['Period 3']);
  });

  it('that fails ends with its error and without partial text', async () => {
    const { events, replies } = await recorded(frames.fatal);
    assert.equal(events.at(-1).type, 'RUN_ERROR');
    assert.equal(events.at(-1).code, 'provider_unavailable');
    assert.deepEqual(replies, []);
  });

  it('whose reply is too large for a frame is fetched', async () => {
    const large = [frames.resumed(), frames.delta('m1', 1, 'Once upon', 0), frames.withheld('m1', 1)];
    const { result, replies } = await recorded(large, [frames.stored('m1', 1, 'Once upon a time.')]);
    assert.equal(result.text, 'Once upon a time.');
    assert.deepEqual(replies.map(({ content }) => content), ['Once upon a time.']);
  });

  it('gives nothing before the turn before it is final', async () => {
    const early = [frames.resumed(3), frames.delta('m1', 2, 'Two', 0), frames.finished('m1', 2, 'Two'), frames.finished('m0', 1, 'One')];
    const { types, replies } = await recorded(early);
    assert.deepEqual(types, ['RUN_STARTED', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'RUN_FINISHED']);
    assert.deepEqual(replies.map(({ content }) => content), ['Two']);
  });
});

describe("the client's own verification", () => {
  it('is on: the restarted run without the adapter is refused', async () => {
    class Raw extends AbstractAgent {
      run() {
        return from(frames.restarted.slice(1));
      }
    }
    await assert.rejects(run(new Raw({ threadId: 's1' }), 'm1', NORMAL), /RUN_STARTED|TEXT_MESSAGE/);
  });
});

describe('every recorded frame', () => {
  const all = [...frames.normal, ...frames.restarted, ...frames.cancelled, ...frames.fatal, frames.withheld('m1', 1)];
  for (const type of new Set(all.map((frame) => frame.type))) {
    it(`of type ${type} is what the protocol's schemas say, with no field that they strip`, () => {
      for (const frame of all.filter((one) => one.type === type)) assert.deepEqual(EventSchemas.parse(frame), frame);
    });
  }
});

describe(`a run on ${process.env.CHATBOT_URL ?? 'the fake server'}`, { timeout: 60_000 }, () => {
  let server;
  let link;
  let agent;

  before(async () => {
    server = process.env.CHATBOT_URL ? null : await startServer({ pace: 0.1 });
    link = await LiveLink.open({ url: server?.url ?? process.env.CHATBOT_URL, WebSocket });
    agent = new ChatAgent({ threadId: link.sessionId, link });
  });
  after(async () => {
    link?.close();
    await server?.close();
  });

  async function check(id, content, onText) {
    const before = agent.messages.filter(({ role }) => role === 'assistant').length;
    const { events, replies } = await run(agent, id, content, onText);
    const { turns } = await link.api.turns(link.sessionId, 0);
    const kept = turns.find((turn) => turn.message_id === id);
    const fresh = replies.slice(before).map((reply) => reply.content);
    return { last: events.at(-1), types: events.map(({ type }) => type), kept, fresh };
  }

  it('that goes well shows what is stored', async () => {
    const { last, kept, fresh } = await check('live-1', NORMAL);
    assert.equal(last.type, 'RUN_FINISHED');
    assert.equal(kept.kind, 'reply');
    assert.deepEqual(fresh, [kept.text]);
  });

  it('that is restarted shows only what is stored', async () => {
    const { last, types, kept, fresh } = await check('live-2', RESTARTED);
    assert.equal(last.type, 'RUN_FINISHED');
    assert.ok(types.includes('MESSAGES_SNAPSHOT'), 'the reply was restarted after some text');
    assert.deepEqual(fresh, [kept.text]);
  });

  it('that is cancelled shows what is stored', async () => {
    let stopped = null;
    const { last, kept, fresh } = await check('live-3', CANCELLED, () => (stopped ??= link.api.stop(link.sessionId, 'live-3')));
    await stopped;
    assert.equal(last.metadata.finishReason, 'cancelled');
    assert.equal(kept.kind, 'cancelled');
    assert.deepEqual(fresh, kept.text ? [kept.text] : []);
  });

  it('that fails shows its error', async () => {
    const { last, kept, fresh } = await check('live-4', FAILED);
    assert.equal(last.type, 'RUN_ERROR');
    assert.equal(last.code, kept.error.code);
    assert.deepEqual(fresh, []);
  });

  it('is made of frames that the schemas accept whole, each small enough', () => {
    assert.ok(link.frames.some(({ type }) => type === 'RUN_ERROR'));
    for (const frame of link.frames) {
      assert.deepEqual(EventSchemas.parse(frame), frame);
      assert.ok(Buffer.byteLength(JSON.stringify(frame)) <= LARGEST_FRAME);
    }
  });
});
